/* revocation.c - judging the certificates of a path, from the leaf up. */
#include "x509/revocation.h"

#include "x509/der.h"
#include "x509/path.h"

static rp_slice staple_of(const rp_staples *staples, const rp_path *path, const rp_certificate *of)
{
    size_t position = (size_t)(of - path->sent);
    if (staples == NULL || position >= staples->count)
        return (rp_slice){NULL, 0};
    return staples->responses[position];
}

/* Both sides are heard: what one calls revoked the other can't make good. */
static rp_standing standing_of(const rp_revocation *revocation, const rp_certificate *certificate,
                               rp_issuer issuer, rp_slice staple, int64_t now)
{
    rp_standing by_list = rp__crls_judge(revocation->crls, certificate, issuer, now);
    if (staple.data == NULL || by_list.kind == RP_STANDING_REVOKED ||
        by_list.kind == RP_STANDING_NO_MEMORY)
        return by_list;
    return rp__ocsp_judge(staple, certificate, issuer, revocation->crls, now);
}

/* unknown: the status where it is. */
static rp_path_failure failure_of(const rp_certificate *certificate, rp_standing standing,
                                  rp_status unknown)
{
    rp_status status = standing.kind == RP_STANDING_REVOKED     ? RP_E_CERT_REVOKED
                       : standing.kind == RP_STANDING_NO_MEMORY ? RP_E_NO_MEMORY
                                                                : unknown;
    return (rp_path_failure){status, certificate, standing.reason, standing.date};
}

/* RP_OK: it may be used. */
static rp_path_failure check(const rp_revocation *revocation, const rp_path *path,
                             const rp_certificate *certificate, const rp_certificate *above,
                             rp_slice staple, int64_t now)
{
    static const rp_path_failure none = {RP_OK, NULL, NULL, 0};
    bool is_leaf = certificate == path->links[0];
    bool has_staple = staple.data != NULL;
    bool is_anchor = rp__slice_equal(certificate->der, path->anchor->certificate.der);
    bool needs_staple = is_leaf && (revocation->require_staple || certificate->must_staple);
    rp_public_key key;
    if (needs_staple && !has_staple)
        return failure_of(certificate,
                          (rp_standing){RP_STANDING_UNKNOWN,
                                        revocation->require_staple
                                            ? "no OCSP response was stapled to it"
                                            : "it must come with a stapled OCSP "
                                              "response, and there was none",
                                        0},
                          RP_E_CERT_STAPLE);
    if (is_anchor && !needs_staple)
        return none;
    (void)rp__public_key_read(&key, above->public_key); /* as has been seen */
    rp_standing standing =
        standing_of(revocation, certificate, (rp_issuer){above, &key}, staple, now);
    bool refused = standing.kind == RP_STANDING_REVOKED || standing.kind == RP_STANDING_NO_MEMORY ||
                   (standing.kind == RP_STANDING_UNKNOWN && (has_staple || revocation->hard));
    /* Where there is a response, it is what is not known. */
    rp_status unknown = has_staple ? RP_E_CERT_STAPLE : RP_E_CERT_STATUS_UNKNOWN;
    return refused ? failure_of(certificate, standing, unknown) : none;
}

bool rp__revocation_check(const rp_revocation *revocation, const rp_path *path,
                          const rp_staples *staples, int64_t now, rp_path_failure *failure)
{
    for (size_t i = 0; i < path->length; i++) {
        const rp_certificate *certificate = path->links[i];
        const rp_certificate *above =
            i + 1 < path->length ? path->links[i + 1] : &path->anchor->certificate;
        *failure =
            check(revocation, path, certificate, above, staple_of(staples, path, certificate), now);
        if (failure->status != RP_OK)
            return false;
    }
    return true;
}

/* failure.c - why a certificate was refused, in an operator's words. */
#include "base/error.h"
#include "x509/path.h"

#include <stdio.h>

#define DATE_TEXT_SIZE 32

/* "2026-01-31", in UTC: the years of four-year cycles that begin in March have the odd day last. */
static void date_text(char text[DATE_TEXT_SIZE], int64_t seconds)
{
    int64_t days =
        (seconds >= 0 ? seconds : seconds - 86399) / 86400 + 719468; /* since 0000-03-01 */
    int64_t cycle = days / 146097, day = days % 146097;              /* of 400 years */
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= year * 365 + year / 4 - year / 100;
    int64_t month = (5 * day + 2) / 153; /* 0: March */
    day -= (153 * month + 2) / 5;
    year += cycle * 400 + (month >= 10 ? 1 : 0);
    month += month >= 10 ? -9 : 3;
    snprintf(text, DATE_TEXT_SIZE, "%04d-%02d-%02d", (int)year, (int)month, (int)day + 1);
}

static void tell_revoked(const rp_path_failure *failure, const char *subject, rp_error *error)
{
    char date[DATE_TEXT_SIZE];
    date_text(date, failure->date);
    if (failure->reason != NULL)
        rp__error_set(error, failure->status, RP_PHASE_HANDSHAKE, "%s was revoked on %s (%s)",
                      subject, date, failure->reason);
    else
        rp__error_set(error, failure->status, RP_PHASE_HANDSHAKE, "%s was revoked on %s", subject,
                      date);
}

static void tell_unknown(const rp_path_failure *failure, const char *subject, rp_error *error)
{
    char date[DATE_TEXT_SIZE] = "";
    if (failure->date != 0)
        date_text(date, failure->date);
    rp__error_set(error, failure->status, RP_PHASE_HANDSHAKE, "%s may be revoked: %s%s", subject,
                  failure->reason, date);
}

static void tell_untrusted(const rp_path *path, const char *peer_text, rp_error *error)
{
    const rp_certificate *last = path->failure.certificate;
    char issuer[RP_DNAME_TEXT_SIZE];
    (void)rp__dname_text(last->issuer, issuer);
    if (last == &path->sent[0] && last->self_issued)
        rp__error_set(error, RP_E_CERT_UNTRUSTED, RP_PHASE_HANDSHAKE,
                      "certificate of %s is self-signed (%s) and not a trusted one", peer_text,
                      issuer);
    else
        rp__error_set(error, RP_E_CERT_UNTRUSTED, RP_PHASE_HANDSHAKE,
                      "certificate of %s is signed by an unknown authority (%s)%s", peer_text,
                      issuer,
                      path->count == 1 ? ", and came without intermediate certificates" : "");
}

void rp__path_failure_tell(const rp_path *path, const char *peer_text, rp_error *error)
{
    const rp_path_failure *failure = &path->failure;
    const rp_certificate *certificate = failure->certificate;
    char subject[RP_ERROR_TEXT_SIZE], name[RP_DNAME_TEXT_SIZE], date[DATE_TEXT_SIZE];
    if (certificate == NULL || certificate == &path->sent[0])
        snprintf(subject, sizeof(subject), "certificate of %s", peer_text);
    else
        snprintf(subject, sizeof(subject), "issuer certificate \"%s\" of %s",
                 rp__dname_text(certificate->subject, name), peer_text);
    switch (failure->status) {
    case RP_E_CERT_UNTRUSTED:
        tell_untrusted(path, peer_text, error);
        break;
    case RP_E_CERT_EXPIRED:
        date_text(date, certificate->not_after);
        rp__error_set(error, failure->status, RP_PHASE_HANDSHAKE, "%s expired on %s", subject,
                      date);
        break;
    case RP_E_CERT_NOT_YET_VALID:
        date_text(date, certificate->not_before);
        rp__error_set(error, failure->status, RP_PHASE_HANDSHAKE, "%s is not valid before %s",
                      subject, date);
        break;
    case RP_E_CERT_REVOKED:
        tell_revoked(failure, subject, error);
        break;
    case RP_E_CERT_STATUS_UNKNOWN:
    case RP_E_CERT_STAPLE:
        tell_unknown(failure, subject, error);
        break;
    case RP_E_NO_MEMORY:
        rp__error_set(error, failure->status, RP_PHASE_HANDSHAKE, "no memory to verify the %s",
                      subject);
        break;
    default:
        rp__error_set(error, failure->status, RP_PHASE_HANDSHAKE, "%s is not valid: %s", subject,
                      failure->reason);
        break;
    }
}

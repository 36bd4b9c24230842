/* fingerprint.c - a SHA-256 over all that decides whom a configuration trusts, who it says that we
 * are, and what it takes. Each part has its size before it, so that no two lists of parts are one
 * text. */
#include "tls/fingerprint.h"

#include "base/word.h"
#include "tls/wolfssl.h"
#include "x509/anchors.h"

#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/sha256.h>

#include <string.h>

typedef struct hasher {
    wc_Sha256 sha;
    bool good;
} hasher;

static void add(hasher *to, const void *bytes, size_t size)
{
    uint8_t head[4];
    rp__word_put(head, (uint32_t)size);
    to->good = to->good && wc_Sha256Update(&to->sha, head, sizeof(head)) == 0 &&
               (size == 0 || wc_Sha256Update(&to->sha, bytes, (word32)size) == 0);
}

/* NULL, the default, is not "". */
static void add_text(hasher *to, const char *text)
{
    uint8_t given = text != NULL;
    add(to, &given, 1);
    add(to, text, given ? strlen(text) : 0);
}

/* A sum of hashes is the same whatever the order: that of a directory's files is chance. */
typedef struct summer {
    uint8_t sum[WC_SHA256_DIGEST_SIZE];
    bool good;
} summer;

static void sum_up(rp_slice der, void *user)
{
    summer *to = user;
    uint8_t digest[WC_SHA256_DIGEST_SIZE];
    unsigned carry = 0;
    if (wc_Sha256Hash(der.data, (word32)der.size, digest) != 0) {
        to->good = false;
        return;
    }
    for (size_t i = 0; i < sizeof(digest); i++) {
        carry += (unsigned)to->sum[i] + digest[i];
        to->sum[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

static void add_anchors(hasher *to, const rp_tls_config *config)
{
    summer anchors = {.good = true};
    for (const rp_anchor *anchor = rp__anchors_first(config->anchors); anchor != NULL;
         anchor = anchor->next)
        sum_up(anchor->certificate.der, &anchors);
    add(to, anchors.sum, sizeof(anchors.sum));
    to->good = to->good && anchors.good;
}

/* A list that is newer may revoke a server whose session is older. */
static void add_revocation(hasher *to, const rp_revocation *revocation)
{
    const uint8_t flags[] = {revocation->on, revocation->hard, revocation->require_staple};
    summer lists = {.good = true};
    rp__crls_each(revocation->crls, sum_up, &lists);
    add(to, flags, sizeof(flags));
    add(to, lists.sum, sizeof(lists.sum));
    to->good = to->good && lists.good;
}

bool rp__fingerprint_make(rp_tls_config *config, const rp_tls_options *options)
{
    hasher to = {.good = true};
    const uint8_t flags[] = {config->accept_any, config->judge != NULL, config->offers_1_2,
                             config->offers_1_3, config->resumption};
    if (wc_InitSha256(&to.sha) != 0)
        return false;
    add(&to, flags, sizeof(flags));
    add_anchors(&to, config);
    add_revocation(&to, &config->revocation);
    add(&to, config->pins, config->pin_count * RP_PIN_BYTES);
    add(&to, config->leaf.data, config->leaf.size);
    add_text(&to, options->tls12_ciphers);
    add_text(&to, options->tls13_ciphers);
    add_text(&to, options->groups);
    to.good = to.good && wc_Sha256Final(&to.sha, config->fingerprint) == 0;
    wc_Sha256Free(&to.sha);
    return to.good;
}

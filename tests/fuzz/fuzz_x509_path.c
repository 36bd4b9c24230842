/* fuzz_x509_path.c - chains that were tampered with: none is valid, unless what was changed is not
 * signed or not needed.
 *
 * Input: a byte that says which chain; a byte that says how many certificates are sent, and a byte
 * for each which; then changes: which of them, where (two bytes), and what is combined with what is
 * there. */
#include "fuzz/support/fuzz.h"
#include "support/chains.h"
#include "x509/der.h"
#include "x509/path.h"
#include "x509/verdicts.h"

#include <stdlib.h>
#include <string.h>

#define CERTIFICATES 6
#define CHANGES_LIMIT 8
#define SENT_LIMIT (RP_CHAIN_LIMIT + 2)

/* Number 0 is the leaf, the last one the anchor. */
static const chain_spec chains[][CERTIFICATES] = {
    {{.subject = "host.test", .issuer = 1, .names = "host.test"},
     {.subject = "One", .issuer = 2, .flags = CHAIN_CA},
     {.subject = "Two", .issuer = 5, .flags = CHAIN_CA},
     {.subject = "One", .issuer = 2, .flags = CHAIN_CA},
     {.subject = "Other", .issuer = -1, .flags = CHAIN_CA},
     {.subject = "Root", .issuer = -1, .flags = CHAIN_CA}},
    {{.subject = "host.test", .issuer = 1, .names = "a.good.test", .purposes = "server"},
     {.subject = "One", .issuer = 2, .flags = CHAIN_CA, .key_number = 100},
     {.subject = "Two", .issuer = 5, .flags = CHAIN_CA, .permitted = "good.test", .path_length = 2},
     {.subject = "One",
      .issuer = 2,
      .flags = CHAIN_CA,
      .key_number = 100,
      .not_after = CHAINS_NOW - 1},
     {.subject = "Evil", .issuer = 5},
     {.subject = "Root", .issuer = -1, .flags = CHAIN_CA}},
    {{.subject = "host.test", .issuer = 1, .key = CHAIN_ED25519},
     {.subject = "One", .issuer = 2, .flags = CHAIN_CA, .key = CHAIN_P384},
     {.subject = "Two", .issuer = 5, .flags = CHAIN_CA, .key = CHAIN_RSA},
     {.subject = "Two", .issuer = 4, .flags = CHAIN_CA, .key = CHAIN_RSA},
     {.subject = "Lost", .issuer = -1, .flags = CHAIN_CA},
     {.subject = "Root", .issuer = -1, .flags = CHAIN_CA, .key = CHAIN_ED25519}},
};
enum { CHAINS = sizeof(chains) / sizeof(chains[0]) };

typedef struct good_chain {
    rp_memory memory;
    rp_slice certificates[CERTIFICATES];
    rp_anchors *anchors;
} good_chain;

static good_chain *good_chains(void)
{
    static good_chain made[CHAINS];
    if (made[0].anchors != NULL)
        return made;
    for (size_t i = 0; i < CHAINS; i++) {
        rp__memory_init(&made[i].memory, (rp_allocator){.resize = NULL});
        chain_make(made[i].certificates, chains[i], CERTIFICATES);
        made[i].anchors = rp__anchors_create(&made[i].memory);
        FUZZ_CHECK(made[i].anchors != NULL);
        FUZZ_CHECK(rp__anchors_add(made[i].anchors, made[i].certificates[CERTIFICATES - 1], NULL) ==
                   RP_OK);
    }
    return made;
}

/* What was signed is one of the chain's own. */
static bool is_untouched(const good_chain *chain, const rp_certificate *link)
{
    for (size_t i = 0; i < CERTIFICATES; i++) {
        rp_certificate own;
        const char *reason;
        FUZZ_CHECK(rp__certificate_read(&own, chain->certificates[i], &reason));
        if (rp__slice_equal(own.signed_part, link->signed_part))
            return true;
    }
    return false;
}

static void check_valid(const good_chain *chain, const rp_path *path)
{
    FUZZ_CHECK(path->length >= 1 && path->length <= RP_PATH_LIMIT);
    FUZZ_CHECK(path->links[0] == &path->sent[0]);
    FUZZ_CHECK(path->anchor == rp__anchors_first(chain->anchors));
    FUZZ_CHECK(path->begins <= CHAINS_NOW && CHAINS_NOW <= path->ends);
    for (size_t i = 0; i < path->length; i++) {
        const rp_certificate *link = path->links[i];
        const rp_certificate *above =
            i + 1 < path->length ? path->links[i + 1] : &path->anchor->certificate;
        FUZZ_CHECK(is_untouched(chain, link));
        FUZZ_CHECK(link->not_before <= CHAINS_NOW && CHAINS_NOW <= link->not_after);
        if (!rp__slice_equal(link->der, above->der)) /* an anchor may stand for itself */
            FUZZ_CHECK(above->is_authority && rp__dname_equal(link->issuer, above->subject));
    }
}

static void check_refused(const rp_path *path)
{
    rp_error error = {.status = RP_OK};
    rp__path_failure_tell(path, "PEER", &error);
    FUZZ_CHECK(error.status == path->failure.status && error.status != RP_OK);
    FUZZ_CHECK(error.status != RP_E_NO_MEMORY);
    FUZZ_CHECK(strstr(error.text, "PEER") != NULL);
    fuzz_feature_text(1, path->failure.reason != NULL ? path->failure.reason : error.text);
}

static void change(uint8_t *bytes, size_t size, fuzz_input *input)
{
    uint32_t at = fuzz_u16(input);
    uint8_t mask = fuzz_byte(input);
    if (size > 0)
        bytes[at % size] ^= mask;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    const good_chain *chain = &good_chains()[fuzz_byte(&input) % CHAINS];
    rp_slice sent[SENT_LIMIT];
    uint8_t *copies[SENT_LIMIT];
    size_t count = fuzz_byte(&input) % (SENT_LIMIT + 1);
    for (size_t i = 0; i < count; i++) {
        sent[i] = chain->certificates[fuzz_byte(&input) % CERTIFICATES];
        sent[i].data = copies[i] = fuzz_copy(sent[i].data, sent[i].size);
    }
    for (int i = 0; i < CHANGES_LIMIT && input.size > 0 && count > 0; i++) {
        size_t which = fuzz_byte(&input) % count;
        change(copies[which], sent[which].size, &input);
    }
    rp_path path;
    rp_path_options options = {
        .anchors = chain->anchors, .purpose = RP_PURPOSE_SERVER, .now = CHAINS_NOW};
    bool valid = rp__path_find(&path, sent, count, &options);
    fuzz_feature(2, valid);
    if (valid)
        check_valid(chain, &path);
    else
        check_refused(&path);
    for (size_t i = 0; i < count; i++)
        free(copies[i]);
    return 0;
}

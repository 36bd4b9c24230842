/* fuzz_decode.c - encoded bodies: what is decoded does not depend on the cuts, and limits hold.
 *
 * The first byte chooses the codings, the second how the input is cut, the third how much is asked
 * for at a time. */
#include "fuzz/support/fuzz.h"

#include "http/decode.h"

#include <string.h>

#define LIMIT ((uint64_t)1 << 17)

static const char *const encodings[] = {"gzip", "deflate",  "br",
                                        "zstd", "gzip, br", "deflate,zstd,gzip"};

typedef struct outcome {
    rp_status status;
    uint64_t size, sum;
} outcome;

static outcome decode(const char *encoding, const uint8_t *data, size_t size, size_t cut,
                      size_t most)
{
    static uint8_t out[16384];
    rp_memory memory;
    rp_codings codings;
    rp_error error;
    rp_header header = {"Content-Encoding", encoding};
    rp_decode_limits limits = {LIMIT, 0};
    outcome o = {RP_OK, 0, 14695981039346656037u};
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    rp__codings_read(&codings, &header, 1);
    rp_decode_budget budget = {0, SIZE_MAX};
    rp_decoder *decoder = NULL;
    FUZZ_CHECK(rp__decoder_create(&decoder, &memory, &budget, &codings, &limits, &error) == RP_OK);
    for (size_t at = 0; at < size && o.status == RP_OK; at += cut) {
        rp_slice in = {data + at, size - at < cut ? size - at : cut};
        size_t got = 1;
        while (got > 0 && o.status == RP_OK) {
            o.status = rp__decoder_pull(decoder, &in, out, most, &got, &error);
            for (size_t i = 0; o.status == RP_OK && i < got; i++)
                o.sum = (o.sum ^ out[i]) * 1099511628211u;
            o.size += o.status == RP_OK ? got : 0;
        }
    }
    if (o.status == RP_OK)
        o.status = rp__decoder_finish(decoder, &error);
    rp__decoder_destroy(decoder);
    FUZZ_CHECK(memory.live == 0 && o.size <= LIMIT);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    const char *encoding = encodings[data[0] % (sizeof(encodings) / sizeof(encodings[0]))];
    size_t cut = (size_t)data[1] + 1, most = data[2] * (size_t)64 + 1;
    outcome whole = decode(encoding, data + 3, size - 3, size, 16384);
    outcome cuts = decode(encoding, data + 3, size - 3, cut, most);
    FUZZ_CHECK((whole.status == RP_OK) == (cuts.status == RP_OK));
    if (whole.status == RP_OK)
        FUZZ_CHECK(whole.size == cuts.size && whole.sum == cuts.sum);
    return 0;
}

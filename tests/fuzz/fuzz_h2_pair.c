/* fuzz_h2_pair.c - what a server may send on a connection of HTTP/2: ours and nghttp2 take it alike
 * (support/h2_pair.h).
 *
 * Input: a byte for the cuts, then the server's bytes. */
#include "fuzz/support/fuzz.h"

#include "support/h2_pair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > H2_PAIR_BYTES)
        return 0;
    h2_pair_end end = h2_pair_play(data + 1, size - 1, data[0]);
    fuzz_feature(1, (uint32_t)end);
    return 0;
}

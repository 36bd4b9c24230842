/* fuzz_proxy.c - what a proxy answers, to CONNECT and to SOCKS: the same bytes lead to the same
 * end, at the same byte, however they are cut; and no_proxy's lists.
 *
 * Input: a byte that chooses (0 CONNECT, 1 SOCKS with credentials, 2 without, 3 no_proxy), a seed
 * of the cuts, then the answer; of no_proxy the list, a NUL and the host. */
#include "fuzz/support/fuzz.h"

#include "client/no_proxy.h"
#include "http/connect.h"
#include "net/socks.h"

#include <stdlib.h>
#include <string.h>

typedef enum end { OPEN, STANDS, FAILED } end;

typedef struct outcome {
    end end;
    size_t used; /* of the answer */
    rp_error error;
    int code;
} outcome;

static size_t next_piece(uint64_t *seed, size_t left)
{
    if (*seed == 0)
        return left;
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    size_t size = (size_t)(*seed >> 33) % 7 + 1;
    return size < left ? size : left;
}

static void connect_run(const uint8_t *data, size_t size, uint64_t seed, outcome *o)
{
    rp_memory memory;
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    rp_connect *connect = rp__connect_create(&memory, true);
    FUZZ_CHECK(connect != NULL);
    while (o->end == OPEN && o->used < size) {
        size_t used, piece = next_piece(&seed, size - o->used);
        rp_connect_result result =
            rp__connect_feed(connect, data + o->used, piece, &used, &o->error);
        FUZZ_CHECK(used <= piece);
        FUZZ_CHECK(result != RP_CONNECT_MORE || used == piece);
        o->used += used;
        o->end = result == RP_CONNECT_MORE ? OPEN : result == RP_CONNECT_DONE ? STANDS : FAILED;
    }
    if (o->end == OPEN)
        rp__connect_end(connect, &o->error);
    o->code = rp__connect_status(connect);
    FUZZ_CHECK(o->end != STANDS || o->code / 100 == 2);
    FUZZ_CHECK(o->code != 407 || o->error.status == RP_E_PROXY_AUTH);
    if (o->end == FAILED)
        o->used = 0; /* how much of what is wrong was looked at does not matter */
    rp__connect_destroy(connect);
    FUZZ_CHECK(memory.live == 0);
}

static void socks_run(const uint8_t *data, size_t size, uint64_t seed, bool user, outcome *o)
{
    rp_socks socks = {.host = "host.test", .port = 443};
    if (user)
        socks.user = "u", socks.password = "p";
    rp__socks_begin(&socks);
    FUZZ_CHECK(socks.out_size == (user ? 4u : 3u));
    while (o->end == OPEN && o->used < size) {
        size_t used, piece = next_piece(&seed, size - o->used);
        rp_socks_result result = rp__socks_feed(&socks, data + o->used, piece, &used, &o->error);
        FUZZ_CHECK(used <= piece && used > 0);
        FUZZ_CHECK(result != RP_SOCKS_MORE || used == piece);
        FUZZ_CHECK(socks.out_size <= sizeof(socks.out));
        o->used += used;
        if (result == RP_SOCKS_DONE)
            o->end = STANDS;
        else if (result == RP_SOCKS_FAILED)
            o->end = FAILED;
    }
    o->code = socks.code;
}

static void no_proxy_run(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
    if (nul == NULL)
        return;
    size_t host_size = (size_t)(data + size - nul) - 1;
    char *host = malloc(host_size + 1);
    FUZZ_CHECK(host != NULL);
    if (host_size > 0)
        memcpy(host, nul + 1, host_size);
    host[host_size] = '\0';
    (void)rp__no_proxy_has((const char *)data, host);
    free(host);
}

static void run(const uint8_t *data, size_t size, uint8_t kind, uint64_t seed, outcome *o)
{
    *o = (outcome){.end = OPEN};
    if (kind == 0)
        connect_run(data, size, seed, o);
    else
        socks_run(data, size, seed, kind == 1, o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    outcome whole, cut;
    if (size < 2)
        return 0;
    uint8_t kind = data[0] % 4;
    if (kind == 3) {
        no_proxy_run(data + 2, size - 2);
        return 0;
    }
    run(data + 2, size - 2, kind, 0, &whole);
    run(data + 2, size - 2, kind, data[1] + 1u, &cut);
    FUZZ_CHECK(whole.end == cut.end);
    FUZZ_CHECK(whole.used == cut.used);
    FUZZ_CHECK(whole.code == cut.code);
    FUZZ_CHECK(whole.error.status == cut.error.status);
    return 0;
}

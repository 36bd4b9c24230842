/* fuzz_sessions.c - any bytes as saved TLS sessions that are not sealed: all of them are taken or
 * none, and a handshake that offers one begins or fails.
 *
 * Input: what stands behind wolfSSL's version; the rest is made to fit. */
#include "fuzz/support/fuzz.h"
#include "tls/engine.h"
#include "tls/saved.h"
#include "tls/wolfssl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wolfssl/wolfcrypt/hash.h>

static rp_tls_config *config;

static void make_config(void)
{
    rp_tls_options options = {.insecure_accept_any_certificate = true};
    rp_error error;
    if (config == NULL)
        FUZZ_CHECK(rp_tls_config_create(&config, &options, &error) == RP_OK);
}

static uint8_t *make_saved(const uint8_t *data, size_t size, size_t *all)
{
    static const uint8_t head[] = {'R', 'P', 'T', 'S', 1, 0, 0, 0};
    static const uint32_t version = LIBWOLFSSL_VERSION_HEX;
    *all = sizeof(head) + 32 + 4 + size + 32;
    uint8_t *saved = malloc(*all), *at = saved;
    FUZZ_CHECK(saved != NULL);
    memcpy(at, head, sizeof(head));
    at += sizeof(head);
    memcpy(at, config->fingerprint, 32);
    at += 32;
    for (int i = 0; i < 4; i++)
        *at++ = (uint8_t)(version >> (24 - 8 * i));
    memcpy(at, data, size);
    at += size;
    FUZZ_CHECK(wc_Sha256Hash(saved, (word32)(at - saved), at) == 0);
    return saved;
}

static void note_key(const char *key, void *session, int64_t stored, void *user)
{
    char *first = user;
    (void)session;
    (void)stored;
    if (first[0] == '\0')
        snprintf(first, 4096, "%s", key);
}

/* The client's first flight. */
static void offer(rp_memory *memory, rp_sessions *sessions, const char *key)
{
    rp_chunk_pool pool;
    rp_chain output;
    rp_loop_stats stats = {0};
    rp_error error;
    rp__chunk_pool_init(&pool, memory, &stats.bytes_copied);
    rp__chain_init(&output, &pool);
    rp_engine_options options = {.memory = memory,
                                 .stats = &stats,
                                 .config = config,
                                 .output = &output,
                                 .server_name = "localhost",
                                 .sessions = sessions,
                                 .session_key = key};
    rp_engine *engine = rp__engine_create(&options, &error);
    FUZZ_CHECK(engine != NULL);
    rp_engine_result result = rp__engine_handshake(engine, &error);
    if (result == RP_ENGINE_OK)
        result = RP_ENGINE_FAILED;
    FUZZ_CHECK(result == RP_ENGINE_FAILED || rp__engine_handshake(engine, &error) == result);
    fuzz_feature(1, (uint32_t)result);
    rp__engine_destroy(engine);
    rp__chain_clear(&output);
    rp__chunk_pool_clear(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rp_memory memory;
    rp_error error;
    size_t all, count;
    make_config();
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    rp_sessions *sessions = rp__sessions_create(&memory);
    FUZZ_CHECK(sessions != NULL);
    uint8_t *saved = make_saved(data, size, &all);
    rp_status status = rp__sessions_restore(sessions, config, NULL, &memory, (rp_slice){saved, all},
                                            &count, &error);
    free(saved);
    FUZZ_CHECK(status == RP_OK || (status == RP_E_TLS_SESSIONS && count == 0));
    FUZZ_CHECK(rp__sessions_count(sessions) <= count);
    fuzz_feature(2, (uint32_t)count);
    char key[4096] = "";
    rp__sessions_each(sessions, "", note_key, key);
    if (key[0] != '\0')
        offer(&memory, sessions, key);
    rp__sessions_destroy(sessions);
    FUZZ_CHECK(memory.live == 0);
    return 0;
}

/* tls_pair.c - see tls_pair.h. */
#include "tls_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const char *tls_certs(void)
{
    return RP_TEST_CERTS; /* from the build */
}

const char *tls_cert(const char *name)
{
    static char paths[64][512];
    static unsigned next;
    char *path = paths[next++ % 64];
    snprintf(path, sizeof(paths[0]), "%s/%s", tls_certs(), name);
    return path;
}

rp_tls_config *tls_client(const rp_tls_options *options)
{
    rp_tls_config *config;
    rp_error error;
    if (rp_tls_config_create(&config, options, &error) != RP_OK)
        fail_msg("%s", error.text);
    return config;
}

rp_tls_config *tls_server(const rp_tls_server_options *options)
{
    rp_tls_config *config;
    rp_error error;
    if (rp__tls_server_config_create(&config, options, &error) != RP_OK)
        fail_msg("%s", error.text);
    return config;
}

rp_tls_config *tls_client_of(rp_tls_version version)
{
    return tls_client(&(rp_tls_options){
        .ca_file = tls_cert("ca.pem"), .minimum_version = version, .maximum_version = version});
}

rp_tls_config *tls_server_of(const char *name, rp_tls_version version)
{
    char certificate[64], key[64];
    snprintf(certificate, sizeof(certificate), "%s.pem", name);
    snprintf(key, sizeof(key), "%s.key", name);
    return tls_server(&(rp_tls_server_options){.certificate_file = tls_cert(certificate),
                                               .key_file = tls_cert(key),
                                               .minimum_version = version,
                                               .maximum_version = version});
}

/* xorshift64* */
uint64_t tls_random(tls_pair *pair, uint64_t limit)
{
    pair->random ^= pair->random >> 12;
    pair->random ^= pair->random << 25;
    pair->random ^= pair->random >> 27;
    return (pair->random * 2685821657736338717u >> 11) % limit;
}

bool tls_pair_open(tls_pair *pair, const tls_pair_options *options)
{
    memset(pair, 0, sizeof(*pair));
    rp__memory_init(&pair->memory, (rp_allocator){.resize = NULL});
    rp__chunk_pool_init(&pair->pool, &pair->memory, NULL);
    rp__chain_init(&pair->client.output, &pair->pool);
    rp__chain_init(&pair->server.output, &pair->pool);
    pair->random = options->seed * 7919 + 1;
    pair->chunk_limit = options->chunk_limit;
    pair->read_limit = 65536;
    pair->memory.fail_in = options->fail_in;
    rp_engine_options client = {
        .memory = &pair->memory,
        .stats = &pair->client.stats,
        .config = options->client,
        .output = &pair->client.output,
        .server_name = options->name != NULL ? options->name : "localhost",
        .alpn = options->client_alpn,
        .sessions = options->sessions,
        .session_key = "origin",
        .peer_text = "localhost (127.0.0.1:443)",
    };
    pair->client.engine = rp__engine_create(&client, &pair->client.error);
    if (pair->client.engine == NULL)
        return false;
    rp_engine_options server = {
        .memory = &pair->memory,
        .stats = &pair->server.stats,
        .config = options->server,
        .output = &pair->server.output,
        .alpn = options->server_alpn,
        .peer_text = "the client",
    };
    pair->server.engine = rp__engine_create(&server, &pair->client.error);
    return pair->server.engine != NULL;
}

void tls_pair_close(tls_pair *pair)
{
    assert_int_equal(pair->client.stats.tls_calls_idle, 0);
    assert_int_equal(pair->server.stats.tls_calls_idle, 0);
    rp__engine_destroy(pair->client.engine);
    rp__engine_destroy(pair->server.engine);
    rp__chain_clear(&pair->client.output);
    rp__chain_clear(&pair->server.output);
    rp__chunk_pool_clear(&pair->pool);
    free(pair->client.received);
    free(pair->server.received);
    assert_int_equal(pair->memory.live, 0);
}

void tls_pair_begin(tls_pair *pair, const tls_pair_options *options)
{
    if (!tls_pair_open(pair, options))
        fail_msg("%s", pair->client.error.text);
    pair->configs[0] = options->client;
    pair->configs[1] = options->server;
}

void tls_pair_end(tls_pair *pair)
{
    tls_pair_close(pair);
    rp_tls_config_release(pair->configs[0]);
    rp_tls_config_release(pair->configs[1]);
}

static void keep(tls_end *end, const uint8_t *data, size_t size)
{
    if (!end->discard && size > 0) {
        while (end->received_size + size > end->received_capacity) {
            end->received_capacity =
                end->received_capacity == 0 ? 4096 : 2 * end->received_capacity;
            end->received = realloc(end->received, end->received_capacity);
            assert_non_null(end->received);
        }
        memcpy(end->received + end->received_size, data, size);
    }
    end->received_size += size;
}

/* Lets the engine do what it can. */
static void run(tls_pair *pair, tls_end *end)
{
    static uint8_t buffer[65536];
    if (end->failed)
        return;
    if (!end->opened) {
        end->result = rp__engine_handshake(end->engine, &end->error);
        /* In doubt there is nobody to ask here; the error says already what a no would. */
        end->failed = end->result == RP_ENGINE_FAILED || end->result == RP_ENGINE_DOUBT;
        end->opened = end->result == RP_ENGINE_OK;
        assert_int_not_equal(end->result, RP_ENGINE_END);
        assert_true(end->opened == rp__engine_open(end->engine));
    }
    while (end->opened && !end->failed && rp__engine_readable(end->engine)) {
        size_t size, capacity = 1 + (size_t)tls_random(pair, pair->read_limit);
        end->result = rp__engine_read(end->engine, buffer, capacity, &size, &end->error);
        assert_true((end->result == RP_ENGINE_OK) == (size > 0) && size <= capacity);
        keep(end, buffer, size);
        end->ended = end->ended || end->result == RP_ENGINE_END;
        end->failed = end->result == RP_ENGINE_FAILED;
    }
}

void tls_feed(tls_pair *pair, tls_end *end, const uint8_t *data, size_t size)
{
    /* A block of its own, so that the sanitizers see a step too far. */
    uint8_t *block = malloc(size);
    assert_non_null(block);
    memcpy(block, data, size);
    rp__engine_lend(end->engine, block, size);
    run(pair, end);
    rp_slice rest = rp__engine_unlend(end->engine);
    if (!end->failed && !end->ended)
        assert_int_equal(rest.size, 0);
    free(block);
}

bool tls_move(tls_pair *pair, tls_end *from, tls_end *to)
{
    if (from->output.size == 0)
        return false;
    rp_slice slice;
    rp__chain_slices(&from->output, &slice, 1);
    size_t size = slice.size;
    if (pair->chunk_limit > 0) {
        size_t chunk = 1 + (size_t)tls_random(pair, pair->chunk_limit);
        size = chunk < size ? chunk : size;
    }
    uint8_t *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, slice.data, size);
    rp__chain_consume(&from->output, size);
    tls_feed(pair, to, copy, size);
    free(copy);
    return true;
}

void tls_pump(tls_pair *pair)
{
    bool moved;
    do {
        moved = tls_move(pair, &pair->client, &pair->server);
        moved = tls_move(pair, &pair->server, &pair->client) || moved;
    } while (moved);
}

bool tls_handshake(tls_pair *pair)
{
    run(pair, &pair->client);
    tls_pump(pair);
    return pair->client.opened && pair->server.opened;
}

void tls_write(tls_end *end, const void *data, size_t size)
{
    end->result = rp__engine_write(end->engine, data, size, &end->error);
    end->failed = end->result == RP_ENGINE_FAILED;
}

void tls_end_input(tls_pair *pair, tls_end *end)
{
    rp__engine_input_end(end->engine);
    run(pair, end);
}

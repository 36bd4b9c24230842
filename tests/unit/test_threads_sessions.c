/* test_threads_sessions.c - a store of TLS sessions that several threads share: each session is
 * taken once, and is nobody else's then. */
#include "base/thread.h"
#include "support/tls_pair.h"
#include "tls/wolfssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { THREADS = 4, KEYS = 6, ROUNDS = 20 };

/* A session of a real connection. */
static WOLFSSL_SESSION *a_session(void)
{
    rp_memory memory;
    rp_tls_config *client = tls_client_of(0), *server = tls_server_of("server-ecdsa", 0);
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    rp_sessions *sessions = rp__sessions_create(&memory);
    tls_pair pair;
    tls_pair_options options = {.client = client, .server = server, .sessions = sessions};
    assert_true(tls_pair_open(&pair, &options));
    assert_true(tls_handshake(&pair));
    tls_write(&pair.server, "x", 1);
    tls_pump(&pair);
    WOLFSSL_SESSION *taken = rp__sessions_take(sessions, "origin");
    assert_non_null(taken);
    WOLFSSL_SESSION *session = wolfSSL_SESSION_dup(taken);
    wolfSSL_SESSION_free(taken);
    tls_pair_close(&pair);
    rp__sessions_destroy(sessions);
    rp_tls_config_release(client);
    rp_tls_config_release(server);
    assert_non_null(session);
    return session;
}

static atomic_long live;

static void *counted(void *user, void *block, size_t size)
{
    (void)user;
    if (size == 0) {
        (void)atomic_fetch_sub(&live, block != NULL);
        free(block);
        return NULL;
    }
    (void)atomic_fetch_add(&live, block == NULL);
    return realloc(block, size);
}

typedef struct worker {
    rp_thread thread;
    rp_sessions *sessions;
    WOLFSSL_SESSION *model;
    unsigned put, taken;
} worker;

static void take_all(worker *w, const char *key)
{
    for (WOLFSSL_SESSION *session; (session = rp__sessions_take(w->sessions, key)) != NULL;) {
        w->taken++;
        /* Nobody else has it, or the thread sanitizer and the address sanitizer see this. */
        (void)wolfSSL_SSL_SESSION_set_timeout(session, 100);
        wolfSSL_SESSION_free(session);
    }
}

static void work(void *argument)
{
    worker *w = argument;
    char key[16];
    for (unsigned round = 0; round < ROUNDS; round++)
        for (unsigned i = 0; i < KEYS; i++) {
            (void)snprintf(key, sizeof(key), "1 host%u", i);
            WOLFSSL_SESSION *session = wolfSSL_SESSION_dup(w->model);
            if (session != NULL) {
                rp__sessions_put(w->sessions, key, session);
                w->put++;
            }
            if (round % 4 == 3)
                take_all(w, key);
        }
    rp__sessions_destroy(w->sessions); /* its reference */
}

static void test_each_is_taken_once(void **state)
{
    (void)state;
    worker workers[THREADS];
    rp_sessions *sessions = rp__sessions_create_shared((rp_allocator){.resize = counted});
    assert_non_null(sessions);
    for (unsigned i = 0; i < THREADS; i++)
        workers[i] = (worker){.sessions = rp__sessions_retain(sessions), .model = a_session()};
    for (unsigned i = 0; i < THREADS; i++)
        assert_true(rp__thread_start(&workers[i].thread, work, &workers[i]));
    worker rest = {.sessions = sessions};
    unsigned put = 0, taken = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        rp__thread_join(&workers[i].thread);
        put += workers[i].put;
        taken += workers[i].taken;
        wolfSSL_SESSION_free(workers[i].model);
    }
    for (unsigned i = 0; i < KEYS; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "1 host%u", i);
        take_all(&rest, key);
    }
    assert_int_equal(put, THREADS * ROUNDS * KEYS);
    assert_int_equal(taken + rest.taken, put); /* at most 16 of a key wait at a time */
    assert_int_equal(rp__sessions_count(sessions), 0);
    assert_true(atomic_load(&live) > 0);
    rp__sessions_destroy(sessions);
    assert_int_equal(atomic_load(&live), 0);
}

/* A connection keeps its session, and writes to it when the next ticket comes. */
static void test_what_is_put_is_copied(void **state)
{
    (void)state;
    WOLFSSL_SESSION *session = a_session();
    rp_sessions *sessions = rp__sessions_create_shared((rp_allocator){.resize = counted});
    assert_non_null(sessions);
    assert_int_equal(wolfSSL_SESSION_up_ref(session), WOLFSSL_SUCCESS);
    rp__sessions_put(sessions, "1 host", session);
    WOLFSSL_SESSION *taken = rp__sessions_take(sessions, "1 host");
    assert_non_null(taken);
    assert_ptr_not_equal(taken, session);
    wolfSSL_SESSION_free(taken);
    wolfSSL_SESSION_free(session);
    rp__sessions_destroy(sessions);
    assert_int_equal(atomic_load(&live), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_put_is_copied),
        cmocka_unit_test(test_each_is_taken_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

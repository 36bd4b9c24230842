/* test_server_tls.c - what the scripted server does around TLS: bytes before the handshake and in
 * the middle of an answer, corrupted records, versions, resumption; and what our client says. */
#include "support/check.h"
#include "support/scene.h"
#include "support/tls_pair.h"

#include <stdio.h>
#include <string.h>

static const int encrypted[] = {12, 13};

static void each(const rp_sim_server_options *serving, void (*test)(scene *s))
{
    for (size_t i = 0; i < sizeof(encrypted) / sizeof(encrypted[0]); i++) {
        scene s;
        scene_begin(&s, encrypted[i], serving, NULL);
        test(&s);
        scene_end(&s);
    }
}

/* ---- before the handshake ---- */

typedef struct raw_case {
    const char *bytes;
    size_t size;
    rp_sim_ending ending;
    rp_status status;
    const char *sentence;
} raw_case;

/* In TLS 1.3 a cut ServerHello looks like that of an older version. */
static rp_status expected(const scene *s, const raw_case *of)
{
    bool hello = of->size == 9 && of->bytes[0] == 0x16;
    return s->version == 13 && hello ? RP_E_TLS_VERSION : of->status;
}

#define RAW(text) (text), sizeof(text) - 1

static void say_raw(rp_sim_exchange *x, void *user)
{
    const scene *s = user;
    const raw_case *of = s->data;
    CHECK(strcmp(rp_sim_method(x), "") == 0 && strcmp(rp_sim_target(x), "") == 0);
    CHECK(rp_sim_header(x, "Host") == NULL);
    if (of == NULL)
        return;
    /* An alert in two pieces: they follow each other. */
    size_t first = of->bytes[0] == 0x15 ? 3 : of->size;
    rp_sim_write_raw(x, of->bytes, first);
    rp_sim_write_raw(x, of->bytes + first, of->size - first);
    rp_sim_end(x, of->ending);
}

static void raw_first(scene *s)
{
    static const raw_case cases[] = {
        {RAW("HTTP/1.1 400 Bad Request\r\n\r\n"), RP_SIM_KEEP, RP_E_TLS_PROTOCOL,
         "PEER does not speak TLS: its answer begins with \"HTTP/1.1 400 Bad Request\""},
        {RAW("\x15\x03\x03\x00\x02\x02\x28"), RP_SIM_CLOSE, RP_E_TLS_ALERT,
         "PEER refused the handshake: alert handshake_failure (40): it accepts none of the "
         "ciphers, groups or signatures offered"},
        {RAW("\x15\x03\x03\x00\x02\x02\x70"), RP_SIM_KEEP, RP_E_TLS_ALERT,
         "PEER refused the handshake: alert unrecognized_name (112): it serves no such name"},
        {RAW("\x15\x03\x03\x00\x02\x02\x46"), RP_SIM_KEEP, RP_E_TLS_VERSION, NULL},
        {RAW("\x16\x03\x03\x00\x04\x02\x00\x00\x00"), RP_SIM_KEEP, RP_E_TLS_PROTOCOL, NULL},
        {RAW("\x16\x03\x03\xff\xff"), RP_SIM_KEEP, RP_E_TLS_PROTOCOL, NULL},
        {RAW("\x14\x03\x03\x00\x01\x01"), RP_SIM_KEEP, RP_E_TLS_PROTOCOL,
         "PEER broke the rules of TLS: ChangeCipherSpec before its time"},
        {RAW("\x17\x03\x03\x00\x05hello"), RP_SIM_KEEP, RP_E_TLS_PROTOCOL, NULL},
        {RAW("\x16\x03\x03\x00"), RP_SIM_CLOSE, RP_E_TLS_CLOSED,
         "PEER closed the connection during the handshake"},
        {RAW(""), RP_SIM_CLOSE, RP_E_TLS_CLOSED, "PEER closed the connection during the handshake"},
        {RAW(""), RP_SIM_END_TRUNCATED, RP_E_TLS_CLOSED,
         "PEER closed the connection during the handshake"},
        {RAW("\x16\x03\x03"), RP_SIM_END_RESET, RP_E_RESET,
         "the connection to PEER was reset by the peer"},
        {RAW(""), RP_SIM_END_RESET, RP_E_RESET, "the connection to PEER was reset by the peer"},
    };
    size_t count = sizeof(cases) / sizeof(cases[0]);
    for (size_t i = 0; i < count; i++) {
        fetch f = {0};
        s->data = &cases[i];
        /* How much of the answer is quoted depends on how much had come by then. */
        bool quotes = i == 0 && fixture_simulated();
        /* To a client of TLS 1.3 alone more is said: unit/test_tls_failure. */
        bool guesses = i == 1 && s->version == 13;
        scene_bad(s, &f, "/", NULL, expected(s, &cases[i]), RP_PHASE_HANDSHAKE,
                  quotes || guesses ? NULL : cases[i].sentence);
        if (quotes)
            assert_non_null(
                strstr(f.error.text, " does not speak TLS: its answer begins with \"HTTP/"));
        assert_true(f.error.replay_safe);
    }
    UNTIL(s->web.loop, scene_counts(s).open == 0);
    assert_int_equal(scene_counts(s).connections, count);
    assert_int_equal(scene_counts(s).handshakes, 0);
    s->data = NULL;
    fetch f = {0};
    scene_good(s, &f, "/", NULL, 200);
}

static void test_raw_first(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.on_connection = say_raw};
    each(&serving, raw_first);
}

/* TLS 1.3's ChangeCipherSpec means nothing, where it comes once and in time. In TLS 1.2 there is
 * nothing that may stand before ServerHello but an empty record's worth of time. */
static void begin_slowly(rp_sim_exchange *x, void *user)
{
    const scene *s = user;
    if (s->data != NULL) {
        rp_sim_end(x, RP_SIM_END_STALLED);
        return;
    }
    rp_sim_wait(x, 30);
    rp_sim_write_raw(x, "", 0);
    rp_sim_end(x, RP_SIM_KEEP);
}

static void slow_beginning(scene *s)
{
    fetch f = {0};
    scene_good(s, &f, "/", NULL, 200);
    assert_true(f.summary.timings.handshaken_us - f.summary.timings.connected_us >= 29000);
    assert_string_equal(f.text, "ok\n");
}

static void test_slow_beginning(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.on_connection = begin_slowly};
    each(&serving, slow_beginning);
}

static void test_stalled_beginning(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.on_connection = begin_slowly};
    rp_client_options client = {.handshake_timeout_ms = 50};
    for (size_t i = 0; i < 2; i++) {
        scene s;
        scene_begin(&s, encrypted[i], &serving, &client);
        s.data = &s;
        fetch f = {0};
        scene_bad(&s, &f, "/", NULL, RP_E_HANDSHAKE_TIMEOUT, RP_PHASE_HANDSHAKE,
                  "the TLS handshake with PEER was not done within 50 ms");
        UNTIL(s.web.loop, scene_counts(&s).open == 0);
        scene_end(&s);
    }
}

/* A server that speaks first, within TLS. */
static void greet(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_print(x, "220 ready\r\n");
    rp_sim_end(x, RP_SIM_KEEP);
}

static void greeted(scene *s)
{
    probe p = {0};
    scene_connect(s, &p);
    UNTIL(s->web.loop, p.received == 11);
    assert_string_equal(p.text, "220 ready\r\n");
    scene_ask(s, &p, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 12);
    assert_non_null(strstr(p.text, "HTTP/1.1 200 "));
    probe_finish(&p);
}

static void test_greeted(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.on_connection = greet};
    each(&serving, greeted);
}

/* ---- in the middle ---- */

static const char half[] = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf!";

static void break_in(rp_sim_exchange *x, void *user)
{
    const scene *s = user;
    const raw_case *of = s->data;
    rp_sim_write(x, half, sizeof(half) - 1);
    rp_sim_write_raw(x, of->bytes, of->size);
    if (of->ending == RP_SIM_END_RESET)
        rp_sim_wait(x, 50); /* a reset may take with it what was not read before */
    rp_sim_end(x, of->ending);
}

static void raw_in_the_middle(scene *s)
{
    static const raw_case cases[] = {
        {RAW("HTTP/1.1 500 Oops\r\n"), RP_SIM_KEEP, RP_E_TLS_PROTOCOL, NULL},
        {RAW("\x17\x03\x03\x00\x20"
             "01234567890123456789012345678901"),
         RP_SIM_KEEP, RP_E_TLS_PROTOCOL, NULL},
        {RAW("\x17\x03\x03\xff\xff"), RP_SIM_KEEP, RP_E_TLS_PROTOCOL, NULL},
        {RAW("\x17\x03\x03\x00\x18"
             "0123"),
         RP_SIM_CLOSE, RP_E_TLS_PROTOCOL, NULL},
        {RAW("\x17\x03\x03\x00\x20"
             "0123"),
         RP_SIM_END_TRUNCATED, RP_E_BODY_TRUNCATED, NULL},
        {RAW("\x17\x03\x03\x00\x20"
             "0123"),
         RP_SIM_END_RESET, RP_E_RESET, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fetch f = {0};
        s->data = &cases[i];
        scene_bad(s, &f, "/", NULL, expected(s, &cases[i]), RP_PHASE_BODY, cases[i].sentence);
        assert_string_equal(f.text, "half!");
        assert_false(f.error.replay_safe);
    }
    UNTIL(s->web.loop, scene_counts(s).open == 0);
}

static void test_raw_in_the_middle(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.on_request = break_in};
    each(&serving, raw_in_the_middle);
}

/* ---- corrupted ---- */

static void corrupt(rp_sim_exchange *x, void *user)
{
    const scene *s = user;
    const uint64_t *offset = s->data;
    rp_sim_write(x, half, sizeof(half) - 1);
    rp_sim_corrupt(x, *offset);
    rp_sim_write(x, "ten b", 5);
    rp_sim_end(x, RP_SIM_KEEP);
}

static void corrupted_record(scene *s)
{
    /* The record's type and length, its first byte and one of its tag. */
    static const uint64_t offsets[] = {0, 3, 5, 18};
    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        fetch f = {0};
        s->data = &offsets[i];
        scene_bad(s, &f, "/", NULL, RP_E_TLS_PROTOCOL, RP_PHASE_BODY, NULL);
        if (offsets[i] >= 5)
            assert_int_equal(f.error.tls_alert, 20); /* bad_record_mac */
        assert_string_equal(f.text, "half!");
    }
    static const uint64_t behind = 1000000;
    s->data = &behind;
    fetch f = {0};
    scene_good(s, &f, "/", NULL, 200);
    assert_string_equal(f.text, "half!ten b");
}

static void test_corrupted_record(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.on_request = corrupt};
    each(&serving, corrupted_record);
}

static void corrupt_handshake(rp_sim_exchange *x, void *user)
{
    const scene *s = user;
    const uint64_t *offset = s->data;
    for (unsigned i = 0; i < 6; i++) /* more than one */
        rp_sim_corrupt(x, *offset + i);
}

static void corrupted_handshake(scene *s)
{
    /* Of ServerHello's record, its version and its cipher suite; and of what follows. */
    static const uint64_t offsets[] = {0, 9, 43, 90, 400};
    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        fetch f = {0};
        s->data = &offsets[i];
        assert_true(fetch_start(&f, &s->web, "/", &(rp_request_options){.url = scene_url(s, "/")}));
        fetch_wait(&f);
        assert_int_not_equal(f.error.status, RP_OK);
        assert_int_equal(f.error.phase, RP_PHASE_HANDSHAKE);
    }
    UNTIL(s->web.loop, scene_counts(s).open == 0);
}

static void test_corrupted_handshake(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.on_connection = corrupt_handshake};
    each(&serving, corrupted_handshake);
}

/* ---- versions, sessions, identities ---- */

static void test_resumption(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        rp_sim_server_options serving = {.no_resumption = i >= 2};
        scene s;
        scene_begin(&s, encrypted[i % 2], &serving, &(rp_client_options){.never_reuse = true});
        for (unsigned k = 0; k < 3; k++) {
            fetch f = {0};
            scene_good(&s, &f, "/", NULL, 200);
            assert_int_equal(f.summary.resumed, i < 2 && k > 0);
        }
        assert_int_equal(scene_counts(&s).handshakes, 3);
        assert_int_equal(scene_counts(&s).resumed, i < 2 ? 2 : 0);
        scene_end(&s);
    }
}

static void test_other_identity(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.certificate_file = tls_cert("server-rsa.pem"),
                                     .key_file = tls_cert("server-rsa.key")};
    scene s;
    scene_begin(&s, 13, &serving, NULL);
    fetch f = {0};
    scene_bad(&s, &f, "/", NULL, RP_E_CERT_UNTRUSTED, RP_PHASE_HANDSHAKE, NULL);
    scene_end(&s);
}

/* The names that the certificate is for, and one that it is not for. */
static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool good;
    } cases[] = {
        {"localhost", true},        {"127.0.0.1", true},       {"::1", true},
        {"192.0.2.1", true},        {"192.0.2.16", true},      {"192.0.2.17", false},
        {"example.com", true},      {"api.example.com", true}, {"example.net", true},
        {"a.example.net", true},    {"example.org", true},     {"www.example.org", true},
        {"svc.example.test", true}, {"example.test", false},   {"a.b.example.com", false},
    };
    scene s;
    scene_begin(&s, 13, NULL, NULL);
    const char *address = rp_sim_server_address(s.server);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rp_stream_options options = {
            .host = "127.0.0.1",
            .port = (uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10),
            .tls = s.web.client_tls,
            .server_name = cases[i].name,
        };
        probe p = {0};
        assert_int_equal(probe_open(&p, s.web.loop, &options), RP_OK);
        UNTIL(s.web.loop, p.opens == 1);
        if ((p.open_error.status == RP_OK) != cases[i].good)
            fail_msg("%s: %s", cases[i].name, p.open_error.text);
        probe_finish(&p);
    }
    scene_end(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(test_raw_first),           fixture_test(test_slow_beginning),
        fixture_test(test_stalled_beginning),   fixture_test(test_greeted),
        fixture_test(test_raw_in_the_middle),   fixture_test(test_corrupted_record),
        fixture_test(test_corrupted_handshake), fixture_test(test_resumption),
        fixture_test(test_other_identity),      fixture_test(test_names),
    };
    return fixture_run_simulated(tests, 8);
}

/* test_stream_failures.c - streams that go wrong, each with the sentence that says how. */
#include "base/error.h"
#include "support/probe.h"
#include "support/raw.h"
#include "support/tls_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void assert_says(const rp_error *error, rp_status status, rp_phase phase, const char *format,
                        ...) RP_PRINTF(4, 5);

/* The whole sentence; "ADDRESS" in it stands for what is different in each run. */
static void assert_says(const rp_error *error, rp_status status, rp_phase phase, const char *format,
                        ...)
{
    char text[RP_ERROR_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    assert_string_equal(error->text, text);
    assert_string_equal(rp_status_name(error->status), rp_status_name(status));
    assert_string_equal(rp_phase_name(error->phase), rp_phase_name(phase));
}

static const char *address_of(const probe_pair *pair)
{
    static char text[RP_ADDRESS_TEXT_SIZE];
    return rp__address_text(&pair->listener.address, true, text);
}

static void each_version(const int *versions, size_t count, void (*test)(probe_pair *pair))
{
    for (size_t i = 0; i < count; i++) {
        probe_pair pair;
        probe_pair_begin(&pair, versions[i], "server-ecdsa");
        test(&pair);
        probe_pair_end(&pair);
    }
}

static const int all[] = {0, 12, 13};
static const int encrypted[] = {12, 13};
#define EACH(versions, test) each_version(versions, sizeof(versions) / sizeof((versions)[0]), test)

/* ---- ends ---- */

/* FIN without close_notify: what came is told, and that it may not be all. */
static void truncated(probe_pair *pair)
{
    probe_pair_open(pair);
    assert_int_equal(probe_write_text(&pair->server, "half a sen"), RP_OK);
    UNTIL(pair->loop, pair->server.writes_done == 1);
    probe_cut(&pair->server, false);
    UNTIL(pair->loop, pair->client.ends == 1);
    assert_string_equal(pair->client.text, "half a sen");
    assert_says(
        &pair->client.end_error, RP_E_TRUNCATED, RP_PHASE_NONE,
        "127.0.0.1 (%s) closed the connection without TLS's close_notify: what came may not "
        "be all",
        address_of(pair));
    /* There is nobody to write to any more. */
    assert_int_equal(probe_write_text(&pair->client, "and you?"), RP_OK);
    assert_int_equal(probe_shutdown(&pair->client), RP_OK);
    UNTIL(pair->loop, pair->client.writes_done == 2);
    assert_int_equal(pair->client.writes_failed, 2);
    assert_string_equal(pair->client.write_error.text, pair->client.end_error.text);
}

static void test_truncated(void **state)
{
    (void)state;
    EACH(encrypted, truncated);
}

static void reset(probe_pair *pair)
{
    probe_pair_open(pair);
    probe_cut(&pair->server, true);
    UNTIL(pair->loop, pair->client.ends == 1);
    assert_says(&pair->client.end_error, RP_E_RESET, RP_PHASE_NONE,
                "the connection to 127.0.0.1 (%s) was reset by the peer", address_of(pair));
    assert_int_not_equal(pair->client.end_error.os_code, 0);
    assert_int_equal(probe_write_text(&pair->client, "hello?"), RP_OK);
    assert_int_equal(probe_shutdown(&pair->client), RP_OK);
    UNTIL(pair->loop, pair->client.writes_done == 2);
    assert_int_equal(pair->client.writes_failed, 2);
    assert_int_equal(pair->client.write_error.status, RP_E_RESET);
}

static void test_reset(void **state)
{
    (void)state;
    EACH(all, reset);
}

/* The reset comes while more is being sent than the network takes. */
static void reset_while_writing(probe_pair *pair)
{
    enum { SIZE = 16 * 1024 * 1024, COUNT = 4 };
    uint8_t *data = probe_pattern(SIZE);
    pair->server_credit = 1;
    probe_pair_open(pair);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(probe_write(&pair->client, data, SIZE), RP_OK);
    UNTIL(pair->loop, pair->server.received == 1);
    probe_settle(pair->loop, 20);
    assert_int_equal(pair->client.writes_done, 0);
    probe_cut(&pair->server, true);
    UNTIL(pair->loop, pair->client.ends == 1 && pair->client.writes_done == COUNT);
    assert_int_equal(pair->client.writes_failed, COUNT);
    /* Whichever of the two the system told first. */
    assert_int_equal(pair->client.write_error.status, RP_E_RESET);
    assert_int_equal(pair->client.end_error.status, RP_E_RESET);
    assert_int_equal(probe_write(&pair->client, data, SIZE), RP_OK);
    UNTIL(pair->loop, pair->client.writes_done == COUNT + 1);
    assert_int_equal(pair->client.writes_failed, COUNT + 1);
    free(data);
}

static void test_reset_while_writing(void **state)
{
    (void)state;
    EACH(all, reset_while_writing);
}

/* What is not written when we close ourselves: cancelled, all of it. */
static void closed_while_writing(probe_pair *pair)
{
    enum { SIZE = 16 * 1024 * 1024 };
    uint8_t *data = probe_pattern(SIZE);
    pair->server_credit = 1;
    probe_pair_open(pair);
    for (int i = 0; i < 3; i++)
        assert_int_equal(probe_write(&pair->client, data, SIZE), RP_OK);
    UNTIL(pair->loop, pair->server.received == 1);
    probe_close(&pair->client);
    UNTIL(pair->loop, pair->client.closes == 1);
    assert_int_equal(pair->client.writes_failed, 3);
    assert_says(&pair->client.write_error, RP_E_CANCELLED, RP_PHASE_NONE,
                "the connection to 127.0.0.1 (%s) was closed by us", address_of(pair));
    probe_consume(&pair->server, SIZE_MAX);
    UNTIL(pair->loop, pair->server.ends == 1);
    if (pair->server_tls != NULL) /* half a record, and no goodbye */
        assert_int_not_equal(pair->server.end_error.status, RP_OK);
    free(data);
}

static void test_closed_while_writing(void **state)
{
    (void)state;
    EACH(all, closed_while_writing);
}

/* ---- handshakes that fail ---- */

typedef struct handshake_case {
    const char *certificate;
    const char *ca; /* NULL: the right one */
    const char *host;
    rp_status status;
    int alert;        /* ours, which the server must get */
    const char *text; /* %s: the address */
} handshake_case;

static const handshake_case handshake_cases[] = {
    {"server-ecdsa", "other-ca.pem", "localhost", RP_E_CERT_UNTRUSTED, 48,
     "certificate of localhost (%s) is signed by an unknown "
     "authority (Ringport Test Root)"},
    {"self-signed", NULL, "localhost", RP_E_CERT_UNTRUSTED, 48,
     "certificate of localhost (%s) is self-signed (self-signed) and not a trusted one"},
    {"leaf-only", NULL, "localhost", RP_E_CERT_UNTRUSTED, 48,
     "certificate of localhost (%s) is signed by an unknown authority (Ringport Test "
     "Intermediate), and came without intermediate certificates"},
    {"wrong-host", NULL, "localhost", RP_E_CERT_HOST_MISMATCH, 42,
     "certificate of localhost (%s) is for other.test, not for localhost"},
    {"wrong-host", NULL, "127.0.0.1", RP_E_CERT_HOST_MISMATCH, 42,
     "certificate of 127.0.0.1 (%s) is for other.test, not for 127.0.0.1"},
    {"expired", NULL, "localhost", RP_E_CERT_EXPIRED, 45,
     "certificate of localhost (%s) expired on 2025-01-31"},
    {"not-yet", NULL, "localhost", RP_E_CERT_NOT_YET_VALID, 45,
     "certificate of localhost (%s) is not valid before 2048-05-01"},
};

static void close_it(probe *p)
{
    probe_close(p);
}

static void fail_handshake(const handshake_case *c, int version)
{
    probe_pair pair;
    probe_pair_begin(&pair, version, c->certificate);
    if (c->ca != NULL) {
        rp_tls_config_release(pair.client_tls);
        pair.client_tls = tls_client(&(rp_tls_options){.ca_file = tls_cert(c->ca)});
    }
    pair.host = c->host;
    /* At once, inside the callback: the alert leaves nevertheless. */
    pair.client.on_open = close_it;
    probe_pair_start(&pair);
    assert_int_equal(probe_write_text(&pair.client, "too early"), RP_OK);
    UNTIL(pair.loop, pair.client.closes == 1 && pair.server.opens == 1);
    assert_says(&pair.client.open_error, c->status, RP_PHASE_HANDSHAKE, c->text, address_of(&pair));
    assert_int_equal(pair.client.open_error.tls_alert, c->alert);
    assert_int_equal(pair.client.writes_failed, 1);
    assert_string_equal(pair.client.write_error.text, pair.client.open_error.text);
    assert_int_equal(pair.server.open_error.status, RP_E_TLS_ALERT);
    assert_int_equal(pair.server.open_error.tls_alert, c->alert);
    assert_int_equal(pair.server.received, 0);
    probe_pair_end(&pair);
}

static void test_bad_certificates(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(handshake_cases) / sizeof(handshake_cases[0]); i++) {
        fail_handshake(&handshake_cases[i], 12);
        fail_handshake(&handshake_cases[i], 13);
    }
}

static void test_no_common_version(void **state)
{
    (void)state;
    for (int version = 12; version <= 13; version++) {
        probe_pair pair;
        probe_pair_begin(&pair, version, "server-ecdsa");
        rp_tls_config_release(pair.client_tls);
        pair.client_tls = probe_client_tls(version == 12 ? 13 : 12);
        probe_pair_start(&pair);
        UNTIL(pair.loop, pair.client.opens == 1);
        if (version == 13)
            assert_says(&pair.client.open_error, RP_E_TLS_VERSION, RP_PHASE_HANDSHAKE,
                        "127.0.0.1 (%s) supports no TLS version of ours (TLS 1.2)",
                        address_of(&pair));
        else /* wolfSSL's server of TLS 1.2 looks at the suites first */
            assert_says(&pair.client.open_error, RP_E_TLS_ALERT, RP_PHASE_HANDSHAKE,
                        "127.0.0.1 (%s) refused the handshake: alert handshake_failure (40): it "
                        "accepts none of the ciphers, groups or signatures offered, or does not "
                        "speak TLS 1.3",
                        address_of(&pair));
        probe_pair_end(&pair);
    }
}

/* A server that is plain where the client expects TLS: it says what it has to say, at once or when
 * it was spoken to, and ends. */
static void answer(probe *p)
{
    static const char text[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
    if (p->user != NULL)
        return;
    p->user = p;
    assert_int_equal(probe_write_text(p, text), RP_OK);
    assert_int_equal(probe_shutdown(p), RP_OK);
}

static void answer_data(probe *p, const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    answer(p);
}

static void test_not_tls(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        probe_pair pair;
        probe_pair_begin(&pair, 0, "server-ecdsa");
        pair.client_tls = tls_client_of(RP_TLS_DEFAULT);
        pair.server.on_open = i == 0 ? answer : NULL;
        pair.server.on_data = answer_data;
        probe_pair_start(&pair);
        UNTIL(pair.loop, pair.client.opens == 1);
        assert_says(&pair.client.open_error, RP_E_TLS_PROTOCOL, RP_PHASE_HANDSHAKE,
                    "127.0.0.1 (%s) does not speak TLS: its answer begins with "
                    "\"HTTP/1.1 400 Bad Request\"",
                    address_of(&pair));
        probe_pair_end(&pair);
    }
}

/* The server's side ends before its first byte, in the middle of its first flight, or later in
 * it. */
static void cut_handshake(int version, shape_then then, uint64_t after)
{
    probe_pair pair;
    probe_pair_begin(&pair, version, "server-rsa");
    pair.listener.shape = (shape){.then = then, .after = after};
    pair.handshake_timeout_ms = then == SHAPE_STALL ? 30 : 10000;
    uint64_t begun = fixture_now_ms();
    probe_pair_start(&pair);
    UNTIL(pair.loop, pair.client.opens == 1);
    const rp_error *error = &pair.client.open_error;
    if (then == SHAPE_END)
        assert_says(error, RP_E_TLS_CLOSED, RP_PHASE_HANDSHAKE,
                    "127.0.0.1 (%s) closed the connection during the handshake", address_of(&pair));
    else if (then == SHAPE_RESET)
        assert_says(error, RP_E_RESET, RP_PHASE_HANDSHAKE,
                    "the connection to 127.0.0.1 (%s) was reset by the peer", address_of(&pair));
    else
        assert_says(error, RP_E_HANDSHAKE_TIMEOUT, RP_PHASE_HANDSHAKE,
                    "the TLS handshake with 127.0.0.1 (%s) was not done within 30 ms",
                    address_of(&pair));
    if (then == SHAPE_STALL)
        assert_in_range(fixture_now_ms() - begun, 29, 10000);
    assert_int_equal(probe_write_text(&pair.client, "too late"), RP_OK);
    UNTIL(pair.loop, pair.client.writes_done == 1);
    assert_string_equal(pair.client.write_error.text, error->text);
    probe_pair_end(&pair);
}

static void test_cut_handshake(void **state)
{
    (void)state;
    static const uint64_t after[] = {0, 1, 5, 90, 1000};
    for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++) {
        for (int version = 12; version <= 13; version++) {
            cut_handshake(version, SHAPE_END, after[i]);
            cut_handshake(version, SHAPE_RESET, after[i]);
            cut_handshake(version, SHAPE_STALL, after[i]);
        }
    }
}

/* ---- no connection ---- */

static void test_refused(void **state)
{
    (void)state;
    rp_address address = raw_loopback(4, 0);
    raw_socket bound = raw_bind(&address);
    rp_loop *loop = fixture_loop();
    probe p = {0};
    rp_tls_config *tls = tls_client_of(RP_TLS_DEFAULT);
    rp_stream_options options = {.host = "127.0.0.1", .port = address.port, .tls = tls};
    assert_int_equal(probe_open(&p, loop, &options), RP_OK);
    assert_int_equal(probe_write_text(&p, "anybody?"), RP_OK);
    UNTIL(loop, p.opens == 1);
    assert_int_equal(p.open_error.status, RP_E_CONNECT_REFUSED);
    assert_int_equal(p.open_error.phase, RP_PHASE_CONNECT);
    char text[RP_ADDRESS_TEXT_SIZE];
    assert_non_null(strstr(p.open_error.text, rp__address_text(&address, true, text)));
    assert_string_equal(p.write_error.text, p.open_error.text);
    probe_finish(&p);
    probe_loop_end(loop);
    rp_tls_config_release(tls);
    raw_close(bound);
}

/* A listener whose queue is full: the kernel drops what else comes. */
static void test_connect_timeout(void **state)
{
    (void)state;
    rp_address address = raw_loopback(4, 0);
    raw_socket silent = raw_listen(&address, 0), fillers[3];
    for (int i = 0; i < 3; i++) {
        fillers[i] = raw_connect_start(&address);
        assert_int_equal(raw_connected(fillers[i], i == 0 ? 1000 : 20), i == 0);
    }
    rp_loop *loop = fixture_loop();
    probe p = {0};
    rp_stream_options options = {
        .host = "127.0.0.1", .port = address.port, .connect_timeout_ms = 30};
    assert_int_equal(probe_open(&p, loop, &options), RP_OK);
    UNTIL(loop, p.opens == 1);
    assert_int_equal(p.open_error.status, RP_E_CONNECT_TIMEOUT);
    probe_finish(&p);
    probe_loop_end(loop);
    for (int i = 0; i < 3; i++)
        raw_close(fillers[i]);
    raw_close(silent);
}

/* A write's callback closes the stream that could not be opened: on_open comes all the same. */
static void test_close_from_failed_write(void **state)
{
    (void)state;
    rp_address address = raw_loopback(4, 0);
    raw_socket bound = raw_bind(&address);
    rp_loop *loop = fixture_loop();
    probe p = {.on_write = close_it};
    rp_stream_options options = {.host = "127.0.0.1", .port = address.port};
    assert_int_equal(probe_open(&p, loop, &options), RP_OK);
    assert_int_equal(probe_write_text(&p, "anybody?"), RP_OK);
    rp_loop_run(loop);
    assert_int_equal(p.closes, 1);
    assert_int_equal(p.open_error.status, RP_E_CONNECT_REFUSED);
    probe_loop_end(loop);
    raw_close(bound);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_truncated),
        fixture_test(test_reset),
        fixture_test(test_reset_while_writing),
        fixture_test(test_closed_while_writing),
        fixture_test_real(test_bad_certificates),
        fixture_test(test_no_common_version),
        fixture_test_real(test_not_tls),
        fixture_test(test_cut_handshake),
        fixture_test(test_refused),
        fixture_test(test_connect_timeout),
        fixture_test(test_close_from_failed_write),
    };
    return fixture_run_simulated(tests, 8);
}

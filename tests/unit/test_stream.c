/* test_stream.c - where a stream that can't be opened says it was going, and a loop that takes no
 * more of them. */
#include <ringport/ringport.h>

#include "support/fake_port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const fake_attempt refusals[] = {{.connect = {.status = RP_E_CONNECT_REFUSED}}};

typedef struct outcome {
    rp_loop *loop;
    int opens, closes;
    rp_error error;
    rp_status again; /* of an attempt to open another one from on_close */
} outcome;

static void on_open(rp_stream *stream, const rp_error *error, void *user)
{
    outcome *got = user;
    got->opens++;
    got->error = *error;
    rp_stream_close(stream);
}

static const rp_stream_events only_open = {.on_open = on_open};

static void on_close(rp_stream *stream, void *user)
{
    outcome *got = user;
    rp_stream_options options = {.host = "192.0.2.1"};
    rp_stream *other = stream;
    got->closes++;
    got->again = rp_stream_open(&other, got->loop, &options, &only_open, got);
    assert_true(got->again == RP_OK || other == NULL);
}

static void says_where_it_was_going(void **state)
{
    static const struct {
        const char *host;
        bool tls;
        uint16_t port;
        const char *text;
    } cases[] = {
        {"192.0.2.1", false, 0, "connection to 192.0.2.1:80 refused"},
        {"192.0.2.1", true, 0, "connection to 192.0.2.1:443 refused"},
        {"192.0.2.1", true, 80, "connection to 192.0.2.1:80 refused"},
        {"2001:db8::1", false, 8080, "connection to [2001:db8::1]:8080 refused"},
        /* Brackets are a URL's, not the address'. */
        {"[2001:db8::1]", false, 8080, "connection to [2001:db8::1]:8080 refused"},
    };
    (void)state;
    rp_tls_config *tls = NULL;
    rp_tls_options tls_options = {.insecure_accept_any_certificate = true};
    assert_int_equal(rp_tls_config_create(&tls, &tls_options, NULL), RP_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fake_port *fake = NULL;
        rp_loop *loop = fake_port_loop(&fake, NULL, false);
        outcome got = {.loop = loop};
        rp_stream *stream = NULL;
        rp_stream_options options = {
            .host = cases[i].host, .port = cases[i].port, .tls = cases[i].tls ? tls : NULL};
        fake->attempts = refusals;
        fake->attempt_count = 1;
        assert_int_equal(rp_stream_open(&stream, loop, &options, &only_open, &got), RP_OK);
        rp_loop_run(loop);
        assert_int_equal(got.opens, 1);
        assert_int_equal(got.error.status, RP_E_CONNECT_REFUSED);
        assert_string_equal(got.error.text, cases[i].text);
        rp_loop_destroy(loop);
    }
    rp_tls_config_release(tls);
}

static void a_dying_loop_takes_no_more(void **state)
{
    (void)state;
    static const rp_stream_events events = {.on_open = on_open, .on_close = on_close};
    fake_port *fake = NULL;
    rp_loop *loop = fake_port_loop(&fake, NULL, false);
    outcome got = {.loop = loop};
    rp_stream *stream = NULL;
    rp_stream_options options = {.host = "192.0.2.1"};
    fake->attempts = refusals;
    fake->attempt_count = 1;
    assert_int_equal(rp_stream_open(&stream, loop, &options, &events, &got), RP_OK);
    rp_loop_destroy(loop);
    assert_int_equal(got.opens, 1);
    assert_int_equal(got.error.status, RP_E_CANCELLED);
    assert_int_equal(got.closes, 1);
    assert_int_equal(got.again, RP_E_MISUSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_where_it_was_going),
        cmocka_unit_test(a_dying_loop_takes_no_more),
    };
    return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}

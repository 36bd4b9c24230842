/* test_tool_exit_code.c - every status has an exit code, and load's result is one too. */
#include "exit_code.h"
#include "tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_every_status(void **state)
{
    unsigned known = 0;
    (void)state;
    for (int status = 0; status < 1000; status++) {
        if (strcmp(rp_status_name((rp_status)status), "unknown status") == 0)
            continue;
        known++;
        int code = exit_code((rp_status)status, RP_PHASE_NONE);
        assert_true(code >= 0 && code < 126); /* the shell's own begin there */
        assert_true((code == 0) == (status == RP_OK));
        if (status != RP_E_REDIRECT_REFUSED) /* curl's code for a scheme is load's other one */
            assert_int_not_equal(code, EXIT_SOME_FAILED);
    }
    assert_true(known >= 48); /* new ones may come */
}

static void test_curls(void **state)
{
    static const struct {
        rp_status status;
        rp_phase phase;
        int code;
    } cases[] = {
        {RP_OK, RP_PHASE_NONE, 0},
        {RP_E_BAD_HEADER, RP_PHASE_NONE, 2},
        {RP_E_BAD_URL, RP_PHASE_NONE, 3},
        {RP_E_UNSUPPORTED, RP_PHASE_NONE, 4},
        {RP_E_RESOLVE_NOT_FOUND, RP_PHASE_RESOLVE, 6},
        {RP_E_CONNECT_REFUSED, RP_PHASE_CONNECT, 7},
        {RP_E_BAD_RESPONSE, RP_PHASE_HEAD, 8},
        {RP_E_BAD_RESPONSE, RP_PHASE_BODY, 56},
        {RP_E_H2_PROTOCOL, RP_PHASE_BODY, 16},
        {RP_E_H2_NOT_SPOKEN, RP_PHASE_HANDSHAKE, 16},
        {RP_E_BODY_TRUNCATED, RP_PHASE_BODY, 18},
        {RP_E_NO_MEMORY, RP_PHASE_NONE, 27},
        {RP_E_DECODER_MEMORY, RP_PHASE_BODY, 27},
        {RP_E_RESOLVE_TIMEOUT, RP_PHASE_RESOLVE, 28},
        {RP_E_CONNECT_TIMEOUT, RP_PHASE_CONNECT, 28},
        {RP_E_TOTAL_TIMEOUT, RP_PHASE_BODY, 28},
        {RP_E_H2_PING_TIMEOUT, RP_PHASE_BODY, 28},
        {RP_E_DECODE_FAILED, RP_PHASE_BODY, 61},
        {RP_E_DECODE_UNKNOWN, RP_PHASE_BODY, 61},
        {RP_E_DECODE_TOO_LARGE, RP_PHASE_BODY, 63},
        {RP_E_TLS_ALERT, RP_PHASE_HANDSHAKE, 35},
        {RP_E_RESET, RP_PHASE_HANDSHAKE, 35},
        {RP_E_CLOSED_EARLY, RP_PHASE_HEAD, 52},
        {RP_E_RESET, RP_PHASE_REQUEST, 55},
        {RP_E_RESET, RP_PHASE_HEAD, 56},
        {RP_E_RESET, RP_PHASE_BODY, 56},
        {RP_E_TRUNCATED, RP_PHASE_HEAD, 52},
        {RP_E_TRUNCATED, RP_PHASE_BODY, 56},
        {RP_E_CERT_EXPIRED, RP_PHASE_HANDSHAKE, 60},
        {RP_E_CERT_HOST_MISMATCH, RP_PHASE_HANDSHAKE, 60},
        {RP_E_BODY_TOO_LARGE, RP_PHASE_BODY, 63},
        {RP_E_TLS_CONFIG, RP_PHASE_NONE, 77},
        {RP_E_CERT_STATUS_UNKNOWN, RP_PHASE_HANDSHAKE, 60},
        {RP_E_CERT_STAPLE, RP_PHASE_HANDSHAKE, 91},
        {RP_E_NOT_HTTP, RP_PHASE_HEAD, 8},
        {RP_E_CERT_PIN_MISMATCH, RP_PHASE_HANDSHAKE, 90},
        {RP_E_H2_RESET, RP_PHASE_BODY, 92},
        {RP_E_REDIRECT_LIMIT, RP_PHASE_HEAD, 47},
        {RP_E_REDIRECT_INVALID, RP_PHASE_HEAD, 3},
        {RP_E_REDIRECT_REFUSED, RP_PHASE_HEAD, 1},
        {RP_E_REDIRECT_BODY, RP_PHASE_HEAD, 65},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(exit_code(cases[i].status, cases[i].phase), cases[i].code);
}

static void fail_once(tally *t, rp_status status, const char *text)
{
    rp_error error = {.status = status};
    snprintf(error.text, sizeof(error.text), "%s", text);
    tally_note_error(t, &error, 1);
}

static void test_load(void **state)
{
    tally *t = calloc(1, sizeof(*t));
    (void)state;
    assert_non_null(t);
    assert_int_equal(tally_exit_code(t), EXIT_CANCELLED);
    t->ok = 2;
    assert_int_equal(tally_exit_code(t), EXIT_OK);
    t->non_2xx = 1;
    assert_int_equal(tally_exit_code(t), EXIT_SOME_FAILED);
    t->ok = 0;
    assert_int_equal(tally_exit_code(t), EXIT_HTTP_STATUS);
    fail_once(t, RP_E_CONNECT_REFUSED, "a");
    assert_int_equal(tally_exit_code(t), EXIT_SOME_FAILED);
    t->non_2xx = 0;
    fail_once(t, RP_E_CONNECT_REFUSED, "b");
    assert_int_equal(tally_exit_code(t), EXIT_CONNECT);
    fail_once(t, RP_E_CONNECT_TIMEOUT, "c");
    assert_int_equal(tally_exit_code(t), EXIT_SOME_FAILED);
    free(t);
}

static void test_bounded_errors(void **state)
{
    tally *t = calloc(1, sizeof(*t)), *sum = calloc(1, sizeof(*sum));
    char text[32];
    (void)state;
    assert_true(t != NULL && sum != NULL);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < TALLY_ERRORS + 3; i++) {
            snprintf(text, sizeof(text), "kind %d", i);
            fail_once(t, RP_E_CONNECT_FAILED, text);
        }
    }
    assert_int_equal(t->failed, 2 * (TALLY_ERRORS + 3));
    assert_int_equal(t->error_count, TALLY_ERRORS);
    assert_int_equal(t->errors[TALLY_ERRORS - 1].count, 2);
    assert_int_equal(t->errors_unlisted, 6);
    t->stats.turns = 3;
    t->stats.connections_reused = 5;
    tally_add(sum, t);
    tally_add(sum, t);
    assert_int_equal(sum->failed, 4 * (TALLY_ERRORS + 3));
    assert_int_equal(sum->error_count, TALLY_ERRORS);
    assert_int_equal(sum->errors[0].count, 4);
    assert_int_equal(sum->errors_unlisted, 12);
    assert_int_equal(sum->stats.turns, 6);
    assert_int_equal(sum->stats.connections_reused, 10);
    free(t);
    free(sum);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_status),
        cmocka_unit_test(test_curls),
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_bounded_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

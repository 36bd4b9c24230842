/* test_answers.c - what a program asks of an answer: a header by name, the class of an error. */
#include "support/check.h"

#include <ringport/ringport.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_header_by_name(void **state)
{
    static const rp_header headers[] = {
        {"Content-Type", "text/plain"}, {"set-cookie", "a=1"}, {"X", ""}, {"Set-Cookie", "b=2"}};
    (void)state;
    assert_string_equal(rp_header_value(headers, 4, "content-type", 0), "text/plain");
    assert_null(rp_header_value(headers, 4, "content-type", 1));
    assert_string_equal(rp_header_value(headers, 4, "SET-COOKIE", 0), "a=1");
    assert_string_equal(rp_header_value(headers, 4, "SET-COOKIE", 1), "b=2");
    assert_null(rp_header_value(headers, 3, "SET-COOKIE", 1));
    assert_null(rp_header_value(headers, 4, "SET-COOKIE", 2));
    assert_string_equal(rp_header_value(headers, 4, "x", 0), "");
    assert_null(rp_header_value(headers, 4, "content-typ", 0));
    assert_null(rp_header_value(headers, 4, "content-types", 0));
    assert_null(rp_header_value(headers, 4, "", 0));
    assert_null(rp_header_value(NULL, 0, "x", 0));
}

/* Every deadline is one, whatever group its number is in; every certificate is about trust. */
static void test_classes(void **state)
{
    unsigned known = 0;
    (void)state;
    assert_int_equal(rp_status_class_of(RP_OK), RP_CLASS_NONE);
    for (int status = 1; status < 1000; status++) {
        const char *name = rp_status_name((rp_status)status);
        rp_status_class its = rp_status_class_of((rp_status)status);
        if (strcmp(name, "unknown status") == 0)
            continue;
        known++;
        assert_int_not_equal(its, RP_CLASS_NONE);
        if ((strstr(name, "TIMEOUT") != NULL) != (its == RP_CLASS_TIMEOUT))
            fail_msg("%s is of class %d", name, its);
        if (strncmp(name, "RP_E_CERT_", 10) == 0)
            assert_int_equal(its, RP_CLASS_TRUST);
    }
    assert_true(known > 60);
    assert_int_equal(rp_status_class_of(RP_E_NO_MEMORY), RP_CLASS_CALLER);
    assert_int_equal(rp_status_class_of(RP_E_ADDRESS_REFUSED), RP_CLASS_CALLER);
    assert_int_equal(rp_status_class_of(RP_E_RESOLVE_NOT_FOUND), RP_CLASS_CONNECTION);
    assert_int_equal(rp_status_class_of(RP_E_CONNECT_REFUSED), RP_CLASS_CONNECTION);
    assert_int_equal(rp_status_class_of(RP_E_TRUNCATED), RP_CLASS_CONNECTION);
    assert_int_equal(rp_status_class_of(RP_E_TLS_ALERT), RP_CLASS_TRUST);
    assert_int_equal(rp_status_class_of(RP_E_BAD_RESPONSE), RP_CLASS_PEER);
    assert_int_equal(rp_status_class_of(RP_E_NOT_HTTP), RP_CLASS_PEER);
    assert_int_equal(rp_status_class_of(RP_E_H2_RESET), RP_CLASS_PEER);
    assert_int_equal(rp_status_class_of(RP_E_REDIRECT_BODY), RP_CLASS_PEER);
    assert_int_equal(rp_status_class_of(RP_E_PROXY_AUTH), RP_CLASS_PROXY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header_by_name),
        cmocka_unit_test(test_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_reference.c - references resolved against URLs (RFC 3986, 5), and credentials written. */
#include "http/credentials.h"
#include "http/reference.h"
#include <ringport/http.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct pair {
    const char *reference, *expected;
} pair;

static void check(const char *base, const pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *reference = pairs[i].reference;
        size_t bound = rp__reference_bound(strlen(base), strlen(reference));
        char *text = malloc(bound), *exact = strdup(reference); /* for the address sanitizer */
        rp_error error = {.status = RP_OK};
        rp_url url;
        assert_true(text != NULL && exact != NULL);
        if (rp__reference_resolve(text, &url, base, exact, &error) != RP_OK)
            fail_msg("%s: %s", reference, error.text);
        assert_string_equal(text, pairs[i].expected);
        assert_int_equal(rp_url_join(text, bound, base, exact, &error), RP_OK);
        assert_string_equal(text, pairs[i].expected);
        assert_int_equal(rp_url_join(text, bound - 1, base, exact, &error), RP_E_BAD_OPTION);
        free(text);
        free(exact);
    }
}

#define CHECK_PAIRS(base, pairs) check(base, pairs, sizeof(pairs) / sizeof((pairs)[0]))

/* RFC 3986, 5.4.1 and 5.4.2, but for what is not http. */
static void test_examples(void **state)
{
    static const pair pairs[] = {
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q#s"},
        {"g#s", "http://a/b/c/g#s"},
        {"g?y#s", "http://a/b/c/g?y#s"},
        {";x", "http://a/b/c/;x"},
        {"g;x", "http://a/b/c/g;x"},
        {"g;x?y#s", "http://a/b/c/g;x?y#s"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"../../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"g..", "http://a/b/c/g.."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/./x", "http://a/b/c/g?y/./x"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"g#s/./x", "http://a/b/c/g#s/./x"},
        {"g#s/../x", "http://a/b/c/g#s/../x"},
    };
    (void)state;
    CHECK_PAIRS("http://a/b/c/d;p?q", pairs);
}

static void test_beyond_the_examples(void **state)
{
    static const pair bare[] = {
        {"", "https://h"},          {"x", "https://h/x"},         {"?q", "https://h?q"},
        {"../x", "https://h/x"},    {"/", "https://h/"},          {"..", "https://h/"},
        {"//i:81", "https://i:81"}, {"//i?q#f", "https://i?q#f"}, {"http://i", "http://i"},
    };
    static const pair fragments[] = {
        {"x", "https://h:8443/a/x#f"}, /* RFC 9110, 10.2.2 */
        {"x#", "https://h:8443/a/x#"},    {"x#g", "https://h:8443/a/x#g"},
        {"https://i/", "https://i/#f"},   {"", "https://h:8443/a/b?q#f"},
        {"#g", "https://h:8443/a/b?q#g"}, {"?", "https://h:8443/a/b?#f"},
    };
    static const pair odd[] = {
        {" /x ", "https://h/x"},
        {"\t/x\t ", "https://h/x"},
        {"/a b?c d#e f", "https://h/a%20b?c%20d#e%20f"},
        {"/\xc3\xa4?\xff", "https://h/%C3%A4?%FF"},
        {"/%e4%zz%", "https://h/%e4%zz%"},
        {"/a//../b", "https://h/a/b"},
        {"/a/b/../../../c/./", "https://h/c/"},
        {"/..//x", "https://h//x"},
        {"/\\i", "https://h/\\i"},
        {"1:2", "https://h/d/1:2"},
        {"./x:y", "https://h/d/x:y"},
        {"HTTPS://I/", "HTTPS://I/"},
        {"//u:p@i/", "https://u:p@i/"},
        {"//[::1]:81/x", "https://[::1]:81/x"},
        {"x?a?b#c#d", "https://h/d/x?a?b#c#d"},
    };
    (void)state;
    CHECK_PAIRS("https://h", bare);
    CHECK_PAIRS("https://h:8443/a/b?q#f", fragments);
    CHECK_PAIRS("https://h/d/e", odd);
}

static void test_refused(void **state)
{
    static const struct {
        const char *reference;
        rp_status status;
        const char *says;
    } cases[] = {
        {"ftp://h/", RP_E_UNSUPPORTED, "the URL's scheme \"ftp\" is neither http nor https"},
        {"javascript:alert(1)", RP_E_UNSUPPORTED, "\"javascript\""},
        {"mailto:a@b", RP_E_UNSUPPORTED, "\"mailto\""},
        {"file:///etc/passwd", RP_E_UNSUPPORTED, "\"file\""},
        {"http:x", RP_E_BAD_URL, "lacks the //"},
        {"https:/x", RP_E_BAD_URL, "lacks the //"},
        {"//", RP_E_BAD_URL, "has no host"},
        {"///x", RP_E_BAD_URL, "has no host"},
        {"//h:0/", RP_E_BAD_URL, "port"},
        {"//h:99999/", RP_E_BAD_URL, "port"},
        {"//a b/", RP_E_BAD_URL, "0x20"},
        {"//\xc3\xa4/", RP_E_BAD_URL, "0xc3"},
        {"//a\\b/", RP_E_BAD_URL, "host name"},
        {"//a%41/", RP_E_BAD_URL, "percent-encoded host"},
        {"//[fe80::1%25eth0]/", RP_E_BAD_URL, "IPv6"},
        {"/a\x01", RP_E_BAD_URL, "control character (0x01) at position 2"},
        {"/a\tb", RP_E_BAD_URL, "control character (0x09)"},
        {"/\x7f", RP_E_BAD_URL, "control character (0x7f)"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[200];
        rp_error error = {.status = RP_OK};
        assert_int_equal(
            rp_url_join(text, sizeof(text), "https://h/d/e", cases[i].reference, &error),
            cases[i].status);
        if (strstr(error.text, cases[i].says) == NULL)
            fail_msg("%s: %s", cases[i].reference, error.text);
    }
}

static void test_too_long(void **state)
{
    size_t size = RP_URL_LIMIT + 1, room = 4 * size;
    char *reference = malloc(size + 1), *text = malloc(room);
    rp_error error;
    (void)state;
    assert_true(reference != NULL && text != NULL);
    memset(reference, 'a', size);
    reference[size] = '\0';
    assert_int_equal(rp_url_join(text, room, "http://h", reference, &error), RP_E_BAD_URL);
    assert_string_equal(error.text, "the URL is longer than 64 KiB");
    memset(reference, 0xc3, size / 2); /* it is, when it is encoded */
    reference[size / 2] = '\0';
    assert_int_equal(rp_url_join(text, room, "http://h", reference, &error), RP_E_BAD_URL);
    assert_non_null(strstr(error.text, "is longer than 64 KiB"));
    free(reference);
    free(text);
}

/* ---- credentials ---- */

static void test_basic(void **state)
{
    static const char *const cases[][3] = {
        {"Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}, /* RFC 7617, 2 */
        {"test", "123\xc2\xa3", "Basic dGVzdDoxMjPCow=="},                /* 2.1 */
        {"", "", "Basic Og=="},
        {"a", NULL, "Basic YTo="},
        {"a", "b:c", "Basic YTpiOmM="},
        {"ab", "", "Basic YWI6"},
        {"\xff\xfe", "", "Basic //46"},
    };
    char value[RP_BASIC_SIZE];
    rp_error error;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(rp__basic_write(value, cases[i][0], cases[i][1], &error), RP_OK);
        assert_string_equal(value, cases[i][2]);
    }
}

static void test_userinfo(void **state)
{
    static const char *const cases[][2] = {
        {"Aladdin:open%20sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
        {"a", "Basic YTo="},
        {":", "Basic Og=="},
        {"a:b:c", "Basic YTpiOmM="},
        {"a:b%3ac", "Basic YTpiOmM="},
    };
    static const char *const refused[][2] = {
        {"a%3Ab:c", "the URL has a colon in the user"},
        {"a:%0a", "the URL has a control character"},
        {"%00:b", "the URL has a control character"},
        {"a:b%4", "the URL has a % in its user information"},
        {"a%:b41", "the URL has a % in its user information"},
        {"a:%g1", "the URL has a % in its user information"},
    };
    char value[RP_BASIC_SIZE];
    rp_error error;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rp_slice text = {(const uint8_t *)cases[i][0], strlen(cases[i][0])};
        assert_int_equal(rp__basic_write_userinfo(value, text, &error), RP_OK);
        assert_string_equal(value, cases[i][1]);
    }
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        rp_slice text = {(const uint8_t *)refused[i][0], strlen(refused[i][0])};
        assert_int_equal(rp__basic_write_userinfo(value, text, &error), RP_E_BAD_URL);
        assert_ptr_equal(strstr(error.text, refused[i][1]), error.text);
        assert_string_equal(value, "");
    }
}

/* Up to the limit, and one more. */
static void test_long_credentials(void **state)
{
    char *text = malloc(RP_BEARER_LIMIT + 2), value[RP_BASIC_SIZE];
    rp_error error;
    (void)state;
    assert_non_null(text);
    memset(text, 'x', RP_BEARER_LIMIT + 1);
    text[RP_BEARER_LIMIT + 1] = '\0';
    assert_int_equal(rp__bearer_check(text, &error), RP_E_BAD_OPTION);
    text[RP_BEARER_LIMIT] = '\0';
    assert_int_equal(rp__bearer_check(text, &error), RP_OK);
    text[RP_BASIC_LIMIT] = '\0';
    for (size_t user = 0; user < 2; user++) { /* in the user; in the password */
        const char *a = user == 0 ? text : "", *b = user == 0 ? "" : text;
        assert_int_equal(rp__basic_write(value, a, b, &error), RP_E_BAD_OPTION);
        text[RP_BASIC_LIMIT - 1] = '\0';
        assert_int_equal(rp__basic_write(value, a, b, &error), RP_OK);
        assert_int_equal(strlen(value), RP_BASIC_SIZE - 1);
        rp_slice whole = {(const uint8_t *)text, RP_BASIC_LIMIT - 1};
        assert_int_equal(rp__basic_write_userinfo(value, whole, &error), RP_OK);
        text[RP_BASIC_LIMIT - 1] = 'x';
        whole.size++;
        assert_int_equal(rp__basic_write_userinfo(value, whole, &error), RP_E_BAD_URL);
    }
    free(text);
}

static void test_bearer(void **state)
{
    static const char *const good[] = {"a", "aZ09-._~+/", "abc=", "abc=="};
    static const char *const bad[] = {"",    "=",        "a=b", "a b", "a\n",
                                      "a,b", "\xc3\xa4", "a\"", "a:b"};
    rp_error error;
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(rp__bearer_check(good[i], &error), RP_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(rp__bearer_check(bad[i], &error), RP_E_BAD_OPTION);
        assert_non_null(strstr(error.text, "RFC 6750"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_beyond_the_examples),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_basic),
        cmocka_unit_test(test_userinfo),
        cmocka_unit_test(test_long_credentials),
        cmocka_unit_test(test_bearer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

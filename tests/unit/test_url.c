/* test_url.c - URLs: what is taken apart how, and what is refused with which sentence. */
#include "http/url.h"
#include <ringport/url.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_slice(rp_slice slice, const char *expected)
{
    assert_int_equal(slice.size, strlen(expected));
    if (slice.size > 0)
        assert_memory_equal(slice.data, expected, slice.size);
}

static void assert_same_slice(rp_slice a, rp_slice b)
{
    assert_int_equal(a.size, b.size);
    if (a.size > 0)
        assert_ptr_equal(a.data, b.data);
}

/* Whatever the last URL was: one of those before it, and itself. */
/* Host and port as a request names them: where that stands in the text so it is said. */
static void assert_authority(const rp_url *url, rp_slice authority)
{
    char text[RP_HOST_LIMIT + 16], port[8] = "";
    if (authority.size == 0)
        return;
    if (!url->port_is_default)
        (void)snprintf(port, sizeof(port), ":%u", url->port);
    (void)snprintf(text, sizeof(text), url->host_is_ipv6 ? "[%.*s]%s" : "%.*s%s",
                   (int)url->host.size, (const char *)url->host.data, port);
    assert_int_equal(authority.size, strlen(text));
    assert_memory_equal(authority.data, text, authority.size);
}

static void assert_like(const rp_url *url, const char *text, size_t size, rp_status status,
                        const rp_error *error)
{
    static rp_url_front front;
    for (unsigned i = 0; i < 2; i++) {
        rp_url like;
        rp_error why = {.status = RP_OK};
        assert_int_equal(rp__url_parse_like(&like, &front, text, size, &why), status);
        if (status != RP_OK) {
            assert_string_equal(why.text, error->text);
            return;
        }
        assert_int_equal(like.https, url->https);
        assert_int_equal(like.host_is_ipv6, url->host_is_ipv6);
        assert_int_equal(like.port, url->port);
        assert_int_equal(like.port_is_default, url->port_is_default);
        assert_same_slice(like.host, url->host);
        assert_same_slice(like.path, url->path);
        assert_same_slice(like.query, url->query);
        assert_same_slice(like.userinfo, url->userinfo);
        assert_authority(url, like.authority);
    }
}

/* From memory of exactly the text's size, so that reading on is seen by the address sanitizer. */
static rp_status parse(rp_url *url, const char *text, rp_error *error, char **copy)
{
    size_t size = strlen(text);
    *copy = malloc(size > 0 ? size : 1);
    assert_non_null(*copy);
    memcpy(*copy, text, size);
    memset(error, 0, sizeof(*error));
    rp_status status = rp__url_parse(url, *copy, size, error);
    assert_like(url, *copy, size, status, error);
    return status;
}

static void test_good(void **state)
{
    static const struct {
        const char *text;
        bool https;
        const char *host;
        bool ipv6;
        uint16_t port;
        bool port_is_default;
        const char *path, *query, *userinfo;
    } cases[] = {
        {"https://example.com", true, "example.com", false, 443, true, "", "", ""},
        {"http://example.com/", false, "example.com", false, 80, true, "/", "", ""},
        {"HTTPS://Example.COM:443/a/b?c=d#e", true, "Example.COM", false, 443, true, "/a/b", "?c=d",
         ""},
        {"http://h:443/", false, "h", false, 443, false, "/", "", ""},
        {"https://h:1", true, "h", false, 1, false, "", "", ""},
        {"https://h:65535/x", true, "h", false, 65535, false, "/x", "", ""},
        {"https://h:/x", true, "h", false, 443, true, "/x", "", ""},
        {"https://h?q", true, "h", false, 443, true, "", "?q", ""},
        {"https://h?q/r?s", true, "h", false, 443, true, "", "?q/r?s", ""},
        {"https://h#f?g", true, "h", false, 443, true, "", "", ""},
        {"https://h/#", true, "h", false, 443, true, "/", "", ""},
        {"https://h?", true, "h", false, 443, true, "", "?", ""},
        {"https://user:pa%40ss@h:8443/", true, "h", false, 8443, false, "/", "", "user:pa%40ss"},
        {"https://@h/", true, "h", false, 443, true, "/", "", ""},
        {"https://h/a@b:c", true, "h", false, 443, true, "/a@b:c", "", ""},
        {"https://[::1]/", true, "::1", true, 443, true, "/", "", ""},
        {"https://u@[2001:db8::1]:8443?q", true, "2001:db8::1", true, 8443, false, "", "?q", "u"},
        {"https://192.0.2.7:8080/", true, "192.0.2.7", false, 8080, false, "/", "", ""},
        {"https://a_b-c.d~e!$&'()*+,;=f/", true, "a_b-c.d~e!$&'()*+,;=f", false, 443, true, "/", "",
         ""},
        {"https://h/{}|^\"<>\\`", true, "h", false, 443, true, "/{}|^\"<>\\`", "", ""},
        {"https://example.com./", true, "example.com.", false, 443, true, "/", "", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rp_url url;
        rp_error error;
        char *copy;
        if (parse(&url, cases[i].text, &error, &copy) != RP_OK)
            fail_msg("%s: %s", cases[i].text, error.text);
        assert_int_equal(url.https, cases[i].https);
        assert_slice(url.host, cases[i].host);
        assert_int_equal(url.host_is_ipv6, cases[i].ipv6);
        assert_int_equal(url.port, cases[i].port);
        assert_int_equal(url.port_is_default, cases[i].port_is_default);
        assert_slice(url.path, cases[i].path);
        assert_slice(url.query, cases[i].query);
        assert_slice(url.userinfo, cases[i].userinfo);
        free(copy);
    }
}

static void test_bad(void **state)
{
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"", "the URL \"\" has no scheme: it must begin with http:// or https://"},
        {"example.com/", "the URL \"example.com/\" has no scheme"},
        {"localhost:8080/", "is neither http:// nor https://"},
        {"ftp://h/", "is neither http:// nor https://"},
        {"httpss://h/", "is neither http:// nor https://"},
        {"://h/", "is neither http:// nor https://"},
        {"https:/h", "lacks the // after its scheme"},
        {"https:", "lacks the // after its scheme"},
        {"https://", "has no host"},
        {"https:///path", "has no host"},
        {"https://:443/", "has no host"},
        {"https://u@/", "has no host"},
        {"https://h/a b",
         "the URL \"https://h/a...\" has the byte 0x20 at position 11, which must be "
         "percent-encoded"},
        {"https://h/\r\nX: y", "has the byte 0x0d at position 10"},
        {"https://h/\x7f", "has the byte 0x7f at position 10"},
        {"https://b\xc3\xbc"
         "cher/",
         "has the byte 0xc3 at position 9, which a host has in its ASCII form alone"},
        {"https://u\xc3\xbc:p@h/", "at position 9, which must be percent-encoded"},
        {"https://a b/@", "at position 9, which no host can have"},
        {"a:b ", "has the byte 0x20 at position 3, which must be left out"},
        {" https://h/", "has the byte 0x20 at position 0, which must be left out"},
        {"https://h/x\n", "has the byte 0x0a at position 11, which must be left out"},
        {"https://h/\xfc/", "has the byte 0xfc at position 10, which must be percent-encoded"},
        {"https://h/#\x01", "has the byte 0x01 at position 11"},
        {"https://h:0/", "has a port that is not a number from 1 to 65535"},
        {"https://h:65536/", "has a port that is not a number from 1 to 65535"},
        {"https://h:000443/", "has a port that is not a number from 1 to 65535"},
        {"https://h:-1/", "has a port that is not a number from 1 to 65535"},
        {"https://h:1:2/", "has a port that is not a number from 1 to 65535"},
        {"https://h:http/", "has a port that is not a number from 1 to 65535"},
        {"https://a@b@h/", "has more than one @ before its path"},
        {"https://a[@h/", "has a character in its user information"},
        {"https://%68/", "has a percent-encoded host name"},
        {"https://a\\b/", "has a character in its host name that is not allowed there"},
        {"https://a^b/", "has a character in its host name that is not allowed there"},
        {"https://::1/", "has no host"},
        {"https://[::1/", "lacks the ] that ends its IPv6 address"},
        {"https://[]/", "has no valid IPv6 address between its brackets"},
        {"https://[::g]/", "has no valid IPv6 address between its brackets"},
        {"https://[127.0.0.1]/", "has no valid IPv6 address between its brackets"},
        {"https://[fe80::1%251]/", "has no valid IPv6 address between its brackets"},
        {"https://[[::1]]/", "has no valid IPv6 address between its brackets"},
        {"https://[::1]x/", "has something other than a port behind its IPv6 address"},
        /* Where there is no secret, all of it is shown. */
        {"https://h/a/b c", "the URL \"https://h/a/b...\" has the byte 0x20"},
        {"ftp://h.example/a", "the URL \"ftp://h.example/a\" is neither"},
        {"https://u:p@h^/a?b=c", "the URL \"https://***@h^/a...\" has"},
        {"u?v=https://Zq", "the URL \"u...\" is neither"},
        {"https://h:x/a", "the URL \"https://h:...\" has a port"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rp_url url;
        rp_error error;
        char *copy;
        assert_int_equal(parse(&url, cases[i].text, &error, &copy), RP_E_BAD_URL);
        assert_int_equal(error.status, RP_E_BAD_URL);
        if (strstr(error.text, cases[i].sentence) == NULL)
            fail_msg("%s: %s", cases[i].text, error.text);
        assert_int_equal(rp__url_parse(&url, copy, strlen(cases[i].text), NULL), RP_E_BAD_URL);
        free(copy);
    }
}

/* A URL with secrets before the @ and behind the ?, and what mistakes make of it. */
static const char secret_url[] = "http://user:Zq1Zq2Zq3@host:80/path?token=Zq4Zq5&Zq6";

static unsigned assert_untold(const char *text, size_t size)
{
    rp_url url;
    rp_error error;
    if (rp__url_parse(&url, text, size, &error) == RP_OK)
        return 0;
    if (strstr(error.text, "Zq") != NULL)
        fail_msg("%.*s: %s", (int)size, text, error.text);
    return 1;
}

/* Behind what the last URL began with there may be anything. */
static void test_begins_like_the_last(void **state)
{
    static const char *const fronts[] = {
        "https://h",      "http://h:80",         "https://[::1]",
        "https://h:",     "https://h:8443",      "https://h:08443",
        "https://h:0443", "https://[::1]:08443", "https://[::1]:1"};
    (void)state;
    for (size_t i = 0; i < 9 * 255; i++) {
        char text[40];
        rp_url url;
        rp_error error;
        char *copy;
        const char *front = fronts[i / 255];
        (void)snprintf(text, sizeof(text), "%s/a", front);
        (void)parse(&url, text, &error, &copy);
        free(copy);
        (void)snprintf(text, sizeof(text), "%s%cpath%c?q%c#f", front, (int)(i % 255 + 1),
                       (int)(i % 251 + 1), (int)(i % 241 + 1));
        (void)parse(&url, text, &error, &copy);
        free(copy);
    }
}

static void test_authority_of_the_last(void **state)
{
    static const char *const texts[] = {"https://h/", "http://h:8080/", "https://[::1]:8443?q"};
    rp_url_front front = {.size = 0};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        rp_url url;
        size_t size = strlen(texts[i]);
        assert_int_equal(rp__url_parse_like(&url, &front, texts[i], size, NULL), RP_OK);
        assert_int_equal(url.authority.size, 0);
        assert_int_equal(rp__url_parse_like(&url, &front, texts[i], size, NULL), RP_OK);
        assert_true(url.authority.size > 0);
        assert_authority(&url, url.authority);
    }
}

static void test_secrets_are_not_told(void **state)
{
    static const char inserted[] = " \x01\x7f\x80?#@/:[]%\\^a";
    size_t size = sizeof(secret_url) - 1;
    unsigned bad = 0;
    (void)state;
    for (size_t at = 0; at <= size; at++) {
        char text[sizeof(secret_url) + 1];
        for (size_t i = 0; i < sizeof(inserted); i++) { /* the NUL too */
            memcpy(text, secret_url, at);
            text[at] = inserted[i];
            memcpy(text + at + 1, secret_url + at, size - at);
            bad += assert_untold(text, size + 1);
        }
        bad += assert_untold(secret_url, at);
        if (at <= (size_t)(strchr(secret_url, '@') - secret_url))
            bad += assert_untold(secret_url + at, size - at);
        if (secret_url[at] == '?' || at == size)
            continue; /* then it is part of the path */
        memcpy(text, secret_url, at);
        memcpy(text + at, secret_url + at + 1, size - at - 1);
        bad += assert_untold(text, size - 1);
    }
    assert_true(bad > 300);
}

static void test_nul_is_no_end(void **state)
{
    static const char text[] = "https://good\0.evil/";
    rp_url url;
    rp_error error;
    (void)state;
    assert_int_equal(rp__url_parse(&url, text, sizeof(text) - 1, &error), RP_E_BAD_URL);
    assert_non_null(strstr(error.text, "has the byte 0x00 at position 12"));
}

static void test_limits(void **state)
{
    static char text[RP_URL_LIMIT + 1];
    rp_url url;
    rp_error error;
    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, "https://h/", 10);
    assert_int_equal(rp__url_parse(&url, text, RP_URL_LIMIT, &error), RP_OK);
    assert_int_equal(rp__url_parse(&url, text, RP_URL_LIMIT + 1, &error), RP_E_BAD_URL);
    assert_non_null(strstr(error.text, "...\" is longer than 64 KiB"));

    text[9] = 'a'; /* 8 + host + "/" */
    text[8 + RP_HOST_LIMIT] = '/';
    assert_int_equal(rp__url_parse(&url, text, 8 + RP_HOST_LIMIT + 1, &error), RP_OK);
    text[8 + RP_HOST_LIMIT] = 'a';
    assert_int_equal(rp__url_parse(&url, text, 8 + RP_HOST_LIMIT + 1, &error), RP_E_BAD_URL);
    assert_non_null(strstr(error.text, "longer than 253 characters"));
}

static void assert_part(rp_url_part part, const char *expected)
{
    assert_slice((rp_slice){(const uint8_t *)part.text, part.size}, expected);
}

static void test_split(void **state)
{
    rp_url_parts parts;
    rp_error error;
    (void)state;
    static const char text[] = "https://u%20ser:pw@[2001:db8::1]:8443/A/b?c=d#e";
    assert_int_equal(rp_url_split(&parts, text, &error), RP_OK);
    assert_true(parts.https);
    assert_part(parts.user_info, "u%20ser:pw");
    assert_part(parts.host, "2001:db8::1");
    assert_true(parts.host_is_ipv6);
    assert_int_equal(parts.port, 8443);
    assert_false(parts.port_is_default);
    assert_part(parts.path, "/A/b");
    assert_part(parts.query, "?c=d");
    assert_ptr_equal(parts.host.text, text + sizeof("https://u%20ser:pw@[") - 1);

    assert_int_equal(rp_url_split(&parts, "http://Host", NULL), RP_OK);
    assert_false(parts.https);
    assert_part(parts.host, "Host");
    assert_int_equal(parts.port, 80);
    assert_true(parts.port_is_default);
    assert_part(parts.path, "");

    assert_int_equal(rp_url_split(&parts, "https://u:secret@h:x/", &error), RP_E_BAD_URL);
    assert_null(strstr(error.text, "secret"));
    assert_int_equal(parts.host.size, 0);
    assert_int_equal(rp_url_split(&parts, "ftp://h/", NULL), RP_E_BAD_URL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_begins_like_the_last),
        cmocka_unit_test(test_authority_of_the_last),
        cmocka_unit_test(test_secrets_are_not_told),
        cmocka_unit_test(test_nul_is_no_end),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_tool_write_out.c - -w formats and JSON of the tool. */
#include "json.h"
#include "options.h"
#include "result.h"
#include "support/files.h"

#include <ringport/ringport.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define URL "https://h/"

static void assert_written(const result *r, const char *format, const char *expected)
{
    FILE *out = files_text_begin();
    write_out(r, format, out);
    char *text = files_text_end(out);
    assert_string_equal(text, expected);
    free(text);
}

/* In %{json} a port is a number, and what is not there null. */
static void assert_json_has(const result *r, const char *part)
{
    FILE *out = files_text_begin();
    write_out(r, "%{json}", out);
    char *text = files_text_end(out);
    if (strstr(text, part) == NULL)
        fail_msg("%s is not in %s", part, text);
    free(text);
}

static void test_write_out(void **state)
{
    tool_options o = {.url = URL};
    fields sent = {.count = 0};
    result r = {.options = &o,
                .url = URL,
                .effective_url = URL,
                .method = "GET",
                .fields = &sent,
                .file = "",
                .status = 200,
                .version = 11,
                .exit_code = 7};
    (void)state;
    r.timings = (rp_timings){.connected_us = 1500, .total_us = 12345678};
    snprintf(r.address, sizeof(r.address), "192.0.2.7:443");
    assert_written(&r, "%{http_code} %{response_code}|%{http_version}\\n", "200 200|1.1\n");
    assert_written(&r, "%{time_connect} %{time_total}", "0.001500 12.345678");
    assert_written(&r, "%{remote_ip} %{remote_port}", "192.0.2.7 443");
    assert_written(&r, "%{exitcode}%{errormsg}%%\\t\\r\\x%{", "7%\t\r\\x%{");
    assert_written(&r, "%{scheme} %{method} %{url}", "HTTPS GET " URL);
    snprintf(r.address, sizeof(r.address), "[2001:db8::1]:8443");
    assert_written(&r, "%{remote_ip} %{remote_port}", "2001:db8::1 8443");
    r.version = 20;
    assert_written(&r, "%{http_version}", "2");
    r.address[0] = '\0';
    assert_written(&r, "%{remote_ip} %{remote_port}", " 0");
    strcpy(r.local_address, "[2001:db8::2]:50000");
    assert_written(&r, "%{local_ip} %{local_port}", "2001:db8::2 50000");
    assert_written(&r, "%{errormsg}%{content_type}%{referer}%{redirect_url}", "");
    assert_json_has(&r, ",\"remote_ip\":\"\",\"remote_port\":0,");
    assert_json_has(&r, ",\"local_ip\":\"2001:db8::2\",\"local_port\":50000,");
    assert_json_has(&r, ",\"errormsg\":null,");
    assert_json_has(&r, ",\"content_type\":null,");
    strcpy(r.address, "unix:/run/a:[1]:2");
    assert_written(&r, "%{remote_ip} %{remote_port}", " 0");
}

static void test_json(void **state)
{
    FILE *out = files_text_begin();
    json j = {.out = out};
    (void)state;
    json_begin_object(&j, NULL);
    json_text(&j, "a\"\\", "\n\x01\x7f \xc3\xbc \xff \xc3");
    json_text(&j, "none", NULL);
    json_begin_array(&j, "list");
    json_number(&j, NULL, UINT64_MAX);
    json_real(&j, NULL, 1.25, 1);
    json_begin_object(&j, NULL);
    json_end_object(&j);
    json_end_array(&j);
    json_bool(&j, "b", true);
    json_end_object(&j);
    char *text = files_text_end(out);
    assert_string_equal(text, "{\"a\\\"\\\\\":\"\\u000a\\u0001\\u007f \xc3\xbc \\ufffd \\ufffd\","
                              "\"none\":null,\"list\":[18446744073709551615,1.2,{}],\"b\":true}");
    free(text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_out),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

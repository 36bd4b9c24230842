/* test_tool_options.c - the tool's command lines: their forms, files of options, help, and what is
 * said of those that are wrong. */
#include "help.h"
#include "lasting.h"
#include "support/files.h"
#include "support/tool_words.h"

#include <ringport/ringport.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_forms(void **state)
{
    const char *const *const lines[] = {
        WORDS("-s", "-S", "-o", "file", URL),
        WORDS("-sSo", "file", URL),
        WORDS("-sSofile", URL),
        WORDS(URL, "-sS", "-ofile"),
        WORDS("--silent", "--output=file", URL, "--show-error"),
        WORDS("--output", "file", "-sS", "--", URL),
        WORDS("-sS", "-o", "file", "--url", URL),
        WORDS("-sS", "--url=" URL, "--output=file"),
    };
    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        tool_options o;
        accept(&o, COMMAND_GET, lines[i]);
        assert_string_equal(o.url, URL);
        assert_string_equal(o.targets[0].output, "file");
        assert_true(o.global.silent && o.global.show_error);
        options_free(&o);
    }
}

/* The first -o is the first URL's, wherever it stands. */
static void test_targets(void **state)
{
    tool_options o;
    (void)state;
    accept(&o, COMMAND_GET, WORDS("-o", "1", URL, "http://b/", "-o2", "http://c/", "-o", "3"));
    assert_int_equal(o.target_count, 3);
    assert_string_equal(o.targets[0].url, URL);
    assert_string_equal(o.targets[0].output, "1");
    assert_string_equal(o.targets[1].url, "http://b/");
    assert_string_equal(o.targets[1].output, "2");
    assert_string_equal(o.targets[2].url, "http://c/");
    assert_string_equal(o.targets[2].output, "3");
    options_free(&o);
    accept(&o, COMMAND_GET, WORDS(URL, "http://b/", "-o1", "-o2", "-o3"));
    assert_int_equal(o.target_count, 3);
    assert_null(o.targets[2].url);
    options_free(&o);
}

static void test_next(void **state)
{
    tool_options o;
    (void)state;
    accept(&o, COMMAND_GET,
           WORDS("-d", "x", "-v", URL, "--next", "-s", "-X", "PUT", "http://b/",
                 "-:", "--no-silent", "http://c/"));
    assert_non_null(o.next);
    assert_non_null(o.next->next);
    assert_null(o.next->next->next);
    assert_string_equal(o.next->url, "http://b/");
    assert_string_equal(o.next->method, "PUT");
    assert_false(o.next->data);
    for (const tool_options *at = &o; at != NULL; at = at->next)
        assert_true(at->global.verbose && !at->global.silent);
    assert_string_equal(o.next->next->url, "http://c/");
    options_free(&o);
    refuse(COMMAND_GET, WORDS(URL, "--next", "-s"), EXIT_USAGE, "no URL given");
    refuse(COMMAND_GET, WORDS(URL, "--next", "--bogus"), EXIT_USAGE, "option --bogus is unknown");
    refuse(COMMAND_LOAD, WORDS(URL, "--next"), EXIT_USAGE, "option --next is for `ringport get`");
}

/* The beginning of a name is enough where no other has it; a flag can be taken back. */
static void test_names(void **state)
{
    tool_options o;
    (void)state;
    accept(&o, COMMAND_GET,
           WORDS("--sil", "--show", "--no-show-error", "--inc", "--insecure", "--no-insecure",
                 "--no-keepalive", URL));
    assert_true(o.global.silent && !o.global.show_error && o.include && !o.insecure);
    assert_true(o.no_keepalive);
    options_free(&o);
    refuse(COMMAND_GET, WORDS("--in", URL), EXIT_USAGE, "option --in is the beginning of several");
    refuse(COMMAND_GET, WORDS("--no-output", URL), EXIT_USAGE,
           "option --no-output is unknown: is --output meant?");
    refuse(COMMAND_GET, WORDS("--no-", URL), EXIT_USAGE,
           "option --no- is the beginning of several");
}

/* What a file of options says stands where -K does. */
static void test_config(void **state)
{
    static const char text[] = "# a file\nurl = \"http://a/\"\n-o out\nsilent\nnext\n"
                               "header: \"X: \\\"y\\\"\"\n-b a=1\ncookie = b=2\n";
    tool_options o;
    char again[80];
    (void)state;
    const char *name = files_write("config", text, sizeof(text) - 1);
    accept(&o, COMMAND_GET, WORDS("-v", "-K", name, "-b", "cookies", URL, "-q"));
    assert_string_equal(o.targets[0].output, "out");
    assert_non_null(o.next);
    assert_true(o.global.verbose && o.global.silent);
    assert_string_equal(o.next->url, URL);
    assert_string_equal(o.next->headers[0].value, "\"y\"");
    assert_string_equal(o.next->cookie, "a=1; b=2");
    assert_int_equal(o.next->cookie_file_count, 1);
    options_free(&o);
    refuse(COMMAND_GET, WORDS("-K", files_write("config", "silent = x\n", 11), URL), EXIT_USAGE,
           "option --silent takes no value");
    refuse(COMMAND_GET, WORDS("-K", files_write("config", "output\n", 7), URL), EXIT_USAGE,
           "option --output needs a value: FILE");
    refuse(COMMAND_GET, WORDS("-K", files_write("config", "bogus\n", 6), URL), EXIT_USAGE,
           "option --bogus is unknown");
    refuse(COMMAND_GET, WORDS("-K", "/nonexistent/file", URL), EXIT_READ,
           "/nonexistent/file: No such file or directory");
    name = files_write("config", "", 0);
    snprintf(again, sizeof(again), "-K %.70s", name);
    files_write("config", again, strlen(again));
    tool_options loop;
    assert_int_equal(parse(&loop, COMMAND_GET, WORDS("-K", name, URL)), EXIT_USAGE);
    assert_non_null(strstr(loop.message, "too deep"));
    options_free(&loop);
}

static void test_usage(void **state)
{
    (void)state;
    refuse(COMMAND_GET, WORDS(NULL), EXIT_USAGE, "no URL given");
    refuse(COMMAND_LOAD, WORDS(URL, "http://x/"), EXIT_USAGE,
           "one URL at a time: \"http://x/\" is the second");
    refuse(COMMAND_GET, WORDS("--bogus", URL), EXIT_USAGE, "option --bogus is unknown");
    refuse(COMMAND_GET, WORDS("--bogus=x", URL), EXIT_USAGE, "option --bogus=x is unknown");
    refuse(COMMAND_GET, WORDS("-sB", URL), EXIT_USAGE, "option -B is unknown");
    refuse(COMMAND_GET, WORDS("-", URL), EXIT_USAGE, "- is not a URL");
    refuse(COMMAND_GET, WORDS(URL, "-o"), EXIT_USAGE, "option -o needs a value: FILE");
    refuse(COMMAND_GET, WORDS(URL, "--cacert"), EXIT_USAGE, "option --cacert needs a value: FILE");
    refuse(COMMAND_GET, WORDS("--silent=yes", URL), EXIT_USAGE, "option --silent takes no value");
    refuse(COMMAND_GET, WORDS("-t", "3", URL), EXIT_USAGE, "option -t is for `ringport load`");
    refuse(COMMAND_LOAD, WORDS("-o", "x", URL), EXIT_USAGE, "option -o is for `ringport get`");
    refuse(COMMAND_GET, WORDS("--preproxy", "p:1", URL), EXIT_USAGE,
           "--preproxy is not supported: a connection goes through one proxy at the most");
    refuse(COMMAND_GET, WORDS("--digest", "-u", "a:b", URL), EXIT_USAGE,
           "--digest is not supported: of the ways to say who one is Basic (-u) and Bearer "
           "(--oauth2-bearer) are here");
    refuse(COMMAND_GET, WORDS("-s0", URL), EXIT_USAGE,
           "--http1.0 is not supported: HTTP/1.1 is the oldest that is spoken; -H 'Connection: "
           "close' ends it");
    refuse(COMMAND_LOAD, WORDS("--haproxy-protocol=x", URL), EXIT_USAGE,
           "--haproxy-protocol is not supported: nothing goes before TLS or HTTP on a connection");
}

static void test_help(void **state)
{
    tool_options o;
    FILE *out = files_text_begin();
    (void)state;
    accept(&o, COMMAND_GET, WORDS("--help"));
    assert_true(o.help);
    options_free(&o);
    help_print(COMMAND_LOAD, out);
    char *text = files_text_end(out);
    assert_non_null(strstr(text, "  -c, --connections N"));
    assert_non_null(strstr(text, "      --cacert FILE"));
    assert_null(strstr(text, "--output"));
    assert_non_null(strstr(text, "--location"));
    free(text);
}

static void test_help_width(void **state)
{
    static const command commands[] = {COMMAND_GET, COMMAND_LOAD, COMMAND_TRUST};
    (void)state;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        FILE *out = files_text_begin();
        help_print(commands[i], out);
        char *text = files_text_end(out);
        assert_non_null(strstr(text, "\nExamples:\n"));
        assert_non_null(strstr(text, "\nExit codes"));
        for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
            if (strlen(line) > 80)
                fail_msg("wider than 80 columns: %s", line);
        }
        free(text);
    }
}

static void test_suggestions(void **state)
{
    (void)state;
    refuse(COMMAND_LOAD, WORDS("--durration", "1", URL), EXIT_USAGE,
           "option --durration is unknown: is --duration meant?");
    refuse(COMMAND_LOAD, WORDS("--conections=1", URL), EXIT_USAGE,
           "option --conections=1 is unknown: is --connections meant?");
    refuse(COMMAND_GET, WORDS("--verbsoe", URL), EXIT_USAGE,
           "option --verbsoe is unknown: is --verbose meant?");
    refuse(COMMAND_GET, WORDS("--o-my-what-a-long-name-for-an-option-this-is", URL), EXIT_USAGE,
           "option --o-my-what-a-long-name-for-an-option-this-is is unknown");
    refuse(COMMAND_GET, WORDS("--xy", URL), EXIT_USAGE, "option --xy is unknown");
}

/* wrk's -d is how long, curl's what. */
static void test_duration_as_data(void **state)
{
    static const char *const times[] = {"10s", "500ms", "1.5m", "2h"};
    static const char *const data[] = {"10", "s", "10s=1", "10 s", "", "name=10s"};
    tool_options o;
    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        assert_int_equal(parse(&o, COMMAND_LOAD, WORDS("-d", times[i], URL)), EXIT_USAGE);
        assert_non_null(strstr(o.message, "--duration"));
        options_free(&o);
        accept(&o, COMMAND_LOAD, WORDS("--data-raw", times[i], URL));
        options_free(&o);
        accept(&o, COMMAND_GET, WORDS("-d", times[i], URL));
        options_free(&o);
    }
    for (size_t i = 0; i < sizeof(data) / sizeof(data[0]); i++) {
        accept(&o, COMMAND_LOAD, WORDS("-d", data[i], URL));
        assert_int_equal(o.body.size, strlen(data[i]));
        options_free(&o);
    }
}

static void test_lasting(void **state)
{
    (void)state;
    assert_true(failure_lasts(RP_E_CERT_UNTRUSTED));
    assert_true(failure_lasts(RP_E_RESOLVE_NOT_FOUND));
    assert_false(failure_lasts(RP_E_CONNECT_REFUSED));
    assert_false(failure_lasts(RP_E_TOTAL_TIMEOUT));
    assert_false(failure_lasts(RP_OK));
}

/* docs/cli.md names every option that --help does. */
static void test_documented(void **state)
{
    char page[64 * 1024];
    FILE *docs = fopen("../docs/cli.md", "r"), *out = files_text_begin();
    (void)state;
    assert_non_null(docs);
    page[fread(page, 1, sizeof(page) - 1, docs)] = '\0';
    fclose(docs);
    options_print(COMMAND_GET, out);
    options_print(COMMAND_LOAD, out);
    options_print(COMMAND_JUDGE, out);
    char *text = files_text_end(out);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char *name = strstr(line, "--");
        if (name == NULL || name - line != 6) /* more of what stands above */
            continue;
        name[strcspn(name, " ")] = '\0';
        if (strcmp(name, "--help") != 0 && strstr(page, name) == NULL)
            fail_msg("docs/cli.md does not tell of %s", name);
    }
    free(text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),       cmocka_unit_test(test_targets),
        cmocka_unit_test(test_config),      cmocka_unit_test(test_next),
        cmocka_unit_test(test_names),       cmocka_unit_test(test_usage),
        cmocka_unit_test(test_help),        cmocka_unit_test(test_help_width),
        cmocka_unit_test(test_suggestions), cmocka_unit_test(test_duration_as_data),
        cmocka_unit_test(test_lasting),     cmocka_unit_test(test_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

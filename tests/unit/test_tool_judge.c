/* test_tool_judge.c - the verdicts of `ringport judge`, and the commands that it makes. */
#include "exit_code.h"
#include "judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const judge_situation one = {.name = "one", .right = JUDGE_TAKEN};
static const judge_situation two = {.name = "two", .right = JUDGE_TAKEN, .flags = JUDGE_TWO};

static void test_outcomes(void **state)
{
    static const judge_situation bodiless = {.flags = JUDGE_TWO | JUDGE_BODILESS};
    (void)state;
    assert_int_equal(judge_classify(&one, false, 0, "x\n" JUDGE_WHOLE "x", false), JUDGE_TAKEN);
    assert_int_equal(judge_classify(&one, false, 0, JUDGE_WHOLE, true), JUDGE_TAKEN);
    assert_int_equal(judge_classify(&one, false, 3, JUDGE_WHOLE, false), JUDGE_FAILED);
    assert_int_equal(judge_classify(&one, false, 0, "whole", false), JUDGE_MISREAD);
    assert_int_equal(judge_classify(&one, false, 0, "", true), JUDGE_MISREAD);
    assert_int_equal(judge_classify(&one, true, 0, JUDGE_WHOLE, false), JUDGE_HUNG);
    assert_int_equal(judge_classify(&one, true, 0, JUDGE_FORGED, false), JUDGE_FOOLED);
    assert_int_equal(judge_classify(&one, false, 9, JUDGE_FORGED, true), JUDGE_FOOLED);

    assert_int_equal(judge_classify(&two, false, 0, JUDGE_WHOLE JUDGE_SECOND, false), JUDGE_TAKEN);
    assert_int_equal(judge_classify(&two, false, 0, JUDGE_WHOLE, true), JUDGE_MISREAD);
    assert_int_equal(judge_classify(&two, false, 0, JUDGE_SECOND, false), JUDGE_MISREAD);
    assert_int_equal(judge_classify(&two, false, 0, JUDGE_SECOND, true), JUDGE_FAILED);
    assert_int_equal(judge_classify(&bodiless, false, 0, JUDGE_SECOND, false), JUDGE_TAKEN);
    assert_int_equal(judge_classify(&bodiless, false, 0, "", false), JUDGE_MISREAD);
}

static void expect(judge_verdict verdict, const char *why, const judge_situation *s,
                   const judge_seen *seen)
{
    char text[200];
    assert_int_equal(judge_decide(s, seen, text, sizeof(text)), verdict);
    assert_string_equal(text, why);
}

static void test_verdicts(void **state)
{
    const judge_situation strict = {.right = JUDGE_FAILED, .tolerated = JUDGE_HUNG};
    judge_seen seen = {.outcome = JUDGE_FAILED};
    (void)state;
    expect(JUDGE_RIGHT, "", &strict, &seen);
    seen.outcome = JUDGE_HUNG;
    expect(JUDGE_WEAK, "it did not end", &strict, &seen);
    seen.outcome = JUDGE_TAKEN;
    expect(JUDGE_WRONG, "it took the answer", &strict, &seen);
    seen.skipped = "no need";
    expect(JUDGE_SKIPPED, "no need", &strict, &seen);
}

static void test_bounds(void **state)
{
    judge_situation s = {.right = JUDGE_TAKEN | JUDGE_FAILED};
    judge_seen seen = {.outcome = JUDGE_TAKEN, .method = "POST"};
    (void)state;
    seen.counts = (rp_sim_server_counts){.connections = 1, .requests = 3};
    seen.bytes_sent = (uint64_t)3 << 20;
    expect(JUDGE_RIGHT, "", &s, &seen);
    s.most_requests = 3;
    s.most_mib = 3;
    s.least_connections = 1;
    expect(JUDGE_RIGHT, "", &s, &seen);
    s.most_requests = 2;
    expect(JUDGE_WRONG, "it made 3 requests", &s, &seen);
    s.most_requests = 0;
    s.most_mib = 2;
    expect(JUDGE_WRONG, "it read 3 MiB", &s, &seen);
    s.most_mib = 0;
    s.least_connections = 2;
    expect(JUDGE_WRONG, "it used the connection again", &s, &seen);
    seen.outcome = JUDGE_FAILED;
    expect(JUDGE_RIGHT, "", &s, &seen);
    s.most_unsafe_requests = 1;
    expect(JUDGE_WRONG, "it sent the POST 3 times", &s, &seen);
    (void)strcpy(seen.method, "PUT");
    expect(JUDGE_RIGHT, "", &s, &seen);
    s.right = JUDGE_FAILED;
    expect(JUDGE_RIGHT, "", &s, &seen);
    s.flags = JUDGE_STRANGER; /* whoever is told that much has been taken for another */
    expect(JUDGE_WRONG, "it made a request", &s, &seen);
    s.flags = JUDGE_CHAIN;
    expect(JUDGE_WRONG, "it made a request", &s, &seen);
    s.tolerated = JUDGE_TAKEN;
    expect(JUDGE_RIGHT, "", &s, &seen);
    s.flags = 0;
    seen.leaked = "Cookie";
    expect(JUDGE_WRONG, "it sent Cookie to the other server", &s, &seen);
}

static void test_complaints(void **state)
{
    judge_situation s = {.right = JUDGE_TAKEN, .flags = JUDGE_CONTROL};
    judge_seen seen = {.outcome = JUDGE_TAKEN, .complaint = "no Host"};
    (void)state;
    expect(JUDGE_WRONG, "its request is wrong: no Host", &s, &seen);
    s.flags = 0; /* what comes of a server's breaches is no breach */
    expect(JUDGE_RIGHT, "", &s, &seen);
}

static void assert_command(const char *const *words, const char *second,
                           const char *const *expected)
{
    tool_options o = {.url = NULL};
    while (words[o.judge.command_count] != NULL)
        o.judge.command_count++;
    o.judge.command = (char **)(uintptr_t)words;
    char **made = judge_command(&o, "http://h:8/", second, "h", 8, "/tmp/ca");
    size_t i = 0;
    for (; expected[i] != NULL; i++) {
        assert_non_null(made[i]);
        assert_string_equal(made[i], expected[i]);
    }
    assert_null(made[i]);
    free(made);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_commands(void **state)
{
    (void)state;
    assert_command(WORDS("get", "{url}"), "", WORDS("get", "http://h:8/"));
    assert_command(WORDS("get", "{urls}", "-x"), "", WORDS("get", "http://h:8/", "-x"));
    assert_command(WORDS("get", "{urls}", "-x"), "http://h:8/2",
                   WORDS("get", "http://h:8/", "http://h:8/2", "-x"));
    assert_command(WORDS("{host}:{port}", "--ca={ca}", "{", "{x}", ""), "",
                   WORDS("h:8", "--ca=/tmp/ca", "{", "{x}", ""));
    assert_command(WORDS("{url}{url}{urls}"), "http://h:8/2",
                   WORDS("http://h:8/http://h:8/http://h:8/"));
}

static int parse(tool_options *o, const char *const *words)
{
    int count = 0;
    while (words[count] != NULL)
        count++;
    return options_parse(o, COMMAND_JUDGE, count, (char **)(uintptr_t)words);
}

/* What belongs to the client is not looked at. */
static void test_options(void **state)
{
    tool_options o;
    (void)state;
    assert_int_equal(parse(&o, WORDS("-s", "a", "-sb", "-l", "2", "--", "-x", "--", "-s")),
                     EXIT_OK);
    assert_int_equal(o.judge.name_count, 2);
    assert_string_equal(o.judge.names[1], "b");
    assert_int_equal(o.judge.limit_ms, 2000);
    assert_int_equal(o.judge.command_count, 3);
    assert_string_equal(o.judge.command[0], "-x");
    options_free(&o);
    assert_int_equal(parse(&o, WORDS("--json", "curl", "--list", "{url}")), EXIT_OK);
    assert_true(o.json && !o.judge.list);
    assert_int_equal(o.judge.command_count, 3);
    assert_int_equal(o.judge.limit_ms, 10000);
    options_free(&o);
    assert_int_equal(parse(&o, WORDS("--list")), EXIT_OK);
    options_free(&o);
    assert_int_equal(parse(&o, WORDS("--list", "curl")), EXIT_USAGE);
    options_free(&o);
    assert_int_equal(parse(&o, WORDS("--")), EXIT_USAGE);
    options_free(&o);
    assert_int_equal(parse(&o, WORDS("-X", "POST")), EXIT_USAGE);
    options_free(&o);
}

/* Every row can be judged, and told apart. */
static void test_tables(void **state)
{
    const char *names[300];
    size_t count = 0;
    (void)state;
    for (size_t i = 0; judge_tables[i] != NULL; i++) {
        for (const judge_situation *s = judge_tables[i]; s->name != NULL; s++) {
            assert_true(s->class != NULL && s->source != NULL && s->server != NULL &&
                        s->wanted != NULL && s->right != 0);
            assert_int_equal(s->right & (s->tolerated | JUDGE_FOOLED | JUDGE_HUNG), 0);
            assert_true(!(s->flags & JUDGE_H2) || (s->flags & JUDGE_TLS));
            assert_int_equal(s->chain != NULL, (s->flags & JUDGE_CHAIN) != 0);
            assert_true(strlen(s->name) <= 24);
            for (size_t n = 0; n < count; n++)
                assert_string_not_equal(s->name, names[n]);
            assert_true(count < sizeof(names) / sizeof(names[0]));
            names[count++] = s->name;
        }
    }
    assert_true(count > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcomes), cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_bounds),   cmocka_unit_test(test_complaints),
        cmocka_unit_test(test_commands), cmocka_unit_test(test_tables),
        cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_misdirected.c - answers of status 421 (RFC 9110, 15.5.20): the server is not in charge of
 * the request on this connection, so it is sent once more on another one. */
#include "support/probe.h"
#include "support/web.h"

#include <stdlib.h>
#include <string.h>

typedef struct scene {
    web w;
    const char *how;  /* of the answer */
    unsigned refused; /* so many are 421 */
    unsigned came;
} scene;

/* The head of a request came, and maybe no more of it. */
static bool answer(exchange *x, void *user)
{
    scene *s = user;
    if (s->came++ >= s->refused) {
        if (strcmp(s->how, "early") == 0)
            return false;
        exchange_answer(x, 200, "", "mine", 4);
        return true;
    }
    if (strcmp(s->how, "cut") == 0) {
        exchange_print(x, "HTTP/1.1 421 Not Mine\r\nContent-Length: 100\r\n\r\nnot mi");
        exchange_end(x, EXCHANGE_STALL);
    } else if (strcmp(s->how, "interim") == 0) {
        exchange_print(x, "HTTP/1.1 103 Early Hints\r\n\r\n"
                          "HTTP/1.1 421 Not Mine\r\nContent-Length: 0\r\n\r\n");
        exchange_end(x, EXCHANGE_KEEP);
    } else if (strcmp(s->how, "ends") == 0) {
        exchange_print(x, "HTTP/1.1 421 Not Mine\r\nConnection: close\r\n\r\nnot mine");
        exchange_end(x, EXCHANGE_CLOSE);
    } else {
        exchange_answer(x, 421, "", "not mine", 8);
    }
    return true;
}

static void begin(scene *s, const char *how, unsigned refused, const rp_client_options *client)
{
    server_options serving = {.handler = answer, .user = s};
    *s = (scene){.how = how, .refused = refused};
    serving.handler_at_head = strcmp(how, "early") == 0;
    web_begin(&s->w, 13, &serving, client);
}

static void once(const char *how, const rp_request_options *options)
{
    scene s;
    fetch f = {0};
    begin(&s, how, 1, NULL);
    fetch_good(&f, &s.w, "/", options, 200);
    assert_int_equal(f.summary.attempts, 2);
    assert_false(f.summary.reused);
    assert_true(f.heads == 1 && f.error.status == RP_OK);
    assert_int_equal(f.informational, strcmp(how, "interim") == 0 ? 1 : 0);
    if (options == NULL || options->method == NULL || strcmp(options->method, "HEAD") != 0)
        assert_string_equal(f.text, "mine");
    assert_int_equal(atomic_load(&web_counts(&s.w)->connections), 2);
    assert_int_equal(s.w.client->idle_count, 1); /* the one that said so serves nobody */
    web_end(&s.w);
}

/* Whatever the method, and however much of the answer came. */
static void test_once_more(void **state)
{
    static const rp_request_options kinds[] = {
        {.method = NULL},
        {.method = "HEAD"},
        {.method = "POST", .body = "body", .body_size = 4},
        {.method = "DELETE", .never_replay = true},
        {.method = NULL, .receive_credit_bytes = 1},
    };
    static const char *const answers[] = {"whole", "cut", "interim", "ends"};
    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        for (size_t j = 0; j < sizeof(answers) / sizeof(answers[0]); j++) {
            if (kinds[i].receive_credit_bytes > 0) {
                scene s;
                fetch f = {0};
                begin(&s, answers[j], 1, NULL);
                assert_true(fetch_start(&f, &s.w, "/", &kinds[i]));
                while (f.dones == 0) {
                    (void)rp_loop_turn(s.w.loop, 10);
                    if (f.request != NULL && f.body_bytes > 0)
                        fetch_consume(&f, 1);
                }
                assert_string_equal(f.text, "mine");
                assert_int_equal(f.summary.attempts, 2);
                web_end(&s.w);
            } else {
                once(answers[j], &kinds[i]);
            }
        }
}

/* The second time it is the answer; and so it is for the next request, which has its own try. */
static void test_twice_is_the_answer(void **state)
{
    scene s;
    fetch f = {0}, next = {0};
    (void)state;
    begin(&s, "whole", 3, NULL);
    fetch_good(&f, &s.w, "/", NULL, 421);
    assert_string_equal(f.text, "not mine");
    assert_int_equal(f.summary.attempts, 2);
    fetch_good(&next, &s.w, "/", NULL, 200);
    assert_int_equal(next.summary.attempts, 2);
    web_end(&s.w);
}

/* Idle connections of the origin do not serve it again; a fresh one does. */
static void test_not_on_a_used_one(void **state)
{
    scene s;
    fetch f[4] = {0};
    (void)state;
    begin(&s, "whole", 0, NULL);
    for (unsigned i = 0; i < 3; i++)
        assert_true(fetch_start(&f[i], &s.w, "/", NULL));
    for (unsigned i = 0; i < 3; i++)
        fetch_wait(&f[i]);
    UNTIL(s.w.loop, s.w.client->opening_count == 0);
    uint64_t before = atomic_load(&web_counts(&s.w)->connections);
    assert_true(before > 1);
    s.refused = s.came + 1;
    fetch_good(&f[3], &s.w, "/", NULL, 200);
    assert_int_equal(atomic_load(&web_counts(&s.w)->connections), before + 1);
    assert_false(f[3].summary.reused);
    web_end(&s.w);
}

/* The answer comes in the middle of a large body, which is sent again from its beginning. */
static void test_body_is_sent_again(void **state)
{
    enum { SIZE = 4 << 20 };
    scene s;
    fetch f = {0};
    uint8_t *body = malloc(SIZE);
    (void)state;
    assert_non_null(body);
    for (size_t i = 0; i < SIZE; i++)
        body[i] = probe_byte(i);
    begin(&s, "early", 1, NULL);
    f.checked = true;
    rp_request_options options = {.method = "POST", .body = body, .body_size = SIZE};
    fetch_good(&f, &s.w, "/echo", &options, 200);
    assert_int_equal(f.body_bytes, SIZE);
    assert_int_equal(f.summary.attempts, 2);
    assert_int_equal(f.summary.body_bytes_sent, SIZE);
    web_end(&s.w);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_once_more),
        fixture_test(test_twice_is_the_answer),
        fixture_test(test_not_on_a_used_one),
        fixture_test(test_body_is_sent_again),
    };
    return fixture_run_simulated(tests, 3);
}

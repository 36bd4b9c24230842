/* test_decode.c - answers that are decoded on their way (decompress), over HTTP/1.1 and HTTP/2:
 * what is asked for and told, what is wrong with them, callers that are slow or go. */
#include "support/check.h"
#include "support/coded.h"
#include "support/scene.h"

#include <stdlib.h>
#include <string.h>

static const rp_request_options decoded = {.decompress = true};

/* "/INDEX/CUT/STATUS": coded_good's, in pieces of CUT bytes (0: one), and at most SIZE of it. The
 * other paths are bodies of their own. */
typedef struct other {
    const char *path, *headers;
    const void *body;
    size_t size;
    int status;
} other;

static uint8_t bomb[4102];

static const other others[] = {
    {"/empty", "Content-Encoding: gzip\r\n", "", 0, 200},
    {"/none", "Content-Encoding: gzip\r\n", "", 0, 204},
    {"/same", "Content-Encoding: unheard-of\r\n", "", 0, 304},
    {"/unknown", "Content-Encoding: unheard-of\r\n", "something", 9, 200},
    {"/many", "Content-Encoding: br, br\r\nContent-Encoding: br, br\r\n", "something", 9, 200},
    {"/plain", "Content-Encoding: identity\r\n", "something", 9, 200},
    {"/wrong", "Content-Encoding: gzip\r\n", "something", 9, 200},
    {"/part", "Content-Encoding: gzip\r\nContent-Range: bytes 0-8/99\r\n", "something", 9, 206},
    {"/moved", "Location: /5/0/0\r\nContent-Encoding: gzip\r\n", "garbage", 7, 302},
    {"/bomb", "Content-Encoding: zstd\r\n", bomb, sizeof(bomb), 200},
};

static void respond_other(rp_sim_exchange *x)
{
    const char *path = rp_sim_target(x);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (strcmp(path, others[i].path) == 0)
            rp_sim_respond(x, others[i].status, others[i].headers, others[i].body, others[i].size);
    }
    if (strcmp(path, "/trailers") == 0) {
        rp_sim_head(x, 200, "Content-Encoding: gzip\r\n", RP_SIM_SIZE_UNKNOWN);
        rp_sim_data(x, coded_good[0].data, coded_good[0].size);
        rp_sim_trailers(x, "x-end: there\r\nx-more: 2\r\n");
        rp_sim_end(x, RP_SIM_KEEP);
    }
    if (strcmp(path, "/accept") == 0) {
        const char *accept = rp_sim_header(x, "Accept-Encoding");
        accept = accept == NULL ? "none" : accept;
        rp_sim_respond(x, 200, NULL, accept, strlen(accept));
    }
}

static void respond(rp_sim_exchange *x, void *user)
{
    char headers[128], *rest;
    const char *path = rp_sim_target(x);
    unsigned long index = strtoul(path + 1, &rest, 10);
    (void)user;
    if (rest == path + 1) {
        respond_other(x);
        return;
    }
    const coded *c = &coded_good[index];
    size_t cut = strtoul(rest + 1, &rest, 10), size = strtoul(rest + 1, NULL, 10);
    size = size == 0 ? c->size : size;
    cut = cut == 0 ? size : cut;
    (void)snprintf(headers, sizeof(headers), "Content-Encoding: %s\r\n", c->encoding);
    rp_sim_head(x, 200, headers, size);
    for (size_t at = 0; at < size; at += cut)
        rp_sim_data(x, c->data + at, size - at < cut ? size - at : cut);
    rp_sim_end(x, RP_SIM_KEEP);
}

/* Plain and encrypted HTTP/1.1, and HTTP/2. */
static void each(void (*test)(scene *s))
{
    for (int i = 0; i < 3; i++) {
        rp_sim_server_options serving = {.on_request = respond};
        scene s;
        serving.versions = i == 2 ? RP_SIM_HTTP_2 : RP_SIM_HTTP_1;
        scene_begin(&s, i == 0 ? 0 : 13, &serving, NULL);
        test(&s);
        scene_end(&s);
    }
}

static const char *path_of(size_t index, size_t cut, size_t size)
{
    static char path[64];
    (void)snprintf(path, sizeof(path), "/%zu/%zu/%zu", index, cut, size);
    return path;
}

static void is_content(const fetch *f)
{
    char content[CODED_CONTENT_MOST];
    size_t size = coded_content(content);
    assert_int_equal(f->body_bytes, size);
    assert_memory_equal(f->text, content, sizeof(f->text) - 1);
    assert_true(f->summary.decoded);
    assert_int_equal(f->summary.decoded_bytes, size);
}

/* ---- good ---- */

static void answers(scene *s)
{
    static const size_t cuts[] = {0, 1, 50};
    for (size_t i = 0; i < CODED_GOOD; i++) {
        for (size_t k = 0; k < (i == 0 ? 3 : 1); k++) {
            fetch f = {.header_name = "Content-Encoding"};
            scene_good(s, &f, path_of(i, cuts[k], 0), &decoded, 200);
            is_content(&f);
            if (f.version == 11) /* as it came; HTTP/2 has names in lower case */
                assert_string_equal(f.header, coded_good[i].encoding);
            assert_int_equal(f.announced, coded_good[i].size);
            assert_int_equal(f.summary.body_bytes, coded_good[i].size);
            assert_int_equal(f.summary.reused, i + k > 0);
        }
    }
}

static void expect_accept(scene *s, const rp_request_options *options, const char *expected)
{
    fetch f = {0};
    scene_good(s, &f, "/accept", options, 200);
    assert_string_equal(f.text, expected);
    assert_false(f.summary.decoded);
}

/* What a redirect says of its own body is of no matter. */
static void followed(scene *s)
{
    rp_request_options options = {.decompress = true, .redirects_limit = 1};
    fetch f = {0};
    scene_good(s, &f, "/moved", &options, 200);
    is_content(&f);
    expect_accept(s, &decoded, rp_http_codings());
}

static void test_followed(void **state)
{
    (void)state;
    each(followed);
}

static void test_answers(void **state)
{
    (void)state;
    each(answers);
}

static void asked(scene *s)
{
    static const rp_header own = {"accept-encoding", "br;q=0.5"}, range = {"Range", "bytes=0-8"};
    rp_request_options options = decoded;
    fetch f = {0};
    expect_accept(s, NULL, "none");
    expect_accept(s, &decoded, rp_http_codings());
    options.header_count = 1;
    options.headers = &own;
    expect_accept(s, &options, "br;q=0.5");
    options.headers = &range;
    expect_accept(s, &options, "none");
    scene_good(s, &f, path_of(0, 0, 0), NULL, 200);
    assert_int_equal(f.body_bytes, coded_good[0].size);
    assert_memory_equal(f.text, coded_good[0].data, coded_good[0].size);
    assert_false(f.summary.decoded);
}

static void test_asked(void **state)
{
    (void)state;
    each(asked);
}

static void bodiless(scene *s)
{
    static const struct {
        const char *path, *method, *text;
        int status;
    } cases[] = {{"/empty", "GET", "", 200},        {"/none", "GET", "", 204},
                 {"/same", "GET", "", 304},         {"/unknown", "HEAD", "", 200},
                 {"/many", "HEAD", "", 200},        {"/plain", "GET", "something", 200},
                 {"/part", "GET", "something", 206}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fetch f = {0};
        rp_request_options options = {.decompress = true, .method = cases[i].method};
        scene_good(s, &f, cases[i].path, &options, cases[i].status);
        assert_string_equal(f.text, cases[i].text);
        assert_int_equal(f.summary.reused, i > 0);
        assert_false(f.summary.decoded);
    }
}

static void test_bodiless(void **state)
{
    (void)state;
    each(bodiless);
}

/* ---- bad ---- */

static void expect_failure(scene *s, const char *path, const rp_request_options *options,
                           rp_status status, const char *sentence)
{
    fetch f = {0};
    scene_bad(s, &f, path, options, status, RP_PHASE_BODY, NULL);
    if (strstr(f.error.text, sentence) == NULL)
        fail_msg("%s", f.error.text);
    assert_false(f.error.replay_safe);
    f = (fetch){0};
    scene_good(s, &f, path_of(0, 0, 0), &decoded, 200); /* and the next one is well */
    is_content(&f);
}

static void bad(scene *s)
{
    rp_request_options limited = {.decompress = true, .decompressed_limit_bytes = 1000};
    expect_failure(s, path_of(0, 0, 200), &decoded, RP_E_DECODE_FAILED,
                   "the body of 127.0.0.1 is not the gzip that its Content-Encoding announces: it "
                   "ends before its end");
    expect_failure(s, path_of(7, 10, 250), &decoded, RP_E_DECODE_FAILED, "ends before its end");
    expect_failure(s, "/wrong", &decoded, RP_E_DECODE_FAILED, "incorrect header check");
    expect_failure(s, "/unknown", &decoded, RP_E_DECODE_UNKNOWN, "a coding that was not asked for");
    expect_failure(s, "/many", &decoded, RP_E_DECODE_UNKNOWN, "more codings than are taken");
    expect_failure(s, path_of(4, 1, 0), &limited, RP_E_DECODE_TOO_LARGE,
                   "longer than the limit of 1000 bytes");
    expect_failure(s, "/bomb", &decoded, RP_E_DECODE_TOO_LARGE,
                   "grew to more than 200 times its size");
}

static void test_bad(void **state)
{
    static const uint8_t begin[] = {0x28, 0xb5, 0x2f, 0xfd, 0, 13 << 3};
    (void)state;
    memcpy(bomb, begin, sizeof(begin));
    for (size_t i = sizeof(begin); i < sizeof(bomb); i += 4)
        memcpy(bomb + i, "\x02\x00\x10\x00", 4); /* 128 KiB of zeros */
    each(bad);
}

/* The decoder's memory can't be had, once each. */
static void starve(fetch *f)
{
    f->web->loop->memory.fail_in = (uint64_t)(uintptr_t)f->user;
}

static void no_memory(scene *s)
{
    for (size_t i = 0; i < CODED_GOOD; i++) {
        for (uintptr_t count = 1; count < 4; count++) {
            fetch f = {.on_head = starve, .user = (void *)count};
            rp_request_options options = decoded;
            options.url = scene_url(s, path_of(i, 0, 0));
            assert_true(fetch_start(&f, &s->web, NULL, &options));
            fetch_wait(&f);
            s->web.loop->memory.fail_in = 0;
            if (f.error.status == RP_OK)
                is_content(&f);
            else
                assert_true(f.error.status == RP_E_NO_MEMORY || f.error.phase == RP_PHASE_BODY);
        }
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    each(no_memory);
}

/* ---- callers that are slow, or go ---- */

/* Credit for one piece at a time, given back in later turns. */
static void slow(scene *s)
{
    static const size_t credits[] = {1, 100, 5000};
    for (size_t i = 0; i < 3 * CODED_GOOD; i++) {
        rp_request_options options = {.decompress = true, .receive_credit_bytes = credits[i % 3]};
        fetch f = {0};
        options.url = scene_url(s, path_of(i / 3, i % 2 == 0 ? 0 : 20, 0));
        assert_true(fetch_start(&f, &s->web, NULL, &options));
        uint64_t back = 0;
        while (f.dones == 0) {
            (void)rp_loop_turn(s->web.loop, 1);
            assert_in_range(f.body_bytes - back, 0, options.receive_credit_bytes);
            if (f.request != NULL && f.body_bytes > back)
                fetch_consume(&f, (size_t)(f.body_bytes - back));
            back = f.body_bytes;
        }
        assert_int_equal(f.error.status, RP_OK);
        is_content(&f);
    }
}

static void test_slow(void **state)
{
    (void)state;
    each(slow);
}

static unsigned trailers_told;

static void behind_the_body(rp_request *request, const rp_header *trailers, size_t count,
                            void *user)
{
    char content[CODED_CONTENT_MOST];
    const fetch *f = user;
    assert_ptr_equal(request, f->request);
    assert_int_equal(f->body_bytes, coded_content(content));
    assert_int_equal(count, 2);
    assert_string_equal(trailers[0].name, "x-end");
    assert_string_equal(trailers[0].value, "there");
    assert_string_equal(trailers[1].name, "x-more");
    assert_string_equal(trailers[1].value, "2");
    trailers_told++;
}

/* They come with the last of the body, which its caller may take much later. */
static void trailers(scene *s)
{
    static const size_t credits[] = {0, 1, 100};
    for (size_t i = 0; i < 3; i++) {
        rp_request_options options = {.url = scene_url(s, "/trailers"),
                                      .decompress = true,
                                      .receive_credit_bytes = credits[i],
                                      .on_trailers = behind_the_body};
        fetch f = {0};
        trailers_told = 0;
        assert_true(fetch_start(&f, &s->web, NULL, &options));
        for (uint64_t back = 0; f.dones == 0; back = f.body_bytes) {
            (void)rp_loop_turn(s->web.loop, 1);
            if (f.request != NULL && f.body_bytes > back)
                fetch_consume(&f, (size_t)(f.body_bytes - back));
        }
        assert_int_equal(f.error.status, RP_OK);
        assert_int_equal(trailers_told, 1);
        is_content(&f);
    }
}

static void test_trailers(void **state)
{
    (void)state;
    each(trailers);
}

/* Memory for one decoder of gzip, but not for two; what one had is there for the next. */
static void limited(scene *s)
{
    rp_request_options slow = {.decompress = true, .receive_credit_bytes = 100};
    for (unsigned i = 0; i < 3; i++) {
        fetch first = {0}, second = {0};
        slow.url = scene_url(s, path_of(0, 0, 0));
        assert_true(fetch_start(&first, &s->web, NULL, &slow));
        while (first.body_bytes < 100)
            (void)rp_loop_turn(s->web.loop, 1);
        scene_bad(s, &second, path_of(i, 0, 0), &decoded, RP_E_DECODER_MEMORY, RP_PHASE_BODY, NULL);
        assert_non_null(strstr(second.error.text,
                               "all that this client decodes at once may take 70000 bytes of "
                               "memory (decoder_memory_limit_bytes), and "));
        if (i == 1)
            fetch_cancel(&first);
        for (uint64_t back = 0; first.dones == 0; back = first.body_bytes) {
            (void)rp_loop_turn(s->web.loop, 1);
            if (first.request != NULL && first.body_bytes > back)
                fetch_consume(&first, (size_t)(first.body_bytes - back));
        }
        assert_int_equal(first.error.status, i == 1 ? RP_E_CANCELLED : RP_OK);
        second = (fetch){0};
        scene_good(s, &second, path_of(0, 0, 0), &decoded, 200);
        is_content(&second);
    }
}

static void test_limited(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        rp_sim_server_options serving = {.on_request = respond,
                                         .versions = i == 0 ? RP_SIM_HTTP_1 : RP_SIM_HTTP_2};
        rp_client_options with = {.decoder_memory_limit_bytes = 70000};
        scene s;
        scene_begin(&s, 13, &serving, &with);
        limited(&s);
        scene_end(&s);
    }
}

/* The answer is there in whole, and the caller never takes the rest of it. */
static void never_taken(scene *s)
{
    rp_request_options options = {.decompress = true,
                                  .receive_credit_bytes = 100,
                                  .idle_timeout_ms = 20,
                                  .total_timeout_ms = 120};
    fetch f = {0};
    scene_bad(s, &f, path_of(0, 0, 0), &options, RP_E_TOTAL_TIMEOUT, RP_PHASE_BODY, NULL);
    assert_non_null(strstr(f.error.text, "it waited for the caller to return credit"));
    assert_int_equal(f.body_bytes, 100);
    f = (fetch){0};
    scene_good(s, &f, path_of(1, 0, 0), &decoded, 200);
    is_content(&f);
}

static void test_never_taken(void **state)
{
    (void)state;
    each(never_taken);
}

static void cancel(fetch *f, size_t size)
{
    (void)size;
    fetch_cancel(f);
}

static void cancelled(scene *s)
{
    rp_request_options options = {.decompress = true, .receive_credit_bytes = 100};
    fetch f = {.on_body = cancel};
    scene_bad(s, &f, path_of(2, 0, 0), &decoded, RP_E_CANCELLED, RP_PHASE_NONE, NULL);
    for (int i = 0; i < 2; i++) { /* while it waits for credit; and when that has come */
        f = (fetch){0};
        options.url = scene_url(s, path_of(0, 0, 0));
        assert_true(fetch_start(&f, &s->web, NULL, &options));
        UNTIL(s->web.loop, f.body_bytes == 100);
        scene_settle(s, 5);
        if (i == 1)
            fetch_consume(&f, 100);
        fetch_cancel(&f);
        fetch_wait(&f);
        assert_int_equal(f.error.status, RP_E_CANCELLED);
        assert_int_equal(f.body_bytes, 100);
    }
}

static void test_cancelled(void **state)
{
    (void)state;
    each(cancelled);
}

static void destroy(fetch *f, size_t size)
{
    (void)size;
    rp_client_destroy(f->web->client);
    f->web->client = NULL;
    f->cancelled = true;
}

static void destroyed(scene *s)
{
    fetch f = {.on_body = destroy};
    scene_bad(s, &f, path_of(5, 0, 0), &decoded, RP_E_CANCELLED, RP_PHASE_NONE, NULL);
}

static void test_destroyed(void **state)
{
    (void)state;
    each(destroyed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_answers),   fixture_test(test_followed),    fixture_test(test_asked),
        fixture_test(test_bodiless),  fixture_test(test_bad),         fixture_test(test_no_memory),
        fixture_test(test_slow),      fixture_test(test_never_taken), fixture_test(test_cancelled),
        fixture_test(test_destroyed), fixture_test(test_trailers),    fixture_test(test_limited),
    };
    return fixture_run_simulated(tests, 4);
}

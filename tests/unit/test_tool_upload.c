/* test_tool_upload.c - bodies of files, forms and memory, given at once or at a limited rate: in
 * the simulator, whose time passes by itself. */
#include "exit_code.h"
#include "form.h"
#include "options.h"
#include "support/files.h"
#include "upload.h"

#include <ringport/ringport.h>
#include <ringport/sim.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { SIZE = 300000 };

static char pattern[SIZE];

typedef struct world {
    rp_sim *sim;
    rp_loop *loop;
    rp_client *client;
    rp_sim_server *server;
    upload *up;
    /* Of the server: what came, the most of it within each second, and of requests how many. */
    size_t came, second_bytes, second_most;
    uint64_t second;
    unsigned requests;
    bool drops; /* the first one's connection, once a third of its body came */
    bool same;  /* the body is the pattern's beginning */
    char length[32];
    /* Of the client. */
    rp_status ended;
    int status;
    char sentence[RP_ERROR_TEXT_SIZE];
} world;

/* ---- the server ---- */

static void on_head(rp_sim_exchange *x, void *user)
{
    world *w = user;
    const char *length = rp_sim_header(x, "Content-Length");
    snprintf(w->length, sizeof(w->length), "%s", length != NULL ? length : "-");
    w->came = 0;
    w->same = true;
    w->requests++;
}

static void on_body(rp_sim_exchange *x, const uint8_t *data, size_t size, void *user)
{
    world *w = user;
    uint64_t second = rp_sim_now_ns(w->sim) / 1000000000;
    if (w->second != second)
        w->second_bytes = 0;
    w->second = second;
    w->second_bytes += size;
    w->second_most = w->second_bytes > w->second_most ? w->second_bytes : w->second_most;
    w->same = w->same && w->came + size <= SIZE && memcmp(pattern + w->came, data, size) == 0;
    w->came += size;
    if (w->drops && w->came > SIZE / 3) {
        w->drops = false;
        rp_sim_end(x, RP_SIM_END_RESET);
    }
}

/* ---- the client ---- */

static void begin(world *w)
{
    rp_sim_options sim = {.seed = 7};
    rp_sim_server_options server = {.host = "host.example.test",
                                    .plain = true,
                                    .on_head = on_head,
                                    .on_body = on_body,
                                    .user = w};
    *w = (world){.sim = NULL};
    assert_int_equal(rp_sim_create(&w->sim, &sim, NULL), RP_OK);
    assert_int_equal(rp_sim_loop_create(w->sim, &w->loop, NULL, false, NULL), RP_OK);
    assert_int_equal(rp_client_create(&w->client, w->loop, NULL, NULL), RP_OK);
    assert_int_equal(rp_sim_server_start(w->sim, &w->server, &server, NULL), RP_OK);
}

static void end(world *w)
{
    upload_close(w->up);
    rp_client_destroy(w->client);
    rp_loop_run(w->loop);
    rp_loop_destroy(w->loop);
    rp_sim_destroy(w->sim);
}

static void on_wanted(rp_request *request, size_t room, void *user)
{
    world *w = user;
    upload_give(w->up, request, room);
}

static void on_rewind(rp_request *request, void *user)
{
    world *w = user;
    (void)request;
    upload_rewind(w->up);
}

static void on_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    world *w = user;
    (void)request;
    upload_pause(w->up);
    w->ended = summary->error != NULL ? summary->error->status : RP_OK;
    w->status = summary->status;
    snprintf(w->sentence, sizeof(w->sentence), "%s",
             summary->error != NULL ? summary->error->text : "");
}

static const rp_response_events events = {.on_done = on_done};

/* Sends the upload, and returns how long that took, in milliseconds. */
static uint64_t send(world *w, uint64_t cancel_after_ms)
{
    rp_request_options options = {
        .url = "http://host.example.test/", .method = "PUT", .on_body_rewind = on_rewind};
    uint64_t begin_ns = rp_sim_now_ns(w->sim);
    upload_rewind(w->up);
    upload_describe(w->up, &options);
    if (options.body == NULL)
        options.on_body_wanted = on_wanted;
    else
        options.on_body_rewind = NULL;
    rp_request *request = rp_client_send(w->client, &options, &events, w, NULL);
    assert_non_null(request);
    if (cancel_after_ms > 0) {
        rp_sim_run_ms(w->sim, cancel_after_ms);
        rp_request_cancel(request);
    }
    rp_loop_run(w->loop); /* ends: nothing is left that ticks */
    return (rp_sim_now_ns(w->sim) - begin_ns) / 1000000;
}

static void is_whole(const world *w, size_t size)
{
    char length[32];
    snprintf(length, sizeof(length), "%zu", size);
    assert_int_equal(w->ended, RP_OK);
    assert_int_equal(w->status, 200);
    assert_int_equal(w->came, size);
    assert_true(w->same);
    assert_string_equal(w->length, length);
}

/* ---- tests ---- */

static void test_bytes(void **state)
{
    world w;
    (void)state;
    begin(&w);
    for (size_t i = 0; i < 4; i++) {
        static const size_t sizes[] = {0, 1, 32 * 1024, SIZE};
        w.up = upload_open_bytes(pattern, sizes[i], w.loop);
        assert_non_null(w.up);
        (void)send(&w, 0);
        is_whole(&w, sizes[i]);
        assert_true(upload_can_repeat(w.up));
        assert_null(upload_failure(w.up));
        assert_null(upload_type(w.up));
        if (i < 3)
            upload_close(w.up);
    }
    end(&w);
}

static void test_file(void **state)
{
    world w;
    (void)state;
    begin(&w);
    w.up = upload_open(files_write("upload", pattern, SIZE), w.loop);
    assert_non_null(w.up);
    for (int i = 0; i < 2; i++) { /* the second begins anew */
        (void)send(&w, 0);
        is_whole(&w, SIZE);
    }
    upload_close(w.up);
    w.up = upload_open(files_path("missing"), w.loop);
    assert_null(w.up);
    end(&w);
}

/* A file that is shorter than it was, and one that is longer. */
static void test_file_that_changes(void **state)
{
    world w;
    (void)state;
    begin(&w);
    w.up = upload_open(files_write("upload", pattern, 1000), w.loop);
    assert_non_null(w.up);
    files_write("upload", pattern, 2000);
    (void)send(&w, 0);
    is_whole(&w, 1000);
    upload_close(w.up);
    w.up = upload_open(files_path("upload"), w.loop);
    assert_non_null(w.up);
    files_write("upload", pattern, 900);
    (void)send(&w, 0);
    assert_int_equal(w.ended, RP_E_BODY_LENGTH);
    end(&w);
}

static upload *open_form(world *w, tool_options *o, const char *value)
{
    char why[300];
    char *argv[] = {(char *)(uintptr_t) "http://h/", (char *)(uintptr_t) "-F",
                    (char *)(uintptr_t)value};
    assert_int_equal(options_parse(o, COMMAND_GET, 3, argv), EXIT_OK);
    form *f = form_open(o->form, NULL, o->form_escape, why, sizeof(why));
    assert_non_null(f);
    upload *up = upload_open_form(f, w->loop);
    assert_non_null(up);
    return up;
}

static void test_form(void **state)
{
    world w;
    tool_options o = {0};
    uint64_t size;
    char part[600];
    (void)state;
    begin(&w);
    snprintf(part, sizeof(part), "f=@%s", files_write("part", pattern, 5000));
    w.up = open_form(&w, &o, part);
    assert_non_null(strstr(upload_type(w.up), "multipart/form-data; boundary="));
    assert_true(upload_size(w.up, &size));
    (void)send(&w, 0);
    assert_int_equal(w.ended, RP_OK);
    assert_int_equal(w.came, size);
    options_free(&o);
    end(&w);
}

/* ---- --limit-rate ---- */

static void test_rate(void **state)
{
    static const size_t rates[] = {50000, 300000, 2000000};
    world w;
    (void)state;
    begin(&w);
    w.up = upload_open(files_write("upload", pattern, SIZE), w.loop);
    assert_non_null(w.up);
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        uint64_t least_ms = (uint64_t)SIZE * 1000 / rates[i] - 100, took_ms;
        upload_limit_rate(w.up, rates[i]);
        w.second_most = 0;
        took_ms = send(&w, 0);
        is_whole(&w, SIZE);
        assert_in_range(took_ms, least_ms, least_ms * 5 / 4 + 1000);
        assert_in_range(w.second_most, 1, rates[i] * 6 / 5); /* and what a window held back */
    }
    upload_limit_rate(w.up, 1); /* rounded to a byte a tick: it moves */
    (void)send(&w, 5000);
    assert_int_equal(w.ended, RP_E_CANCELLED);
    assert_in_range(w.came, 30, 52);
    end(&w);
}

/* Nothing is given to a request that has ended, and no tick is left of one. */
static void test_rate_and_cancel(void **state)
{
    world w;
    (void)state;
    begin(&w);
    w.up = upload_open_bytes(pattern, SIZE, w.loop);
    assert_non_null(w.up);
    upload_limit_rate(w.up, 10000);
    for (uint64_t at_ms = 10; at_ms < 400; at_ms += 35) {
        uint64_t took_ms = send(&w, at_ms);
        assert_int_equal(w.ended, RP_E_CANCELLED);
        assert_in_range(took_ms, at_ms, at_ms + 20);
    }
    upload_limit_rate(w.up, 200000);
    (void)send(&w, 0);
    is_whole(&w, SIZE);
    end(&w);
}

/* The server dies on the way: the body begins anew, at the same rate. */
static void test_rate_and_replay(void **state)
{
    world w;
    (void)state;
    begin(&w);
    w.up = upload_open_bytes(pattern, 1000, w.loop);
    assert_non_null(w.up);
    (void)send(&w, 0); /* a connection that may have died meanwhile is one that repeats */
    upload_close(w.up);
    w.up = upload_open_bytes(pattern, SIZE, w.loop);
    assert_non_null(w.up);
    upload_limit_rate(w.up, 100000);
    w.drops = true;
    w.second_most = 0;
    uint64_t took_ms = send(&w, 0);
    is_whole(&w, SIZE);
    assert_int_equal(w.requests, 3);
    assert_in_range(took_ms, 3700, 5500);
    assert_in_range(w.second_most, 1, 120000);
    end(&w);
}

int main(void)
{
    for (size_t i = 0; i < SIZE; i++)
        pattern[i] = (char)(i * 2654435761u >> 24);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_file_that_changes),
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_rate_and_cancel),
        cmocka_unit_test(test_rate_and_replay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

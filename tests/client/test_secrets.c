/* test_secrets.c - no copy of what a request or a response says stays in memory that was given
 * back.
 *
 * The loop's allocator looks at each block that comes back, and at those that are there, for what
 * the test's requests and responses hold. That every secret leaves the caller's own hands is not
 * ringport's business. */
#include "support/web.h"

#include "support/check.h"

#include <stdlib.h>
#include <string.h>

/* In requests, and in responses. */
#define ASKED "s3cr3t-of-the-request"
#define TOLD "s3cr3t-of-the-response"

/* ---- the allocator ---- */

typedef struct block {
    struct block *next, *previous;
    size_t size;
    void *aligned;
} block;

static block blocks = {&blocks, &blocks, 0, NULL};
static unsigned asked_freed, told_freed;

static bool holds(const block *b, const char *secret)
{
    const char *at = (const char *)(b + 1), *end = at + b->size;
    size_t size = strlen(secret);
    for (; (size_t)(end - at) >= size; at++) {
        at = memchr(at, secret[0], (size_t)(end - at) - size + 1);
        if (at == NULL)
            return false;
        if (memcmp(at, secret, size) == 0)
            return true;
    }
    return false;
}

static void give_back(block *b)
{
    asked_freed += holds(b, ASKED);
    told_freed += holds(b, TOLD);
    b->previous->next = b->next;
    b->next->previous = b->previous;
    free(b);
}

/* Every block is filled, so that looking at it is defined. */
static void *watch(void *user, void *memory, size_t size)
{
    block *old = memory == NULL ? NULL : (block *)memory - 1;
    void *given = NULL;
    (void)user;
    if (size > 0) {
        block *b = malloc(sizeof(*b) + size);
        CHECK(b != NULL);
        *b = (block){&blocks, blocks.previous, size, NULL};
        b->previous->next = blocks.previous = b;
        given = memset(b + 1, 0xA5, size);
        if (old != NULL)
            memcpy(given, memory, old->size < size ? old->size : size);
    }
    if (old != NULL)
        give_back(old);
    return given;
}

static bool is_kept(const char *secret)
{
    for (const block *b = blocks.next; b != &blocks; b = b->next) {
        if (holds(b, secret))
            return true;
    }
    return false;
}

/* ---- a server that tells secrets ---- */

/* In many pieces: a long head and a long body. */
static void answer(exchange *x, unsigned pieces)
{
    char text[16384], filler[6000];
    memset(filler, 'f', sizeof(filler) - 1);
    filler[sizeof(filler) - 1] = '\0';
    if (pieces <= 2)
        filler[3] = '\0';
    int size = snprintf(text, sizeof(text),
                        "HTTP/1.1 200 OK\r\nSet-Cookie: " TOLD "\r\nX-Filler: %s\r\n"
                        "X-Last: " TOLD "\r\nContent-Length: %zu\r\n\r\n" TOLD "%s" TOLD,
                        filler, 2 * (sizeof(TOLD) - 1) + strlen(filler), filler);
    for (unsigned i = 0; i < pieces; i++) {
        size_t begin = (size_t)size * i / pieces, end = (size_t)size * (i + 1) / pieces;
        exchange_write(x, text + begin, end - begin);
    }
    exchange_end(x, EXCHANGE_KEEP);
}

static bool handle(exchange *x, void *user)
{
    const char *target = exchange_request(x)->target;
    (void)user;
    if (strncmp(target, "/half", 5) == 0) {
        exchange_print(x, "HTTP/1.1 200 OK\r\nSet-Cookie: " TOLD "\r\nX-Last: ");
        exchange_end(x, EXCHANGE_STALL);
        return true;
    }
    if (strncmp(target, "/pieces/", 8) != 0)
        return false;
    answer(x, (unsigned)(target[8] - '0'));
    return true;
}

/* ---- requests ---- */

typedef struct scenario {
    const char *path;
    const char *before;              /* the path of a request before this one; NULL: none */
    size_t header_bytes, body_bytes; /* of the request; 0: a short one, none */
    size_t credit;
    unsigned turns; /* after which it is cancelled; 0: not */
    bool collected; /* by rp_collect_events */
    bool stale;     /* the connection that it goes out on has ended: it is replayed */
    bool fails;
    bool left_alone; /* the loop's end ends it */
} scenario;

static const scenario scenarios[] = {
    {.path = "/pieces/1"},
    {.path = "/pieces/1", .collected = true},
    {.path = "/pieces/2"},
    {.path = "/pieces/9"},
    {.path = "/pieces/9", .collected = true, .credit = 700},
    {.path = "/pieces/1", .credit = 7},
    {.path = "/pieces/9", .before = "/pieces/1"},
    {.path = "/half", .turns = 9},
    {.path = "/pieces/1", .header_bytes = 600},
    {.path = "/pieces/1", .header_bytes = 9000},
    {.path = "/pieces/1", .body_bytes = 100},
    {.path = "/pieces/1", .body_bytes = 9000},
    {.path = "/pieces/1", .body_bytes = 50000},
    {.path = "/pieces/9", .body_bytes = 50000, .collected = true},
    {.path = "/pieces/1", .stale = true, .header_bytes = 9000},
    {.path = "/stall", .turns = 1},
    {.path = "/stall", .turns = 4, .body_bytes = 9000},
    {.path = "/stall", .turns = 9, .header_bytes = 9000},
    {.path = "/stall-body/100/20", .turns = 9},
    {.path = "/reset", .body_bytes = 100, .fails = true},
    {.path = "/stall", .left_alone = true, .body_bytes = 300},
};

typedef struct secrets {
    rp_loop *loop;
    rp_client *client;
    rp_tls_config *client_tls, *server_tls;
    server *server;
    rp_request *request;
    rp_collected collected;
    unsigned dones;
    size_t owed; /* credit */
    rp_status status;
} secrets;

static void begin(secrets *s, int version, const scenario *how)
{
    server_options serving = {.backend = fixture_backend(), .handler = handle};
    rp_error error;
    *s = (secrets){.loop = fixture_loop_with((rp_allocator){.resize = watch})};
    s->client_tls = probe_client_tls(version);
    s->server_tls = probe_server_tls("server-ecdsa", version);
    serving.tls = s->server_tls;
    serving.stale_after = how->stale ? 1 : 0;
    s->server = fixture_simulated() ? server_start_owning(fixture_loop(), &serving)
                                    : server_start_thread(&serving);
    rp_client_options options = {.tls = s->client_tls};
    if (rp_client_create(&s->client, s->loop, &options, &error) != RP_OK)
        fail_msg("%s", error.text);
}

static void body_came(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    secrets *s = user;
    (void)request;
    (void)data;
    s->owed += size;
}

static void done(rp_request *request, const rp_response_summary *summary, void *user)
{
    secrets *s = user;
    (void)request;
    s->dones++;
    s->request = NULL;
    s->status = summary->error == NULL ? RP_OK : summary->error->status;
}

static void collected_done(rp_collected *collected, const rp_response_summary *summary, void *user)
{
    (void)collected;
    done(NULL, summary, user);
}

static void collect_body(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    rp_collected *collected = user;
    rp_collect_events.on_body(request, data, size, collected);
    body_came(request, data, size, collected->user);
}

/* Credit comes back some time after the data: what came meanwhile is put aside. */
static void wait(secrets *s)
{
    while (s->dones == 0) {
        (void)rp_loop_turn(s->loop, s->owed > 0 ? 0 : 1000);
        if (s->request != NULL)
            rp_request_consume(s->request, s->owed);
        s->owed = 0;
    }
}

static char *secret_text(size_t size)
{
    char *text = malloc(size + sizeof(ASKED));
    assert_non_null(text);
    memset(text, 'x', size);
    memcpy(text, ASKED, sizeof(ASKED) - 1);
    memcpy(text + size, ASKED, sizeof(ASKED));
    return text;
}

static void start(secrets *s, const scenario *how)
{
    static const rp_response_events events = {.on_body = body_came, .on_done = done};
    static rp_response_events collecting;
    char *value = secret_text(how->header_bytes < 100 ? 100 : how->header_bytes);
    char *sent = secret_text(how->body_bytes < 100 ? 100 : how->body_bytes);
    rp_header header = {"Authorization", value};
    char url[300];
    (void)snprintf(url, sizeof(url), "%s?token=" ASKED, server_url(s->server, how->path));
    rp_request_options options = {.url = url,
                                  .method = "PUT",
                                  .headers = &header,
                                  .header_count = 1,
                                  .receive_credit_bytes = how->credit};
    if (how->body_bytes > 0) {
        options.body = sent;
        options.body_size = strlen(sent);
    }
    rp_error error;
    collecting = rp_collect_events;
    collecting.on_body = collect_body;
    s->collected = (rp_collected){.on_done = collected_done, .user = s};
    s->dones = 0;
    s->request = how->collected
                     ? rp_client_send(s->client, &options, &collecting, &s->collected, &error)
                     : rp_client_send(s->client, &options, &events, s, &error);
    if (s->request == NULL)
        fail_msg("%s", error.text);
    for (unsigned i = 0; i < how->turns; i++)
        (void)rp_loop_turn(s->loop, 1);
    if (how->turns > 0)
        rp_request_cancel(s->request);
    if (how->left_alone) {
        (void)rp_loop_turn(s->loop, 100);
        rp_client_destroy(s->client);
    }
    wait(s);
    free(value);
    free(sent);
}

static void run(int version, const scenario *how)
{
    secrets s;
    asked_freed = told_freed = 0;
    begin(&s, version, how);
    if (how->before != NULL)
        start(&s, &(scenario){.path = how->before});
    for (int i = 0; i < (how->stale ? 3 : 1); i++) {
        start(&s, how);
        if (how->turns == 0 && !how->left_alone && (s.status == RP_OK) == how->fails)
            fail_msg("%s: %s", how->path, rp_status_name(s.status));
    }
    /* Connections that are closed may take a turn; an idle one stays. */
    UNTIL(s.loop, !rp_loop_pending(s.loop));
    (void)rp_loop_turn(s.loop, 0); /* a quiet send is over in the next turn */
    if (is_kept(ASKED))
        fail_msg("%s, scenario %td, version %d: the request's secret is kept", how->path,
                 how - scenarios, version);
    if (!how->left_alone)
        rp_client_destroy(s.client);
    rp_loop_destroy(s.loop);
    server_stop(s.server);
    rp_tls_config_release(s.client_tls);
    rp_tls_config_release(s.server_tls);
    assert_ptr_equal(blocks.next, &blocks);
    if (asked_freed > 0 || told_freed > 0)
        fail_msg("%s, scenario %td, version %d: %u blocks came back with the request's secret, %u "
                 "with the response's",
                 how->path, how - scenarios, version, asked_freed, told_freed);
}

static void test_memory_that_is_given_back(void **state)
{
    static const int versions[] = {0, 12, 13};
    (void)state;
    for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
        for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
            run(versions[v], &scenarios[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_memory_that_is_given_back),
    };
    return fixture_run_simulated(tests, 3);
}

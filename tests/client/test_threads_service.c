/* test_threads_service.c - a service's requests from many threads, and from loops of their own; its
 * limits, cancels and ends. The server is in a thread of its own. */
#include "support/check.h"
#include "support/loops.h"
#include "support/raw.h"
#include "support/tls_pair.h"
#include "support/web.h"

#include "base/thread.h"
#include <ringport/service.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLERS = 8, CALLS = 40, WAIT_MS = 20000 };

typedef struct site {
    server *server;
    rp_tls_config *client_tls, *server_tls;
    rp_service *service;
} site;

static void site_begin(site *s, const rp_service_options *options)
{
    rp_service_options known = options != NULL ? *options : (rp_service_options){.threads = 3};
    rp_error error;
    *s = (site){.client_tls = tls_client_of(0), .server_tls = tls_server_of("server-ecdsa", 0)};
    server_options serving = {.tls = s->server_tls, .backend = fixture_backend()};
    s->server = server_start_thread(&serving);
    known.loop.backend = fixture_backend();
    known.client.tls = s->client_tls;
    assert_int_equal(loops_create_service(&s->service, &known, &error), RP_OK);
}

static void site_end(site *s)
{
    rp_service_destroy(s->service);
    server_stop(s->server);
    rp_tls_config_release(s->client_tls);
    rp_tls_config_release(s->server_tls);
}

/* server_url's buffers are one thread's. */
static void url_of(const site *s, const char *path, char *url, size_t size)
{
    (void)snprintf(url, size, "https://127.0.0.1:%u%s", server_port(s->server), path);
}

/* ---- threads that wait ---- */

typedef struct caller {
    site *site;
    rp_thread thread;
    unsigned good;
} caller;

static void call_often(void *argument)
{
    caller *c = argument;
    char url[128], path[64];
    for (unsigned i = 0; i < CALLS; i++) {
        (void)snprintf(path, sizeof(path), "/bytes/%u", 100 + 37 * i);
        url_of(c->site, path, url, sizeof(url));
        rp_error error;
        rp_response *answer =
            rp_service_call(c->site->service, &(rp_request_options){.url = url}, 0, 0, &error);
        if (answer != NULL && answer->error.status == RP_OK && answer->status == 200 &&
            answer->body_size == 100 + 37 * i && answer->summary.tls_version != NULL &&
            answer->header_count > 0)
            c->good++;
        rp_response_free(answer);
    }
}

static void test_many_callers(void **state)
{
    (void)state;
    site s;
    caller callers[CALLERS];
    rp_service_stats stats;
    site_begin(&s, NULL);
    for (unsigned i = 0; i < CALLERS; i++) {
        callers[i] = (caller){.site = &s};
        assert_true(rp__thread_start(&callers[i].thread, call_often, &callers[i]));
    }
    for (unsigned i = 0; i < CALLERS; i++) {
        rp__thread_join(&callers[i].thread);
        assert_int_equal(callers[i].good, CALLS);
    }
    rp_service_stats_get(s.service, &stats);
    assert_int_equal(stats.requests, CALLERS * CALLS);
    assert_int_equal(stats.threads, 3);
    assert_int_equal(stats.spread, 0); /* one loop has room for all of them */
    assert_true(server_counts_get(s.server)->connections <= CALLERS);
    assert_true(rp_service_drain(s.service, WAIT_MS));
    rp_service_stats_get(s.service, &stats);
    assert_int_equal(stats.in_flight, 0);
    site_end(&s);
}

/* ---- answers for a loop of the caller's ---- */

typedef struct home {
    rp_loop *loop;
    unsigned answers, good, cancelled;
    rp_status last;
} home;

static void at_home(rp_response *answer, void *user)
{
    home *h = user;
    h->answers++;
    h->last = answer->error.status;
    h->good += answer->error.status == RP_OK && answer->status == 200;
    h->cancelled += answer->error.status == RP_E_CANCELLED;
    rp_response_free(answer);
}

static void home_wait(home *h, unsigned answers)
{
    uint64_t end = fixture_now_ms() + WAIT_MS;
    while (h->answers < answers && fixture_now_ms() < end)
        (void)rp_loop_turn(h->loop, 100);
    assert_int_equal(h->answers, answers);
}

static void ask(site *s, home *h, const char *path, uint64_t tag, size_t limit)
{
    rp_error error;
    /* One buffer for each that may be under way: they are borrowed. */
    static char urls[256][96];
    static unsigned next;
    char *url = urls[next++ % 256];
    url_of(s, path, url, sizeof(urls[0]));
    assert_int_equal(rp_service_ask(s->service, &(rp_request_options){.url = url}, tag, limit,
                                    h->loop, at_home, h, &error),
                     RP_OK);
}

static void test_home(void **state)
{
    (void)state;
    site s;
    home h = {.loop = fixture_loop()};
    site_begin(&s, NULL);
    for (unsigned i = 0; i < 30; i++)
        ask(&s, &h, "/hello", 0, 0);
    home_wait(&h, 30);
    assert_int_equal(h.good, 30);
    ask(&s, &h, "/bytes/5000", 0, 4999);
    home_wait(&h, 31);
    assert_int_equal(h.last, RP_E_BODY_TOO_LARGE);
    ask(&s, &h, "/bytes/5000", 0, 5000);
    home_wait(&h, 32);
    assert_int_equal(h.last, RP_OK);
    site_end(&s);
    fixture_loop_end(h.loop);
}

/* Those of the tag end, and no others; what is sent later with it is another matter. */
static void test_cancel(void **state)
{
    (void)state;
    site s;
    home h = {.loop = fixture_loop()}, other = {.loop = h.loop};
    site_begin(&s, &(rp_service_options){.threads = 3, .gather = 2});
    for (unsigned i = 0; i < 10; i++)
        ask(&s, &h, "/delay/60000", 7, 0);
    ask(&s, &other, "/delay/50", 8, 0);
    rp_service_cancel(s.service, 9);
    rp_service_cancel(s.service, 0);
    rp_service_cancel(s.service, 7);
    rp_service_cancel(s.service, 7);
    home_wait(&h, 10);
    assert_int_equal(h.cancelled, 10);
    ask(&s, &h, "/hello", 7, 0);
    home_wait(&h, 11);
    assert_int_equal(h.good, 1);
    home_wait(&other, 1);
    assert_int_equal(other.good, 1);
    rp_service_stats stats;
    rp_service_stats_get(s.service, &stats);
    assert_true(stats.spread > 0);
    site_end(&s);
    fixture_loop_end(h.loop);
}

/* ---- which loops serve an origin ---- */

enum { GATHER = 4 };

typedef struct seen {
    site *site;
    rp_mutex lock;
    rp_condition changed;
    rp_thread loops[8]; /* whose threads brought answers */
    unsigned loop_count, ends, good;
} seen;

static void seen_end(rp_request *request, const rp_response_summary *summary, void *user)
{
    seen *s = user;
    unsigned i = 0;
    (void)request;
    rp__mutex_lock(&s->lock);
    while (i < s->loop_count && !rp__thread_is_self(&s->loops[i]))
        i++;
    if (i == s->loop_count)
        rp__thread_note_self(&s->loops[s->loop_count++]);
    s->ends++;
    s->good += summary->error == NULL && summary->status == 200;
    rp__condition_wake(&s->changed);
    rp__mutex_unlock(&s->lock);
}

/* So many at once, and all of their ends; those that would take long are cancelled when the last
 * was sent. Returns how many loops there were. */
static unsigned at_once(seen *s, const char *path, unsigned count, bool cancelled)
{
    static const rp_response_events events = {.on_done = seen_end};
    char url[128];
    url_of(s->site, path, url, sizeof(url));
    s->loop_count = s->ends = s->good = 0;
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(rp_service_send(s->site->service, &(rp_request_options){.url = url}, 4,
                                         &events, s, NULL),
                         RP_OK);
    if (cancelled)
        rp_service_cancel(s->site->service, 4);
    rp__mutex_lock(&s->lock);
    while (s->ends < count)
        (void)rp__condition_wait(&s->changed, &s->lock, UINT64_MAX);
    rp__mutex_unlock(&s->lock);
    assert_int_equal(s->good, cancelled ? 0 : count);
    return s->loop_count;
}

/* As few as its load needs: one, more while there is more at a time, and one again. */
static void test_gather(void **state)
{
    (void)state;
    site s;
    seen at = {.site = &s};
    rp__mutex_init(&at.lock);
    rp__condition_init(&at.changed);
    site_begin(&s, &(rp_service_options){.threads = 3, .gather = GATHER});
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(at_once(&at, "/hello", 1 + i % GATHER, false), 1);
    assert_true(server_counts_get(s.server)->connections <= GATHER);
    assert_int_equal(at_once(&at, "/delay/60000", GATHER + 1, true), 2);
    assert_int_equal(at_once(&at, "/delay/60000", 2 * GATHER + 1, true), 3);
    assert_int_equal(at_once(&at, "/delay/60000", 10 * GATHER, true), 3);
    assert_int_equal(at_once(&at, "/hello", GATHER, false), 1);
    site_end(&s);
    rp__condition_destroy(&at.changed);
    rp__mutex_destroy(&at.lock);
}

/* ---- everything at once ---- */

enum { CROWD = 3, ENOUGH = 150 };

typedef struct crowd {
    site *site;
    home *home;
    rp_thread thread;
    unsigned number, sent, answers;
} crowd;

/* Calls and asks by turns, with its own tag, until the service is told to end. */
static void send_until_told(void *argument)
{
    crowd *c = argument;
    char url[128];
    rp_error error;
    url_of(c->site, "/bytes/3000", url, sizeof(url));
    rp_request_options get = {.url = url};
    for (rp_status status = RP_OK; status == RP_OK; c->sent += status == RP_OK) {
        if (c->sent % 2 == 0) {
            status = rp_service_ask(c->site->service, &get, 1 + c->number, 0, c->home->loop,
                                    at_home, c->home, &error);
        } else {
            rp_response *answer = rp_service_call(c->site->service, &get, 1 + c->number, 0, &error);
            status = answer != NULL ? RP_OK : error.status;
            c->answers +=
                answer != NULL && (answer->error.status == RP_E_CANCELLED ||
                                   (answer->error.status == RP_OK && answer->body_size == 3000));
            rp_response_free(answer);
        }
    }
    CHECK(error.status == RP_E_DRAINING);
}

/* Threads send, this one cancels, changes the TLS configuration, receives, and at some moment
 * drains: each request that was taken has one end, and none is taken after that. */
static void test_all_at_once(void **state)
{
    (void)state;
    site s;
    crowd crowds[CROWD];
    rp_service_stats stats;
    home h = {.loop = fixture_loop()};
    site_begin(&s, &(rp_service_options){.threads = 2, .gather = 2});
    rp_tls_config *others[] = {s.client_tls, tls_client_of(0)};
    for (unsigned i = 0; i < CROWD; i++) {
        crowds[i] = (crowd){.site = &s, .home = &h, .number = i};
        assert_true(rp__thread_start(&crowds[i].thread, send_until_told, &crowds[i]));
    }
    for (unsigned i = 0; h.answers < ENOUGH; i++) {
        (void)rp_loop_turn(h.loop, 1);
        rp_service_cancel(s.service, 1 + i % CROWD);
        if (i % 16 == 0)
            rp_service_set_tls(s.service, others[i / 16 % 2]);
    }
    assert_true(rp_service_drain(s.service, RP_NEVER_MS));
    unsigned asked = 0, called = 0;
    for (unsigned i = 0; i < CROWD; i++) {
        rp__thread_join(&crowds[i].thread);
        asked += (crowds[i].sent + 1) / 2;
        called += crowds[i].sent / 2;
        assert_int_equal(crowds[i].answers, crowds[i].sent / 2);
    }
    home_wait(&h, asked);
    assert_int_equal(h.good + h.cancelled, asked);
    rp_service_stats_get(s.service, &stats);
    assert_int_equal(stats.requests, asked + called);
    assert_int_equal(stats.in_flight, 0);
    site_end(&s);
    rp_tls_config_release(others[1]);
    fixture_loop_end(h.loop);
}

/* ---- a thread that waits is freed by another one's cancel ---- */

typedef struct waiter {
    site *site;
    rp_thread thread;
    rp_status status;
} waiter;

static void wait_long(void *argument)
{
    waiter *w = argument;
    char url[128];
    url_of(w->site, "/delay/60000", url, sizeof(url));
    rp_response *answer =
        rp_service_call(w->site->service, &(rp_request_options){.url = url}, 5, 0, NULL);
    w->status = answer != NULL ? answer->error.status : RP_E_MISUSE;
    rp_response_free(answer);
}

static void test_cancel_of_a_waiter(void **state)
{
    (void)state;
    site s;
    rp_service_stats stats;
    site_begin(&s, NULL);
    waiter w = {.site = &s};
    assert_true(rp__thread_start(&w.thread, wait_long, &w));
    do {
        raw_sleep_ms(1);
        rp_service_stats_get(s.service, &stats);
    } while (stats.requests == 0);
    rp_service_cancel(s.service, 5);
    rp__thread_join(&w.thread);
    assert_int_equal(w.status, RP_E_CANCELLED);
    site_end(&s);
}

/* ---- its end, with requests in every state ---- */

static void test_destroy(void **state)
{
    (void)state;
    for (unsigned wait_ms = 0; wait_ms < 8; wait_ms++) {
        site s;
        rp_error error;
        home h = {.loop = fixture_loop()};
        site_begin(&s, &(rp_service_options){.threads = 2, .gather = 4});
        for (unsigned i = 0; i < 16; i++)
            ask(&s, &h, i % 2 ? "/delay/60000" : "/hello", 3, 0);
        raw_sleep_ms(wait_ms);
        assert_false(rp_service_drain(s.service, 0) && h.answers < 16 && wait_ms == 0);
        assert_int_equal(rp_service_send(s.service, &(rp_request_options){.url = "http://x/"}, 0,
                                         &rp_collect_events, NULL, &error),
                         RP_E_DRAINING);
        assert_string_equal(error.text, "the service was told to end");
        site_end(&s);
        home_wait(&h, 16); /* the posts are in the loop */
        assert_int_equal(h.good + h.cancelled, 16);
        assert_true(h.cancelled >= 8);
        fixture_loop_end(h.loop);
    }
}

static void test_refused(void **state)
{
    (void)state;
    site s;
    rp_error error;
    rp_service *service;
    home h = {.loop = fixture_loop()};
    site_begin(&s, NULL);
    assert_null(rp_service_call(s.service, &(rp_request_options){.url = "ftp://x/"}, 0, 0, &error));
    assert_int_equal(error.status, RP_E_BAD_URL);
    assert_null(rp_service_call(s.service, &(rp_request_options){0}, 0, 0, &error));
    assert_int_equal(error.status, RP_E_BAD_URL);
    /* What only the client sees comes as the request's end. */
    rp_response *answer = rp_service_call(
        s.service, &(rp_request_options){.url = "http://127.0.0.1:1/", .method = "G T"}, 0, 0,
        &error);
    assert_non_null(answer);
    assert_true(answer->error.status == RP_E_BAD_OPTION || answer->error.status == RP_E_BAD_HEADER);
    assert_int_equal(answer->status, 0);
    assert_int_equal(answer->body_size, 0);
    rp_response_free(answer);
    rp_response_free(NULL);
    rp_service_options many = {.threads = 257};
    assert_int_equal(rp_service_create(&service, &many, &error), RP_E_BAD_OPTION);
    assert_null(service);
    rp_service_options both = {.threads = 1, .loops = &h.loop, .loop_count = 1};
    assert_int_equal(rp_service_create(&service, &both, &error), RP_E_BAD_OPTION);
    rp_service_options unknown = {.threads = 2, .loop.backend = "kqueue"};
    assert_int_equal(rp_service_create(&service, &unknown, &error), RP_E_UNSUPPORTED);
    assert_null(service);
    site_end(&s);
    fixture_loop_end(h.loop);
}

/* ---- metrics ---- */

typedef struct metrics {
    char text[256 * 1024];
    size_t size;
} metrics;

static void metrics_piece(const char *text, size_t size, void *user)
{
    metrics *m = user;
    assert_true(size < sizeof(m->text) - m->size);
    memcpy(m->text + m->size, text, size);
    m->size += size;
    m->text[m->size] = '\0';
}

/* The sum of a metric's series, and how many there are; all of them behind its one TYPE. */
static unsigned long metric_of(const metrics *m, const char *name, unsigned *series)
{
    char type[96];
    unsigned long sum = 0;
    (void)snprintf(type, sizeof(type), "# TYPE %s ", name);
    const char *at = strstr(m->text, type);
    assert_non_null(at);
    assert_null(strstr(at + 1, type));
    *series = 0;
    while ((at = strchr(at, '\n')) != NULL && strncmp(++at, name, strlen(name)) == 0) {
        const char *loop = strstr(at, ",ringport_loop=\""), *value = strchr(at, '}');
        assert_true(value != NULL && loop != NULL && loop < value);
        sum += strtoul(value + 2, NULL, 10);
        ++*series;
    }
    return sum;
}

static unsigned long read_metric(rp_service *service, metrics *m, const char *name,
                                 unsigned *series)
{
    rp_error error;
    m->size = 0;
    assert_int_equal(rp_service_metrics(service, metrics_piece, m, &error), RP_OK);
    return metric_of(m, name, series);
}

static void read_often(void *argument)
{
    caller *c = argument;
    metrics *m = malloc(sizeof(*m));
    unsigned series;
    assert_non_null(m);
    for (unsigned i = 0; i < CALLS; i++)
        c->good += read_metric(c->site->service, m, "ringport_client_connections_opened_total",
                               &series) <= CALLERS;
    free(m);
}

/* Two requests that are under way stand on two loops; and what is counted while it is read, by two
 * at once, is whole in the end. */
static void test_metrics(void **state)
{
    (void)state;
    site s;
    home h = {.loop = fixture_loop()};
    caller callers[4];
    unsigned series = 0;
    static metrics m;
    site_begin(&s, &(rp_service_options){.threads = 2, .gather = 1});
    for (unsigned i = 0; i < 4; i++) {
        callers[i] = (caller){.site = &s};
        assert_true(
            rp__thread_start(&callers[i].thread, i < 2 ? call_often : read_often, &callers[i]));
    }
    for (unsigned i = 0; i < 4; i++) {
        rp__thread_join(&callers[i].thread);
        assert_int_equal(callers[i].good, CALLS);
    }
    assert_true(rp_service_drain(s.service, WAIT_MS));
    assert_int_equal(read_metric(s.service, &m, "ringport_client_sent_bytes_total", &series) > 0,
                     true);
    (void)read_metric(s.service, &m, "ringport_client_responses_total", &series);
    assert_int_equal(metric_of(&m, "ringport_client_responses_total", &series), 2 * CALLS);
    site_end(&s);

    site_begin(&s, &(rp_service_options){.threads = 2, .gather = 1});
    ask(&s, &h, "/stall", 7, 0);
    ask(&s, &h, "/stall", 7, 0);
    uint64_t end = fixture_now_ms() + WAIT_MS;
    while (read_metric(s.service, &m, "http_client_active_requests", &series) < 2 &&
           fixture_now_ms() < end)
        continue;
    assert_int_equal(metric_of(&m, "http_client_active_requests", &series), 2);
    assert_int_equal(series, 2);
    rp_service_cancel(s.service, 7);
    home_wait(&h, 2);
    site_end(&s);
    fixture_loop_end(h.loop);
}

static void metrics_refused(rp_response *answer, void *user)
{
    rp_error error;
    site *s = user;
    assert_int_equal(rp_service_metrics(s->service, metrics_piece, NULL, &error), RP_E_MISUSE);
    rp_response_free(answer);
}

static void test_metrics_on_own_thread(void **state)
{
    (void)state;
    site s;
    char url[128];
    site_begin(&s, NULL);
    url_of(&s, "/hello", url, sizeof(url));
    assert_int_equal(rp_service_ask(s.service, &(rp_request_options){.url = url}, 0, 0, NULL,
                                    metrics_refused, &s, NULL),
                     RP_OK);
    assert_true(rp_service_drain(s.service, WAIT_MS));
    site_end(&s);
}

/* ---- lack of memory, at each allocation of the service's ---- */

typedef struct stingy {
    atomic_long left;
} stingy;

static void *stingy_resize(void *user, void *memory, size_t size)
{
    stingy *s = user;
    if (size == 0) {
        free(memory);
        return NULL;
    }
    return atomic_fetch_sub(&s->left, 1) > 0 ? realloc(memory, size) : NULL;
}

static void test_no_memory(void **state)
{
    (void)state;
    bool good = false;
    static metrics m;
    for (long most = 0; !good; most++) {
        m.size = 0;
        site s = {.client_tls = tls_client_of(0), .server_tls = tls_server_of("server-ecdsa", 0)};
        stingy memory = {.left = most};
        rp_error error;
        char url[128];
        server_options serving = {.tls = s.server_tls, .backend = fixture_backend()};
        s.server = server_start_thread(&serving);
        url_of(&s, "/bytes/20000", url, sizeof(url));
        rp_service_options options = {.threads = 2,
                                      .loop.backend = fixture_backend(),
                                      .client.tls = s.client_tls,
                                      .allocator = {.resize = stingy_resize, .user = &memory}};
        rp_status status = loops_create_service(&s.service, &options, &error);
        assert_true(status == RP_OK || status == RP_E_NO_MEMORY);
        if (status == RP_OK) {
            rp_response *answer =
                rp_service_call(s.service, &(rp_request_options){.url = url}, 0, 0, &error);
            good = answer != NULL && answer->error.status == RP_OK;
            if (!good)
                assert_int_equal(answer != NULL ? answer->error.status : error.status,
                                 RP_E_NO_MEMORY);
            rp_response_free(answer);
            rp_status told = rp_service_metrics(s.service, metrics_piece, &m, &error);
            assert_true(told == RP_OK || (told == RP_E_NO_MEMORY && m.size == 0));
            good = good && told == RP_OK;
        }
        site_end(&s);
        assert_true(most < 100);
    }
}

static void nothing(void *argument)
{
    (void)argument;
}

/* ---- what the server sent ---- */

/* The answer has copies, which outlive their connection and the service. */
static void test_certificates(void **state)
{
    site s;
    char url[128];
    rp_error error;
    rp_response *answers[2];
    (void)state;
    site_begin(&s, &(rp_service_options){.threads = 1});
    rp_tls_config *keeping = tls_client(
        &(rp_tls_options){.ca_file = tls_cert("ca.pem"), .keep_peer_certificates = true});
    rp_service_set_tls(s.service, keeping);
    rp_tls_config_release(keeping);
    url_of(&s, "/bytes/10", url, sizeof(url));
    for (size_t i = 0; i < 2; i++) {
        answers[i] = rp_service_call(s.service, &(rp_request_options){.url = url}, 0, 0, &error);
        assert_non_null(answers[i]);
    }
    site_end(&s);
    for (size_t i = 0; i < 2; i++) {
        const rp_response_summary *summary = &answers[i]->summary;
        assert_int_equal(summary->reused, i > 0);
        assert_int_equal(summary->peer_certificate_count, 2);
        const rp_peer_certificate *sent = summary->peer_certificates;
        assert_ptr_not_equal(sent, answers[1 - i]->summary.peer_certificates);
        assert_true(sent->der_size > 100 && sent->der[0] == 0x30);
        assert_true(sent->public_key > sent->der &&
                    sent->public_key + sent->public_key_size < sent->der + sent->der_size);
        assert_true(strlen(sent->subject) > 0 && strlen(sent->issuer) > 0);
        assert_true(sent->not_after > sent->not_before);
    }
    rp_response_free(answers[0]);
    rp_response_free(answers[1]);
}

int main(void)
{
    /* With the first thread the thread sanitizer starts one of its own. */
    raw_thread_join(raw_thread_start(nothing, NULL));
    static const struct CMUnitTest tests[] = {
        fixture_test(test_many_callers),
        fixture_test(test_home),
        fixture_test(test_cancel),
        fixture_test(test_cancel_of_a_waiter),
        fixture_test(test_destroy),
        fixture_test(test_refused),
        fixture_test(test_no_memory),
        fixture_test(test_gather),
        fixture_test(test_all_at_once),
        fixture_test(test_metrics),
        fixture_test(test_metrics_on_own_thread),
        fixture_test(test_certificates),
    };
    return fixture_run(tests);
}

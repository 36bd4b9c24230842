/* test_statistics.c - what a client counts for each origin, and its text for Prometheus. */
#include "client/client.h"
#include "support/check.h"
#include "support/scene.h"

#include <ringport/insight.h>
#include <ringport/life.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_SIZE = 65536 };

typedef struct counted {
    scene s;
    rp_sim_exchange *stalled[8];
    unsigned stalled_count;
    fetch all[8];
    rp_origin_statistics seen[8]; /* its strings are dead */
    char hosts[8][64], ways[8][64];
    unsigned seen_count;
    char text[TEXT_SIZE];
    size_t text_size;
} counted;

static void answer(rp_sim_exchange *x, void *user)
{
    counted *c = user;
    const char *target = rp_sim_target(x);
    if (strcmp(target, "/stall") == 0) {
        CHECK(c->stalled_count < 8);
        c->stalled[c->stalled_count++] = x;
    } else if (strcmp(target, "/reset") == 0) {
        rp_sim_end(x, RP_SIM_END_RESET);
    } else {
        rp_sim_respond(x, atoi(target + 1), NULL, "0123456789", 10);
    }
}

static counted *begin(int tls, rp_sim_versions versions, const rp_client_options *with)
{
    counted *c = calloc(1, sizeof(*c));
    CHECK(c != NULL);
    rp_sim_server_options serving = {.on_request = answer, .versions = versions, .user = c};
    scene_begin(&c->s, tls, &serving, with);
    return c;
}

static void end(counted *c)
{
    scene_end(&c->s);
    free(c);
}

static bool see(const rp_origin_statistics *origin, void *user)
{
    counted *c = user;
    CHECK(c->seen_count < 8);
    c->seen[c->seen_count] = *origin;
    (void)snprintf(c->hosts[c->seen_count], 64, "%s", origin->host != NULL ? origin->host : "");
    (void)snprintf(c->ways[c->seen_count++], 64, "%s", origin->way != NULL ? origin->way : "");
    return true;
}

static const rp_origin_statistics *look(counted *c)
{
    c->seen_count = 0;
    rp_client_origins(c->s.web.client, see, c);
    assert_true(c->seen_count > 0);
    return &c->seen[0];
}

static bool stop_at_once(const rp_origin_statistics *origin, void *user)
{
    (void)origin;
    ++*(unsigned *)user;
    return false;
}

static void start(counted *c, unsigned which, const char *path, const rp_request_options *with)
{
    rp_request_options options = {0};
    if (with != NULL)
        options = *with;
    if (options.url == NULL)
        options.url = scene_url(&c->s, path);
    CHECK(fetch_start(&c->all[which], &c->s.web, path, &options));
}

static void get(counted *c, const char *path, const rp_request_options *with)
{
    c->all[7] = (fetch){0};
    start(c, 7, path, with);
    fetch_wait(&c->all[7]);
}

static uint64_t sum(const uint64_t *numbers, size_t count)
{
    uint64_t all = 0;
    for (size_t i = 0; i < count; i++)
        all += numbers[i];
    return all;
}

static void test_counts(void **state)
{
    (void)state;
    for (int version = 1; version <= 2; version++) {
        counted *c = begin(13, version == 1 ? RP_SIM_HTTP_1 : RP_SIM_HTTP_2, NULL);
        get(c, "/200", NULL);
        get(c, "/204", NULL);
        get(c, "/503", NULL);
        get(c, "/reset", &(rp_request_options){.method = "POST"});
        rp_status reset = c->all[7].error.status;
        assert_int_not_equal(reset, RP_OK);
        get(c, "/200", &(rp_request_options){.body = "abc", .body_size = 3});
        const rp_origin_statistics *now = look(c);
        assert_int_equal(c->seen_count, 1);
        assert_string_equal(c->hosts[0], "127.0.0.1");
        assert_string_equal(c->ways[0], "");
        assert_true(now->https);
        assert_int_equal(now->counts.requests, 5);
        assert_int_equal(now->counts.failed, 1);
        assert_int_equal(now->counts.responses[2], 3);
        assert_int_equal(now->counts.responses[5], 1);
        assert_int_equal(now->counts.responses[0], 1);
        assert_int_equal(now->counts.failures[0].status, reset);
        assert_int_equal(now->counts.failures[0].count, 1);
        assert_int_equal(now->counts.failures[1].count, 0);
        assert_int_equal(sum(now->counts.durations, RP_DURATION_BUCKETS), 5);
        assert_true(now->counts.duration_us >= 5);
        assert_in_range(now->counts.bytes_received, 20, 40); /* of 204's nothing */
        assert_true(now->counts.bytes_sent > 100);
        assert_true(now->counts.connections_opened >= 2);
        assert_int_equal(now->counts.connections_opened,
                         now->counts.handshakes_full + now->counts.handshakes_resumed);
        assert_true(now->counts.handshakes_resumed >= 1);
        end(c);
    }
}

static bool all_done(const counted *c, unsigned count)
{
    bool done = true;
    for (unsigned i = 0; i < count; i++)
        done = done && c->all[i].dones == 1;
    return done;
}

/* What there is now: in use, in the queue, idle; and of the queue's oldest how long it waits. */
static void test_gauges(void **state)
{
    (void)state;
    counted *c = begin(0, RP_SIM_HTTP_1, &(rp_client_options){.connections_per_origin = 2});
    for (unsigned i = 0; i < 5; i++)
        start(c, i, "/stall", NULL);
    UNTIL(c->s.web.loop, c->stalled_count == 2);
    scene_settle(&c->s, 40);
    const rp_origin_statistics *now = look(c);
    assert_int_equal(now->open, 2);
    assert_int_equal(now->idle, 0);
    assert_int_equal(now->opening, 0);
    assert_int_equal(now->in_flight, 2);
    assert_int_equal(now->queued, 3);
    assert_in_range(now->oldest_wait_us, 40000, 60000000);
    while (!all_done(c, 5)) {
        while (c->stalled_count > 0)
            rp_sim_respond(c->stalled[--c->stalled_count], 200, NULL, "ok", 2);
        (void)rp_loop_turn(c->s.web.loop, 5);
    }
    now = look(c);
    assert_int_equal(now->open, 2);
    assert_int_equal(now->idle, 2);
    assert_int_equal(now->in_flight + now->queued, 0);
    assert_int_equal(now->oldest_wait_us, 0);

    start(c, 5, "", &(rp_request_options){.url = "http://127.0.0.1:1/"});
    fetch_wait(&c->all[5]);
    rp_origin_statistics totals;
    rp_client_totals(c->s.web.client, &totals);
    assert_int_equal(totals.counts.requests, 6);
    assert_int_equal(totals.counts.connections_failed, 1);
    assert_int_equal(totals.counts.failed, 1);
    assert_int_equal(totals.open, 2);
    unsigned calls = 0;
    rp_client_origins(c->s.web.client, stop_at_once, &calls);
    assert_int_equal(calls, 1);
    end(c);
}

/* More origins than are kept: what is forgotten stays in the sum. */
static void test_forgotten(void **state)
{
    (void)state;
    counted *c = begin(0, RP_SIM_HTTP_1, NULL);
    char url[64];
    for (unsigned i = 0; i < 300; i++) {
        (void)snprintf(url, sizeof(url), "http://127.0.%u.%u:1/", i / 200, 1 + i % 200);
        get(c, "", &(rp_request_options){.url = url});
    }
    rp_origin_statistics totals;
    rp_client_totals(c->s.web.client, &totals);
    assert_int_equal(totals.counts.requests, 300);
    assert_int_equal(totals.counts.failed, 300);
    assert_in_range(c->s.web.client->origin_count, 200, 260);
    end(c);
}

static void told(const rp_preconnected *result, void *user)
{
    *(bool *)user = result->error != NULL;
}

/* So do connections that no request was sent for. */
static void test_preconnect_forgotten(void **state)
{
    (void)state;
    counted *c = begin(0, RP_SIM_HTTP_1, NULL);
    bool failed = false;
    rp_preconnect_options options = {
        .url = "http://127.0.0.1:1/", .on_done = told, .user = &failed};
    assert_int_equal(rp_client_preconnect(c->s.web.client, &options, NULL), RP_OK);
    UNTIL(c->s.web.loop, failed);
    UNTIL(c->s.web.loop, c->s.web.client->origin_count == 0);
    rp_origin_statistics totals;
    rp_client_totals(c->s.web.client, &totals);
    assert_int_equal(totals.counts.connections_failed, 1);
    end(c);
}

/* ---- Prometheus ---- */

static void keep(const char *text, size_t size, void *user)
{
    counted *c = user;
    CHECK(size > 0 && size < 2048 && text[size - 1] == '\n');
    CHECK(c->text_size + size < TEXT_SIZE);
    memcpy(c->text + c->text_size, text, size);
    c->text_size += size;
    c->text[c->text_size] = '\0';
}

/* What has been announced, and which series there were. */
enum { METRICS_MOST = 64, SERIES_MOST = 1024 };
typedef struct exposition {
    char help[128], name[128], type[16]; /* of the last one */
    char names[METRICS_MOST][128];
    const char *series[SERIES_MOST]; /* name and labels, up to the blank */
    size_t name_count, series_count;
    uint64_t bucket; /* of a histogram: the last one's value */
} exposition;

/* "# HELP name text", then "# TYPE name type", once for each name. */
static void assert_announced(exposition *e, const char *line)
{
    if (strncmp(line, "# HELP ", 7) == 0) {
        assert_int_equal(sscanf(line, "# HELP %127s", e->help), 1);
        return;
    }
    assert_int_equal(sscanf(line, "# TYPE %127s %15s", e->name, e->type), 2);
    assert_string_equal(e->help, e->name);
    assert_true(strcmp(e->type, "counter") == 0 || strcmp(e->type, "gauge") == 0 ||
                strcmp(e->type, "histogram") == 0);
    size_t size = strlen(e->name);
    bool total = size > 6 && strcmp(e->name + size - 6, "_total") == 0;
    assert_int_equal(total, strcmp(e->type, "counter") == 0);
    for (size_t i = 0; i < e->name_count; i++)
        assert_string_not_equal(e->names[i], e->name);
    assert_true(e->name_count < METRICS_MOST);
    memcpy(e->names[e->name_count++], e->name, sizeof(e->name));
}

static bool is_word(const char *text, size_t size)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    return size > 0 && strchr(letters, *text) != NULL &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") >= size;
}

/* Its labels, from behind "{": quoted, with these three escapes and no other, each name once; and
 * returns what is behind "}". */
static const char *assert_labels(const char *at)
{
    const char *names[16];
    size_t count = 0;
    while (*at != '}') {
        size_t size = strcspn(at, "=\n");
        assert_true(is_word(at, size));
        for (size_t i = 0; i < count; i++)
            assert_true(strncmp(names[i], at, size + 1) != 0);
        assert_true(count < 16);
        names[count++] = at;
        at += size;
        assert_int_equal(strncmp(at, "=\"", 2), 0);
        for (at += 2; *at != '"'; at++) {
            assert_true((unsigned char)*at >= ' ' && (unsigned char)*at < 0x80);
            if (*at == '\\')
                assert_non_null(memchr("\\\"n", *++at, 3));
        }
        at++;
        assert_true(*at == ',' || *at == '}');
        at += *at == ',';
    }
    return at + 1;
}

/* A series of the metric that was announced last; and it is the first of that name and labels. */
static void assert_series(exposition *e, const char *line, const char *stop_at)
{
    static const char *const suffixes[] = {"_bucket{", "_sum{", "_count{"};
    size_t size = strlen(e->name);
    bool histogram = strcmp(e->type, "histogram") == 0, known = !histogram && line[size] == '{';
    assert_int_equal(strncmp(line, e->name, size), 0);
    for (size_t i = 0; i < 3 && histogram; i++)
        known = known || strncmp(line + size, suffixes[i], strlen(suffixes[i])) == 0;
    assert_true(known);
    const char *value = assert_labels(strchr(line, '{') + 1);
    size_t key = (size_t)(value - line);
    for (size_t i = 0; i < e->series_count; i++)
        assert_true(strncmp(e->series[i], line, key) != 0);
    assert_true(e->series_count < SERIES_MOST);
    e->series[e->series_count++] = line;
    char *number_end;
    double number = strtod(value + 1, &number_end);
    assert_true(number_end == stop_at && *value == ' ' && number >= 0);
    if (strncmp(line + size, suffixes[0], 8) == 0) {
        assert_true((uint64_t)number >= e->bucket);
        e->bucket = (uint64_t)number;
    } else if (histogram) { /* all of them, and the next one begins anew */
        assert_true(strncmp(line + size, "_count", 6) != 0 || (uint64_t)number == e->bucket);
        e->bucket = line[size + 1] == 'c' ? 0 : e->bucket;
    }
}

/* The rules of the text format, which promtool looks at too. */
static void assert_exposition(const char *text)
{
    static exposition e;
    memset(&e, 0, sizeof(e));
    while (*text != '\0') {
        const char *line = text, *stop_at = strchr(line, '\n');
        assert_non_null(stop_at);
        text = stop_at + 1;
        if (*line == '#')
            assert_announced(&e, line);
        else
            assert_series(&e, line, stop_at);
    }
    assert_true(e.name_count > 10);
}

static void test_prometheus(void **state)
{
    (void)state;
    counted *c = begin(0, RP_SIM_HTTP_1, NULL);
    char place[64], line[256];
    get(c, "/200", NULL);
    get(c, "/404", NULL);
    get(c, "/reset", NULL);
    (void)snprintf(place, sizeof(place), "%s", rp_sim_server_address(c->s.server));
    get(c, "", &(rp_request_options){.url = "http://there.test/200", .connect_to = place});
    bool unix_sockets =
        fetch_start(&c->all[6], &c->s.web, "",
                    &(rp_request_options){.url = "http://odd.test/",
                                          .connect_to = "unix:/no\"such\\place\xc3"});
    if (unix_sockets)
        fetch_wait(&c->all[6]);
    rp_client_metrics(c->s.web.client, keep, c);
    assert_exposition(c->text);
    if (unix_sockets)
        assert_non_null(strstr(c->text, "ringport_way=\"unix:/no\\\"such\\\\place? #"));
    unsigned port = (unsigned)atoi(strrchr(rp_sim_server_address(c->s.server), ':') + 1);
    static const char *const wanted[] = {
        "http_client_request_duration_seconds_bucket{server_address=\"127.0.0.1\",server_port="
        "\"%u\",url_scheme=\"http\",le=\"+Inf\"} 3\n",
        "http_client_request_duration_seconds_count{server_address=\"127.0.0.1\",server_port=\"%"
        "u\","
        "url_scheme=\"http\"} 3\n",
        "ringport_client_responses_total{server_address=\"127.0.0.1\",server_port=\"%u\","
        "url_scheme=\"http\",class=\"2xx\"} 1\n",
        "ringport_client_responses_total{server_address=\"127.0.0.1\",server_port=\"%u\","
        "url_scheme=\"http\",class=\"4xx\"} 1\n",
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        const char *mark = strstr(wanted[i], "%u");
        (void)snprintf(line, sizeof(line), "%.*s%u%s", (int)(mark - wanted[i]), wanted[i], port,
                       mark + 2);
        if (strstr(c->text, line) == NULL)
            fail_msg("%s is not in %s", line, c->text);
    }
    assert_non_null(strstr(c->text, "error_type=\"RP_E_"));
    assert_non_null(strstr(c->text, "server_address=\"there.test\""));
    assert_non_null(strstr(c->text, "ringport_way=\""));
    end(c);
}

/* The caller's structure is an older version's, or a newer one's. */
static void test_sized(void **state)
{
    (void)state;
    counted *c = begin(0, RP_SIM_HTTP_1, NULL);
    struct {
        rp_origin_statistics known;
        uint64_t later[2];
    } totals;
    size_t before = offsetof(rp_origin_statistics, counts);
    get(c, "/200", NULL);
    memset(&totals, 0x5a, sizeof(totals));
    rp_client_totals_sized(c->s.web.client, &totals.known, sizeof(totals));
    assert_int_equal(totals.known.counts.requests, 1);
    assert_int_equal(totals.known.open, 1);
    assert_int_equal(totals.later[0] | totals.later[1], 0);
    memset(&totals, 0x5a, sizeof(totals));
    rp_client_totals_sized(c->s.web.client, &totals.known, before);
    assert_int_equal(totals.known.open, 1);
    for (size_t i = before; i < sizeof(totals); i++)
        assert_int_equal(((unsigned char *)&totals)[i], 0x5a);
    end(c);
}

/* Nothing was ever done; the loop has gone. */
static void test_nothing(void **state)
{
    (void)state;
    counted *c = begin(0, RP_SIM_HTTP_1, NULL);
    rp_origin_statistics totals;
    rp_client_totals(c->s.web.client, &totals);
    assert_int_equal(totals.counts.requests, 0);
    rp_client_metrics(c->s.web.client, keep, c);
    assert_exposition(c->text);
    assert_non_null(strstr(c->text, "# TYPE http_client_request_duration_seconds histogram\n"));
    end(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_counts),     fixture_test(test_gauges),
        fixture_test(test_forgotten),  fixture_test(test_preconnect_forgotten),
        fixture_test(test_prometheus), fixture_test(test_sized),
        fixture_test(test_nothing),
    };
    return fixture_run_simulated(tests, 3);
}

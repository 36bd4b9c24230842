/* metrics.c - what a client does, for a program's /metrics, its log and its decisions; and the test
 * of that. */
#include <ringport/ringport.h>
#include <ringport/sim.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* guide: begin page */
/* The body of the program's own answer to GET /metrics. */
typedef struct page {
    char *text;
    size_t size, room;
    bool lacking; /* memory */
} page;

static void add_line(const char *text, size_t size, void *user)
{
    page *p = user;
    if (p->size + size > p->room && !p->lacking) {
        size_t room = 2 * (p->size + size);
        char *more = realloc(p->text, room);
        p->lacking = more == NULL;
        if (more != NULL) {
            p->text = more;
            p->room = room;
        }
    }
    if (p->lacking)
        return;
    memcpy(p->text + p->size, text, size);
    p->size += size;
}
/* guide: end page */

/* guide: begin origins */
/* A queue that grows shows here before requests fail. */
static bool find_longest_wait(const rp_origin_statistics *origin, void *user)
{
    uint64_t *longest_us = user;
    if (origin->oldest_wait_us > *longest_us)
        *longest_us = origin->oldest_wait_us;
    return true;
}

static bool is_healthy(const rp_client *client)
{
    uint64_t longest_us = 0;
    rp_origin_statistics all;
    rp_client_origins(client, find_longest_wait, &longest_us);
    rp_client_totals(client, &all);
    return longest_us < 5000000 && all.counts.failed * 10 <= all.counts.requests;
}
/* guide: end origins */

/* guide: begin slow */
static unsigned slow;

/* With .explain = true in its options. */
static void done(rp_collected *answer, const rp_response_summary *summary, void *user)
{
    (void)answer;
    (void)user;
    if (summary->timings.total_us < 1000000)
        return;
    slow++;
    fprintf(stderr, "slow: %s\n", summary->why != NULL ? summary->why : "not asked");
}
/* guide: end slow */

/* guide: begin expiry */
static int64_t days_left = INT64_MAX;

/* With .keep_peer_certificates = true in the TLS options. For a gauge, or an alarm at 14 days. */
static void note_expiry(rp_collected *answer, const rp_response_summary *summary, void *user)
{
    (void)answer;
    (void)user;
    for (size_t i = 0; i < summary->peer_certificate_count; i++) {
        const rp_peer_certificate *sent = &summary->peer_certificates[i];
        int64_t days = (sent->not_after - (int64_t)time(NULL)) / 86400;
        printf("%s, by %s: %lld days\n", sent->subject, sent->issuer, (long long)days);
        if (days < days_left)
            days_left = days;
    }
}
/* guide: end expiry */

static void answer(rp_sim_exchange *exchange, void *user) /* the test: some answers take 2 s */
{
    (void)user;
    if (strcmp(rp_sim_target(exchange), "/slow") == 0)
        rp_sim_wait(exchange, 2000);
    rp_sim_respond(exchange, 200, NULL, "ok", 2);
}

int main(void)
{
    rp_sim *sim = NULL;
    rp_sim_server *server = NULL;
    rp_loop *loop = NULL;
    rp_client *client = NULL;
    page p = {.text = NULL};
    rp_collected answers[4] = {{.on_done = NULL}};
    rp_client_options options = {.tls = NULL};
    rp_sim_options seed = {.seed = 1};
    rp_tls_options trust = {.ca_pem = rp_sim_ca_pem, .keep_peer_certificates = true};
    rp_sim_server_options serving = {.host = "api.example.com", .on_request = answer};
    if (rp_sim_create(&sim, &seed, NULL) || rp_sim_server_start(sim, &server, &serving, NULL) ||
        rp_sim_loop_create(sim, &loop, NULL, false, NULL) ||
        rp_tls_config_create(&options.tls, &trust, NULL) ||
        rp_client_create(&client, loop, &options, NULL))
        return 1;
    for (int i = 0; i < 4; i++) {
        answers[i].on_done = i == 0 ? note_expiry : done;
        rp_request_options request = {.explain = true};
        request.url = i == 3 ? "https://api.example.com/slow" : "https://api.example.com/";
        (void)rp_client_send(client, &request, &rp_collect_events, &answers[i], NULL);
    }
    rp_loop_run(loop);
    rp_client_metrics(client, add_line, &p);
    add_line("", 1, &p); /* its end */
    bool good = !p.lacking && is_healthy(client) && slow == 1 && days_left < 100000 &&
                strstr(p.text, "ringport_client_responses_total{server_address=\"api.example.com\","
                               "server_port=\"443\",url_scheme=\"https\",class=\"2xx\"} 4\n");
    printf("%s", p.lacking ? "no memory\n" : p.text);
    free(p.text);
    rp_client_destroy(client);
    rp_tls_config_release(options.tls);
    rp_loop_destroy(loop);
    rp_sim_destroy(sim);
    return good ? 0 : 1;
}

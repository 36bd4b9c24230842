/* life.c - a client's beginning and its end: connections before they are needed, a drain that has
 * its time, and the test of both. */
#include <ringport/ringport.h>
#include <ringport/sim.h>
#include <stdio.h>
#include <string.h>

typedef struct app {
    rp_loop *loop;
    rp_client *client;
    rp_timer hurry;
    uint32_t ready;
} app;

/* guide: begin warm */
static void connections_ready(const rp_preconnected *result, void *user)
{
    app *a = user;
    a->ready = result->ready;
    if (result->error != NULL) /* the first request will tell it, too: go on */
        fprintf(stderr, "not yet connected: %s\n", result->error->text);
}

static void warm_up(app *a, const char *url)
{
    rp_error error;
    rp_preconnect_options options = {
        .url = url, .count = 4, .on_done = connections_ready, .user = a};
    if (rp_client_preconnect(a->client, &options, &error) != RP_OK)
        fprintf(stderr, "%s\n", error.text);
}
/* guide: end warm */

/* guide: begin stop */
static void in_a_hurry(rp_timer *timer, void *user)
{
    (void)timer;
    rp_client_cancel_all(((app *)user)->client); /* the drain ends with the last on_done */
}

static void drained(rp_status status, void *user)
{
    app *a = user;
    if (status != RP_OK)
        return; /* somebody else destroyed the client */
    rp_timer_stop(a->loop, &a->hurry);
    rp_client_destroy(a->client);
    a->client = NULL; /* the loop has nothing left of it: rp_loop_run returns */
}

/* At SIGTERM, say: what is under way has ten seconds to end. */
static void stop_in_order(app *a)
{
    if (rp_client_drain(a->client, drained, a) == RP_OK)
        rp_timer_start(a->loop, &a->hurry, 10000, in_a_hurry, a);
}
/* guide: end stop */

/* ---- the test: one server, which answers all but one request ---- */

static void answer(rp_sim_exchange *exchange, void *user)
{
    (void)user;
    if (strcmp(rp_sim_target(exchange), "/never") != 0)
        rp_sim_respond(exchange, 200, NULL, "ok", 2);
}

typedef struct call {
    rp_status error;
    int status;
} call;

static void done(rp_collected *collected, const rp_response_summary *summary, void *user)
{
    call *c = user;
    c->status = collected->status;
    c->error = summary->error != NULL ? summary->error->status : RP_OK;
}

int main(void)
{
    rp_sim *sim = NULL;
    rp_sim_server *server = NULL;
    app a = {.ready = 0};
    call calls[2] = {{.status = 0}};
    rp_collected answers[2] = {{.on_done = done, .user = &calls[0]},
                               {.on_done = done, .user = &calls[1]}};
    static const char *const urls[] = {"https://api.example.com/", "https://api.example.com/never"};
    rp_client_options options = {.versions = RP_HTTP_1_1};
    rp_sim_options seed = {.seed = 1};
    rp_sim_server_options serving = {.host = "api.example.com", .on_request = answer};
    if (rp_sim_create(&sim, &seed, NULL) || rp_sim_server_start(sim, &server, &serving, NULL) ||
        rp_sim_loop_create(sim, &a.loop, NULL, false, NULL) ||
        rp_tls_config_create(&options.tls, &(rp_tls_options){.ca_pem = rp_sim_ca_pem}, NULL) ||
        rp_client_create(&a.client, a.loop, &options, NULL))
        return 1;
    warm_up(&a, urls[0]);
    while (a.ready == 0)
        (void)rp_loop_turn(a.loop, 1000);
    for (int i = 0; i < 2; i++)
        (void)rp_client_send(a.client, &(rp_request_options){.url = urls[i]}, &rp_collect_events,
                             &answers[i], NULL);
    stop_in_order(&a);
    rp_loop_run(a.loop);
    printf("%u connections were ready; %d; %s\n", (unsigned)a.ready, calls[0].status,
           rp_status_name(calls[1].error));
    bool good = a.ready == 4 && calls[0].status == 200 && calls[1].error == RP_E_CANCELLED &&
                a.client == NULL;
    rp_client_destroy(a.client);
    rp_tls_config_release(options.tls);
    rp_loop_destroy(a.loop);
    rp_sim_destroy(sim);
    return good ? 0 : 1;
}

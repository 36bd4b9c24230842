/* flaky_server.c - a retrying caller, and its test: 100 seeds of a server that fails. */
#include <ringport/ringport.h>
#include <ringport/sim.h>
#include <stdio.h>

typedef struct call { /* the program's: after a failure or a 503 it tries again, a second later */
    rp_loop *loop;
    rp_client *client;
    const char *url;
    int tries, status; /* status 0: no answer */
    rp_timer timer;
    rp_collected answer;
} call;

static void done(rp_collected *answer, const rp_response_summary *summary, void *user)
{
    call *c = user;
    c->status = summary->error != NULL ? 0 : answer->status;
    if (--c->tries > 0 && (c->status == 0 || c->status == 503))
        rp_timer_start(c->loop, &c->timer, 1000, c->timer.fn, c);
}

static void call_with_retries(rp_timer *timer, void *user)
{
    call *c = user;
    rp_request_options request = {.url = c->url, .total_timeout_ms = 5000};
    (void)timer;
    c->answer = (rp_collected){.on_done = done, .user = c};
    (void)rp_client_send(c->client, &request, &rp_collect_events, &c->answer, NULL);
}

static void answer(rp_sim_exchange *exchange, void *sim) /* the test: each third one is a 503 */
{
    rp_sim_respond(exchange, rp_sim_random(*(rp_sim **)sim, 3) == 0 ? 503 : 200, NULL, "", 0);
}

int main(void)
{
    rp_sim_options faults = {.fault_ppm[RP_SIM_CONNECT_REFUSED] = 250000};
    for (faults.fault_ppm[RP_SIM_RESET] = 250000; faults.seed < 100; faults.seed++) {
        rp_sim *sim = NULL;
        rp_sim_server *server = NULL;
        rp_client_options with = {.tls = NULL};
        rp_sim_server_options api = {.host = "api.example.com", .on_request = answer, .user = &sim};
        call c = {.url = "https://api.example.com/", .tries = 12};
        if (rp_sim_create(&sim, &faults, NULL) || rp_sim_server_start(sim, &server, &api, NULL) ||
            rp_sim_loop_create(sim, &c.loop, NULL, false, NULL) ||
            rp_tls_config_create(&with.tls, &(rp_tls_options){.ca_pem = rp_sim_ca_pem}, NULL) ||
            rp_client_create(&c.client, c.loop, &with, NULL))
            return 1;
        rp_timer_start(c.loop, &c.timer, 0, call_with_retries, &c);
        rp_loop_run(c.loop); /* seconds pass at once */
        rp_client_destroy(c.client);
        rp_tls_config_release(with.tls);
        rp_loop_destroy(c.loop);
        rp_sim_destroy(sim);
        if (c.status != 200)
            return printf("seed %u: status %d\n", (unsigned)faults.seed, c.status);
    }
}

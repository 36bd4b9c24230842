/* busy.c - a client of a server that has too much to do, and the test that it tries again. */
#include <ringport/ringport.h>
#include <ringport/sim.h>
#include <stdio.h>

/* guide: begin client */
static rp_status make_client(rp_client **client, rp_loop *loop, rp_tls_config *tls, rp_error *error)
{
    rp_client_options options = {
        .tls = tls,
        .limits =
            {
                .requests_in_flight = 200, /* to a server at most, ... */
                .adaptive = true,          /* ...fewer where it has no more to give */
                .shed = true,              /* nobody waits who would be answered too late */
                .probe_ms = 500,           /* while it is down, two connections a second */
            },
        .retry =
            {
                .attempts = 3,
                .backoff_least_ms = 50,
                .budget_percent = 10, /* of what succeeds is tried again */
            },
        .hedge = {.percentile = 95}, /* who waits longer than so many is sent once more */
    };
    return rp_client_create(client, loop, &options, error);
}
/* guide: end client */

/* guide: begin order */
static rp_request *order(rp_client *client, const char *body, size_t size, rp_collected *answer,
                         rp_error *error)
{
    static const rp_retry_options patient = {.attempts = 10, .retry_after_limit_ms = 120000};
    static const rp_header headers[] = {{"Idempotency-Key", "order-4711"}};
    rp_request_options request = {
        .url = "https://shop.example.com/orders",
        .method = "POST",
        .headers = headers,
        .header_count = 1,
        .body = body,
        .body_size = size,
        .idempotent = true, /* else a POST is not sent twice */
        .retry = &patient,
        .total_timeout_ms = 300000, /* all tries together */
    };
    return rp_client_send(client, &request, &rp_collect_events, answer, error);
}
/* guide: end order */

/* The test's server: it has no time for the first two. */
static void serve(rp_sim_exchange *x, void *user)
{
    int *count = user;
    if (++*count <= 2)
        rp_sim_respond(x, 503, "Retry-After: 60\r\n", "", 0);
    else
        rp_sim_respond(x, 201, NULL, "ordered", 7);
}

static void done(rp_collected *answer, const rp_response_summary *summary, void *user)
{
    int *status = user;
    *status = answer->status;
    printf("%d after %u retries (%s)\n", answer->status, summary->retries,
           summary->retry_why != NULL ? summary->retry_why : "none was needed");
}

int main(void)
{
    rp_sim *sim = NULL;
    rp_loop *loop = NULL;
    rp_tls_config *tls = NULL;
    rp_client *client = NULL;
    rp_sim_server *server;
    int count = 0, status = 0;
    rp_tls_options trust = {.ca_pem = rp_sim_ca_pem};
    rp_sim_server_options shop = {.host = "shop.example.com", .on_request = serve, .user = &count};
    rp_collected answer = {.on_done = done, .user = &status};
    rp_error error;
    if (rp_sim_create(&sim, NULL, &error) || rp_sim_server_start(sim, &server, &shop, &error) ||
        rp_sim_loop_create(sim, &loop, NULL, false, &error) ||
        rp_tls_config_create(&tls, &trust, &error) || make_client(&client, loop, tls, &error) ||
        order(client, "4711", 4, &answer, &error) == NULL)
        printf("%s\n", error.text);
    else
        rp_loop_run(loop);
    rp_client_destroy(client);
    rp_loop_destroy(loop);
    rp_tls_config_release(tls);
    rp_sim_destroy(sim);
    return status == 201 && count == 3 ? 0 : 1;
}

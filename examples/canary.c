/* canary.c - every tenth call goes to a new version of a service, under the service's name. */
#include <ringport/ringport.h>
#include <ringport/sim.h>
#include <stdio.h>

#define CALLS 100

/* guide: begin request */
static bool call_service(rp_client *client, rp_collected *answer, unsigned n)
{
    rp_error error;
    rp_request_options request = {
        .url = "https://api.example.com/",
        .connect_to = n % 10 == 0 ? "canary.example.net:8443" : NULL,
    };
    if (rp_client_send(client, &request, &rp_collect_events, answer, &error) != NULL)
        return true;
    fprintf(stderr, "%s\n", error.text);
    return false;
}
/* guide: end request */

static void serve(rp_sim_exchange *exchange, void *user)
{
    ++*(unsigned *)user;
    rp_sim_respond(exchange, 200, NULL, "ok", 2);
}

int main(void)
{
    rp_sim *sim = NULL;
    rp_loop *loop = NULL;
    rp_sim_server *server;
    rp_client *client = NULL;
    /* guide: begin local */
    rp_client_options options = {
        .local = {.address = "10.20.0.5", .first_port = 40000, .last_port = 40099},
    };
    /* guide: end local */
    rp_collected answers[CALLS] = {{.limit_bytes = 0}};
    rp_error error;
    unsigned stable = 0, canary = 0;
    rp_sim_server_options old = {.host = "api.example.com", .on_request = serve, .user = &stable};
    rp_sim_server_options new = {.host = "canary.example.net", .port = 8443};
    new.on_request = serve;
    new.user = &canary;
    if (rp_sim_create(&sim, NULL, &error) || rp_sim_loop_create(sim, &loop, NULL, false, &error) ||
        rp_tls_config_create(&options.tls, &(rp_tls_options){.ca_pem = rp_sim_ca_pem}, &error) ||
        rp_client_create(&client, loop, &options, &error) ||
        rp_sim_server_start(sim, &server, &old, &error) ||
        rp_sim_server_start(sim, &server, &new, &error))
        return printf("%s\n", error.text);
    for (unsigned n = 0; n < CALLS && call_service(client, &answers[n], n); n++)
        rp_loop_run(loop);
    printf("%u to the old version, %u to the new one\n", stable, canary);
    rp_client_destroy(client);
    rp_tls_config_release(options.tls);
    rp_loop_destroy(loop);
    rp_sim_destroy(sim);
    return stable == 90 && canary == 10 ? 0 : 1;
}

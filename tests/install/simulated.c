/* simulated.c - the smallest program that needs all of the simulator; as C11 and as C++17. */
#include <ringport/ringport.h>
#include <ringport/sim.h>

#include <stdio.h>
#include <string.h>

static void done(rp_collected *response, const rp_response_summary *summary, void *user)
{
    (void)response;
    *(int *)user = summary->status;
}

int main(void)
{
    rp_error error;
    rp_sim *sim = NULL;
    rp_loop *loop = NULL;
    rp_client *client = NULL;
    rp_sim_server *server = NULL;
    rp_tls_options trust;
    rp_client_options options;
    rp_request_options request;
    rp_sim_server_options serving;
    rp_collected response;
    int status = 0;
    memset(&trust, 0, sizeof(trust));
    memset(&options, 0, sizeof(options));
    memset(&request, 0, sizeof(request));
    memset(&serving, 0, sizeof(serving));
    memset(&response, 0, sizeof(response));
    trust.ca_pem = rp_sim_ca_pem;
    serving.host = "api.example.com";
    request.url = "https://api.example.com/";
    response.on_done = done;
    response.user = &status;
    if (rp_sim_create(&sim, NULL, &error) != RP_OK ||
        rp_sim_loop_create(sim, &loop, NULL, false, &error) != RP_OK ||
        rp_sim_server_start(sim, &server, &serving, &error) != RP_OK ||
        rp_tls_config_create(&options.tls, &trust, &error) != RP_OK ||
        rp_client_create(&client, loop, &options, &error) != RP_OK ||
        rp_client_send(client, &request, &rp_collect_events, &response, &error) == NULL) {
        return 1;
    }
    rp_loop_run(loop);
    rp_client_destroy(client);
    rp_tls_config_release(options.tls);
    rp_loop_destroy(loop);
    rp_sim_destroy(sim);
    printf("%d\n", status);
    return status == 200 ? 0 : 1;
}

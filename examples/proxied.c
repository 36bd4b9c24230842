/* proxied.c - calls through a proxy, and whom a failure is told of. */
#include <ringport/ringport.h>
#include <ringport/sim.h>
#include <stdio.h>
#include <string.h>

/* guide: begin proxy */
static rp_proxy *proxy_for_us(rp_tls_config *tls, rp_error *error)
{
    rp_proxy *proxy = NULL;
    rp_proxy_options options = {
        .url = "http://proxy.example.com:3128",
        .user = "billing",
        .password = "open sesame",
        .no_proxy = "example.org, 10.0.0.0/8",
        .tls = tls, /* for https proxies */
    };
    (void)rp_proxy_create(&proxy, &options, error);
    return proxy;
}
/* guide: end proxy */

/* guide: begin blame */
static void done(rp_collected *answer, const rp_response_summary *summary, void *user)
{
    const char **blamed = user;
    *blamed = "nobody";
    if (summary->error == NULL)
        return;
    *blamed = summary->error->of_proxy ? "the proxy" : "the server";
    fprintf(stderr, "%s\n", summary->error->text); /* proxy proxy.example.com (192.0.2.1:3128): it
                                                    * answered 403 Status 403: not on our list */
    (void)answer;
}
/* guide: end blame */

static void deny(rp_sim_exchange *exchange, void *user)
{
    const char *secret = rp_sim_header(exchange, "proxy-authorization");
    (void)user;
    rp_sim_respond(exchange, secret != NULL ? 403 : 407, NULL, "not on our list", 15);
}

int main(void)
{
    rp_sim *sim = NULL;
    rp_loop *loop = NULL;
    rp_sim_server *server;
    rp_client *client = NULL;
    rp_client_options options = {.tls = NULL};
    rp_error error;
    const char *blamed[2] = {"", ""};
    rp_collected answers[2] = {{.on_done = done, .user = &blamed[0]},
                               {.on_done = done, .user = &blamed[1]}};
    rp_request_options through = {.url = "https://api.example.com/"};
    rp_request_options direct = {.url = "https://www.example.org/"};
    rp_sim_server_options proxy = {
        .host = "proxy.example.com", .port = 3128, .plain = true, .on_request = deny};
    rp_sim_server_options www = {.host = "www.example.org"};
    if (rp_sim_create(&sim, NULL, &error) || rp_sim_loop_create(sim, &loop, NULL, false, &error) ||
        rp_tls_config_create(&options.tls, &(rp_tls_options){.ca_pem = rp_sim_ca_pem}, &error) ||
        (options.proxy = proxy_for_us(options.tls, &error)) == NULL ||
        rp_client_create(&client, loop, &options, &error) ||
        rp_sim_server_start(sim, &server, &proxy, &error) ||
        rp_sim_server_start(sim, &server, &www, &error) ||
        !rp_client_send(client, &through, &rp_collect_events, &answers[0], &error) ||
        !rp_client_send(client, &direct, &rp_collect_events, &answers[1], &error))
        return printf("%s\n", error.text);
    rp_loop_run(loop);
    printf("%s, %s\n", blamed[0], blamed[1]);
    rp_client_destroy(client);
    rp_proxy_release(options.proxy);
    rp_tls_config_release(options.tls);
    rp_loop_destroy(loop);
    rp_sim_destroy(sim);
    return strcmp(blamed[0], "the proxy") != 0 || strcmp(blamed[1], "nobody") != 0;
}

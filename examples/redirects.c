/* redirects.c - an API that sends its callers on, and the test that its token goes nowhere else. */
#include <ringport/ringport.h>
#include <ringport/sim.h>
#include <stdio.h>
#include <string.h>

/* guide: begin follow */
/* Asked before each one is followed. False: the redirect's response is the answer. */
static bool on_redirect(rp_request *request, rp_redirect *redirect, void *user)
{
    (void)request;
    (void)user;
    printf("%u: %d, %s %s%s\n", redirect->number, redirect->status, redirect->method, redirect->url,
           redirect->same_origin ? "" : ", without our secrets");
    return strncmp(redirect->url, "https://download.example.com/", 29) == 0 ||
           redirect->same_origin;
}

static rp_request *fetch(rp_client *client, const char *url, rp_collected *answer, rp_error *error)
{
    static const char *const secrets[] = {"X-Api-Key"}; /* beside Authorization and Cookie */
    static const rp_header headers[] = {{"X-Api-Key", "k3y"}};
    rp_request_options request = {
        .url = url,
        .headers = headers,
        .header_count = 1,
        .bearer = "t0ken",
        .redirects_limit = 5,
        .redirect_secrets = secrets,
        .redirect_secret_count = 1,
        .on_redirect = on_redirect,
        .total_timeout_ms = 10000, /* all of them together */
    };
    return rp_client_send(client, &request, &rp_collect_events, answer, error);
}
/* guide: end follow */

/* The test's servers: the API keeps nothing, the download must not be shown a secret. */
static void answer_api(rp_sim_exchange *x, void *user)
{
    static const char elsewhere[] = "Location: https://download.example.com/file\r\n";
    (void)user;
    rp_sim_respond(x, 302, elsewhere, "", 0);
}

static void answer_download(rp_sim_exchange *x, void *user)
{
    bool shown = rp_sim_header(x, "authorization") != NULL || rp_sim_header(x, "x-api-key") != NULL;
    (void)user;
    rp_sim_respond(x, shown ? 500 : 200, NULL, "content", 7);
}

static void done(rp_collected *answer, const rp_response_summary *summary, void *user)
{
    (void)user;
    printf("%d from %s\n", answer->status, summary->url != NULL ? summary->url : "the first URL");
}

int main(void)
{
    rp_sim *sim = NULL;
    rp_loop *loop = NULL;
    rp_client *client = NULL;
    rp_client_options with = {.tls = NULL};
    rp_sim_server *api, *download;
    rp_sim_server_options first = {.host = "api.example.com", .on_request = answer_api};
    rp_sim_server_options second = {.host = "download.example.com", .on_request = answer_download};
    rp_collected answer = {.on_done = done};
    rp_error error;
    if (rp_sim_create(&sim, NULL, &error) || rp_sim_server_start(sim, &api, &first, &error) ||
        rp_sim_server_start(sim, &download, &second, &error) ||
        rp_sim_loop_create(sim, &loop, NULL, false, &error) ||
        rp_tls_config_create(&with.tls, &(rp_tls_options){.ca_pem = rp_sim_ca_pem}, &error) ||
        rp_client_create(&client, loop, &with, &error) ||
        !fetch(client, "https://api.example.com/file", &answer, &error))
        return printf("%s\n", error.text);
    rp_loop_run(loop);
    rp_client_destroy(client);
    rp_tls_config_release(with.tls);
    rp_loop_destroy(loop);
    rp_sim_destroy(sim);
    return answer.status == 200 ? 0 : 1;
}

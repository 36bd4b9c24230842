/* webhooks.c - calls to URLs that others choose, and the test that they lead nowhere inside. */
#include <ringport/ringport.h>
#include <ringport/sim.h>
#include <stdio.h>
#include <string.h>

/* guide: begin rules */
/* Their URLs may lead to the Internet, and to one partner's port in our own network. */
static const char *on_address(const rp_target *target, void *user)
{
    static const uint8_t partner[4] = {10, 1, 2, 3};
    (void)user;
    if ((target->kinds & RP_ADDRESS_PRIVATE) == 0)
        return NULL; /* refuse_addresses has the rest */
    if (target->size == 4 && memcmp(target->bytes, partner, 4) == 0 && target->port == 443)
        return NULL;
    return "private, and not our partner's";
}

static rp_client *client_for_their_urls(rp_loop *loop, rp_tls_config *tls, rp_error *error)
{
    rp_client *client = NULL;
    rp_client_options options = {
        .tls = tls,
        .refuse_addresses = RP_ADDRESS_NOT_PUBLIC & ~(uint32_t)RP_ADDRESS_PRIVATE,
        .on_address = on_address,
    };
    (void)rp_client_create(&client, loop, &options, error);
    return client;
}
/* guide: end rules */

static void done(rp_collected *answer, const rp_response_summary *summary, void *user)
{
    (void)answer;
    *(rp_status *)user = summary->error == NULL ? RP_OK : summary->error->status;
    if (summary->error != NULL)
        printf("%s\n", summary->error->text);
}

int main(void)
{
    static const struct {
        const char *name, *address;
        rp_status status;
    } hooks[] = {
        {"hooks.example.com", "1.2.3.4", RP_OK},
        {"partner.example.com", "10.1.2.3", RP_OK},
        {"inside.example.com", "10.1.2.4", RP_E_ADDRESS_REFUSED},
        {"cloud.example.com", "169.254.169.254", RP_E_ADDRESS_REFUSED},
        {"mapped.example.com", "::ffff:127.0.0.1", RP_E_ADDRESS_REFUSED},
    };
    rp_sim *sim = NULL;
    rp_loop *loop = NULL;
    rp_client *client = NULL;
    rp_tls_config *tls = NULL;
    rp_error error;
    int wrong = 0;
    if (rp_sim_create(&sim, NULL, &error) || rp_sim_loop_create(sim, &loop, NULL, false, &error) ||
        rp_tls_config_create(&tls, &(rp_tls_options){.ca_pem = rp_sim_ca_pem}, &error) ||
        (client = client_for_their_urls(loop, tls, &error)) == NULL)
        return printf("%s\n", error.text);
    for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
        char url[64];
        rp_status status = RP_E_INTERNAL;
        rp_collected answer = {.on_done = done, .user = &status};
        rp_request_options request = {.url = url};
        rp_sim_server *server;
        rp_sim_server_options serving = {.host = hooks[i].name, .address = hooks[i].address};
        (void)snprintf(url, sizeof(url), "https://%s/", hooks[i].name);
        if (rp_sim_server_start(sim, &server, &serving, &error) ||
            !rp_client_send(client, &request, &rp_collect_events, &answer, &error))
            return printf("%s\n", error.text);
        rp_loop_run(loop);
        wrong += status != hooks[i].status;
    }
    rp_client_destroy(client);
    rp_tls_config_release(tls);
    rp_loop_destroy(loop);
    rp_sim_destroy(sim);
    return wrong;
}

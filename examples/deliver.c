/* deliver.c - webhooks: what ringport tries again, what the program does, and the test of both. */
#include <ringport/ringport.h>
#include <ringport/sim.h>
#include <stdio.h>
#include <string.h>

/* guide: begin verdict */
typedef enum verdict { DELIVERED, LATER, NEVER } verdict;

/* Of a delivery that ringport has tried as often as it may. */
static verdict verdict_of(const rp_response_summary *summary)
{
    int status = summary->status;
    if (status >= 200 && status < 300)
        return DELIVERED; /* also if the rest of the answer was lost, or too long */
    if (summary->error == NULL)
        return status == 408 || status == 429 || status >= 500 ? LATER : NEVER;
    switch (summary->error->status) {
    case RP_E_BAD_URL:
    case RP_E_ADDRESS_REFUSED: /* it leads inside */
        return NEVER;
    default:
        return LATER; /* a certificate that has expired, too: its owner will see to that */
    }
}
/* guide: end verdict */

/* guide: begin client */
static rp_client *client_for_hooks(rp_loop *loop, rp_tls_config *tls, rp_error *error)
{
    rp_client *client = NULL;
    rp_client_options options = {
        .tls = tls,
        .user_agent = "example-hooks/1.0",
        .refuse_addresses = RP_ADDRESS_NOT_PUBLIC,
        .limits =
            {
                .requests_in_flight = 4, /* a slow receiver holds up its own deliveries only */
                .queue_limit = 1000,
                .probe_ms = 1000, /* one that is down is not stormed */
            },
        .retry =
            {
                .attempts = 4,
                .backoff_least_ms = 500,
                .retry_after_limit_ms = 60000, /* who wants longer gets it from our own schedule */
            },
    };
    (void)rp_client_create(&client, loop, &options, error);
    return client;
}
/* guide: end client */

/* guide: begin deliver */
typedef struct delivery {
    rp_client *client;
    rp_loop *loop;
    const char *url, *key, *body;
    unsigned rounds; /* of ours, each with some tries of ringport's */
    verdict verdict;
    rp_timer again;
    rp_collected answer;
} delivery;

static void done(rp_collected *answer, const rp_response_summary *summary, void *user);

static void deliver(rp_timer *timer, void *user)
{
    delivery *d = user;
    rp_error error;
    const rp_header headers[] = {
        {"Content-Type", "application/json"},
        {"Idempotency-Key", d->key}, /* one for all tries and rounds */
        /* and your signature: over body, key and the time of this round, say */
    };
    rp_request_options request = {
        .url = d->url,
        .method = "POST",
        .headers = headers,
        .header_count = sizeof(headers) / sizeof(headers[0]),
        .body = d->body,
        .body_size = strlen(d->body),
        .idempotent = true, /* the key makes it so */
        .first_byte_timeout_ms = 15000,
        .total_timeout_ms = 180000, /* of a round */
    };
    (void)timer;
    d->rounds++;
    d->answer = (rp_collected){.limit_bytes = 64 * 1024, .on_done = done, .user = d};
    if (rp_client_send(d->client, &request, &rp_collect_events, &d->answer, &error) == NULL) {
        d->verdict = error.status == RP_E_BAD_URL ? NEVER : LATER;
        printf("%s: %s\n", d->url, error.text);
    }
}

static void done(rp_collected *answer, const rp_response_summary *summary, void *user)
{
    static const uint64_t minutes[] = {10, 60, 360, 1440, 1440}; /* then somebody is told */
    delivery *d = user;
    (void)answer;
    d->verdict = verdict_of(summary);
    printf("%s: round %u, %s\n", d->url, d->rounds,
           summary->error != NULL       ? summary->error->text
           : summary->retry_why != NULL ? summary->retry_why
                                        : "answered");
    if (d->verdict == LATER && d->rounds <= sizeof(minutes) / sizeof(minutes[0]))
        rp_timer_start(d->loop, &d->again, minutes[d->rounds - 1] * 60000, deliver, d);
}
/* guide: end deliver */

/* The test: receivers of every kind. */
typedef struct receiver {
    const char *host, *address;
    unsigned tries, had; /* had: deliveries that it acted on, each key once */
    uint64_t down_until_ms;
    const rp_sim *sim;
} receiver;

static void receive(rp_sim_exchange *x, void *user)
{
    receiver *r = user;
    bool again = r->tries++ > 0;
    if (rp_sim_header(x, "Idempotency-Key") == NULL) {
        rp_sim_respond(x, 400, NULL, "", 0);
    } else if (strcmp(r->host, "gone.example.com") == 0) {
        rp_sim_respond(x, 410, NULL, "", 0);
    } else if (rp_sim_now_ns(r->sim) / 1000000 < r->down_until_ms) {
        rp_sim_respond(x, 503, NULL, "", 0);
    } else if (strcmp(r->host, "busy.example.com") == 0 && !again) {
        rp_sim_respond(x, 429, "Retry-After: 30\r\n", "", 0);
    } else if (strcmp(r->host, "lost.example.com") == 0 && !again) {
        r->had++;
        rp_sim_end(x, RP_SIM_END_RESET); /* it acted, and nobody hears of it */
    } else {
        r->had += r->had == 0; /* it knows the key */
        rp_sim_respond(x, 204, NULL, "", 0);
    }
}

int main(void)
{
    receiver receivers[] = {
        {.host = "good.example.com", .address = "1.2.3.1"},
        {.host = "busy.example.com", .address = "1.2.3.2"},
        {.host = "lost.example.com", .address = "1.2.3.3"},
        {.host = "gone.example.com", .address = "1.2.3.4"},
        {.host = "inside.example.com", .address = "10.1.2.3"},
        {.host = "down.example.com", .address = "1.2.3.5", .down_until_ms = 2 * 3600 * 1000},
    };
    static const struct {
        verdict verdict;
        unsigned rounds, tries, had;
    } expected[] = {{DELIVERED, 1, 1, 1}, {DELIVERED, 1, 2, 1}, {DELIVERED, 1, 2, 1},
                    {NEVER, 1, 1, 0},     {NEVER, 1, 0, 0},     {DELIVERED, 4, 13, 1}};
    enum { COUNT = sizeof(receivers) / sizeof(receivers[0]) };
    static delivery deliveries[COUNT];
    static char urls[COUNT][64];
    rp_sim *sim = NULL;
    rp_loop *loop = NULL;
    rp_client *client = NULL;
    rp_tls_config *tls = NULL;
    rp_error error;
    int wrong = 0;
    if (rp_sim_create(&sim, NULL, &error) || rp_sim_loop_create(sim, &loop, NULL, false, &error) ||
        rp_tls_config_create(&tls, &(rp_tls_options){.ca_pem = rp_sim_ca_pem}, &error) ||
        (client = client_for_hooks(loop, tls, &error)) == NULL)
        return printf("%s\n", error.text);
    for (size_t i = 0; i < COUNT; i++) {
        rp_sim_server *server;
        rp_sim_server_options serving = {.host = receivers[i].host,
                                         .address = receivers[i].address,
                                         .on_request = receive,
                                         .user = &receivers[i]};
        receivers[i].sim = sim;
        if (rp_sim_server_start(sim, &server, &serving, &error))
            return printf("%s\n", error.text);
        (void)snprintf(urls[i], sizeof(urls[i]), "https://%s/hook", receivers[i].host);
        deliveries[i] = (delivery){
            .client = client, .loop = loop, .url = urls[i], .key = "order-4711", .body = "{}"};
        deliver(NULL, &deliveries[i]);
    }
    rp_loop_run(loop); /* hours, at once */
    for (size_t i = 0; i < COUNT; i++)
        wrong += deliveries[i].verdict != expected[i].verdict ||
                 deliveries[i].rounds != expected[i].rounds ||
                 receivers[i].tries != expected[i].tries || receivers[i].had != expected[i].had;
    rp_client_destroy(client);
    rp_tls_config_release(tls);
    rp_loop_destroy(loop);
    rp_sim_destroy(sim);
    return wrong;
}

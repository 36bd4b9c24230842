/* idle.c - opens keep-alive connections, has each serve one request, and leaves them idle, so that
 * bench/run can see what they hold.
 *
 * idle URL -c CONNECTIONS --ca FILE [--backend NAME]
 * Prints "idle", waits for a line, ends. What bench/run gives to every peer besides (-n, --idle) is
 * taken and means nothing here. */
#include <ringport/ringport.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many handshakes run at a time. */
#define OPENING 64
#define TIMEOUT_MS 100000

/* Less credit than the body has: until each request has a connection none ends, or the pool would
 * give its connection to the next. */
#define CREDIT 1

typedef struct counts counts;

typedef struct held {
    counts *all;
    rp_request *request;
    size_t owed; /* bytes of the body that were not yet consumed */
} held;

struct counts {
    size_t wanted, waiting, done, failed;
    bool released;
    held *held;
};

static void release_if_all_wait(counts *all)
{
    if (all->released || all->waiting < all->wanted)
        return;
    all->released = true;
    for (size_t i = 0; i < all->wanted; i++) {
        if (all->held[i].owed > 0)
            rp_request_consume(all->held[i].request, all->held[i].owed);
    }
}

static void on_body(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    held *self = user;
    (void)data;
    if (self->all->released) {
        rp_request_consume(request, size);
        return;
    }
    self->request = request;
    self->owed = size;
    self->all->waiting++;
    release_if_all_wait(self->all);
}

static void on_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    held *self = user;
    counts *all = self->all;
    (void)request;
    self->owed = 0;
    all->done++;
    if (summary->error == NULL && summary->status == 200)
        return;
    if (all->failed++ == 0)
        fprintf(stderr, "idle: status %d %s\n", summary->status,
                summary->error != NULL ? summary->error->text : "");
    all->waiting++;
    release_if_all_wait(all);
}

static rp_client *client_create(rp_loop *loop, const char *ca, size_t connections)
{
    rp_error error;
    rp_tls_config *tls = NULL;
    rp_client *client = NULL;
    if (ca != NULL &&
        rp_tls_config_create(&tls, &(rp_tls_options){.ca_file = ca}, &error) != RP_OK) {
        fprintf(stderr, "idle: %s\n", error.text);
        return NULL;
    }
    rp_client_options options = {
        .tls = tls,
        .connections_per_origin = (uint32_t)connections,
        .concurrent_openings = OPENING,
        .connection_idle_ms = 3600 * 1000,
    };
    if (rp_client_create(&client, loop, &options, &error) != RP_OK)
        fprintf(stderr, "idle: %s\n", error.text);
    rp_tls_config_release(tls);
    return client;
}

static int run(rp_loop *loop, const char *url, const char *ca, size_t connections)
{
    static const rp_response_events events = {.on_body = on_body, .on_done = on_done};
    counts all = {.wanted = connections};
    rp_client *client = client_create(loop, ca, connections);
    all.held = calloc(connections, sizeof(held));
    if (client == NULL || all.held == NULL)
        return 1;
    rp_request_options options = {
        .url = url, .receive_credit_bytes = CREDIT, .total_timeout_ms = TIMEOUT_MS};
    for (size_t i = 0; i < connections; i++) {
        rp_error error;
        all.held[i].all = &all;
        if (rp_client_send(client, &options, &events, &all.held[i], &error) == NULL) {
            fprintf(stderr, "idle: %s\n", error.text);
            return 1;
        }
    }
    rp_loop_run(loop);
    free(all.held);
    uint64_t opened = rp_loop_stats_get(loop)->connections_opened;
    if (opened != connections) {
        fprintf(stderr, "idle: %llu connections opened\n", (unsigned long long)opened);
        return 1;
    }
    (void)malloc_trim(0);
    puts("idle");
    fflush(stdout);
    (void)getchar();
    rp_client_destroy(client);
    return all.done == connections && all.failed == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    const char *url = "", *ca = NULL;
    unsigned long connections = 1;
    rp_loop_options options = {0};
    for (int i = 1; i < argc; i++) {
        const char *option = argv[i];
        if (option[0] != '-') {
            url = option;
            continue;
        }
        if (strcmp(option, "--idle") == 0 || i + 1 == argc)
            continue;
        const char *value = argv[++i];
        if (strcmp(option, "-c") == 0)
            connections = strtoul(value, NULL, 10);
        else if (strcmp(option, "--ca") == 0)
            ca = value;
        else if (strcmp(option, "--backend") == 0)
            options.backend = value;
    }
    rp_error error;
    rp_loop *loop = NULL;
    if (rp_loop_create(&loop, &options, &error) != RP_OK) {
        fprintf(stderr, "idle: %s\n", error.text);
        return 1;
    }
    int code = run(loop, url, ca, connections);
    rp_loop_destroy(loop);
    return code;
}

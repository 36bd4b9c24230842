/* upload.c - rows that are made while they are sent, and the test that all arrive or none. */
#include <ringport/ringport.h>
#include <ringport/sim.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* guide: begin produce */
typedef struct export
{
    rp_collected answer; /* first: callbacks have its address */
    rp_loop *loop;
    rp_request *request;
    rp_timer source; /* of rows: the program's, which takes its time */
    size_t room;
    unsigned row, rows, broken_at;
}
export;

static void rows_came(rp_timer *source, void *user)
{
    export *e = user;
    char text[32];
    (void)source;
    while (e->row < e->rows && e->row != e->broken_at && e->room >= sizeof(text)) {
        int size = snprintf(text, sizeof(text), "row %u\n", e->row++);
        e->room -= rp_request_give(e->request, text, (size_t)size); /* it is copied */
    }
    if (e->row == e->broken_at) {
        rp_request_body_abort(e->request); /* nothing that was sent looks complete */
    } else if (e->row == e->rows) {
        char count[16];
        rp_header trailer = {"X-Rows", count};
        (void)snprintf(count, sizeof(count), "%u", e->rows);
        (void)rp_request_body_end(e->request, &trailer, 1, NULL);
    }
}

/* Called again when what was given has gone: so much is in memory, and no more. */
static void on_body_wanted(rp_request *request, size_t room, void *user)
{
    export *e = user;
    e->request = request;
    e->room = room;
    rp_timer_start(e->loop, &e->source, 1, rows_came, e); /* or at once */
}

/* It is sent once more, behind a redirect or where its connection was lost. */
static void on_body_rewind(rp_request *request, void *user)
{
    export *e = user;
    (void)request;
    rp_timer_stop(e->loop, &e->source);
    e->row = 0;
}

static bool begin(export *e, rp_client *client, const char *url, rp_error *error)
{
    static const rp_header announced = {"Trailer", "X-Rows"};
    rp_request_options request = {
        .url = url,
        .method = "PUT",
        .headers = &announced,
        .header_count = 1,
        .on_body_wanted = on_body_wanted, /* and body_size, if it is known */
        .on_body_rewind = on_body_rewind,
        .expect_continue = true, /* nothing is sent before the server wants it */
    };
    return rp_client_send(client, &request, &rp_collect_events, e, error) != NULL;
}
/* guide: end produce */

static unsigned whole; /* bodies that the server has */

static void answer_head(rp_sim_exchange *x, void *user)
{
    (void)user;
    if (strcmp(rp_sim_target(x), "/full") == 0)
        rp_sim_respond(x, 507, NULL, "full", 4);
}

static void answer(rp_sim_exchange *x, void *user)
{
    const char *told = rp_sim_trailer(x, "X-Rows");
    unsigned long rows = 0;
    size_t size;
    const uint8_t *body = rp_sim_body(x, &size);
    (void)user;
    for (size_t i = 0; i < size; i++)
        rows += body[i] == '\n';
    bool good = told != NULL && strtoul(told, NULL, 10) == rows;
    whole++;
    rp_sim_respond(x, good ? 201 : 400, NULL, "", 0);
}

static void done(rp_collected *collected, const rp_response_summary *summary, void *user)
{
    export *e = user;
    rp_timer_stop(e->loop, &e->source);
    printf("%d, %llu bytes: %s\n", collected->status, (unsigned long long)summary->body_bytes_sent,
           summary->error != NULL ? summary->error->text : "done");
}

int main(void)
{
    enum { NEVER = -1 };
    export all = {.rows = 50000, .broken_at = (unsigned)NEVER}, broken = all, refused = all;
    export *exports[] = {&all, &broken, &refused};
    const char *urls[] = {"https://store.example.com/a", "https://store.example.com/b",
                          "https://store.example.com/full"};
    rp_sim *sim = NULL;
    rp_loop *loop = NULL;
    rp_client *client = NULL;
    rp_client_options with = {.tls = NULL};
    rp_sim_server *store;
    rp_sim_server_options serving = {
        .host = "store.example.com", .on_head = answer_head, .on_request = answer};
    rp_error error;
    broken.broken_at = 40000;
    if (rp_sim_create(&sim, NULL, &error) || rp_sim_server_start(sim, &store, &serving, &error) ||
        rp_sim_loop_create(sim, &loop, NULL, false, &error) ||
        rp_tls_config_create(&with.tls, &(rp_tls_options){.ca_pem = rp_sim_ca_pem}, &error) ||
        rp_client_create(&client, loop, &with, &error))
        return printf("%s\n", error.text);
    for (size_t i = 0; i < sizeof(exports) / sizeof(exports[0]); i++) {
        exports[i]->loop = loop;
        exports[i]->answer = (rp_collected){.on_done = done, .user = exports[i]};
        if (!begin(exports[i], client, urls[i], &error))
            return printf("%s\n", error.text);
    }
    rp_loop_run(loop);
    rp_client_destroy(client);
    rp_tls_config_release(with.tls);
    rp_loop_destroy(loop);
    rp_sim_destroy(sim);
    bool good = all.answer.status == 201 && broken.answer.status == 0 && broken.row == 40000 &&
                refused.answer.status == 507 && refused.row == 0 && whole == 1;
    return good ? 0 : 1;
}

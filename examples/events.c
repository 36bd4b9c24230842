/* events.c - a subscriber to server-sent events, and the test that it loses none of them. */
#include <ringport/ringport.h>
#include <ringport/sim.h>
#include <stdio.h>
#include <string.h>

/* guide: begin subscribe */
typedef struct subscription {
    rp_client *client;
    rp_loop *loop;
    const char *url;
    rp_event_reader *reader;
    rp_timer again;
    unsigned failures; /* in a row */
    bool over;         /* there is nothing more to come */
} subscription;

static void on_event(const rp_event *event, void *user)
{
    (void)user;
    printf("%s %s: %s\n", event->id, event->type, event->data);
}

static void on_head(rp_request *request, const rp_response_head *head, void *user)
{
    subscription *s = user;
    const char *type = rp_header_value(head->headers, head->header_count, "Content-Type", 0);
    bool is_stream = type != NULL && strncmp(type, "text/event-stream", 17) == 0;
    if (head->informational)
        return;
    if (head->status == 200 && is_stream) {
        s->failures = 0;
        return;
    }
    s->over = head->status < 500; /* 204: "there is no more". Nor do others become a stream */
    rp_request_cancel(request);
}

static void on_body(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    subscription *s = user;
    rp_error error;
    if (rp_event_reader_feed(s->reader, data, size, &error) == RP_OK)
        return;
    fprintf(stderr, "%s\n", error.text); /* a line that has no end, say */
    s->over = true;
    rp_request_cancel(request);
}

static void on_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    subscription *s = user;
    uint64_t wait_ms = rp_event_reader_retry_ms(s->reader);
    (void)request;
    (void)summary; /* it may say why; what is done about it is the same */
    wait_ms = wait_ms == 0 ? 3000 : wait_ms;
    if (!s->over)
        rp_timer_start(s->loop, &s->again, wait_ms << (s->failures < 5 ? s->failures : 5),
                       s->again.fn, s);
    s->failures++;
}

static void subscribe(rp_timer *timer, void *user)
{
    static const rp_response_events events = {on_head, on_body, on_done};
    subscription *s = user;
    rp_header headers[2] = {{"Accept", "text/event-stream"}, {"Last-Event-ID", NULL}};
    rp_request_options request = {.url = s->url, .headers = headers, .header_count = 1};
    rp_error error;
    request.idle_timeout_ms = 45000; /* three times what the server is silent for */
    timer->fn = subscribe;           /* which on_done has called again */
    headers[1].value = rp_event_reader_last_id(s->reader);
    if (headers[1].value[0] != '\0')
        request.header_count = 2;
    rp_event_reader_restart(s->reader);
    if (rp_client_send(s->client, &request, &events, s, &error) == NULL)
        fprintf(stderr, "%s\n", error.text); /* for good: an id that no header can have, say */
}
/* guide: end subscribe */

/* The test's server: the first answer breaks off, the second falls silent, the third says that
 * there is no more. */
static void answer(rp_sim_exchange *x, void *user)
{
    static const char *const bodies[] = {
        "retry: 200\n\nid: 1\ndata: one\n\nid: 2\ndata: t",
        "id: 2\nevent: add\ndata: two\ndata: and more\n\n:\n\n",
    };
    unsigned *asked = user;
    const char *id = rp_sim_header(x, "Last-Event-ID");
    if (*asked == 2 || (*asked == 1) != (id != NULL && strcmp(id, "1") == 0)) {
        rp_sim_respond(x, id != NULL && strcmp(id, "2") == 0 ? 204 : 400, NULL, "", 0);
        *asked += 1;
        return;
    }
    rp_sim_head(x, 200, "Content-Type: text/event-stream\r\n", RP_SIM_SIZE_UNKNOWN);
    rp_sim_data(x, bodies[*asked], strlen(bodies[*asked]));
    rp_sim_wait(x, 20); /* which a reset would overtake */
    rp_sim_end(x, *asked == 0 ? RP_SIM_END_RESET : RP_SIM_END_STALLED);
    *asked += 1;
}

int main(void)
{
    rp_sim *sim = NULL;
    rp_client_options with = {.tls = NULL};
    unsigned asked = 0;
    rp_sim_server *server;
    rp_sim_server_options serving = {
        .host = "events.example.com", .on_request = answer, .user = &asked};
    subscription s = {.url = "https://events.example.com/"};
    rp_event_reader_options reading = {.on_event = on_event, .user = &s};
    rp_error error;
    if (rp_sim_create(&sim, NULL, &error) || rp_sim_server_start(sim, &server, &serving, &error) ||
        rp_sim_loop_create(sim, &s.loop, NULL, false, &error) ||
        rp_tls_config_create(&with.tls, &(rp_tls_options){.ca_pem = rp_sim_ca_pem}, &error) ||
        rp_client_create(&s.client, s.loop, &with, &error) ||
        rp_event_reader_create(&s.reader, s.loop, &reading, &error))
        return printf("%s\n", error.text);
    subscribe(&s.again, &s);
    rp_loop_run(s.loop); /* until it is over; the silence passes at once */
    bool good = s.over && asked == 3 && strcmp(rp_event_reader_last_id(s.reader), "2") == 0;
    rp_event_reader_destroy(s.reader);
    rp_client_destroy(s.client);
    rp_tls_config_release(with.tls);
    rp_loop_destroy(s.loop);
    rp_sim_destroy(sim);
    return good ? 0 : 1;
}

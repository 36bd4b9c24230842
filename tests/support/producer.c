/* producer.c - see producer.h. */
#include "support/producer.h"

#include "support/check.h"

#include <stdlib.h>
#include <string.h>

uint8_t *upload_data;

/* ---- both versions, plain and with TLS ---- */

static const struct {
    int tls;
    rp_http_versions versions;
} upload_kinds[UPLOAD_KINDS] = {
    {0, RP_HTTP_1_1}, {13, RP_HTTP_1_1}, {0, RP_HTTP_2}, {13, RP_HTTP_2}};

bool upload_is_2(const scene *s)
{
    return s->web.client->options.versions == RP_HTTP_2;
}

upload_sink upload_seen;

void upload_begin(scene *s, size_t kind, const rp_sim_server_options *serving,
                  const rp_client_options *client)
{
    rp_sim_server_options options = {0};
    rp_client_options client_options = {0};
    if (serving != NULL)
        options = *serving;
    if (client != NULL)
        client_options = *client;
    options.versions = upload_kinds[kind].versions == RP_HTTP_2 ? RP_SIM_HTTP_2 : RP_SIM_HTTP_1;
    client_options.versions = upload_kinds[kind].versions;
    client_options.http2_prior_knowledge = upload_kinds[kind].versions == RP_HTTP_2;
    memset(&upload_seen, 0, sizeof(upload_seen));
    scene_begin(s, upload_kinds[kind].tls, &options, &client_options);
}

void upload_end(scene *s)
{
    const char *complaint = rp_sim_server_complaint(s->server);
    if (complaint != NULL)
        fail_msg("%s", complaint);
    scene_end(s);
}

void upload_each(const rp_sim_server_options *serving, void (*test)(scene *s))
{
    for (size_t i = 0; i < UPLOAD_KINDS; i++) {
        scene s;
        upload_begin(&s, i, serving, NULL);
        test(&s);
        upload_end(&s);
    }
}

/* ---- a server that looks at the bodies ---- */

void upload_head(rp_sim_exchange *x, void *user)
{
    (void)x;
    (void)user;
    upload_seen.heads++;
    upload_seen.bytes = 0;
}

void upload_body(rp_sim_exchange *x, const uint8_t *bytes, size_t size, void *user)
{
    (void)x;
    (void)user;
    CHECK(upload_seen.bytes + size <= LARGE &&
          memcmp(bytes, upload_data + upload_seen.bytes, size) == 0);
    upload_seen.bytes += size;
}

void upload_tell_size(rp_sim_exchange *x, void *user)
{
    char text[128];
    const char *length = rp_sim_header(x, "Content-Length"),
               *coding = rp_sim_header(x, "Transfer-Encoding"),
               *trailer = rp_sim_trailer(x, "X-Sum");
    (void)user;
    upload_seen.whole++;
    int size = snprintf(text, sizeof(text), "%llu %s %s %s", (unsigned long long)upload_seen.bytes,
                        length == NULL ? "-" : length, coding == NULL ? "-" : coding,
                        trailer == NULL ? "-" : trailer);
    rp_sim_respond(x, 200, NULL, text, (size_t)size);
}

const rp_sim_server_options upload_looking = {
    .on_head = upload_head, .on_body = upload_body, .on_request = upload_tell_size};

/* ---- a producer ---- */

void producer_give(producer *p)
{
    while (p->given < p->total) {
        size_t size = p->total - p->given < p->piece ? p->total - p->given : p->piece;
        size_t taken = rp_request_give(p->f.request, upload_data + p->given, size);
        CHECK(taken <= size && p->f.request->upload.body.given.size <= RP_UPLOAD_BYTES);
        p->given += taken;
        if (taken == 0)
            return;
        if (p->later)
            break;
    }
    if (p->given == p->total && !p->endless)
        p->end = rp_request_body_end(p->f.request, p->trailers, p->trailer_count, &p->f.error);
}

static void give_later(rp_timer *timer, void *user)
{
    (void)timer;
    producer *p = user;
    if (p->f.request != NULL)
        producer_give(p);
}

void producer_wanted(rp_request *request, size_t room, void *user)
{
    producer *p = user;
    CHECK(request == p->f.request && p->f.web->starting == 0 && request->conn != NULL);
    CHECK(room >= RP_UPLOAD_BYTES / 2 && room <= RP_UPLOAD_BYTES);
    p->wanted++;
    if (p->pauses)
        return;
    if (p->later)
        rp_timer_start(p->f.web->loop, &p->timer, 1, give_later, p);
    else
        producer_give(p);
}

void producer_rewound(rp_request *request, void *user)
{
    producer *p = user;
    CHECK(request == p->f.request && !p->f.cancelled);
    p->rewound++;
    p->given = 0;
}

void producer_trailers(rp_request *request, const rp_header *trailers, size_t count, void *user)
{
    producer *p = user;
    CHECK(request == p->f.request && p->f.dones == 0 && count > 0);
    p->trailer_calls++;
    size_t used = strlen(p->answer_trailer);
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(p->answer_trailer + used, sizeof(p->answer_trailer) - used,
                                 "%s=%s;", trailers[i].name, trailers[i].value);
}

void producer_start(producer *p, scene *s, const char *path, rp_request_options options)
{
    options.url = scene_url(s, path);
    options.on_body_wanted = producer_wanted;
    if (!fetch_start(&p->f, &s->web, NULL, &options))
        fail_msg("%s", p->f.error.text);
}

void producer_finish(producer *p, rp_status status)
{
    fetch_wait(&p->f);
    rp_timer_stop(p->f.web->loop, &p->timer);
    if (p->f.error.status != status)
        fail_msg("%s: %s", rp_status_name(p->f.error.status), p->f.error.text);
}

int upload_run(const struct CMUnitTest *tests, size_t count)
{
    upload_data = probe_pattern(LARGE);
    int failed = fixture_run_counted(tests, count, 2);
    free(upload_data);
    return failed;
}

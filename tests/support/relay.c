/* relay.c - see relay.h. */
#include "support/relay.h"

#include "base/list.h"
#include "support/check.h"
#include "support/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum phase { ASKED, AUTH, REQUEST, CONNECTING, RELAYS, NOWHERE } phase;

/* One connection, and its other half. */
typedef struct link {
    relay *relay;
    rp_sim_exchange *exchange; /* NULL: gone */
    rp_stream *up;             /* NULL: none */
    phase phase;
    bool chosen;
    relay_answer answer; /* of whoever chose */
    size_t size, capacity;
    uint8_t *in; /* until it relays, and a zero behind it */
} link;

typedef struct piece {
    rp_write write;
    uint8_t data[];
} piece;

static void link_free(link *l)
{
    if (l->exchange != NULL || l->up != NULL)
        return;
    free(l->in);
    free(l);
}

static void say(link *l, const void *data, size_t size, size_t cut)
{
    const char *bytes = data;
    for (size_t at = 0; at < size; at += cut != 0 ? cut : size)
        rp_sim_write(l->exchange, bytes + at, cut != 0 && size - at > cut ? cut : size - at);
}

static void say_own(link *l, const void *data, size_t size)
{
    say(l, data, size, l->relay->options.own_cut);
}

/* ---- to the origin ---- */

static void up_written(rp_stream *stream, rp_write *write, const rp_error *error, void *user)
{
    (void)stream;
    (void)error;
    (void)user;
    free(RP_CONTAINER(write, piece, write));
}

static void pass_on(link *l, const uint8_t *data, size_t size)
{
    relay *r = l->relay;
    size_t room = sizeof(r->seen) - r->seen_size, kept = size < room ? size : room;
    memcpy(r->seen + r->seen_size, data, kept);
    r->seen_size += kept;
    r->bytes += size;
    piece *p = malloc(sizeof(*p) + size);
    CHECK(p != NULL);
    memcpy(p->data, data, size);
    if (rp_stream_write(l->up, &p->write, p->data, size, up_written, NULL) != RP_OK)
        free(p);
}

static void refuse(link *l)
{
    static const char http[] = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 11\r\n\r\nno way there";
    static const uint8_t socks[] = {5, 5, 0, 1, 0, 0, 0, 0, 0, 0};
    if (l->relay->options.socks)
        say_own(l, socks, sizeof(socks));
    else
        say_own(l, http, sizeof(http) - 2);
    rp_sim_end(l->exchange, RP_SIM_CLOSE);
    l->phase = NOWHERE;
}

static void accept_tunnel(link *l)
{
    static const uint8_t socks[] = {5, 0, 0, 3, 4, 'n', 'a', 'm', 'e', 0, 0};
    const relay_options *o = &l->relay->options;
    char text[1024];
    l->phase = RELAYS;
    l->relay->tunnels++;
    if (o->passes_on && !o->socks && strncmp((char *)l->in, "CONNECT ", 8) != 0) {
        pass_on(l, l->in, l->size);
        return;
    }
    if (o->socks) {
        say_own(l, socks, sizeof(socks));
        return;
    }
    int size =
        snprintf(text, sizeof(text), "%sHTTP/1.1 200 Established\r\n%s\r\n",
                 o->before != NULL ? o->before : "", o->head_lines != NULL ? o->head_lines : "");
    say_own(l, text, (size_t)size);
}

static void up_opened(rp_stream *stream, const rp_error *error, void *user)
{
    link *l = user;
    (void)stream;
    if (l->exchange == NULL)
        return;
    if (error != NULL)
        refuse(l);
    else
        accept_tunnel(l);
    if (error != NULL)
        rp_stream_close(l->up);
}

static void up_data(rp_stream *stream, const uint8_t *data, size_t size, void *user)
{
    link *l = user;
    (void)stream;
    if (l->exchange != NULL)
        rp_sim_write(l->exchange, data, size);
}

static void up_ended(rp_stream *stream, const rp_error *error, void *user)
{
    link *l = user;
    (void)stream;
    if (l->exchange != NULL && l->phase == RELAYS)
        rp_sim_end(l->exchange, error != NULL ? RP_SIM_END_RESET : RP_SIM_CLOSE);
    l->phase = NOWHERE;
}

static void up_closed(rp_stream *stream, void *user)
{
    link *l = user;
    (void)stream;
    l->up = NULL;
    link_free(l);
}

static const rp_stream_events up_events = {
    .on_open = up_opened, .on_data = up_data, .on_end = up_ended, .on_close = up_closed};

static void dial(link *l, const char *host, uint16_t port)
{
    relay *r = l->relay;
    rp_stream_options options = {.host = host, .port = port};
    (void)snprintf(r->target, sizeof(r->target), "%s:%u", host, (unsigned)port);
    l->phase = CONNECTING;
    CHECK(rp_stream_open(&l->up, r->loop, &options, &up_events, l) == RP_OK);
}

/* ---- HTTP ---- */

static bool is_authorized(const relay *r)
{
    char line[300];
    if (r->options.user == NULL)
        return true;
    /* user:secret, the one that tests have */
    (void)snprintf(line, sizeof(line), "\r\nProxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n");
    return strstr(r->asked, line) != NULL;
}

static void forward(link *l)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nforward";
    l->size = 0;
    say_own(l, answer, sizeof(answer) - 1);
}

/* A request for a whole URL: to whoever it names, and all that follows it. */
static bool pass_on_url(link *l)
{
    char host[256];
    unsigned port = 80;
    const char *url = strchr((const char *)l->in, ' ');
    if (!l->relay->options.passes_on || url == NULL ||
        sscanf(url, " http://%255[^:/]:%u", host, &port) < 1)
        return false;
    dial(l, host, (uint16_t)port);
    return true;
}

static void asked_http(link *l)
{
    static const char denied[] = "HTTP/1.1 407 Authenticate\r\nProxy-Authenticate: Basic\r\n"
                                 "Content-Length: 12\r\n\r\nwho are you?";
    relay *r = l->relay;
    char host[256];
    unsigned port;
    if (strstr((char *)l->in, "\r\n\r\n") == NULL)
        return;
    (void)snprintf(r->asked, sizeof(r->asked), "%s", (char *)l->in);
    if (!is_authorized(r)) {
        say_own(l, denied, sizeof(denied) - 1);
        rp_sim_end(l->exchange, RP_SIM_CLOSE);
        l->phase = NOWHERE;
    } else if (r->options.forwards && strncmp(r->asked, "CONNECT ", 8) != 0) {
        forward(l);
    } else if (sscanf(r->asked, "CONNECT [%255[^]]]:%u HTTP/1.1\r\n", host, &port) == 2 ||
               sscanf(r->asked, "CONNECT %255[^:]:%u HTTP/1.1\r\n", host, &port) == 2) {
        dial(l, host, (uint16_t)port);
    } else if (!pass_on_url(l)) {
        refuse(l);
    }
}

/* ---- SOCKS ---- */

static void socks_greeting(link *l)
{
    const relay_options *o = &l->relay->options;
    uint8_t answer[2] = {5, o->user != NULL ? 2 : 0};
    if (l->size < 2 || l->size < 2u + l->in[1])
        return;
    bool offered = o->user == NULL || memchr(l->in + 2, 2, l->in[1]) != NULL;
    if (!offered)
        answer[1] = 0xFF;
    l->phase = !offered ? NOWHERE : o->user != NULL ? AUTH : REQUEST;
    l->size = 0;
    say_own(l, answer, 2);
}

static void socks_auth(link *l)
{
    const relay_options *o = &l->relay->options;
    char want[600];
    uint8_t answer[2] = {o->auth_version > 0 ? o->auth_version : 1, 1};
    size_t user = strlen(o->user), password = strlen(o->password);
    if (l->size < 2 || l->size < 3u + l->in[1] || l->size < 3u + l->in[1] + l->in[2 + l->in[1]])
        return;
    int size =
        snprintf(want, sizeof(want), "\1%c%s%c%s", (int)user, o->user, (int)password, o->password);
    if ((size_t)size == l->size && memcmp(want, l->in, l->size) == 0)
        answer[1] = 0;
    l->phase = answer[1] == 0 ? REQUEST : NOWHERE;
    l->size = 0;
    say_own(l, answer, 2);
    if (answer[1] != 0)
        rp_sim_end(l->exchange, RP_SIM_CLOSE);
}

static void socks_request(link *l)
{
    char host[256];
    const uint8_t *in = l->in;
    if (l->size < 5)
        return;
    size_t size = in[3] == 1 ? 4 : in[3] == 4 ? 16 : in[4], begin = in[3] == 3 ? 5 : 4;
    if (l->size < begin + size + 2)
        return;
    l->relay->type = in[3];
    if (in[3] == 1)
        (void)snprintf(host, sizeof(host), "%u.%u.%u.%u", in[4], in[5], in[6], in[7]);
    else if (in[3] == 3)
        (void)snprintf(host, sizeof(host), "%.*s", (int)size, (const char *)in + 5);
    else
        (void)snprintf(host, sizeof(host), "::1");
    dial(l, host, (uint16_t)(in[begin + size] << 8 | in[begin + size + 1]));
}

/* ---- its own connections ---- */

static void choose(link *l)
{
    const relay_options *o = &l->relay->options;
    l->chosen = true;
    l->answer = (relay_answer){o->answer, o->answer_size, o->cut, o->then};
    if (o->choose != NULL && !o->choose(o->user_data, l->in, l->size, &l->answer))
        l->answer.text = NULL;
}

static void script(link *l)
{
    const relay_answer *a = &l->answer;
    if (!l->relay->options.socks && strstr((char *)l->in, "\r\n\r\n") == NULL)
        return;
    (void)snprintf(l->relay->asked, sizeof(l->relay->asked), "%s", (char *)l->in);
    l->phase = NOWHERE;
    say(l, a->text, a->size, a->cut);
    if (a->then != RP_SIM_KEEP)
        rp_sim_end(l->exchange, a->then);
}

static void keep(link *l, const uint8_t *data, size_t size)
{
    if (l->size + size >= l->capacity) {
        l->capacity = 2 * (l->size + size) + 512;
        l->in = realloc(l->in, l->capacity);
        CHECK(l->in != NULL);
    }
    memcpy(l->in + l->size, data, size);
    l->size += size;
    l->in[l->size] = '\0';
}

static void came(rp_sim_exchange *x, const uint8_t *data, size_t size, void *user)
{
    relay *r = user;
    link *l = rp_sim_exchange_user(x);
    if (l == NULL) {
        l = calloc(1, sizeof(*l));
        CHECK(l != NULL);
        l->relay = r;
        l->exchange = x;
        rp_sim_exchange_user_set(x, l);
    }
    if (l->phase == RELAYS && l->up != NULL)
        pass_on(l, data, size);
    if (l->phase >= CONNECTING && !(l->phase == CONNECTING && r->options.passes_on))
        return;
    keep(l, data, size);
    if (l->phase == CONNECTING)
        return;
    if (!l->chosen)
        choose(l);
    if (l->answer.text != NULL)
        script(l);
    else if (!r->options.socks)
        asked_http(l);
    else if (l->phase == ASKED)
        socks_greeting(l);
    else if (l->phase == AUTH)
        socks_auth(l);
    else
        socks_request(l);
}

static void gone(rp_sim_exchange *x, void *user)
{
    link *l = rp_sim_exchange_user(x);
    (void)user;
    if (l == NULL)
        return;
    l->exchange = NULL;
    if (l->up != NULL)
        rp_stream_close(l->up);
    else
        link_free(l);
}

void relay_begin(relay *r, rp_loop *loop, const relay_options *options)
{
    rp_error error;
    *r = (relay){.loop = loop, .options = *options};
    rp_sim_server_options server = {.plain = !options->tls,
                                    .versions = RP_SIM_RAW,
                                    .on_body = came,
                                    .on_gone = gone,
                                    .user = r};
    server.port = options->port;
    if (server.port == 0 && fixture_simulated())
        server.port = options->tls ? 8443 : 3128;
    if (server.port != 0)
        server.address = "127.0.0.1";
    if (rp_sim_server_start_on(loop, &r->server, &server, &error) != RP_OK)
        CHECK_TEXT(false, error.text);
}

const char *relay_url(const relay *r, const char *scheme, const char *credentials)
{
    static char url[400];
    (void)snprintf(url, sizeof(url), "%s://%s%s", scheme, credentials,
                   rp_sim_server_address(r->server));
    return url;
}

void relay_end(relay *r)
{
    rp_sim_server_stop(r->server);
    for (int i = 0; i < 20; i++)
        (void)rp_loop_turn(r->loop, 0);
}

/* detours.c - ways to an answer that are not straight: redirects, with credentials that are for one
 * origin; proxies, that do as they are told or not; and answers that are encoded. */
#include "swarm/world.h"

#include "support/coded.h"

#include <stdio.h>
#include <string.h>

/* ---- redirects ---- */

static host *any_host(world *w)
{
    return &w->hosts[world_draw(w, w->knobs.host_count)];
}

void call_plan_redirects(world *w, call *c)
{
    static const int statuses[] = {301, 302, 303, 307, 308};
    c->secret = world_chance(w, w->knobs.redirected) || world_chance(w, w->knobs.proxied);
    if (c->astray == AS_MEANT && world_chance(w, w->knobs.redirected))
        c->hops = 1 + (unsigned)world_draw(w, HOPS_MOST);
    c->hops_limit = c->hops > 1 && world_chance(w, 100) ? c->hops - 1 : c->hops;
    c->insecure = world_chance(w, 800);
    for (unsigned i = 0; i < c->hops; i++) {
        bool stays = i > 0 && world_chance(w, 400);
        leg *h = &c->way[i];
        h->host = stays ? c->way[i - 1].host : any_host(w);
        h->status = statuses[world_draw(w, 5)];
        h->body_bytes = (size_t)world_draw(w, world_chance(w, 100) ? 100000 : 50);
        h->rude = world_chance(w, 50);
        h->relative = world_chance(w, 500);
        h->cookie_anew = world_chance(w, 300);
    }
    c->way[c->hops].host = c->host;
}

/* As browsers have it (Fetch, 4.4). */
static const char *method_behind(const char *method, int status)
{
    bool post = strcmp(method, "POST") == 0, head = strcmp(method, "HEAD") == 0;
    return (post && status < 303) || (status == 303 && !head) ? "GET" : method;
}

const char *call_method(const call *c, unsigned hop)
{
    const char *method = c->method;
    for (unsigned i = 0; i < hop; i++)
        method = method_behind(method, c->way[i].status);
    return method;
}

size_t call_upload(const call *c, unsigned hop)
{
    return strcmp(call_method(c, hop), c->method) == 0 ? c->upload_bytes : 0;
}

bool call_is_home(const call *c, unsigned hop)
{
    for (unsigned i = 1; i <= hop; i++) {
        if (c->way[i].host != c->way[0].host)
            return false;
    }
    return true;
}

bool call_may_redirect(const call *c)
{
    return call_refused_hop(c) == c->hops;
}

unsigned call_refused_hop(const call *c)
{
    for (unsigned i = 0; i < c->hops; i++) {
        bool plainer = !c->way[i].host->knobs->plain && c->way[i + 1].host->knobs->plain;
        if (i == c->hops_limit || (plainer && !c->insecure))
            return i;
    }
    return c->hops;
}

bool call_any_host(const call *c, bool (*is)(const call *c, const host *h))
{
    for (unsigned i = 0; i <= c->hops; i++) {
        if (is(c, c->way[i].host))
            return true;
    }
    return false;
}

void call_url(const call *c, unsigned at, const char *scheme, const char *name, char *url,
              size_t size)
{
    const host *h = c->way[at].host;
    char port[16] = "", where[16] = "";
    if (h->port != 0)
        (void)snprintf(port, sizeof(port), ":%u", h->port);
    if (c->hops > 0)
        (void)snprintf(where, sizeof(where), "/%u", at);
    (void)snprintf(url, size, "%s://%s%s/%u%s", scheme, name, port, c->id, where);
}

static const char *scheme_of(const host *h)
{
    return h->knobs->plain ? "http" : "https";
}

void call_redirect(rp_sim_exchange *x, const call *c, unsigned at)
{
    static const char body[100000];
    const leg *from = &c->way[at], *to = &c->way[at + 1];
    char url[128], line[160];
    if (from->relative && to->host == from->host)
        (void)snprintf(url, sizeof(url), "%u", at + 1);
    else
        call_url(c, at + 1, scheme_of(to->host), host_name(to->host), url, sizeof(url));
    (void)snprintf(line, sizeof(line), "Location: %s\r\n", url);
    bool bodiless = strcmp(rp_sim_method(x), "HEAD") == 0;
    if (!from->rude || bodiless) {
        rp_sim_respond(x, from->status, line, body, bodiless ? 0 : from->body_bytes);
        return;
    }
    rp_sim_head(x, from->status, line, from->body_bytes + 1);
    rp_sim_data(x, body, from->body_bytes / 2);
    if (rp_sim_version(x) == 20)
        rp_sim_reset_stream(x, 2);
    else
        rp_sim_end(x, from->body_bytes % 2 == 0 ? RP_SIM_END_TRUNCATED : RP_SIM_CLOSE);
}

bool call_redirected(call *c, rp_redirect *redirect)
{
    unsigned at = c->told;
    CHECK(at < c->hops && redirect->number == at + 1);
    const leg *from = &c->way[at], *to = &c->way[at + 1];
    const char *method = call_method(c, at + 1);
    c->told++;
    CHECK(redirect->status == from->status);
    CHECK_TEXT(strcmp(redirect->method, method) == 0, redirect->method);
    CHECK(redirect->keeps_body == (strcmp(method, call_method(c, at)) == 0));
    CHECK(redirect->same_origin == (from->host == to->host));
    CHECK(strstr(redirect->url, host_name(to->host)) != NULL);
    if (c->secret && !redirect->same_origin && from->cookie_anew) {
        (void)snprintf(c->cookie, sizeof(c->cookie), "c=%u", to->host->number);
        c->cookie_header = (rp_header){"Cookie", c->cookie};
        redirect->headers = &c->cookie_header;
        redirect->header_count = 1;
    }
    return true;
}

/* ---- credentials ---- */

/* Each says whose it is, and for which call. */
void call_secrets(call *c, rp_request_options *options)
{
    static const char *const names[] = {"x-key"};
    unsigned number = c->way[0].host->number;
    if (!c->secret)
        return;
    (void)snprintf(c->bearer, sizeof(c->bearer), "t%u.%u", number, c->id);
    (void)snprintf(c->cookie_first, sizeof(c->cookie_first), "c=%u", number);
    c->headers[0] = (rp_header){"Cookie", c->cookie_first};
    c->headers[1] = (rp_header){"X-Key", c->bearer};
    options->bearer = c->bearer;
    options->headers = c->headers;
    options->header_count = 2;
    options->redirect_secrets = names;
    options->redirect_secret_count = 1;
}

static void check_shown(const char *value, bool expected, const char *is)
{
    if (value != NULL && !(expected && strcmp(value, is) == 0))
        (void)fprintf(stderr, "%s is shown, expected %s\n", value, expected ? is : "nothing");
    CHECK(expected ? value != NULL && strcmp(value, is) == 0 : value == NULL);
}

/* Is there one that was given for this hop's origin, and kept since? */
static bool cookie_is_due(const call *c, unsigned hop)
{
    for (; hop > 0; hop--) {
        if (c->way[hop].host != c->way[hop - 1].host)
            return c->way[hop - 1].cookie_anew;
    }
    return true;
}

void call_check_secrets(const rp_sim_exchange *x, const call *c, unsigned at)
{
    char key[32], bearer[48], cookie[16];
    bool home = c->secret && call_is_home(c, at);
    const host *h = c->way[at].host;
    (void)snprintf(key, sizeof(key), "t%u.%u", h->number, c->id);
    (void)snprintf(bearer, sizeof(bearer), "Bearer %s", key);
    (void)snprintf(cookie, sizeof(cookie), "c=%u", h->number);
    check_shown(rp_sim_header(x, "authorization"), home, bearer);
    check_shown(rp_sim_header(x, "x-key"), home, key);
    check_shown(rp_sim_header(x, "cookie"), c->secret && cookie_is_due(c, at), cookie);
    CHECK(rp_sim_header(x, "proxy-authorization") == NULL ||
          (c->proxy != NULL && c->proxy->kind == PROXY_FORWARD));
}

/* ---- encoded answers ---- */

typedef enum fault { TRUNCATED, SPOILT, TRAILED, UNKNOWN, OVER_LIMIT, BOMB, FAULTS } fault;

static void encoded_once(world *w, call *c, bool spoilt)
{
    coding_kind coding = (coding_kind)world_draw(w, CODINGS);
    size_t least = c->wire_bytes / 200 + 1, used = strlen(c->encoding);
    size_t block = least + (size_t)world_draw(w, 65535 - least);
    uint8_t *encoded = coding_encode(coding, c->wire, &c->wire_bytes, block, spoilt);
    free(c->wire);
    c->wire = encoded;
    (void)snprintf(c->encoding + used, sizeof(c->encoding) - used, "%s%s", used > 0 ? ", " : "",
                   coding_name(coding));
}

static void bomb(world *w, call *c)
{
    const coded *zeros = world_chance(w, 500) ? &coded_zeros_br : &coded_gzip_of_zeros;
    c->wire = realloc(c->wire, zeros->size);
    CHECK(c->wire != NULL);
    memcpy(c->wire, zeros->data, zeros->size);
    c->wire_bytes = zeros->size;
    (void)snprintf(c->encoding, sizeof(c->encoding), "%s", zeros->encoding);
    c->zeros = true;
    c->credit_bytes = 0; /* it would take too long */
    c->plain_bytes = (size_t)16 << 20;
    c->coding_fault = RP_E_DECODE_TOO_LARGE;
}

static void strike(world *w, call *c, fault what)
{
    switch (what) {
    case TRUNCATED:
        if (c->wire_bytes == 1)
            break;
        c->wire_bytes = 1 + (size_t)world_draw(w, c->wire_bytes - 1);
        c->coding_fault = RP_E_DECODE_FAILED;
        break;
    case TRAILED:
        c->wire[c->wire_bytes++] = 'x'; /* there is room */
        c->coding_fault = RP_E_DECODE_FAILED;
        break;
    case UNKNOWN:
        (void)snprintf(c->encoding, sizeof(c->encoding), "compress");
        c->coding_fault = RP_E_DECODE_UNKNOWN;
        break;
    case OVER_LIMIT:
        c->decoded_limit = c->plain_bytes > 1 ? 1 + world_draw(w, c->plain_bytes - 1) : 0;
        c->coding_fault = c->decoded_limit > 0 ? RP_E_DECODE_TOO_LARGE : RP_OK;
        break;
    default:
        break;
    }
}

void call_plan_coding(world *w, call *c)
{
    c->plain_bytes = c->body_bytes;
    c->decompress = world_chance(w, w->knobs.encoded);
    if (!c->decompress || world_chance(w, 200))
        return;
    fault what = world_chance(w, 250) ? (fault)world_draw(w, FAULTS) : FAULTS;
    c->wire_bytes = c->body_bytes;
    c->wire = malloc(c->wire_bytes + 1);
    CHECK(c->wire != NULL);
    for (size_t i = 0; i < c->wire_bytes; i++)
        c->wire[i] = call_plain_byte(c, i);
    if (what == BOMB) {
        bomb(w, c);
    } else {
        c->coding_fault = what == SPOILT ? RP_E_DECODE_FAILED : RP_OK;
        encoded_once(w, c, what == SPOILT);
        if (world_chance(w, 200))
            encoded_once(w, c, false);
        strike(w, c, what);
    }
    c->body_bytes = c->wire_bytes;
    if (c->body_bytes / c->piece_bytes > 200)
        c->piece_bytes = c->body_bytes / 200;
}

uint8_t call_wire_byte(const call *c, size_t at)
{
    if (c->wire == NULL)
        return call_plain_byte(c, at);
    return at < c->wire_bytes ? c->wire[at] : 0;
}

/* ---- proxies ---- */

static const char *const schemes[PROXY_KINDS] = {"http", "https", "socks5", "socks5h", "http"};

static bool misbehaves(void *user, const uint8_t *words, size_t size, relay_answer *answer)
{
    static const char *const texts[] = {
        "HTTP/1.1 407 Authenticate\r\nContent-Length: 3\r\n\r\nwho",
        "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 11\r\n\r\nno way there",
        "HTTP/1.1 200 Established\r\n\r\n", /* and then nothing */
        "HTTP/1.1 2x0 OK\r\n\r\n",
        "\5\0\5\5\0\1\0\0\0\0\0\0",
        "\5\377",
        "\5\0",
        "\1\2\3\4\5\6\7\10\11\12",
        "",
    };
    static const size_t socks_sizes[] = {12, 2, 2, 10, 0};
    static const rp_sim_ending endings[] = {RP_SIM_CLOSE, RP_SIM_END_TRUNCATED, RP_SIM_END_RESET,
                                            RP_SIM_END_STALLED};
    proxy *p = user;
    world *w = p->world;
    ground_moves(w);
    if (p->kind != PROXY_FORWARD) /* what is for origins is for no proxy */
        for (size_t i = 0; i + 7 <= size; i++)
            CHECK(memcmp(words + i, "Bearer ", 7) != 0);
    if (!world_chance(w, w->knobs.proxy_misbehaves))
        return false;
    size_t which = (size_t)world_draw(w, sizeof(texts) / sizeof(texts[0]));
    answer->text = texts[which];
    answer->size = which < 4 ? strlen(texts[which]) : socks_sizes[which - 4];
    if (world_chance(w, 300))
        answer->size = (size_t)world_draw(w, answer->size + 1);
    answer->cut = world_chance(w, 500) ? 1 + (size_t)world_draw(w, 8) : 0;
    bool bounded = w->knobs.limited == 1000 || p->kind != PROXY_FORWARD;
    answer->then = endings[world_draw(w, bounded ? 4 : 3)];
    return true;
}

void proxies_start(world *w, rp_loop *loop)
{
    w->relay_loop = loop;
    for (unsigned i = 0; i < w->knobs.proxy_count; i++) {
        proxy *p = &w->proxies[i];
        p->world = w;
        p->kind = w->knobs.proxies[i];
        bool authorized = i % 2 == 0;
        relay_options options = {.tls = p->kind == PROXY_HTTPS,
                                 .socks = p->kind == PROXY_SOCKS5 || p->kind == PROXY_SOCKS5H,
                                 .passes_on = p->kind == PROXY_FORWARD,
                                 .user = authorized ? "user" : NULL,
                                 .password = authorized ? "secret" : NULL,
                                 .port = (uint16_t)(w->sim != NULL ? 3128 + i : 0),
                                 .own_cut = w->knobs.cuts ? i : 0,
                                 .choose = misbehaves,
                                 .user_data = p};
        relay_begin(&p->relay, loop, &options);
    }
}

void proxies_end(world *w)
{
    for (unsigned i = 0; i < w->knobs.proxy_count; i++)
        relay_end(&w->proxies[i].relay);
}

void proxies_create(world *w)
{
    for (unsigned i = 0; i < w->knobs.proxy_count; i++) {
        proxy *p = &w->proxies[i];
        rp_error error;
        rp_proxy_options options = {
            .url = relay_url(&p->relay, schemes[p->kind], i % 2 == 0 ? "user:secret@" : ""),
            .tls = w->tls,
            .forward_http = p->kind == PROXY_FORWARD};
        CHECK_TEXT(rp_proxy_create(&p->proxy, &options, &error) == RP_OK, error.text);
    }
}

void proxies_release(world *w)
{
    for (unsigned i = 0; i < w->knobs.proxy_count; i++)
        rp_proxy_release(w->proxies[i].proxy);
}

void call_plan_proxy(world *w, call *c)
{
    if (w->knobs.proxy_count > 0 && c->astray == AS_MEANT && world_chance(w, w->knobs.proxied))
        c->proxy = &w->proxies[world_draw(w, w->knobs.proxy_count)];
}

bool proxy_explains(const call *c, rp_status status)
{
    const world *w = c->world;
    if (c->proxy == NULL)
        return false;
    if (c->proxy->kind == PROXY_HTTPS && w->knobs.distrusts && status == RP_E_CERT_UNTRUSTED)
        return true;
    if (w->knobs.proxy_misbehaves == 0)
        return false;
    switch (status) {
    case RP_E_PROXY_REFUSED:
    case RP_E_PROXY_AUTH:
    case RP_E_PROXY_PROTOCOL:
    case RP_E_PROXY_CLOSED:
    case RP_E_PROXY_TIMEOUT:
        return true;
    case RP_E_RESET: /* while it is asked, or behind its yes */
    case RP_E_TRUNCATED:
    case RP_E_CLOSED_EARLY:
    case RP_E_HANDSHAKE_TIMEOUT:
    case RP_E_TLS_CLOSED:
    case RP_E_TLS_PROTOCOL:
        return true;
    case RP_E_BAD_RESPONSE: /* it answers itself */
    case RP_E_NOT_HTTP:
    case RP_E_BODY_TRUNCATED:
    case RP_E_H2_NOT_SPOKEN:
        return true;
    case RP_E_STALE_CONNECTION: /* and closes, when it may have been asked again already */
        return c->proxy->kind == PROXY_FORWARD;
    default:
        return false;
    }
}

/* trace_attributes.c - what OpenTelemetry's semantic conventions call what an event knows. */
#include <ringport/trace.h>

#include <stdio.h>
#include <string.h>

#define URL_SIZE 2048
#define ADDRESS_SIZE 128

/* ---- the URL ---- */

typedef struct writer {
    char *at;
    size_t left; /* the NUL's place counted */
} writer;

static void put(writer *w, const char *text, size_t size)
{
    if (size >= w->left)
        size = w->left - 1;
    memcpy(w->at, text, size);
    w->at += size;
    w->left -= size;
    *w->at = '\0';
}

static void put_text(writer *w, const char *text)
{
    put(w, text, strlen(text));
}

/* Keys whose values sign a URL, or give access (OpenTelemetry, url.full; those of AWS in both of
 * its versions). */
static bool is_secret(const char *key, size_t size)
{
    static const char *const keys[] = {"AWSAccessKeyId",      "Signature",        "sig",
                                       "X-Goog-Signature",    "X-Amz-Credential", "X-Amz-Signature",
                                       "X-Amz-Security-Token"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strlen(keys[i]) == size && memcmp(keys[i], key, size) == 0)
            return true;
    }
    return false;
}

static void put_query(writer *w, const char *query, size_t size)
{
    while (size > 0) {
        const char *end = memchr(query, '&', size);
        size_t part = end != NULL ? (size_t)(end - query) : size;
        const char *equals = memchr(query, '=', part);
        size_t key = equals != NULL ? (size_t)(equals - query) : part;
        bool secret = is_secret(query, key);
        put(w, query, secret ? key : part);
        put_text(w, secret ? "=REDACTED" : "");
        size -= part;
        query += part;
        if (size == 0)
            return;
        put_text(w, "&");
        query++;
        size--;
    }
}

void rp_trace_url(const rp_trace_event *event, uint32_t flags, char *text, size_t size)
{
    writer w = {text, size};
    char port[8] = "";
    bool ipv6 = event->host != NULL && strchr(event->host, ':') != NULL;
    if (size == 0)
        return;
    text[0] = '\0';
    if (event->host == NULL)
        return;
    if (event->port != (event->https ? 443 : 80))
        (void)snprintf(port, sizeof(port), ":%u", event->port);
    put_text(&w, event->https ? "https://" : "http://");
    put_text(&w, ipv6 ? "[" : "");
    put_text(&w, event->host);
    put_text(&w, ipv6 ? "]" : "");
    put_text(&w, port);
    if (event->target == NULL)
        return;
    if (event->target_size == 0 || (event->target[0] != '/' && event->target[0] != '?'))
        return; /* "*", or whatever a target of the caller's own is: no part of a URL */
    const char *query = memchr(event->target, '?', event->target_size);
    size_t path = query != NULL ? (size_t)(query - event->target) : event->target_size;
    put(&w, event->target, path);
    if (query == NULL)
        return;
    put_text(&w, "?");
    if ((flags & RP_TRACE_HIDE_QUERY) != 0)
        put_text(&w, "REDACTED");
    else
        put_query(&w, query + 1, event->target_size - path - 1);
}

/* ---- attributes ---- */

typedef struct teller {
    rp_trace_attribute_fn *fn;
    void *user;
} teller;

static void text(const teller *t, const char *name, const char *value)
{
    rp_trace_attribute attribute = {.name = name, .text = value};
    if (value != NULL && value[0] != '\0')
        t->fn(&attribute, t->user);
}

static void number(const teller *t, const char *name, uint64_t value)
{
    rp_trace_attribute attribute = {.name = name, .number = value};
    t->fn(&attribute, t->user);
}

static void boolean(const teller *t, const char *name, bool value)
{
    rp_trace_attribute attribute = {.name = name, .number = value, .boolean = true};
    t->fn(&attribute, t->user);
}

/* Those that RFC 9110 and RFC 5789 have; any other may be one of the caller's data. */
static void method(const teller *t, const char *name)
{
    static const char *const known[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                        "CONNECT", "OPTIONS", "TRACE", "PATCH"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(name, known[i]) == 0) {
            text(t, "http.request.method", name);
            return;
        }
    }
    text(t, "http.request.method", "_OTHER");
    text(t, "http.request.method_original", name);
}

static void request(const teller *t, const rp_trace_event *event, uint32_t flags)
{
    char url[URL_SIZE];
    rp_trace_url(event, flags, url, sizeof(url));
    method(t, event->method);
    text(t, "url.full", url);
    if (event->resends > 0)
        number(t, "http.request.resend_count", event->resends);
}

static void server(const teller *t, const rp_trace_event *event)
{
    text(t, "server.address", event->host);
    number(t, "server.port", event->port);
}

/* "192.0.2.7:443", "[2001:db8::7]:443", "unix:/run/socket". */
static void peer(const teller *t, const char *address)
{
    char host[ADDRESS_SIZE];
    const char *end = strrchr(address, ':');
    unsigned port = 0;
    if (strncmp(address, "unix:", 5) == 0) {
        text(t, "network.transport", "unix");
        text(t, "network.peer.address", address + 5);
        return;
    }
    bool bracketed = address[0] == '[';
    size_t size = end != NULL ? (size_t)(end - address) : strlen(address);
    if (bracketed && size >= 2) {
        address++;
        size -= 2;
    }
    if (size >= sizeof(host))
        size = sizeof(host) - 1;
    memcpy(host, address, size);
    host[size] = '\0';
    for (const char *p = end != NULL ? end + 1 : ""; *p >= '0' && *p <= '9'; p++)
        port = port * 10 + (unsigned)(*p - '0');
    text(t, "network.peer.address", host);
    if (port > 0)
        number(t, "network.peer.port", port);
}

static void connection(const teller *t, const rp_trace_event *event)
{
    if (event->address != NULL)
        peer(t, event->address);
    if (event->version > 0)
        text(t, "network.protocol.version", event->version == 20 ? "2" : "1.1");
    if (event->tls_version == NULL)
        return;
    text(t, "tls.protocol.name", "tls");
    text(t, "tls.protocol.version",
         strncmp(event->tls_version, "TLSv", 4) == 0 ? event->tls_version + 4 : event->tls_version);
    text(t, "tls.cipher", event->tls_cipher);
    text(t, "tls.curve", event->tls_group);
    boolean(t, "tls.resumed", event->resumed);
}

/* An error's name, or the status that is one. */
static void outcome(const teller *t, const rp_trace_event *event)
{
    char status[16];
    if (event->status > 0)
        number(t, "http.response.status_code", (uint64_t)event->status);
    if (event->error != NULL) {
        text(t, "error.type", rp_status_name(event->error->status));
    } else if (event->status >= 400) {
        (void)snprintf(status, sizeof(status), "%d", event->status);
        text(t, "error.type", status);
    }
}

static void conn_attributes(const teller *t, const rp_trace_event *event)
{
    server(t, event);
    if (event->kind != RP_TRACE_OPENING && event->kind != RP_TRACE_RESOLVED)
        connection(t, event);
    outcome(t, event);
}

void rp_trace_attributes(const rp_trace_event *event, uint32_t flags, rp_trace_attribute_fn *fn,
                         void *user)
{
    const teller t = {fn, user};
    bool all = event->kind == RP_TRACE_ATTEMPT_END || event->kind == RP_TRACE_END;
    if (event->request == 0) {
        conn_attributes(&t, event);
        return;
    }
    if (all || event->kind == RP_TRACE_BEGIN || event->kind == RP_TRACE_ATTEMPT) {
        request(&t, event, flags);
        server(&t, event);
    }
    if (all || event->kind == RP_TRACE_ASSIGNED)
        connection(&t, event);
    if (all || event->kind == RP_TRACE_HEAD)
        outcome(&t, event);
}

/* proxy.c - proxies as options have them, read and checked. */
#include "client/proxy.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/text.h"
#include "client/no_proxy.h"
#include "http/credentials.h"
#include "http/headers.h"
#include "http/url.h"
#include "net/socks.h"

#include <stdio.h>
#include <string.h>

#define URL_LIMIT 4096
#define PORT_DEFAULT 1080 /* as curl has it */
#define PORT_DEFAULT_TLS 443
#define FIELDS_LIMIT ((size_t)64 * 1024)

/* ---- the URL ---- */

typedef struct scheme {
    const char *name; /* with what follows it */
    rp_proxy_kind kind;
} scheme;

static const scheme schemes[] = {
    {"http://", RP_PROXY_HTTP},
    {"https://", RP_PROXY_HTTPS},
    {"socks5://", RP_PROXY_SOCKS5},
    {"socks5h://", RP_PROXY_SOCKS5H},
};

static bool cut_scheme(const char **text, rp_proxy_kind *kind)
{
    *kind = RP_PROXY_HTTP;
    if (strstr(*text, "://") == NULL)
        return true;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t size = strlen(schemes[i].name);
        if (strlen(*text) >= size && rp__ascii_equal(*text, schemes[i].name, size)) {
            *kind = schemes[i].kind;
            *text += size;
            return true;
        }
    }
    return false;
}

/* Percent-decoded; out has room for as many bytes. False: what it stands for has a NUL. */
static bool decode(char *out, rp_slice text)
{
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        int high = i + 2 < text.size ? rp__hex_digit(text.data[i + 1]) : -1;
        int low = high >= 0 ? rp__hex_digit(text.data[i + 2]) : -1;
        bool coded = text.data[i] == '%' && low >= 0;
        int byte = coded ? high << 4 | low : text.data[i];
        out[size++] = (char)byte;
        i += coded ? 2 : 0;
        if (out[size - 1] == '\0')
            return false;
    }
    out[size] = '\0';
    return true;
}

static rp_status bad(rp_error *error, const char *what)
{
    return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE, "the proxy's %s", what);
}

static rp_status no_memory(rp_error *error)
{
    return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory for the proxy");
}

typedef struct credentials {
    char user[URL_LIMIT], password[URL_LIMIT];
    bool given;
} credentials;

static rp_status read_credentials(credentials *c, const rp_proxy_options *options,
                                  rp_slice userinfo, rp_error *error)
{
    const uint8_t *colon = userinfo.size > 0 ? memchr(userinfo.data, ':', userinfo.size) : NULL;
    rp_slice user = userinfo, password = {NULL, 0};
    if (colon != NULL) {
        user.size = (size_t)(colon - userinfo.data);
        password = (rp_slice){colon + 1, userinfo.size - user.size - 1};
    }
    c->given = userinfo.size > 0 || options->user != NULL;
    if (!decode(c->user, user) || !decode(c->password, password))
        return bad(error, "user or password has a NUL");
    if (options->user == NULL)
        return RP_OK;
    const char *secret = options->password != NULL ? options->password : "";
    if (strlen(options->user) >= URL_LIMIT || strlen(secret) >= URL_LIMIT)
        return bad(error, "user or password is too long");
    memcpy(c->user, options->user, strlen(options->user) + 1);
    memcpy(c->password, secret, strlen(secret) + 1);
    return RP_OK;
}

/* ---- what is sent to it ---- */

static rp_status check_headers(const rp_proxy_options *options, size_t *size, rp_error *error)
{
    for (size_t i = 0; i < options->header_count; i++) {
        const char *line = options->headers[i], *colon = line != NULL ? strchr(line, ':') : NULL;
        if (colon == NULL || !rp__is_token(line, (size_t)(colon - line)))
            return bad(error, "headers have one that is not \"Name: value\"");
        if (!rp__is_field_value(colon + 1, strlen(colon + 1)))
            return bad(error, "headers have a control character");
        *size += strlen(line) + 2;
    }
    return *size > FIELDS_LIMIT ? bad(error, "headers are larger than 64 KiB") : RP_OK;
}

static rp_status fields_make(rp_memory *memory, rp_hop *hop, const rp_proxy_options *options,
                             const credentials *c, rp_error *error)
{
    char basic[RP_BASIC_SIZE] = "";
    rp_error why;
    size_t size = sizeof("Proxy-Authorization: \r\n") + sizeof(basic), used = 0;
    rp_status status = check_headers(options, &size, error);
    if (status == RP_OK && c->given && rp__basic_write(basic, c->user, c->password, &why) != RP_OK)
        status = rp__error_set(error, why.status, RP_PHASE_NONE, "of the proxy: %s", why.text);
    if (status != RP_OK)
        return status;
    hop->fields = rp__allocate(memory, size + 1);
    if (hop->fields == NULL)
        return no_memory(error);
    if (c->given)
        used = (size_t)snprintf(hop->fields, size, "Proxy-Authorization: %s\r\n", basic);
    rp__wipe(basic, sizeof(basic));
    for (size_t i = 0; i < options->header_count; i++) {
        size_t line = strlen(options->headers[i]);
        memcpy(hop->fields + used, options->headers[i], line);
        memcpy(hop->fields + used + line, "\r\n", 2);
        used += line + 2;
    }
    return RP_OK;
}

/* RFC 1929: of 1 to 255 bytes each. */
static rp_status socks_make(rp_memory *memory, rp_hop *hop, const credentials *c, rp_error *error)
{
    if (!c->given)
        return RP_OK;
    if (c->user[0] == '\0' || c->password[0] == '\0' || strlen(c->user) > RP_SOCKS_TEXT_LIMIT ||
        strlen(c->password) > RP_SOCKS_TEXT_LIMIT)
        return bad(error, "user and password must be of 1 to 255 bytes for SOCKS (RFC 1929)");
    hop->user = rp__copy_text(memory, c->user, strlen(c->user));
    hop->password = rp__copy_text(memory, c->password, strlen(c->password));
    return hop->user != NULL && hop->password != NULL ? RP_OK : no_memory(error);
}

/* ---- one hop ---- */

static rp_status hop_take(rp_proxy *proxy, rp_hop *hop, const rp_proxy_options *options,
                          const rp_url *url, rp_error *error)
{
    credentials c;
    const uint8_t *behind = url->host.data + url->host.size + url->host_is_ipv6;
    hop->port = hop->kind == RP_PROXY_HTTPS ? PORT_DEFAULT_TLS : PORT_DEFAULT;
    if (*behind == ':')
        hop->port = url->port;
    if (url->path.size > 1 || url->query.size > 0)
        return bad(error, "URL has a path, which nobody would be sent");
    hop->host = rp__copy_text(&proxy->memory, (const char *)url->host.data, url->host.size);
    if (hop->host == NULL)
        return no_memory(error);
    rp_status status = read_credentials(&c, options, url->userinfo, error);
    if (status == RP_OK && hop->kind >= RP_PROXY_SOCKS5)
        status = socks_make(&proxy->memory, hop, &c, error);
    else if (status == RP_OK)
        status = fields_make(&proxy->memory, hop, options, &c, error);
    rp__wipe(&c, sizeof(c));
    return status;
}

/* Read as an http URL, whose rules for user, host and port are the same. */
static rp_status hop_make(rp_proxy *proxy, rp_hop *hop, const rp_proxy_options *options,
                          const char *text, rp_error *error)
{
    char http[URL_LIMIT + sizeof("http://")];
    rp_url url;
    rp_error why;
    if (text == NULL || text[0] == '\0')
        return RP_OK;
    if (!cut_scheme(&text, &hop->kind))
        return rp__error_set(error, RP_E_UNSUPPORTED, RP_PHASE_NONE,
                             "the proxy's scheme is none of http, https, socks5 and socks5h");
    if (strlen(text) > URL_LIMIT)
        return bad(error, "URL is longer than 4 KiB");
    int size = snprintf(http, sizeof(http), "http://%s", text);
    rp_status status = rp__url_parse(&url, http, (size_t)size, &why);
    if (status == RP_OK)
        status = hop_take(proxy, hop, options, &url, error);
    else
        status = rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE, "of the proxy: %s", why.text);
    rp__wipe(http, sizeof(http));
    return status;
}

/* ---- the whole ---- */

static void proxy_free(rp_proxy *proxy)
{
    rp_memory memory = proxy->memory;
    for (size_t i = 0; i < RP_HOPS; i++) {
        rp_hop *hop = &proxy->hops[i];
        rp__free(&memory, hop->host);
        rp__free_secret_text(&memory, hop->user);
        rp__free_secret_text(&memory, hop->password);
        rp__free_secret_text(&memory, hop->fields);
    }
    rp__free(&memory, proxy->no_proxy);
    rp_tls_config_release(proxy->tls);
    rp__free(&memory, proxy);
}

static rp_status tls_make(rp_proxy *proxy, const rp_proxy_options *options, rp_error *error)
{
    bool needed = false;
    for (size_t i = 0; i < RP_HOPS; i++)
        needed = needed || (proxy->hops[i].host != NULL && proxy->hops[i].kind == RP_PROXY_HTTPS);
    if (!needed)
        return RP_OK;
    if (options->tls == NULL)
        return rp_tls_config_create(&proxy->tls, NULL, error);
    proxy->tls = rp_tls_config_retain(options->tls);
    return RP_OK;
}

static rp_status proxy_fill(rp_proxy *proxy, const rp_proxy_options *options, rp_error *error)
{
    const char *of_http = options->http_url != NULL ? options->http_url : options->url;
    const char *of_https = options->https_url != NULL ? options->https_url : options->url;
    proxy->forward_http = options->forward_http;
    proxy->refuse_unseen = options->refuse_unseen;
    proxy->keep_answer = options->keep_answer;
    rp_status status = hop_make(proxy, &proxy->hops[RP_HOP_HTTP], options, of_http, error);
    if (status == RP_OK)
        status = hop_make(proxy, &proxy->hops[RP_HOP_HTTPS], options, of_https, error);
    if (status == RP_OK)
        status = tls_make(proxy, options, error);
    if (status != RP_OK || options->no_proxy == NULL)
        return status;
    proxy->no_proxy = rp__copy_text(&proxy->memory, options->no_proxy, strlen(options->no_proxy));
    return proxy->no_proxy != NULL ? RP_OK : no_memory(error);
}

rp_status rp_proxy_create_sized(rp_proxy **result, const rp_proxy_options *options,
                                size_t options_size, rp_error *error)
{
    rp_proxy_options known;
    rp_memory memory;
    *result = NULL;
    if (!rp__options_copy(&known, sizeof(known), options, options_size))
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                             "proxy options set a member that this version does not know");
    if (known.headers == NULL && known.header_count > 0)
        return bad(error, "header_count has no headers");
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    rp_proxy *proxy = rp__allocate(&memory, sizeof(*proxy));
    if (proxy == NULL)
        return no_memory(error);
    proxy->memory = memory;
    atomic_init(&proxy->references, 1);
    rp_status status = proxy_fill(proxy, &known, error);
    if (status == RP_OK)
        *result = proxy;
    else
        proxy_free(proxy);
    return status;
}

rp_proxy *rp_proxy_retain(rp_proxy *proxy)
{
    unsigned before = atomic_fetch_add_explicit(&proxy->references, 1, memory_order_relaxed);
    RP_ASSERT(before > 0);
    return proxy;
}

void rp_proxy_release(rp_proxy *proxy)
{
    if (proxy == NULL)
        return;
    unsigned before = atomic_fetch_sub_explicit(&proxy->references, 1, memory_order_acq_rel);
    RP_ASSERT(before > 0);
    if (before == 1)
        proxy_free(proxy);
}

const rp_hop *rp__proxy_hop(const rp_proxy *proxy, const char *host, bool https)
{
    const rp_hop *hop = &proxy->hops[https ? RP_HOP_HTTPS : RP_HOP_HTTP];
    bool direct = proxy->no_proxy != NULL && rp__no_proxy_has(proxy->no_proxy, host);
    return hop->host == NULL || direct ? NULL : hop;
}

/* setup.c - the TLS configuration, the resolver and the options of loops, clients and requests. */
#include "setup.h"

#include "exit_code.h"
#include "host.h"
#include "proxy.h"
#include "result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void write_keylog(const char *line, void *user)
{
    /* One call, so that the lines of several threads don't mix. */
    fprintf(user, "%s\n", line);
}

static int open_keylog(setup *s, rp_error *error)
{
    const char *path = getenv("SSLKEYLOGFILE");
    if (path == NULL || path[0] == '\0')
        return EXIT_OK;
    s->keylog = host_append_secrets(path);
    if (s->keylog == NULL) {
        snprintf(error->text, sizeof(error->text), "SSLKEYLOGFILE %s: %s", path, strerror(errno));
        return EXIT_WRITE;
    }
    setvbuf(s->keylog, NULL, _IOLBF, BUFSIZ);
    return EXIT_OK;
}

static bool names(const rp_error *error, const char *option)
{
    return option != NULL && strstr(error->text, option) != NULL;
}

/* The status is one for all that can be wrong with a configuration; the sentence names the file. */
static int tls_exit_code(const tool_options *o, const rp_error *error)
{
    if (error->status != RP_E_TLS_CONFIG)
        return exit_code(error->status, error->phase);
    if (names(error, "CRL file "))
        return EXIT_CRL_FILE;
    if (names(error, o->tls.ca_file) || names(error, o->tls.ca_directory))
        return EXIT_CA_FILE;
    if (names(error, o->tls.certificate_file) || names(error, o->tls.key_file))
        return EXIT_CLIENT_CERTIFICATE;
    if (names(error, o->tls.tls12_ciphers) || names(error, o->tls.tls13_ciphers) ||
        names(error, "cipher") || names(error, "group"))
        return EXIT_CIPHER;
    if (names(error, o->tls.pinned_keys) || names(error, "pin"))
        return EXIT_PINNED_KEY;
    return EXIT_CA_FILE;
}

/* What the user knows as SSL_CERT_DIR the library knows as ca_pem. */
rp_status setup_tls_config(rp_tls_config **config, const rp_tls_options *options, rp_error *error)
{
    static const char own[] = "ca_pem";
    char rest[RP_ERROR_TEXT_SIZE];
    const char *list = getenv("SSL_CERT_DIR");
    rp_status status = rp_tls_config_create(config, options, error);
    if (status != RP_OK && list != NULL && strncmp(error->text, own, sizeof(own) - 1) == 0) {
        snprintf(rest, sizeof(rest), "%s", error->text + sizeof(own) - 1);
        snprintf(error->text, sizeof(error->text), "SSL_CERT_DIR %.100s%.120s", list, rest);
    }
    return status;
}

static int create_tls(setup *s, const tool_options *o, rp_error *error)
{
    rp_tls_options tls = o->tls;
    int code = open_keylog(s, error);
    if (code != EXIT_OK)
        return code;
    if (s->keylog != NULL) {
        tls.on_keylog = write_keylog;
        tls.keylog_user = s->keylog;
    }
    if (write_out_wants_certs(o->write_out))
        tls.keep_peer_certificates = tls.no_resumption = true; /* or one comes without them */
    if (setup_tls_config(&s->tls, &tls, error) == RP_OK)
        return EXIT_OK;
    return tls_exit_code(o, error);
}

/* curl has a code of its own for what --cert-status finds, and none for what --crlfile does. */
int setup_exit_code(const tool_options *o, const rp_error *error)
{
    if (error->status == RP_E_CERT_REVOKED && o->tls.crl_file == NULL)
        return EXIT_CERTIFICATE_STATUS;
    if (error->status == RP_E_NOT_HTTP)
        return EXIT_SCHEME; /* curl takes it for HTTP/0.9, which it does not allow */
    if (o->fail && error->status == RP_E_PROXY_REFUSED && error->proxy_code >= 400)
        return EXIT_HTTP_STATUS;
    int of_proxy = proxy_exit_code(o, error);
    return of_proxy != 0 ? of_proxy : exit_code(error->status, error->phase);
}

/* Not where every URL says http, and no redirect can lead to https. */
static bool needs_tls(const tool_options *o)
{
    if (o->location)
        return true;
    for (size_t i = 0; i < o->list.count; i++) {
        if (strncasecmp(o->list.requests[i].url, "http:", 5) != 0)
            return true;
    }
    for (size_t i = 0; i < o->target_count; i++) {
        if (o->targets[i].url != NULL && strncasecmp(o->targets[i].url, "http:", 5) != 0)
            return true;
    }
    return false;
}

int setup_create(setup *s, const tool_options *o, rp_error *error)
{
    memset(s, 0, sizeof(*s));
    memset(error, 0, sizeof(*error));
    if (needs_tls(o)) {
        int code = create_tls(s, o, error);
        if (code != EXIT_OK)
            return code;
    }
    rp_resolver_options resolver = {
        .overrides = o->resolve, .override_count = o->resolve_count, .servers = o->dns_servers};
    if (rp_resolver_create(&s->resolver, &resolver, error) != RP_OK)
        return strncmp(error->text, "override ", 9) == 0 ? EXIT_BAD_SYNTAX
                                                         : exit_code(error->status, error->phase);
    return proxy_create(&s->proxy, o, error);
}

void setup_destroy(setup *s)
{
    rp_resolver_release(s->resolver);
    rp_proxy_release(s->proxy);
    rp_tls_config_release(s->tls);
    if (s->keylog != NULL)
        fclose(s->keylog);
}

void setup_loop_options(const tool_options *o, rp_loop_options *loop_options)
{
    memset(loop_options, 0, sizeof(*loop_options));
    loop_options->backend = o->backend;
    loop_options->coalesce_limit_us = o->coalesce_us;
}

void setup_client_options(const setup *s, const tool_options *o, rp_client_options *client_options)
{
    memset(client_options, 0, sizeof(*client_options));
    client_options->tls = s->tls;
    client_options->resolver = s->resolver;
    client_options->proxy = s->proxy;
    client_options->connect_to = o->connect_to;
    client_options->connect_to_count = o->connect_to_count;
    if (o->unix_socket != NULL) {
        client_options->connect_to = &o->unix_socket;
        client_options->connect_to_count = 1;
    }
    client_options->families = o->families;
    client_options->local = o->local;
    client_options->resolve_timeout_ms = o->connect_timeout_ms;
    client_options->connect_timeout_ms = o->connect_timeout_ms;
    client_options->handshake_timeout_ms = o->connect_timeout_ms;
    client_options->lenient_lines = o->lenient_lines;
    client_options->versions = o->versions;
    client_options->http2_prior_knowledge = o->prior_knowledge;
    client_options->keepalive_idle_ms = o->no_keepalive ? RP_NEVER_MS : o->keepalive_ms;
}

void setup_request_options(const tool_options *o, const fields *f,
                           rp_request_options *request_options)
{
    memset(request_options, 0, sizeof(*request_options));
    request_options->url = o->url;
    request_options->target = o->request_target;
    request_options->method = options_method(o, o->uploads);
    request_options->headers = f->headers;
    request_options->header_count = f->count;
    request_options->total_timeout_ms = o->max_time_ms;
    request_options->decompress = o->compressed;
    request_options->first_byte_timeout_ms = o->first_byte_timeout_ms;
    request_options->idle_timeout_ms = o->idle_timeout_ms;
    request_options->user = o->user;
    request_options->password = o->password;
    request_options->bearer = o->bearer;
    request_options->redirects_limit = o->location ? o->redirects : 0;
    request_options->redirect_flags =
        o->redirect_flags | (o->method != NULL ? (uint32_t)RP_REDIRECT_KEEP_METHOD : 0);
    if (o->method != NULL && o->uploads) /* -T goes where PUT does, whatever it is called */
        request_options->redirect_flags |= RP_REDIRECT_POST_301 | RP_REDIRECT_POST_302;
    request_options->expect_continue = options_expect(o);
    request_options->expect_timeout_ms = o->expect_timeout_ms;
    if (o->body.given) {
        /* Empty is a body too, and NULL would be none. */
        request_options->body = o->body.data != NULL ? (const void *)o->body.data : "";
        request_options->body_size = o->body.size;
    }
    fields_overrule(o, request_options);
}

void print_failure(const tool_options *o, int code, const char *text)
{
    if (!o->global.silent || o->global.show_error)
        fprintf(stderr, "ringport: (%d) %s\n", code, text);
}

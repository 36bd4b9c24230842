/* option_proxy.c - the options of proxies. */
#include "option.h"

#include <string.h>

static int take_header(tool_options *o, const char *value)
{
    /* "Name;" is one without a value, as with -H. */
    size_t size = strlen(value);
    char *line = option_keep(o, value, size);
    if (line == NULL)
        return option_no_memory(o);
    if (size > 0 && strchr(line, ':') == NULL && line[size - 1] == ';')
        line[size - 1] = ':';
    return option_add_text(o, &o->proxy.headers, &o->proxy.header_count, line);
}

/* A proxy by its kind, "HOST[:PORT]". */
static int take_kind(tool_options *o, const char *scheme, const char *value)
{
    char text[1024];
    if (strstr(value, "://") != NULL) {
        o->proxy.url = value;
        return EXIT_OK;
    }
    int size = snprintf(text, sizeof(text), "%s%s", scheme, value);
    if (size >= (int)sizeof(text))
        return option_fail(o, EXIT_USAGE, "the proxy's name is too long");
    o->proxy.url = option_keep(o, text, (size_t)size);
    return o->proxy.url != NULL ? EXIT_OK : option_no_memory(o);
}

static int take_socks5(tool_options *o, const char *value)
{
    return take_kind(o, "socks5://", value);
}

static int take_socks5h(tool_options *o, const char *value)
{
    return take_kind(o, "socks5h://", value);
}

const option proxy_options[] = {
    {"proxy", 'x', KIND_TEXT, BOTH, "URL", AT(proxy.url),
     "go through this http, https, socks5 or socks5h proxy; \"\": none"},
    {"proxy-user", 'U', KIND_TEXT, BOTH, "USER:PASSWORD", AT(proxy.user), "for the proxy"},
    {"noproxy", 0, KIND_TEXT, BOTH, "LIST", AT(proxy.no_proxy),
     "hosts and networks that need no proxy, \"*\": none does"},
    {"proxytunnel", 'p', KIND_FLAG, BOTH, NULL, AT(proxy.tunnel), "CONNECT for http URLs too"},
    {"proxy-header", 0, KIND_CALL, BOTH, "'NAME: VALUE'", CALL(take_header),
     "send this header to the proxy; may be repeated"},
    {"socks5", 0, KIND_CALL, BOTH, "HOST[:PORT]", CALL(take_socks5), "-x socks5://HOST[:PORT]"},
    {"socks5-hostname", 0, KIND_CALL, BOTH, "HOST[:PORT]", CALL(take_socks5h),
     "-x socks5h://HOST[:PORT]"},
    {"suppress-connect-headers", 0, KIND_FLAG, GET, NULL, AT(proxy.heads_hidden),
     "show no heads of its answer to CONNECT"},
    {"socks5-basic", 0, KIND_FLAG, BOTH, NULL, AT(proxy.ignored), NULL},
    {"proxy-basic", 0, KIND_FLAG, BOTH, NULL, AT(proxy.ignored), NULL},
    {"proxy-insecure", 0, KIND_FLAG, BOTH, NULL, AT(proxy.tls.insecure_accept_any_certificate),
     "accept any certificate of an https proxy"},
    {"proxy-cacert", 0, KIND_TEXT, BOTH, "FILE", AT(proxy.tls.ca_file),
     "trust the CAs in this PEM file for it"},
    {"proxy-capath", 0, KIND_TEXT, BOTH, "DIRECTORY", AT(proxy.tls.ca_directory),
     "and those in there"},
    {"proxy-crlfile", 0, KIND_TEXT, BOTH, "FILE", AT(proxy.tls.crl_file), "as --crlfile"},
    {"proxy-cert", 0, KIND_TEXT, BOTH, "FILE", AT(proxy.tls.certificate_file),
     "client certificate for it"},
    {"proxy-key", 0, KIND_TEXT, BOTH, "FILE", AT(proxy.tls.key_file),
     "its key [the --proxy-cert file]"},
    {"proxy-pass", 0, KIND_TEXT, BOTH, "PASSWORD", AT(proxy.tls.key_password), "of the key"},
    {"proxy-pinnedpubkey", 0, KIND_TEXT, BOTH, "HASHES", AT(proxy.tls.pinned_keys),
     "as --pinnedpubkey"},
    {"proxy-ciphers", 0, KIND_TEXT, BOTH, "LIST", AT(proxy.tls.tls12_ciphers), NULL},
    {"proxy-tls13-ciphers", 0, KIND_TEXT, BOTH, "LIST", AT(proxy.tls.tls13_ciphers), NULL},
    {.name = NULL},
};

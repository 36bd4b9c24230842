/* option_connection.c - the options of where connections go, how long they may take, and what is
 * spoken on them. */
#include "option.h"

#include <string.h>
#include <strings.h>

/* "-HOST:PORT" takes back what was said of it. */
static void forget_resolve(tool_options *o, const char *name)
{
    size_t size = strlen(name), kept = 0;
    for (size_t i = 0; i < o->resolve_count; i++) {
        if (strncasecmp(o->resolve[i], name, size) != 0 || o->resolve[i][size] != ':')
            o->resolve[kept++] = o->resolve[i];
    }
    o->resolve_count = kept;
}

/* A "+" says that it may time out, as names do: an operation is over before that. */
static int take_resolve(tool_options *o, const char *value)
{
    if (value[0] == '-') {
        forget_resolve(o, value + 1);
        return EXIT_OK;
    }
    value += value[0] == '+';
    return option_add_text(o, &o->resolve, &o->resolve_count, value);
}

static int take_connect_to(tool_options *o, const char *value)
{
    return option_add_text(o, &o->connect_to, &o->connect_to_count, value);
}

/* Everything goes there, whatever --connect-to says. */
static int set_unix_socket(tool_options *o, const char *before, const char *path)
{
    char text[512];
    int size = snprintf(text, sizeof(text), "%s%s", before, path);
    if (size >= (int)sizeof(text))
        return option_fail(o, EXIT_USAGE, "the Unix socket's name is too long");
    o->unix_socket = option_keep(o, text, (size_t)size);
    return o->unix_socket != NULL ? EXIT_OK : option_no_memory(o);
}

static int take_unix(tool_options *o, const char *value)
{
    return set_unix_socket(o, value[0] == '/' ? "::unix:" : "::unix:./", value);
}

static int take_abstract(tool_options *o, const char *value)
{
    return set_unix_socket(o, "::unix:@", value);
}

static int take_ipv4(tool_options *o, const char *value)
{
    (void)value;
    o->families = RP_FAMILIES_IPV4;
    return EXIT_OK;
}

static int take_ipv6(tool_options *o, const char *value)
{
    (void)value;
    o->families = RP_FAMILIES_IPV6;
    return EXIT_OK;
}

/* An address has a colon, or nothing but digits and dots; what has neither is an interface. */
static int take_interface(tool_options *o, const char *value)
{
    bool address = strchr(value, ':') != NULL || value[strspn(value, "0123456789.")] == '\0';
    if (strncmp(value, "if!", 3) == 0 || strncmp(value, "host!", 5) == 0) {
        address = value[0] == 'h';
        value = strchr(value, '!') + 1;
    }
    o->local.address = address ? value : NULL;
    o->local.device = address ? NULL : value;
    return EXIT_OK;
}

/* "4000" or "4000-4999" */
static int take_local_port(tool_options *o, const char *value)
{
    char first[16] = "";
    size_t size = strcspn(value, "-");
    uint64_t from, to;
    if (size < sizeof(first))
        memcpy(first, value, size);
    if (!option_parse_count(first, 65535, &from) || from == 0)
        return option_fail(o, EXIT_USAGE, "--local-port wants PORT or PORT-PORT, not \"%s\"",
                           value);
    to = from;
    if (value[size] != '\0' && (!option_parse_count(value + size + 1, 65535, &to) || to < from))
        return option_fail(o, EXIT_USAGE, "--local-port wants PORT or PORT-PORT, not \"%s\"",
                           value);
    o->local.first_port = (uint16_t)from;
    o->local.last_port = (uint16_t)to;
    return EXIT_OK;
}

static int take_coalesce(tool_options *o, const char *value)
{
    uint64_t count;
    o->coalesce_us = RP_COALESCE_OFF;
    if (strcmp(value, "off") == 0)
        return EXIT_OK;
    if (!option_parse_count(value, 10000, &count))
        return option_fail(o, EXIT_USAGE, "--coalesce-us is 0 to 10000 or off, not \"%s\"", value);
    if (count > 0)
        o->coalesce_us = (uint32_t)count;
    return EXIT_OK;
}

/* As with curl, the last of these three is the one that counts. */
static int take_http2(tool_options *o, const char *value)
{
    (void)value;
    o->versions = RP_HTTP_ANY;
    o->prior_knowledge = false;
    return EXIT_OK;
}

static int take_http1(tool_options *o, const char *value)
{
    (void)value;
    o->versions = RP_HTTP_1_1;
    o->prior_knowledge = false;
    return EXIT_OK;
}

static int take_prior_knowledge(tool_options *o, const char *value)
{
    (void)value;
    o->versions = RP_HTTP_ANY;
    o->prior_knowledge = true;
    return EXIT_OK;
}
const option connection_options[] = {
    {"connect-timeout", 0, KIND_SECONDS, BOTH, "SECONDS", AT(connect_timeout_ms),
     "of resolving, of connecting and of the handshake, each [10]"},
    {"first-byte-timeout", 0, KIND_LIMIT, BOTH, "SECONDS", AT(first_byte_timeout_ms),
     "from the request's end to the response's begin; 0: none [60]"},
    {"idle-timeout", 0, KIND_LIMIT, BOTH, "SECONDS", AT(idle_timeout_ms),
     "in which nothing moves, up or down; 0: none [60]"},
    {"keepalive-time", 0, KIND_SECONDS, BOTH, "SECONDS", AT(keepalive_ms),
     "of silence, then TCP asks for a sign of life [60]"},
    {"no-keepalive", 0, KIND_FLAG, BOTH, NULL, AT(no_keepalive), "it does not ask"},
    {"retry", 0, KIND_NUMBER, GET, "N", AT(retries),
     "try again so often what fails for a while: 408, 429, 500, 502, 503, 504, timeouts"},
    {"retry-delay", 0, KIND_SECONDS, GET, "SECONDS", AT(retry_delay_ms),
     "before each [1, 2, 4...; what the server says counts more]"},
    {"retry-max-time", 0, KIND_SECONDS, GET, "SECONDS", AT(retry_time_ms),
     "after which nothing is tried again [none]"},
    {"retry-connrefused", 0, KIND_FLAG, GET, NULL, AT(retry_refused), "refused connections too"},
    {"retry-all-errors", 0, KIND_FLAG, GET, NULL, AT(retry_all), "all errors"},
    {"resolve", 0, KIND_CALL, BOTH, "HOST:PORT:ADDRESS", CALL(take_resolve),
     "use this address for that host; may be repeated"},
    {"connect-to", 0, KIND_CALL, BOTH, "HOST1:PORT1:HOST2:PORT2", CALL(take_connect_to),
     "connect to HOST2 and PORT2 instead; may be repeated"},
    {"unix-socket", 0, KIND_CALL, BOTH, "PATH", CALL(take_unix), "connect to this Unix socket"},
    {"abstract-unix-socket", 0, KIND_CALL, BOTH, "NAME", CALL(take_abstract), "or an abstract one"},
    {"ipv4", '4', KIND_CALL, BOTH, NULL, CALL(take_ipv4), "use IPv4 addresses only"},
    {"ipv6", '6', KIND_CALL, BOTH, NULL, CALL(take_ipv6), "use IPv6 addresses only"},
    {"interface", 0, KIND_CALL, BOTH, "NAME", CALL(take_interface),
     "connect from this address or network interface"},
    {"local-port", 0, KIND_CALL, BOTH, "PORT[-PORT]", CALL(take_local_port),
     "connect from these ports"},
    {"dns-servers", 0, KIND_TEXT, BOTH, "ADDRESSES", AT(dns_servers),
     "ask these, \"192.0.2.1,192.0.2.2:5353\", instead of the system's"},
    {"backend", 0, KIND_TEXT, BOTH, "NAME", AT(backend), "io_uring or epoll [the best there is]"},
    {"coalesce-us", 0, KIND_CALL, BOTH, "N", CALL(take_coalesce),
     "wait so long for more completions, or off [250]"},
    {"lenient-lines", 0, KIND_FLAG, BOTH, NULL, AT(lenient_lines),
     "take lines ended by LF alone, and blanks behind a chunk's size"},
    {"http2", 0, KIND_CALL, BOTH, NULL, CALL(take_http2),
     "https: HTTP/2 if the server speaks it, or else HTTP/1.1 (the default)"},
    {"http1.1", 0, KIND_CALL, BOTH, NULL, CALL(take_http1), "HTTP/1.1 only"},
    {"http2-prior-knowledge", 0, KIND_CALL, BOTH, NULL, CALL(take_prior_knowledge),
     "as --http2, and HTTP/2 on http URLs too"},
    {.name = NULL},
};

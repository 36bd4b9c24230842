/* options.c - one table says what each option is called, what it takes and where that goes. */
#include "options.h"

#include "exit_code.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef enum kind {
    KIND_FLAG,       /* a bool */
    KIND_TEXT,       /* a const char * */
    KIND_SECONDS,    /* a uint64_t in milliseconds */
    KIND_LIMIT,      /* likewise, and 0 is RP_NEVER_MS */
    KIND_COUNT,      /* a uint64_t above 0 */
    KIND_CALL,       /* take() */
    KIND_UNSUPPORTED /* curl has it, ringport not yet */
} kind;

typedef struct option {
    const char *name;
    char letter;
    kind kind;
    unsigned commands;
    const char *value; /* what help calls its value; NULL: it takes none */
    size_t offset;
    int (*take)(tool_options *o, const char *value);
    const char *help; /* NULL: not shown */
} option;

static int fail(tool_options *o, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(tool_options *o, int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(o->message, sizeof(o->message), format, arguments);
    va_end(arguments);
    return code;
}

static int no_memory(tool_options *o)
{
    return fail(o, EXIT_MEMORY, "out of memory");
}

/* ---- Headers ---- */

/* Takes both strings over. */
static int add_header(tool_options *o, char *name, char *value)
{
    rp_header *headers = name == NULL || value == NULL
                             ? NULL
                             : realloc(o->headers, (o->header_count + 1) * sizeof(*headers));
    if (headers == NULL) {
        free(name);
        free(value);
        return no_memory(o);
    }
    o->headers = headers;
    headers[o->header_count++] = (rp_header){name, value};
    return EXIT_OK;
}

/* "Name:" leaves a header out that would be sent otherwise. */
static int remove_header(tool_options *o, char *name)
{
    int code = EXIT_OK;
    if (strcasecmp(name, "accept") == 0 || strcasecmp(name, "user-agent") == 0)
        return add_header(o, name, strdup("")); /* the library's way to say so */
    if (strcasecmp(name, "host") == 0 || strcasecmp(name, "content-length") == 0)
        code = fail(o, EXIT_USAGE, "the header %s can't be left out", name);
    if (strcasecmp(name, "content-type") == 0)
        o->no_content_type = true;
    free(name);
    return code;
}

static char *copy_text(const char *text, size_t size)
{
    char *copy = malloc(size + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

static int take_header(tool_options *o, const char *text)
{
    size_t size = strcspn(text, ":;");
    if (size == 0 || text[size] == '\0')
        return fail(o, EXIT_USAGE, "\"%s\" is not a header: write \"Name: value\"", text);
    char *name = copy_text(text, size);
    if (name == NULL)
        return no_memory(o);
    const char *value = text + size + 1;
    value += strspn(value, " \t");
    if (text[size] == ';') {
        if (*value == '\0')
            return add_header(o, name, strdup(""));
        free(name);
        return fail(o, EXIT_USAGE, "\"%s\" is not a header: behind the ; nothing may stand", text);
    }
    return *value == '\0' ? remove_header(o, name) : add_header(o, name, strdup(value));
}

static bool has_header(const tool_options *o, const char *name)
{
    for (size_t i = 0; i < o->header_count; i++) {
        if (strcasecmp(o->headers[i].name, name) == 0)
            return true;
    }
    return false;
}

/* ---- Bodies ---- */

static int add_data(tool_options *o, const char *value, bool binary)
{
    bool more = o->body.given;
    o->data = true;
    if (more && !body_add(&o->body, "&", 1))
        return no_memory(o);
    if (value[0] == '@') {
        const char *why = body_add_file(&o->body, value + 1, !binary);
        return why == NULL ? EXIT_OK : fail(o, EXIT_READ, "%s", why);
    }
    return body_add(&o->body, value, strlen(value)) ? EXIT_OK : no_memory(o);
}

static int take_data(tool_options *o, const char *value)
{
    return add_data(o, value, false);
}

static int take_data_binary(tool_options *o, const char *value)
{
    return add_data(o, value, true);
}

/* ---- The rest of what is more than a value ---- */

static int add_text(tool_options *o, const char ***texts, size_t *count, const char *value)
{
    const char **more = realloc(*texts, (*count + 1) * sizeof(*more));
    if (more == NULL)
        return no_memory(o);
    *texts = more;
    more[(*count)++] = value;
    return EXIT_OK;
}

static int take_resolve(tool_options *o, const char *value)
{
    return add_text(o, &o->resolve, &o->resolve_count, value);
}

static int take_connect_to(tool_options *o, const char *value)
{
    return add_text(o, &o->connect_to, &o->connect_to_count, value);
}

/* Everything goes there, whatever --connect-to says. */
static int set_unix_socket(tool_options *o, const char *before, const char *path)
{
    char *text = malloc(strlen(before) + strlen(path) + 1);
    if (text == NULL)
        return no_memory(o);
    memcpy(text, before, strlen(before));
    memcpy(text + strlen(before), path, strlen(path) + 1);
    free(o->unix_socket);
    o->unix_socket = text;
    return EXIT_OK;
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

static int take_url(tool_options *o, const char *value)
{
    if (o->url != NULL)
        return fail(o, EXIT_USAGE, "one URL at a time: \"%s\" is the second", value);
    o->url = value;
    return EXIT_OK;
}

static int take_write_out(tool_options *o, const char *value)
{
    o->write_out = value;
    if (value[0] != '@')
        return EXIT_OK;
    body text = {0};
    const char *why = body_add_file(&text, value + 1, false);
    bool ended = body_add(&text, "", 1);
    free(o->own_write_out);
    o->own_write_out = (char *)text.data;
    o->write_out = o->own_write_out;
    if (why != NULL)
        return fail(o, EXIT_READ, "%s", why);
    return ended ? EXIT_OK : no_memory(o);
}

/* Digits only, at most limit. */
static bool parse_count(const char *text, uint64_t limit, uint64_t *count)
{
    *count = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (!isdigit((unsigned char)*text) || *count > (limit - (uint64_t)(*text - '0')) / 10)
            return false;
        *count = *count * 10 + (uint64_t)(*text - '0');
    }
    return true;
}

/* "2", "0.25": to milliseconds, rounded up, so that a little is not nothing. */
static bool parse_seconds(const char *text, uint64_t *milliseconds)
{
    char whole[16];
    size_t size = strcspn(text, ".");
    uint64_t fraction = 0, unit = 100;
    bool rest = false;
    if (size >= sizeof(whole))
        return false;
    memcpy(whole, text, size);
    whole[size] = '\0';
    if (!parse_count(whole, 1000000000, milliseconds))
        return false;
    *milliseconds *= 1000;
    text += size;
    if (*text == '\0')
        return true;
    for (text++; isdigit((unsigned char)*text); text++) {
        fraction += unit * (uint64_t)(*text - '0');
        rest = rest || (unit == 0 && *text != '0');
        unit /= 10;
    }
    *milliseconds += fraction + (rest ? 1 : 0);
    return *text == '\0';
}

static int take_coalesce(tool_options *o, const char *value)
{
    uint64_t count;
    o->coalesce_us = RP_COALESCE_OFF;
    if (strcmp(value, "off") == 0)
        return EXIT_OK;
    if (!parse_count(value, 10000, &count))
        return fail(o, EXIT_USAGE, "--coalesce-us is 0 to 10000 or off, not \"%s\"", value);
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

static int take_tls_max(tool_options *o, const char *value)
{
    if (strcmp(value, "1.2") == 0)
        o->tls.maximum_version = RP_TLS_1_2;
    else if (strcmp(value, "1.3") == 0)
        o->tls.maximum_version = RP_TLS_1_3;
    else if (strcmp(value, "default") == 0)
        o->tls.maximum_version = RP_TLS_DEFAULT;
    else
        return fail(o, EXIT_USAGE, "--tls-max is 1.2, 1.3 or default, not \"%s\"", value);
    return EXIT_OK;
}

/* "FILE[:PASSWORD]" as curl reads it: in FILE a backslash before a colon or another backslash makes
 * it the character itself; the colon of a drive is its own. */
static int take_certificate(tool_options *o, const char *value)
{
    char *file = malloc(strlen(value) + 1);
    size_t size = 0;
    if (file == NULL)
        return no_memory(o);
    for (; *value != '\0'; value++) {
        bool drive =
            size == 1 && isalpha((unsigned char)file[0]) && strchr("/\\", value[1]) != NULL;
        if (*value == '\\' && (value[1] == ':' || value[1] == '\\'))
            value++;
        else if (*value == ':' && value[1] != '\0' && !drive)
            break;
        else if (*value == ':' && !drive)
            continue; /* "FILE:" has no password */
        file[size++] = *value;
    }
    file[size] = '\0';
    if (*value == ':')
        o->tls.key_password = value + 1;
    free(o->own_certificate);
    o->own_certificate = file;
    o->tls.certificate_file = file;
    return EXIT_OK;
}

/* The library sees by a file's content what it is. */
static int take_type(tool_options *o, const char *value)
{
    if (strcasecmp(value, "PEM") == 0 || strcasecmp(value, "DER") == 0 ||
        strcasecmp(value, "P12") == 0)
        return EXIT_OK;
    return fail(o, EXIT_USAGE, "a certificate or key is PEM, DER or P12, not \"%s\"", value);
}

/* ---- The table ---- */

#define GET COMMAND_GET
#define LOAD COMMAND_LOAD
#define BOTH (COMMAND_GET | COMMAND_LOAD)
#define ALL (BOTH | COMMAND_TRUST)
#define AT(member) offsetof(tool_options, member), NULL
#define CALL(function) 0, function

static const option table[] = {
    {"request", 'X', KIND_TEXT, BOTH, "METHOD", AT(method), "the method, instead of GET or POST"},
    {"header", 'H', KIND_CALL, BOTH, "HEADER", CALL(take_header),
     "\"Name: value\"; \"Name:\" leaves a default out, \"Name;\" sends it empty"},
    {"data", 'd', KIND_CALL, BOTH, "DATA", CALL(take_data),
     "a form body; @FILE without line ends, @- standard input"},
    {"data-binary", 0, KIND_CALL, BOTH, "DATA", CALL(take_data_binary), "the same, byte for byte"},
    {"upload-file", 'T', KIND_TEXT, BOTH, "FILE", AT(upload),
     "PUT a file (- standard input), up to 1 GiB, read into memory first"},
    {"user-agent", 'A', KIND_TEXT, BOTH, "TEXT", AT(user_agent), "\"\" sends none"},
    {"head", 'I', KIND_FLAG, GET, NULL, AT(head), "HEAD, and show the headers"},
    {"include", 'i', KIND_FLAG, GET, NULL, AT(include), "show the headers before the body"},
    {"output", 'o', KIND_TEXT, GET, "FILE", AT(output), "write there (- standard output)"},
    {"write-out", 'w', KIND_CALL, GET, "FORMAT", CALL(take_write_out),
     "print this at the end; %{json} for everything; @FILE"},
    {"fail", 'f', KIND_FLAG, GET, NULL, AT(fail), "exit 22 and no output from status 400 on"},
    {"verbose", 'v', KIND_FLAG, GET, NULL, AT(verbose), "tell what happens on standard error"},
    {"silent", 's', KIND_FLAG, BOTH, NULL, AT(silent), "no error message, no progress"},
    {"show-error", 'S', KIND_FLAG, BOTH, NULL, AT(show_error), "with -s: error messages after all"},
    {"connections", 'c', KIND_COUNT, LOAD, "N", AT(connections), "connections at the most [64]"},
    {"max-concurrent-streams", 'm', KIND_COUNT, LOAD, "N", AT(streams),
     "requests at once on each of them, with HTTP/2 [1]"},
    {"requests", 'n', KIND_COUNT, LOAD, "N", AT(requests), "requests in all [10000]"},
    {"duration", 0, KIND_SECONDS, LOAD, "SECONDS", AT(duration_ms), "run so long, instead of -n"},
    {"threads", 't', KIND_COUNT, LOAD, "N", AT(threads), "loops, each with its share [1]"},
    {"new-connections", 0, KIND_FLAG, LOAD, NULL, AT(new_connections),
     "a connection of its own for every request"},
    {"timeout", 0, KIND_SECONDS, LOAD, "SECONDS", AT(max_time_ms), "of each request [none]"},
    {"json", 0, KIND_FLAG, LOAD, NULL, AT(json), "the result as one JSON object"},
    {"no-resumption", 0, KIND_FLAG, BOTH, NULL, AT(tls.no_resumption), "full TLS handshakes only"},
    {"connect-timeout", 0, KIND_SECONDS, BOTH, "SECONDS", AT(connect_timeout_ms),
     "of resolving, of connecting and of the handshake, each [10]"},
    {"first-byte-timeout", 0, KIND_LIMIT, BOTH, "SECONDS", AT(first_byte_timeout_ms),
     "from the request's end to the response's begin; 0: none [60]"},
    {"idle-timeout", 0, KIND_LIMIT, BOTH, "SECONDS", AT(idle_timeout_ms),
     "in which nothing moves, up or down; 0: none [60]"},
    {"keepalive-time", 0, KIND_SECONDS, BOTH, "SECONDS", AT(keepalive_ms),
     "of silence, then TCP asks for a sign of life [60]"},
    {"no-keepalive", 0, KIND_FLAG, BOTH, NULL, AT(no_keepalive), "it does not ask"},
    {"max-time", 'm', KIND_SECONDS, GET, "SECONDS", AT(max_time_ms), "of everything [none]"},
    {"resolve", 0, KIND_CALL, BOTH, "HOST:PORT:ADDRESS", CALL(take_resolve),
     "use this address for that host; may be repeated"},
    {"connect-to", 0, KIND_CALL, BOTH, "HOST1:PORT1:HOST2:PORT2", CALL(take_connect_to),
     "connect to HOST2 and PORT2 instead; may be repeated"},
    {"unix-socket", 0, KIND_CALL, BOTH, "PATH", CALL(take_unix), "connect to this Unix socket"},
    {"abstract-unix-socket", 0, KIND_CALL, BOTH, "NAME", CALL(take_abstract), "or an abstract one"},
    {"ipv4", '4', KIND_CALL, BOTH, NULL, CALL(take_ipv4), "use IPv4 addresses only"},
    {"ipv6", '6', KIND_CALL, BOTH, NULL, CALL(take_ipv6), "use IPv6 addresses only"},
    {"dns-servers", 0, KIND_TEXT, BOTH, "ADDRESSES", AT(dns_servers),
     "ask these, \"192.0.2.1,192.0.2.2:5353\", instead of the system's"},
    {"backend", 0, KIND_TEXT, BOTH, "NAME", AT(backend), "io_uring or epoll [the best there is]"},
    {"coalesce-us", 0, KIND_CALL, BOTH, "N", CALL(take_coalesce),
     "wait so long for more completions, or off [250]"},
    {"lenient-lines", 0, KIND_FLAG, BOTH, NULL, AT(lenient_lines),
     "take lines ended by LF alone, and blanks behind a chunk's size"},
    {"insecure", 'k', KIND_FLAG, BOTH, NULL, AT(insecure), "accept any certificate"},
    {"cacert", 0, KIND_TEXT, ALL, "FILE", AT(tls.ca_file), "trust the CAs in this PEM file"},
    {"capath", 0, KIND_TEXT, ALL, "DIRECTORY", AT(tls.ca_directory), "and those in there"},
    {"crlfile", 0, KIND_TEXT, BOTH, "FILE", AT(tls.crl_file),
     "every certificate must be good by a CRL in there, PEM or DER"},
    {"cert-status", 0, KIND_FLAG, BOTH, NULL, AT(tls.require_staple),
     "the server must staple a good OCSP response"},
    {"cert", 'E', KIND_CALL, BOTH, "FILE[:PASSWORD]", CALL(take_certificate),
     "client certificate: PEM, DER or PKCS #12"},
    {"key", 0, KIND_TEXT, BOTH, "FILE", AT(tls.key_file), "its key [the --cert file]"},
    {"pass", 0, KIND_TEXT, BOTH, "PASSWORD", AT(tls.key_password), "of the key"},
    {"cert-type", 0, KIND_CALL, BOTH, "TYPE", CALL(take_type), NULL},
    {"key-type", 0, KIND_CALL, BOTH, "TYPE", CALL(take_type), NULL},
    {"pinnedpubkey", 0, KIND_TEXT, BOTH, "HASHES", AT(tls.pinned_keys),
     "sha256//BASE64[;...] of the server's public key"},
    {"tlsv1.2", 0, KIND_FLAG, BOTH, NULL, AT(tls12), "TLS 1.2 or later (the default)"},
    {"tlsv1.3", 0, KIND_FLAG, BOTH, NULL, AT(tls13), "TLS 1.3 or later"},
    {"tls-max", 0, KIND_CALL, BOTH, "VERSION", CALL(take_tls_max), "1.2 or 1.3"},
    {"ciphers", 0, KIND_TEXT, BOTH, "LIST", AT(tls.tls12_ciphers), "of TLS 1.2, OpenSSL's names"},
    {"tls13-ciphers", 0, KIND_TEXT, BOTH, "LIST", AT(tls.tls13_ciphers), "of TLS 1.3"},
    {"curves", 0, KIND_TEXT, BOTH, "LIST", AT(tls.groups),
     "groups of the key exchange, best first"},
    {"http2", 0, KIND_CALL, BOTH, NULL, CALL(take_http2),
     "https: HTTP/2 if the server speaks it, or else HTTP/1.1 (the default)"},
    {"http1.1", 0, KIND_CALL, BOTH, NULL, CALL(take_http1), "HTTP/1.1 only"},
    {"http2-prior-knowledge", 0, KIND_CALL, BOTH, NULL, CALL(take_prior_knowledge),
     "as --http2, and HTTP/2 on http URLs too"},
    {"url", 0, KIND_CALL, BOTH, "URL", CALL(take_url), NULL},
    {"help", 'h', KIND_FLAG, ALL, NULL, AT(help), "this"},
    {"location", 'L', KIND_UNSUPPORTED, BOTH, NULL, 0, NULL, NULL},
    {"compressed", 0, KIND_UNSUPPORTED, BOTH, NULL, 0, NULL, NULL},
    {"proxy", 'x', KIND_UNSUPPORTED, BOTH, "URL", 0, NULL, NULL},
};

#define TABLE_SIZE (sizeof(table) / sizeof(table[0]))

void options_print(command c, FILE *out)
{
    char left[64];
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        const option *t = &table[i];
        if (t->help == NULL || !(t->commands & c))
            continue;
        snprintf(left, sizeof(left), "%s%c%s --%s%s%s", t->letter ? "-" : " ",
                 t->letter ? t->letter : ' ', t->letter ? "," : " ", t->name,
                 t->value != NULL ? " " : "", t->value != NULL ? t->value : "");
        fprintf(out, "  %-32s %s\n", left, t->help);
    }
}

/* ---- Parsing ---- */

static const option *find_long(const char *name, size_t size)
{
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        if (strlen(table[i].name) == size && memcmp(table[i].name, name, size) == 0)
            return &table[i];
    }
    return NULL;
}

/* A letter may be one option's of get and another's of load. */
static const option *find_short(char letter, command c)
{
    const option *found = NULL;
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        if (letter == '\0' || table[i].letter != letter)
            continue;
        found = &table[i];
        if (found->commands & c)
            break;
    }
    return found;
}

static int apply(tool_options *o, const option *t, const char *value)
{
    char *member = (char *)o + t->offset;
    switch (t->kind) {
    case KIND_FLAG:
        *(bool *)(void *)member = true;
        return EXIT_OK;
    case KIND_TEXT:
        *(const char **)(void *)member = value;
        return EXIT_OK;
    case KIND_SECONDS:
    case KIND_LIMIT: {
        uint64_t *limit_ms = (uint64_t *)(void *)member;
        if (!parse_seconds(value, limit_ms))
            return fail(o, EXIT_USAGE, "--%s is a number of seconds, not \"%s\"", t->name, value);
        if (t->kind == KIND_LIMIT && *limit_ms == 0)
            *limit_ms = RP_NEVER_MS;
        return EXIT_OK;
    }
    case KIND_COUNT: {
        uint64_t *count = (uint64_t *)(void *)member;
        if (!parse_count(value, UINT32_MAX, count) || *count == 0)
            return fail(o, EXIT_USAGE, "--%s is a number above 0, not \"%s\"", t->name, value);
        return EXIT_OK;
    }
    case KIND_CALL:
        return t->take(o, value);
    case KIND_UNSUPPORTED:
        break;
    }
    return fail(o, EXIT_USAGE, "--%s is not supported yet", t->name);
}

typedef struct cursor {
    command command;
    int argc, next;
    char **argv;
} cursor;

/* value: the text that follows in the same argument, NULL if none. */
static int take_option(tool_options *o, cursor *at, const option *t, const char *shown,
                       const char *value)
{
    if (t == NULL)
        return fail(o, EXIT_USAGE, "option %s is unknown", shown);
    if (!(t->commands & at->command))
        return fail(o, EXIT_USAGE, "option %s is for `ringport %s`", shown,
                    t->commands & COMMAND_GET ? "get" : "load");
    if (t->value != NULL && value == NULL) {
        if (at->next >= at->argc)
            return fail(o, EXIT_USAGE, "option %s needs a value: %s", shown, t->value);
        value = at->argv[at->next++];
    }
    return apply(o, t, value);
}

static int take_long(tool_options *o, cursor *at, const char *argument)
{
    size_t size = strcspn(argument + 2, "=");
    const option *t = find_long(argument + 2, size);
    const char *value = argument[2 + size] == '=' ? argument + 2 + size + 1 : NULL;
    if (t != NULL && t->value == NULL && value != NULL)
        return fail(o, EXIT_USAGE, "option --%s takes no value", t->name);
    return take_option(o, at, t, argument, value);
}

/* "-sSo file", "-ofile" */
static int take_short(tool_options *o, cursor *at, const char *argument)
{
    for (const char *letter = argument + 1; *letter != '\0'; letter++) {
        char shown[3] = {'-', *letter, '\0'};
        const option *t = find_short(*letter, at->command);
        bool last = t != NULL && t->value != NULL;
        const char *value = last && letter[1] != '\0' ? letter + 1 : NULL;
        int code = take_option(o, at, t, shown, value);
        if (code != EXIT_OK || last)
            return code;
    }
    return EXIT_OK;
}

/* ---- What options mean together ---- */

/* curl: where the URL names a directory the uploaded file keeps its name. */
static int complete_upload_url(tool_options *o)
{
    const char *name = strrchr(o->upload, '/');
    const char *host = strstr(o->url, "://");
    size_t size = strlen(o->url);
    name = name == NULL ? o->upload : name + 1;
    if (host == NULL || strpbrk(o->url, "?#") != NULL || strcmp(o->upload, "-") == 0)
        return EXIT_OK;
    bool slash = o->url[size - 1] == '/';
    if (!slash && strchr(host + 3, '/') != NULL)
        return EXIT_OK;
    o->own_url = malloc(size + 1 + 3 * strlen(name) + 1);
    if (o->own_url == NULL)
        return no_memory(o);
    char *end = o->own_url + sprintf(o->own_url, "%s%s", o->url, slash ? "" : "/");
    for (; *name != '\0'; name++) {
        bool plain = isalnum((unsigned char)*name) || strchr("-._~", *name) != NULL;
        end += sprintf(end, plain ? "%c" : "%%%02X", (unsigned char)*name);
    }
    o->url = o->own_url;
    return EXIT_OK;
}

static int finish_request(tool_options *o)
{
    if ((o->head && o->data) || (o->head && o->upload != NULL) || (o->data && o->upload != NULL))
        return fail(o, EXIT_USAGE, "only one of -I, -d and -T can be");
    if (o->upload != NULL) {
        const char *why = body_add_file(&o->body, o->upload, false);
        if (why != NULL)
            return fail(o, EXIT_READ, "%s", why);
        return complete_upload_url(o);
    }
    if (o->data && !o->no_content_type && !has_header(o, "content-type"))
        return add_header(o, strdup("Content-Type"), strdup("application/x-www-form-urlencoded"));
    return EXIT_OK;
}

static int finish_tls(tool_options *o)
{
    o->tls.minimum_version = o->tls13 ? RP_TLS_1_3 : o->tls12 ? RP_TLS_1_2 : RP_TLS_DEFAULT;
    o->tls.insecure_accept_any_certificate = o->insecure;
    o->tls.revocation = o->tls.crl_file != NULL ? RP_REVOCATION_HARD
                        : o->tls.require_staple ? RP_REVOCATION_SOFT
                                                : RP_REVOCATION_OFF;
    if (o->insecure && o->tls.revocation != RP_REVOCATION_OFF)
        return fail(o, EXIT_USAGE, "-k excludes --crlfile and --cert-status");
    if (o->tls13 && o->tls.maximum_version == RP_TLS_1_2)
        return fail(o, EXIT_USAGE, "--tlsv1.3 and --tls-max 1.2 exclude each other");
    if (o->tls.key_file != NULL && o->tls.certificate_file == NULL)
        return fail(o, EXIT_USAGE, "--key needs --cert");
    if (o->tls.key_file == NULL)
        o->tls.key_file = o->tls.certificate_file;
    return EXIT_OK;
}

/* Requests in flight are connections times streams: no more than there are to make. */
static int finish_streams(tool_options *o)
{
    bool https = strncasecmp(o->url, "https:", 6) == 0;
    if (o->streams == 0)
        o->streams = 1;
    if (o->streams > 1 && (o->versions == RP_HTTP_1_1 || (!https && !o->prior_knowledge)))
        return fail(o, EXIT_USAGE, "-m needs HTTP/2: %s",
                    o->versions == RP_HTTP_1_1 ? "not --http1.1"
                                               : "https, or --http2-prior-knowledge");
    if (o->requests > 0 && o->connections > o->requests)
        o->connections = o->requests;
    if (o->requests > 0 && o->streams > (o->requests + o->connections - 1) / o->connections)
        o->streams = (o->requests + o->connections - 1) / o->connections;
    if (o->connections * o->streams > 1 << 20)
        return fail(o, EXIT_USAGE, "at most 1048576 requests in flight");
    return EXIT_OK;
}

static int finish_load(tool_options *o)
{
    if (o->requests > 0 && o->duration_ms > 0)
        return fail(o, EXIT_USAGE, "only one of --requests and --duration can be");
    if (o->connections == 0)
        o->connections = 64;
    if (o->requests == 0 && o->duration_ms == 0)
        o->requests = 10000;
    int code = finish_streams(o);
    if (code != EXIT_OK)
        return code;
    if (o->threads == 0)
        o->threads = 1;
    if (o->connections > 65536 || o->threads > 1024)
        return fail(o, EXIT_USAGE, "at most 65536 connections and 1024 threads");
    if (o->threads > o->connections)
        o->threads = o->connections;
    return EXIT_OK;
}

int options_parse(tool_options *o, command c, int argc, char **argv)
{
    cursor at = {.command = c, .argc = argc, .argv = argv};
    bool only_urls = false;
    int code = EXIT_OK;
    memset(o, 0, sizeof(*o));
    while (code == EXIT_OK && at.next < argc && !o->help) {
        const char *argument = argv[at.next++];
        if (only_urls || argument[0] != '-')
            code = take_url(o, argument);
        else if (strcmp(argument, "--") == 0)
            only_urls = true;
        else if (argument[1] == '-')
            code = take_long(o, &at, argument);
        else if (argument[1] == '\0')
            code = fail(o, EXIT_USAGE, "- is not a URL");
        else
            code = take_short(o, &at, argument);
    }
    if (code != EXIT_OK || o->help)
        return code;
    if (c == COMMAND_TRUST)
        return o->url == NULL ? EXIT_OK : fail(o, EXIT_USAGE, "no URL is needed: %s", o->url);
    if (o->url == NULL)
        return fail(o, EXIT_USAGE, "no URL given");
    code = finish_request(o);
    if (code == EXIT_OK)
        code = finish_tls(o);
    if (code == EXIT_OK && c == COMMAND_LOAD)
        code = finish_load(o);
    return code;
}

void options_free(tool_options *o)
{
    for (size_t i = 0; i < o->header_count; i++) {
        free((char *)(uintptr_t)o->headers[i].name);
        free((char *)(uintptr_t)o->headers[i].value);
    }
    free(o->headers);
    free(o->body.data);
    free(o->resolve);
    free(o->connect_to);
    free(o->unix_socket);
    free(o->own_url);
    free(o->own_certificate);
    free(o->own_write_out);
}

const char *options_method(const tool_options *o)
{
    if (o->method != NULL)
        return o->method;
    if (o->head)
        return "HEAD";
    return o->upload != NULL ? "PUT" : NULL;
}

/* option_limits.c - the options of what a transfer may be: by which protocol, how slow, how often
 * one begins; and of what it leaves behind. */
#include "option.h"
#include "url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Of a protocol that is none of ours nothing is known, and so it is allowed nothing. */
static uint8_t protocol_of(const char *word, size_t size)
{
    static const struct {
        const char *name;
        uint8_t bits;
    } names[] = {{"http", PROTOCOL_HTTP},
                 {"https", PROTOCOL_HTTPS},
                 {"all", PROTOCOL_HTTP | PROTOCOL_HTTPS}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strlen(names[i].name) == size && strncasecmp(names[i].name, word, size) == 0)
            return names[i].bits;
    }
    return 0;
}

/* "=https", "-all,https", "http,-https": what is behind = alone, behind - not, behind + as well.
 * *named: what is allowed by its name. */
static uint8_t read_protocols(const char *list, uint8_t denied, uint8_t *named)
{
    *named = 0;
    for (; *list != '\0'; list += *list == ',') {
        char action = strchr("+-=", *list) != NULL ? *list++ : '+';
        size_t size = strcspn(list, ",");
        uint8_t bits = protocol_of(list, size);
        if (action == '=' && size > 0) {
            denied = PROTOCOL_HTTP | PROTOCOL_HTTPS;
            *named = 0;
        }
        denied = (uint8_t)(action == '-' ? denied | bits : denied & ~bits);
        *named = (uint8_t)(action == '-' ? *named & ~bits : *named | bits);
        list += size;
    }
    return denied;
}

static int take_proto(tool_options *o, const char *list)
{
    uint8_t named;
    o->protocols_denied = read_protocols(list, o->protocols_denied, &named);
    return EXIT_OK;
}

/* Who names http wants it behind https, too. */
static int take_proto_redir(tool_options *o, const char *list)
{
    uint8_t named;
    o->redirects_denied = read_protocols(list, o->redirects_denied, &named);
    o->redirect_flags &= ~(uint32_t)RP_REDIRECT_INSECURE;
    if ((named & PROTOCOL_HTTP) != 0)
        o->redirect_flags |= RP_REDIRECT_INSECURE;
    return EXIT_OK;
}

static int take_proto_default(tool_options *o, const char *value)
{
    uint8_t bits = protocol_of(value, strlen(value));
    if (bits == 0 || strcasecmp(value, "all") == 0)
        return option_fail(o, EXIT_SCHEME, "--proto-default is http or https, not \"%s\"", value);
    o->default_scheme = bits == PROTOCOL_HTTPS ? "https" : "http";
    return EXIT_OK;
}

/* "2/s", "90/m", "3/h", "10/d"; of an hour where it does not say. */
static int take_rate(tool_options *o, const char *value)
{
    static const char units[] = "smhd";
    static const uint64_t unit_ms[] = {1000, 60000, 3600000, 86400000};
    char digits[16] = "";
    size_t size = strcspn(value, "/");
    const char *unit = value[size] == '/' ? value + size + 1 : "h";
    const char *found = unit[0] != '\0' && unit[1] == '\0' ? strchr(units, unit[0]) : NULL;
    uint64_t count;
    if (size < sizeof(digits))
        memcpy(digits, value, size);
    if (found == NULL || !option_parse_count(digits, UINT32_MAX, &count) || count == 0)
        return option_fail(o, EXIT_USAGE,
                           "--rate is a number above 0 and /s, /m, /h or /d: \"2/s\"");
    o->global.start_interval_ms = unit_ms[found - units] / count;
    return EXIT_OK;
}

static int parse(tool_options *o, const char *name, const char *value, uint64_t *number)
{
    if (option_parse_count(value, UINT32_MAX, number))
        return EXIT_OK;
    return option_fail(o, EXIT_USAGE, "--%s is a number, not \"%s\"", name, value);
}

static int take_speed_limit(tool_options *o, const char *value)
{
    int code = parse(o, "speed-limit", value, &o->speed_limit);
    if (o->speed_seconds == 0)
        o->speed_seconds = 30;
    return code;
}

static int take_speed_time(tool_options *o, const char *value)
{
    int code = parse(o, "speed-time", value, &o->speed_seconds);
    if (o->speed_limit == 0)
        o->speed_limit = 1;
    return code;
}

int options_allow(const tool_options *o, const char *url, bool redirected, const char **why)
{
    bool https = strncasecmp(url, "https:", 6) == 0;
    const char *authority, *begin = strstr(url, "://");
    (void)url_authority(url, &authority);
    uint8_t protocol = https ? PROTOCOL_HTTPS : PROTOCOL_HTTP;
    *why = https ? "--proto does not allow https" : "--proto does not allow http";
    if ((o->protocols_denied & protocol) != 0)
        return EXIT_SCHEME;
    *why = https ? "--proto-redir does not allow https" : "--proto-redir does not allow http";
    if (redirected && (o->redirects_denied & protocol) != 0)
        return EXIT_SCHEME;
    *why = "there is a user's name in the URL, which --disallow-username-in-url is against";
    return o->no_user_in_url && begin != NULL && authority > begin + 3 ? EXIT_LOGIN : EXIT_OK;
}

static int take_number(tool_options *o, const char *value)
{
    uint64_t number;
    if (option_parse_count(value, UINT32_MAX, &number))
        return EXIT_OK;
    return option_fail(o, EXIT_USAGE, "that is a number of milliseconds, not \"%s\"", value);
}

const option limit_options[] = {
    {"proto", 0, KIND_CALL, GET, "LIST", CALL(take_proto),
     "=https: no other protocol, not behind a redirect either"},
    {"proto-redir", 0, KIND_CALL, BOTH, "LIST", CALL(take_proto_redir),
     "=https: no other protocol behind redirects; http: from https to http, too"},
    {"proto-default", 0, KIND_CALL, GET, "PROTOCOL", CALL(take_proto_default),
     "of URLs that have none [http]"},
    {"disallow-username-in-url", 0, KIND_FLAG, GET, NULL, AT(no_user_in_url),
     "exit 67 for a URL that has one"},
    {"speed-limit", 'Y', KIND_CALL, GET, "BYTES", CALL(take_speed_limit),
     "a second: exit 28 if it is slower for --speed-time"},
    {"speed-time", 'y', KIND_CALL, GET, "SECONDS", CALL(take_speed_time), "for --speed-limit [30]"},
    {"rate", 0, KIND_CALL, GET, "N/UNIT", CALL(take_rate),
     "begin so many URLs a second, minute, hour or day: 2/s, 30/m"},
    {"remove-on-error", 0, KIND_FLAG, GET, NULL, AT(remove_on_error),
     "leave no file of what failed"},
    {"stderr", 0, KIND_TEXT, BOTH, "FILE", AT(global.stderr_path),
     "what goes to standard error goes there; - standard output"},
    {"styled-output", 0, KIND_FLAG, GET, NULL, AT(ignored), NULL}, /* there is none */
    {"tcp-nodelay", 0, KIND_FLAG, BOTH, NULL, AT(ignored), NULL},  /* always */
    /* Hints, for which there is nothing to do. */
    {"parallel-immediate", 0, KIND_FLAG, GET, NULL, AT(ignored), NULL},
    {"tcp-fastopen", 0, KIND_FLAG, BOTH, NULL, AT(ignored), NULL},
    {"ssl-no-revoke", 0, KIND_FLAG, BOTH, NULL, AT(ignored), NULL},
    {"ssl-revoke-best-effort", 0, KIND_FLAG, BOTH, NULL, AT(ignored), NULL},
    {"happy-eyeballs-timeout-ms", 0, KIND_CALL, BOTH, "MILLISECONDS", CALL(take_number), NULL},
    {"npn", 0, KIND_FLAG, BOTH, NULL, AT(ignored), NULL}, /* dead */
    {.name = NULL},
};

/* option_load.c - the options of `ringport load`. */
#include "option.h"
#include "url.h"

#include <ringport/url.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* "95%", or a time with its unit. */
static int take_hedge(tool_options *o, const char *value)
{
    uint64_t number = 0;
    size_t digits = strspn(value, "0123456789");
    o->hedge.percentile = o->hedge.delay_ms = 0;
    if (digits > 0 && digits < 3 && strcmp(value + digits, "%") == 0) {
        o->hedge.percentile = (uint32_t)strtoul(value, NULL, 10);
        number = o->hedge.percentile;
    } else if (option_is_duration(value) && option_parse_seconds(value, &number)) {
        o->hedge.delay_ms = number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
    }
    return number > 0
               ? EXIT_OK
               : option_fail(o, EXIT_USAGE,
                             "--hedge is 1%% to 99%%, or a time, \"50ms\", not \"%s\"", value);
}

static int take_hedge_budget(tool_options *o, const char *value)
{
    uint64_t percent = 0;
    char digits[8] = "";
    size_t size = strspn(value, "0123456789");
    if (size < sizeof(digits))
        memcpy(digits, value, size);
    if (strcmp(value + size, "%") != 0 && value[size] != '\0')
        digits[0] = '\0';
    if (!option_parse_count(digits, 100, &percent) || percent == 0)
        return option_fail(o, EXIT_USAGE, "--hedge-budget is 1 to 100 percent, not \"%s\"", value);
    o->hedge.budget_percent = (uint32_t)percent;
    return EXIT_OK;
}

const option load_options[] = {
    {"connections", 'c', KIND_COUNT, LOAD, "N", AT(connections), "connections at the most [64]"},
    {"max-concurrent-streams", 'm', KIND_COUNT, LOAD, "N", AT(streams),
     "requests at once on each of them, with HTTP/2 [1]"},
    {"requests-from", 0, KIND_TEXT, LOAD, "FILE", AT(list_path),
     "requests, a line each: [METHOD] URL [BODY | @FILE]"},
    {"seed", 0, KIND_COUNT, LOAD, "N", AT(seed), "take those by chance [in turn]"},
    {"requests", 'n', KIND_COUNT, LOAD, "N", AT(requests), "requests in all [10000]"},
    {"duration", 0, KIND_SECONDS, LOAD, "SECONDS", AT(duration_ms), "run so long, instead of -n"},
    {"rate", 0, KIND_COUNT, LOAD, "N", AT(rate_per_s),
     "requests begun a second, however long they take [as they end]"},
    {"warm-up", 0, KIND_SECONDS, LOAD, "SECONDS", AT(warm_up_ms), "before it is measured [none]"},
    {"threads", 't', KIND_COUNT, LOAD, "N", AT(threads), "loops, each with its share [1]"},
    {"new-connections", 0, KIND_FLAG, LOAD, NULL, AT(new_connections),
     "a connection of its own for every request"},
    {"timeout", 0, KIND_SECONDS, LOAD, "SECONDS", AT(max_time_ms), "of each request [none]"},
    {"hedge", 0, KIND_CALL, LOAD, "WHEN", CALL(take_hedge),
     "send what is late once more: behind 95% of the answers, or 50ms"},
    {"hedge-budget", 0, KIND_CALL, LOAD, "PERCENT", CALL(take_hedge_budget),
     "of the requests, for --hedge [5]"},
    {"json", 0, KIND_FLAG, LOAD, NULL, AT(json), "the result as one JSON object"},
    {"report", 0, KIND_TEXT, LOAD, "FILE", AT(report), "the result as a page of HTML, too"},
    {.name = NULL},
};

static bool same_origin(const char *one, const char *other)
{
    rp_url_parts a, b; /* which were read before */
    return rp_url_split(&a, one, NULL) == RP_OK && rp_url_split(&b, other, NULL) == RP_OK &&
           a.https == b.https && a.port == b.port && a.host.size == b.host.size &&
           strncasecmp(a.host.text, b.host.text, a.host.size) == 0;
}

/* Whom -u is meant for, a file that leads to several does not say. */
static int check_credentials(tool_options *o)
{
    const request_list *list = &o->list;
    if ((o->user == NULL && o->bearer == NULL) || (o->redirect_flags & RP_REDIRECT_TRUSTED) != 0)
        return EXIT_OK;
    for (size_t i = 1; i < list->count; i++) {
        if (!same_origin(list->requests[0].url, list->requests[i].url))
            return option_fail(o, EXIT_USAGE,
                               "%.80s, line %lu: another server than in line %lu: %s is for "
                               "both only with --location-trusted",
                               o->list_path, (unsigned long)list->requests[i].line,
                               (unsigned long)list->requests[0].line,
                               o->user != NULL ? "-u" : "--oauth2-bearer");
    }
    return EXIT_OK;
}

int list_requests(tool_options *o)
{
    if (o->list_path == NULL)
        return EXIT_OK;
    if (o->target_count > 0)
        return option_fail(o, EXIT_USAGE, "beside --requests-from there is no \"%s\"",
                           o->url != NULL ? o->url : "-T");
    if (o->body.given || o->data_as_query || o->query.given || o->request_target != NULL)
        return option_fail(o, EXIT_USAGE,
                           "with --requests-from, bodies and targets are those of the file");
    int code = request_list_read(&o->list, o->list_path);
    if (code != EXIT_OK)
        return option_fail(o, code, "%s", o->list.message);
    code = check_credentials(o);
    return code == EXIT_OK ? option_add_url(o, o->list.requests[0].url) : code;
}

static bool any_is_https(const tool_options *o)
{
    bool https = strncasecmp(o->url, "https:", 6) == 0;
    for (size_t i = 0; i < o->list.count; i++)
        https = https || strncasecmp(o->list.requests[i].url, "https:", 6) == 0;
    return https;
}

/* Requests in flight are connections times streams: no more than there are to make. */
static int finish_streams(tool_options *o)
{
    bool https = any_is_https(o);
    if (o->streams == 0)
        o->streams = 1;
    if (o->streams > 1 && (o->versions == RP_HTTP_1_1 || (!https && !o->prior_knowledge)))
        return option_fail(o, EXIT_USAGE, "-m needs HTTP/2: %s",
                           o->versions == RP_HTTP_1_1 ? "not --http1.1"
                                                      : "https, or --http2-prior-knowledge");
    if (o->requests > 0 && o->connections > o->requests)
        o->connections = o->requests;
    if (o->requests > 0 && o->streams > (o->requests + o->connections - 1) / o->connections)
        o->streams = (o->requests + o->connections - 1) / o->connections;
    if (o->connections * o->streams > 1 << 20)
        return option_fail(o, EXIT_USAGE, "at most 1048576 requests in flight");
    return EXIT_OK;
}

/* get does this for each URL when it is its turn. */
static int complete_url(tool_options *o)
{
    char *url = url_for_upload(o->url, o->targets[0].upload);
    o->url = url != NULL ? option_keep(o, url, strlen(url)) : NULL;
    free(url);
    return o->url != NULL ? EXIT_OK : option_no_memory(o);
}

/* It is sent many times: from memory. */
static int read_upload(tool_options *o)
{
    const char *why = body_add_file(&o->body, o->targets[0].upload, false);
    return why == NULL ? complete_url(o) : option_fail(o, EXIT_READ, "%s", why);
}

int finish_load(tool_options *o)
{
    int code = o->targets[0].upload != NULL ? read_upload(o) : EXIT_OK;
    if (o->target_count > 1 && o->targets[1].url == NULL)
        return option_fail(o, EXIT_USAGE, "one file at a time: \"%s\" is the second",
                           o->targets[1].upload);
    if (o->target_count > 1)
        return option_fail(o, EXIT_USAGE, "one URL at a time: \"%s\" is the second",
                           o->targets[1].url);
    if (o->requests > 0 && o->duration_ms > 0)
        return option_fail(o, EXIT_USAGE, "only one of --requests and --duration can be");
    if (o->connections == 0)
        o->connections = 64;
    if (o->requests == 0 && o->duration_ms == 0)
        o->requests = 10000;
    if (code == EXIT_OK)
        code = finish_streams(o);
    if (code != EXIT_OK)
        return code;
    if (o->threads == 0)
        o->threads = 1;
    if (o->connections > 65536 || o->threads > 1024)
        return option_fail(o, EXIT_USAGE, "at most 65536 connections and 1024 threads");
    if (o->threads > o->connections)
        o->threads = o->connections;
    if (o->seed > 0 && o->list_path == NULL)
        return option_fail(o, EXIT_USAGE, "--seed is for the requests of --requests-from");
    if (o->hedge.budget_percent > 0 && o->hedge.percentile == 0 && o->hedge.delay_ms == 0)
        return option_fail(o, EXIT_USAGE, "--hedge-budget needs --hedge");
    if (o->rate_per_s > 10000000)
        return option_fail(o, EXIT_USAGE, "at most 10000000 requests a second");
    return EXIT_OK;
}

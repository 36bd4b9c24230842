/* option_load.c - the options of `ringport load`. */
#include "option.h"
#include "url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const option load_options[] = {
    {"connections", 'c', KIND_COUNT, LOAD, "N", AT(connections), "connections at the most [64]"},
    {"max-concurrent-streams", 'm', KIND_COUNT, LOAD, "N", AT(streams),
     "requests at once on each of them, with HTTP/2 [1]"},
    {"requests", 'n', KIND_COUNT, LOAD, "N", AT(requests), "requests in all [10000]"},
    {"duration", 0, KIND_SECONDS, LOAD, "SECONDS", AT(duration_ms), "run so long, instead of -n"},
    {"rate", 0, KIND_COUNT, LOAD, "N", AT(rate_per_s),
     "requests begun a second, however long they take [as they end]"},
    {"warm-up", 0, KIND_SECONDS, LOAD, "SECONDS", AT(warm_up_ms), "before it is measured [none]"},
    {"threads", 't', KIND_COUNT, LOAD, "N", AT(threads), "loops, each with its share [1]"},
    {"new-connections", 0, KIND_FLAG, LOAD, NULL, AT(new_connections),
     "a connection of its own for every request"},
    {"timeout", 0, KIND_SECONDS, LOAD, "SECONDS", AT(max_time_ms), "of each request [none]"},
    {"json", 0, KIND_FLAG, LOAD, NULL, AT(json), "the result as one JSON object"},
    {.name = NULL},
};

/* Requests in flight are connections times streams: no more than there are to make. */
static int finish_streams(tool_options *o)
{
    bool https = strncasecmp(o->url, "https:", 6) == 0;
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
    if (o->rate_per_s > 10000000)
        return option_fail(o, EXIT_USAGE, "at most 10000000 requests a second");
    return EXIT_OK;
}

/* option_request.c - the options of what is asked for: method, headers, body, URL. */
#include "option.h"
#include "glob.h"
#include "url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- Headers ---- */

int option_add_header(tool_options *o, const char *name, const char *value)
{
    rp_header *headers = realloc(o->headers, (o->header_count + 1) * sizeof(*headers));
    if (headers == NULL)
        return option_no_memory(o);
    o->headers = headers;
    headers[o->header_count++] = (rp_header){name, value};
    return EXIT_OK;
}

bool option_has_header(const tool_options *o, const char *name)
{
    for (size_t i = 0; i < o->header_count; i++) {
        if (strcasecmp(o->headers[i].name, name) == 0)
            return true;
    }
    return false;
}

const char *option_header(const tool_options *o, const char *name)
{
    for (size_t i = 0; i < o->header_count; i++) {
        if (strcasecmp(o->headers[i].name, name) == 0)
            return o->headers[i].value;
    }
    return NULL;
}

static int take_header_line(tool_options *o, const char *text, size_t length)
{
    char *line = option_keep(o, text, length);
    if (line == NULL)
        return option_no_memory(o);
    size_t size = strcspn(line, ":;");
    char *value = line + size + 1, end = line[size];
    if (size == 0 || end == '\0')
        return option_fail(o, EXIT_USAGE, "\"%s\" is not a header: write \"Name: value\"", line);
    value += strspn(value, " \t");
    if (end == ';' && *value != '\0')
        return option_fail(o, EXIT_USAGE, "\"%s\" is not a header: behind the ; nothing may stand",
                           line);
    line[size] = '\0';
    bool removed = end == ':' && *value == '\0';
    if (removed && (strcasecmp(line, "host") == 0 || strcasecmp(line, "content-length") == 0))
        return option_fail(o, EXIT_USAGE, "the header %s can't be left out", line);
    return option_add_header(o, line, removed ? NULL : value);
}

/* "@FILE" has one a line. */
static int take_header(tool_options *o, const char *text)
{
    if (text[0] != '@')
        return take_header_line(o, text, strlen(text));
    int code = option_read_file(o, text + 1, &text);
    while (code == EXIT_OK && *text != '\0') {
        size_t size = strcspn(text, "\r\n");
        if (size > 0)
            code = take_header_line(o, text, size);
        text += size;
        text += strspn(text, "\r\n");
    }
    return code;
}

/* "-e URL;auto" */
static int take_referer(tool_options *o, const char *value)
{
    const char *automatic = strstr(value, ";auto");
    size_t size = automatic != NULL ? (size_t)(automatic - value) : strlen(value);
    o->referer_follows = automatic != NULL;
    o->referer = size > 0 ? option_keep(o, value, size) : NULL;
    return size == 0 || o->referer != NULL ? EXIT_OK : option_no_memory(o);
}

static int take_range(tool_options *o, const char *value)
{
    char text[256];
    int size = snprintf(text, sizeof(text), "bytes=%s%s", value,
                        value[0] != '\0' && value[strspn(value, "0123456789")] == '\0' ? "-" : "");
    if (size >= (int)sizeof(text))
        return option_fail(o, EXIT_USAGE, "the range is too long");
    o->range = option_keep(o, text, (size_t)size);
    return o->range != NULL ? EXIT_OK : option_no_memory(o);
}

/* ---- Targets ---- */

/* The next target that lacks what an option gives, or a new one. NULL: no memory. */
static tool_target *add_target(tool_options *o)
{
    tool_target *targets = realloc(o->targets, (o->target_count + 1) * sizeof(*targets));
    if (targets == NULL)
        return NULL;
    o->targets = targets;
    targets[o->target_count] = (tool_target){.url = NULL};
    return &targets[o->target_count++];
}

int option_add_url(tool_options *o, const char *url)
{
    size_t i = 0;
    while (i < o->target_count && o->targets[i].url != NULL)
        i++;
    tool_target *t = i < o->target_count ? &o->targets[i] : add_target(o);
    if (t == NULL)
        return option_no_memory(o);
    t->url = url;
    o->url = o->targets[0].url;
    return EXIT_OK;
}

tool_target *option_next_output(tool_options *o)
{
    size_t i = 0;
    while (i < o->target_count && o->targets[i].has_output)
        i++;
    tool_target *t = i < o->target_count ? &o->targets[i] : add_target(o);
    if (t != NULL)
        t->has_output = true;
    return t;
}

/* As -o. "-T '{a,b}'" is read when all of them are there. */
static int take_upload(tool_options *o, const char *path)
{
    size_t i = 0;
    while (i < o->target_count && o->targets[i].has_upload)
        i++;
    tool_target *t = i < o->target_count ? &o->targets[i] : add_target(o);
    if (t == NULL)
        return option_no_memory(o);
    t->has_upload = true;
    t->upload = path[0] != '\0' ? path : NULL;
    o->uploads = o->uploads || t->upload != NULL;
    return EXIT_OK;
}

#define TARGETS 10000

/* A target like the one at i, behind it. */
static int repeat_target(tool_options *o, size_t i)
{
    if (o->target_count >= TARGETS)
        return option_fail(o, EXIT_USAGE, "-T stands for more than %d files", TARGETS);
    if (add_target(o) == NULL)
        return option_no_memory(o);
    memmove(&o->targets[i + 1], &o->targets[i], (o->target_count - 1 - i) * sizeof(*o->targets));
    return EXIT_OK;
}

/* "-T '{a,b}'": the URL once for each of them. */
static int expand_upload(tool_options *o, size_t *i)
{
    glob g = {.pattern_count = 0};
    int code = glob_parse(&g, o->targets[*i].upload, o->no_glob, o->message, sizeof(o->message));
    for (bool more = code == EXIT_OK; more;) {
        char *path = glob_url(&g);
        const char *kept = path != NULL ? option_keep(o, path, strlen(path)) : NULL;
        free(path);
        o->targets[*i].upload = kept;
        code = kept != NULL ? EXIT_OK : option_no_memory(o);
        more = code == EXIT_OK && glob_next(&g);
        if (more)
            code = repeat_target(o, (*i)++);
        more = more && code == EXIT_OK;
    }
    glob_free(&g);
    return code;
}

static int expand_uploads(tool_options *o)
{
    int code = EXIT_OK;
    for (size_t i = 0; code == EXIT_OK && i < o->target_count; i++) {
        if (o->targets[i].upload != NULL && o->targets[i].url != NULL)
            code = expand_upload(o, &i);
    }
    return code;
}

/* ---- The table ---- */

const option request_options[] = {
    {"request", 'X', KIND_TEXT, BOTH, "METHOD", AT(method), "the method, instead of GET or POST"},
    {"header", 'H', KIND_CALL, BOTH, "HEADER", CALL(take_header),
     "\"Name: value\"; \"Name:\" leaves a default out, \"Name;\" sends it empty; @FILE"},
    {"upload-file", 'T', KIND_CALL, BOTH, "FILE", CALL(take_upload),
     "PUT a file (- standard input); for each URL one"},
    {"expect100-timeout", 0, KIND_SECONDS, BOTH, "SECONDS", AT(expect_timeout_ms),
     "how long -H \"Expect: 100-continue\" waits; 1"},
    {"user-agent", 'A', KIND_TEXT, BOTH, "TEXT", AT(user_agent), "\"\" sends none"},
    {"referer", 'e', KIND_CALL, BOTH, "URL", CALL(take_referer), "where the URL was found"},
    {"range", 'r', KIND_CALL, BOTH, "RANGE", CALL(take_range),
     "these bytes only: 0-499, 500-, -500, 0-0,-1"},
    {"path-as-is", 0, KIND_FLAG, GET, NULL, AT(path_as_is), "leave /../ and /./ in the path"},
    {"globoff", 'g', KIND_FLAG, GET, NULL, AT(no_glob), "[] and {} in URLs mean nothing"},
    {"head", 'I', KIND_FLAG, GET, NULL, AT(head), "HEAD, and show the headers"},
    {"request-target", 0, KIND_TEXT, BOTH, "TARGET", AT(request_target),
     "send this in place of the URL's path and query"},
    {"url", 0, KIND_CALL, BOTH, "URL", CALL(option_add_url), NULL},
    {"config", 'K', KIND_CONFIG, GET, "FILE", 0, NULL, "options, one a line; - standard input"},
    {"disable", 'q', KIND_FLAG, GET, NULL, AT(ignored), NULL}, /* no file is read unasked */
    {"next", ':', KIND_NEXT, GET, NULL, 0, NULL, "what follows are options of another URL"},
    {"compressed", 0, KIND_FLAG, BOTH, NULL, AT(compressed),
     "ask for a compressed answer, and decode it"},
    {.name = NULL},
};

int finish_request(tool_options *o)
{
    int code = finish_data(o);
    if (code != EXIT_OK)
        return code;
    if (o->head + o->data + o->uploads + (o->form != NULL) > 1)
        return option_fail(o, EXIT_USAGE, "only one of -I, -d, -F and -T can be");
    return expand_uploads(o);
}

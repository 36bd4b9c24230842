/* option_data.c - the options of a request's body, and of data that go into the query. */
#include "option.h"
#include "url.h"

#include <stdlib.h>
#include <string.h>

static int add(tool_options *o, body *b, const void *data, size_t size)
{
    return body_add(b, data, size) ? EXIT_OK : option_no_memory(o);
}

static int add_separator(tool_options *o, body *b)
{
    return b->size > 0 || b->given ? add(o, b, "&", 1) : EXIT_OK;
}

static int add_file(tool_options *o, body *b, const char *path, bool without_lines)
{
    const char *why = body_add_file(b, path, without_lines);
    return why == NULL ? EXIT_OK : option_fail(o, EXIT_READ, "%s", why);
}

static int add_data(tool_options *o, const char *value, bool without_lines)
{
    o->data = true;
    int code = add_separator(o, &o->body);
    if (code != EXIT_OK)
        return code;
    if (value[0] == '@')
        return add_file(o, &o->body, value + 1, without_lines);
    return add(o, &o->body, value, strlen(value));
}

static int take_data(tool_options *o, const char *value)
{
    return add_data(o, value, true);
}

/* "10s", as wrk has it. */
static int take_load_data(tool_options *o, const char *value)
{
    if (option_is_duration(value))
        return option_fail(o, EXIT_USAGE,
                           "-d is data to send: for how long is --duration %s (--data-raw sends "
                           "what looks like a time)",
                           value);
    return take_data(o, value);
}

static int take_binary(tool_options *o, const char *value)
{
    return add_data(o, value, false);
}

static int take_raw(tool_options *o, const char *value)
{
    o->data = true;
    int code = add_separator(o, &o->body);
    return code == EXIT_OK ? add(o, &o->body, value, strlen(value)) : code;
}

static int take_json(tool_options *o, const char *value)
{
    o->data = o->json_body = true;
    if (value[0] == '@')
        return add_file(o, &o->body, value + 1, false);
    return add(o, &o->body, value, strlen(value));
}

static int add_encoded(tool_options *o, body *b, const void *data, size_t size)
{
    char *text = url_encode(data, size);
    int code = text == NULL ? option_no_memory(o) : add(o, b, text, strlen(text));
    free(text);
    return code;
}

/* "content", "=content", "name=content", "@file", "name@file": the content is encoded, the name is
 * as it should be already. */
static int add_named(tool_options *o, body *b, const char *value)
{
    size_t size = strcspn(value, "=@");
    char sign = value[size];
    const char *content = sign == '\0' ? value : value + size + 1;
    body file = {0};
    int code = add_separator(o, b);
    b->given = true;
    if (code == EXIT_OK && sign != '\0' && size > 0) {
        code = add(o, b, value, size);
        if (code == EXIT_OK)
            code = add(o, b, "=", 1);
    }
    if (code == EXIT_OK && sign == '@')
        code = add_file(o, &file, content, false);
    if (code == EXIT_OK)
        code = sign == '@' ? add_encoded(o, b, file.data, file.size)
                           : add_encoded(o, b, content, strlen(content));
    free(file.data);
    return code;
}

static int take_encoded(tool_options *o, const char *value)
{
    o->data = true;
    return add_named(o, &o->body, value);
}

static int take_query(tool_options *o, const char *value)
{
    if (value[0] != '+')
        return add_named(o, &o->query, value);
    int code = add_separator(o, &o->query);
    return code == EXIT_OK ? add(o, &o->query, value + 1, strlen(value + 1)) : code;
}

#define DATA_HELP "a form body; @FILE without line ends, @- standard input"

const option data_options[] = {
    {"data", 'd', KIND_CALL, GET, "DATA", CALL(take_data), DATA_HELP},
    {"data", 'd', KIND_CALL, LOAD, "DATA", CALL(take_load_data), DATA_HELP},
    {"data-ascii", 0, KIND_CALL, BOTH, "DATA", CALL(take_data), "the same"},
    {"data-binary", 0, KIND_CALL, BOTH, "DATA", CALL(take_binary), "the same, byte for byte"},
    {"data-raw", 0, KIND_CALL, BOTH, "DATA", CALL(take_raw), "the same, and @ means nothing"},
    {"data-urlencode", 0, KIND_CALL, BOTH, "DATA", CALL(take_encoded),
     "\"text\", \"name=text\", \"@FILE\" or \"name@FILE\", percent-encoded"},
    {"json", 0, KIND_CALL, GET, "DATA", CALL(take_json),
     "a body of JSON; @FILE, @- standard input"},
    {"get", 'G', KIND_FLAG, BOTH, NULL, AT(data_as_query), "data go into the URL's query"},
    {"url-query", 0, KIND_CALL, BOTH, "DATA", CALL(take_query),
     "adds to the query, as --data-urlencode; behind a + as it is"},
    {.name = NULL},
};

/* A body of -G goes to the query. */
int finish_data(tool_options *o)
{
    int code = EXIT_OK;
    if (o->data_as_query && o->body.given) {
        if (o->body.size > 0)
            code = add_separator(o, &o->query);
        if (code == EXIT_OK && o->body.size > 0)
            code = add(o, &o->query, o->body.data, o->body.size);
        free(o->body.data);
        o->body = (body){0};
        o->data = false;
    }
    if (code == EXIT_OK && o->query.size > 0 && !body_add(&o->query, "", 1))
        code = option_no_memory(o);
    return code;
}

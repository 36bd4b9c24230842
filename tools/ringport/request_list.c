/* request_list.c - see request_list.h. */
#include "request_list.h"

#include "exit_code.h"

#include <ringport/url.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t"

/* A line while it is read. */
typedef struct reader {
    request_list *list;
    const char *path;
    size_t line;
} reader;

static int fail(reader *r, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int fail(reader *r, int code, const char *format, ...)
{
    char why[400];
    va_list values;
    va_start(values, format);
    vsnprintf(why, sizeof(why), format, values);
    va_end(values);
    snprintf(r->list->message, sizeof(r->list->message), "%.80s, line %zu: %s", r->path, r->line,
             why);
    return code;
}

static int no_memory(reader *r)
{
    snprintf(r->list->message, sizeof(r->list->message), "out of memory");
    return EXIT_MEMORY;
}

/* The items, with room for one more; NULL: no memory, and they stay where they are. */
static void *with_room(void *items, size_t count, size_t *room, size_t size)
{
    size_t more = *room > 0 ? 2 * *room : 16;
    if (count < *room)
        return items;
    void *moved = realloc(items, more * size);
    if (moved != NULL)
        *room = more;
    return moved;
}

/* ---- A line ---- */

static bool is_token(const char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "!#$%&'*+-.^_`|~";
    return *text != '\0' && text[strspn(text, letters)] == '\0';
}

/* The file's number, from 1 on, of the body that is called so. */
static int find_body(reader *r, const char *path, size_t *number)
{
    request_list *list = r->list;
    for (*number = 1; *number <= list->body_count; ++*number) {
        if (strcmp(list->bodies[*number - 1].path, path) == 0)
            return EXIT_OK;
    }
    if (list->body_count == REQUEST_BODIES_LIMIT)
        return fail(r, EXIT_USAGE, "more than %d files as bodies", REQUEST_BODIES_LIMIT);
    listed_body *bodies =
        with_room(list->bodies, list->body_count, &list->body_room, sizeof(*bodies));
    if (bodies == NULL)
        return no_memory(r);
    list->bodies = bodies;
    listed_body *b = &bodies[list->body_count++];
    *b = (listed_body){.path = path};
    const char *why = body_add_file(&b->content, path, false);
    return why == NULL ? EXIT_OK : fail(r, EXIT_READ, "%s", why);
}

/* "Name: value" */
static int take_field(reader *r, char *line)
{
    request_list *list = r->list;
    char *value = strchr(line, ':');
    if (list->count == 0)
        return fail(r, EXIT_USAGE, "a header field, and no request above it");
    if (value == NULL)
        return fail(r, EXIT_USAGE, "a header field is \"Name: value\", not \"%.80s\"", line);
    *value++ = '\0';
    if (!is_token(line))
        return fail(r, EXIT_USAGE, "\"%.80s\" can't be a header field's name", line);
    listed_request *of = &list->requests[list->count - 1];
    if (of->header_count == REQUEST_FIELDS_LIMIT)
        return fail(r, EXIT_USAGE, "more than %d header fields", REQUEST_FIELDS_LIMIT);
    rp_header *headers =
        with_room(list->headers, list->header_count, &list->header_room, sizeof(*headers));
    if (headers == NULL)
        return no_memory(r);
    list->headers = headers;
    value += strspn(value, BLANKS);
    for (size_t size = strlen(value); size > 0 && strchr(BLANKS, value[size - 1]) != NULL;)
        value[--size] = '\0';
    headers[list->header_count++] = (rp_header){line, value};
    of->header_count++;
    return EXIT_OK;
}

/* The word that text begins with, cut off; *text is what stands behind it. */
static char *take_word(char **text)
{
    char *word = *text;
    *text += strcspn(*text, BLANKS);
    if (**text != '\0')
        *(*text)++ = '\0';
    *text += strspn(*text, BLANKS);
    return word;
}

static int take_request(reader *r, char *line)
{
    request_list *list = r->list;
    rp_url_parts parts;
    rp_error error;
    if (list->count == REQUEST_LIST_LIMIT)
        return fail(r, EXIT_USAGE, "more than %d requests", REQUEST_LIST_LIMIT);
    listed_request *requests =
        with_room(list->requests, list->count, &list->room, sizeof(*requests));
    if (requests == NULL)
        return no_memory(r);
    list->requests = requests;
    listed_request *request = &requests[list->count++];
    *request = (listed_request){.line = r->line, .first_header = list->header_count};
    request->url = take_word(&line);
    if (strstr(request->url, "://") == NULL) {
        request->method = request->url;
        request->url = take_word(&line);
        if (!is_token(request->method) || *request->url == '\0')
            return fail(r, EXIT_USAGE, "a request is \"[METHOD] URL [BODY]\"");
    }
    if (rp_url_split(&parts, request->url, &error) != RP_OK)
        return fail(r, EXIT_URL, "%s", error.text);
    if (*line == '@')
        return find_body(r, line + 1, &request->body);
    request->text = *line != '\0' ? line : NULL;
    return EXIT_OK;
}

static int take_line(reader *r, char *line)
{
    size_t blank = strspn(line, BLANKS), size = strlen(line);
    if (size > 0 && line[size - 1] == '\r')
        line[--size] = '\0';
    if (blank >= size || line[blank] == '#')
        return EXIT_OK;
    return blank > 0 ? take_field(r, line + blank) : take_request(r, line);
}

/* ---- The file ---- */

int request_list_read(request_list *list, const char *path)
{
    reader r = {.list = list, .path = path};
    int code = EXIT_OK;
    const char *why = body_add_file(&list->text, path, false);
    if (why != NULL) {
        snprintf(list->message, sizeof(list->message), "%s", why);
        return EXIT_READ;
    }
    if (!body_add(&list->text, "\n", 2)) /* with its NUL */
        return no_memory(&r);
    char *at = (char *)list->text.data, *end = at + list->text.size - 1;
    while (code == EXIT_OK && at < end) {
        char *line = at;
        at = memchr(at, '\n', (size_t)(end - at));
        *at++ = '\0';
        r.line++;
        if (at - line > REQUEST_LINE_LIMIT)
            code = fail(&r, EXIT_USAGE, "longer than %d bytes", REQUEST_LINE_LIMIT);
        else if (strlen(line) < (size_t)(at - line - 1))
            code = fail(&r, EXIT_USAGE, "a byte 0 is no text");
        else
            code = take_line(&r, line);
    }
    if (code != EXIT_OK || list->count > 0)
        return code;
    snprintf(list->message, sizeof(list->message), "%.80s: there is no request in it", path);
    return EXIT_USAGE;
}

void request_list_free(request_list *list)
{
    for (size_t i = 0; i < list->body_count; i++)
        free(list->bodies[i].content.data);
    free(list->bodies);
    free(list->headers);
    free(list->requests);
    free(list->text.data);
}

/* ---- What is sent ---- */

static bool is_among(const rp_header *headers, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(headers[i].name, name) == 0)
            return true;
    }
    return false;
}

/* Its body takes the place of that which they all have: none. */
static void apply_body(const request_list *list, const listed_request *r,
                       rp_request_options *options)
{
    const body *content = r->body > 0 ? &list->bodies[r->body - 1].content : NULL;
    if (content != NULL) {
        options->body = content->data != NULL ? (const void *)content->data : "";
        options->body_size = content->size;
    } else if (r->text != NULL) {
        options->body = r->text;
        options->body_size = strlen(r->text);
    }
}

void request_list_apply(const request_list *list, size_t i, rp_request_options *options,
                        rp_header *headers)
{
    const listed_request *r = &list->requests[i];
    const rp_header *own = r->header_count > 0 ? list->headers + r->first_header : NULL;
    size_t count = 0;
    apply_body(list, r, options);
    for (size_t k = 0; k < options->header_count; k++) {
        const char *name = options->headers[k].name;
        bool no_length = options->body != NULL && strcasecmp(name, "content-length") == 0;
        if (!no_length && !is_among(own, r->header_count, name))
            headers[count++] = options->headers[k];
    }
    for (size_t k = 0; k < r->header_count; k++)
        headers[count++] = own[k];
    options->headers = headers;
    options->header_count = count;
    options->url = r->url;
    if (r->method != NULL)
        options->method = r->method;
}

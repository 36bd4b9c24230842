/* fields.c - what curl sends, in its order: our fields, those of -H, what is said of the body.
 * Host is the library's. */
#include "fields.h"

#include "option.h"

#include <ringport/ringport.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define OWN_FIELDS 11

static void add(fields *f, const char *name, const char *value)
{
    f->headers[f->count++] = (rp_header){name, value};
}

/* Unless -H says something of it, or there is nothing to say. */
static void add_own(fields *f, const tool_options *o, const char *name, const char *value)
{
    if (value != NULL && !option_has_header(o, name))
        add(f, name, value);
}

static const char *upgrade_of(const tool_options *o)
{
    const char *connection = option_header(o, "connection");
    return connection != NULL && strcasecmp(connection, "upgrade") == 0
               ? option_header(o, "upgrade")
               : NULL;
}

/* The library has defaults for three: "" is how not to have them. Expect is the library's to send,
 * Content-Type of a form has its boundary. */
static void add_given(fields *f, const tool_options *o, const own_fields *own)
{
    bool upgrades = upgrade_of(o) != NULL;
    for (size_t i = 0; i < o->header_count; i++) {
        const rp_header *h = &o->headers[i];
        if (strcasecmp(h->name, "expect") == 0 ||
            (upgrades &&
             (strcasecmp(h->name, "connection") == 0 || strcasecmp(h->name, "upgrade") == 0)) ||
            (own->chunked && strcasecmp(h->name, "transfer-encoding") == 0) ||
            (own->form_type != NULL && strcasecmp(h->name, "content-type") == 0))
            continue;
        if (h->value != NULL)
            add(f, h->name, h->value);
        else if (strcasecmp(h->name, "accept") == 0 || strcasecmp(h->name, "user-agent") == 0)
            add(f, h->name, "");
    }
}

static void add_length(fields *f, const tool_options *o, uint64_t size)
{
    snprintf(f->length, sizeof(f->length), "%llu", (unsigned long long)size);
    add_own(f, o, "Content-Length", f->length);
}

static void add_body(fields *f, const tool_options *o, const own_fields *own)
{
    if (own->form_type != NULL) {
        if (own->form_size != RP_LENGTH_UNKNOWN)
            add_length(f, o, own->form_size);
        add(f, "Content-Type", own->form_type);
    } else if (o->body.given) {
        if (!own->chunked)
            add_length(f, o, o->body.size);
        if (o->data && !o->json_body)
            add_own(f, o, "Content-Type", "application/x-www-form-urlencoded");
    } else if (!own->uploads && (o->method != NULL || o->list.count > 0)) {
        add_own(f, o, "Content-Length", ""); /* -X POST without a body says nothing of one */
    }
}

/* -r of a body that goes up says which part of the whole that is. */
static bool add_upload_range(fields *f, const tool_options *o, const own_fields *own)
{
    uint64_t size = own->uploads ? own->upload_size : o->body.size;
    char whole[24] = "*";
    if (size != RP_LENGTH_UNKNOWN)
        snprintf(whole, sizeof(whole), "%llu", (unsigned long long)size);
    const char *part = o->range + strlen("bytes=");
    size_t room = strlen("bytes ") + strlen(part) + 1 + strlen(whole) + 1;
    f->content_range = malloc(room);
    if (f->content_range == NULL)
        return false;
    snprintf(f->content_range, room, "bytes %s/%s", part, whole);
    add_own(f, o, "Content-Range", f->content_range);
    return true;
}

/* A form says nothing of either, as with curl. */
static bool add_range(fields *f, const tool_options *o, const own_fields *own)
{
    if (own->content_range != NULL)
        add_own(f, o, "Content-Range", own->content_range);
    else if (own->range != NULL)
        add_own(f, o, "Range", own->range);
    else if (o->range != NULL && own->form_type == NULL && (own->uploads || o->body.given))
        return add_upload_range(f, o, own);
    else if (own->form_type == NULL)
        add_own(f, o, "Range", o->range);
    return true;
}

bool fields_compose(fields *f, const tool_options *o, const own_fields *own)
{
    const char *agent = o->user_agent;
    *f = (fields){.count = 0};
    f->headers = calloc(o->header_count + OWN_FIELDS, sizeof(*f->headers));
    if (f->headers == NULL || !add_range(f, o, own))
        return false;
    if (!own->by_library) {
        add_own(f, o, "User-Agent", agent != NULL ? agent : "ringport/" RP_VERSION);
        if (!o->json_body)
            add_own(f, o, "Accept", "*/*");
    }
    if (o->compressed && o->range == NULL && own->range == NULL)
        add_own(f, o, "Accept-Encoding", rp_http_codings());
    add_own(f, o, "Referer", o->referer);
    add_own(f, o, "Cookie", own->cookie);
    if (o->condition != NULL)
        add_own(f, o, o->condition, o->condition_date);
    add_given(f, o, own);
    add_own(f, o, "If-None-Match", o->etag_compare);
    if (o->json_body) {
        add_own(f, o, "Content-Type", "application/json");
        add_own(f, o, "Accept", "application/json");
    }
    add_body(f, o, own);
    return true;
}

void fields_overrule(const tool_options *o, rp_request_options *request)
{
    request->upgrade = upgrade_of(o);
    if (option_has_header(o, "authorization")) {
        request->user = request->password = request->bearer = NULL;
        request->no_userinfo = true;
    }
}

void fields_free(fields *f)
{
    free(f->headers);
    free(f->content_range);
    f->headers = NULL;
    f->content_range = NULL;
}

const char *fields_value(const fields *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++) {
        if (strcasecmp(f->headers[i].name, name) == 0)
            return f->headers[i].value;
    }
    return NULL;
}

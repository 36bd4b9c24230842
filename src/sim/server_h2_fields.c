/* server_h2_fields.c - the header blocks of a client: HPACK (by nghttp2), and the rules of RFC
 * 9113, 8.2 and 8.3 for what is in them. */
#include "sim/server_h2.h"

#include "base/assert.h"
#include "http/headers.h"

#include <stdlib.h>
#include <string.h>

/* A block's fields as text: name, NUL, value, NUL, and so on; and what is wrong with them. */
typedef struct fields {
    rp_memory *memory;
    sim_bytes text;
    const char *wrong;
    const char *method, *scheme, *authority, *path, *host, *length;
    sim_bytes cookies;
} fields;

static void add_text(fields *f, const uint8_t *text, size_t size)
{
    if (size > 0)
        rp__sim_bytes_add(f->memory, &f->text, text, size);
    rp__sim_bytes_add(f->memory, &f->text, "", 1);
}

/* 8.2.1 */
static const char *field_wrong(const nghttp2_nv *field)
{
    const char *name = (const char *)field->name, *value = (const char *)field->value;
    size_t size = field->valuelen, skip = field->namelen > 0 && name[0] == ':';
    for (size_t i = 0; i < field->namelen; i++) {
        if (name[i] >= 'A' && name[i] <= 'Z')
            return "a field name that is not in lower case";
    }
    if (!rp__is_token(name + skip, field->namelen - skip))
        return "a field name that is none";
    if (memchr(value, '\0', size) != NULL || memchr(value, '\r', size) != NULL ||
        memchr(value, '\n', size) != NULL)
        return "a field value with a NUL, CR or LF";
    if (size > 0 && (strchr(" \t", value[0]) != NULL || strchr(" \t", value[size - 1]) != NULL))
        return "a field value that begins or ends with a space";
    return NULL;
}

/* False: the block can't be decoded. */
static bool decode(sim_h2 *h2, fields *f)
{
    const uint8_t *data = h2->block.data;
    size_t left = h2->block.size;
    int flags = 0;
    while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0) {
        nghttp2_nv field;
        nghttp2_ssize used = nghttp2_hd_inflate_hd3(h2->inflater, &field, &flags, data, left, 1);
        if (used < 0)
            return false;
        data += used;
        left -= (size_t)used;
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0)
            continue;
        if (f->wrong == NULL)
            f->wrong = field_wrong(&field);
        add_text(f, field.name, field.namelen);
        add_text(f, field.value, field.valuelen);
    }
    (void)nghttp2_hd_inflate_end_headers(h2->inflater);
    return left == 0;
}

static const char *pseudo_wrong(fields *f, const char *name, const char *value)
{
    static const char *const names[] = {":method", ":scheme", ":authority", ":path"};
    const char **places[] = {&f->method, &f->scheme, &f->authority, &f->path};
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(name, names[i]) != 0)
            continue;
        if (*places[i] != NULL)
            return "a pseudo-header field twice";
        *places[i] = value;
        return NULL;
    }
    return "an unknown pseudo-header field";
}

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

/* 8.2.2 */
static const char *regular_wrong(fields *f, const char *name, const char *value)
{
    static const char *const banned[] = {"connection", "proxy-connection", "keep-alive",
                                         "transfer-encoding", "upgrade"};
    if (is_one_of(name, banned, sizeof(banned) / sizeof(banned[0])))
        return "a field that is about a connection";
    if (strcmp(name, "te") == 0 && strcmp(value, "trailers") != 0)
        return "a te that is not trailers";
    if (strcmp(name, "host") == 0)
        f->host = value;
    if (strcmp(name, "content-length") == 0) {
        if (f->length != NULL)
            return "two content-lengths";
        f->length = value;
    }
    if (strcmp(name, "cookie") == 0) { /* 8.2.3 */
        if (f->cookies.size > 0)
            rp__sim_bytes_add(f->memory, &f->cookies, "; ", 2);
        rp__sim_bytes_add(f->memory, &f->cookies, value, strlen(value) + 1);
        f->cookies.size--; /* the NUL is there */
    }
    return NULL;
}

static const char *next_field(const fields *f, const char *value)
{
    if (f->text.size == 0)
        return NULL;
    const char *end = (const char *)f->text.data + f->text.size;
    const char *name = value == NULL ? (const char *)f->text.data : value + strlen(value) + 1;
    return name < end ? name : NULL;
}

static const char *value_of(const char *name)
{
    return name + strlen(name) + 1;
}

static const char *sort(fields *f, bool trailers)
{
    const char *why = NULL;
    bool regular = trailers;
    for (const char *name = next_field(f, NULL); name != NULL && why == NULL;
         name = next_field(f, value_of(name))) {
        if (name[0] != ':') {
            regular = true;
            why = regular_wrong(f, name, value_of(name));
        } else if (regular) {
            why = trailers ? "a pseudo-header field in trailers"
                           : "a pseudo-header field behind another";
        } else {
            why = pseudo_wrong(f, name, value_of(name));
        }
    }
    return why;
}

/* 8.3.1 */
static const char *request_wrong(const sim_connection *c, const fields *f)
{
    if (f->method == NULL || f->scheme == NULL || f->path == NULL)
        return "a request without :method, :scheme or :path";
    if (f->authority == NULL || f->authority[0] == '\0')
        return "a request without :authority";
    if (!rp__is_token(f->method, strlen(f->method)))
        return "a :method that is none";
    if (strcmp(f->scheme, c->server->tls != NULL ? "https" : "http") != 0)
        return "a :scheme that is not the connection's";
    if (f->path[0] != '/' && (strcmp(f->path, "*") != 0 || strcmp(f->method, "OPTIONS") != 0))
        return "a :path that is none";
    if (f->host != NULL && strcmp(f->host, f->authority) != 0)
        return "a host that is not the :authority";
    return NULL;
}

static const char *read_length(const fields *f, uint64_t *length)
{
    char *end = NULL;
    *length = UINT64_MAX;
    if (f->length == NULL)
        return NULL;
    if (f->length[0] >= '0' && f->length[0] <= '9')
        *length = strtoull(f->length, &end, 10);
    return end != NULL && *end == '\0' ? NULL : "a content-length that is no number";
}

static void fill(fields *f, sim_request *request)
{
    rp__sim_request_begin(request, f->method, f->path);
    rp__sim_request_add(request, "host", f->authority);
    for (const char *name = next_field(f, NULL); name != NULL;
         name = next_field(f, value_of(name))) {
        if (name[0] != ':' && strcmp(name, "host") != 0 && strcmp(name, "cookie") != 0)
            rp__sim_request_add(request, name, value_of(name));
    }
    if (f->cookies.data != NULL)
        rp__sim_request_add(request, "cookie", (const char *)f->cookies.data);
}

static void fill_trailers(const fields *f, sim_request *request)
{
    for (const char *name = next_field(f, NULL); name != NULL; name = next_field(f, value_of(name)))
        rp__sim_request_trailer_add(request, name, value_of(name));
}

const char *rp__sim_h2_fields(sim_connection *c, sim_request *request, bool trailers,
                              uint64_t *length, uint32_t *code)
{
    fields f = {.memory = &c->server->memory};
    const char *why = NULL;
    *length = UINT64_MAX;
    *code = SIM_PROTOCOL_ERROR;
    if (!decode(c->h2, &f)) {
        *code = SIM_COMPRESSION_ERROR;
        why = "a header block that is not HPACK's";
    }
    if (why == NULL)
        why = f.wrong;
    if (why == NULL)
        why = sort(&f, trailers);
    if (why == NULL && !trailers)
        why = request_wrong(c, &f);
    if (why == NULL && !trailers)
        why = read_length(&f, length);
    if (why == NULL && trailers && f.length != NULL)
        why = "a content-length behind the body"; /* RFC 9110, 6.5.1 */
    if (why == NULL && request != NULL && trailers)
        fill_trailers(&f, request);
    else if (why == NULL && request != NULL)
        fill(&f, request);
    rp__free(f.memory, f.text.data);
    rp__free(f.memory, f.cookies.data);
    return why;
}

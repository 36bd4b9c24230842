/* message.c - a request, checked and packed.
 *
 * It is packed while it is checked, so that a caller's header is read once. One that is refused
 * must leave no byte behind: what was packed of it is wiped. */
#include "http/message.h"

#include "base/error.h"
#include "base/memory.h"
#include "http/headers.h"

#include <string.h>

/* ---- packing ---- */

/* Beyond the capacity it only counts. */
typedef struct packer {
    uint8_t *bytes;
    size_t size, capacity;
} packer;

static void put(packer *p, const void *data, size_t size)
{
    if (p->size + size <= p->capacity && size > 0)
        memcpy(p->bytes + p->size, data, size);
    p->size += size;
}

/* What of bytes may have been written. */
static size_t packed(const packer *p)
{
    return p->size < p->capacity ? p->size : p->capacity;
}

static void put_port(packer *p, uint16_t port)
{
    char digits[6];
    size_t first = sizeof(digits);
    do {
        digits[--first] = (char)('0' + port % 10);
        port /= 10;
    } while (port > 0);
    digits[--first] = ':';
    put(p, digits + first, sizeof(digits) - first);
}

static void put_authority(packer *p, const rp_url *url)
{
    if (url->authority.size > 0) {
        put(p, url->authority.data, url->authority.size);
        return;
    }
    if (url->host_is_ipv6)
        put(p, "[", 1);
    put(p, url->host.data, url->host.size);
    if (url->host_is_ipv6)
        put(p, "]", 1);
    if (!url->port_is_default)
        put_port(p, url->port);
}

static void put_target(packer *p, const rp_url *url)
{
    if (url->path.size == 0)
        put(p, "/", 1);
    put(p, url->path.data, url->path.size);
    put(p, url->query.data, url->query.size);
}

typedef struct field_sizes {
    size_t name, value;
} field_sizes;

static void put_credentials(packer *p, const rp_message_source *source)
{
    static const char name[] = "Authorization";
    size_t scheme = strlen(source->scheme), size = strlen(source->credentials);
    field_sizes sizes = {sizeof(name) - 1, scheme + size};
    put(p, &sizes, sizeof(sizes));
    put(p, name, sizes.name);
    put(p, source->scheme, scheme);
    put(p, source->credentials, size);
}

static void put_field(packer *p, const rp_header *header, field_sizes sizes)
{
    put(p, &sizes, sizeof(sizes));
    put(p, header->name, sizes.name);
    put(p, header->value, sizes.value);
}

/* ---- checks ---- */

/* Which of ringport's own headers the caller gave. */
typedef struct given_headers {
    bool host, user_agent, accept, content_length, close, authorization, encoding, range;
} given_headers;

/* What is no token may hold a value: of a name a message shows what comes before that. */
static rp_status bad_name(rp_error *error, const char *kind, const char *name, const char *what)
{
    int shown = 0;
    while (shown < 64 && rp__is_token(name + shown, 1))
        shown++;
    return rp__error_set(error, RP_E_BAD_HEADER, RP_PHASE_NONE, "the request %s \"%.*s%s\" %s",
                         kind, shown, name, name[shown] == '\0' ? "" : "...", what);
}

static rp_status bad(rp_error *error, const rp_header *header, const char *what)
{
    return bad_name(error, "header", header->name, what);
}

static rp_status check_host(const rp_header *header, given_headers *given, rp_error *error)
{
    if (given->host)
        return bad(error, header, "is given twice");
    if (header->value[strcspn(header->value, " \t,/?#@\\")] != '\0' || header->value[0] == '\0')
        return bad(error, header, "is not a host and an optional port");
    given->host = true;
    return RP_OK;
}

/* The caller may say what ringport will send anyway, or nothing where there is no body. */
static rp_status check_length(const rp_message_source *source, const rp_header *header,
                              given_headers *given, rp_error *error)
{
    uint64_t value = 0;
    const char *digit = header->value;
    if (given->content_length)
        return bad(error, header, "is given twice");
    if (*digit == '\0' && !source->has_body) {
        given->content_length = true;
        return RP_OK;
    }
    for (; *digit >= '0' && *digit <= '9' && value <= UINT64_MAX / 10 - 1; digit++)
        value = value * 10 + (uint64_t)(*digit - '0');
    if (*digit != '\0' || digit == header->value ||
        value != (source->has_body ? source->body_size : 0) ||
        (source->has_body && source->body_size == RP_LENGTH_UNKNOWN))
        return bad(error, header, "differs from the body's length");
    given->content_length = true;
    return RP_OK;
}

/* With an upgrade both are ringport's. */
static bool is_upgrade(const char *name, size_t size)
{
    return rp__name_equal(name, size, "connection") || rp__name_equal(name, size, "upgrade");
}

static rp_status check_connection(const rp_header *header, size_t value_size, given_headers *given,
                                  rp_error *error)
{
    bool close = rp__name_equal(header->value, value_size, "close");
    given->close = given->close || close;
    if (close || rp__name_equal(header->value, value_size, "keep-alive"))
        return RP_OK;
    return bad(error, header, "may be keep-alive or close only: ringport decides the rest");
}

/* An empty User-Agent, Accept or Content-Length is the caller's way to send none: *sent is
 * false. */
static rp_status check_header(const rp_message_source *source, const rp_header *header,
                              field_sizes sizes, given_headers *given, bool *sent, rp_error *error)
{
    const char *name = header->name;
    size_t size = sizes.name;
    *sent = true;
    if (!rp__is_token(name, size))
        return bad(error, header, "has a name that is not a token (RFC 9110, 5.1)");
    if (!rp__is_field_value(header->value, sizes.value))
        return bad(error, header, "has a control character in its value (RFC 9110, 5.5)");
    if (source->upgrade != NULL && is_upgrade(name, size))
        return bad(error, header, "is ringport's to send: see upgrade");
    switch (size) {
    case 4:
        if (rp__name_equal(name, size, "host"))
            return check_host(header, given, error);
        break;
    case 5:
        given->range = given->range || rp__name_equal(name, size, "range");
        break;
    case 6:
        if (rp__name_equal(name, size, "accept")) {
            given->accept = true;
            *sent = sizes.value > 0;
        } else if (rp__name_equal(name, size, "expect")) {
            return bad(error, header, "is ringport's to send: see expect_continue");
        }
        break;
    case 10:
        if (rp__name_equal(name, size, "user-agent")) {
            given->user_agent = true;
            *sent = sizes.value > 0;
        } else if (rp__name_equal(name, size, "connection")) {
            return check_connection(header, sizes.value, given, error);
        }
        break;
    case 13:
        given->authorization = given->authorization || rp__name_equal(name, size, "authorization");
        break;
    case 14:
        if (rp__name_equal(name, size, "content-length")) {
            *sent = sizes.value > 0;
            return check_length(source, header, given, error);
        }
        break;
    case 15:
        given->encoding = given->encoding || rp__name_equal(name, size, "accept-encoding");
        break;
    case 17:
        if (rp__name_equal(name, size, "transfer-encoding"))
            return bad(error, header, "is ringport's to decide");
        break;
    default:
        break;
    }
    return RP_OK;
}

static rp_status check_method(const rp_message_source *source, size_t size, rp_error *error)
{
    const char *method = source->method, *what = NULL;
    if (!rp__is_token(method, size))
        what = "is not a token (RFC 9110, 9.1)";
    else if (method[0] == 'C' && strcmp(method, "CONNECT") == 0)
        what = "asks for a tunnel, not for a resource";
    else if (source->has_body && strcmp(method, "TRACE") == 0)
        what = "must not have a body (RFC 9110, 9.3.8)";
    if (what == NULL)
        return RP_OK;
    return bad_name(error, "method", method, what);
}

static rp_status check_user_agent(const rp_user_agent *user_agent, rp_error *error)
{
    rp_header header = {"User-Agent", user_agent->text};
    if (!user_agent->has_control)
        return RP_OK;
    return bad(error, &header, "has a control character in its value (RFC 9110, 5.5)");
}

rp_user_agent rp__user_agent_of(const char *text)
{
    size_t size = strlen(text);
    return (rp_user_agent){text, (uint32_t)size, !rp__is_field_value(text, size)};
}

/* ---- the whole ---- */

/* RFC 9110, 8.6: methods that mean something by a body say so where there is none. */
static bool expects_body(const char *method)
{
    return method[0] == 'P' && (strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
                                strcmp(method, "PATCH") == 0);
}

static void pack_upgrade(packer *p, const char *protocols)
{
    static const char name[] = "Upgrade", value[] = "Upgrade";
    put_field(p, &(rp_header){"Connection", value}, (field_sizes){10, sizeof(value) - 1});
    put_field(p, &(rp_header){name, protocols}, (field_sizes){sizeof(name) - 1, strlen(protocols)});
}

static rp_status pack_fields(packer *p, rp_message *message, const rp_message_source *source,
                             given_headers *given, rp_error *error)
{
    for (size_t i = 0; i < source->header_count; i++) {
        const rp_header *header = &source->headers[i];
        field_sizes sizes = {strlen(header->name), strlen(header->value)};
        bool sent;
        rp_status status = check_header(source, header, sizes, given, &sent, error);
        if (status != RP_OK)
            return status;
        if (!sent)
            continue;
        put_field(p, header, sizes);
        message->field_count++;
        if (given->host && message->says_host) { /* this one */
            message->says_host = false;
            message->authority_size = (uint32_t)sizes.value;
            message->authority_at = (uint32_t)(p->size - sizes.value);
        }
    }
    if (source->upgrade != NULL) {
        pack_upgrade(p, source->upgrade);
        message->field_count += 2;
    }
    if (source->credentials != NULL && !given->authorization) {
        put_credentials(p, source);
        message->field_count++;
        message->leads_with_authorization = true;
    }
    if (source->accept_encoding != NULL && !given->encoding && !given->range) {
        rp_header accept = {"Accept-Encoding", source->accept_encoding};
        put_field(p, &accept, (field_sizes){strlen(accept.name), strlen(accept.value)});
        message->field_count++;
    }
    return RP_OK;
}

static void pack_line(packer *p, rp_message *message, const rp_message_source *source,
                      size_t method_size)
{
    put(p, source->method, method_size);
    message->authority_at = message->method_size = (uint32_t)p->size;
    put_authority(p, source->url);
    message->target_at = (uint32_t)p->size;
    message->authority_size = message->target_at - message->authority_at;
    message->own_target = source->target != NULL;
    if (message->own_target)
        put(p, source->target, strlen(source->target));
    else
        put_target(p, source->url);
    message->fields_at = (uint32_t)p->size;
    message->target_size = message->fields_at - message->target_at;
}

rp_status rp__message_pack(rp_message *message, const rp_message_source *source, uint8_t *bytes,
                           size_t capacity, rp_error *error)
{
    packer p = {.bytes = bytes, .capacity = capacity};
    given_headers given = {0};
    size_t method_size = strlen(source->method);
    *message = (rp_message){.bytes = bytes, .https = source->url->https, .says_host = true};
    pack_line(&p, message, source, method_size);
    rp_status status = check_method(source, method_size, error);
    if (status == RP_OK)
        status = pack_fields(&p, message, source, &given, error);
    if (status == RP_OK)
        status = check_user_agent(&source->user_agent, error);
    if (status != RP_OK || p.size > capacity)
        rp__wipe(bytes, packed(&p));
    message->size = p.size;
    if (!given.user_agent && source->user_agent.size > 0) {
        message->user_agent = source->user_agent.text;
        message->user_agent_size = source->user_agent.size;
    }
    message->length = source->has_body ? source->body_size : 0;
    message->chunked = message->length == RP_LENGTH_UNKNOWN;
    message->says_length = !given.content_length && !message->chunked &&
                           (source->has_body || expects_body(source->method));
    message->says_expect = source->expects && message->length > 0;
    message->says_expect_http1 = source->expects_http1 && message->length > 0;
    message->says_accept = !given.accept;
    message->says_close = given.close;
    return status;
}

/* A field as it was packed, of which is known what it means. */
static void keep_field(packer *p, rp_message *message, given_headers *given, const rp_field *field)
{
    const char *name = (const char *)field->name.data;
    size_t size = field->name.size;
    field_sizes sizes = {size, field->value.size};
    put(p, &sizes, sizeof(sizes));
    put(p, name, size);
    put(p, field->value.data, sizes.value);
    message->field_count++;
    if (rp__name_equal(name, size, "host")) {
        given->host = true;
        message->says_host = false;
        message->authority_size = (uint32_t)sizes.value;
        message->authority_at = (uint32_t)(p->size - sizes.value);
    }
    given->close =
        given->close || (rp__name_equal(name, size, "connection") &&
                         rp__name_equal((const char *)field->value.data, sizes.value, "close"));
    given->authorization = given->authorization || rp__name_equal(name, size, "authorization");
    given->user_agent = given->user_agent || rp__name_equal(name, size, "user-agent");
    given->accept = given->accept || rp__name_equal(name, size, "accept");
    given->content_length = given->content_length || rp__name_equal(name, size, "content-length");
}

static void keep_fields(packer *p, rp_message *message, given_headers *given,
                        const rp_message *from, const rp_message_change *change)
{
    rp_field field;
    for (size_t at = 0; rp__message_next(from, &at, &field);) {
        if (change->keeps(&field, change->user))
            keep_field(p, message, given, &field);
    }
}

rp_status rp__message_pack_changed(rp_message *message, const rp_message *from,
                                   const rp_message_change *change, uint8_t *bytes, size_t capacity,
                                   rp_error *error)
{
    packer p = {.bytes = bytes, .capacity = capacity};
    given_headers given = {0};
    rp_message_source source = {.method = change->method,
                                .url = change->url,
                                .headers = change->headers,
                                .header_count = change->header_count,
                                .scheme = "",
                                .credentials = change->credentials,
                                .has_body = !change->without_body,
                                .body_size = from->length};
    *message = *from;
    message->bytes = bytes;
    message->https = change->url->https;
    message->says_host = true;
    message->field_count = 0;
    pack_line(&p, message, &source, strlen(change->method));
    keep_fields(&p, message, &given, from, change);
    rp_status status = pack_fields(&p, message, &source, &given, error);
    if (packed(&p) > 0 && (status != RP_OK || p.size > capacity))
        rp__wipe(bytes, packed(&p));
    message->size = p.size;
    if (given.user_agent) {
        message->user_agent = NULL;
        message->user_agent_size = 0;
    }
    if (change->without_body) {
        message->length = 0;
        message->chunked = message->says_expect = message->says_expect_http1 = false;
    }
    message->says_length =
        !given.content_length &&
        (change->without_body ? expects_body(change->method) : from->says_length);
    message->says_accept = from->says_accept && !given.accept;
    message->says_close = given.close;
    return status;
}

/* ---- reading ---- */

rp_slice rp__message_method(const rp_message *message)
{
    return (rp_slice){message->bytes, message->method_size};
}

rp_slice rp__message_authority(const rp_message *message)
{
    return (rp_slice){message->bytes + message->authority_at, message->authority_size};
}

rp_slice rp__message_url_authority(const rp_message *message)
{
    return (rp_slice){message->bytes + message->method_size,
                      message->target_at - message->method_size};
}

rp_slice rp__message_target(const rp_message *message)
{
    return (rp_slice){message->bytes + message->target_at, message->target_size};
}

bool rp__message_next(const rp_message *message, size_t *at, rp_field *field)
{
    field_sizes sizes;
    if (*at == 0)
        *at = message->fields_at;
    if (*at == message->size)
        return false;
    memcpy(&sizes, message->bytes + *at, sizeof(sizes));
    field->name = (rp_slice){message->bytes + *at + sizeof(sizes), sizes.name};
    field->value = (rp_slice){field->name.data + sizes.name, sizes.value};
    *at += sizeof(sizes) + sizes.name + sizes.value;
    return true;
}

rp_slice rp__message_field(const rp_message *message, const char *name)
{
    rp_field field;
    for (size_t at = 0; rp__message_next(message, &at, &field);) {
        if (rp__name_equal((const char *)field.name.data, field.name.size, name))
            return field.value;
    }
    return (rp_slice){NULL, 0};
}

bool rp__method_idempotent(const char *method)
{
    static const char *const idempotent[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
    for (size_t i = 0; i < sizeof(idempotent) / sizeof(idempotent[0]); i++) {
        if (strcmp(method, idempotent[i]) == 0)
            return true;
    }
    return false;
}

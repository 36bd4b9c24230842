/* fuzz_h1_request.c - request heads: whatever method, names and values are given, what is written
 * is one head of just the lines that were asked for, or nothing.
 *
 * Input: 2 bytes of settings, then strings that end with NUL: method, URL, User-Agent, and names
 * and values of headers by turns. */
#include "fuzz/support/fuzz.h"

#include "http/h1.h"
#include "http/headers.h"

#include <llhttp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS 8

/* A head that is read line by line. */
typedef struct reader {
    const char *at, *end;
} reader;

/* The next line without its CRLF, which must be the only control characters. */
static rp_slice read_line(reader *in)
{
    const char *begin = in->at;
    for (; in->at < in->end && *in->at != '\r'; in->at++)
        FUZZ_CHECK(*in->at != '\n' && *in->at != '\0');
    FUZZ_CHECK(in->end - in->at >= 2 && in->at[1] == '\n');
    in->at += 2;
    return (rp_slice){(const uint8_t *)begin, (size_t)(in->at - 2 - begin)};
}

static void expect(reader *in, const char *text)
{
    rp_slice line = read_line(in);
    FUZZ_CHECK(line.size == strlen(text) && memcmp(line.data, text, line.size) == 0);
}

static bool is(const char *name, const char *other)
{
    return rp__name_equal(name, strlen(name), other);
}

static const char *find(const rp_message_source *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (is(request->headers[i].name, name))
            return request->headers[i].value;
    }
    return NULL;
}

static void expect_host(reader *in, const rp_url *url)
{
    char text[RP_HOST_LIMIT + 32], port[8] = "";
    if (!url->port_is_default)
        snprintf(port, sizeof(port), ":%u", url->port);
    snprintf(text, sizeof(text), "Host: %s%.*s%s%s", url->host_is_ipv6 ? "[" : "",
             (int)url->host.size, (const char *)url->host.data, url->host_is_ipv6 ? "]" : "", port);
    expect(in, text);
}

static void expect_header(reader *in, const char *name, const char *value)
{
    size_t size = strlen(name) + 2 + strlen(value) + 1;
    char *text = malloc(size);
    FUZZ_CHECK(text != NULL);
    snprintf(text, size, "%s:%s%s", name, value[0] != '\0' ? " " : "", value);
    expect(in, text);
    free(text);
}

static void check_request_line(reader *in, const rp_message_source *request)
{
    rp_slice line = read_line(in);
    const char *text = (const char *)line.data;
    size_t method = strlen(request->method);
    size_t target = request->url->path.size + request->url->query.size;
    if (request->url->path.size == 0)
        target++;
    FUZZ_CHECK(line.size == method + 1 + target + strlen(" HTTP/1.1"));
    FUZZ_CHECK(rp__is_token(text, method) && memcmp(text, request->method, method) == 0);
    FUZZ_CHECK(text[method] == ' ' && text[method + 1] == '/');
    FUZZ_CHECK(memchr(text + method + 1, ' ', target) == NULL);
    FUZZ_CHECK(memcmp(text + line.size - 9, " HTTP/1.1", 9) == 0);
}

/* A second, straightforward writer says what stands there. */
static void check_head(const char *head, size_t size, const rp_message_source *request)
{
    reader in = {head, head + size};
    const char *method = request->method;
    check_request_line(&in, request);
    if (find(request, "host") == NULL)
        expect_host(&in, request->url);
    else
        expect_header(&in, "Host", find(request, "host"));
    if (find(request, "user-agent") == NULL && request->user_agent.size > 0)
        expect_header(&in, "User-Agent", request->user_agent.text);
    if (find(request, "accept") == NULL)
        expect(&in, "Accept: */*");
    for (size_t i = 0; i < request->header_count; i++) {
        const rp_header *header = &request->headers[i];
        bool suppressed = header->value[0] == '\0' &&
                          (is(header->name, "user-agent") || is(header->name, "accept") ||
                           is(header->name, "content-length"));
        FUZZ_CHECK(!is(header->name, "transfer-encoding"));
        if (!suppressed && !is(header->name, "host"))
            expect_header(&in, header->name, header->value);
    }
    bool expects =
        strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
    char length[32];
    snprintf(length, sizeof(length), "%llu",
             (unsigned long long)(request->has_body ? request->body_size : 0));
    const char *own = find(request, "content-length");
    if (own != NULL && own[0] == '\0')
        FUZZ_CHECK(!request->has_body);
    else if (own != NULL)
        FUZZ_CHECK(strtoull(own, NULL, 10) == strtoull(length, NULL, 10));
    else if (request->has_body || expects)
        expect_header(&in, "Content-Length", length);
    expect(&in, "");
    FUZZ_CHECK(in.at == in.end);
}

static int stop(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED;
}

/* A parser of somebody else's agrees, if it knows the method. */
static void check_parses(const char *head, size_t size, const rp_message_source *request)
{
    llhttp_settings_t settings;
    llhttp_t parser;
    llhttp_settings_init(&settings);
    settings.on_headers_complete = stop;
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    llhttp_errno_t result = llhttp_execute(&parser, head, size);
    if (result == HPE_INVALID_METHOD)
        return;
    FUZZ_CHECK(result == HPE_PAUSED);
    FUZZ_CHECK(llhttp_get_error_pos(&parser) == head + size);
    FUZZ_CHECK(strcmp(llhttp_method_name((llhttp_method_t)parser.method), request->method) == 0);
}

/* Packed into little room first, which leaves nothing there. */
static rp_status pack(rp_message *message, const rp_message_source *request, uint8_t *bytes,
                      size_t room, rp_error *error)
{
    rp_status status = rp__message_pack(message, request, bytes, room, error);
    if (status == RP_OK && message->size <= room)
        return status;
    for (size_t i = 0; i < room; i++)
        FUZZ_CHECK(bytes[i] == 0 || bytes[i] == 0xEE);
    return status;
}

static void run(const rp_message_source *request, size_t room)
{
    rp_error error = {.status = RP_OK};
    rp_message message;
    uint8_t *bytes = malloc(room + 1);
    FUZZ_CHECK(bytes != NULL);
    memset(bytes, 0xEE, room);
    rp_status status = pack(&message, request, bytes, room, &error);
    if (status == RP_OK && message.size > room) {
        size_t size = message.size;
        free(bytes);
        bytes = malloc(size);
        FUZZ_CHECK(bytes != NULL);
        FUZZ_CHECK(rp__message_pack(&message, request, bytes, size, &error) == RP_OK);
        FUZZ_CHECK(message.size == size);
    }
    if (status == RP_OK) {
        size_t bound = rp__h1_request_bound(&message, NULL);
        char *text = malloc(bound);
        FUZZ_CHECK(text != NULL);
        size_t size = rp__h1_request_write(&message, NULL, (uint8_t *)text);
        FUZZ_CHECK(size <= bound);
        check_head(text, size, request);
        check_parses(text, size, request);
        free(text);
    } else {
        FUZZ_CHECK(status == RP_E_BAD_HEADER);
        FUZZ_CHECK(error.status == status && error.text[0] != '\0');
    }
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    rp_header headers[HEADERS] = {{NULL, NULL}};
    uint8_t flags = fuzz_byte(&input), room = fuzz_byte(&input);
    char *method = fuzz_string(&input), *text = fuzz_string(&input), *agent = fuzz_string(&input);
    rp_url url;
    rp_message_source request = {
        .method = method,
        .url = &url,
        .headers = headers,
        .user_agent = rp__user_agent_of(agent),
        .has_body = flags & 1,
        .body_size = flags & 2 ? RP_LENGTH_UNKNOWN - 1 - (flags >> 2) : flags >> 2,
    };
    for (; request.header_count < HEADERS && input.size > 0; request.header_count++) {
        headers[request.header_count].name = fuzz_string(&input);
        headers[request.header_count].value = fuzz_string(&input);
    }
    if (rp__url_parse(&url, text, strlen(text), NULL) != RP_OK)
        FUZZ_CHECK(rp__url_parse(&url, "http://h", 8, NULL) == RP_OK);
    run(&request, (size_t)room * 4);
    for (size_t i = 0; i < request.header_count; i++) {
        free((char *)(uintptr_t)headers[i].name);
        free((char *)(uintptr_t)headers[i].value);
    }
    free(method);
    free(text);
    free(agent);
    return 0;
}

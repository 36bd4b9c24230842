/* fuzz_url.c - URLs and IP literals: what parses can be put together again, and parses as the same.
 */
#include "fuzz/support/fuzz.h"

#include "base/address.h"
#include "http/reference.h"
#include "http/url.h"
#include <ringport/http.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool inside(rp_slice slice, const char *text, size_t size)
{
    const char *begin = (const char *)slice.data;
    return slice.size == 0 ||
           (begin >= text && begin <= text + size && slice.size <= (size_t)(text + size - begin));
}

static bool same(rp_slice a, rp_slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static bool has(rp_slice slice, const char *characters)
{
    for (size_t i = 0; i < slice.size; i++) {
        if (slice.data[i] <= ' ' || slice.data[i] >= 0x7f || strchr(characters, slice.data[i]))
            return true;
    }
    return false;
}

static void check_parts(const rp_url *url, const char *text, size_t size)
{
    FUZZ_CHECK(size <= RP_URL_LIMIT);
    FUZZ_CHECK(inside(url->host, text, size) && inside(url->path, text, size));
    FUZZ_CHECK(inside(url->query, text, size) && inside(url->userinfo, text, size));
    FUZZ_CHECK(url->host.size > 0 && url->host.size <= RP_HOST_LIMIT);
    FUZZ_CHECK(!has(url->host, url->host_is_ipv6 ? "/?#@[]%" : "/?#@[]%:\\"));
    FUZZ_CHECK(!has(url->userinfo, "/?#@[]\\"));
    FUZZ_CHECK(!has(url->path, "?#") && !has(url->query, "#"));
    FUZZ_CHECK(url->path.size == 0 || url->path.data[0] == '/');
    FUZZ_CHECK(url->query.size == 0 || url->query.data[0] == '?');
    FUZZ_CHECK(url->port > 0);
    FUZZ_CHECK(url->port_is_default == (url->port == (url->https ? 443 : 80)));
    if (url->host_is_ipv6) {
        rp_address address;
        FUZZ_CHECK(rp__address_parse(&address, (const char *)url->host.data, url->host.size));
        FUZZ_CHECK(address.family == 6 && address.scope == 0);
    }
}

static void check_again(const rp_url *url, size_t size)
{
    size_t capacity = size + 32;
    char *text = malloc(capacity), port[8] = "";
    FUZZ_CHECK(text != NULL);
    if (!url->port_is_default)
        snprintf(port, sizeof(port), ":%u", url->port);
    int written = snprintf(
        text, capacity, "%s://%.*s%s%s%.*s%s%s%.*s%.*s", url->https ? "https" : "http",
        (int)url->userinfo.size, (const char *)url->userinfo.data,
        url->userinfo.size > 0 ? "@" : "", url->host_is_ipv6 ? "[" : "", (int)url->host.size,
        (const char *)url->host.data, url->host_is_ipv6 ? "]" : "", port, (int)url->path.size,
        (const char *)url->path.data, (int)url->query.size, (const char *)url->query.data);
    FUZZ_CHECK(written > 0 && (size_t)written <= size);
    rp_url again;
    rp_error error;
    FUZZ_CHECK(rp__url_parse(&again, text, (size_t)written, &error) == RP_OK);
    FUZZ_CHECK(again.https == url->https && again.host_is_ipv6 == url->host_is_ipv6);
    FUZZ_CHECK(again.port == url->port && again.port_is_default == url->port_is_default);
    FUZZ_CHECK(same(again.host, url->host) && same(again.path, url->path));
    FUZZ_CHECK(same(again.query, url->query) && same(again.userinfo, url->userinfo));
    free(text);
}

static void check_address(const char *text, size_t size)
{
    rp_address address = {.port = 443}, again = {.port = 443};
    char buffer[RP_ADDRESS_TEXT_SIZE], *copy;
    if (!rp__address_parse(&address, text, size))
        return;
    FUZZ_CHECK(address.family == 4 || address.family == 6);
    FUZZ_CHECK(address.port == 443);
    rp__address_text(&address, false, buffer);
    copy = fuzz_copy(buffer, strlen(buffer));
    FUZZ_CHECK(rp__address_parse(&again, copy, strlen(buffer)));
    FUZZ_CHECK(again.family == address.family && again.scope == address.scope);
    FUZZ_CHECK(memcmp(again.bytes, address.bytes, address.family == 4 ? 4 : 16) == 0);
    free(copy);
}

static char *text_of(const char *data, size_t size)
{
    char *text = malloc(size + 1);
    FUZZ_CHECK(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

/* The input as a reference, behind its first line as a base: what comes out is a URL without a dot
 * segment, and resolving that against anything changes nothing of it. */
static void check_reference(const char *data, size_t size)
{
    const char *line = memchr(data, '\n', size), *from = line == NULL ? data : line + 1;
    size_t base_size = line == NULL ? 0 : (size_t)(line - data);
    size_t reference_size = size - (size_t)(from - data);
    rp_url url, again;
    rp_error error = {.status = RP_OK};
    if (memchr(data, '\0', size) != NULL)
        return;
    char *base = base_size > 0 ? text_of(data, base_size) : text_of("https://h/a/b?c#d", 17);
    char *reference = text_of(from, reference_size);
    size_t bound = 3 * (base_size + reference_size) + 64;
    char *text = malloc(bound), *same_text = malloc(3 * bound);
    FUZZ_CHECK(text != NULL && same_text != NULL);
    if (rp_url_join(text, bound, base, reference, &error) == RP_OK) {
        FUZZ_CHECK(rp__url_parse(&url, text, strlen(text), &error) == RP_OK);
        FUZZ_CHECK(strlen(text) < rp__reference_bound(strlen(base), reference_size));
        FUZZ_CHECK(rp__reference_resolve(same_text, &again, "http://other/x", text, &error) ==
                   RP_OK);
        FUZZ_CHECK(again.https == url.https && same(again.host, url.host));
        /* The base's own path is taken as it is. */
        char first = reference[strspn(reference, " \t")];
        FUZZ_CHECK(same(again.path, url.path) || strchr("?#", first) != NULL);
        FUZZ_CHECK(same(again.query, url.query));
    } else {
        FUZZ_CHECK(error.text[0] != '\0');
    }
    free(base);
    free(reference);
    free(text);
    free(same_text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    rp_url url, without;
    rp_error error = {.status = RP_OK};
    char *copy = fuzz_copy(text, size); /* data may be NULL */
    rp_status status = rp__url_parse(&url, copy, size, &error);
    FUZZ_CHECK(rp__url_parse(&without, copy, size, NULL) == status);
    if (status == RP_OK) {
        check_parts(&url, copy, size);
        check_again(&url, size);
    } else {
        FUZZ_CHECK(status == RP_E_BAD_URL && error.status == status);
        FUZZ_CHECK(error.phase == RP_PHASE_NONE && error.text[0] != '\0');
        fuzz_feature_text(1, error.text + strlen(error.text) / 2);
    }
    check_address(copy, size);
    if (size > 0)
        check_reference(copy, size);
    free(copy);
    return 0;
}

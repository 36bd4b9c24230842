/* fuzz_cookies.c - the tool's cookie jar: limits hold, no cookie goes where it may not, nothing is
 * sent that no header can have, and what is written is read again.
 *
 * Input: up to a NUL a file of cookies, then texts, each up to a NUL: Set-Cookie headers of the
 * URLs by turns. */
#include "fuzz/support/fuzz.h"

#include "cookies.h"

#include <stdlib.h>
#include <string.h>

#define NOW 1700000000

static const char *const urls[] = {"https://www.example.com/a/b?c", "http://www.example.com/a/",
                                   "http://example.com", "https://192.0.2.7:8443/",
                                   "http://localhost/x"};
#define URLS (sizeof(urls) / sizeof(urls[0]))

static void check_jar(const cookie_jar *jar)
{
    FUZZ_CHECK(jar->count <= COOKIES_LIMIT && jar->count <= jar->capacity);
    for (size_t i = 0; i < jar->count; i++) {
        const cookie *c = &jar->cookies[i];
        FUZZ_CHECK(c->name[0] != '\0' && strlen(c->name) + strlen(c->value) <= COOKIE_LIMIT);
        FUZZ_CHECK(c->path[0] == '/' && c->expires >= 0);
        for (size_t j = 0; j < i; j++)
            FUZZ_CHECK(strcmp(c->name, jar->cookies[j].name) != 0 ||
                       strcmp(c->domain, jar->cookies[j].domain) != 0 ||
                       c->host_only != jar->cookies[j].host_only ||
                       strcmp(c->path, jar->cookies[j].path) != 0);
    }
}

/* In a jar that has nothing but this one, is it sent there? */
static bool is_sent(const cookie *c, const char *url)
{
    cookie_jar one = {.cookies = (cookie *)(uintptr_t)c, .count = 1, .capacity = 1};
    char *line;
    FUZZ_CHECK(cookies_send(&one, url, NULL, NOW, &line));
    bool sent = line != NULL;
    for (const char *at = line; sent && *at != '\0'; at++)
        FUZZ_CHECK((uint8_t)*at >= 0x20 && *at != 0x7f);
    free(line);
    return sent;
}

static void check_sent(const cookie *c)
{
    bool sent[URLS];
    for (size_t i = 0; i < URLS; i++)
        sent[i] = is_sent(c, urls[i]);
    FUZZ_CHECK(!c->secure || (!sent[1] && !sent[2]));
    FUZZ_CHECK(c->expires == 0 || c->expires > NOW || !sent[0]);
    if (c->domain[0] == '\0') /* of a file that does not say whose it is */
        return;
    bool parent = strcmp(c->domain, "example.com") == 0 || strcmp(c->domain, "com") == 0;
    FUZZ_CHECK(parent || !sent[2]);
    FUZZ_CHECK(!parent || !c->host_only || !sent[0]);
    FUZZ_CHECK(strcmp(c->domain, "192.0.2.7") == 0 || !sent[3]);
    FUZZ_CHECK(strcmp(c->domain, "localhost") == 0 || !sent[4]);
}

static cookie_jar read_jar(FILE *file)
{
    cookie_jar jar = {.count = 0};
    rewind(file);
    FUZZ_CHECK(cookies_read(&jar, file, false, NOW));
    check_jar(&jar);
    return jar;
}

/* But for those that say no domain, and what a file has for a comment. */
static void check_written(const cookie_jar *jar)
{
    FILE *file = tmpfile();
    FUZZ_CHECK(file != NULL && cookies_write(jar, file, NOW));
    cookie_jar again = read_jar(file);
    for (size_t i = 0; i < jar->count; i++) {
        const cookie *c = &jar->cookies[i];
        bool found =
            (c->expires != 0 && c->expires <= NOW) || c->domain[0] == '\0' || c->domain[0] == '#';
        for (size_t j = 0; !found && j < again.count; j++) {
            const cookie *d = &again.cookies[j];
            found = strcmp(c->name, d->name) == 0 && strcmp(c->value, d->value) == 0 &&
                    strcmp(c->domain, d->domain) == 0 && strcmp(c->path, d->path) == 0 &&
                    c->expires == d->expires && c->host_only == d->host_only &&
                    c->secure == d->secure && c->http_only == d->http_only;
        }
        FUZZ_CHECK(found);
    }
    cookies_free(&again);
    fclose(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    char *text = fuzz_string(&input);
    FILE *file = tmpfile();
    FUZZ_CHECK(file != NULL && fwrite(text, 1, strlen(text), file) == strlen(text));
    cookie_jar jar = read_jar(file);
    fclose(file);
    free(text);
    for (size_t i = 0; input.size > 0 && i < 100; i++) {
        text = fuzz_string(&input);
        FUZZ_CHECK(cookies_receive(&jar, urls[i % URLS], text, NOW));
        free(text);
    }
    check_jar(&jar);
    for (size_t i = 0; i < jar.count; i++)
        check_sent(&jar.cookies[i]);
    check_written(&jar);
    cookies_free(&jar);
    return 0;
}

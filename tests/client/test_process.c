/* test_process.c - ringport in a process that forks, and what is left of secrets in one.
 *
 * Each child ends by _exit, with a number that says what went wrong; 0: nothing. */
#include "support/check.h"
#include "support/web.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- children ---- */

/* What the child's run returned. A signal, or half a minute, fails the test. */
static int in_child(int (*run)(void *argument), void *argument)
{
    int status = 0;
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        (void)alarm(30);
        _exit(run(argument));
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        fail_msg("the child died of signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

/* ---- secrets in the whole of a process's memory ---- */

enum { SECRET_BYTES = 24 };

typedef struct secret {
    char hidden[2][SECRET_BYTES]; /* each byte exclusive-or 0x55: this is no copy */
} secret;

/* Another one each time, as the parent's server keeps what it read; and made here, so that no file
 * holds it. */
static void make_secret(secret *s)
{
    static uint32_t chance = 1;
    for (unsigned i = 0; i < 2 * SECRET_BYTES; i++) {
        chance = chance * 1664525u + 1013904223u;
        s->hidden[i / SECRET_BYTES][i % SECRET_BYTES] = (char)(('a' + (chance >> 24) % 26) ^ 0x55);
    }
}

static void reveal(const secret *s, int which, char *text)
{
    for (int i = 0; i < SECRET_BYTES; i++)
        text[i] = (char)(s->hidden[which][i] ^ 0x55);
}

static void conceal(void *text, size_t size)
{
    volatile char *bytes = text;
    for (size_t i = 0; i < size; i++)
        bytes[i] = 0;
}

static bool matches(const char *at, const char *hidden)
{
    for (size_t i = 0; i < SECRET_BYTES; i++) {
        if (at[i] != (char)(hidden[i] ^ 0x55))
            return false;
    }
    return true;
}

static int copies_between(const char *at, const char *end, const char *hidden)
{
    int found = 0;
    for (; end - at >= SECRET_BYTES; at++) {
        at = memchr(at, hidden[0] ^ 0x55, (size_t)(end - at) - SECRET_BYTES + 1);
        if (at == NULL)
            break;
        found += matches(at, hidden);
    }
    return found;
}

/* In everything that can be written, the stack included. */
static int copies(const char *hidden)
{
    static char text[1 << 20], piece[1 << 20]; /* not on the heap, which this reads */
    size_t size = 0;
    ssize_t got;
    int maps = open("/proc/self/maps", O_RDONLY), memory = open("/proc/self/mem", O_RDONLY);
    int found = 0;
    while ((got = read(maps, text + size, sizeof(text) - 1 - size)) > 0)
        size += (size_t)got;
    text[size] = '\0';
    for (char *line = text; line != NULL && *line != '\0';) {
        unsigned long long begin = 0, end = 0;
        char rights[8] = "";
        (void)sscanf(line, "%llx-%llx %7s", &begin, &end, rights);
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
        if (rights[0] != 'r' || rights[1] != 'w' || (end - begin) >> 30 > 0)
            continue; /* a sanitizer's, where it is so large */
        while (begin < end) {
            size_t part = end - begin < sizeof(piece) ? (size_t)(end - begin) : sizeof(piece);
            if (pread(memory, piece, part, (off_t)begin) != (ssize_t)part)
                break;
            found += copies_between(piece, piece + part, hidden);
            begin += part == end - begin ? part : part - SECRET_BYTES;
        }
    }
    conceal(piece, sizeof(piece));
    (void)close(maps);
    (void)close(memory);
    return found;
}

typedef struct holder {
    const char *backend;
    const char *url;
    rp_tls_config *tls;
    secret secret;
    rp_status status;
    size_t cancelled_after; /* turns; 0: not */
    size_t body_bytes;
} holder;

static void keep_status(rp_collected *collected, const rp_response_summary *summary, void *user)
{
    holder *h = user;
    h->status = summary->error == NULL ? RP_OK : summary->error->status;
    CHECK(summary->error != NULL || collected->body_size >= SECRET_BYTES);
}

/* The server answers with what the body says: the second secret is in request and response. */
static int hold_secrets(void *argument)
{
    holder *h = argument;
    char *token = calloc(1, SECRET_BYTES + 1), *body = calloc(1, h->body_bytes);
    CHECK(token != NULL && body != NULL);
    reveal(&h->secret, 0, token);
    reveal(&h->secret, 1, body);
    rp_loop *loop = NULL;
    rp_client *client = NULL;
    rp_loop_options loop_options = {.backend = h->backend};
    rp_client_options options = {.tls = h->tls};
    rp_header header = {"Authorization", token};
    rp_request_options request = {.url = h->url,
                                  .headers = &header,
                                  .header_count = 1,
                                  .body = body,
                                  .body_size = h->body_bytes,
                                  .total_timeout_ms = 10000};
    rp_collected answer = {.on_done = keep_status, .user = h};
    CHECK(rp_loop_create(&loop, &loop_options, NULL) == RP_OK);
    CHECK(rp_client_create(&client, loop, &options, NULL) == RP_OK);
    h->status = RP_E_INTERNAL;
    rp_request *started = rp_client_send(client, &request, &rp_collect_events, &answer, NULL);
    CHECK(started != NULL);
    for (size_t i = 0; i < h->cancelled_after; i++)
        (void)rp_loop_turn(loop, 5);
    if (h->cancelled_after > 0 && h->status == RP_E_INTERNAL)
        rp_request_cancel(started);
    rp_loop_run(loop);
    rp_client_destroy(client);
    rp_tls_config_release(h->tls);
    rp_loop_destroy(loop);
    conceal(token, SECRET_BYTES);
    conceal(body, SECRET_BYTES);
    free(token);
    free(body);
    if (h->cancelled_after == 0 && h->status != RP_OK)
        return 100;
    return copies(h->secret.hidden[0]) + 10 * copies(h->secret.hidden[1]);
}

static void test_no_copy_is_left(void **state)
{
    static const int versions[] = {0, 12, 13};
    (void)state;
    for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
        for (size_t i = 0; i < 8; i++) {
            holder h = {.backend = fixture_backend(),
                        .cancelled_after = i / 2,
                        .body_bytes = i % 2 == 0 ? SECRET_BYTES : 50000};
            server_options serving = {.tls = probe_server_tls("server-ecdsa", versions[v]),
                                      .backend = fixture_backend()};
            h.tls = probe_client_tls(versions[v]);
            make_secret(&h.secret);
            server *s = server_start_thread(&serving);
            h.url = server_url(s, "/echo");
            int left = in_child(hold_secrets, &h);
            if (left != 0)
                fail_msg("version %d, %zu bytes, cancelled after %zu turns: %d", versions[v],
                         h.body_bytes, h.cancelled_after, left);
            server_stop(s);
            rp_tls_config_release(h.tls);
            rp_tls_config_release(serving.tls);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test_real(test_no_copy_is_left),
    };
    return fixture_run(tests);
}

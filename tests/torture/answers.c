/* answers.c - what the servers say. The request's path decides:
 *
 *   /size/N      N bytes at once           /chunked/N   in chunks, with a trailer
 *   /until/N     N bytes until the end     /slow/N      in pieces, with time between them
 *   /never       nothing, ever             /part/N      half of N bytes, then nothing
 *   /early/N     100, 103, and then N      /continue/N  100 when the head is there
 *   /silent/N    N bytes, and the connection closes though nothing announced it
 *   /upgrade/N   101, and N bytes behind it
 *   /up/N        10 bytes; the request's body is N bytes, and none that is cut is taken for whole
 *   /enough/N    no body of its own, when the head is there
 *   /away/N      a redirect to the other server's /size/N
 *   /coded/NAME/N  N bytes, encoded
 *
 * And of a server that speaks HTTP/2, the first such request but that of /http1:
 *
 *   /refused/N   is refused                /421/N       is answered so
 *   /left/N      is left undone (GOAWAY)   /http1/N     is wanted by HTTP/1.1
 *
 * and then N bytes. */
#include "torture/torture.h"

#include "swarm/coding.h"

#include <stdlib.h>
#include <string.h>

#define PIECE 700u

static void body_part(rp_sim_exchange *x, uint64_t from, uint64_t size)
{
    char bytes[4096];
    while (size > 0) {
        size_t part = size < sizeof(bytes) ? (size_t)size : sizeof(bytes);
        for (size_t i = 0; i < part; i++)
            bytes[i] = (char)torture_byte(from + i);
        rp_sim_data(x, bytes, part);
        from += part;
        size -= part;
    }
}

static void whole(rp_sim_exchange *x, uint64_t size)
{
    rp_sim_head(x, 200, NULL, size);
    body_part(x, 0, size);
}

static void chunked(rp_sim_exchange *x, uint64_t size)
{
    rp_sim_head(x, 200, "Trailer: X-Sum\r\n", RP_SIM_SIZE_UNKNOWN);
    for (uint64_t at = 0; at < size; at += PIECE)
        body_part(x, at, size - at < PIECE ? size - at : PIECE);
    rp_sim_trailers(x, "X-Sum: 1\r\n");
}

/* Until the connection ends; HTTP/2's streams have an end of their own. */
static void unframed(rp_sim_exchange *x, uint64_t size)
{
    if (rp_sim_version(x) == 20)
        rp_sim_head(x, 200, NULL, RP_SIM_SIZE_UNKNOWN);
    else
        rp_sim_print(x, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    body_part(x, 0, size);
}

static void away(rp_sim_exchange *x, const torture *t, uint64_t size)
{
    char line[96];
    (void)snprintf(line, sizeof(line), "Location: http%s://b.example.test/size/%u\r\n",
                   t->scenario->versions == 0 ? "" : "s", (unsigned)size);
    rp_sim_respond(x, 302, line, "elsewhere", 9);
}

static void coded(rp_sim_exchange *x, const char *target)
{
    char line[64];
    for (int kind = 0; kind < CODINGS; kind++) {
        const char *name = coding_name((coding_kind)kind);
        size_t length = strlen(name), size;
        if (strncmp(target, name, length) != 0 || target[length] != '/')
            continue;
        size = strtoull(target + length + 1, NULL, 10);
        uint8_t *bytes = malloc(size);
        CHECK(bytes != NULL);
        for (size_t i = 0; i < size; i++)
            bytes[i] = torture_byte(i);
        uint8_t *encoded = coding_encode((coding_kind)kind, bytes, &size, 1000, false);
        (void)snprintf(line, sizeof(line), "Content-Encoding: %s\r\n", name);
        rp_sim_respond(x, 200, line, encoded, size);
        free(encoded);
        free(bytes);
    }
}

static void slow(rp_sim_exchange *x, uint64_t size)
{
    rp_sim_head(x, 200, NULL, size);
    for (uint64_t at = 0; at < size; at += PIECE) {
        rp_sim_wait(x, 5);
        body_part(x, at, size - at < PIECE ? size - at : PIECE);
    }
}

/* A stream whose script does not end; HTTP/1.1 has the connection for it. */
static void stall(rp_sim_exchange *x)
{
    if (rp_sim_version(x) != 20)
        rp_sim_end(x, RP_SIM_END_STALLED);
}

static bool is(const char *target, const char *what, uint64_t *size)
{
    size_t length = strlen(what);
    if (strncmp(target, what, length) != 0)
        return false;
    *size = strtoull(target + length, NULL, 10);
    return true;
}

/* Of a kind that is given back at first. */
static bool given_back_before(const char *target)
{
    static const char *const kinds[] = {"/refused/", "/left/", "/http1/", "/421/"};
    uint64_t size;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (is(target, kinds[i], &size))
            return true;
    }
    return false;
}

/* By either version. True: it was answered, or given back. */
static bool give_back(rp_sim_exchange *x, torture *t)
{
    static char body[1000];
    const char *target = rp_sim_target(x);
    uint32_t stream = rp_sim_stream(x), last = stream > 1 ? stream - 2 : 0;
    uint64_t size;
    if (!given_back_before(target))
        return false;
    bool first = t->given_back == 0;
    if (is(target, "/refused/", &size) && first)
        rp_sim_reset_stream(x, 7);
    else if (is(target, "/left/", &size) && first)
        rp_sim_goaway(rp_sim_connection(x), last, 0, NULL);
    else if (is(target, "/http1/", &size) && rp_sim_version(x) == 20)
        rp_sim_reset_stream(x, 13), first = true;
    else if (is(target, "/421/", &size) && first)
        rp_sim_respond(x, 421, NULL, "", 0);
    else
        first = false;
    t->given_back += first;
    if (first)
        return true;
    size = strtoull(strrchr(target, '/') + 1, NULL, 10);
    CHECK(size <= sizeof(body));
    for (size_t i = 0; i < size; i++)
        body[i] = (char)torture_byte(i);
    rp_sim_respond(x, 200, NULL, body, (size_t)size);
    return true;
}

static void check_upload(rp_sim_exchange *x, uint64_t size)
{
    size_t got;
    const uint8_t *body = rp_sim_body(x, &got);
    CHECK(got == size);
    for (size_t i = 0; i < got; i++)
        CHECK(body[i] == torture_byte(i));
}

void answer_head(rp_sim_exchange *x, void *user)
{
    uint64_t size;
    (void)user;
    if (is(rp_sim_target(x), "/continue/", &size))
        rp_sim_head(x, 100, NULL, 0);
    else if (is(rp_sim_target(x), "/enough/", &size))
        rp_sim_respond(x, 200, NULL, "", 0);
}

void answer(rp_sim_exchange *x, void *user)
{
    static const char zeros[4096];
    const char *target = rp_sim_target(x);
    rp_sim_ending ending = RP_SIM_KEEP;
    uint64_t size;
    if (give_back(x, user))
        return;
    if (is(target, "/chunked/", &size)) {
        chunked(x, size);
    } else if (is(target, "/until/", &size)) {
        unframed(x, size);
        ending = RP_SIM_CLOSE;
    } else if (is(target, "/slow/", &size)) {
        slow(x, size);
    } else if (is(target, "/never", &size)) {
        stall(x);
        return;
    } else if (is(target, "/part/", &size)) {
        rp_sim_head(x, 200, NULL, size);
        body_part(x, 0, size / 2);
        stall(x);
        return;
    } else if (is(target, "/away/", &size)) {
        away(x, user, size);
        return;
    } else if (is(target, "/coded/", &size)) {
        coded(x, target + strlen("/coded/"));
        return;
    } else if (is(target, "/early/", &size)) {
        rp_sim_head(x, 100, NULL, 0);
        rp_sim_head(x, 103, "A: b\r\n", 0);
        whole(x, size);
    } else if (is(target, "/upgrade/", &size)) {
        CHECK(size <= sizeof(zeros));
        rp_sim_upgrade(x, "Connection: Upgrade\r\nUpgrade: bytes\r\n");
        rp_sim_write(x, zeros, (size_t)size);
        ending = RP_SIM_CLOSE;
    } else if (is(target, "/silent/", &size)) {
        whole(x, size);
        ending = RP_SIM_CLOSE;
    } else if (is(target, "/up/", &size)) {
        check_upload(x, size);
        whole(x, 10);
    } else {
        CHECK(is(target, "/size/", &size) || is(target, "/continue/", &size));
        whole(x, size);
    }
    rp_sim_end(x, ending);
}

/* answers.c - what the servers say. The request's path decides:
 *
 *   /size/N      N bytes at once           /chunked/N   in chunks, with a trailer
 *   /until/N     N bytes until the end     /slow/N      in pieces, with time between them
 *   /never       nothing, ever             /part/N      half of N bytes, then nothing
 *   /early/N     100, 103, and then N      /continue/N  100 when the head is there
 *   /silent/N    N bytes, and the connection closes though nothing announced it */
#include "torture/torture.h"

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
        rp_sim_write(x, bytes, part);
        from += part;
        size -= part;
    }
}

static void whole(rp_sim_exchange *x, uint64_t size)
{
    rp_sim_print(x, "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n", (unsigned long long)size);
    body_part(x, 0, size);
}

static void chunked(rp_sim_exchange *x, uint64_t size)
{
    rp_sim_print(x, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n");
    for (uint64_t at = 0; at < size; at += PIECE) {
        uint64_t part = size - at < PIECE ? size - at : PIECE;
        rp_sim_print(x, "%llx\r\n", (unsigned long long)part);
        body_part(x, at, part);
        rp_sim_print(x, "\r\n");
    }
    rp_sim_print(x, "0\r\nX-Sum: 1\r\n\r\n");
}

static void slow(rp_sim_exchange *x, uint64_t size)
{
    rp_sim_print(x, "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n", (unsigned long long)size);
    for (uint64_t at = 0; at < size; at += PIECE) {
        rp_sim_wait(x, 5);
        body_part(x, at, size - at < PIECE ? size - at : PIECE);
    }
}

static bool is(const char *target, const char *what, uint64_t *size)
{
    size_t length = strlen(what);
    if (strncmp(target, what, length) != 0)
        return false;
    *size = strtoull(target + length, NULL, 10);
    return true;
}

void answer_head(rp_sim_exchange *x, void *user)
{
    uint64_t size;
    (void)user;
    if (is(rp_sim_target(x), "/continue/", &size))
        rp_sim_print(x, "HTTP/1.1 100 Continue\r\n\r\n");
}

void answer(rp_sim_exchange *x, void *user)
{
    const char *target = rp_sim_target(x);
    rp_sim_ending ending = RP_SIM_KEEP;
    uint64_t size;
    (void)user;
    if (is(target, "/chunked/", &size)) {
        chunked(x, size);
    } else if (is(target, "/until/", &size)) {
        rp_sim_print(x, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        body_part(x, 0, size);
        ending = RP_SIM_CLOSE;
    } else if (is(target, "/slow/", &size)) {
        slow(x, size);
    } else if (is(target, "/never", &size)) {
        ending = RP_SIM_END_STALLED;
    } else if (is(target, "/part/", &size)) {
        rp_sim_print(x, "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n",
                     (unsigned long long)size);
        body_part(x, 0, size / 2);
        ending = RP_SIM_END_STALLED;
    } else if (is(target, "/early/", &size)) {
        rp_sim_print(x, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n");
        whole(x, size);
    } else if (is(target, "/silent/", &size)) {
        whole(x, size);
        ending = RP_SIM_CLOSE;
    } else {
        CHECK(is(target, "/size/", &size) || is(target, "/continue/", &size));
        whole(x, size);
    }
    rp_sim_end(x, ending);
}

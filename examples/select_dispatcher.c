/* select_dispatcher.c - ringport in a program around a select dispatcher that must not change.
 *
 *   select_dispatcher HOST PORT PATH CA [BACKEND [COUNT]]
 *
 * The host serves sockets of its own, an echo service with time-outs, and has done so for years.
 * What ringport needs of it stands in the lines marked "ringport": one socket to watch for reading,
 * one call when it is readable. Then it makes COUNT (200) HTTPS requests at once, half of them on
 * streams and half by the HTTP client, while a customer of the echo service measures how long that
 * keeps it waiting. */
#ifdef _WIN32 /* the host's own sockets and clock; nothing below asks for the system */
#include <winsock2.h>
#include <ws2tcpip.h>
typedef SOCKET host_socket;
#define host_close closesocket
static int host_start(void)
{
    WSADATA data;
    return WSAStartup(MAKEWORD(2, 2), &data);
}
static unsigned long long host_now_us(void)
{
    LARGE_INTEGER now, second;
    QueryPerformanceCounter(&now);
    QueryPerformanceFrequency(&second);
    return (unsigned long long)(now.QuadPart / (second.QuadPart / 1000000));
}
#else
#include <netinet/in.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
typedef int host_socket;
#define host_close close
static int host_start(void)
{
    return 0;
}
static unsigned long long host_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000;
}
#endif

#include <ringport/ringport.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ======== the host: it knows nothing of ringport ======== */

enum { HOST_WATCHES = 16, ECHO_IDLE_US = 2000000, PING_EVERY_US = 1000 };

typedef struct host_watch {
    bool used, ready;
    host_socket socket;
    void (*readable)(struct host_watch *watch);
    void (*expired)(struct host_watch *watch); /* at deadline_us */
    uint64_t deadline_us;                      /* 0: none */
    void *user;
} host_watch;

static struct host {
    host_watch watches[HOST_WATCHES];
    bool stop;
    unsigned watched_most, echoes, expiries;
    uint64_t echo_most_us, echo_total_us;
} host;

static host_watch *host_watch_add(host_socket s, void (*readable)(host_watch *), void *user)
{
    unsigned used = 1;
    for (host_watch *watch = host.watches; watch < host.watches + HOST_WATCHES; watch++, used++) {
        if (watch->used)
            continue;
        *watch = (host_watch){.used = true, .socket = s, .readable = readable, .user = user};
        if (used > host.watched_most)
            host.watched_most = used;
        return watch;
    }
    fprintf(stderr, "too many sockets for the host\n");
    exit(2);
}

static void host_wait(uint64_t now)
{
    fd_set set;
    host_socket highest = 0;
    uint64_t until = now + 1000000;
    FD_ZERO(&set);
    for (host_watch *watch = host.watches; watch < host.watches + HOST_WATCHES; watch++) {
        if (!watch->used)
            continue;
        FD_SET(watch->socket, &set);
        if (watch->socket > highest)
            highest = watch->socket;
        if (watch->deadline_us != 0 && watch->deadline_us < until)
            until = watch->deadline_us;
    }
    struct timeval wait = {.tv_usec = until > now ? (int)(until - now) : 0};
    if (wait.tv_usec == 1000000)
        wait = (struct timeval){.tv_sec = 1};
    int count = select((int)highest + 1, &set, NULL, NULL, &wait);
    for (host_watch *watch = host.watches; watch < host.watches + HOST_WATCHES; watch++)
        watch->ready = count > 0 && watch->used && FD_ISSET(watch->socket, &set);
}

static void host_run(void)
{
    while (!host.stop || host.expiries == 0) { /* not before the guest was shown the door */
        uint64_t asked_us = host_now_us();     /* what came until then is not too late */
        host_wait(asked_us);
        for (host_watch *watch = host.watches; watch < host.watches + HOST_WATCHES; watch++) {
            if (watch->used && watch->ready)
                watch->readable(watch);
            else if (watch->used && watch->deadline_us != 0 && watch->deadline_us <= asked_us)
                watch->expired(watch);
        }
    }
}

/* ---- the echo service: gives each byte back, shows a silent guest the door ---- */

static void echo_goodbye(host_watch *watch)
{
    (void)host_close(watch->socket);
    watch->used = false;
}

static void echo_expired(host_watch *watch)
{
    host.expiries++;
    echo_goodbye(watch);
}

static void echo_readable(host_watch *watch)
{
    char byte;
    if (recv(watch->socket, &byte, 1, 0) != 1 || send(watch->socket, &byte, 1, 0) != 1)
        echo_goodbye(watch);
    else
        watch->deadline_us = host_now_us() + ECHO_IDLE_US;
}

static void echo_guest(host_watch *watch)
{
    host_watch *guest = host_watch_add(accept(watch->socket, NULL, NULL), echo_readable, NULL);
    guest->deadline_us = host_now_us() + ECHO_IDLE_US;
    guest->expired = echo_expired;
}

/* ---- a customer of the echo service, with a watch: ping, wait for the echo, pause, ping ---- */

static void customer_ping(host_watch *watch)
{
    *(uint64_t *)watch->user = host_now_us();
    watch->deadline_us = 0;
    (void)send(watch->socket, "!", 1, 0);
}

static void customer_readable(host_watch *watch)
{
    char byte;
    uint64_t now = host_now_us(), taken = now - *(uint64_t *)watch->user;
    if (recv(watch->socket, &byte, 1, 0) != 1) {
        fprintf(stderr, "the echo service left its customer\n");
        exit(2);
    }
    host.echoes++;
    host.echo_total_us += taken;
    if (taken > host.echo_most_us)
        host.echo_most_us = taken;
    watch->deadline_us = now + PING_EVERY_US;
    watch->expired = customer_ping;
}

static void silent_readable(host_watch *watch)
{
    echo_goodbye(watch); /* it was shown the door */
}

static void host_open(void)
{
    static uint64_t pinged_us;
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct sockaddr *plain = (struct sockaddr *)&address;
    socklen_t size = sizeof(address);
    host_socket service = socket(AF_INET, SOCK_STREAM, 0);
    host_socket customer = socket(AF_INET, SOCK_STREAM, 0);
    host_socket silent = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(service, plain, size) != 0 || listen(service, 8) != 0 ||
        getsockname(service, plain, &size) != 0 || connect(customer, plain, size) != 0 ||
        connect(silent, plain, size) != 0) {
        fprintf(stderr, "the host can't open its sockets\n");
        exit(2);
    }
    (void)host_watch_add(service, echo_guest, NULL);
    (void)host_watch_add(silent, silent_readable, NULL);
    customer_ping(host_watch_add(customer, customer_readable, &pinged_us));
}

/* ======== what the program wants of ringport: COUNT requests ======== */

enum { HANDSHAKE_MS = 60000 }; /* servers may be slow: the tests' one sends a byte at a time */

typedef struct call {
    rp_write request, end;
    char answer[512];
    size_t answer_size;
    rp_collected collected;
} call;

static struct job {
    rp_loop *loop;
    rp_tls_config *tls;
    rp_client *client;
    const char *host, *path;
    uint16_t port;
    char text[512]; /* the streams' request */
    unsigned count, done, failed;
    uint64_t handshake_calls, request_calls; /* of wolfSSL, for the first connection */
    call *calls;
} job;

static void stream_call(call *c);
static void client_call(call *c);

/* The first connection, alone, shows what one costs; then all at once. */
static void call_done(const char *failure)
{
    if (failure != NULL && job.failed++ == 0)
        fprintf(stderr, "failed: %s\n", failure);
    if (++job.done > job.count)
        host.stop = true;
    if (job.done != 1)
        return;
    job.request_calls = rp_loop_stats_get(job.loop)->tls_calls - job.handshake_calls;
    for (unsigned i = 1; i <= job.count; i++) {
        if (i % 2 == 0)
            stream_call(&job.calls[i]);
        else
            client_call(&job.calls[i]);
    }
}

/* guide: begin stream */
static void stream_opened(rp_stream *stream, const rp_error *error, void *user)
{
    (void)user;
    if (job.handshake_calls == 0)
        job.handshake_calls = rp_loop_stats_get(job.loop)->tls_calls;
    if (error == NULL)
        return;
    call_done(error->text); /* one sentence: which host, what failed, why */
    rp_stream_close(stream);
}

static void stream_data(rp_stream *stream, const uint8_t *data, size_t size, void *user)
{
    call *c = user;
    (void)stream;
    if (size > sizeof(c->answer) - 1 - c->answer_size)
        size = sizeof(c->answer) - 1 - c->answer_size;
    memcpy(c->answer + c->answer_size, data, size);
    c->answer_size += size;
}

static void stream_ended(rp_stream *stream, const rp_error *error, void *user)
{
    call *c = user;
    if (error != NULL) /* RP_E_TRUNCATED: the end was not the server's word */
        call_done(error->text);
    else
        call_done(strncmp(c->answer, "HTTP/1.1 200 ", 13) == 0 ? NULL : c->answer);
    rp_stream_close(stream);
}

static const rp_stream_events stream_events = {
    .on_open = stream_opened, .on_data = stream_data, .on_end = stream_ended};

static void stream_call(call *c)
{
    rp_stream *stream;
    rp_stream_options options = {
        .host = job.host, .port = job.port, .tls = job.tls, .handshake_timeout_ms = HANDSHAKE_MS};
    if (rp_stream_open(&stream, job.loop, &options, &stream_events, c) != RP_OK) {
        call_done("no memory");
        return;
    }
    /* Each waits for what stands before it: nothing has to be tried again. */
    (void)rp_stream_write(stream, &c->request, job.text, strlen(job.text), NULL, NULL);
    (void)rp_stream_shutdown_write(stream, &c->end, NULL, NULL);
}
/* guide: end stream */

/* guide: begin client */
static void collected(rp_collected *c, const rp_response_summary *summary, void *user)
{
    (void)user;
    if (summary->error != NULL)
        call_done(summary->error->text);
    else
        call_done(c->status == 200 ? NULL : "not 200");
}

static void client_call(call *c)
{
    char url[512];
    rp_error error;
    rp_request_options request = {.url = url};
    (void)snprintf(url, sizeof(url), "https://%s:%u%s", job.host, job.port, job.path);
    c->collected.on_done = collected;
    if (!rp_client_send(job.client, &request, &rp_collect_events, &c->collected, &error))
        call_done(error.text);
}
/* guide: end client */

static bool job_start(rp_error *error)
{
    rp_client_options options = {
        .tls = job.tls, .connections_per_origin = job.count, .handshake_timeout_ms = HANDSHAKE_MS};
    if (rp_client_create(&job.client, job.loop, &options, error) != RP_OK)
        return false;
    (void)snprintf(job.text, sizeof(job.text),
                   "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", job.path, job.host);
    job.calls = calloc(job.count + 1, sizeof(*job.calls));
    if (job.calls == NULL)
        return false;
    stream_call(&job.calls[0]);
    return true;
}

static int report(void)
{
    const rp_loop_stats *stats = rp_loop_stats_get(job.loop);
    printf("backend            %s\n", rp_loop_backend(job.loop));
    printf("requests           %u, %u failed\n", job.done, job.failed);
    printf("wakeups            %llu\n", (unsigned long long)stats->wakeups);
    printf("wakeups_spurious   %llu\n", (unsigned long long)stats->wakeups_spurious);
    printf("tls_calls          %llu\n", (unsigned long long)stats->tls_calls);
    printf("tls_calls_idle     %llu\n", (unsigned long long)stats->tls_calls_idle);
    printf("one connection     %llu wolfSSL calls for the handshake, %llu for the request\n",
           (unsigned long long)job.handshake_calls, (unsigned long long)job.request_calls);
    printf("host's sockets     at most %u, one of them ringport's\n", host.watched_most);
    printf("host's echoes      %u, %llu us on average, %llu us at most\n", host.echoes,
           (unsigned long long)(host.echo_total_us / (host.echoes + 1)),
           (unsigned long long)host.echo_most_us);
    printf("host's time-outs   %u\n", host.expiries);
    return job.failed == 0 && stats->wakeups_spurious == 0 && stats->tls_calls_idle == 0 ? 0 : 1;
}

/* guide: begin turn */
static void ringport_readable(host_watch *watch) /* ringport */
{                                                /* ringport */
    (void)rp_loop_turn(watch->user, 0);          /* ringport */
} /* ringport */
/* guide: end turn */

int main(int argc, char **argv)
{
    rp_error error = {.text = "usage: select_dispatcher HOST PORT PATH CA [BACKEND [COUNT]]"};
    rp_tls_options trust = {.ca_file = argc > 4 ? argv[4] : NULL};
    if (argc < 5 || rp_tls_config_create(&job.tls, &trust, &error) != RP_OK || host_start() != 0) {
        fprintf(stderr, "%s\n", error.text);
        return 2;
    }
    job.host = argv[1];
    job.port = (uint16_t)strtoul(argv[2], NULL, 10);
    job.path = argv[3];
    job.count = argc > 6 ? (unsigned)strtoul(argv[6], NULL, 10) : 200;

    /* guide: begin setup */
    rp_loop_options options = {.backend = argc > 5 ? argv[5] : NULL};                /* ringport */
    if (rp_loop_create(&job.loop, &options, &error) != RP_OK) {                      /* ringport */
        fprintf(stderr, "%s\n", error.text);                                         /* ringport */
        return 2;                                                                    /* ringport */
    }                                                                                /* ringport */
    rp_waitable waitable = rp_loop_waitable(job.loop);                               /* ringport */
    (void)host_watch_add((host_socket)waitable.socket, ringport_readable, job.loop); /* ringport */
    /* guide: end setup */

    if (!job_start(&error))
        return 2;
    host_open();
    host_run();
    int status = report();
    rp_client_destroy(job.client);
    rp_loop_destroy(job.loop); /* ringport */
    rp_tls_config_release(job.tls);
    free(job.calls);
    return status;
}

/* gateway.c - a server with a thread for each connection, in front of an https one:
 * gateway https://host [ca.pem]. It prints its own URL, and ends when its standard input does. */
#define _POSIX_C_SOURCE 200809L
#include <ringport/ringport.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { BODY_LIMIT = 4 * 1024 * 1024, DEADLINE_MS = 5000 };

typedef struct gateway {
    const char *upstream; /* "https://host" */
    rp_service *service;
    pthread_mutex_t lock;
    pthread_cond_t none; /* guests is 0 */
    unsigned guests;     /* threads with a connection */
} gateway;

typedef struct guest {
    gateway *gateway;
    int socket;
} guest;

static void send_all(int socket, const void *data, size_t size)
{
    const char *next = data;
    while (size > 0) {
        ssize_t sent = send(socket, next, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the guest has gone */
        next += sent;
        size -= (size_t)sent;
    }
}

static void answer(int socket, int status, const char *type, const void *body, size_t size)
{
    char head[512];
    int length = snprintf(head, sizeof(head),
                          "HTTP/1.1 %d \r\nContent-Type: %.200s\r\nContent-Length: %zu\r\n"
                          "Connection: close\r\n\r\n",
                          status, type != NULL ? type : "application/octet-stream", size);
    send_all(socket, head, (size_t)length);
    send_all(socket, body, size);
}

/* guide: begin blame */
/* What a guest is told of a failure: whose it was, and no more. The sentence is for our log. */
static int status_for(const rp_error *error)
{
    switch (error->status) {
    case RP_E_QUEUE_FULL:
    case RP_E_ORIGIN_QUEUE_FULL:
    case RP_E_QUEUE_SHED:
    case RP_E_QUEUE_TIMEOUT:
        return 503; /* too much at once: later, perhaps */
    case RP_E_BAD_URL:
    case RP_E_BAD_HEADER:
        return 400; /* the guest's words */
    default:
        break;
    }
    switch (rp_status_class_of(error->status)) {
    case RP_CLASS_TIMEOUT:
        return 504;
    case RP_CLASS_CALLER:
        return 500;
    default:
        return 502;
    }
}
/* guide: end blame */

/* guide: begin forward */
static void forward(gateway *g, int socket, const char *target)
{
    char url[4096];
    rp_error error;
    rp_request_options request = {
        .url = url,
        .total_timeout_ms = DEADLINE_MS, /* the guest does not wait longer */
        .retry = &(rp_retry_options){.attempts = 2, .backoff_least_ms = 20},
    };
    (void)snprintf(url, sizeof(url), "%s%s", g->upstream, target);
    rp_response *response = rp_service_call(g->service, &request, 0, BODY_LIMIT, &error);
    const rp_error *why = response == NULL ? &error : &response->error;
    if (why->status != RP_OK) {
        fprintf(stderr, "%s\n", why->text);
        answer(socket, status_for(why), "text/plain", "", 0);
    } else {
        answer(socket, response->status,
               rp_header_value(response->headers, response->header_count, "Content-Type", 0),
               response->body, response->body_size);
    }
    rp_response_free(response);
}
/* guide: end forward */

/* guide: begin metrics */
typedef struct text {
    char *bytes;
    size_t size, room;
} text;

static void add_piece(const char *piece, size_t size, void *user)
{
    text *t = user;
    if (size > t->room - t->size) {
        size_t room = 2 * t->room + size;
        char *bytes = realloc(t->bytes, room);
        if (bytes == NULL)
            return;
        t->bytes = bytes;
        t->room = room;
    }
    memcpy(t->bytes + t->size, piece, size);
    t->size += size;
}

static void answer_metrics(const gateway *g, int socket)
{
    text t = {.bytes = NULL};
    rp_error error;
    if (rp_service_metrics(g->service, add_piece, &t, &error) == RP_OK)
        answer(socket, 200, "text/plain; version=0.0.4", t.bytes, t.size);
    else
        answer(socket, 500, "text/plain", "", 0);
    free(t.bytes);
}
/* guide: end metrics */

/* Reads the head of a GET, and leaves its target in the buffer. NULL: it is none. */
static char *read_target(int socket, char *buffer, size_t size)
{
    const struct timeval patience = {.tv_sec = DEADLINE_MS / 1000};
    size_t length = 0;
    (void)setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    do {
        ssize_t got = length + 1 < size ? recv(socket, buffer + length, size - 1 - length, 0) : 0;
        if (got <= 0)
            return NULL;
        length += (size_t)got;
        buffer[length] = '\0';
    } while (strstr(buffer, "\r\n\r\n") == NULL);
    char *end = strncmp(buffer, "GET /", 5) == 0 ? strchr(buffer + 4, ' ') : NULL;
    if (end == NULL)
        return NULL;
    *end = '\0';
    return buffer + 4;
}

static void *serve(void *user)
{
    guest g = *(guest *)user;
    char buffer[4000];
    char *target = read_target(g.socket, buffer, sizeof(buffer));
    free(user);
    if (target != NULL && strcmp(target, "/metrics") == 0)
        answer_metrics(g.gateway, g.socket);
    else if (target != NULL)
        forward(g.gateway, g.socket, target);
    else
        answer(g.socket, 400, "text/plain", "", 0);
    (void)close(g.socket);
    pthread_mutex_lock(&g.gateway->lock);
    if (--g.gateway->guests == 0)
        pthread_cond_signal(&g.gateway->none);
    pthread_mutex_unlock(&g.gateway->lock);
    return NULL;
}

static void welcome(gateway *g, int socket)
{
    pthread_t thread;
    guest *new = malloc(sizeof(*new));
    if (new != NULL)
        *new = (guest){.gateway = g, .socket = socket};
    pthread_mutex_lock(&g->lock);
    if (new != NULL && pthread_create(&thread, NULL, serve, new) == 0) {
        (void)pthread_detach(thread);
        g->guests++;
    } else {
        (void)close(socket);
        free(new);
    }
    pthread_mutex_unlock(&g->lock);
}

static int listen_on_loopback(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listening < 0 || bind(listening, (struct sockaddr *)&address, size) != 0 ||
        listen(listening, SOMAXCONN) != 0 ||
        getsockname(listening, (struct sockaddr *)&address, &size) != 0)
        return -1;
    printf("http://127.0.0.1:%u\n", ntohs(address.sin_port));
    (void)fflush(stdout);
    return listening;
}

/* guide: begin service */
static bool make_service(gateway *g, const char *ca_file, rp_error *error)
{
    rp_tls_options trust = {.ca_file = ca_file};
    rp_service_options options = {
        .threads = 2, /* one serves some ten thousand requests a second */
        .client =
            {
                .queue_timeout_ms = 2000,
                .limits = {.requests_in_flight = 200, .queue_limit = 400, .shed = true},
            },
    };
    bool good = rp_tls_config_create(&options.client.tls, &trust, error) == RP_OK &&
                rp_service_create(&g->service, &options, error) == RP_OK;
    rp_tls_config_release(options.client.tls); /* the service has its own reference */
    return good;
}

/* Nobody new comes; those who are here are answered, within their deadlines; then it ends. */
static void end(gateway *g)
{
    pthread_mutex_lock(&g->lock);
    while (g->guests > 0)
        pthread_cond_wait(&g->none, &g->lock);
    pthread_mutex_unlock(&g->lock);
    rp_service_destroy(g->service);
}
/* guide: end service */

int main(int argc, char **argv)
{
    gateway g = {.upstream = argc > 1 ? argv[1] : "",
                 .lock = PTHREAD_MUTEX_INITIALIZER,
                 .none = PTHREAD_COND_INITIALIZER};
    rp_error error;
    if (!make_service(&g, argc > 2 ? argv[2] : NULL, &error))
        return fprintf(stderr, "%s\n", error.text), 1;
    int listening = listen_on_loopback();
    struct pollfd ready[] = {{.fd = listening, .events = POLLIN},
                             {.fd = STDIN_FILENO, .events = POLLIN}};
    while (listening >= 0 && poll(ready, 2, -1) > 0 && ready[1].revents == 0) {
        int socket = accept(listening, NULL, NULL);
        if (socket >= 0)
            welcome(&g, socket);
    }
    (void)close(listening);
    end(&g);
    return listening < 0;
}

/* dns_server.c - a scripted DNS server (RFC 1035) for the resolver's tests. */
#include "support/dns_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PACKET_BYTES 1232
#define DELAYED_LIMIT 256
#define TYPE_A 1
#define TYPE_AAAA 28

typedef struct packet {
    struct sockaddr_in to;
    uint64_t due_ms;
    size_t size;
    uint8_t bytes[PACKET_BYTES];
} packet;

struct dns_server {
    const dns_rule *rules;
    pthread_t thread;
    int socket, stop;
    char address[32];
    atomic_uint questions, answers;
    packet *delayed;
    size_t delayed_count;
};

static void must(bool condition, const char *what)
{
    if (condition)
        return;
    perror(what);
    abort();
}

static uint64_t now_ms(void)
{
    struct timespec now;
    must(clock_gettime(CLOCK_MONOTONIC, &now) == 0, "clock_gettime");
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- answers ---- */

static void put_16(packet *answer, unsigned value)
{
    must(answer->size + 2 <= PACKET_BYTES, "dns_server: answer too long");
    answer->bytes[answer->size++] = (uint8_t)(value >> 8);
    answer->bytes[answer->size++] = (uint8_t)value;
}

static void put_record(packet *answer, unsigned type, uint32_t ttl, const void *data, size_t size)
{
    put_16(answer, 0xC00C); /* the question's name */
    put_16(answer, type);
    put_16(answer, 1);
    put_16(answer, ttl >> 16);
    put_16(answer, ttl & 0xFFFF);
    put_16(answer, (unsigned)size);
    must(answer->size + size <= PACKET_BYTES, "dns_server: answer too long");
    memcpy(answer->bytes + answer->size, data, size);
    answer->size += size;
}

static unsigned put_addresses(packet *answer, const dns_rule *rule, unsigned type)
{
    unsigned count = 0;
    const char *text = rule->addresses;
    while (text != NULL && *text != '\0') {
        char address[64];
        uint8_t binary[16];
        size_t size = strcspn(text, ",");
        must(size < sizeof(address), "dns_server: address in a rule");
        memcpy(address, text, size);
        address[size] = '\0';
        text += size + (text[size] == ',' ? 1 : 0);
        if (type == TYPE_A && inet_pton(AF_INET, address, binary) == 1)
            put_record(answer, type, rule->ttl, binary, 4);
        else if (type == TYPE_AAAA && inet_pton(AF_INET6, address, binary) == 1)
            put_record(answer, type, rule->ttl, binary, 16);
        else
            continue;
        count++;
    }
    return count;
}

static const dns_rule *find_rule(const dns_server *server, const char *name)
{
    static const dns_rule unknown = {.rcode = DNS_NXDOMAIN};
    for (const dns_rule *rule = server->rules; rule->name != NULL; rule++) {
        if (strcmp(rule->name, "*") == 0 || strcasecmp(rule->name, name) == 0)
            return rule;
    }
    return &unknown;
}

/* The question's name as text; gives the offset behind it, 0 for what is no question. */
static size_t read_name(const uint8_t *bytes, size_t size, char name[256])
{
    size_t at = 12, used = 0;
    while (at < size && bytes[at] != 0) {
        size_t label = bytes[at++];
        if (label > 63 || at + label >= size || used + label + 2 > 256)
            return 0;
        memcpy(name + used, bytes + at, label);
        used += label;
        name[used++] = '.';
        at += label;
    }
    name[used > 0 ? used - 1 : 0] = '\0';
    return at + 5 <= size ? at + 1 : 0;
}

static bool make_answer(const dns_rule *rule, const uint8_t *question, size_t name_end,
                        packet *answer)
{
    unsigned type = (unsigned)question[name_end] << 8 | question[name_end + 1];
    unsigned rcode = type == TYPE_AAAA && rule->v6_rcode != 0 ? rule->v6_rcode : rule->rcode;
    if (rule->silent)
        return false;
    answer->size = 0;
    memcpy(answer->bytes, question, name_end + 4);
    put_16(answer, (unsigned)question[0] << 8 | question[1]);
    put_16(answer, 0x8180 | rcode | (rule->truncated ? 0x0200 : 0));
    put_16(answer, 1);
    for (int i = 0; i < 3; i++)
        put_16(answer, 0);
    answer->size = name_end + 4;
    if (rcode == 0 && !rule->truncated) {
        unsigned count = put_addresses(answer, rule, type);
        answer->bytes[6] = (uint8_t)(count >> 8);
        answer->bytes[7] = (uint8_t)count;
    }
    return true;
}

/* ---- the thread ---- */

static void send_answer(dns_server *server, const packet *answer)
{
    /* Counted first: whoever sees the answer's effects sees the number too. */
    atomic_fetch_add(&server->answers, 1);
    (void)sendto(server->socket, answer->bytes, answer->size, MSG_NOSIGNAL,
                 (const struct sockaddr *)&answer->to, sizeof(answer->to));
}

static void read_question(dns_server *server)
{
    uint8_t bytes[PACKET_BYTES];
    char name[256];
    packet answer = {0};
    socklen_t length = sizeof(answer.to);
    ssize_t size = recvfrom(server->socket, bytes, sizeof(bytes), MSG_DONTWAIT,
                            (struct sockaddr *)&answer.to, &length);
    if (size < 17)
        return;
    size_t name_end = read_name(bytes, (size_t)size, name);
    if (name_end == 0)
        return;
    atomic_fetch_add(&server->questions, 1);
    const dns_rule *rule = find_rule(server, name);
    if (!make_answer(rule, bytes, name_end, &answer))
        return;
    if (rule->delay_ms == 0) {
        send_answer(server, &answer);
        return;
    }
    must(server->delayed_count < DELAYED_LIMIT, "dns_server: too many delayed answers");
    answer.due_ms = now_ms() + rule->delay_ms;
    server->delayed[server->delayed_count++] = answer;
}

/* Sends what is due; gives the time to the next one, -1: none. */
static int send_due(dns_server *server)
{
    uint64_t now = now_ms(), next = UINT64_MAX;
    for (size_t i = 0; i < server->delayed_count;) {
        packet *answer = &server->delayed[i];
        if (answer->due_ms <= now) {
            send_answer(server, answer);
            *answer = server->delayed[--server->delayed_count];
            continue;
        }
        if (answer->due_ms < next)
            next = answer->due_ms;
        i++;
    }
    return next == UINT64_MAX ? -1 : (int)(next - now);
}

static void *serve(void *user)
{
    dns_server *server = user;
    struct pollfd ready[2] = {{.fd = server->socket, .events = POLLIN},
                              {.fd = server->stop, .events = POLLIN}};
    while (ready[1].revents == 0) {
        if (poll(ready, 2, send_due(server)) > 0 && ready[0].revents != 0)
            read_question(server);
    }
    return NULL;
}

/* ---- life ---- */

dns_server *dns_server_start(const dns_rule *rules)
{
    dns_server *server = calloc(1, sizeof(*server));
    must(server != NULL, "calloc");
    server->delayed = calloc(DELAYED_LIMIT, sizeof(packet));
    must(server->delayed != NULL, "calloc");
    server->rules = rules;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    server->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    must(server->socket >= 0, "socket");
    must(bind(server->socket, (struct sockaddr *)&address, length) == 0, "bind");
    must(getsockname(server->socket, (struct sockaddr *)&address, &length) == 0, "getsockname");
    (void)snprintf(server->address, sizeof(server->address), "127.0.0.1:%u",
                   (unsigned)ntohs(address.sin_port));
    server->stop = eventfd(0, EFD_CLOEXEC);
    must(server->stop >= 0, "eventfd");
    must(pthread_create(&server->thread, NULL, serve, server) == 0, "pthread_create");
    return server;
}

void dns_server_stop(dns_server *server)
{
    uint64_t one = 1;
    must(write(server->stop, &one, sizeof(one)) == sizeof(one), "write");
    must(pthread_join(server->thread, NULL) == 0, "pthread_join");
    (void)close(server->socket);
    (void)close(server->stop);
    free(server->delayed);
    free(server);
}

const char *dns_server_address(const dns_server *server)
{
    return server->address;
}

unsigned dns_server_questions(dns_server *server)
{
    return atomic_load(&server->questions);
}

unsigned dns_server_answers(dns_server *server)
{
    return atomic_load(&server->answers);
}

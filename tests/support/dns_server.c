/* dns_server.c - a scripted DNS server (RFC 1035) for the resolver's tests. */
#include "support/dns_server.h"

#include "support/check.h"
#include "support/raw.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PACKET_BYTES 1232
#define DELAYED_LIMIT 256
#define TYPE_A 1
#define TYPE_CNAME 5
#define TYPE_SOA 6
#define TYPE_AAAA 28

typedef struct packet {
    rp_address to;
    uint64_t due_ms;
    size_t size;
    uint8_t bytes[PACKET_BYTES];
} packet;

struct dns_server {
    _Atomic(const dns_rule *) rules;
    raw_thread *thread, *tcp_thread;
    raw_socket socket, listener;
    rp_address address;
    char address_text[RP_ADDRESS_TEXT_SIZE];
    atomic_uint questions, answers, asked_v4, asked_v6, over_tcp;
    atomic_bool running, stopping;
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
    return raw_clock_ns() / 1000000;
}

/* ---- answers ---- */

static void put_16(packet *answer, unsigned value)
{
    must(answer->size + 2 <= PACKET_BYTES, "dns_server: answer too long");
    answer->bytes[answer->size++] = (uint8_t)(value >> 8);
    answer->bytes[answer->size++] = (uint8_t)value;
}

/* name: its offset. */
static void put_record(packet *answer, size_t name, unsigned type, uint32_t ttl, const void *data,
                       size_t size)
{
    put_16(answer, 0xC000 | (unsigned)name);
    put_16(answer, type);
    put_16(answer, 1);
    put_16(answer, ttl >> 16);
    put_16(answer, ttl & 0xFFFF);
    put_16(answer, (unsigned)size);
    must(answer->size + size <= PACKET_BYTES, "dns_server: answer too long");
    memcpy(answer->bytes + answer->size, data, size);
    answer->size += size;
}

/* "a.test" as labels; gives its size. */
static size_t name_of(const char *text, uint8_t *name)
{
    size_t used = 0;
    while (*text != '\0') {
        size_t size = strcspn(text, ".");
        name[used++] = (uint8_t)size;
        memcpy(name + used, text, size);
        used += size;
        text += size + (text[size] == '.' ? 1 : 0);
    }
    name[used++] = 0;
    return used;
}

static unsigned put_addresses(packet *answer, const dns_rule *rule, unsigned type)
{
    unsigned count = 0;
    size_t owner = 12; /* the question's name */
    if (rule->cname != NULL) {
        uint8_t name[256];
        size_t size = name_of(rule->cname, name);
        put_record(answer, owner, TYPE_CNAME, rule->cname_ttl, name, size);
        owner = answer->size - size;
        count++;
    }
    const char *text = rule->addresses;
    while (text != NULL && *text != '\0') {
        rp_address address;
        size_t size = strcspn(text, ",");
        must(rp__address_parse(&address, text, size), "dns_server: address in a rule");
        text += size + (text[size] == ',' ? 1 : 0);
        if (type != (address.family == 4 ? TYPE_A : TYPE_AAAA))
            continue;
        put_record(answer, owner, type, rule->ttl, address.bytes, address.family == 4 ? 4 : 16);
        count++;
    }
    return count;
}

static void put_soa(packet *answer, uint32_t soa)
{
    uint8_t data[2 + 5 * 4] = {0}; /* both names are the root */
    for (int i = 0; i < 4; i++)
        data[18 + i] = (uint8_t)(soa >> (24 - 8 * i));
    put_record(answer, 12, TYPE_SOA, soa, data, sizeof(data));
}

static const dns_rule *find_rule(dns_server *server, const char *name)
{
    static const dns_rule unknown = {.rcode = DNS_NXDOMAIN};
    for (const dns_rule *rule = atomic_load(&server->rules); rule->name != NULL; rule++) {
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

static bool make_answer(const dns_rule *rule, const uint8_t *question, size_t name_end, bool tcp,
                        packet *answer)
{
    unsigned type = (unsigned)question[name_end] << 8 | question[name_end + 1];
    unsigned rcode = type == TYPE_AAAA && rule->v6_rcode != 0 ? rule->v6_rcode : rule->rcode;
    bool truncated = rule->truncated && !tcp;
    if (rule->silent || (type == TYPE_A && rule->v4_silent) ||
        (type == TYPE_AAAA && rule->v6_silent))
        return false;
    answer->size = 0;
    memcpy(answer->bytes, question, name_end + 4);
    put_16(answer, (unsigned)question[0] << 8 | question[1]);
    put_16(answer, 0x8180 | rcode | (truncated ? 0x0200 : 0));
    put_16(answer, 1);
    for (int i = 0; i < 3; i++)
        put_16(answer, 0);
    answer->size = name_end + 4;
    unsigned count = rcode == 0 && !truncated ? put_addresses(answer, rule, type) : 0;
    answer->bytes[6] = (uint8_t)(count >> 8);
    answer->bytes[7] = (uint8_t)count;
    if (count == (rule->cname != NULL) && rule->soa != 0) {
        put_soa(answer, rule->soa);
        answer->bytes[9] = 1;
    }
    return true;
}

/* ---- the thread ---- */

static void send_answer(dns_server *server, const packet *answer)
{
    /* Counted first: whoever sees the answer's effects sees the number too. */
    atomic_fetch_add(&server->answers, 1);
    raw_udp_send(server->socket, answer->bytes, answer->size, &answer->to);
}

/* Counts the question, and finds what to say. NULL: it is none. */
static const dns_rule *understand(dns_server *server, const uint8_t *bytes, size_t size,
                                  size_t *name_end)
{
    char name[256];
    *name_end = size < 17 ? 0 : read_name(bytes, size, name);
    if (*name_end == 0)
        return NULL;
    atomic_fetch_add(&server->questions, 1);
    if (bytes[*name_end + 1] == TYPE_A)
        atomic_fetch_add(&server->asked_v4, 1);
    else if (bytes[*name_end + 1] == TYPE_AAAA)
        atomic_fetch_add(&server->asked_v6, 1);
    return find_rule(server, name);
}

static unsigned delay_of(const dns_rule *rule, const uint8_t *bytes, size_t name_end)
{
    unsigned own = bytes[name_end + 1] == TYPE_A ? rule->v4_delay_ms : rule->v6_delay_ms;
    return own > 0 ? own : rule->delay_ms;
}

/* As somebody else would answer who guesses. */
static void send_spoof(dns_server *server, const uint8_t *question, size_t name_end,
                       const rp_address *to)
{
    static const dns_rule rule = {.addresses = "192.0.2.66,2001:db8::66", .ttl = 3600};
    packet answer = {.to = *to};
    if (!make_answer(&rule, question, name_end, false, &answer))
        return;
    answer.bytes[1] ^= 1;
    raw_udp_send(server->socket, answer.bytes, answer.size, to);
}

static void read_question(dns_server *server)
{
    uint8_t bytes[PACKET_BYTES];
    packet answer = {0};
    size_t name_end;
    size_t size = raw_udp_receive(server->socket, bytes, sizeof(bytes), &answer.to);
    const dns_rule *rule = understand(server, bytes, size, &name_end);
    if (rule == NULL)
        return;
    if (rule->spoofed)
        send_spoof(server, bytes, name_end, &answer.to);
    if (!make_answer(rule, bytes, name_end, false, &answer))
        return;
    unsigned delay_ms = delay_of(rule, bytes, name_end);
    if (delay_ms == 0) {
        send_answer(server, &answer);
        return;
    }
    must(server->delayed_count < DELAYED_LIMIT, "dns_server: too many delayed answers");
    answer.due_ms = now_ms() + delay_ms;
    server->delayed[server->delayed_count++] = answer;
}

/* False: the end, which a client that has waited long enough makes of any moment. */
static bool receive_all(raw_socket socket, uint8_t *to, size_t size)
{
    size_t got;
    for (; size > 0; to += got, size -= got) {
        got = raw_receive_unless_reset(socket, to, size);
        if (got == 0)
            return false;
    }
    return true;
}

/* RFC 1035, 4.2.2: one connection at a time, each question behind its size. */
static void serve_connection(dns_server *server, raw_socket socket)
{
    uint8_t bytes[PACKET_BYTES];
    packet answer = {0};
    size_t name_end;
    while (!atomic_load(&server->stopping)) {
        if (!raw_readable(socket, 20))
            continue;
        if (!receive_all(socket, bytes, 2))
            break;
        size_t size = (size_t)bytes[0] << 8 | bytes[1];
        must(size <= sizeof(bytes), "dns_server: question too long");
        if (!receive_all(socket, bytes, size))
            break;
        const dns_rule *rule = understand(server, bytes, size, &name_end);
        atomic_fetch_add(&server->over_tcp, 1);
        if (rule == NULL || !make_answer(rule, bytes, name_end, true, &answer))
            continue;
        atomic_fetch_add(&server->answers, 1);
        uint8_t prefix[2] = {(uint8_t)(answer.size >> 8), (uint8_t)answer.size};
        if (!raw_send_unless_reset(socket, prefix, sizeof(prefix)) ||
            !raw_send_unless_reset(socket, answer.bytes, answer.size))
            break;
    }
    raw_close(socket);
}

static void serve_tcp(void *user)
{
    dns_server *server = user;
    while (!atomic_load(&server->stopping)) {
        if (raw_readable(server->listener, 20))
            serve_connection(server, raw_accept(server->listener));
    }
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

static void serve(void *user)
{
    dns_server *server = user;
    while (!atomic_load(&server->stopping)) {
        if (raw_readable(server->socket, send_due(server)))
            read_question(server);
        atomic_store(&server->running, true);
    }
}

/* ---- life ---- */

/* By what is no question. */
static void wake(const dns_server *server)
{
    raw_udp_send(server->socket, "", 1, &server->address);
}

dns_server *dns_server_start(const dns_rule *rules)
{
    dns_server *server = calloc(1, sizeof(*server));
    must(server != NULL, "calloc");
    server->delayed = calloc(DELAYED_LIMIT, sizeof(packet));
    must(server->delayed != NULL, "calloc");
    atomic_init(&server->rules, rules);
    server->address = raw_loopback(4, 0);
    server->listener = raw_listen(&server->address, 8);
    server->socket = raw_udp_bind(&server->address);
    (void)rp__address_text(&server->address, true, server->address_text);
    server->thread = raw_thread_start(serve, server);
    server->tcp_thread = raw_thread_start(serve_tcp, server);
    /* Whoever counts descriptors then finds those of the thread. */
    wake(server);
    while (!atomic_load(&server->running))
        raw_sleep_ms(1);
    return server;
}

void dns_server_stop(dns_server *server)
{
    atomic_store(&server->stopping, true);
    wake(server);
    raw_thread_join(server->thread);
    raw_thread_join(server->tcp_thread);
    raw_close(server->socket);
    raw_close(server->listener);
    free(server->delayed);
    free(server);
}

const char *dns_server_address(const dns_server *server)
{
    return server->address_text;
}

rp_resolver *dns_server_resolver(const dns_server *server)
{
    rp_resolver_options options = {.servers = dns_server_address(server)};
    rp_resolver *resolver = NULL;
    CHECK(rp_resolver_create(&resolver, &options, NULL) == RP_OK);
    return resolver;
}

unsigned dns_server_questions(dns_server *server)
{
    return atomic_load(&server->questions);
}

unsigned dns_server_answers(dns_server *server)
{
    return atomic_load(&server->answers);
}

unsigned dns_server_asked(dns_server *server, unsigned family)
{
    return atomic_load(family == 4 ? &server->asked_v4 : &server->asked_v6);
}

unsigned dns_server_over_tcp(dns_server *server)
{
    return atomic_load(&server->over_tcp);
}

void dns_server_use(dns_server *server, const dns_rule *rules)
{
    atomic_store(&server->rules, rules);
}

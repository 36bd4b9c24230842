/* sim.c - time and chance: the heap of events, the random streams, the trace, faults and names. */
#include "sim/sim.h"

#include "base/assert.h"
#include "base/hash.h"
#include "base/mutex.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- random streams: splitmix64 (Steele, Lea, Flood, 2014) ---- */

static uint64_t next(sim_random *random)
{
    uint64_t z = (random->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t rp__sim_draw(sim_random *random, uint64_t below)
{
    RP_ASSERT(below > 0);
    return next(random) % below; /* the bias is below 2^-32 for anything that is drawn here */
}

uint64_t rp_sim_random(rp_sim *sim, uint64_t below)
{
    return rp__sim_draw(&sim->user, below);
}

bool rp__sim_chance(rp_sim *sim, unsigned of)
{
    return !sim->options.orderly && rp__sim_draw(&sim->chance, of) == 0;
}

uint64_t rp__sim_latency_ns(rp_sim *sim)
{
    uint64_t least = sim->options.latency_least_us, most = sim->options.latency_most_us;
    return (least + rp__sim_draw(&sim->chance, most - least + 1)) * SIM_US;
}

uint64_t rp__sim_delay_ns(rp_sim *sim)
{
    if (sim->options.orderly || rp__sim_draw(&sim->chance, 4) > 0)
        return 0;
    return rp__sim_draw(&sim->chance, 200) * SIM_US;
}

void rp__sim_random_bytes(sim_random *random, void *bytes, size_t size)
{
    uint8_t *out = bytes;
    while (size > 0) {
        uint64_t value = next(random);
        size_t part = size < sizeof(value) ? size : sizeof(value);
        memcpy(out, &value, part);
        out += part;
        size -= part;
    }
}

/* ---- events: a binary heap by time, then by order ---- */

static bool earlier(const sim_event *a, const sim_event *b)
{
    return a->at_ns < b->at_ns || (a->at_ns == b->at_ns && a->order < b->order);
}

static void put(rp_sim *sim, size_t place, sim_event *event)
{
    sim->heap[place - 1] = event;
    event->place = place;
}

static void sift_up(rp_sim *sim, sim_event *event)
{
    size_t place = event->place;
    while (place > 1 && earlier(event, sim->heap[place / 2 - 1])) {
        put(sim, place, sim->heap[place / 2 - 1]);
        place /= 2;
    }
    put(sim, place, event);
}

static void sift_down(rp_sim *sim, sim_event *event)
{
    size_t place = event->place;
    while (place * 2 <= sim->event_count) {
        size_t child = place * 2;
        if (child < sim->event_count && earlier(sim->heap[child], sim->heap[child - 1]))
            child++;
        if (!earlier(sim->heap[child - 1], event))
            break;
        put(sim, place, sim->heap[child - 1]);
        place = child;
    }
    put(sim, place, event);
}

void rp__sim_event_clear(rp_sim *sim, sim_event *event)
{
    if (event->place == 0)
        return;
    sim_event *last = sim->heap[--sim->event_count];
    size_t place = event->place;
    event->place = 0;
    if (last == event)
        return;
    put(sim, place, last);
    sift_up(sim, last);
    sift_down(sim, last);
}

/* Events of one instant fire in an order of chance. */
void rp__sim_event_set(rp_sim *sim, sim_event *event, void (*fn)(sim_event *), uint64_t after_ns)
{
    rp__sim_event_clear(sim, event);
    if (sim->event_count == sim->event_capacity) {
        sim->event_capacity = sim->event_capacity == 0 ? 256 : 2 * sim->event_capacity;
        sim->heap =
            rp__reallocate(&sim->memory, sim->heap, sim->event_capacity * sizeof(*sim->heap));
        RP_ASSERT(sim->heap != NULL);
    }
    event->fn = fn;
    event->at_ns = sim->now_ns + after_ns;
    event->order = sim->event_order++;
    if (!sim->options.orderly)
        event->order |= next(&sim->chance) << 40;
    sim->event_count++;
    put(sim, sim->event_count, event);
    sift_up(sim, event);
}

uint64_t rp__sim_events_fire(rp_sim *sim)
{
    while (sim->event_count > 0 && sim->heap[0]->at_ns <= sim->now_ns) {
        sim_event *event = sim->heap[0];
        rp__sim_event_clear(sim, event);
        event->fn(event);
    }
    return sim->event_count == 0 ? RP_WAIT_FOREVER : sim->heap[0]->at_ns;
}

/* ---- the trace ---- */

void rp__sim_trace(rp_sim *sim, const char *format, ...)
{
    char line[256];
    va_list arguments;
    int used = snprintf(line, sizeof(line), "%llu.%06llu ",
                        (unsigned long long)(rp_sim_now_ns(sim) / 1000000000u),
                        (unsigned long long)(rp_sim_now_ns(sim) / 1000u % 1000000u));
    va_start(arguments, format);
    (void)vsnprintf(line + used, sizeof(line) - (size_t)used, format, arguments);
    va_end(arguments);
    for (const char *c = line; *c != '\0'; c++)
        sim->trace_hash = rp__hash_byte(sim->trace_hash, (uint8_t)*c);
    sim->trace_hash = rp__hash_byte(sim->trace_hash, '\n');
    if (sim->options.on_trace != NULL)
        sim->options.on_trace(sim->options.user, line);
}

uint64_t rp_sim_trace_hash(const rp_sim *sim)
{
    return sim->trace_hash;
}

_Noreturn void rp__sim_stuck(rp_sim *sim, const char *why)
{
    char message[200];
    (void)snprintf(message, sizeof(message), "simulation with seed %llu at %llu ms: %s",
                   (unsigned long long)sim->options.seed,
                   (unsigned long long)(rp_sim_now_ns(sim) / SIM_MS), why);
    if (sim->options.on_stuck != NULL)
        sim->options.on_stuck(sim->options.user, message);
    rp__assert_failed(message, __FILE__, __LINE__);
}

/* ---- faults ---- */

const char *rp_sim_fault_name(rp_sim_fault fault)
{
    static const char *const names[RP_SIM_FAULTS] = {
        [RP_SIM_CONNECT_REFUSED] = "connect_refused",
        [RP_SIM_CONNECT_UNREACHABLE] = "connect_unreachable",
        [RP_SIM_CONNECT_STALL] = "connect_stall",
        [RP_SIM_RESET] = "reset",
        [RP_SIM_STALL] = "stall",
        [RP_SIM_TRUNCATE] = "truncate",
        [RP_SIM_CORRUPT] = "corrupt",
        [RP_SIM_SEND_FAILED] = "send_failed",
        [RP_SIM_RECEIVE_FAILED] = "receive_failed",
        [RP_SIM_NO_BUFFERS] = "no_buffers",
        [RP_SIM_NO_DESCRIPTORS] = "no_descriptors",
        [RP_SIM_NO_SOCKET_MEMORY] = "no_socket_memory",
        [RP_SIM_NO_MEMORY] = "no_memory",
        [RP_SIM_NAME_NOT_FOUND] = "name_not_found",
        [RP_SIM_NAME_FAILED] = "name_failed",
        [RP_SIM_NAME_LATE] = "name_late",
        [RP_SIM_LOSS] = "loss",
    };
    return (unsigned)fault < RP_SIM_FAULTS ? names[fault] : "unknown";
}

bool rp__sim_drawn(rp_sim *sim, rp_sim_fault fault)
{
    bool ordered = sim->fault_at[fault] > 0 && --sim->fault_at[fault] == 0;
    uint32_t ppm = sim->options.fault_ppm[fault];
    return ordered || (ppm > 0 && rp__sim_draw(&sim->faults, 1000000) < ppm);
}

void rp__sim_struck(rp_sim *sim, rp_sim_fault fault)
{
    sim->fault_counts[fault]++;
    rp__sim_trace(sim, "fault %s", rp_sim_fault_name(fault));
}

bool rp__sim_strikes(rp_sim *sim, rp_sim_fault fault)
{
    if (!rp__sim_drawn(sim, fault))
        return false;
    rp__sim_struck(sim, fault);
    return true;
}

void rp_sim_fault_set(rp_sim *sim, rp_sim_fault fault, uint32_t ppm)
{
    sim->options.fault_ppm[fault] = ppm;
}

void rp_sim_fault_at(rp_sim *sim, rp_sim_fault fault, uint64_t count)
{
    sim->fault_at[fault] = count;
}

uint64_t rp_sim_fault_count(const rp_sim *sim, rp_sim_fault fault)
{
    return sim->fault_counts[fault];
}

void rp_sim_break_next(rp_sim *sim, rp_sim_fault fault, rp_sim_direction direction,
                       uint64_t at_byte)
{
    RP_ASSERT(fault >= RP_SIM_RESET && fault <= RP_SIM_CORRUPT);
    sim->next_break = (sim_break){fault, (unsigned)direction, at_byte, true};
}

/* ---- names and addresses ---- */

const sim_name *rp__sim_name_find(const rp_sim *sim, const char *name, size_t size)
{
    if (size > 0 && name[size - 1] == '.')
        size--;
    for (const rp_link *link = sim->names.next; link != &sim->names; link = link->next) {
        const sim_name *known = RP_CONTAINER(link, sim_name, link);
        if (strlen(known->name) == size && memcmp(known->name, name, size) == 0)
            return known;
    }
    return NULL;
}

static void name_remove(rp_sim *sim, const sim_name *name)
{
    sim_name *owned = (sim_name *)(uintptr_t)name;
    rp__list_remove(&owned->link);
    rp__free(&sim->memory, owned);
}

static bool addresses_parse(sim_name *name, const char *text)
{
    size_t most = sizeof(name->addresses) / sizeof(name->addresses[0]);
    while (name->count < most) {
        size_t size = strcspn(text, ",");
        if (!rp__address_parse(&name->addresses[name->count++], text, size))
            return false;
        text += size;
        if (*text == '\0')
            return true;
        text++;
    }
    return false;
}

rp_status rp_sim_name_add(rp_sim *sim, const char *name, const char *addresses, rp_error *error)
{
    size_t size = strlen(name);
    sim_name *added = rp__allocate(&sim->memory, sizeof(*added) + size + 1);
    RP_ASSERT(added != NULL);
    for (size_t i = 0; i < size; i++)
        added->name[i] = rp__ascii_lower(name[i]);
    if (size == 0 || !addresses_parse(added, addresses)) {
        rp__free(&sim->memory, added);
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                             "\"%.60s\" of %.60s is not a list of 1 to 16 IP addresses", addresses,
                             name);
    }
    const sim_name *old = rp__sim_name_find(sim, added->name, size);
    if (old != NULL)
        name_remove(sim, old);
    rp__list_append(&sim->names, &added->link);
    return RP_OK;
}

void rp_sim_name_ttl(rp_sim *sim, const char *name, uint32_t ttl_s)
{
    for (rp_link *link = sim->names.next; link != &sim->names; link = link->next) {
        sim_name *known = RP_CONTAINER(link, sim_name, link);
        if (strcmp(known->name, name) == 0)
            known->ttl_s = ttl_s;
    }
}

static bool same_host(const rp_address *a, const rp_address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, a->family == 4 ? 4 : 16) == 0;
}

bool rp__sim_host_known(const rp_sim *sim, const rp_address *address)
{
    static const rp_address loopback6 = {.family = 6, .bytes = {[15] = 1}};
    if (address->family == 4 && address->bytes[0] == 127)
        return true;
    if (same_host(address, &loopback6))
        return true;
    for (const rp_link *link = sim->hosts.next; link != &sim->hosts; link = link->next) {
        if (same_host(&RP_CONTAINER(link, sim_host, link)->address, address))
            return true;
    }
    for (const rp_link *link = sim->names.next; link != &sim->names; link = link->next) {
        const sim_name *name = RP_CONTAINER(link, sim_name, link);
        for (size_t i = 0; i < name->count; i++) {
            if (same_host(&name->addresses[i], address))
                return true;
        }
    }
    return false;
}

void rp__sim_host_add(rp_sim *sim, const rp_address *address)
{
    if (rp__sim_host_known(sim, address))
        return;
    sim_host *host = rp__allocate(&sim->memory, sizeof(*host));
    RP_ASSERT(host != NULL);
    host->address = *address;
    rp__list_append(&sim->hosts, &host->link);
}

rp_address rp__sim_host_new(rp_sim *sim)
{
    rp_address address = {.family = 4, .bytes = {192, 0, 2, 0}};
    do {
        address.bytes[3]++;
        RP_ASSERT(address.bytes[3] < 255);
    } while (rp__sim_host_known(sim, &address));
    return address;
}

/* ---- life ---- */

static void streams_seed(rp_sim *sim)
{
    sim_random seed = {sim->options.seed};
    sim->chance.state = next(&seed);
    sim->faults.state = next(&seed);
    sim->user.state = next(&seed);
    sim->tls.state = next(&seed);
}

static rp_status options_check(rp_sim_options *options, rp_error *error)
{
    for (size_t i = 0; i < RP_SIM_FAULTS; i++) {
        if (options->fault_ppm[i] > 1000000)
            return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                                 "the probability of %s is %u millionths, the most is 1,000,000",
                                 rp_sim_fault_name((rp_sim_fault)i), options->fault_ppm[i]);
    }
    if (options->latency_least_us == 0 && options->latency_most_us == 0) {
        options->latency_least_us = 20;
        options->latency_most_us = 2000;
    }
    if (options->latency_least_us > options->latency_most_us)
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                             "latency_least_us is %u, above latency_most_us, %u",
                             options->latency_least_us, options->latency_most_us);
    return RP_OK;
}

rp_status rp_sim_create_sized(rp_sim **out, const rp_sim_options *options, size_t options_size,
                              rp_error *error)
{
    rp_sim_options known;
    rp_memory memory;
    *out = NULL;
    if (!rp__options_copy(&known, sizeof(known), options, options_size))
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                             "simulation options set a member that this version does not know");
    if (options_check(&known, error) != RP_OK)
        return RP_E_BAD_OPTION;
    rp__memory_init(&memory, (rp_allocator){0});
    rp_sim *sim = rp__allocate(&memory, sizeof(*sim));
    if (sim == NULL)
        return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory for the simulation");
    sim->memory = memory;
    sim->options = known;
    sim->now_ns = SIM_BEGIN_NS;
    sim->next_port = 49152;
    sim->trace_hash = RP_HASH_BEGIN;
    rp__list_init(&sim->names);
    rp__list_init(&sim->hosts);
    rp__list_init(&sim->ports);
    rp__list_init(&sim->listeners);
    rp__list_init(&sim->servers);
    rp__list_init(&sim->heaps);
    streams_seed(sim);
    rp__sim_seed_tls(sim);
    *out = sim;
    return RP_OK;
}

void rp_sim_destroy(rp_sim *sim)
{
    if (sim == NULL)
        return;
    rp__sim_servers_stop(sim);
    rp__sim_unseed_tls(sim);
    RP_ASSERT(rp__list_empty(&sim->ports));
    while (!rp__list_empty(&sim->names))
        name_remove(sim, RP_CONTAINER(sim->names.next, sim_name, link));
    for (rp_link *link; (link = rp__list_take(&sim->hosts)) != NULL;)
        rp__free(&sim->memory, RP_CONTAINER(link, sim_host, link));
    for (rp_link *link; (link = rp__list_take(&sim->heaps)) != NULL;)
        rp__sim_heap_free(sim, link);
    RP_ASSERT(sim->event_count == 0 && sim->socket_count == 0);
    rp_memory memory = sim->memory;
    rp__free(&memory, sim->heap);
    rp__free(&memory, sim);
    RP_ASSERT(memory.live == 0);
}

uint64_t rp_sim_now_ns(const rp_sim *sim)
{
    return sim->now_ns - SIM_BEGIN_NS;
}

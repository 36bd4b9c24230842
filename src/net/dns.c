/* dns.c - questions to name servers.
 *
 * A host name may stand for several (search domains), which are asked for one after the other,
 * both families at a time; that is why c-ares' own search, which walks for each family alone, does
 * not do. An ask is one such walk:
 *
 *   - a family that has addresses at the present name, or whose servers are silent, ends the walk:
 *     what the other one has here is its answer, too;
 *   - where all families say that there is nothing, or A says that there is no such name, the walk
 *     goes on to the next name. What is still to come for the last one is ignored;
 *   - where servers refuse to say (SERVFAIL, REFUSED) it goes on as well: some do so of a search
 *     domain that is not theirs, and the names behind it are good. But if none of them has
 *     addresses either, it is not known that there are none, and that is the answer;
 *   - at the last name everything is an answer.
 *
 * c-ares calls back with its channel locked, on its thread, inside ares_query_dnsrec on a loop's
 * or on its own, and inside ares_destroy. The ask is guarded by dns->mutex, which is never held
 * while c-ares or the caller's function is called: the order is channel, mutex.
 *
 * c-ares' own cache is off: it keeps empty answers without an SOA for an hour (1.34). Each question
 * has a socket, and so a port, of its own (RFC 5452, 9.2). */
#include "net/dns.h"

#include "base/error.h"
#include "base/mutex.h"
#include "base/platform.h"
#include "base/thread.h"
#include "net/order.h"

#include <ares.h>
#include <stdio.h>
#include <string.h>

#define NAMES_LIMIT (RP_SEARCH_LIMIT + 1)
#define NAME_SIZE 512 /* a host and a search domain */

/* Beside c-ares' codes, which are not negative. */
#define NO_DESCRIPTORS (-1)

struct rp_dns {
    rp_mutex mutex; /* guards memory and all asks */
    rp_memory memory;
    ares_channel_t *channel;
    ares_channel_t *hosts; /* looks into the hosts file, and answers at once */
};

typedef struct ask ask;

/* One question of c-ares'. */
typedef struct part {
    ask *ask;
    unsigned rank, family;
} part;

struct ask {
    rp_dns *dns;
    rp_dns_fn *fn;
    void *user;
    unsigned families;               /* bits 1 << family: asked for */
    unsigned nothing;                /* those that have nothing at the present name */
    unsigned given;                  /* those whose answers were given */
    unsigned outstanding;            /* questions, and whoever puts them */
    unsigned rank, count;            /* the present name, and how many there are */
    bool settled;                    /* the walk has ended */
    bool found;                      /* addresses, of whichever family */
    rp_answer nothings[RP_FAMILIES]; /* what the families said, all names together */
    rp_answer refusal;               /* the first one at a name that was not the last; or none */
    part parts[NAMES_LIMIT][RP_FAMILIES];
    char names[NAMES_LIMIT][NAME_SIZE];
};

/* c-ares says that it is the name servers when it is this process that has no descriptors. */
static int cause_of(int status)
{
    return status != ARES_SUCCESS && rp__system_lacks_descriptors() ? NO_DESCRIPTORS : status;
}

/* ---- the channel ---- */

static rp_mutex library_mutex = RP_MUTEX_INIT;
static bool library_ready;

/* ares_library_init is not safe between threads. Never undone: others may use c-ares too. */
static int library_init(void)
{
    rp__mutex_lock(&library_mutex);
    int status = library_ready ? ARES_SUCCESS : ares_library_init(ARES_LIB_INIT_ALL);
    library_ready = status == ARES_SUCCESS;
    rp__mutex_unlock(&library_mutex);
    return status;
}

static int channel_create(ares_channel_t **channel, const char *servers)
{
    /* HOSTALIASES in somebody's environment must not redirect a request. */
    struct ares_options options = {
        .evsys = ARES_EVSYS_DEFAULT,
        .flags = ARES_FLAG_EDNS | ARES_FLAG_NOALIASES,
        .qcache_max_ttl = 0,
        .udp_max_queries = 1,
    };
    int given =
        ARES_OPT_EVENT_THREAD | ARES_OPT_FLAGS | ARES_OPT_QUERY_CACHE | ARES_OPT_UDP_MAX_QUERIES;
    rp_signals signals;
    rp__signals_block(&signals);
    int status = ares_init_options(channel, &options, given);
    rp__signals_restore(&signals);
    if (status == ARES_SUCCESS && servers != NULL) {
        status = ares_set_servers_ports_csv(*channel, servers);
        if (status != ARES_SUCCESS)
            ares_destroy(*channel);
    }
    return status;
}

static int hosts_create(ares_channel_t **channel)
{
    char files[] = "f";
    struct ares_options options = {.flags = ARES_FLAG_NOALIASES, .lookups = files};
    return ares_init_options(channel, &options, ARES_OPT_FLAGS | ARES_OPT_LOOKUPS);
}

static int channels_create(rp_dns *dns, const char *servers)
{
    int status = hosts_create(&dns->hosts);
    if (status != ARES_SUCCESS)
        return status;
    status = channel_create(&dns->channel, servers);
    if (status != ARES_SUCCESS)
        ares_destroy(dns->hosts);
    return status;
}

int rp__dns_create(rp_dns **out, const char *servers)
{
    rp_memory memory;
    int status = library_init();
    if (status != ARES_SUCCESS)
        return status;
    if (!ares_threadsafety())
        return ARES_ENOTIMP;
    rp__memory_init(&memory, (rp_allocator){0});
    rp_dns *dns = rp__allocate(&memory, sizeof(*dns));
    if (dns == NULL)
        return ARES_ENOMEM;
    dns->memory = memory;
    status = cause_of(channels_create(dns, servers));
    if (status != ARES_SUCCESS) {
        rp__free(&memory, dns);
        return status;
    }
    rp__mutex_init(&dns->mutex);
    *out = dns;
    return ARES_SUCCESS;
}

void rp__dns_destroy(rp_dns *dns)
{
    ares_destroy(dns->channel);
    ares_destroy(dns->hosts);
    rp__mutex_destroy(&dns->mutex);
    rp_memory memory = dns->memory;
    rp__free(&memory, dns);
}

/* ---- answers ---- */

static bool has_address(const rp_answer *answer, const rp_address *address)
{
    for (size_t i = 0; i < answer->count; i++) {
        if (memcmp(answer->addresses[i].bytes, address->bytes, sizeof(address->bytes)) == 0)
            return true;
    }
    return false;
}

static void add_address(rp_answer *answer, unsigned family, const void *bytes)
{
    rp_address address = {.family = family == RP_FAMILY_V4 ? 4 : 6};
    memcpy(address.bytes, bytes, family == RP_FAMILY_V4 ? 4 : 16);
    if (answer->count == RP_ADDRESSES_LIMIT || has_address(answer, &address))
        return;
    answer->keys[answer->count] = rp__order_key(&address);
    answer->addresses[answer->count++] = address;
}

static void add_record(rp_answer *answer, unsigned family, const ares_dns_rr_t *record)
{
    ares_dns_rec_type_t type = ares_dns_rr_get_type(record);
    const void *bytes = NULL;
    if (ares_dns_rr_get_class(record) != ARES_CLASS_IN)
        return;
    if (type == ARES_REC_TYPE_A && family == RP_FAMILY_V4)
        bytes = ares_dns_rr_get_addr(record, ARES_RR_A_ADDR);
    else if (type == ARES_REC_TYPE_AAAA && family == RP_FAMILY_V6)
        bytes = ares_dns_rr_get_addr6(record, ARES_RR_AAAA_ADDR);
    else if (type != ARES_REC_TYPE_CNAME)
        return;
    if (bytes != NULL)
        add_address(answer, family, bytes);
    if (ares_dns_rr_get_ttl(record) < answer->ttl_s)
        answer->ttl_s = ares_dns_rr_get_ttl(record);
}

/* How long "nothing" may be kept (RFC 2308, 5): not at all without an SOA. */
static uint32_t negative_ttl(const ares_dns_record_t *response)
{
    size_t count = ares_dns_record_rr_cnt(response, ARES_SECTION_AUTHORITY);
    for (size_t i = 0; i < count; i++) {
        const ares_dns_rr_t *record =
            ares_dns_record_rr_get_const(response, ARES_SECTION_AUTHORITY, i);
        if (ares_dns_rr_get_type(record) != ARES_REC_TYPE_SOA)
            continue;
        uint32_t ttl_s = ares_dns_rr_get_ttl(record);
        uint32_t minimum_s = ares_dns_rr_get_u32(record, ARES_RR_SOA_MINIMUM);
        return ttl_s < minimum_s ? ttl_s : minimum_s;
    }
    return 0;
}

static void read_answer(rp_answer *answer, const part *of, ares_status_t status,
                        const ares_dns_record_t *response)
{
    *answer = (rp_answer){.code = (int)status, .ttl_s = UINT32_MAX, .rank = of->rank};
    if (status == ARES_SUCCESS && response != NULL) {
        size_t count = ares_dns_record_rr_cnt(response, ARES_SECTION_ANSWER);
        for (size_t i = 0; i < count; i++)
            add_record(answer, of->family,
                       ares_dns_record_rr_get_const(response, ARES_SECTION_ANSWER, i));
    }
    if (answer->count > 0) {
        answer->verdict = RP_VERDICT_ADDRESSES;
        return;
    }
    answer->ttl_s = response == NULL ? 0 : negative_ttl(response);
    if (status == ARES_SUCCESS || status == ARES_ENODATA)
        answer->verdict = RP_VERDICT_NO_DATA;
    else if (status == ARES_ENOTFOUND)
        answer->verdict = RP_VERDICT_NO_NAME;
    else
        answer->verdict = RP_VERDICT_FAILED;
    if (answer->verdict == RP_VERDICT_FAILED && response == NULL)
        answer->code = cause_of(answer->code);
}

/* ---- the walk ---- */

static void ask_release(ask *self)
{
    rp_dns *dns = self->dns;
    rp__mutex_lock(&dns->mutex);
    if (--self->outstanding == 0)
        rp__free(&dns->memory, self);
    rp__mutex_unlock(&dns->mutex);
}

static bool says_nothing(const rp_answer *answer)
{
    return answer->verdict == RP_VERDICT_NO_DATA || answer->verdict == RP_VERDICT_NO_NAME;
}

static bool is_refusal(const rp_answer *answer)
{
    return answer->verdict == RP_VERDICT_FAILED &&
           (answer->code == ARES_ESERVFAIL || answer->code == ARES_EREFUSED);
}

static bool at_last_name(const ask *self)
{
    return self->rank + 1 == self->count;
}

/* The name has nothing for this family, as those before it had: the latest word stands, but "no
 * data" is more than "no such name", and the shortest time of all counts. */
static void note_nothing(ask *self, unsigned family, const rp_answer *answer)
{
    rp_answer *sum = &self->nothings[family];
    bool exists = sum->verdict == RP_VERDICT_NO_DATA;
    uint32_t ttl_s = sum->ttl_s;
    if (says_nothing(answer) && answer->ttl_s < ttl_s)
        ttl_s = answer->ttl_s;
    *sum = *answer;
    sum->ttl_s = ttl_s;
    if (exists && says_nothing(answer))
        sum->verdict = RP_VERDICT_NO_DATA;
    self->nothing |= 1u << family;
}

/* To the next name. That A says that there is no such one goes for AAAA, too (RFC 8020). */
static void advance(ask *self)
{
    for (unsigned family = 0; family < RP_FAMILIES; family++) {
        if ((self->nothing & 1u << family) == 0)
            note_nothing(self, family, &self->nothings[RP_FAMILY_V4]);
    }
    self->nothing = 0;
    self->rank++;
}

/* Takes the answer, under the mutex. Returns the families (bits) whose answers stand now. */
static unsigned take(ask *self, unsigned family, const rp_answer *answer, bool *advanced)
{
    bool refused = is_refusal(answer) && !at_last_name(self);
    bool nothing = says_nothing(answer) || refused;
    if (refused && self->refusal.verdict == RP_VERDICT_NONE)
        self->refusal = *answer;
    if (nothing)
        note_nothing(self, family, answer);
    self->found = self->found || answer->verdict == RP_VERDICT_ADDRESSES;
    /* After a refusal "nothing" waits for what the other family says. */
    bool all = self->nothing == self->families;
    if (!nothing || (at_last_name(self) && (all || self->refusal.verdict == RP_VERDICT_NONE)))
        self->settled = true;
    if (self->settled) {
        unsigned now = (self->nothing | 1u << family) & ~self->given;
        self->given |= now;
        return now;
    }
    bool no_name = family == RP_FAMILY_V4 && answer->verdict == RP_VERDICT_NO_NAME;
    *advanced = !at_last_name(self) && (no_name || all);
    if (*advanced)
        advance(self);
    return 0;
}

/* What a family is told that has nothing. Under the mutex. */
static const rp_answer *nothing_of(const ask *self, unsigned family)
{
    bool unknown = !self->found && self->refusal.verdict != RP_VERDICT_NONE;
    return unknown ? &self->refusal : &self->nothings[family];
}

static void put_questions(ask *self, unsigned rank);

static void on_answer(void *user, ares_status_t status, size_t timeouts,
                      const ares_dns_record_t *response)
{
    const part *of = user;
    ask *self = of->ask;
    rp_answer answer;
    const rp_answer *nothings[RP_FAMILIES]; /* once it is given, nobody changes it */
    unsigned now = 0, rank;
    bool advanced = false;
    (void)timeouts;
    read_answer(&answer, of, status, response);
    rp__mutex_lock(&self->dns->mutex);
    if (of->rank == self->rank)
        now = take(self, of->family, &answer, &advanced);
    rank = self->rank;
    for (unsigned family = 0; family < RP_FAMILIES; family++)
        nothings[family] = nothing_of(self, family);
    rp__mutex_unlock(&self->dns->mutex);
    for (unsigned family = 0; family < RP_FAMILIES; family++) {
        if ((now & 1u << family) == 0)
            continue;
        bool own = family == of->family && !says_nothing(&answer);
        self->fn(self->user, family, own ? &answer : nothings[family]);
    }
    if (advanced)
        put_questions(self, rank);
    ask_release(self);
}

/* For the name at rank; an answer inside one of them may have led to the next name already. */
static void put_questions(ask *self, unsigned rank)
{
    static const ares_dns_rec_type_t types[] = {ARES_REC_TYPE_A, ARES_REC_TYPE_AAAA};
    for (unsigned family = 0; family < RP_FAMILIES; family++) {
        if ((self->families & 1u << family) == 0)
            continue;
        rp__mutex_lock(&self->dns->mutex);
        bool due = self->rank == rank;
        if (due)
            self->outstanding++;
        rp__mutex_unlock(&self->dns->mutex);
        part *of = &self->parts[rank][family];
        *of = (part){.ask = self, .rank = rank, .family = family};
        if (due)
            (void)ares_query_dnsrec(self->dns->channel, self->names[rank], ARES_CLASS_IN,
                                    types[family], on_answer, of, NULL);
    }
}

/* ---- what a host may stand for ---- */

static void add_name(ask *self, const char *host, const char *domain)
{
    int size = snprintf(self->names[self->count], NAME_SIZE, domain == NULL ? "%s" : "%s.%s", host,
                        domain);
    if (size > 0 && size < NAME_SIZE)
        self->count++;
}

static void list_names(ask *self, const char *host)
{
    rp_search search;
    unsigned dots = 0;
    size_t size = strlen(host);
    for (const char *dot = strchr(host, '.'); dot != NULL; dot = strchr(dot + 1, '.'))
        dots++;
    bool whole = size > 0 && host[size - 1] == '.';
    search.count = 0;
    search.ndots = 0;
    if (!whole)
        rp__system_search(&search);
    if (dots >= search.ndots)
        add_name(self, host, NULL);
    for (size_t i = 0; i < search.count; i++) {
        bool root = strcmp(search.domains[i], ".") == 0;
        add_name(self, host, root ? NULL : search.domains[i]);
    }
    if (dots < search.ndots)
        add_name(self, host, NULL);
}

/* ---- without asking ---- */

static void give_all(unsigned families, const rp_answer *answers, rp_dns_fn *fn, void *user)
{
    for (unsigned family = 0; family < RP_FAMILIES; family++) {
        if (families & 1u << family)
            fn(user, family, &answers[family]);
    }
}

static void on_hosts(void *user, int status, int timeouts, struct ares_addrinfo *info)
{
    rp_answer *answers = user;
    (void)timeouts;
    const struct ares_addrinfo_node *node = status == ARES_SUCCESS ? info->nodes : NULL;
    for (; node != NULL; node = node->ai_next) {
        struct sockaddr_in in = {.sin_family = AF_UNSPEC};
        struct sockaddr_in6 in6 = {.sin6_family = AF_UNSPEC};
        if (node->ai_family == AF_INET && (size_t)node->ai_addrlen >= sizeof(in)) {
            memcpy(&in, node->ai_addr, sizeof(in));
            add_address(&answers[RP_FAMILY_V4], RP_FAMILY_V4, &in.sin_addr);
        } else if (node->ai_family == AF_INET6 && (size_t)node->ai_addrlen >= sizeof(in6)) {
            memcpy(&in6, node->ai_addr, sizeof(in6));
            add_address(&answers[RP_FAMILY_V6], RP_FAMILY_V6, &in6.sin6_addr);
        }
    }
    ares_freeaddrinfo(info);
}

/* What the hosts file has; not to be kept, for the file may change. */
static bool look_into_hosts(rp_dns *dns, const char *host, rp_answer *answers)
{
    static const struct ares_addrinfo_hints hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = ARES_AI_NOSORT};
    for (unsigned family = 0; family < RP_FAMILIES; family++)
        answers[family] = (rp_answer){.verdict = RP_VERDICT_NO_DATA, .code = ARES_ENODATA};
    ares_getaddrinfo(dns->hosts, host, NULL, &hints, on_hosts, answers);
    for (unsigned family = 0; family < RP_FAMILIES; family++) {
        if (answers[family].count > 0)
            answers[family].verdict = RP_VERDICT_ADDRESSES;
    }
    return answers[RP_FAMILY_V4].count + answers[RP_FAMILY_V6].count > 0;
}

/* RFC 7686, 2: such names are not the DNS' business. */
static bool is_onion(const char *host)
{
    size_t size = strlen(host);
    if (size > 0 && host[size - 1] == '.')
        size--;
    return size >= 6 && memcmp(host + size - 6, ".onion", 6) == 0;
}

/* ---- public ---- */

void rp__dns_ask(rp_dns *dns, const char *host, unsigned families, rp_dns_fn *fn, void *user)
{
    rp_answer answers[RP_FAMILIES];
    if (look_into_hosts(dns, host, answers)) {
        give_all(families, answers, fn, user);
        return;
    }
    rp__mutex_lock(&dns->mutex);
    ask *self = is_onion(host) ? NULL : rp__allocate(&dns->memory, sizeof(*self));
    rp__mutex_unlock(&dns->mutex);
    if (self == NULL) {
        rp_answer none = {.verdict = RP_VERDICT_FAILED, .code = ARES_ENOMEM};
        if (is_onion(host))
            none = (rp_answer){.verdict = RP_VERDICT_NO_NAME, .code = ARES_ENOTFOUND};
        answers[RP_FAMILY_V4] = answers[RP_FAMILY_V6] = none;
        give_all(families, answers, fn, user);
        return;
    }
    self->dns = dns;
    self->fn = fn;
    self->user = user;
    self->families = families;
    self->outstanding = 1;
    for (unsigned family = 0; family < RP_FAMILIES; family++)
        self->nothings[family].ttl_s = UINT32_MAX;
    list_names(self, host);
    put_questions(self, 0);
    ask_release(self);
}

void rp__dns_error(const char *host, rp_verdict verdict, int code, rp_error *error)
{
    static const char none[] = "name servers gave no answer for %.120s (%s)";
    if (verdict == RP_VERDICT_NO_NAME)
        (void)rp__error_set(error, RP_E_RESOLVE_NOT_FOUND, RP_PHASE_RESOLVE, "%.120s: no such host",
                            host);
    else if (verdict == RP_VERDICT_NO_DATA)
        (void)rp__error_set(error, RP_E_RESOLVE_NOT_FOUND, RP_PHASE_RESOLVE,
                            "%.120s: the host has no address", host);
    else if (code == ARES_ENOMEM)
        (void)rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_RESOLVE,
                            "no memory for the look-up of %.120s", host);
    else if (code == NO_DESCRIPTORS)
        (void)rp__error_set(error, RP_E_NO_DESCRIPTORS, RP_PHASE_RESOLVE,
                            "no descriptor is left for the look-up of %.120s", host);
    else if (code == ARES_ETIMEOUT || code == ARES_ECONNREFUSED)
        (void)rp__error_set(error, RP_E_RESOLVE_FAILED, RP_PHASE_RESOLVE,
                            "name servers did not answer for %.120s", host);
    else if (code == ARES_ESERVFAIL)
        (void)rp__error_set(error, RP_E_RESOLVE_FAILED, RP_PHASE_RESOLVE, none, host, "SERVFAIL");
    else if (code == ARES_EREFUSED)
        (void)rp__error_set(error, RP_E_RESOLVE_FAILED, RP_PHASE_RESOLVE, none, host, "REFUSED");
    else if (code == ARES_ENOTIMP)
        (void)rp__error_set(error, RP_E_RESOLVE_FAILED, RP_PHASE_RESOLVE, none, host, "NOTIMP");
    else
        (void)rp__error_set(error, RP_E_RESOLVE_FAILED, RP_PHASE_RESOLVE,
                            "look-up of %.120s failed: %s", host, ares_strerror(code));
}

int rp__dns_code(rp_status status)
{
    return status == RP_E_NO_MEMORY ? ARES_ENOMEM : ARES_ETIMEOUT;
}

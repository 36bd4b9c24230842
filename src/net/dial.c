/* dial.c - from a host name to a connected socket (RFC 8305, "Happy Eyeballs").
 *
 * The addresses are tried in order. Attempt i + 1 starts RP_ATTEMPT_DELAY_MS after attempt i, or
 * at once when an attempt fails. The first connected socket wins, and the result is given at
 * once; closing the losers takes a turn or two more, and the dial object stays until the last of
 * them is closed. Which addresses failed, or were too slow, is noted for the next time.
 *
 * Where one family's addresses came alone, another look-up waits for the other's while these are
 * tried, and what it brings stands in line behind them.
 *
 * What the rules of the caller say of an address is asked just before its socket is made, nowhere
 * else, so nothing comes between the answer and the connect. One that they refuse is not tried; it
 * says nothing of the server, and is not remembered.
 *
 * A host that needs no look-up (an IP literal, "localhost", an override) costs no extra turn:
 * its first connect is started by rp__dial_start itself. What fails inside rp__dial_start is
 * deferred. */
#include "net/dial.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/platform.h"
#include "net/kinds.h"

#include <stdio.h>
#include <string.h>

#define PORT_CHOSEN_LEAST 1024 /* systems choose no port below for our end */

typedef struct rp_attempt {
    rp_dial *dial;
    rp_socket *socket; /* NULL: not started, failed, closing, or given away */
    uint64_t started_ns;
    bool failed, refused;
} rp_attempt;

struct rp_dial {
    rp_loop *loop;
    rp_dial_fn *fn; /* NULL: called or cancelled; the dial waits for its sockets to close */
    void *user;
    uint64_t resolve_timeout_ms, connect_timeout_ms;
    rp_resolver *resolver;
    rp_lookup *lookup; /* NULL: not resolving */
    rp_timer deadline; /* of the phase */
    rp_timer delay;    /* until the next attempt, or for the late family */
    rp_deferred deferred;
    rp_loop_hook hook;
    uint64_t resolved_ns;
    bool stale;
    bool choice; /* there is or was more than one address: it matters which of them fail */

    size_t count; /* of addresses */
    size_t next;  /* the first one not yet tried */
    unsigned connecting;
    unsigned sockets; /* not yet closed, and one more while fn is being called */
    rp_address addresses[RP_ADDRESSES_LIMIT];
    rp_attempt attempts[RP_ADDRESSES_LIMIT];

    unsigned how; /* names are looked up */
    rp_local_end local;
    bool speaks_first;
    rp_dial_rules rules;
    unsigned refusals;   /* addresses that the rules refused */
    size_t refused;      /* the first of these */
    const char *why_not; /* of this one */

    unsigned failures;
    bool mixed;          /* not all with the same status */
    size_t worst;        /* the address whose failure is reported */
    rp_io_result result; /* that failure */

    rp_error error;
    uint16_t port;
    char host[];
};

static void start_connecting(rp_dial *dial);

/* ---- messages ---- */

#define TARGET_SIZE (100 + RP_ADDRESS_TEXT_SIZE + 4)

/* "api.example.com (192.0.2.7:443)", or the address alone where the host is one. */
static const char *target_text(const rp_dial *dial, size_t index, char text[TARGET_SIZE])
{
    char address[RP_ADDRESS_TEXT_SIZE];
    rp_address literal;
    (void)rp__address_text(&dial->addresses[index], true, address);
    if (dial->count == 1 && rp__address_parse(&literal, dial->host, strlen(dial->host)))
        (void)snprintf(text, TARGET_SIZE, "%s", address);
    else
        (void)snprintf(text, TARGET_SIZE, "%.100s (%s)", dial->host, address);
    return text;
}

#define ALL_SIZE 16
#define OTHERS_SIZE 80

/* "both", "all 3" */
static const char *all_text(unsigned count, char text[ALL_SIZE])
{
    if (count == 2)
        return "both";
    (void)snprintf(text, ALL_SIZE, "all %u", count);
    return text;
}

/* How the message about a failure begins; the cause follows. */
static const char *failure_words(rp_status status)
{
    switch (status) {
    case RP_E_CONNECT_UNREACHABLE:
        return "no way to";
    case RP_E_NO_LOCAL_PORTS:
        return "no local port is left for a connection to";
    case RP_E_LOCAL_ADDRESS:
        return "this program's rp_local does not suit this machine: no connection to";
    case RP_E_NO_DESCRIPTORS:
        return "no descriptor is left for a connection to";
    case RP_E_NO_MEMORY:
        return "no memory for a connection to";
    case RP_E_UNSUPPORTED:
        return "this system has no means of a connection to";
    default:
        return "no connection to";
    }
}

static size_t bytes_size(const rp_address *address)
{
    return address->family == 6 ? 16 : 4;
}

static uint32_t kinds_of(const rp_address *address)
{
    return rp_address_kinds(address->bytes, bytes_size(address));
}

static void all_refused_error(rp_dial *dial)
{
    char first[RP_ADDRESS_TEXT_SIZE], all[ALL_SIZE];
    (void)rp__error_set(&dial->error, RP_E_CONNECT_REFUSED, RP_PHASE_CONNECT,
                        "connection to %.100s refused by %s addresses (first %s)", dial->host,
                        all_text(dial->failures, all),
                        rp__address_text(&dial->addresses[dial->worst], true, first));
    dial->error.os_code = dial->result.os_code;
}

/* dial->error tells of the most telling failure; others: what became of the other addresses. */
static void worst_error(rp_dial *dial, const char *others)
{
    char target[TARGET_SIZE];
    rp_io_result result = dial->result;
    rp_error *error = &dial->error;
    (void)target_text(dial, dial->worst, target);
    if (result.status == RP_E_IO_FAILED) /* of ports->open */
        result.status = RP_E_CONNECT_FAILED;
    if (result.status == RP_E_CONNECT_REFUSED)
        (void)rp__error_set(error, result.status, RP_PHASE_CONNECT, "connection to %s refused%s",
                            target, others);
    else if (result.os_code != 0)
        (void)rp__error_set(error, result.status, RP_PHASE_CONNECT, "%s %s: %s%s",
                            failure_words(result.status), target, rp__os_error_text(result.os_code),
                            others);
    else
        (void)rp__error_set(error, result.status, RP_PHASE_CONNECT, "%s %s%s",
                            failure_words(result.status), target, others);
    error->os_code = result.os_code;
}

/* The rules refused every address. */
static void refusal_error(rp_dial *dial)
{
    char target[TARGET_SIZE], all[ALL_SIZE], others[OTHERS_SIZE] = "";
    uint32_t kinds = kinds_of(&dial->addresses[dial->refused]);
    if (dial->refusals > 1)
        (void)snprintf(others, sizeof(others), "; %s addresses are forbidden",
                       all_text(dial->refusals, all));
    (void)rp__error_set(&dial->error, RP_E_ADDRESS_REFUSED, RP_PHASE_CONNECT,
                        "connection to %s forbidden by this program's %s: %s%s",
                        target_text(dial, dial->refused, target),
                        (kinds & dial->rules.refuse) == 0 ? "on_address" : "refuse_addresses",
                        dial->why_not, others);
}

/* Every address failed, or was refused. */
static void failure_error(rp_dial *dial)
{
    char all[ALL_SIZE], others[OTHERS_SIZE] = "";
    if (dial->failures == 0) {
        refusal_error(dial);
        return;
    }
    if (dial->refusals > 0)
        (void)snprintf(others, sizeof(others), "; %u of %zu addresses forbidden by this program",
                       dial->refusals, dial->next);
    else if (dial->failures > 1)
        (void)snprintf(others, sizeof(others), "; %s addresses failed",
                       all_text(dial->failures, all));
    if (dial->result.status == RP_E_CONNECT_REFUSED && dial->failures > 1 && !dial->mixed &&
        dial->refusals == 0)
        all_refused_error(dial);
    else
        worst_error(dial, others);
}

bool rp__dial_lacks(rp_status status)
{
    return status == RP_E_NO_MEMORY || status == RP_E_NO_DESCRIPTORS ||
           status == RP_E_NO_LOCAL_PORTS || status == RP_E_LOCAL_ADDRESS;
}

/* What the report prefers: a host without IPv6 is not the news when its IPv4 address refused, and
 * what this process lacks is the news, because its address might have been the good one. */
static int weight(rp_status status)
{
    if (rp__dial_lacks(status))
        return 4;
    switch (status) {
    case RP_E_UNSUPPORTED:
        return 1;
    case RP_E_CONNECT_UNREACHABLE:
        return 2;
    default:
        return 3;
    }
}

static void connect_timeout_error(rp_dial *dial)
{
    char target[TARGET_SIZE], first[RP_ADDRESS_TEXT_SIZE], others[OTHERS_SIZE];
    unsigned long long ms = dial->connect_timeout_ms;
    if (dial->failures > 0 && rp__dial_lacks(dial->result.status)) {
        (void)snprintf(others, sizeof(others), "; no other address answered within %llu ms", ms);
        worst_error(dial, others);
        return;
    }
    size_t tried = dial->next - dial->refusals, index = 0;
    if (tried == 0) { /* the other family's answer was waited for */
        refusal_error(dial);
        return;
    }
    while (dial->attempts[index].refused)
        index++;
    if (tried == 1)
        (void)rp__error_set(&dial->error, RP_E_CONNECT_TIMEOUT, RP_PHASE_CONNECT,
                            "%s did not answer the connection within %llu ms",
                            target_text(dial, index, target), ms);
    else
        (void)rp__error_set(
            &dial->error, RP_E_CONNECT_TIMEOUT, RP_PHASE_CONNECT,
            "none of %zu addresses of %.100s (first %s) took the connection within %llu ms", tried,
            dial->host, rp__address_text(&dial->addresses[index], true, first), ms);
}

/* ---- the end ---- */

static void free_when_done(rp_dial *dial)
{
    if (dial->fn != NULL || dial->sockets > 0)
        return;
    rp_loop *loop = dial->loop;
    rp_resolver_release(dial->resolver);
    rp__free(&loop->memory, dial);
    rp__loop_unhold(loop);
}

static void attempt_close(rp_attempt *attempt)
{
    rp_socket *socket = attempt->socket;
    attempt->socket = NULL;
    rp__socket_ops(socket)->close(socket);
}

/* Nothing of the dial will happen any more, but that its sockets get closed. */
static void stop(rp_dial *dial)
{
    if (dial->lookup != NULL)
        rp__lookup_cancel(dial->lookup);
    dial->lookup = NULL;
    rp_timer_stop(dial->loop, &dial->deadline);
    rp_timer_stop(dial->loop, &dial->delay);
    rp__loop_undefer(&dial->deferred);
    rp__list_remove(&dial->hook.link);
    for (size_t i = 0; i < dial->next; i++) {
        if (dial->attempts[i].socket != NULL)
            attempt_close(&dial->attempts[i]);
    }
    dial->fn = NULL;
}

static void finish(rp_dial *dial, rp_dial_result *result)
{
    rp_dial_fn *fn = dial->fn;
    stop(dial);
    result->resolved_ns = dial->resolved_ns;
    result->stale = dial->stale;
    dial->sockets++;
    fn(dial->user, result);
    dial->sockets--;
    free_when_done(dial);
}

/* For the reason in dial->error. */
static void fail(rp_dial *dial)
{
    rp_dial_result result = {.error = &dial->error};
    if (dial->next > 0)
        result.address = dial->addresses[dial->next - 1];
    finish(dial, &result);
}

static void fail_deferred(rp_deferred *deferred)
{
    fail(RP_CONTAINER(deferred, rp_dial, deferred));
}

static void loop_ends(rp_loop_hook *hook)
{
    rp_dial *dial = RP_CONTAINER(hook, rp_dial, hook);
    rp_phase phase = dial->resolved_ns == 0 ? RP_PHASE_RESOLVE : RP_PHASE_CONNECT;
    (void)rp__error_set(&dial->error, RP_E_CANCELLED, phase, "the loop was destroyed");
    fail(dial);
}

/* ---- attempts ---- */

static void note_failure(rp_dial *dial, size_t index, rp_io_result result)
{
    int telling = weight(result.status);
    dial->attempts[index].failed = true;
    if (dial->choice && !rp__dial_lacks(result.status))
        rp__address_note(dial->loop, dial->resolver, &dial->addresses[index], false);
    if (dial->failures++ > 0 && result.status != dial->result.status)
        dial->mixed = true;
    if (dial->failures > 1 && telling <= weight(dial->result.status))
        return;
    dial->worst = index;
    dial->result = result;
}

/* Those that had their time and did not connect. */
static void note_slow(rp_dial *dial)
{
    uint64_t now_ns = rp__loop_now_ns(dial->loop);
    for (size_t i = 0; i < dial->next && dial->choice; i++) {
        const rp_attempt *attempt = &dial->attempts[i];
        if (attempt->socket != NULL &&
            now_ns - attempt->started_ns >= RP_ATTEMPT_DELAY_MS * RP_NS_PER_MS)
            rp__address_note(dial->loop, dial->resolver, &dial->addresses[i], false);
    }
}

/* Those not yet tried, then those that were slower. */
static size_t list_rest(const rp_dial *dial, size_t winner, rp_address rest[RP_ADDRESSES_LIMIT])
{
    size_t count = 0;
    for (size_t i = dial->next; i < dial->count; i++) {
        if ((kinds_of(&dial->addresses[i]) & dial->rules.refuse) == 0)
            rest[count++] = dial->addresses[i];
    }
    for (size_t i = 0; i < dial->next; i++) {
        if (i != winner && !dial->attempts[i].failed && !dial->attempts[i].refused)
            rest[count++] = dial->addresses[i];
    }
    return count;
}

static void win(rp_dial *dial, rp_attempt *attempt)
{
    rp_address rest[RP_ADDRESSES_LIMIT];
    size_t index = (size_t)(attempt - dial->attempts);
    rp_dial_result result = {
        .socket = attempt->socket,
        .address = dial->addresses[index],
        .connected_ns = rp__loop_now_ns(dial->loop),
        .rest = rest,
        .rest_count = list_rest(dial, index, rest),
    };
    attempt->socket = NULL;
    dial->sockets--;
    note_slow(dial);
    finish(dial, &result);
}

static void on_late(rp_timer *timer, void *user)
{
    (void)timer;
    failure_error(user);
    fail(user);
}

/* No attempt is under way and no address is left. False: there may be more. */
static bool is_over(rp_dial *dial)
{
    if (dial->connecting > 0)
        return false;
    if (dial->lookup == NULL)
        return true;
    rp_timer_start(dial->loop, &dial->delay, RP_LATE_FAMILY_MS, on_late, dial);
    return false;
}

/* Linux has the same word for IPv6 without an address of ours, as where it is switched off, as for
 * ports that are all taken. */
static rp_io_result cause_of(const rp_address *address, rp_io_result result)
{
    rp_address source;
    if (result.status == RP_E_NO_LOCAL_PORTS && address->family == 6 &&
        !rp__system_source(address, &source))
        result.status = RP_E_CONNECT_UNREACHABLE;
    return result;
}

/* Where nobody listens on a port of this machine, our own end may get just that port, and the
 * connection is to itself (RFC 9293, 3.5). It would give back what is sent as what came, and keep
 * the server that is to listen there from its port, as TIME-WAIT does: so it is reset. */
static bool is_to_itself(const rp_dial *dial, rp_socket *socket, const rp_address *address)
{
    static const uint8_t any[sizeof(address->bytes)]; /* the address is then the one of our end */
    const rp_port_ops *ops = rp__socket_ops(socket);
    bool possible = address->port >= PORT_CHOSEN_LEAST || dial->local.first_port > 0;
    if (!possible || address->family == RP_FAMILY_UNIX || ops->local == NULL)
        return false;
    rp_address own = ops->local(socket);
    if (own.port != address->port ||
        (memcmp(address->bytes, any, sizeof(any)) != 0 && !rp__address_is_among(&own, address, 1)))
        return false;
    ops->reset_on_close(socket);
    return true;
}

static void on_connected(rp_socket *socket, rp_io_result result)
{
    rp_attempt *attempt = socket->user;
    rp_dial *dial = attempt->dial;
    size_t index = (size_t)(attempt - dial->attempts);
    if (attempt->socket == NULL)
        return; /* lost the race, is being closed */
    dial->connecting--;
    if (result.status == RP_OK && is_to_itself(dial, socket, &dial->addresses[index]))
        result = (rp_io_result){RP_E_CONNECT_REFUSED, 0};
    if (result.status == RP_OK) {
        win(dial, attempt);
        return;
    }
    note_failure(dial, index, cause_of(&dial->addresses[index], result));
    attempt_close(attempt);
    start_connecting(dial);
    if (is_over(dial)) {
        failure_error(dial);
        fail(dial);
    }
}

static void on_closed(rp_socket *socket)
{
    rp_attempt *attempt = socket->user;
    attempt->dial->sockets--;
    free_when_done(attempt->dial);
}

static const rp_socket_handler handler = {.connected = on_connected, .closed = on_closed};

/* What on_address says of it. */
static const char *ask_about(const rp_dial_rules *rules, const char *host,
                             const rp_address *address, uint32_t kinds)
{
    char text[RP_ADDRESS_TEXT_SIZE];
    rp_target target = {.host = host,
                        .address = rp__address_text(address, true, text),
                        .bytes = address->bytes,
                        .size = bytes_size(address),
                        .port = address->port,
                        .kinds = kinds};
    return rules->on_address(&target, rules->user);
}

bool rp__rules_allow(const rp_dial_rules *rules, const char *host, const rp_address *address,
                     const char **why_not)
{
    *why_not = NULL;
    if (address->family == RP_FAMILY_UNIX)
        return true; /* no name led there, but the program itself */
    uint32_t kinds = kinds_of(address);
    uint32_t refused = kinds & rules->refuse;
    if (refused != 0)
        *why_not = rp__kind_text(refused);
    else if (rules->on_address != NULL)
        *why_not = ask_about(rules, host, address, kinds);
    return *why_not == NULL;
}

/* False: by the rules it is not connected to. */
static bool is_allowed(rp_dial *dial, size_t index)
{
    const char *why_not;
    if (rp__rules_allow(&dial->rules, dial->host, &dial->addresses[index], &why_not))
        return true;
    dial->attempts[index].refused = true;
    if (dial->refusals++ > 0)
        return false;
    dial->refused = index;
    dial->why_not = why_not;
    return false;
}

static bool attempt_start(rp_dial *dial, size_t index)
{
    rp_port *port = dial->loop->port;
    const rp_address *address = &dial->addresses[index];
    rp_socket *socket = NULL;
    if (!is_allowed(dial, index))
        return false;
    rp_io_result result = port->ops->open(port, address->family, &socket);
    if (result.status != RP_OK) {
        note_failure(dial, index, result);
        return false;
    }
    dial->attempts[index] =
        (rp_attempt){.dial = dial, .socket = socket, .started_ns = rp__loop_now_ns(dial->loop)};
    dial->sockets++;
    socket->handler = &handler;
    socket->user = &dial->attempts[index];
    if (address->family != RP_FAMILY_UNIX)
        result = rp__local_bind(&dial->local, socket, address->family);
    if (result.status != RP_OK) {
        note_failure(dial, index, result);
        attempt_close(&dial->attempts[index]);
        return false;
    }
    dial->connecting++;
    socket->speaks_first = dial->speaks_first;
    rp__socket_ops(socket)->connect(socket, address);
    return true;
}

static void on_delay(rp_timer *timer, void *user)
{
    (void)timer;
    start_connecting(user);
}

/* Starts the next attempt. dial->connecting stays 0 if none could be started and none is under
 * way. */
static void start_connecting(rp_dial *dial)
{
    bool started = false;
    while (!started && dial->next < dial->count)
        started = attempt_start(dial, dial->next++);
    if (dial->next < dial->count)
        rp_timer_start(dial->loop, &dial->delay, RP_ATTEMPT_DELAY_MS, on_delay, dial);
    else
        rp_timer_stop(dial->loop, &dial->delay);
}

/* ---- phases ---- */

static void on_connect_timeout(rp_timer *timer, void *user)
{
    rp_dial *dial = user;
    (void)timer;
    note_slow(dial);
    connect_timeout_error(dial);
    fail(dial);
}

/* The addresses are there. False: no attempt could be started, and dial->error says why. */
static bool connect_phase(rp_dial *dial)
{
    dial->resolved_ns = rp__loop_now_ns(dial->loop);
    dial->choice = dial->choice || dial->count > 1;
    start_connecting(dial);
    if (is_over(dial)) {
        failure_error(dial);
        return false;
    }
    if (dial->connect_timeout_ms == RP_NEVER_MS)
        rp_timer_stop(dial->loop, &dial->deadline);
    else
        rp_timer_start(dial->loop, &dial->deadline, dial->connect_timeout_ms, on_connect_timeout,
                       dial);
    return true;
}

/* The late family's answer. */
static void on_more(void *user, const rp_resolved *resolved)
{
    rp_dial *dial = user;
    bool idle = dial->next == dial->count; /* the delay is not running, but for the late family */
    dial->lookup = NULL;
    for (size_t i = 0; i < resolved->count && dial->count < RP_ADDRESSES_LIMIT; i++) {
        if (!rp__address_is_among(&resolved->addresses[i], dial->addresses, dial->count))
            dial->addresses[dial->count++] = resolved->addresses[i];
    }
    dial->choice = dial->choice || dial->count > 1;
    if (dial->connecting == 0)
        start_connecting(dial);
    else if (idle && dial->next < dial->count)
        rp_timer_start(dial->loop, &dial->delay, RP_ATTEMPT_DELAY_MS, on_delay, dial);
    if (is_over(dial)) {
        failure_error(dial);
        fail(dial);
    }
}

static void on_resolved(void *user, const rp_resolved *resolved)
{
    rp_dial *dial = user;
    dial->lookup = NULL;
    if (resolved->error != NULL) {
        dial->error = *resolved->error;
        fail(dial);
        return;
    }
    RP_ASSERT(resolved->count > 0);
    RP_ASSERT(resolved->count <= RP_ADDRESSES_LIMIT);
    memcpy(dial->addresses, resolved->addresses, resolved->count * sizeof(*dial->addresses));
    dial->count = resolved->count;
    dial->stale = resolved->stale;
    if (resolved->partial) /* without memory for it: these must do */
        dial->lookup = rp__lookup_start(dial->loop, dial->resolver, dial->host, dial->port,
                                        dial->how | RP_LOOKUP_WHOLE, on_more, dial);
    if (!connect_phase(dial))
        fail(dial);
}

static void on_resolve_timeout(rp_timer *timer, void *user)
{
    rp_dial *dial = user;
    (void)timer;
    (void)rp__error_set(&dial->error, RP_E_RESOLVE_TIMEOUT, RP_PHASE_RESOLVE,
                        "no answer for %.120s within %llu ms", dial->host,
                        (unsigned long long)dial->resolve_timeout_ms);
    fail(dial);
}

/* False: no memory. */
static bool resolve_phase(rp_dial *dial)
{
    dial->lookup = rp__lookup_start(dial->loop, dial->resolver, dial->host, dial->port, dial->how,
                                    on_resolved, dial);
    if (dial->lookup == NULL)
        return false;
    if (dial->resolve_timeout_ms != RP_NEVER_MS)
        rp_timer_start(dial->loop, &dial->deadline, dial->resolve_timeout_ms, on_resolve_timeout,
                       dial);
    return true;
}

/* ---- public ---- */

static rp_dial *dial_new(rp_loop *loop, const rp_dial_options *options, rp_dial_fn *fn, void *user)
{
    size_t size = strlen(options->host);
    rp_dial *dial = rp__allocate(&loop->memory, sizeof(*dial) + size + 1);
    if (dial == NULL)
        return NULL;
    dial->loop = loop;
    dial->fn = fn;
    dial->user = user;
    dial->resolve_timeout_ms = options->resolve_timeout_ms;
    dial->connect_timeout_ms = options->connect_timeout_ms;
    dial->port = options->port;
    dial->rules = options->rules;
    dial->how = rp__lookup_of(options->families);
    dial->speaks_first = options->speaks_first;
    if (options->local != NULL)
        dial->local = *options->local;
    if (options->resolver != NULL)
        dial->resolver = rp_resolver_retain(options->resolver);
    memcpy(dial->host, options->host, size);
    return dial;
}

/* What was known at once is of both families. */
static rp_status leave_out_families(rp_dial *dial)
{
    size_t all = dial->count;
    uint8_t unwanted = dial->how == RP_LOOKUP_NO_V4 ? 4 : 6;
    if (dial->how == 0)
        return RP_OK;
    dial->count = 0;
    for (size_t i = 0; i < all; i++) {
        if (dial->addresses[i].family != unwanted)
            dial->addresses[dial->count++] = dial->addresses[i];
    }
    if (dial->count > 0 || all == 0)
        return RP_OK;
    return rp__error_set(&dial->error, RP_E_CONNECT_UNREACHABLE, RP_PHASE_CONNECT,
                         "no way to %.150s: IPv%u is not allowed by this program's families",
                         dial->host, (unsigned)unwanted);
}

/* The addresses that need no look-up: given, or known at once. */
static rp_status know_addresses(rp_dial *dial, const rp_dial_options *options)
{
    if (options->count == 0) {
        rp_status status = rp__resolve_at_once(dial->loop, dial->resolver, dial->host, dial->port,
                                               dial->addresses, &dial->count, &dial->error);
        return status == RP_OK ? leave_out_families(dial) : status;
    }
    RP_ASSERT(options->count <= RP_ADDRESSES_LIMIT);
    memcpy(dial->addresses, options->addresses, options->count * sizeof(*dial->addresses));
    dial->count = options->count;
    dial->choice = options->addresses[0].family != RP_FAMILY_UNIX;
    return RP_OK;
}

rp_dial *rp__dial_start(rp_loop *loop, const rp_dial_options *options, rp_dial_fn *fn, void *user)
{
    rp_dial *dial = dial_new(loop, options, fn, user);
    if (dial == NULL)
        return NULL;
    bool going = false;
    rp_status status = know_addresses(dial, options);
    if (loop->destroying) {
        /* The hooks have been called: nothing would end the attempts any more. */
        (void)rp__error_set(&dial->error, RP_E_CANCELLED, RP_PHASE_RESOLVE,
                            "the loop was destroyed");
    } else if (status == RP_OK && dial->count > 0) {
        going = connect_phase(dial);
    } else if (status == RP_OK) {
        going = resolve_phase(dial);
        if (!going) {
            rp_resolver_release(dial->resolver);
            rp__free(&loop->memory, dial);
            return NULL;
        }
    }
    rp__loop_hold(loop);
    rp__loop_hook_add(loop, &dial->hook, loop_ends);
    if (!going)
        rp__loop_defer(loop, &dial->deferred, fail_deferred);
    return dial;
}

void rp__dial_cancel(rp_dial *dial)
{
    if (dial->fn == NULL)
        return;
    stop(dial);
    free_when_done(dial);
}

/* origin.c - the table of a client's origins, their queues, and what they taught. */
#include "client/origin.h"

#include "base/hash.h"
#include "base/text.h"
#include "client/request.h"
#include "client/shared.h"
#include "client/statistics.h"

#include <string.h>

#define STALLED_LIMIT 2
#define REMEMBERED_LIMIT 256
#define PROBES 2
#define OPEN_AGAIN_NS 250000000u
#define SAID_NS 250000000u

/* ---- the table ---- */

/* Origins come from the caller, so nobody can choose collisions from outside. */
static uint64_t origin_hash(const rp_url *url, const rp_way *way)
{
    uint64_t hash = RP_HASH_BEGIN;
    for (size_t i = 0; i < url->host.size; i++)
        hash = rp__hash_byte(hash, (uint8_t)rp__ascii_lower((char)url->host.data[i]));
    for (const char *route = way->route; *route != '\0'; route++)
        hash = rp__hash_byte(hash, (uint8_t)*route);
    for (uintptr_t hop = (uintptr_t)way->hop; hop != 0; hop >>= 8)
        hash = rp__hash_byte(hash, (uint8_t)hop);
    hash = rp__hash_byte(hash, (uint8_t)(url->port >> 8));
    hash = rp__hash_byte(hash, (uint8_t)url->port);
    return rp__hash_byte(hash, (uint8_t)(url->https | way->upgrades << 1));
}

/* Mostly there is none. */
static bool same_route(const char *a, const char *b)
{
    return a[0] == b[0] && (a[0] == '\0' || strcmp(a, b) == 0);
}

static bool origin_is(const rp_origin *origin, uint64_t hash, const rp_url *url, const rp_way *way)
{
    if (origin->hash != hash || origin->port != url->port || origin->https != url->https ||
        origin->upgrades != way->upgrades || origin->hop != way->hop ||
        origin->host_size != url->host.size || !same_route(origin->route, way->route))
        return false;
    return memcmp(origin->host, url->host.data, url->host.size) == 0 || /* mostly, and faster */
           rp__ascii_equal(origin->host, url->host.data, url->host.size);
}

/* Without memory for a larger table the small one serves on, slower. */
static void buckets_grow(rp_client *client)
{
    size_t count = client->bucket_count * 2;
    rp_origin **buckets = rp__allocate(&client->loop->memory, count * sizeof(*buckets));
    if (buckets == NULL)
        return;
    for (size_t i = 0; i < client->bucket_count; i++) {
        for (rp_origin *origin = client->buckets[i]; origin != NULL;) {
            rp_origin *next = origin->next;
            rp_origin **bucket = &buckets[origin->hash & (count - 1)];
            origin->next = *bucket;
            *bucket = origin;
            origin = next;
        }
    }
    rp__free(&client->loop->memory, client->buckets);
    client->buckets = buckets;
    client->bucket_count = count;
}

/* It is in use again, or goes. */
static void forget(rp_origin *origin)
{
    if (rp__list_empty(&origin->remembered_link))
        return;
    rp__list_remove(&origin->remembered_link);
    origin->client->remembered_count--;
}

/* What a proxy forwards is asked of it in HTTP/1.1. */
static rp_http_versions versions_of(const rp_origin *origin)
{
    const rp_client_options *options = &origin->client->options;
    if (origin->upgrades)
        return RP_HTTP_1_1;
    if (origin->https)
        return options->versions;
    bool http2 = options->http2_prior_knowledge && !rp__origin_forwards(origin);
    return http2 ? RP_HTTP_2 : RP_HTTP_1_1;
}

static uint32_t uses_of(const rp_client_options *options)
{
    if (options->never_reuse)
        return 1;
    return options->requests_per_connection > 0 ? options->requests_per_connection : UINT32_MAX;
}

static uint32_t takes_at_first(const rp_origin *origin)
{
    return origin->versions == RP_HTTP_1_1 ? 1 : 0;
}

/* What another loop's client learned of it, while this one knows nothing. */
static void ask_others(rp_origin *origin)
{
    rp_shared_fact fact;
    if (origin->takes != 0 || origin->conn_count > 0 || !rp__shared_ask(origin, &fact))
        return;
    if (fact.http1) {
        (void)rp__origin_learn_http1(origin);
    } else if (!fact.multiplexed || origin->versions != RP_HTTP_1_1) {
        origin->takes = fact.takes;
        origin->takes_said = fact.takes_said;
        origin->multiplexed = fact.multiplexed;
    }
}

/* NULL: there is none yet. */
static rp_origin *origin_find(rp_client *client, const rp_url *url, const rp_way *way)
{
    rp_origin *origin = client->last_origin; /* mostly: of that the hash is not needed */
    if (origin != NULL && origin_is(origin, origin->hash, url, way))
        return origin;
    uint64_t hash = origin_hash(url, way);
    origin = client->buckets[hash & (client->bucket_count - 1)];
    while (origin != NULL && !origin_is(origin, hash, url, way))
        origin = origin->next;
    if (origin != NULL)
        client->last_origin = origin;
    return origin;
}

/* NULL: no memory. */
static rp_origin *origin_make(rp_client *client, const rp_url *url, const rp_way *way)
{
    size_t route_size = strlen(way->route) + 1;
    rp_origin *origin =
        rp__allocate(&client->loop->memory, sizeof(*origin) + url->host.size + 1 + route_size);
    if (origin == NULL)
        return NULL;
    origin->client = client;
    if (!rp__limit_make(origin)) {
        rp__free(&client->loop->memory, origin);
        return NULL;
    }
    if (client->origin_count >= client->bucket_count)
        buckets_grow(client);
    origin->hash = origin_hash(url, way);
    origin->number = ++client->origins_made;
    origin->port = url->port;
    origin->https = url->https;
    origin->host_size = url->host.size;
    for (size_t i = 0; i < url->host.size; i++)
        origin->host[i] = rp__ascii_lower((char)url->host.data[i]);
    memcpy(origin->host + url->host.size + 1, way->route, route_size);
    origin->route = origin->host + url->host.size + 1;
    if (way->hop != NULL)
        origin->proxy = rp_proxy_retain(way->proxy);
    origin->hop = way->hop;
    origin->upgrades = way->upgrades;
    origin->versions = versions_of(origin);
    origin->uses = uses_of(&client->options);
    origin->takes = takes_at_first(origin);
    rp__list_init(&origin->waiting_link);
    rp__list_init(&origin->queue);
    rp__list_init(&origin->conns);
    rp__list_init(&origin->ready);
    rp__list_init(&origin->idle);
    rp__list_init(&origin->remembered_link);
    rp_origin **bucket = &client->buckets[origin->hash & (client->bucket_count - 1)];
    origin->next = *bucket;
    *bucket = origin;
    client->origin_count++;
    return origin;
}

rp_origin *rp__origin_get(rp_client *client, const rp_url *url, const rp_way *way)
{
    rp_origin *origin = origin_find(client, url, way);
    if (origin == NULL)
        origin = origin_make(client, url, way);
    if (origin == NULL)
        return NULL;
    forget(origin);
    if (client->shared != NULL)
        ask_others(origin);
    return origin;
}

static void origin_free(rp_origin *origin)
{
    rp_client *client = origin->client;
    rp_origin **at = &client->buckets[origin->hash & (client->bucket_count - 1)];
    while (*at != origin)
        at = &(*at)->next;
    *at = origin->next;
    if (client->last_origin == origin)
        client->last_origin = NULL;
    client->origin_count--;
    rp__statistics_forget(origin);
    rp_proxy_release(origin->proxy);
    rp__limit_free(origin);
    rp__hedge_forget(origin);
    rp__free(&client->loop->memory, origin);
}

void rp__origin_release_if_unused(rp_origin *origin)
{
    rp_client *client = origin->client;
    if (origin->conn_count > 0 || origin->request_count > 0)
        return;
    bool taught = origin->counts.requests > 0 || origin->lesson.death_ms > 0 ||
                  origin->takes != takes_at_first(origin) ||
                  origin->versions != versions_of(origin) || origin->limit != NULL ||
                  origin->retry_budget.refilled_ns > 0;
    if (!taught || client->destroyed) {
        origin_free(origin);
        return;
    }
    rp__list_append(&client->remembered, &origin->remembered_link);
    if (++client->remembered_count > REMEMBERED_LIMIT)
        rp__origins_forget(client, 1);
}

void rp__origins_forget(rp_client *client, size_t count)
{
    for (; count > 0 && !rp__list_empty(&client->remembered); count--) {
        rp_origin *origin = RP_CONTAINER(client->remembered.next, rp_origin, remembered_link);
        forget(origin);
        origin_free(origin);
    }
}

/* ---- who waits ---- */

/* A connection of HTTP/2 serves whoever comes. */
bool rp__origin_shares_one(const rp_origin *origin)
{
    return origin->multiplexed && origin->open_count > origin->retired_count;
}

/* Preconnects wait like requests. */
static uint32_t demand(const rp_origin *origin)
{
    bool has = rp__origin_shares_one(origin) || origin->idle_wanted <= origin->idle_count;
    uint32_t room = rp__limit_room(origin);
    uint32_t requests = origin->queued_count < room ? origin->queued_count : room;
    return requests + (has ? 0 : origin->idle_wanted - origin->idle_count);
}

/* Openings for those who wait, as many as their requests fill; a few while it is not known how many
 * one takes. An origin of which some stalled gets one: see openings.c. */
static uint32_t openings_needed(const rp_origin *origin)
{
    uint32_t takes = origin->takes, wanted = demand(origin);
    if (takes > 0)
        return wanted / takes + (wanted % takes > 0);
    uint32_t probes = origin->probes_failed < PROBES ? PROBES - origin->probes_failed : 1;
    return wanted < probes ? wanted : probes;
}

/* Those that end by and by, because they are too old or the server wants it, do not count as the
 * one. */
bool rp__origin_is_full(const rp_origin *origin)
{
    const rp_client_options *options = &origin->client->options;
    bool one = options->http2_one_connection && (origin->multiplexed || origin->takes == 0);
    uint32_t lasting = origin->opening_count + origin->open_count - origin->retired_count;
    return origin->conn_count >= options->connections_per_origin || (one && lasting > 0);
}

/* Who probes waits for none of those that have stalled. */
static uint32_t openings_that_count(const rp_origin *origin)
{
    return rp__limit_probes(origin) ? origin->fresh_count : origin->opening_count;
}

bool rp__origin_wants_one(const rp_origin *origin)
{
    if (origin->multiplexed && rp__limit_is_serving(origin))
        return false; /* the place that one left is for the connection that there is */
    uint32_t most = openings_needed(origin);
    bool suspect = origin->stalled_count >= STALLED_LIMIT || rp__limit_is_down(origin);
    if (suspect && most > 0)
        most = 1;
    bool possible = !rp__origin_is_full(origin) || origin->idle_count > 0 ||
                    (rp__limit_is_down(origin) && rp__origin_stalled(origin) > 1);
    return openings_that_count(origin) < most && possible;
}

bool rp__origin_has_enough(const rp_origin *origin)
{
    return !rp__limit_is_down(origin) && openings_that_count(origin) >= openings_needed(origin);
}

void rp__origin_look(rp_origin *origin)
{
    rp_client *client = origin->client;
    bool waits = !rp__list_empty(&origin->waiting_link), wants = rp__origin_wants_one(origin);
    if (wants && !waits) {
        rp__list_append(&client->waiting, &origin->waiting_link);
        client->waiting_count++;
    } else if (!wants && waits) {
        rp__list_remove(&origin->waiting_link);
        client->waiting_count--;
    }
}

/* ---- the queue ---- */

/* Whoever comes back into the queue stands before all that have not been out of it, those that were
 * sent before those that were not; each of the two in the order of the beginning. */
static bool stands_before(const rp_request *request, const rp_request *other)
{
    bool sent = request->attempts > 0, other_sent = other->attempts > 0;
    return sent != other_sent ? sent : request->order < other->order;
}

static rp_link *queue_place(const rp_request *request)
{
    rp_link *queue = &request->origin->queue, *place = queue;
    if (request->attempts > 0 || request->moved > 0) {
        for (place = queue->next; place != queue; place = place->next) {
            if (stands_before(request, RP_CONTAINER(place, rp_request, queue_link)))
                break;
        }
    }
    return place;
}

void rp__origin_queue(rp_request *request)
{
    rp_origin *origin = request->origin;
    rp__list_append(queue_place(request), &request->queue_link); /* before the place */
    request->queued_as_second = request->hedge != NULL && rp__hedge_is_beside_first(request);
    origin->queued_second_count += request->queued_as_second;
    origin->queued_count++;
    origin->client->queued_count++;
    rp__origin_look(origin);
}

void rp__origin_withdraw(rp_request *request)
{
    rp_origin *origin = request->origin;
    rp__list_remove(&request->queue_link);
    origin->queued_second_count -= request->queued_as_second;
    request->queued_as_second = false;
    origin->queued_count--;
    origin->client->queued_count--;
    rp__origin_look(origin);
}

rp_request *rp__origin_next(const rp_origin *origin, bool fresh)
{
    for (rp_link *link = origin->queue.next; link != &origin->queue; link = link->next) {
        rp_request *request = RP_CONTAINER(link, rp_request, queue_link);
        if (fresh || !request->fresh_only)
            return request;
    }
    return NULL;
}

/* ---- how many requests its connections take ---- */

/* Before it has said so the room is a guess. What an earlier connection said is better; and this
 * one will say it soon, so that no more are opened before. */
void rp__origin_learn_opened(rp_origin *origin, bool multiplexed, uint32_t room, bool said)
{
    origin->stalled_count = 0;
    origin->probes_failed = 0;
    origin->multiplexed = multiplexed;
    if (!said)
        origin->said_by_ns = rp__loop_now_ns(origin->client->loop) + SAID_NS;
    if (!origin->takes_said)
        origin->takes = room;
    rp__shared_tell(origin);
}

void rp__origin_rest(rp_origin *origin)
{
    origin->open_again_ns = rp__loop_now_ns(origin->client->loop) + OPEN_AGAIN_NS;
}

uint64_t rp__origin_rests_until_ns(const rp_origin *origin)
{
    uint64_t until_ns = origin->open_again_ns;
    if (origin->said_by_ns > until_ns)
        until_ns = origin->said_by_ns;
    bool over = origin->open_count == 0 || rp__loop_now_ns(origin->client->loop) >= until_ns;
    return over ? 0 : until_ns;
}

/* A server that takes none at all means that for a short while (RFC 9113, 6.5.2): others are opened
 * one by one, for it may mean all of them. */
void rp__origin_learn_takes(rp_origin *origin, uint32_t count)
{
    origin->said_by_ns = 0;
    if (count == 0) {
        rp__origin_rest(origin);
        return;
    }
    origin->takes = count < origin->uses ? count : origin->uses;
    origin->takes_said = true;
    rp__shared_tell(origin);
}

bool rp__origin_learn_http1(rp_origin *origin)
{
    if (origin->versions == RP_HTTP_2)
        return false;
    origin->versions = RP_HTTP_1_1;
    origin->takes = 1;
    origin->takes_said = true;
    origin->multiplexed = false;
    rp__shared_tell(origin);
    return true;
}

/* ---- how long its connections may be idle ---- */

#define DEATHS_MATCH_MS 1000      /* deaths at ages so close are the server's rule */
#define DEATH_APART_NS 100000000u /* but not those of one moment: a server that ends closes all */
#define LESSON_NS 600000000000u   /* for so long: then the server may have another rule */

static bool lesson_holds(const rp_origin *origin, uint64_t now)
{
    return origin->lesson.death_ms > 0 && now - origin->lesson.death_ns < LESSON_NS;
}

uint64_t rp__origin_idle_limit_ms(const rp_origin *origin)
{
    if (origin->lesson.limit_ms == 0 ||
        !lesson_holds(origin, rp__loop_now_ns(origin->client->loop)))
        return UINT64_MAX;
    return origin->lesson.limit_ms;
}

void rp__origin_learn(rp_origin *origin, uint64_t idle_ns)
{
    uint64_t now = rp__loop_now_ns(origin->client->loop);
    uint64_t age_ms = idle_ns / 1000000u;
    uint64_t margin_ms = DEATHS_MATCH_MS + age_ms / 20;
    rp_idle_lesson *lesson = &origin->lesson;
    if (age_ms < 2 * (uint64_t)DEATHS_MATCH_MS || age_ms > UINT32_MAX)
        return; /* too soon to be a limit that one can keep to */
    bool known = lesson_holds(origin, now);
    uint64_t other_ms = lesson->death_ms;
    bool matches = age_ms + margin_ms >= other_ms && age_ms <= other_ms + margin_ms;
    if (known && matches && now - lesson->death_ns < DEATH_APART_NS)
        return;
    if (known && matches)
        lesson->limit_ms = (uint32_t)((age_ms < other_ms ? age_ms : other_ms) - margin_ms);
    else if (!known)
        lesson->limit_ms = 0;
    lesson->death_ms = (uint32_t)age_ms;
    lesson->death_ns = now;
}

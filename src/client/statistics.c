/* statistics.c - counts for each origin, and the sum of them. */
#include "client/statistics.h"

#include "base/error.h"
#include "client/request.h"
#include <ringport/insight.h>

#include <stdio.h>

#define WAY_SIZE 352 /* a route or a proxy's name, and a number */

const uint64_t rp_duration_bounds_us[RP_DURATION_BUCKETS] = {
    5000,   10000,   25000,   50000,   75000,   100000,   250000,    500000,
    750000, 1000000, 2500000, 5000000, 7500000, 10000000, UINT64_MAX};

/* ---- counting ---- */

static void failure_add(rp_counts *counts, rp_status status, uint64_t count)
{
    rp_failure_count *place = counts->failures, *last = place + RP_FAILURE_KINDS - 1;
    while (place < last && place->count > 0 && place->status != status)
        place++;
    if (place < last)
        place->status = status;
    place->count += count;
}

void rp__statistics_done(rp_origin *origin, const rp_response_summary *summary)
{
    rp_counts *counts = &origin->counts;
    unsigned digit = (unsigned)summary->status / 100, bucket = 0;
    uint64_t took_us = summary->timings.total_us;
    counts->requests++;
    if (summary->error != NULL) {
        counts->failed++;
        failure_add(counts, summary->error->status, 1);
    }
    counts->responses[digit < 6 ? digit : 0]++;
    counts->bytes_sent += summary->bytes_sent;
    counts->bytes_received += summary->body_bytes;
    counts->duration_us += took_us;
    while (took_us > rp_duration_bounds_us[bucket])
        bucket++;
    counts->durations[bucket]++;
}

void rp__statistics_opened(rp_origin *origin, bool tls, bool resumed)
{
    origin->counts.connections_opened++;
    if (tls && resumed)
        origin->counts.handshakes_resumed++;
    else if (tls)
        origin->counts.handshakes_full++;
}

/* ---- sums ---- */

static void counts_add(rp_counts *sum, const rp_counts *counts)
{
    sum->requests += counts->requests;
    sum->failed += counts->failed;
    sum->replayed += counts->replayed;
    sum->retries += counts->retries;
    sum->hedges += counts->hedges;
    sum->hedges_won += counts->hedges_won;
    sum->connections_opened += counts->connections_opened;
    sum->connections_failed += counts->connections_failed;
    sum->handshakes_full += counts->handshakes_full;
    sum->handshakes_resumed += counts->handshakes_resumed;
    sum->bytes_sent += counts->bytes_sent;
    sum->bytes_received += counts->bytes_received;
    sum->duration_us += counts->duration_us;
    for (size_t i = 0; i < 6; i++)
        sum->responses[i] += counts->responses[i];
    for (size_t i = 0; i < RP_DURATION_BUCKETS; i++)
        sum->durations[i] += counts->durations[i];
    for (size_t i = 0; i + 1 < RP_FAILURE_KINDS && counts->failures[i].count > 0; i++)
        failure_add(sum, counts->failures[i].status, counts->failures[i].count);
    sum->failures[RP_FAILURE_KINDS - 1].count += counts->failures[RP_FAILURE_KINDS - 1].count;
}

void rp__statistics_forget(const rp_origin *origin)
{
    rp_client *client = origin->client;
    client->forgotten_any = client->forgotten_any || origin->counts.requests > 0 ||
                            origin->counts.connections_opened > 0 ||
                            origin->counts.connections_failed > 0;
    counts_add(&client->forgotten, &origin->counts);
}

/* ---- reading ---- */

/* Replays stand before those that have waited since they were sent. */
static uint64_t oldest_wait_us(const rp_origin *origin)
{
    uint64_t now = rp__loop_now_ns(origin->client->loop), oldest = now;
    for (const rp_link *link = origin->queue.next; link != &origin->queue; link = link->next) {
        const rp_request *request = RP_CONTAINER(link, rp_request, queue_link);
        if (request->queued_ns < oldest)
            oldest = request->queued_ns;
        if (request->attempts == 0 && request->moved == 0)
            break;
    }
    return (now - oldest) / 1000;
}

static void way_write(char way[WAY_SIZE], const rp_origin *origin)
{
    way[0] = '\0';
    if (origin->hop != NULL)
        (void)snprintf(way, WAY_SIZE, "%s:%u #%u", origin->hop->host, origin->hop->port,
                       origin->number);
    else if (origin->route[0] != '\0')
        (void)snprintf(way, WAY_SIZE, "%.300s #%u", origin->route, origin->number);
    else if (origin->upgrades)
        (void)snprintf(way, WAY_SIZE, "upgrade #%u", origin->number);
}

static void read_origin(const rp_origin *origin, char way[WAY_SIZE], rp_origin_statistics *out)
{
    way_write(way, origin);
    *out = (rp_origin_statistics){
        .host = origin->host,
        .port = origin->port,
        .https = origin->https,
        .way = way,
        .open = origin->open_count,
        .idle = origin->idle_count,
        .opening = origin->opening_count,
        .in_flight = origin->in_flight,
        .queued = origin->queued_count,
        .oldest_wait_us = oldest_wait_us(origin),
        .counts = origin->counts,
    };
}

void rp_client_origins(const rp_client *client, rp_origin_statistics_fn *fn, void *user)
{
    rp_origin_statistics now;
    char way[WAY_SIZE];
    if (client->emptied || !rp__loop_is_ours(client->loop))
        return;
    for (size_t i = 0; i < client->bucket_count; i++) {
        for (const rp_origin *origin = client->buckets[i]; origin != NULL; origin = origin->next) {
            read_origin(origin, way, &now);
            if (!fn(&now, user))
                return;
        }
    }
    if (!client->forgotten_any)
        return;
    now = (rp_origin_statistics){.counts = client->forgotten};
    (void)fn(&now, user);
}

static bool add(const rp_origin_statistics *origin, void *user)
{
    rp_origin_statistics *sum = user;
    sum->open += origin->open;
    sum->idle += origin->idle;
    sum->opening += origin->opening;
    sum->in_flight += origin->in_flight;
    sum->queued += origin->queued;
    if (origin->oldest_wait_us > sum->oldest_wait_us)
        sum->oldest_wait_us = origin->oldest_wait_us;
    counts_add(&sum->counts, &origin->counts);
    return true;
}

void rp_client_totals_sized(const rp_client *client, rp_origin_statistics *totals,
                            size_t totals_size)
{
    rp_origin_statistics all = {.host = NULL};
    rp_client_origins(client, add, &all);
    rp__structure_give(totals, totals_size, &all, sizeof(all));
}

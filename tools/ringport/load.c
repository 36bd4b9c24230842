/* load.c - one thread and loop for each --threads, each with its share of the requests. The main
 * thread only waits, shows the progress, and tells the threads to stop.
 *
 * A slot is a place for one request in flight; on_done starts the next one in it. Nothing there
 * allocates, formats or asks the system for more than the time. */
#include "load.h"

#include "exit_code.h"
#include "host.h"
#include "lasting.h"
#include "report.h"
#include "request_check.h"
#include "setup.h"
#include "tally.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 250 /* of the progress line and of looking for a signal */

typedef struct load load;
typedef struct worker worker;

typedef struct slot slot;
struct slot {
    worker *worker;
    rp_request *request; /* NULL: none in flight */
    uint64_t started_ns;
    uint64_t due_ns; /* with a rate; else as started_ns */
    size_t which;    /* of the load's requests */
    slot *next_free;
};

struct worker {
    load *load;
    pthread_t thread;
    rp_loop *loop;
    rp_client *client;
    uint64_t next; /* which request; with a seed, what chance has come to */
    size_t connections;
    slot *slots;
    size_t slot_count;       /* of its connections, a slot for each stream */
    slot *free;              /* with a rate: those without a request */
    uint64_t quota, started; /* requests; quota UINT64_MAX: until the time is over */
    uint64_t begin_ns, end_ns;
    uint64_t paced_ns; /* with a rate: when the first request was due */
    uint64_t paced;    /* and so many have begun since then */
    rp_timer duration, warm_up, pace;
    bool warming, pacing; /* warm_up, pace run */
    rp_loop_stats before; /* it was measured */
    rp_post stop_post;
    bool stopping;
    bool start_failed;       /* could not even begin: error says why */
    uint64_t ended, lasting; /* requests; those that failed as they would again */
    bool given_up;           /* the first ones did, all of them */
    rp_error error;
    int exit_code;
    tally tally;
    char backend[128];
    _Atomic uint64_t finished, failed; /* for the progress line */
};

struct load {
    const tool_options *options;
    setup setup;
    fields fields;
    rp_request_options *requests; /* one, or those of a file */
    size_t request_count;
    rp_header *headers; /* theirs */
    worker **workers;
    size_t worker_count;
    pthread_barrier_t gate; /* the threads and the main thread */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    size_t running;  /* behind the lock */
    host_cpu before; /* it was measured, with a warm-up: noted by the first worker */
    bool warmed;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(void)
{
    interrupted = 1;
}

/* ---- Requests ---- */

static const rp_response_events events;

/* With a rate the i-th is due at a multiple of a millisecond, for so exact are timers: many at once
 * where a millisecond has several. */
static uint64_t due_ns(const worker *w, uint64_t i)
{
    const tool_options *o = w->load->options;
    uint64_t after_ns = i * 1000000000u * o->threads / o->rate_per_s;
    return w->paced_ns + (after_ns + 999999u) / 1000000u * 1000000u;
}

static void note_unsent(worker *w, uint64_t now)
{
    const tool_options *o = w->load->options;
    if (o->rate_per_s == 0 || w->paced_ns == 0 || w->warming || w->free != NULL)
        return;
    while (w->started + w->tally.unsent < w->quota && due_ns(w, w->paced + w->tally.unsent) < now)
        w->tally.unsent++;
}

static void stop(worker *w)
{
    if (w->stopping)
        return;
    w->stopping = true;
    note_unsent(w, host_now_ns());
    rp_timer_stop(w->loop, &w->duration);
    rp_timer_stop(w->loop, &w->warm_up);
    rp_timer_stop(w->loop, &w->pace);
    for (size_t i = 0; i < w->slot_count; i++) {
        if (w->slots[i].request != NULL)
            rp_request_cancel(w->slots[i].request);
    }
}

static bool has_more(const worker *w)
{
    return !w->stopping && w->started < w->quota;
}

/* In turn, or by chance: splitmix64 (Steele, Lea and Flood, 2014). */
static size_t pick(worker *w)
{
    size_t count = w->load->request_count;
    if (count == 1)
        return 0;
    if (w->load->options->seed == 0)
        return (size_t)(w->next++ % count);
    uint64_t z = w->next += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (size_t)((z ^ (z >> 31)) % count);
}

/* Each thread begins elsewhere. */
static void first_pick(worker *w, size_t index)
{
    const load *l = w->load;
    if (l->options->seed == 0)
        w->next = index * l->request_count / l->options->threads;
    else
        w->next = l->options->seed + ((uint64_t)index << 32);
}

/* In the file's line, if it is of one. */
static void note_unstarted(worker *w, size_t which)
{
    const tool_options *o = w->load->options;
    rp_error error = w->error;
    if (o->list.count > 0)
        snprintf(w->error.text, sizeof(w->error.text), "%.60s, line %zu: %.*s", o->list_path,
                 o->list.requests[which].line, (int)sizeof(error.text) - 100, error.text);
}

static void start(slot *s, uint64_t now, uint64_t due)
{
    worker *w = s->worker;
    if (!has_more(w))
        return;
    s->started_ns = now;
    s->due_ns = due;
    s->which = pick(w);
    s->request = rp_client_send(w->client, &w->load->requests[s->which], &events, s, &w->error);
    if (s->request != NULL) {
        w->started += !w->warming;
        return;
    }
    /* What can't even be started will not do better the next time. */
    note_unstarted(w, s->which);
    w->start_failed = true;
    w->exit_code = exit_code(w->error.status, w->error.phase);
    stop(w);
}

static void on_pace(rp_timer *timer, void *user);

/* Those that are due begin, as far as there are places for them; the others do when there are, and
 * the time that they wait for that counts as latency. So a server that is slow does not slow down
 * what it is measured by (coordinated omission). pardon_ns: so much it may be the timer that is
 * late. */
static void pace(worker *w, uint64_t pardon_ns)
{
    uint64_t now = host_now_ns();
    while (w->free != NULL && has_more(w) && due_ns(w, w->paced) <= now) {
        slot *s = w->free;
        uint64_t due = due_ns(w, w->paced++);
        w->free = s->next_free;
        start(s, now, now - due < pardon_ns ? now : due + pardon_ns);
    }
    if (w->free == NULL || w->pacing || !has_more(w))
        return;
    uint64_t left_ns = due_ns(w, w->paced) - now;
    w->pacing = true;
    rp_timer_start(w->loop, &w->pace, (left_ns + 999999u) / 1000000u, on_pace, w);
}

static void on_pace(rp_timer *timer, void *user)
{
    worker *w = user;
    (void)timer;
    w->pacing = false;
    pace(w, 1000000);
}

static void release(slot *s)
{
    s->next_free = s->worker->free;
    s->worker->free = s;
}

/* A connection whose opening began for an earlier request has phases that lie before this one. */
static void note_connection(tally *t, const rp_timings *timings)
{
    uint64_t begin = timings->resolved_us > 0 ? timings->resolved_us : timings->queued_us;
    if (timings->connected_us == 0)
        return;
    if (timings->connected_us >= begin)
        histogram_record(&t->connect, timings->connected_us - begin);
    if (timings->handshaken_us > 0)
        histogram_record(&t->handshake, timings->handshaken_us - timings->connected_us);
}

static void note_latency(slot *s, const rp_response_summary *summary, uint64_t now)
{
    tally *t = &s->worker->tally;
    uint64_t latency_ns = now > s->due_ns ? now - s->due_ns : 0;
    timeline_record(&t->times, now - s->worker->begin_ns, latency_ns / 1000);
    if (latency_ns > t->slowest.latency_ns)
        tally_note_slowest(t, summary, latency_ns, s->started_ns - s->due_ns);
    if (s->which < t->each_count)
        histogram_record(&t->each[s->which].latency, latency_ns / 1000);
    if (s->worker->load->options->rate_per_s > 0)
        histogram_record(&t->service, (now - s->started_ns) / 1000);
}

static void note_failed(slot *s, const rp_error *error, uint64_t now)
{
    tally *t = &s->worker->tally;
    tally_note_error(t, error, 1);
    timeline_record_failed(&t->times, now > s->worker->begin_ns ? now - s->worker->begin_ns : 0);
    if (s->which < t->each_count)
        t->each[s->which].failed++;
}

static void note_answer(slot *s, const rp_response_summary *summary, uint64_t now)
{
    tally *t = &s->worker->tally;
    bool ok = summary->status >= 200 && summary->status < 300;
    note_latency(s, summary, now);
    t->statuses[summary->status % 1000]++;
    t->http1 += summary->version == 11;
    t->http2 += summary->version == 20;
    t->ok += ok;
    t->non_2xx += !ok;
    if (!ok)
        timeline_record_non_2xx(&t->times, now - s->worker->begin_ns);
    if (s->which < t->each_count) {
        t->each[s->which].ok += ok;
        t->each[s->which].non_2xx += !ok;
    }
    if (!summary->reused)
        note_connection(t, &summary->timings);
}

/* What began while it warmed up does not count: but for what would fail on, until it has warmed
 * up. */
static void note_done(slot *s, const rp_response_summary *summary, uint64_t now)
{
    worker *w = s->worker;
    tally *t = &w->tally;
    bool lasts = summary->error != NULL && failure_lasts(summary->error->status);
    w->ended++;
    w->lasting += lasts;
    if (w->warming ? !lasts : s->started_ns < w->begin_ns)
        return;
    t->bytes += summary->body_bytes;
    if (summary->error != NULL) {
        if (w->stopping && summary->error->status == RP_E_CANCELLED) {
            t->cancelled++;
            return;
        }
        note_failed(s, summary->error, now);
    } else {
        note_answer(s, summary, now);
    }
    t->hedges += summary->hedges;
    t->hedges_won += summary->hedge_won;
    atomic_store_explicit(&w->finished, tally_finished(t), memory_order_relaxed);
    atomic_store_explicit(&w->failed, t->failed, memory_order_relaxed);
}

/* The rest would fare as the first in every slot did; of several requests, as each of them. */
static void give_up_in_vain(worker *w)
{
    size_t first = w->load->request_count > w->slot_count ? w->load->request_count : w->slot_count;
    if (w->stopping || w->lasting < first || w->lasting < w->ended)
        return;
    w->given_up = true;
    stop(w);
}

static void on_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    slot *s = user;
    uint64_t now = host_now_ns();
    (void)request;
    s->request = NULL;
    note_done(s, summary, now);
    give_up_in_vain(s->worker);
    if (s->worker->load->options->rate_per_s > 0) {
        release(s);
        pace(s->worker, 0);
    } else {
        start(s, now, now);
    }
}

static const rp_response_events events = {.on_done = on_done};

/* ---- One thread ---- */

static void duration_over(rp_timer *timer, void *user)
{
    (void)timer;
    stop(user);
}

static void measure_begins(worker *w)
{
    w->begin_ns = host_now_ns();
    if (w->load->options->duration_ms > 0)
        rp_timer_start(w->loop, &w->duration, w->load->options->duration_ms, duration_over, w);
}

static void warm_up_over(rp_timer *timer, void *user)
{
    worker *w = user;
    load *l = w->load;
    (void)timer;
    w->warming = false;
    tally_forget_failures(&w->tally);
    w->before = *rp_loop_stats_get(w->loop);
    if (w == l->workers[0]) {
        l->before = host_cpu_time();
        l->warmed = true;
    }
    measure_begins(w);
}

static void stop_posted(rp_post *post, void *user)
{
    (void)post;
    stop(user);
}

static bool prepare(worker *w)
{
    const tool_options *o = w->load->options;
    rp_loop_options loop_options;
    rp_client_options client_options;
    setup_loop_options(o, &loop_options);
    setup_client_options(&w->load->setup, o, &client_options);
    /* A second try needs a connection of its own. */
    uint32_t hedged = o->hedge.percentile + o->hedge.delay_ms > 0 ? 2 : 1;
    client_options.connections_per_origin = (uint32_t)w->connections * hedged;
    client_options.connections_total = (uint32_t)w->connections * hedged;
    client_options.hedge = o->hedge;
    client_options.http2_streams_limit = (uint32_t)o->streams;
    client_options.queue_limit = (uint32_t)w->slot_count;
    client_options.never_reuse = o->new_connections;
    client_options.user_agent = o->user_agent;
    w->slots = calloc(w->slot_count, sizeof(*w->slots));
    if (w->slots == NULL) {
        w->error = (rp_error){.status = RP_E_NO_MEMORY, .text = "out of memory"};
    } else if (rp_loop_create(&w->loop, &loop_options, &w->error) == RP_OK) {
        snprintf(w->backend, sizeof(w->backend), "%s", rp_loop_backend(w->loop));
        if (rp_client_create(&w->client, w->loop, &client_options, &w->error) == RP_OK)
            return true;
    }
    w->start_failed = true;
    w->exit_code = exit_code(w->error.status, w->error.phase);
    return false;
}

static void run(worker *w)
{
    const tool_options *o = w->load->options;
    w->warming = o->warm_up_ms > 0;
    if (!w->warming) {
        measure_begins(w);
    } else {
        w->begin_ns = host_now_ns();
        rp_timer_start(w->loop, &w->warm_up, o->warm_up_ms, warm_up_over, w);
    }
    w->paced_ns = w->begin_ns;
    for (size_t i = w->slot_count; i-- > 0;) {
        w->slots[i].worker = w;
        if (o->rate_per_s > 0)
            release(&w->slots[i]);
        else
            start(&w->slots[i], w->begin_ns, w->begin_ns);
    }
    if (o->rate_per_s > 0)
        pace(w, 1000000);
    rp_loop_run(w->loop);
    w->end_ns = host_now_ns();
    w->tally.stats = *rp_loop_stats_get(w->loop);
    tally_subtract_stats(&w->tally.stats, &w->before);
}

static void *work(void *user)
{
    worker *w = user;
    load *l = w->load;
    bool ready = prepare(w);
    pthread_barrier_wait(&l->gate);
    if (ready)
        run(w);
    pthread_mutex_lock(&l->lock);
    l->running--;
    pthread_cond_signal(&l->wake);
    pthread_mutex_unlock(&l->lock);
    /* Taking everything down is not part of what is measured. */
    pthread_barrier_wait(&l->gate);
    rp_client_destroy(w->client);
    rp_loop_destroy(w->loop);
    free(w->slots);
    return NULL;
}

/* ---- The main thread ---- */

static void show_progress(const load *l, uint64_t begin_ns)
{
    const tool_options *o = l->options;
    uint64_t finished = 0, failed = 0;
    double seconds = (double)(host_now_ns() - begin_ns) / 1e9;
    for (size_t i = 0; i < l->worker_count; i++) {
        finished += atomic_load_explicit(&l->workers[i]->finished, memory_order_relaxed);
        failed += atomic_load_explicit(&l->workers[i]->failed, memory_order_relaxed);
    }
    double done = o->duration_ms > 0 ? seconds * 1000 / (double)o->duration_ms
                                     : (double)finished / (double)o->requests;
    fprintf(stderr, "\r\033[K%6.1f s  %3.0f%%  %llu requests  %llu failed  %.0f/s", seconds,
            done < 1 ? done * 100 : 100.0, (unsigned long long)finished, (unsigned long long)failed,
            seconds > 0 ? (double)finished / seconds : 0.0);
    fflush(stderr);
}

static void post_stop(load *l)
{
    /* The loops live until the second gate, which this thread has yet to pass. */
    for (size_t i = 0; i < l->worker_count; i++) {
        worker *w = l->workers[i];
        if (w->loop == NULL)
            continue;
        w->stop_post = (rp_post){.fn = stop_posted, .user = w};
        rp_loop_post(w->loop, &w->stop_post);
    }
}

static void wait_for_workers(load *l, uint64_t begin_ns)
{
    bool progress = host_stderr_is_terminal() && !l->options->global.silent, told = false;
    pthread_mutex_lock(&l->lock);
    while (l->running > 0) {
        struct timespec tick = host_condition_time(UINT64_C(1000000) * TICK_MS);
        pthread_cond_timedwait(&l->wake, &l->lock, &tick);
        if (interrupted && !told) {
            told = true;
            post_stop(l);
        }
        if (progress && l->running > 0)
            show_progress(l, begin_ns);
    }
    pthread_mutex_unlock(&l->lock);
    if (progress)
        fprintf(stderr, "\r\033[K");
}

static void add_up(const load *l, load_result *r)
{
    uint64_t begin = UINT64_MAX, end = 0;
    for (size_t i = 0; i < l->worker_count; i++) {
        const worker *w = l->workers[i];
        tally_add(&r->total, &w->tally);
        begin = w->begin_ns < begin ? w->begin_ns : begin;
        end = w->end_ns > end ? w->end_ns : end;
        r->given_up = r->given_up || w->given_up;
    }
    r->seconds = end > begin ? (double)(end - begin) / 1e9 : 0.0;
    memcpy(r->backend, l->workers[0]->backend, sizeof(r->backend));
    r->interrupted = interrupted != 0;
}

/* Starts the threads, waits, and gathers the result; EXIT_OK, or why there is none. */
static int measure(load *l, load_result *r)
{
    pthread_barrier_wait(&l->gate);
    host_cpu before = host_cpu_time();
    wait_for_workers(l, host_now_ns());
    host_cpu after = host_cpu_time();
    pthread_barrier_wait(&l->gate);
    for (size_t i = 0; i < l->worker_count; i++)
        pthread_join(l->workers[i]->thread, NULL);
    if (l->warmed)
        before = l->before;
    r->user_us = after.user_us - before.user_us;
    r->system_us = after.system_us - before.system_us;
    add_up(l, r);
    for (size_t i = 0; i < l->worker_count; i++) {
        const worker *w = l->workers[i];
        if (w->start_failed) {
            print_failure(l->options, w->exit_code, w->error.text);
            return w->exit_code;
        }
    }
    return EXIT_OK;
}

/* Parts of a whole, as equal as can be. */
static uint64_t share(uint64_t whole, size_t parts, size_t index)
{
    return whole / parts + (index < whole % parts ? 1 : 0);
}

static bool make_workers(load *l)
{
    const tool_options *o = l->options;
    l->workers = calloc(o->threads, sizeof(*l->workers));
    for (size_t i = 0; l->workers != NULL && i < o->threads; i++) {
        worker *w = calloc(1, sizeof(*w));
        if (w == NULL)
            return false;
        l->workers[l->worker_count++] = w;
        if (!tally_count_apart(&w->tally, o->list.count))
            return false;
        w->load = l;
        w->connections = (size_t)share(o->connections, o->threads, i);
        w->slot_count = w->connections * (size_t)o->streams;
        w->quota = o->duration_ms > 0 ? UINT64_MAX : share(o->requests, o->threads, i);
        first_pick(w, i);
    }
    l->running = l->worker_count;
    return l->workers != NULL;
}

static bool start_threads(load *l)
{
    for (size_t i = 0; i < l->worker_count; i++) {
        int failure = host_thread_create(&l->workers[i]->thread, work, l->workers[i]);
        if (failure != 0) {
            /* The others wait at a gate that will never open. */
            fprintf(stderr, "ringport: thread %zu: %s\n", i + 1, strerror(failure));
            return false;
        }
    }
    return true;
}

/* What is sent: read by all threads. */
static bool make_requests(load *l)
{
    const tool_options *o = l->options;
    const request_list *list = &o->list;
    rp_request_options all;
    own_fields own = {.by_library = true, .uploads = o->uploads, .upload_size = o->body.size};
    if (!fields_compose(&l->fields, o, &own))
        return false;
    setup_request_options(o, &l->fields, &all);
    all.explain = o->why;
    l->request_count = list->count > 0 ? list->count : 1;
    l->requests = calloc(l->request_count, sizeof(*l->requests));
    l->headers =
        calloc(list->count * all.header_count + list->header_count + 1, sizeof(*l->headers));
    if (l->requests == NULL || l->headers == NULL)
        return false;
    l->requests[0] = all;
    rp_header *headers = l->headers;
    for (size_t i = 0; i < list->count; i++) {
        l->requests[i] = all;
        request_list_apply(list, i, &l->requests[i], headers);
        headers += l->requests[i].header_count;
    }
    return true;
}

static void init_threads(load *l)
{
    host_condition_init(&l->wake);
    pthread_mutex_init(&l->lock, NULL);
    pthread_barrier_init(&l->gate, NULL, (unsigned)l->worker_count + 1);
    host_on_interrupt(on_interrupt);
}

int load_measure(const tool_options *o, load_result *r)
{
    load l = {.options = o};
    rp_error error;
    memset(r, 0, sizeof(*r)); /* it is large */
    r->options = o;
    int code = setup_create(&l.setup, o, &error);
    if (code == EXIT_OK &&
        (!make_requests(&l) || !make_workers(&l) || !tally_count_apart(&r->total, o->list.count)))
        print_failure(o, code = EXIT_MEMORY, "out of memory");
    else if (code != EXIT_OK)
        print_failure(o, code, error.text);
    if (code == EXIT_OK && o->list.count > 0) {
        code = request_check(l.requests, o, &l.setup, &error);
        if (code != EXIT_OK)
            print_failure(o, code, error.text);
    }
    if (code == EXIT_OK) {
        init_threads(&l);
        if (!start_threads(&l))
            _Exit(EXIT_MEMORY);
        code = measure(&l, r);
    }
    for (size_t i = 0; i < l.worker_count; i++) {
        tally_free(&l.workers[i]->tally);
        free(l.workers[i]);
    }
    free(l.workers);
    free(l.requests);
    free(l.headers);
    fields_free(&l.fields);
    setup_destroy(&l.setup);
    return code;
}

int load_exit_code(const load_result *r)
{
    return r->interrupted ? EXIT_CANCELLED : tally_exit_code(&r->total);
}

/* A file that can't be written is better known before the run than after it. */
static int open_report(const tool_options *o, FILE **file)
{
    char why[512];
    *file = o->report != NULL ? fopen(o->report, "wb") : NULL;
    if (o->report == NULL || *file != NULL)
        return EXIT_OK;
    snprintf(why, sizeof(why), "%s: can't be written: %s", o->report, strerror(errno));
    print_failure(o, EXIT_WRITE, why);
    return EXIT_WRITE;
}

static bool write_report(const load_result *r, FILE *file)
{
    report_run *run = calloc(1, sizeof(*run));
    if (run != NULL) {
        report_of_load(run, r);
        report_write(run, 1, file);
        free(run);
    }
    bool written = run != NULL && !ferror(file);
    return (fclose(file) == 0) && written;
}

int load_run(const tool_options *o)
{
    FILE *report;
    load_result *r = calloc(1, sizeof(*r));
    int code = open_report(o, &report);
    if (r == NULL)
        print_failure(o, code = EXIT_MEMORY, "out of memory");
    if (code == EXIT_OK)
        code = load_measure(o, r);
    if (code == EXIT_OK) {
        (o->json ? load_print_json : load_print)(r, stdout);
        code = load_exit_code(r);
        if (fflush(stdout) != 0)
            print_failure(o, code = EXIT_WRITE, "standard output can't be written");
        if (report != NULL && !write_report(r, report))
            print_failure(o, code = EXIT_WRITE, "the report can't be written");
    } else if (report != NULL) {
        (void)fclose(report);
    }
    if (r != NULL)
        tally_free(&r->total);
    free(r);
    return code;
}

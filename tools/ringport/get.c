/* get.c - the operations of a command line, one URL after the other, on one loop. */
#include "get.h"

#include "exit_code.h"
#include "glob.h"
#include "host.h"
#include "jar.h"
#include "transfer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct get {
    rp_loop *loop;
    int loop_exit_code; /* why there is none */
    char loop_message[RP_ERROR_TEXT_SIZE];
    operation *operations;
    size_t operation_count;
    size_t current, next; /* operation, and target of it */
    glob glob;            /* of the target, if globbing */
    bool globbing, over;
    uint64_t running;
    transfer *transfers; /* those */
    size_t number;       /* of URLs so far */
    uint64_t started_ns;
    rp_timer timer; /* of --rate */
    int exit_code;
    cookie_jar jar;
} get;

static void fail_operation(operation *p, int code, const char *text)
{
    p->exit_code = code;
    snprintf(p->message, sizeof(p->message), "%s", text);
}

/* What its transfers share. What is wrong with it each of them tells. */
static void begin_operation(get *g, operation *p)
{
    rp_client_options options;
    rp_error error = {0};
    p->begun = true;
    if (g->loop == NULL) {
        fail_operation(p, g->loop_exit_code, g->loop_message);
        return;
    }
    p->jar = jar_wanted(p->options) ? &g->jar : NULL;
    if (!jar_load(&g->jar, g->operations[0].options, p->options)) {
        fail_operation(p, EXIT_MEMORY, "out of memory");
        return;
    }
    int code = setup_create(&p->setup, p->options, &error);
    if (code != EXIT_OK) {
        fail_operation(p, code, error.text);
        return;
    }
    setup_client_options(&p->setup, p->options, &options);
    if (p->options->trace != NULL) {
        if (!event_log_open(&p->log, p->options->trace)) {
            snprintf(error.text, sizeof(error.text), "%s: can't be opened: %s", p->options->trace,
                     strerror(errno));
            fail_operation(p, EXIT_WRITE, error.text);
            return;
        }
        options.on_trace = event_log_write;
        options.on_trace_user = &p->log;
    }
    if (rp_client_create(&p->client, g->loop, &options, &error) != RP_OK)
        fail_operation(p, exit_code(error.status, error.phase), error.text);
}

/* What the next transfer is of. */
typedef struct place {
    operation *operation;
    const tool_target *target;
} place;

/* The target that is next, with its globs read. False: that was all. */
static bool find_target(get *g, place *at)
{
    for (; g->current < g->operation_count; g->current++, g->next = 0) {
        at->operation = &g->operations[g->current];
        const tool_options *o = at->operation->options;
        if (g->next < o->target_count && o->targets[g->next].url != NULL) {
            at->target = &o->targets[g->next];
            return true;
        }
    }
    return false;
}

/* A URL that can't be read is a failure of its own. */
static int read_globs(get *g, const place *at)
{
    const tool_options *o = at->operation->options;
    char message[256];
    int code = glob_parse(&g->glob, at->target->url, o->no_glob, message, sizeof(message));
    if (!at->operation->begun)
        begin_operation(g, at->operation);
    g->globbing = code == EXIT_OK;
    if (code == EXIT_OK)
        return code;
    print_failure(o, code, message);
    glob_free(&g->glob);
    return code;
}

static void advance(get *g);

/* The others have no outcome of their own then. */
static void end_early(get *g)
{
    g->over = true;
    for (transfer *t = g->transfers; t != NULL; t = t->next)
        transfer_abort(t);
}

static void note_end(get *g, transfer *t)
{
    int code = t->result.exit_code;
    /* As with curl: the last one's, and of several at once the last failure's. */
    if ((code != EXIT_OK && !t->aborted) || !t->operation->options->global.parallel)
        g->exit_code = code;
    if (code != EXIT_OK && !g->over && t->operation->options->global.fail_early)
        end_early(g);
    transfer_free(t);
    free(t);
}

static void ended(transfer *t, void *user)
{
    get *g = user;
    transfer **at = &g->transfers;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    g->running--;
    note_end(g, t);
    advance(g);
}

static bool start(get *g, const place *at)
{
    const char *pattern = at->target->output;
    char *url = glob_url(&g->glob);
    char *path = pattern != NULL ? glob_output(&g->glob, pattern) : NULL;
    transfer *t = malloc(sizeof(*t));
    bool good = t != NULL && url != NULL && (pattern == NULL || path != NULL);
    if (good) {
        transfer_source source = {g->loop, at->operation, at->target, url, path, g->number++};
        if (transfer_start(t, &source, ended, g)) {
            g->running++;
            t->next = g->transfers;
            g->transfers = t;
        } else {
            note_end(g, t);
        }
    } else {
        free(t);
        g->exit_code = EXIT_MEMORY;
        print_failure(at->operation->options, EXIT_MEMORY, "out of memory");
    }
    free(url);
    free(path);
    return good;
}

static void on_start_timer(rp_timer *timer, void *user)
{
    (void)timer;
    advance(user);
}

/* --rate, which as with curl is not for several at once: it is not time for the next yet. */
static bool is_too_early(get *g, const tool_globals *global)
{
    uint64_t passed_ms = (host_now_ns() - g->started_ns) / 1000000;
    if (global->start_interval_ms == 0 || global->parallel || g->loop == NULL || g->number == 0 ||
        passed_ms >= global->start_interval_ms)
        return false;
    rp_timer_start(g->loop, &g->timer, global->start_interval_ms - passed_ms, on_start_timer, g);
    return true;
}

/* Starts as many as may run. */
static void advance(get *g)
{
    const tool_globals *global = &g->operations[0].options->global;
    uint64_t limit = !global->parallel ? 1 : global->parallel_max > 0 ? global->parallel_max : 50;
    place at;
    while (!g->over && g->running < limit && find_target(g, &at)) {
        if (is_too_early(g, global))
            return;
        g->started_ns = host_now_ns();
        int code = g->globbing ? EXIT_OK : read_globs(g, &at);
        if (code == EXIT_OK) {
            g->over = !start(g, &at) || g->over;
            g->globbing = glob_next(&g->glob);
        } else {
            g->exit_code = code;
            g->over = global->fail_early;
        }
        if (!g->globbing) {
            glob_free(&g->glob);
            g->next++;
        }
    }
    if (g->running == 0 && g->loop != NULL)
        rp_loop_stop(g->loop); /* not to wait for a connection that is still being opened */
}

static void open_loop(get *g, const tool_options *o)
{
    rp_loop_options options;
    rp_error error = {0};
    setup_loop_options(o, &options);
    if (rp_loop_create(&g->loop, &options, &error) == RP_OK)
        return;
    g->loop_exit_code = exit_code(error.status, error.phase);
    snprintf(g->loop_message, sizeof(g->loop_message), "%s", error.text);
}

/* As with curl: that it can't be written is told, and no failure. */
static void save_jars(get *g)
{
    for (size_t i = 0; i < g->operation_count; i++) {
        const tool_options *o = g->operations[i].options;
        if (o->cookie_jar != NULL && !jar_save(&g->jar, o->cookie_jar) && !o->global.silent)
            fprintf(stderr, "ringport: %s: can't be written: %s\n", o->cookie_jar, strerror(errno));
    }
}

static void close_logs(get *g)
{
    for (size_t i = 0; i < g->operation_count; i++) {
        operation *p = &g->operations[i];
        if (event_log_close(&p->log))
            continue;
        print_failure(p->options, EXIT_WRITE, "the file of --trace can't be written");
        g->exit_code = g->exit_code == EXIT_OK ? EXIT_WRITE : g->exit_code;
    }
}

static bool list_operations(get *g, const tool_options *first)
{
    size_t count = 0;
    for (const tool_options *o = first; o != NULL; o = o->next)
        count++;
    g->operations = calloc(count, sizeof(*g->operations));
    if (g->operations == NULL)
        return false;
    for (const tool_options *o = first; o != NULL; o = o->next)
        g->operations[g->operation_count++].options = o;
    return true;
}

int get_run(const tool_options *first)
{
    get g = {.exit_code = EXIT_OK};
    if (!list_operations(&g, first)) {
        print_failure(first, EXIT_MEMORY, "out of memory");
        return EXIT_MEMORY;
    }
    open_loop(&g, first);
    advance(&g);
    if (g.loop != NULL && (g.running > 0 || !g.over))
        rp_loop_run(g.loop);
    save_jars(&g);
    for (size_t i = 0; i < g.operation_count; i++)
        rp_client_destroy(g.operations[i].client);
    rp_loop_destroy(g.loop);
    close_logs(&g);
    for (size_t i = 0; i < g.operation_count; i++)
        setup_destroy(&g.operations[i].setup);
    glob_free(&g.glob);
    cookies_free(&g.jar);
    free(g.operations);
    return g.exit_code;
}

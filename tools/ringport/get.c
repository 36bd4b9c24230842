/* get.c - the operations of a command line, one URL after the other, on one loop. */
#include "get.h"

#include "exit_code.h"
#include "transfer.h"

#include <stdlib.h>
#include <string.h>

typedef struct get {
    rp_loop *loop;
    int loop_exit_code; /* why there is none */
    char loop_message[RP_ERROR_TEXT_SIZE];
    operation *operations;
    size_t operation_count, current;
    transfer *running;
    int exit_code;
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
    int code = setup_create(&p->setup, p->options, &error);
    if (code != EXIT_OK) {
        fail_operation(p, code, error.text);
        return;
    }
    setup_client_options(&p->setup, p->options, &options);
    if (rp_client_create(&p->client, g->loop, &options, &error) != RP_OK)
        fail_operation(p, exit_code(error.status, error.phase), error.text);
}

/* The next URL and its operation. NULL: that was all. */
static const tool_target *next_target(get *g, operation **of)
{
    for (; g->current < g->operation_count; g->current++) {
        operation *p = &g->operations[g->current];
        const tool_options *o = p->options;
        if (p->next < o->target_count && o->targets[p->next].url != NULL) {
            if (!p->begun)
                begin_operation(g, p);
            *of = p;
            return &o->targets[p->next++];
        }
    }
    return NULL;
}

static void advance(get *g);

static void ended(transfer *t, void *user)
{
    get *g = user;
    g->exit_code = t->result.exit_code;
    transfer_free(t);
    free(t);
    g->running = NULL;
    advance(g);
}

/* As with curl, the last one's exit code is the whole's. */
static void advance(get *g)
{
    operation *p;
    const tool_target *target;
    while (g->running == NULL && (target = next_target(g, &p)) != NULL) {
        transfer *t = malloc(sizeof(*t));
        if (t == NULL) {
            g->exit_code = EXIT_MEMORY;
            print_failure(p->options, EXIT_MEMORY, "out of memory");
            break;
        }
        g->running = t;
        if (transfer_start(t, g->loop, p, target, ended, g))
            return;
        g->running = NULL;
        g->exit_code = t->result.exit_code;
        transfer_free(t);
        free(t);
    }
    if (g->loop != NULL)
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
    if (g.running != NULL)
        rp_loop_run(g.loop);
    for (size_t i = 0; i < g.operation_count; i++)
        rp_client_destroy(g.operations[i].client);
    rp_loop_destroy(g.loop);
    for (size_t i = 0; i < g.operation_count; i++)
        setup_destroy(&g.operations[i].setup);
    free(g.operations);
    return g.exit_code;
}

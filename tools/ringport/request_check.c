/* request_check.c - see request_check.h. Each is handed to a client that connects to nothing, which
 * is the one that knows what may be sent. */
#include "request_check.h"

#include "exit_code.h"

#include <string.h>

#define AT_ONCE 500 /* then what was cancelled is cleared away */

static const char *refuse(const rp_target *target, void *user)
{
    (void)target;
    (void)user;
    return "nothing is sent yet";
}

static void ignore(rp_request *request, const rp_response_summary *summary, void *user)
{
    (void)request;
    (void)summary;
    (void)user;
}

static rp_status open_client(rp_loop **loop, rp_client **client, const tool_options *o,
                             const setup *s, rp_error *error)
{
    /* An address, so that no name is looked up. */
    static const char *const nowhere[] = {"::127.0.0.1:1"};
    rp_loop_options loop_options;
    rp_client_options options;
    setup_loop_options(o, &loop_options);
    setup_client_options(s, o, &options);
    options.proxy = NULL;
    options.connect_to = nowhere;
    options.connect_to_count = 1;
    options.on_address = refuse;
    rp_status status = rp_loop_create(loop, &loop_options, error);
    return status == RP_OK ? rp_client_create(client, *loop, &options, error) : status;
}

int request_check(const rp_request_options *requests, const tool_options *o, const setup *s,
                  rp_error *error)
{
    static const rp_response_events events = {.on_done = ignore};
    const request_list *list = &o->list;
    rp_loop *loop = NULL;
    rp_client *client = NULL;
    rp_status status = open_client(&loop, &client, o, s, error);
    bool begun = status == RP_OK;
    size_t i = 0;
    for (; begun && status == RP_OK && i < list->count; i++) {
        rp_request *request = rp_client_send(client, &requests[i], &events, NULL, error);
        if (request == NULL)
            status = error->status;
        else
            rp_request_cancel(request);
        if (i % AT_ONCE == AT_ONCE - 1)
            rp_loop_run(loop);
    }
    if (begun && status != RP_OK) {
        char text[RP_ERROR_TEXT_SIZE];
        memcpy(text, error->text, sizeof(text));
        snprintf(error->text, sizeof(error->text), "%.80s, line %zu: %.130s", o->list_path,
                 list->requests[i - 1].line, text);
    }
    rp_client_destroy(client);
    rp_loop_destroy(loop);
    return exit_code(status, error->phase);
}

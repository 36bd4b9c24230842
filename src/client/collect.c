/* collect.c - a whole response in memory, up to a limit. */
#include "client/origin.h"
#include "client/request.h"

#include "base/error.h"

#include <string.h>

#define LIMIT_DEFAULT ((size_t)1 << 20)

static size_t limit_of(const rp_collected *collected)
{
    return collected->limit_bytes == 0 ? LIMIT_DEFAULT : collected->limit_bytes;
}

/* It ends by an error of its own, which statistics and traces have too. */
static void collect_body(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    rp_collected *collected = user;
    rp_error error;
    if (size > limit_of(collected) - collected->body_size) {
        (void)rp__error_set(&error, RP_E_BODY_TOO_LARGE, RP_PHASE_BODY,
                            "the body of %s is longer than the limit of %zu bytes",
                            request->origin->host, limit_of(collected));
        rp__request_finish_later(request, &error);
        return;
    }
    if (!rp__grow_secret(&request->client->loop->memory, &collected->private_memory,
                         &collected->private_capacity, collected->body_size,
                         collected->body_size + size + 1)) {
        (void)rp__error_set(&error, RP_E_NO_MEMORY, RP_PHASE_BODY, "no memory for the body of %s",
                            request->origin->host);
        rp__request_finish_later(request, &error);
        return;
    }
    memcpy(collected->private_memory + collected->body_size, data, size);
    collected->body_size += size;
    collected->private_memory[collected->body_size] = '\0';
}

static void collect_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    static const uint8_t empty[1];
    rp_collected *collected = user;
    rp_memory *memory = &request->client->loop->memory;
    uint8_t *body = collected->private_memory;
    collected->status = summary->status;
    collected->body = body != NULL ? body : empty;
    size_t body_size = collected->body_size;
    collected->private_memory = NULL;
    collected->private_capacity = 0;
    /* The callback may reuse or free the structure. */
    if (collected->on_done != NULL)
        collected->on_done(collected, summary, collected->user);
    rp__free_secret(memory, body, body_size);
}

const rp_response_events rp_collect_events = {.on_body = collect_body, .on_done = collect_done};

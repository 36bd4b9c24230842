/* keep.c - a call, with all that its options point to: the caller's own may be gone when the
 * service comes to it. */
#include "service/service.h"

#include "client/proxy.h"

#include <string.h>

/* The room behind a call. */
typedef struct room {
    char *at; /* NULL: only measured */
    size_t used;
} room;

static void *take(room *r, size_t size)
{
    void *place = r->at != NULL ? r->at + r->used : NULL;
    r->used += size;
    return place;
}

static void keep_text(room *r, const char **text)
{
    if (*text == NULL)
        return;
    size_t size = strlen(*text) + 1;
    char *copy = take(r, size);
    if (copy != NULL)
        *text = memcpy(copy, *text, size);
}

/* Arrays come first: they want alignment. */
static void keep_all(room *r, rp_request_options *options)
{
    rp_header *headers = take(r, options->header_count * sizeof(*headers));
    const char **secrets = take(r, options->redirect_secret_count * sizeof(*secrets));
    const char **texts[] = {&options->url,      &options->method,    &options->user,
                            &options->password, &options->bearer,    &options->upgrade,
                            &options->target,   &options->connect_to};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        keep_text(r, texts[i]);
    for (size_t i = 0; i < options->header_count; i++) {
        rp_header header = options->headers[i];
        keep_text(r, &header.name);
        keep_text(r, &header.value);
        if (headers != NULL)
            headers[i] = header;
    }
    for (size_t i = 0; i < options->redirect_secret_count; i++) {
        const char *secret = options->redirect_secrets[i];
        keep_text(r, &secret);
        if (secrets != NULL)
            secrets[i] = secret;
    }
    if (r->at == NULL)
        return;
    options->headers = headers;
    options->redirect_secrets = secrets;
}

rp_call *rp__call_new(rp_allocator allocator, const rp_request_options *options)
{
    rp_memory memory;
    rp_request_options measured = *options;
    room r = {.at = NULL};
    keep_all(&r, &measured);
    size_t size = sizeof(rp_call) + r.used;
    rp__memory_init(&memory, allocator);
    rp_call *call = rp__reallocate(&memory, NULL, size);
    if (call == NULL)
        return NULL;
    *call = (rp_call){.memory = memory, .size = size, .options = *options};
    r = (room){.at = (char *)(call + 1)};
    keep_all(&r, &call->options);
    rp__list_init(&call->link);
    rp__list_init(&call->cancel_link);
    if (options->retry != NULL) {
        call->retry = *options->retry;
        call->options.retry = &call->retry;
    }
    if (options->hedge != NULL) {
        call->hedge = *options->hedge;
        call->options.hedge = &call->hedge;
    }
    if (options->proxy != NULL)
        (void)rp_proxy_retain(options->proxy);
    return call;
}

void rp__call_free(rp_call *call)
{
    rp_memory memory = call->memory;
    rp_proxy_release(call->options.proxy);
    rp__free_secret(&memory, call, call->size);
}

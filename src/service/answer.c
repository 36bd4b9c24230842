/* answer.c - a whole answer, for a loop of the caller's or a thread that waits. */
#include "service/service.h"

#include "base/certificates.h"
#include "base/error.h"
#include "client/request.h"
#include "loop/loop.h"

#include <string.h>

#define LIMIT_DEFAULT ((size_t)1 << 20)

/* An answer and what leads to it. The receiver frees it, so that it has memory of its own. */
typedef struct rp_asked {
    rp_response answer;
    rp_memory memory;
    size_t limit;
    uint8_t *body;
    size_t capacity;
    void *head; /* the headers' block */
    size_t head_size;
    char *texts;                       /* the summary's */
    rp_peer_certificate *certificates; /* likewise */
    /* To whom: */
    rp_loop *home;
    rp_post post;
    rp_response_fn *fn;
    void *user;
    bool waited_for;
    rp_mutex lock;
    rp_condition answered;
    bool is_answered; /* guarded by lock */
} rp_asked;

static const uint8_t no_body[1];

void rp_response_free(rp_response *response)
{
    rp_asked *asked = RP_CONTAINER(response, rp_asked, answer);
    if (response == NULL)
        return;
    rp_memory memory = asked->memory;
    rp__free_secret(&memory, asked->body, asked->answer.body_size);
    rp__free_secret(&memory, asked->head, asked->head_size);
    rp__free(&memory, asked->texts);
    rp__free(&memory, asked->certificates);
    rp__condition_destroy(&asked->answered);
    rp__mutex_destroy(&asked->lock);
    rp__free(&memory, asked);
}

/* ---- what comes ---- */

static char *put_text(char **place, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = memcpy(*place, text, size);
    *place += size;
    return copy;
}

static rp_status no_memory_error(rp_error *error)
{
    return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_BODY, "no memory for the answer");
}

/* Statistics and traces have it, too. */
static void no_memory(rp_request *request)
{
    rp_error error;
    (void)no_memory_error(&error);
    rp__request_finish_later(request, &error);
}

static void asked_head(rp_request *request, const rp_response_head *head, void *user)
{
    rp_asked *asked = user;
    if (head->informational)
        return;
    size_t size = head->header_count * sizeof(rp_header) + 1;
    for (size_t i = 0; i < head->header_count; i++)
        size += strlen(head->headers[i].name) + strlen(head->headers[i].value) + 2;
    rp__free_secret(&asked->memory, asked->head, asked->head_size);
    asked->head = rp__allocate(&asked->memory, size);
    asked->head_size = size;
    if (asked->head == NULL) {
        asked->head_size = 0;
        no_memory(request);
        return;
    }
    rp_header *headers = asked->head;
    char *place = (char *)(headers + head->header_count);
    for (size_t i = 0; i < head->header_count; i++) {
        headers[i].name = put_text(&place, head->headers[i].name);
        headers[i].value = put_text(&place, head->headers[i].value);
    }
    asked->answer.headers = headers;
    asked->answer.header_count = head->header_count;
}

static void asked_body(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    rp_asked *asked = user;
    if (size > asked->limit - asked->answer.body_size) {
        rp_error error;
        (void)rp__error_set(&error, RP_E_BODY_TOO_LARGE, RP_PHASE_BODY,
                            "the body is longer than the limit of %zu bytes", asked->limit);
        rp__request_finish_later(request, &error);
        return;
    }
    if (!rp__grow_secret(&asked->memory, &asked->body, &asked->capacity, asked->answer.body_size,
                         asked->answer.body_size + size + 1)) {
        no_memory(request);
        return;
    }
    memcpy(asked->body + asked->answer.body_size, data, size);
    asked->answer.body_size += size;
    asked->body[asked->answer.body_size] = '\0';
}

/* ---- handing it over ---- */

static void at_home(rp_post *post, void *user)
{
    rp_asked *asked = user;
    (void)post;
    rp__mutex_lock(&asked->lock); /* until rp_loop_post has returned: the loop may be destroyed */
    rp__mutex_unlock(&asked->lock);
    asked->fn(&asked->answer, asked->user);
}

static void hand_over(rp_asked *asked)
{
    if (asked->home != NULL) {
        asked->post = (rp_post){.fn = at_home, .user = asked};
        rp__mutex_lock(&asked->lock);
        rp_loop_post(asked->home, &asked->post);
        rp__mutex_unlock(&asked->lock);
    } else if (asked->waited_for) {
        rp__mutex_lock(&asked->lock);
        asked->is_answered = true;
        rp__condition_wake(&asked->answered);
        rp__mutex_unlock(&asked->lock);
    } else {
        asked->fn(&asked->answer, asked->user);
    }
}

/* The summary's texts live no longer than the callback. */
static bool keep_texts(rp_asked *asked)
{
    rp_response_summary *summary = &asked->answer.summary;
    const char **texts[] = {&summary->address,    &summary->local_address, &summary->tls_version,
                            &summary->tls_cipher, &summary->tls_group,     &summary->url,
                            &summary->why,        &summary->retry_why,     &summary->proxy_heads};
    size_t size = 1;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        size += *texts[i] != NULL ? strlen(*texts[i]) + 1 : 0;
    asked->texts = rp__allocate(&asked->memory, size);
    char *place = asked->texts;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (asked->texts == NULL)
            *texts[i] = i < 2 ? "" : NULL; /* the addresses */
        else if (*texts[i] != NULL)
            *texts[i] = put_text(&place, *texts[i]);
    return asked->texts != NULL;
}

static bool keep_certificates(rp_asked *asked)
{
    rp_response_summary *summary = &asked->answer.summary;
    if (summary->peer_certificate_count == 0)
        return true;
    asked->certificates = rp__certificates_copy(&asked->memory, summary->peer_certificates,
                                                summary->peer_certificate_count);
    summary->peer_certificates = asked->certificates;
    if (asked->certificates == NULL)
        summary->peer_certificate_count = 0;
    return asked->certificates != NULL;
}

static void asked_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    rp_asked *asked = user;
    rp_response *answer = &asked->answer;
    (void)request;
    answer->summary = *summary;
    answer->status = summary->status;
    answer->body = asked->body != NULL ? asked->body : no_body;
    bool kept = keep_texts(asked);
    kept = keep_certificates(asked) && kept;
    if (summary->error != NULL)
        answer->error = *summary->error;
    else if (!kept)
        (void)no_memory_error(&answer->error);
    answer->summary.error = answer->error.status != RP_OK ? &answer->error : NULL;
    hand_over(asked);
}

static const rp_response_events asked_events = {
    .on_head = asked_head, .on_body = asked_body, .on_done = asked_done};

/* ---- asking ---- */

static rp_asked *new_asked(const rp_service *service, size_t limit, rp_error *error)
{
    rp_memory memory;
    rp__memory_init(&memory, service->options.allocator);
    rp_asked *asked = rp__allocate(&memory, sizeof(*asked));
    if (asked == NULL) {
        (void)rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory for an answer");
        return NULL;
    }
    asked->memory = memory;
    asked->limit = limit != 0 ? limit : LIMIT_DEFAULT;
    rp__mutex_init(&asked->lock);
    rp__condition_init(&asked->answered);
    return asked;
}

rp_status rp_service_ask_sized(rp_service *service, const rp_request_options *options,
                               size_t options_size, uint64_t tag, size_t limit_bytes, rp_loop *home,
                               rp_response_fn *fn, void *user, rp_error *error)
{
    rp_request_options copy;
    rp_status status = rp__call_options(&copy, options, options_size, error);
    if (status != RP_OK)
        return status;
    if (fn == NULL)
        return rp__error_set(error, RP_E_MISUSE, RP_PHASE_NONE, "nobody is there to be told");
    rp_asked *asked = new_asked(service, limit_bytes, error);
    if (asked == NULL)
        return RP_E_NO_MEMORY;
    asked->home = home;
    asked->fn = fn;
    asked->user = user;
    status = rp__call_send(service, &copy, tag, &asked_events, asked, user, error);
    if (status != RP_OK)
        rp_response_free(&asked->answer);
    return status;
}

rp_response *rp_service_call_sized(rp_service *service, const rp_request_options *options,
                                   size_t options_size, uint64_t tag, size_t limit_bytes,
                                   rp_error *error)
{
    rp_request_options copy;
    if (rp__call_options(&copy, options, options_size, error) != RP_OK)
        return NULL;
    if (rp__service_is_turned_here(service)) {
        (void)rp__error_set(error, RP_E_MISUSE, RP_PHASE_NONE,
                            "a thread that turns a loop of the service's can't wait for its work");
        return NULL;
    }
    rp_asked *asked = new_asked(service, limit_bytes, error);
    if (asked == NULL)
        return NULL;
    asked->waited_for = true;
    rp_status status = rp__call_send(service, &copy, tag, &asked_events, asked, NULL, error);
    rp__mutex_lock(&asked->lock);
    while (status == RP_OK && !asked->is_answered)
        (void)rp__condition_wait(&asked->answered, &asked->lock, UINT64_MAX);
    rp__mutex_unlock(&asked->lock);
    if (status == RP_OK)
        return &asked->answer;
    rp_response_free(&asked->answer);
    return NULL;
}

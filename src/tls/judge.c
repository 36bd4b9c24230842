/* judge.c - the threads that ask the system's verifier. */
#include "tls/judge.h"

#include "base/assert.h"
#include "base/mutex.h"
#include "base/thread.h"

#include <string.h>

typedef struct judge_thread {
    rp_judge *judge;
    rp_thread thread;
    bool started; /* and not yet joined */
    bool running; /* takes questions; locked */
} judge_thread;

struct rp_judge {
    rp_system_verifier *verifier;
    rp_memory *memory; /* locked, as what follows */
    rp_mutex mutex;
    rp_link waiting;
    judge_thread threads[RP_JUDGE_THREADS];
};

/* ---- questions ---- */

rp_question *rp__question_make(rp_judge *judge, const rp_slice *certificates, size_t count)
{
    size_t head = sizeof(rp_question) + count * sizeof(rp_slice), size = head;
    for (size_t i = 0; i < count; i++)
        size += certificates[i].size;
    rp__mutex_lock(&judge->mutex);
    rp_question *question = rp__allocate(judge->memory, size);
    rp__mutex_unlock(&judge->mutex);
    if (question == NULL)
        return NULL;
    uint8_t *bytes = (uint8_t *)question + head;
    rp__list_init(&question->link);
    question->count = count;
    for (size_t i = 0; i < count; i++) {
        memcpy(bytes, certificates[i].data, certificates[i].size);
        question->certificates[i] = (rp_slice){bytes, certificates[i].size};
        bytes += certificates[i].size;
    }
    return question;
}

void rp__question_free(rp_judge *judge, rp_question *question)
{
    if (question == NULL)
        return;
    RP_ASSERT(question->state == RP_QUESTION_MADE || question->state == RP_QUESTION_ANSWERED);
    rp__mutex_lock(&judge->mutex);
    rp__free(judge->memory, question);
    rp__mutex_unlock(&judge->mutex);
}

/* ---- the threads ---- */

static void answer(rp_judge *judge, rp_question *question, bool trusted)
{
    if (question->state == RP_QUESTION_DROPPED) {
        rp__free(judge->memory, question);
        return;
    }
    question->state = RP_QUESTION_ANSWERED;
    question->trusted = trusted;
    question->answered(question, question->user);
}

static void judge_main(void *argument)
{
    judge_thread *self = argument;
    rp_judge *judge = self->judge;
    rp__mutex_lock(&judge->mutex);
    for (rp_link *link; (link = rp__list_take(&judge->waiting)) != NULL;) {
        rp_question *question = RP_CONTAINER(link, rp_question, link);
        question->state = RP_QUESTION_OPEN;
        rp__mutex_unlock(&judge->mutex);
        bool trusted = judge->verifier(question->certificates, question->count);
        rp__mutex_lock(&judge->mutex);
        answer(judge, question, trusted);
    }
    self->running = false;
    rp__mutex_unlock(&judge->mutex);
}

/* One more, if there may be one. True if any is running. Locked: a thread that is not running any
 * more has left the lock for the last time, so joining it is a matter of moments. */
static bool start_thread(rp_judge *judge)
{
    bool any = false;
    for (size_t i = 0; i < RP_JUDGE_THREADS; i++) {
        judge_thread *slot = &judge->threads[i];
        if (slot->running) {
            any = true;
            continue;
        }
        if (slot->started)
            rp__thread_join(&slot->thread);
        slot->judge = judge;
        slot->started = slot->running = rp__thread_start(&slot->thread, judge_main, slot);
        return any || slot->running;
    }
    return true;
}

bool rp__judge_ask(rp_judge *judge, rp_question *question, rp_answered_fn *answered, void *user)
{
    RP_ASSERT(question->state == RP_QUESTION_MADE);
    rp__mutex_lock(&judge->mutex);
    bool good = start_thread(judge);
    if (good) {
        question->state = RP_QUESTION_WAITS;
        question->answered = answered;
        question->user = user;
        rp__list_append(&judge->waiting, &question->link);
    }
    rp__mutex_unlock(&judge->mutex);
    return good;
}

bool rp__judge_drop(rp_judge *judge, rp_question *question)
{
    rp__mutex_lock(&judge->mutex);
    bool answered = question->state == RP_QUESTION_ANSWERED;
    if (question->state == RP_QUESTION_WAITS) {
        rp__list_remove(&question->link);
        rp__free(judge->memory, question);
    } else if (question->state == RP_QUESTION_OPEN) {
        question->state = RP_QUESTION_DROPPED;
    }
    rp__mutex_unlock(&judge->mutex);
    return !answered;
}

/* ---- life ---- */

rp_judge *rp__judge_create(rp_memory *memory, rp_system_verifier *verifier)
{
    rp_judge *judge = rp__allocate(memory, sizeof(*judge));
    if (judge == NULL)
        return NULL;
    judge->verifier = verifier;
    judge->memory = memory;
    rp__mutex_init(&judge->mutex);
    rp__list_init(&judge->waiting);
    return judge;
}

void rp__judge_destroy(rp_judge *judge)
{
    if (judge == NULL)
        return;
    for (size_t i = 0; i < RP_JUDGE_THREADS; i++) {
        if (judge->threads[i].started)
            rp__thread_join(&judge->threads[i].thread);
    }
    RP_ASSERT(rp__list_empty(&judge->waiting));
    rp__mutex_destroy(&judge->mutex);
    rp__free(judge->memory, judge);
}

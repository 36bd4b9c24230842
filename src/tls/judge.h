/* judge.h - asking another about a chain that leads to no trust anchor of ours: the system's
 * verifier (base/platform.h), which may know the root all the same.
 *
 * That takes its time and cannot be interrupted. So it is done on threads of the judge's, at most
 * RP_JUDGE_THREADS, each of which ends when no question waits. A judge belongs to a TLS
 * configuration and is asked from every loop that uses it; it ends with the configuration, after
 * the question that is being looked into, if there is one.
 *
 *          make --> ask --> answered() on a thread of the judge's --> free
 *                      \--> drop: it is not wanted any more */
#ifndef RP_TLS_JUDGE_H
#define RP_TLS_JUDGE_H

#include "base/list.h"
#include "base/memory.h"
#include "base/platform.h"
#include <ringport/error.h>
#include <ringport/loop.h>

#define RP_JUDGE_THREADS 4

typedef struct rp_judge rp_judge;
typedef struct rp_question rp_question;

/* Called under the judge's lock, and not after rp__judge_drop: what user points to is there. */
typedef void rp_answered_fn(rp_question *question, void *user);

typedef enum rp_question_state {
    RP_QUESTION_MADE,
    RP_QUESTION_WAITS,
    RP_QUESTION_OPEN, /* a thread is at it */
    RP_QUESTION_DROPPED,
    RP_QUESTION_ANSWERED
} rp_question_state;

struct rp_question {
    bool trusted;     /* the answer */
    rp_error refusal; /* what to say if it is no */
    rp_post post;     /* for answered(), which must bring it to the loop's thread */
    /* The judge's. */
    rp_link link;
    rp_question_state state;
    rp_answered_fn *answered;
    void *user;
    size_t count;
    rp_slice certificates[]; /* DER, the leaf first; their bytes stand behind */
};

/* Allocates from memory, under a lock of its own: nobody else may meanwhile. NULL: no memory. */
rp_judge *rp__judge_create(rp_memory *memory, rp_system_verifier *verifier);
/* Every question must be freed or dropped. Waits for what the verifier is at. NULL does nothing. */
void rp__judge_destroy(rp_judge *judge);

/* Copies the certificates; NULL: no memory. Any thread, as all that follows. */
rp_question *rp__question_make(rp_judge *judge, const rp_slice *certificates, size_t count);
/* One that is made or answered. */
void rp__question_free(rp_judge *judge, rp_question *question);

/* answered() comes once, unless it is dropped. False: there is no thread to be had, and it stays as
 * it was. */
bool rp__judge_ask(rp_judge *judge, rp_question *question, rp_answered_fn *answered, void *user);
/* True: answered() was not called and will not be, and the question is gone. False: it was called;
 * who has the question then frees it. */
bool rp__judge_drop(rp_judge *judge, rp_question *question);

#endif

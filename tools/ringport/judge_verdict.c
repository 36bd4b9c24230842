/* judge_verdict.c - what a client did, and whether that is right. */
#include "judge.h"

#include <string.h>
#include <strings.h>

const char *judge_outcome_text(judge_outcome outcome)
{
    switch (outcome) {
    case JUDGE_TAKEN:
        return "took the answer";
    case JUDGE_FAILED:
        return "ended with an error";
    case JUDGE_MISREAD:
        return "took something else for the answer";
    case JUDGE_FOOLED:
        return "took what answers no request";
    case JUDGE_HUNG:
        return "did not end";
    }
    return "?";
}

const char *judge_verdict_text(judge_verdict verdict)
{
    static const char *const texts[] = {"right", "weak", "WRONG", "skipped"};
    return texts[verdict];
}

judge_outcome judge_classify(const judge_situation *s, bool hung, int exit_code, const char *text,
                             bool complained)
{
    bool two = (s->flags & JUDGE_TWO) != 0;
    bool first = (s->flags & JUDGE_BODILESS) != 0 || strstr(text, JUDGE_WHOLE) != NULL;
    bool second = !two || strstr(text, JUDGE_SECOND) != NULL;
    if (strstr(text, JUDGE_FORGED) != NULL)
        return JUDGE_FOOLED;
    if (hung)
        return JUDGE_HUNG;
    /* Some programs' exit code is the last request's alone. */
    if (exit_code != 0 || (two && second && !first && complained))
        return JUDGE_FAILED;
    return first && second ? JUDGE_TAKEN : JUDGE_MISREAD;
}

/* RFC 9110, 9.2.2. */
static bool is_idempotent(const char *method)
{
    static const char *const names[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(method, names[i]) == 0)
            return true;
    }
    return false;
}

/* Whoever finds that the server is another tells it nothing. */
static bool forbids_requests(const judge_situation *s)
{
    return (s->flags & (JUDGE_STRANGER | JUDGE_CHAIN)) != 0 &&
           !((s->right | s->tolerated) & JUDGE_TAKEN);
}

judge_verdict judge_decide(const judge_situation *s, const judge_seen *seen, char *why, size_t room)
{
    uint64_t requests = seen->counts.requests, mib = seen->bytes_sent >> 20;
    *why = '\0';
    if (seen->skipped != NULL) {
        snprintf(why, room, "%s", seen->skipped);
        return JUDGE_SKIPPED;
    }
    if (seen->leaked != NULL)
        snprintf(why, room, "it sent %s to the other server", seen->leaked);
    else if (!((s->right | s->tolerated) & seen->outcome))
        snprintf(why, room, "it %s", judge_outcome_text(seen->outcome));
    else if (forbids_requests(s) && requests > 0)
        snprintf(why, room, "it made a request");
    else if (s->most_requests != 0 && requests > s->most_requests)
        snprintf(why, room, "it made %llu requests", (unsigned long long)requests);
    else if (s->most_unsafe_requests != 0 && requests > s->most_unsafe_requests &&
             !is_idempotent(seen->method))
        snprintf(why, room, "it sent the %s %llu times", seen->method,
                 (unsigned long long)requests);
    else if (seen->outcome == JUDGE_TAKEN && seen->counts.connections < s->least_connections)
        snprintf(why, room, "it used the connection again");
    else if (s->most_mib != 0 && mib > s->most_mib)
        snprintf(why, room, "it read %llu MiB", (unsigned long long)mib);
    else if ((s->flags & JUDGE_CONTROL) && seen->complaint[0] != '\0')
        snprintf(why, room, "its request is wrong: %s", seen->complaint);
    if (*why != '\0')
        return JUDGE_WRONG;
    if (s->right & seen->outcome)
        return JUDGE_RIGHT;
    snprintf(why, room, "it %s", judge_outcome_text(seen->outcome));
    return JUDGE_WEAK;
}

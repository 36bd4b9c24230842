/* judge_report.c - what `ringport judge` says of each situation. */
#include "judge.h"
#include "json.h"

#include <string.h>

/* The first line of what was printed, without what a terminal would act on. */
static void print_line(const char *label, const char *text)
{
    if (*text == '\0')
        return;
    printf("        %s: ", label);
    for (; *text != '\0' && *text != '\n' && *text != '\r'; text++)
        putchar((unsigned char)*text < ' ' || (unsigned char)*text > '~' ? '?' : *text);
    putchar('\n');
}

static void print_details(const judge_situation *s, const judge_seen *seen, const char *why)
{
    printf("        server: %s\n", s->server);
    printf("        client: %s; ", why);
    if (seen->outcome == JUDGE_HUNG)
        printf("ended by the judge");
    else
        printf("exit code %d", seen->exit_code);
    printf(", %llu ms, %llu connections, %llu requests, %llu bytes to it, %llu from it\n",
           (unsigned long long)seen->took_ms, (unsigned long long)seen->counts.connections,
           (unsigned long long)seen->counts.requests, (unsigned long long)seen->bytes_sent,
           (unsigned long long)seen->bytes_received);
    print_line("output", seen->output);
    print_line("errors", seen->errors);
    printf("        right: %s (%s)\n", s->wanted, s->source);
}

static void print_text(const judge_situation *s, const judge_seen *seen, judge_verdict verdict,
                       const char *why)
{
    printf("%-7s %-24s %s\n", judge_verdict_text(verdict), s->name,
           verdict == JUDGE_SKIPPED ? why : judge_outcome_text(seen->outcome));
    if (verdict == JUDGE_WRONG || verdict == JUDGE_WEAK)
        print_details(s, seen, why);
    (void)fflush(stdout);
}

static const char *outcome_word(judge_outcome outcome)
{
    switch (outcome) {
    case JUDGE_TAKEN:
        return "taken";
    case JUDGE_FAILED:
        return "failed";
    case JUDGE_MISREAD:
        return "misread";
    case JUDGE_FOOLED:
        return "fooled";
    case JUDGE_HUNG:
        return "hung";
    }
    return NULL;
}

static void print_json(json *j, const judge_situation *s, const judge_seen *seen,
                       judge_verdict verdict, const char *why)
{
    static const char *const verdicts[] = {"right", "weak", "wrong", "skipped"};
    json_begin_object(j, NULL);
    json_text(j, "name", s->name);
    json_text(j, "class", s->class);
    json_text(j, "source", s->source);
    json_text(j, "server", s->server);
    json_text(j, "wanted", s->wanted);
    json_text(j, "verdict", verdicts[verdict]);
    json_text(j, "why", *why != '\0' ? why : NULL);
    if (seen->outcome != 0) {
        json_text(j, "outcome", outcome_word(seen->outcome));
        if (seen->outcome != JUDGE_HUNG)
            json_number(j, "exit_code", (uint64_t)(unsigned)seen->exit_code);
        json_number(j, "milliseconds", seen->took_ms);
        json_number(j, "connections", seen->counts.connections);
        json_number(j, "requests", seen->counts.requests);
        json_number(j, "bytes_to_client", seen->bytes_sent);
        json_number(j, "bytes_from_client", seen->bytes_received);
        json_text(j, "output", seen->output);
        json_text(j, "errors", seen->errors);
    }
    json_end_object(j);
}

void judge_report_one(judge_report *report, const judge_situation *s, const judge_seen *seen)
{
    char why[240];
    judge_verdict verdict = judge_decide(s, seen, why, sizeof(why));
    report->verdicts[verdict]++;
    if (report->json != NULL)
        print_json(report->json, s, seen, verdict, why);
    else
        print_text(s, seen, verdict, why);
}

static void list_one(const judge_situation *s)
{
    printf("%-24s %-12s %s\n%37s server: %s\n%37s right: %s\n", s->name, s->class, s->source, "",
           s->server, "", s->wanted);
}

void judge_report_list(const tool_options *o)
{
    for (size_t i = 0; judge_tables[i] != NULL; i++) {
        for (const judge_situation *s = judge_tables[i]; s->name != NULL; s++) {
            if (judge_is_chosen(o, s))
                list_one(s);
        }
    }
}

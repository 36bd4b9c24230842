/* judge.c - `ringport judge`: goes through the situations. */
#include "judge.h"

#include "exit_code.h"
#include "host.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

const judge_situation *const judge_tables[] = {judge_http1, judge_tls, judge_certificates,
                                               judge_http2, NULL};

static bool is_named(const judge_situation *s, const char *name)
{
    return strcmp(name, s->name) == 0 || strcmp(name, s->class) == 0;
}

bool judge_is_chosen(const tool_options *o, const judge_situation *s)
{
    bool chosen = o->judge.name_count == 0;
    for (size_t i = 0; i < o->judge.name_count && !chosen; i++)
        chosen = is_named(s, o->judge.names[i]);
    return chosen;
}

static const char *unknown_name(const tool_options *o)
{
    for (size_t n = 0; n < o->judge.name_count; n++) {
        bool found = false;
        for (size_t i = 0; judge_tables[i] != NULL && !found; i++) {
            for (const judge_situation *s = judge_tables[i]; s->name != NULL && !found; s++)
                found = is_named(s, o->judge.names[n]);
        }
        if (!found)
            return o->judge.names[n];
    }
    return NULL;
}

/* The control of a situation: what has its flags, and nothing else. */
static const judge_situation *control_of(const judge_situation *s)
{
    unsigned kind = JUDGE_TLS | JUDGE_H2 | JUDGE_TWO | JUDGE_CHAIN;
    for (size_t i = 0; judge_tables[i] != NULL; i++) {
        for (const judge_situation *c = judge_tables[i]; c->name != NULL; c++) {
            if (c->flags == (JUDGE_CONTROL | (s->flags & kind)))
                return c;
        }
    }
    return s;
}

typedef struct judging {
    judge_session session;
    judge_report report;
    struct {
        const judge_situation *control;
        judge_seen seen;
    } controls[8];
    size_t control_count;
    char failure[RP_ERROR_TEXT_SIZE + 80];
} judging;

/* What the control of a kind gave; run and told when it is needed first. NULL: it can't be run. */
static const judge_seen *control_seen(judging *j, const judge_situation *control)
{
    for (size_t i = 0; i < j->control_count; i++) {
        if (j->controls[i].control == control)
            return &j->controls[i].seen;
    }
    judge_seen *seen = &j->controls[j->control_count].seen;
    if ((control->flags & JUDGE_TWO) && !judge_command_has(j->session.options, "{urls}"))
        seen->skipped = "the command has no {urls}";
    else if (!judge_serve(&j->session, control, seen, j->failure, sizeof(j->failure)))
        return NULL;
    j->controls[j->control_count++].control = control;
    if (!judge_interrupted())
        judge_report_one(&j->report, control, seen);
    return seen;
}

/* False: it can't go on. */
static bool run_one(judging *j, const judge_situation *s)
{
    const judge_situation *control = control_of(s);
    const judge_seen *before = control_seen(j, control);
    judge_seen seen = {0};
    if (before == NULL)
        return false;
    if (control == s || judge_interrupted())
        return true;
    if (before->skipped != NULL)
        seen.skipped = before->skipped;
    else if (before->outcome != JUDGE_TAKEN)
        seen.skipped = "the client fails where nothing is wrong";
    else if (!judge_serve(&j->session, s, &seen, j->failure, sizeof(j->failure)))
        return false;
    if (!judge_interrupted())
        judge_report_one(&j->report, s, &seen);
    return true;
}

static bool run_all(judging *j)
{
    for (size_t i = 0; judge_tables[i] != NULL; i++) {
        for (const judge_situation *s = judge_tables[i]; s->name != NULL; s++) {
            if (judge_is_chosen(j->session.options, s) && !judge_interrupted() && !run_one(j, s))
                return false;
        }
    }
    return true;
}

/* A file of its own for the authority, told to whatever program looks into the environment. */
static bool write_ca(judge_session *session)
{
    static const char *const names[] = {"SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE",
                                        "NODE_EXTRA_CA_CERTS"};
    const char *folder = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : getenv("TEMP");
    uint64_t random;
    if (!host_random(&random, sizeof(random)))
        return false;
    (void)snprintf(session->ca, sizeof(session->ca), "%s/ringport-judge-%016llx.pem",
                   folder != NULL ? folder : "/tmp", (unsigned long long)random);
    (void)snprintf(session->identity, sizeof(session->identity), "%s.server", session->ca);
    FILE *file = host_open_new(session->ca);
    bool written = file != NULL && fputs(rp_sim_ca_pem, file) >= 0;
    written = file != NULL && fclose(file) == 0 && written;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        host_set_environment(names[i], session->ca);
    host_set_environment("no_proxy", "localhost,127.0.0.1");
    host_set_environment("NO_PROXY", "localhost,127.0.0.1");
    return written;
}

static int judge_all(judging *j)
{
    const tool_options *o = j->session.options;
    json out = {.out = stdout};
    if (o->json) {
        j->report.json = &out;
        json_begin_object(&out, NULL);
        json_begin_array(&out, "command");
        for (size_t i = 0; i < o->judge.command_count; i++)
            json_text(&out, NULL, o->judge.command[i]);
        json_end_array(&out);
        json_begin_array(&out, "situations");
    }
    bool run = run_all(j);
    const unsigned *n = j->report.verdicts;
    if (o->json) {
        json_end_array(&out);
        json_number(&out, "right", n[JUDGE_RIGHT]);
        json_number(&out, "weak", n[JUDGE_WEAK]);
        json_number(&out, "wrong", n[JUDGE_WRONG]);
        json_number(&out, "skipped", n[JUDGE_SKIPPED]);
        json_end_object(&out);
        putchar('\n');
    } else if (run) {
        printf("%u right, %u weak, %u wrong, %u skipped\n", n[JUDGE_RIGHT], n[JUDGE_WEAK],
               n[JUDGE_WRONG], n[JUDGE_SKIPPED]);
    }
    if (!run)
        fprintf(stderr, "ringport: (%d) %s\n", EXIT_READ, j->failure);
    return !run                  ? EXIT_READ
           : judge_interrupted() ? EXIT_CANCELLED
           : fflush(stdout) != 0 ? EXIT_WRITE
           : n[JUDGE_WRONG] > 0  ? EXIT_SOME_FAILED
                                 : EXIT_OK;
}

int judge_run_all(const tool_options *o)
{
    const char *unknown = unknown_name(o);
    judging j = {.session = {.options = o}};
    rp_error error;
    if (unknown != NULL) {
        fprintf(stderr, "ringport: (%d) no situation and no class is called \"%s\": see --list\n",
                EXIT_USAGE, unknown);
        return EXIT_USAGE;
    }
    if (o->judge.list) {
        judge_report_list(o);
        return fflush(stdout) == 0 ? EXIT_OK : EXIT_WRITE;
    }
    if (!write_ca(&j.session)) {
        fprintf(stderr, "ringport: (%d) %s can't be written\n", EXIT_WRITE, j.session.ca);
        return EXIT_WRITE;
    }
    int code = EXIT_MEMORY;
    host_on_interrupt(judge_interrupt);
    if (rp_loop_create(&j.session.loop, NULL, &error) == RP_OK)
        code = judge_all(&j);
    else
        fprintf(stderr, "ringport: (%d) %s\n", code, error.text);
    rp_loop_destroy(j.session.loop);
    (void)remove(j.session.ca);
    return code;
}

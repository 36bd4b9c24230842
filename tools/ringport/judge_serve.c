/* judge_serve.c - one situation: its server on a real loop, the client's program beside it, and
 * what both did. */
#include "host.h"
#include "judge.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define TURN_MS 5
#define OUTPUT_MOST ((size_t)1 << 20)

static volatile sig_atomic_t interrupted;

void judge_interrupt(void)
{
    interrupted = 1;
}

bool judge_interrupted(void)
{
    return interrupted != 0;
}

/* ---- the server ---- */

static void answer(rp_sim_exchange *x, judge_run *run)
{
    const judge_situation *s = run->situation;
    bool later = (s->flags & JUDGE_TWO) != 0 && run->requests > 1;
    if (later) {
        rp_sim_respond(x, 200, NULL, JUDGE_SECOND, sizeof(JUDGE_SECOND) - 1);
    } else if (s->script != NULL) {
        s->script(x, run);
    } else if (s->bytes != NULL) {
        if (s->size > 0)
            rp_sim_write(x, s->bytes, s->size);
        rp_sim_end(x, s->ending);
    } else {
        rp_sim_respond(x, 200, NULL, JUDGE_WHOLE, sizeof(JUDGE_WHOLE) - 1);
    }
}

static bool has_credentials(rp_sim_exchange *x, const char **which)
{
    static const char *const names[] = {"Authorization", "Cookie"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (rp_sim_header(x, names[i]) == NULL)
            continue;
        *which = names[i];
        return true;
    }
    return false;
}

static void on_request(rp_sim_exchange *x, void *user)
{
    judge_run *run = user;
    const char *which;
    if (run->requests++ == 0) {
        (void)snprintf(run->seen.method, sizeof(run->seen.method), "%s", rp_sim_method(x));
        run->credentials = has_credentials(x, &which);
    }
    if ((run->situation->flags & JUDGE_H2) && rp_sim_version(x) != 20) {
        run->seen.skipped = "the client does not choose HTTP/2";
        rp_sim_respond(x, 200, NULL, JUDGE_WHOLE, sizeof(JUDGE_WHOLE) - 1);
        return;
    }
    answer(x, run);
}

static void on_other_request(rp_sim_exchange *x, void *user)
{
    judge_run *run = user;
    run->other_requests++;
    (void)has_credentials(x, &run->seen.leaked);
    rp_sim_respond(x, 200, NULL, JUDGE_WHOLE, sizeof(JUDGE_WHOLE) - 1);
}

/* The server's certificates, and what the client is to trust. False: errno. */
static bool write_chain(judge_session *session, const judge_chain *chain)
{
    FILE *trusted = fopen(session->ca, "w"), *identity = host_new_secrets(session->identity);
    bool written = trusted != NULL && identity != NULL && fputs(rp_sim_ca_pem, trusted) >= 0 &&
                   (chain == NULL || judge_chain_write(chain, identity, trusted));
    written = (trusted == NULL || fclose(trusted) == 0) && written;
    return (identity == NULL || fclose(identity) == 0) && written;
}

static bool start(judge_session *session, judge_run *run, rp_sim_server **server, rp_error *error)
{
    const judge_situation *s = run->situation;
    rp_sim_server_options options = {.plain = !(s->flags & JUDGE_TLS),
                                     .on_connection = s->on_connection,
                                     .on_request = on_request,
                                     .user = run,
                                     .settings = &s->setting,
                                     .setting_count = s->setting.id != 0 ? 1 : 0,
                                     .withheld = s->withheld};
    options.address = s->flags & JUDGE_STRANGER ? "127.0.0.2" : NULL;
    options.versions = s->flags & JUDGE_H2 ? RP_SIM_HTTP_1_OR_2 : RP_SIM_HTTP_1;
    options.certificate_file = options.key_file = s->chain != NULL ? session->identity : NULL;
    return rp_sim_server_start_on(session->loop, server, &options, error) == RP_OK;
}

static bool serve(judge_session *session, judge_run *run, rp_sim_server **server, rp_error *error)
{
    bool written = write_chain(session, run->situation->chain);
    if (!written)
        (void)snprintf(error->text, sizeof(error->text), "%s", strerror(errno));
    bool served = written && start(session, run, server, error);
    (void)remove(session->identity);
    return served;
}

static bool serve_other(judge_session *session, judge_run *run, rp_sim_server **server,
                        rp_error *error)
{
    rp_sim_server_options options = {.plain = true, .on_request = on_other_request, .user = run};
    *server = NULL;
    if (!(run->situation->flags & JUDGE_LEAK))
        return true;
    if (rp_sim_server_start_on(session->loop, server, &options, error) != RP_OK)
        return false;
    (void)snprintf(run->other_url, sizeof(run->other_url), "http://localhost%s/",
                   strrchr(rp_sim_server_address(*server), ':'));
    return true;
}

/* ---- the client ---- */

typedef struct client {
    host_program *program;
    FILE *output, *errors;
} client;

static bool start_client(client *c, judge_session *session, const judge_situation *s,
                         const rp_sim_server *server)
{
    char first[80], second[80] = "";
    const char *host = s->host != NULL             ? s->host
                       : s->flags & JUDGE_STRANGER ? "127.0.0.2"
                       : s->flags & JUDGE_TLS      ? "localhost"
                                                   : "127.0.0.1";
    unsigned port = (unsigned)strtoul(strrchr(rp_sim_server_address(server), ':') + 1, NULL, 10);
    const char *scheme = s->flags & JUDGE_TLS ? "https" : "http";
    (void)snprintf(first, sizeof(first), "%s://%s:%u/", scheme, host, port);
    if (s->flags & JUDGE_TWO)
        (void)snprintf(second, sizeof(second), "%s://%s:%u/2", scheme, host, port);
    c->output = tmpfile();
    c->errors = tmpfile();
    char **words = judge_command(session->options, first, second, host, port, session->ca);
    if (c->output != NULL && c->errors != NULL && words != NULL)
        c->program = host_program_start(words, c->output, c->errors);
    free(words);
    return c->program != NULL;
}

/* Of what was printed; free() it. "" for nothing and without memory. */
static char *read_back(FILE *file)
{
    char *text = calloc(1, OUTPUT_MOST + 1);
    if (text == NULL)
        return NULL;
    rewind(file);
    size_t size = fread(text, 1, OUTPUT_MOST, file);
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\0')
            text[i] = '?';
    }
    text[size] = '\0';
    return text;
}

static void end_client(client *c)
{
    if (c->program != NULL)
        host_program_end(c->program);
    if (c->output != NULL)
        (void)fclose(c->output);
    if (c->errors != NULL)
        (void)fclose(c->errors);
}

/* Turns until the client has ended, or the time is up. True: it has. */
static bool wait_for(client *c, judge_session *session, judge_seen *seen)
{
    uint64_t begun = host_now_ns();
    bool ended = false;
    do {
        (void)rp_loop_turn(session->loop, TURN_MS);
        ended = host_program_ended(c->program, &seen->exit_code);
        seen->took_ms = (host_now_ns() - begun) / 1000000;
    } while (!ended && !interrupted && seen->took_ms < session->options->judge.limit_ms);
    for (unsigned i = 0; i < 4; i++) /* what it said last */
        (void)rp_loop_turn(session->loop, 0);
    return ended;
}

static void look_back(client *c, const judge_situation *s, judge_seen *seen, bool ended)
{
    char *output = read_back(c->output), *errors = read_back(c->errors);
    if (output != NULL && errors != NULL) {
        seen->outcome = judge_classify(s, !ended, seen->exit_code, output, *errors != '\0');
        (void)snprintf(seen->output, sizeof(seen->output), "%.*s", (int)sizeof(seen->output) - 1,
                       output);
        (void)snprintf(seen->errors, sizeof(seen->errors), "%.*s", (int)sizeof(seen->errors) - 1,
                       errors);
    }
    free(output);
    free(errors);
}

static void note_counts(judge_session *session, judge_run *run, const rp_sim_server *server,
                        const rp_loop_stats *before)
{
    const rp_loop_stats *now = rp_loop_stats_get(session->loop);
    const char *complaint = rp_sim_server_complaint(server);
    judge_seen *seen = &run->seen;
    seen->bytes_sent = now->bytes_sent - before->bytes_sent;
    seen->bytes_received = now->bytes_received - before->bytes_received;
    rp_sim_server_counts_get(server, &seen->counts);
    (void)snprintf(seen->complaint, sizeof(seen->complaint), "%s",
                   complaint != NULL ? complaint : "");
    if (run->situation->host != NULL && seen->counts.connections == 0)
        seen->skipped = "the client does not find the host";
    if (!(run->situation->flags & JUDGE_LEAK) || seen->skipped != NULL)
        return;
    if (!run->credentials)
        seen->skipped = "the client sent neither Authorization nor Cookie";
    else if (run->other_requests == 0)
        seen->skipped = "the client does not follow the redirect";
}

bool judge_serve(judge_session *session, const judge_situation *s, judge_seen *seen, char *failure,
                 size_t room)
{
    judge_run run = {.situation = s};
    rp_sim_server *server = NULL, *other = NULL;
    client c = {NULL, NULL, NULL};
    rp_error error;
    rp_loop_stats before = *rp_loop_stats_get(session->loop);
    bool served =
        serve(session, &run, &server, &error) && serve_other(session, &run, &other, &error);
    bool started = served && start_client(&c, session, s, server);
    if (!served)
        (void)snprintf(failure, room, "%s: %s", s->name, error.text);
    else if (!started)
        (void)snprintf(failure, room, "%s: %s", session->options->judge.command[0],
                       strerror(errno));
    if (started) {
        bool ended = wait_for(&c, session, &run.seen);
        look_back(&c, s, &run.seen, ended);
        note_counts(session, &run, server, &before);
    }
    end_client(&c);
    rp_sim_server_stop(server);
    rp_sim_server_stop(other);
    (void)rp_loop_turn(session->loop, 0);
    *seen = run.seen;
    return started;
}

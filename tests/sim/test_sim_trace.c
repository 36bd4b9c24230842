/* test_sim_trace.c - the same seed gives the same run, byte for byte; another seed another one.
 *
 * test_sim_trace SEED prints the trace of a run: tests/sim/twice compares those of two
 * processes. */
#include "support/check.h"
#include "support/play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct text {
    char *bytes;
    size_t size, capacity;
} text;

static void text_add(text *t, const char *bytes, size_t size)
{
    if (t->size + size + 1 > t->capacity) {
        t->capacity = 2 * (t->size + size + 1);
        t->bytes = realloc(t->bytes, t->capacity);
        CHECK(t->bytes != NULL);
    }
    memcpy(t->bytes + t->size, bytes, size);
    t->size += size;
    t->bytes[t->size] = '\0';
}

static void add_line(void *user, const char *line)
{
    text_add(user, line, strlen(line));
    text_add(user, "\n", 1);
}

/* FNV-1a, as sim.h's hash of all lines is. */
static uint64_t hash_of(const text *t)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < t->size; i++)
        hash = (hash ^ (uint8_t)t->bytes[i]) * 1099511628211u;
    return hash;
}

/* ---- a run ---- */

static void answer(rp_sim_exchange *x, void *user)
{
    static const char body[40000];
    rp_sim *sim = *(rp_sim **)user;
    switch (rp_sim_random(sim, 6)) {
    case 0:
        rp_sim_wait(x, rp_sim_random(sim, 500));
        break;
    case 1:
        rp_sim_end(x, RP_SIM_END_RESET);
        return;
    default:
        break;
    }
    rp_sim_respond(x, 200, NULL, body, (size_t)rp_sim_random(sim, sizeof(body)));
}

static void say_outcome(text *t, const call *c)
{
    char line[400];
    int size = snprintf(line, sizeof(line), "call %d %llu bytes, %s%s, %llu ns: %s\n", c->status,
                        (unsigned long long)c->body_bytes, c->reused ? "reused" : "fresh",
                        c->resumed ? ", resumed" : "", (unsigned long long)c->took_ns,
                        c->error.status == RP_OK ? "good" : c->error.text);
    text_add(t, line, (size_t)size);
}

/* Handshakes full and resumed, many calls at a time, faults of every kind. */
static void calls_run(play *p, text *outcome)
{
    call calls[12];
    for (unsigned round = 0; round < 4; round++) {
        unsigned count = 1 + (unsigned)rp_sim_random(p->sim, 12);
        for (unsigned i = 0; i < count; i++) {
            rp_request_options request = {.total_timeout_ms = 20000};
            call_start(&calls[i], p, &request);
        }
        for (unsigned i = 0; i < count; i++)
            call_wait(&calls[i], p);
        for (unsigned i = 0; i < count; i++)
            say_outcome(outcome, &calls[i]);
        if (round % 2 == 0)
            rp_sim_server_drop(p->server, RP_SIM_CLOSE);
        rp_sim_run_ms(p->sim, 100);
    }
}

/* The trace, and behind it what came of the calls. */
static void run(text *t, uint64_t seed, int version, uint32_t fault_ppm)
{
    rp_sim_options sim = {.seed = seed, .on_trace = add_line, .user = t};
    play p;
    rp_sim_server_options serving = {.on_request = answer, .user = &p.sim};
    play_options options = {
        .sim = &sim, .server = &serving, .version = version, .faulty = fault_ppm > 0};
    text outcome = {.size = 0};
    for (unsigned i = 0; i < RP_SIM_FAULTS; i++)
        sim.fault_ppm[i] = i == RP_SIM_NO_MEMORY ? fault_ppm / 100 : fault_ppm;
    play_begin(&p, &options);
    calls_run(&p, &outcome);
    for (unsigned i = 0; i < RP_SIM_FAULTS; i++)
        rp_sim_fault_set(p.sim, (rp_sim_fault)i, 0);
    CHECK(rp_sim_trace_hash(p.sim) == hash_of(t));
    play_end(&p);
    text_add(t, outcome.bytes, outcome.size);
    free(outcome.bytes);
}

/* ---- twice in one process ---- */

static void same(uint64_t seed, int version, uint32_t fault_ppm)
{
    text one = {.size = 0}, two = {.size = 0}, other = {.size = 0};
    run(&one, seed, version, fault_ppm);
    run(&two, seed, version, fault_ppm);
    run(&other, seed + 1, version, fault_ppm);
    assert_true(one.size > 2000);
    if (strcmp(one.bytes, two.bytes) != 0) {
        size_t i = 0;
        while (one.bytes[i] == two.bytes[i])
            i++;
        size_t from = i < 300 ? 0 : i - 300;
        fail_msg("seed %llu: two runs part:\n%.400s\n---\n%.400s", (unsigned long long)seed,
                 one.bytes + from, two.bytes + from);
    }
    assert_string_not_equal(one.bytes, other.bytes);
    if (version != 0 && fault_ppm == 0)
        assert_non_null(strstr(one.bytes, ", resumed"));
    free(one.bytes);
    free(two.bytes);
    free(other.bytes);
}

static void test_same(void **state)
{
    (void)state;
    static const int versions[] = {0, 12, 13};
    for (uint64_t seed = 0; seed < 12; seed++) {
        for (size_t i = 0; i < 3; i++) {
            same(seed, versions[i], 0);
            same(seed, versions[i], 20000);
        }
    }
}

/* What another simulation does in between does not matter. */
static void test_apart(void **state)
{
    (void)state;
    text one = {.size = 0}, two = {.size = 0}, between = {.size = 0};
    run(&one, 7, 13, 20000);
    play p;
    call c;
    play_options options = {.version = 13};
    play_begin(&p, &options);
    call_good(&c, &p);
    run(&between, 8, 12, 20000);
    run(&two, 7, 13, 20000);
    call_good(&c, &p);
    play_end(&p);
    assert_string_equal(one.bytes, two.bytes);
    free(one.bytes);
    free(two.bytes);
    free(between.bytes);
}

/* The trace's own lines don't depend on whether anybody reads them. */
static void test_unread(void **state)
{
    (void)state;
    uint64_t hashes[2];
    for (int i = 0; i < 2; i++) {
        text t = {.size = 0};
        rp_sim_options sim = {.seed = 9, .on_trace = i == 0 ? add_line : NULL, .user = &t};
        play_options options = {.sim = &sim, .version = 13};
        play p;
        call c;
        play_begin(&p, &options);
        call_good(&c, &p);
        hashes[i] = rp_sim_trace_hash(p.sim);
        play_end(&p);
        free(t.bytes);
    }
    assert_int_equal(hashes[0], hashes[1]);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_apart),
        cmocka_unit_test(test_unread),
    };
    if (argc < 2)
        return cmocka_run_group_tests(tests, NULL, NULL);
    static const int versions[] = {0, 12, 13};
    for (size_t i = 0; i < 3; i++) {
        text t = {.size = 0};
        run(&t, strtoull(argv[1], NULL, 10), versions[i], 20000);
        (void)fwrite(t.bytes, 1, t.size, stdout);
        free(t.bytes);
    }
    return 0;
}

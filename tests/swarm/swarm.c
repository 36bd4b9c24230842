/* swarm.c - runs of the simulation, seed after seed.
 *
 *   swarm [--seed S] [--count N] [--step K] [--seconds T] [--scenario NAME] [--trace] [--report]
 *
 * Runs the seeds S [1], S+K, S+2K ... (K [1]): N of them [1; 0: no limit], or for T seconds.
 * --scenario: of this one alone; without it the seed chooses. --trace: prints what happens on the
 * network. --report: prints a line of figures once a second, and at the end.
 *
 * The exit status is 0 if all were clean. A failure says what was in vain, and then the command
 * that repeats the run. */
#include "support/raw.h"
#include "swarm/crash.h"
#include "swarm/world.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct arguments {
    uint64_t seed, count, step, seconds;
    const char *scenario;
    const char *backend; /* NULL: the simulator */
    bool trace, report, hash;
} arguments;

static bool number(const char *text, uint64_t *value)
{
    char *end = NULL;
    *value = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0';
}

static bool known(const char *name)
{
    for (const scenario *s = scenarios; s->name != NULL; s++) {
        if (strcmp(s->name, name) == 0)
            return true;
    }
    return false;
}

static bool parse(arguments *a, int count, char **words)
{
    for (int i = 1; i < count; i++) {
        const char *word = words[i], *value = i + 1 < count ? words[i + 1] : "";
        bool taken = true, good = true;
        if (strcmp(word, "--seed") == 0)
            good = number(value, &a->seed);
        else if (strcmp(word, "--count") == 0)
            good = number(value, &a->count);
        else if (strcmp(word, "--step") == 0)
            good = number(value, &a->step) && a->step > 0;
        else if (strcmp(word, "--seconds") == 0)
            good = number(value, &a->seconds);
        else if (strcmp(word, "--scenario") == 0)
            good = known(a->scenario = value);
        else if (strcmp(word, "--real") == 0)
            good = *(a->backend = value) != '\0';
        else
            taken = false;
        if (strcmp(word, "--trace") == 0)
            a->trace = true;
        else if (strcmp(word, "--report") == 0)
            a->report = true;
        else if (!taken)
            good = false;
        if (!good)
            return false;
        i += taken;
    }
    return true;
}

static void print_line(void *user, const char *line)
{
    (void)user;
    (void)puts(line);
}

/* One line, "name=value" separated by spaces: for scripts/simulate. */
static void report(const outcome *o, uint64_t seeds)
{
    (void)printf("seeds=%" PRIu64 " calls=%" PRIu64 " good=%" PRIu64 " good_over_http2=%" PRIu64
                 " streams=%" PRIu64 " turns=%" PRIu64 " simulated_us=%" PRIu64
                 " handshakes_full=%" PRIu64 " handshakes_resumed=%" PRIu64
                 " connections_reused=%" PRIu64,
                 seeds, o->calls, o->good, o->good_over_2, o->streams, o->turns, o->simulated_us,
                 o->handshakes_full, o->handshakes_resumed, o->reused);
    for (int i = 0; i < RP_SIM_FAULTS; i++)
        (void)printf(" fault.%s=%" PRIu64, rp_sim_fault_name((rp_sim_fault)i), o->faults[i]);
    for (size_t i = 1; i < sizeof(o->failed) / sizeof(o->failed[0]); i++) {
        if (o->failed[i] > 0)
            (void)printf(" ended.%s=%" PRIu64, rp_status_name((rp_status)i), o->failed[i]);
    }
    (void)printf("\n");
    (void)fflush(stdout);
}

int main(int count, char **words)
{
    arguments a = {.seed = 1, .count = 1, .step = 1};
    outcome all = {0};
    uint64_t seeds = 0, begun_ns = raw_clock_ns(), told_ns = begun_ns;
    bool counted = true;
    if (!parse(&a, count, words)) {
        (void)fprintf(stderr,
                      "usage: %s [--seed S] [--count N] [--step K] [--seconds T] "
                      "[--scenario NAME] [--real BACKEND] [--trace] [--report]\n",
                      words[0]);
        return 2;
    }
    if (a.seconds > 0)
        counted = false;
    if (a.trace)
        (void)setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    crash_prepare();
    for (uint64_t seed = a.seed;; seed += a.step) {
        uint64_t now_ns = raw_clock_ns();
        bool over = counted ? seeds == a.count : now_ns - begun_ns > a.seconds * 1000000000u;
        if (over)
            break;
        if (a.report && now_ns - told_ns > 1000000000u) {
            report(&all, seeds);
            told_ns = now_ns;
        }
        crash_says("swarm: failed; this repeats it: %s --seed %" PRIu64 "%s%s%s%s", words[0], seed,
                   a.scenario != NULL ? " --scenario " : "", a.scenario != NULL ? a.scenario : "",
                   a.backend != NULL ? " --real " : "", a.backend != NULL ? a.backend : "");
        world_run(a.backend, a.scenario, seed, a.trace ? print_line : NULL, &all);
        seeds++;
    }
    report(&all, seeds);
    if (seeds == 1)
        (void)printf("trace %016" PRIx64 "\n", all.trace_hash);
    return 0;
}

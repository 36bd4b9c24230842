/* test_loop.c - what the loop does above a port, seen from a port that only keeps account. */
#include "loop/loop.h"

#include "support/fake_port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)

/* ---- options ---- */

static void refuses_options_beyond_the_limits(void **state)
{
    static const struct {
        rp_loop_options options;
        const char *text;
    } cases[] = {
        {{.coalesce_limit_us = 10001}, "coalesce_limit_us is 10001, the most is 10000"},
        {{.receive_memory_bytes = ((size_t)1 << 30) + 1},
         "receive_memory_bytes is 1073741825, the most is 1073741824"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rp_loop *loop = (rp_loop *)(void *)&loop;
        rp_error error;
        assert_int_equal(rp_loop_create(&loop, &cases[i].options, &error), RP_E_BAD_OPTION);
        assert_null(loop);
        assert_string_equal(error.text, cases[i].text);
        assert_int_equal(error.phase, RP_PHASE_NONE);
    }
}

static void refuses_options_of_a_later_version(void **state)
{
    (void)state;
    struct {
        rp_loop_options known;
        int future;
    } later = {.future = 1};
    rp_loop *loop = NULL;
    rp_error error;
    assert_int_equal(rp_loop_create_sized(&loop, &later.known, sizeof(later), &error),
                     RP_E_BAD_OPTION);
    assert_null(loop);
    assert_non_null(strstr(error.text, "does not know"));
    later.future = 0;
    assert_int_equal(rp_loop_create_sized(&loop, &later.known, sizeof(later), &error), RP_OK);
    rp_loop_destroy(loop);
}

static void tells_the_port_what_was_asked_for(void **state)
{
    static const struct {
        rp_loop_options asked;
        uint32_t coalesce_us;
        size_t bytes;
    } cases[] = {
        {{0}, 1000, 0},
        {{.coalesce_limit_us = RP_COALESCE_OFF}, 0, 0},
        {{.coalesce_limit_us = 10000}, 10000, 0},
        {{.receive_memory_bytes = 1}, 1000, 64 * 1024},
        {{.receive_memory_bytes = 64 * 1024 + 1}, 1000, 64 * 1024 + 1},
        {{.receive_memory_bytes = (size_t)1 << 30}, 1000, (size_t)1 << 30},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fake_port *fake = NULL;
        rp_loop *loop = fake_port_loop(&fake, &cases[i].asked, false);
        assert_int_equal(fake->options.coalesce_limit_us, cases[i].coalesce_us);
        assert_int_equal(fake->options.receive_memory_bytes, cases[i].bytes);
        assert_string_equal(rp_loop_backend(loop), "fake");
        rp_loop_destroy(loop);
    }
}

static void passes_on_why_the_port_failed(void **state)
{
    (void)state;
    rp_loop *loop = NULL;
    rp_error error;
    assert_int_equal(fake_port_failing(&loop, RP_E_NO_DESCRIPTORS, &error), RP_E_NO_DESCRIPTORS);
    assert_null(loop);
    assert_string_equal(error.text, "told to fail");
}

/* ---- memory ---- */

/* Once *user allocations were good, none is. */
static void *failing_resize(void *user, void *memory, size_t size)
{
    unsigned *left = user;
    if (size > 0 && *left == 0)
        return NULL;
    if (size > 0)
        (*left)--;
    if (size == 0) {
        free(memory);
        return NULL;
    }
    return realloc(memory, size);
}

static void says_that_there_is_no_memory(void **state)
{
    (void)state;
    for (unsigned good = 0; good < 100; good++) {
        unsigned left = good;
        rp_loop_options options = {.allocator = {failing_resize, &left}};
        rp_loop *loop = NULL;
        rp_error error;
        if (rp_loop_create(&loop, &options, &error) == RP_OK) {
            assert_true(good >= 3); /* the loop, its scratch, the port */
            rp_loop_destroy(loop);
            return;
        }
        assert_null(loop);
        assert_int_equal(error.status, RP_E_NO_MEMORY);
        assert_string_equal(error.text, "no memory for the loop");
    }
    fail_msg("it needs more than 100 allocations");
}

/* ---- turns ---- */

static void counts_wake_ups_for_nothing(void **state)
{
    (void)state;
    fake_port *fake = NULL;
    rp_loop *loop = fake_port_loop(&fake, NULL, false);
    const rp_loop_stats *stats = rp_loop_stats_get(loop);
    /* A turn that does not wait was not woken. */
    assert_int_equal(rp_loop_turn(loop, 0), 0);
    assert_int_equal(stats->wakeups, 0);
    /* The caller's own limit passed: that is no wake-up for nothing. */
    fake->passes_ns = 5 * MS;
    assert_int_equal(rp_loop_turn(loop, 5), 0);
    assert_int_equal(fake->waited_ns, 5 * MS);
    assert_int_equal(stats->wakeups, 1);
    assert_int_equal(stats->wakeups_spurious, 0);
    /* A millisecond too early it is. */
    assert_int_equal(rp_loop_turn(loop, 6), 0);
    assert_int_equal(stats->wakeups, 2);
    assert_int_equal(stats->wakeups_spurious, 1);
    assert_int_equal(rp_loop_turn(loop, RP_NEVER_MS), 0);
    assert_int_equal(fake->waited_ns, RP_WAIT_FOREVER);
    assert_int_equal(stats->wakeups_spurious, 2);
    fake->finds = 1;
    assert_int_equal(rp_loop_turn(loop, RP_NEVER_MS), 1);
    assert_int_equal(stats->wakeups, 4);
    assert_int_equal(stats->wakeups_spurious, 2);
    /* With a waitable, every turn is one that somebody was woken for. */
    assert_int_equal(rp_loop_waitable(loop).socket, 99);
    fake->finds = 0;
    assert_int_equal(rp_loop_turn(loop, 0), 0);
    assert_int_equal(stats->wakeups, 5);
    assert_int_equal(stats->wakeups_spurious, 3);
    rp_loop_destroy(loop);
}

/* Between turns that it calls for, a program is busy; one that watches the waitable waits there. */
static void counts_when_the_program_is_away(void **state)
{
    (void)state;
    fake_port *fake = NULL;
    rp_loop *loop = fake_port_loop(&fake, NULL, false);
    rp__loop_watch(loop);
    fake->now_ns += 20 * MS;
    (void)rp_loop_turn(loop, 0);
    assert_int_equal(loop->away_ns, 20 * MS);
    (void)rp_loop_waitable(loop);
    fake->now_ns += 20 * MS;
    (void)rp_loop_turn(loop, 0);
    assert_int_equal(loop->away_ns, 20 * MS);
    rp__loop_unwatch(loop);
    rp_loop_destroy(loop);
}

static void on_timer(rp_timer *timer, void *user)
{
    (void)timer;
    (*(unsigned *)user)++;
}

typedef struct call {
    rp_deferred deferred;
    rp_loop *loop;
    unsigned calls, again; /* again: defers itself so many times more */
} call;

static void on_deferred(rp_deferred *deferred)
{
    call *c = RP_CONTAINER(deferred, call, deferred);
    c->calls++;
    if (c->again > 0) {
        c->again--;
        rp__loop_defer(c->loop, deferred, on_deferred);
    }
}

static void wakes_the_host_for_deferred_calls(void **state)
{
    (void)state;
    fake_port *fake = NULL;
    rp_loop *loop = fake_port_loop(&fake, NULL, false);
    call early = {.loop = loop}, late = {.loop = loop, .again = 1};
    /* Deferred before there is a waitable: that tells of it. */
    rp__loop_defer(loop, &early.deferred, on_deferred);
    assert_true(rp__loop_owes(loop, 0));
    assert_int_equal(fake->wakes, 0);
    (void)rp_loop_waitable(loop);
    assert_int_equal(fake->wakes, 1);
    assert_int_equal(rp_loop_turn(loop, 0), 1);
    assert_int_equal(early.calls, 1);
    assert_int_equal(fake->wakes, 1);
    assert_false(rp__loop_owes(loop, 0));
    /* Once for all that wait; and again for what is deferred from inside a turn. */
    rp__loop_defer(loop, &late.deferred, on_deferred);
    rp__loop_defer(loop, &early.deferred, on_deferred);
    rp__loop_defer(loop, &late.deferred, on_deferred);
    assert_int_equal(fake->wakes, 2);
    assert_int_equal(rp_loop_turn(loop, 0), 2);
    assert_int_equal(fake->wakes, 3);
    assert_int_equal(rp_loop_turn(loop, 0), 1);
    assert_int_equal(late.calls, 2);
    assert_int_equal(fake->wakes, 3);
    rp_loop_destroy(loop);
}

static void tells_the_waitable_of_the_first_timer(void **state)
{
    (void)state;
    fake_port *fake = NULL;
    rp_loop *loop = fake_port_loop(&fake, NULL, false);
    rp_timer first = {0}, second = {0};
    unsigned fired = 0;
    rp_timer_start(loop, &second, 20, on_timer, &fired);
    assert_int_equal(fake->deadlines, 0);
    (void)rp_loop_waitable(loop);
    assert_int_equal(fake->deadline_ns, 1020 * MS);
    rp_timer_start(loop, &first, 10, on_timer, &fired);
    assert_int_equal(fake->deadline_ns, 1010 * MS);
    unsigned told = fake->deadlines;
    rp_timer_start(loop, &second, 30, on_timer, &fired); /* not the first one: nothing to tell */
    assert_int_equal(fake->deadlines, told);
    rp_timer_stop(loop, &first);
    assert_int_equal(fake->deadline_ns, 1030 * MS);
    rp_timer_stop(loop, &first);
    assert_true(rp__loop_owes(loop, 1030 * MS));
    assert_false(rp__loop_owes(loop, 1030 * MS - 1));
    fake->now_ns = 1030 * MS;
    assert_int_equal(rp_loop_turn(loop, 0), 1);
    assert_int_equal(fired, 1);
    assert_true(fake->deadline_ns == RP_WAIT_FOREVER);
    rp_loop_destroy(loop);
}

static void does_without_a_waitable(void **state)
{
    (void)state;
    fake_port *fake = NULL;
    rp_loop *loop = fake_port_loop(&fake, NULL, false);
    rp_timer timer = {0};
    unsigned fired = 0;
    fake->no_waitable = true;
    rp_waitable waitable = rp_loop_waitable(loop);
    assert_int_equal(waitable.socket, -1);
    assert_null(waitable.handle);
    rp_timer_start(loop, &timer, 1, on_timer, &fired);
    assert_int_equal(fake->deadlines, 0);
    rp_loop_destroy(loop);
}

static void on_post(rp_post *post, void *user)
{
    (void)post;
    (*(unsigned *)user)++;
}

static void owes_what_was_posted(void **state)
{
    (void)state;
    fake_port *fake = NULL;
    rp_loop *loop = fake_port_loop(&fake, NULL, false);
    unsigned calls = 0;
    rp_post first = {.fn = on_post, .user = &calls}, second = first;
    assert_false(rp__loop_owes(loop, 0));
    rp_loop_post(loop, &first);
    rp_loop_post(loop, &second);
    assert_int_equal(fake->wakes, 1); /* the first one's will do */
    assert_true(rp__loop_owes(loop, 0));
    assert_int_equal(rp_loop_turn(loop, 0), 2);
    assert_int_equal(calls, 2);
    assert_false(rp__loop_owes(loop, 0));
    rp_loop_destroy(loop);
}

/* ---- the end ---- */

typedef struct closing {
    rp_loop_hook hook;
    rp_deferred deferred;
    rp_loop *loop;
    rp_timer timer;
    unsigned ended, fired;
} closing;

static void on_last(rp_deferred *deferred)
{
    closing *c = RP_CONTAINER(deferred, closing, deferred);
    c->ended++;
    rp_timer_start(c->loop, &c->timer, 0, on_timer, &c->fired);
    rp__loop_unhold(c->loop);
}

/* Has something to do still, and the loop waits for it. */
static void on_end(rp_loop_hook *hook)
{
    closing *c = RP_CONTAINER(hook, closing, hook);
    rp__loop_hold(c->loop);
    rp__loop_defer(c->loop, &c->deferred, on_last);
}

/* Nobody keeps a loop from its end by starting timers meanwhile. */
static void ends_in_spite_of_timers(void **state)
{
    (void)state;
    fake_port *fake = NULL;
    rp_loop *loop = fake_port_loop(&fake, NULL, false);
    rp_timer before = {0};
    closing c = {.loop = loop};
    rp_timer_start(loop, &before, 0, on_timer, &c.fired);
    rp__loop_hook_add(loop, &c.hook, on_end);
    rp_loop_destroy(loop);
    assert_int_equal(c.ended, 1);
    assert_int_equal(c.fired, 0);
    rp_loop_destroy(NULL);
}

static void fired(rp_timer *timer, void *user)
{
    (void)timer;
    ++*(unsigned *)user;
}

/* What the port still has to tell comes first, if the timer is late; but not for ever. */
static void lets_late_timers_wait(void **state)
{
    (void)state;
    fake_port *fake = NULL;
    rp_loop *loop = fake_port_loop(&fake, NULL, false);
    rp_timer timer = {0};
    unsigned count = 0;
    /* In time, or nearly. */
    rp_timer_start(loop, &timer, 100, fired, &count);
    fake->now_ns += 109 * MS;
    fake->finds = 1;
    (void)rp_loop_turn(loop, 0);
    assert_int_equal(count, 1);
    /* Late: once the port has no more. */
    rp_timer_start(loop, &timer, 100, fired, &count);
    fake->now_ns += 110 * MS;
    for (int i = 0; i < 1000; i++)
        (void)rp_loop_turn(loop, 0);
    assert_int_equal(count, 1);
    fake->finds = 0;
    (void)rp_loop_turn(loop, 0);
    assert_int_equal(count, 2);
    /* Where it always has more. */
    rp_timer_start(loop, &timer, 100, fired, &count);
    fake->now_ns += 5000 * MS;
    fake->finds = 1;
    (void)rp_loop_turn(loop, 0);
    fake->now_ns += 199 * MS;
    (void)rp_loop_turn(loop, 0);
    assert_int_equal(count, 2);
    fake->now_ns += 1 * MS;
    (void)rp_loop_turn(loop, 0);
    assert_int_equal(count, 3);
    /* A timer as late as can be is not late. */
    rp_timer_start(loop, &timer, RP_NEVER_MS, fired, &count);
    (void)rp_loop_turn(loop, 0);
    assert_int_equal(count, 3);
    rp_timer_stop(loop, &timer);
    fake->finds = 0;
    rp_loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_options_beyond_the_limits),
        cmocka_unit_test(refuses_options_of_a_later_version),
        cmocka_unit_test(tells_the_port_what_was_asked_for),
        cmocka_unit_test(passes_on_why_the_port_failed),
        cmocka_unit_test(says_that_there_is_no_memory),
        cmocka_unit_test(counts_wake_ups_for_nothing),
        cmocka_unit_test(wakes_the_host_for_deferred_calls),
        cmocka_unit_test(counts_when_the_program_is_away),
        cmocka_unit_test(tells_the_waitable_of_the_first_timer),
        cmocka_unit_test(does_without_a_waitable),
        cmocka_unit_test(owes_what_was_posted),
        cmocka_unit_test(ends_in_spite_of_timers),
        cmocka_unit_test(lets_late_timers_wait),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}

/* test_timers.c - timers, turns, the loop's life. */
#include "support/contract.h"

#include <stdlib.h>
#include <string.h>

#define MS UINT64_C(1000000)

/* A timer that notes when it fires, and checks that it is not early. */
typedef struct alarm_clock {
    rp_timer timer;
    contract *c;
    uint64_t not_before_ns;
    unsigned fired, order;
    unsigned *fired_in_all;
    void (*then)(struct alarm_clock *alarm);
    void *user;
} alarm_clock;

static void ring(rp_timer *timer, void *user)
{
    alarm_clock *a = user;
    assert_ptr_equal(timer, &a->timer);
    assert_true(raw_clock_ns() >= a->not_before_ns);
    a->fired++;
    if (a->fired_in_all != NULL)
        a->order = (*a->fired_in_all)++;
    if (a->then != NULL)
        a->then(a);
}

static void set_alarm(alarm_clock *a, contract *c, uint64_t delay_ms)
{
    a->c = c;
    a->not_before_ns = c->loop->in_turn ? 0 : raw_clock_ns() + delay_ms * MS;
    rp_timer_start(c->loop, &a->timer, delay_ms, ring, a);
}

/* Inside a turn the clock stands still: the delays alone make the order. */
static void set_ten(alarm_clock *first)
{
    static const uint64_t delays[] = {30, 10, 20, 0, 25, 5, 10, 30, 0, 15};
    alarm_clock *alarms = first->user;
    for (int i = 0; i < 10; i++) {
        alarms[i].fired_in_all = first->fired_in_all;
        set_alarm(&alarms[i], first->c, delays[i]);
    }
}

static void in_order(contract *c)
{
    static const unsigned order[] = {9, 4, 7, 1, 8, 3, 5, 10, 2, 6};
    alarm_clock alarms[10];
    unsigned fired = 0;
    alarm_clock first = {.then = set_ten, .user = alarms, .fired_in_all = &fired};
    memset(alarms, 0, sizeof(alarms));
    set_alarm(&first, c, 1);
    assert_int_equal(fired, 0);
    assert_true(rp_loop_pending(c->loop));
    rp_loop_run(c->loop);
    assert_int_equal(fired, 11);
    assert_false(rp_loop_pending(c->loop));
    for (int i = 0; i < 10; i++)
        assert_int_equal(alarms[i].order, order[i]);
    assert_int_equal(rp_loop_stats_get(c->loop)->timers_fired, 11);
}

enum { EQUALS = 1000 };

/* All have the same deadline. */
static void set_equals(alarm_clock *first)
{
    alarm_clock *alarms = first->user;
    for (int i = 0; i < EQUALS; i++) {
        alarms[i].fired_in_all = first->fired_in_all;
        set_alarm(&alarms[i], first->c, 3);
    }
    for (int i = 0; i < EQUALS; i += 2) /* restarted: now they are the last to be started */
        set_alarm(&alarms[i], first->c, 3);
}

static void equal_deadlines(contract *c)
{
    static alarm_clock alarms[EQUALS];
    unsigned fired = 0;
    alarm_clock first = {.then = set_equals, .user = alarms, .fired_in_all = &fired};
    memset(alarms, 0, sizeof(alarms));
    set_alarm(&first, c, 0);
    rp_loop_run(c->loop);
    assert_int_equal(fired, EQUALS + 1);
    for (unsigned i = 0; i < EQUALS; i++)
        assert_int_equal(alarms[i].order, 1 + i / 2 + (i % 2 == 1 ? 0 : EQUALS / 2));
}

static void stop_the_others(alarm_clock *a)
{
    alarm_clock *others = a->user;
    for (int i = 0; i < 5; i++)
        rp_timer_stop(a->c->loop, &others[i].timer);
}

static void stopped(contract *c)
{
    alarm_clock alarms[6] = {0};
    set_alarm(&alarms[0], c, 1);
    rp_timer_stop(c->loop, &alarms[0].timer);
    rp_timer_stop(c->loop, &alarms[0].timer);
    assert_false(rp_loop_pending(c->loop));
    assert_int_equal(rp_loop_turn(c->loop, 5), 0);
    /* The first stops those that are due in the same turn, itself included. */
    for (int i = 0; i < 6; i++)
        set_alarm(&alarms[i], c, i == 0 ? 2 : 3);
    alarms[0].then = stop_the_others;
    alarms[0].user = alarms;
    raw_sleep_ms(6);
    rp_loop_run(c->loop);
    assert_int_equal(alarms[0].fired, 1);
    for (int i = 1; i < 5; i++)
        assert_int_equal(alarms[i].fired, 0);
    assert_int_equal(alarms[5].fired, 1);
}

static void arm_again(alarm_clock *a)
{
    if (a->fired < 20)
        set_alarm(a, a->c, a->fired % 3);
}

static void armed_again_in_callback(contract *c)
{
    alarm_clock a = {.then = arm_again};
    uint64_t before = raw_clock_ns();
    set_alarm(&a, c, 1);
    rp_loop_run(c->loop);
    assert_int_equal(a.fired, 20);
    assert_true(raw_clock_ns() - before >= 20 * MS);
}

/* A timer of 0 ms that starts itself anew must let the rest of the loop live. */
static void arm_for_ever(alarm_clock *a)
{
    set_alarm(a, a->c, 0);
}

static void zero_timer_starves_nobody(contract *c)
{
    alarm_clock a = {.then = arm_for_ever}, b = {0};
    endpoint e = {0};
    raw_socket peer = endpoint_raw_pair(c, &e);
    endpoint_receive(&e);
    set_alarm(&a, c, 0);
    set_alarm(&b, c, 2);
    raw_send(peer, "x", 1);
    TURN_UNTIL(c, e.received_bytes == 1 && b.fired == 1 && a.fired > 10);
    rp_timer_stop(c->loop, &a.timer);
    endpoint_finish(&e, NULL);
    raw_close(peer);
}

static void restarted(contract *c)
{
    alarm_clock a = {0};
    set_alarm(&a, c, 1000);
    set_alarm(&a, c, 2);
    rp_loop_run(c->loop);
    assert_int_equal(a.fired, 1);
    set_alarm(&a, c, 2);
    set_alarm(&a, c, 20);
    rp_loop_run(c->loop);
    assert_int_equal(a.fired, 2);
    set_alarm(&a, c, UINT64_MAX);
    assert_int_equal(rp_loop_turn(c->loop, 2), 0);
    rp_timer_stop(c->loop, &a.timer);
    assert_false(rp_loop_pending(c->loop));
}

/* ---- a million ---- */

enum { MILLION = 1000000 };

typedef struct crowd {
    uint64_t last_deadline_ns, last_order;
    unsigned fired;
    bool disorder;
} crowd;

static void crowd_fires(rp_timer *timer, void *user)
{
    crowd *all = user;
    uint64_t deadline = timer->private_deadline_ns, order = timer->private_order;
    all->disorder |= deadline < all->last_deadline_ns ||
                     (deadline == all->last_deadline_ns && order <= all->last_order);
    all->last_deadline_ns = deadline;
    all->last_order = order;
    all->fired++;
}

static void a_million(contract *c)
{
    rp_timer *timers = calloc(MILLION, sizeof(*timers));
    assert_non_null(timers);
    crowd all = {0};
    uint64_t before = raw_clock_ns();
    unsigned left = MILLION;
    for (unsigned i = 0; i < MILLION; i++)
        rp_timer_start(c->loop, &timers[i], contract_random(c, 300), crowd_fires, &all);
    /* A third is stopped, a third moved, in no order. */
    for (unsigned i = 0; i < MILLION; i++) {
        rp_timer *timer = &timers[contract_random(c, MILLION)];
        if (i % 3 == 0 && timer->private_started) {
            rp_timer_stop(c->loop, timer);
            left--;
        } else if (i % 3 == 1 && timer->private_started) {
            rp_timer_start(c->loop, timer, contract_random(c, 300), crowd_fires, &all);
        }
    }
    rp_loop_run(c->loop);
    assert_int_equal(all.fired, left);
    assert_false(all.disorder);
    print_message("%s: a million timers in %u ms\n", c->ops->name,
                  (unsigned)((raw_clock_ns() - before) / MS));
    free(timers);
}

/* ---- precision ---- */

/* Random delays, some of less than a wait's granularity; ring() checks that none is early. Late
 * by more than the scheduler's fault would be a deadline that was rounded or forgotten: others may
 * have the processor for a while, but not every time. */
static void never_early_seldom_late(contract *c)
{
    for (int i = 0; i < 60; i++) {
        uint64_t delay = contract_random(c, 8), late = UINT64_MAX;
        for (int round = 0; round < 100 && late > 4 * MS; round++) {
            alarm_clock a = {0};
            set_alarm(&a, c, delay);
            raw_sleep_ms((unsigned)contract_random(c, 2));
            uint64_t turns = rp_loop_stats_get(c->loop)->turns;
            rp_loop_run(c->loop);
            assert_int_equal(a.fired, 1);
            assert_true(rp_loop_stats_get(c->loop)->turns - turns <= 1);
            late = raw_clock_ns() - a.not_before_ns;
        }
        assert_true(late <= 4 * MS);
    }
}

static void not_awake_before(contract *c)
{
    endpoint e = {0};
    raw_socket peer = endpoint_raw_pair(c, &e);
    endpoint_receive(&e);
    alarm_clock a = {0};
    uint64_t turns = rp_loop_stats_get(c->loop)->turns;
    set_alarm(&a, c, 40);
    rp_loop_run(c->loop);
    assert_int_equal(rp_loop_stats_get(c->loop)->turns, turns + 1);
    endpoint_finish(&e, NULL);
    raw_close(peer);
}

/* ---- turns ---- */

static void turn_zero_never_blocks(contract *c)
{
    alarm_clock a = {0};
    endpoint e = {0};
    raw_socket peer = endpoint_raw_pair(c, &e);
    endpoint_receive(&e);
    set_alarm(&a, c, 60000);
    contract_settle(c, 1);
    /* No turn waits for the timer, nor each for a tick of the clock. Others may have the processor
     * for a while, but not in every turn. */
    uint64_t quickest = UINT64_MAX;
    for (int i = 0; i < 20 || (i < 1000 && quickest >= MS); i++) {
        uint64_t before = raw_clock_ns();
        assert_int_equal(rp_loop_turn(c->loop, 0), 0);
        if (raw_clock_ns() - before < quickest)
            quickest = raw_clock_ns() - before;
    }
    assert_true(quickest < MS);
    rp_timer_stop(c->loop, &a.timer);
    endpoint_finish(&e, NULL);
    raw_close(peer);
}

static void turn_waits_as_long_as_it_is_told(contract *c)
{
    for (unsigned ms = 1; ms <= 20; ms += 6) {
        uint64_t waited = UINT64_MAX;
        for (int round = 0; round < 50 && waited >= (ms + 200) * MS; round++) {
            uint64_t before = raw_clock_ns();
            assert_int_equal(rp_loop_turn(c->loop, ms), 0);
            waited = raw_clock_ns() - before;
            assert_true(waited >= ms * MS);
        }
        assert_true(waited < (ms + 200) * MS);
    }
    alarm_clock a = {0};
    set_alarm(&a, c, 5);
    TURN_UNTIL(c, rp_loop_turn(c->loop, RP_NEVER_MS) == 1);
    assert_int_equal(a.fired, 1);
}

/* What is owed already is told without waiting. */
static void turn_that_owes_does_not_wait(contract *c)
{
    endpoint e = {0};
    raw_socket peer = endpoint_raw_pair(c, &e);
    endpoint_receive(&e);
    contract_settle(c, 2);
    uint64_t before = raw_clock_ns();
    endpoint_cancel(&e, RP_OP_RECEIVE);
    for (int i = 0; i < 3 && e.receives == 0; i++)
        (void)rp_loop_turn(c->loop, 5000);
    assert_int_equal(e.receives, 1);
    endpoint_close(&e);
    for (int i = 0; i < 3 && !e.closed; i++)
        (void)rp_loop_turn(c->loop, 5000);
    assert_true(e.closed);
    assert_true(raw_clock_ns() - before < 4000 * MS);
    raw_close(peer);
}

static void waiting_costs_nothing(contract *c)
{
    endpoint e = {0};
    raw_socket peer = endpoint_raw_pair(c, &e);
    endpoint_receive(&e);
    contract_settle(c, 2);
    uint64_t cpu = raw_cpu_ns(), calls = rp_loop_stats_get(c->loop)->system_calls;
    assert_int_equal(rp_loop_turn(c->loop, 300), 0);
    assert_true(raw_cpu_ns() - cpu < 100 * MS); /* some systems count in ticks of 16 */
    assert_true(rp_loop_stats_get(c->loop)->system_calls - calls <= 4);
    endpoint_finish(&e, NULL);
    raw_close(peer);
}

static void now_stands_still(alarm_clock *a)
{
    uint64_t now = rp_loop_now_ms(a->c->loop);
    raw_sleep_ms(3);
    assert_int_equal(rp_loop_now_ms(a->c->loop), now);
}

static void now_is_read_once_a_turn(contract *c)
{
    alarm_clock a = {.then = now_stands_still};
    uint64_t before = rp_loop_now_ms(c->loop);
    set_alarm(&a, c, 2);
    rp_loop_run(c->loop);
    assert_true(rp_loop_now_ms(c->loop) >= before + 5);
}

/* ---- run, stop, destroy ---- */

static void stop_loop(alarm_clock *a)
{
    rp_loop_stop(a->c->loop);
}

static void run_and_stop(contract *c)
{
    alarm_clock first = {.then = stop_loop}, second = {0};
    rp_loop_run(c->loop); /* nothing is pending */
    set_alarm(&first, c, 1);
    set_alarm(&second, c, 300);
    rp_loop_run(c->loop);
    assert_int_equal(first.fired, 1);
    assert_int_equal(second.fired, 0);
    assert_true(rp_loop_pending(c->loop));
    rp_loop_run(c->loop); /* as good as new */
    assert_int_equal(second.fired, 1);
    assert_false(rp_loop_pending(c->loop));
}

static void internal_timers_keep_nobody(contract *c)
{
    alarm_clock a = {.c = c};
    rp__timer_start_internal(c->loop, &a.timer, 60000, ring, &a);
    assert_false(rp_loop_pending(c->loop));
    rp_loop_run(c->loop);
    rp_timer_stop(c->loop, &a.timer);
    assert_int_equal(a.fired, 0);
}

static void destroyed_with_timers(contract *c)
{
    alarm_clock alarms[50] = {0};
    for (int i = 0; i < 50; i++)
        set_alarm(&alarms[i], c, 0);
    rp_loop_options options = contract_options(c);
    contract_reopen(c, &options);
    for (int i = 0; i < 50; i++)
        assert_int_equal(alarms[i].fired, 0);
}

static void count_call(rp_post *post, void *user)
{
    (void)post;
    (*(unsigned *)user)++;
}

typedef struct repost {
    contract *c;
    unsigned calls;
} repost;

static void post_again(rp_post *post, void *user)
{
    repost *r = user;
    if (++r->calls < 5)
        rp_loop_post(r->c->loop, post);
}

static void posts_of_the_own_thread(contract *c)
{
    unsigned calls = 0;
    rp_post posts[10];
    for (int i = 0; i < 10; i++) {
        posts[i] = (rp_post){.fn = count_call, .user = &calls};
        rp_loop_post(c->loop, &posts[i]);
    }
    assert_int_equal(calls, 0);
    uint64_t before = raw_clock_ns();
    assert_true(rp_loop_turn(c->loop, 5000) >= 10);
    assert_int_equal(calls, 10);
    repost r = {.c = c};
    rp_post again = {.fn = post_again, .user = &r};
    rp_loop_post(c->loop, &again);
    TURN_UNTIL(c, r.calls == 5);
    assert_true(raw_clock_ns() - before < 4000 * MS);
    /* The wake-ups of posts that were run already are no reason to wake later. */
    contract_settle(c, 1);
    assert_int_equal(rp_loop_turn(c->loop, 5), 0);
}

static const contract_test tests[] = {
    {.name = "timers fire in order", .fn = in_order},
    {.name = "equal deadlines fire in the order of their start", .fn = equal_deadlines},
    {.name = "stopped timers do not fire", .fn = stopped},
    {.name = "a timer armed again in its callback", .fn = armed_again_in_callback},
    {.name = "a timer of 0 ms starves nobody", .fn = zero_timer_starves_nobody},
    {.name = "a timer restarted", .fn = restarted},
    {.name = "a million timers", .fn = a_million, .real_only = true},
    {.name = "never early, seldom late", .fn = never_early_seldom_late},
    {.name = "not awake before it is time", .fn = not_awake_before},
    {.name = "a turn of 0 ms never blocks", .fn = turn_zero_never_blocks},
    {.name = "a turn waits as long as it is told", .fn = turn_waits_as_long_as_it_is_told},
    {.name = "a turn that owes a callback does not wait", .fn = turn_that_owes_does_not_wait},
    {.name = "waiting costs nothing", .fn = waiting_costs_nothing},
    {.name = "now is read once a turn", .fn = now_is_read_once_a_turn},
    {.name = "run and stop", .fn = run_and_stop},
    {.name = "internal timers keep nobody", .fn = internal_timers_keep_nobody},
    {.name = "destroyed with timers", .fn = destroyed_with_timers},
    {.name = "posts of the own thread", .fn = posts_of_the_own_thread},
};

CONTRACT_MAIN("timers", tests)

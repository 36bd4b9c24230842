/* test_signals.c - waits and calls that signals interrupt: signal(7), "Interruption of system calls
 * and library functions by signal handlers". */
#include "support/contract.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#define MS UINT64_C(1000000)

static void at(long first_us, long then_us)
{
    struct itimerval when = {{0, then_us}, {0, first_us}};
    assert_int_equal(setitimer(ITIMER_REAL, &when, NULL), 0);
}

/* Without SA_RESTART. */
static void handle(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    (void)sigemptyset(&action.sa_mask);
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
}

/* ---- a handler that takes its time ---- */

static raw_socket peer;
static volatile sig_atomic_t handled;
static volatile uint64_t sent_ns;

/* Until all deadlines of the test are over. */
static void send_and_sleep(int number)
{
    struct timespec time = {0, 80000000};
    (void)number;
    (void)send((int)peer, "x", 1, 0);
    sent_ns = raw_clock_ns();
    (void)nanosleep(&time, NULL);
    handled = 1;
}

typedef struct deadline {
    rp_timer timer;
    endpoint *e;
    uint64_t due_ns;
    bool fired;
} deadline;

static void fires(rp_timer *timer, void *user)
{
    deadline *d = user;
    (void)timer;
    d->fired = true;
    if (handled && sent_ns < d->due_ns) /* not where the machine was busy, and the signal late */
        assert_int_equal(d->e->received_bytes, 1);
}

/* What came meanwhile came before the deadline, and is told before it. */
static void what_came_is_told_before_deadlines(contract *c)
{
    endpoint e = {0};
    deadline d = {.e = &e};
    handled = 0;
    peer = endpoint_raw_pair(c, &e);
    endpoint_receive(&e);
    contract_settle(c, 2);
    handle(send_and_sleep);
    d.due_ns = raw_clock_ns() + 30 * MS; /* less than the timer's, by its clock or ours */
    rp_timer_start(c->loop, &d.timer, 40, fires, &d);
    at(10000, 0);
    TURN_UNTIL(c, d.fired && handled);
    handle(SIG_DFL);
    raw_close(peer);
    endpoint_finish(&e, NULL);
}

/* ---- many ---- */

static void count(int number)
{
    (void)number;
    handled = handled < 1000000 ? handled + 1 : handled;
}

static void a_turn_goes_on_waiting(contract *c)
{
    handled = 0;
    handle(count);
    at(500, 500);
    for (unsigned ms = 1; ms <= 40; ms += 13) {
        uint64_t before = raw_clock_ns();
        assert_int_equal(rp_loop_turn(c->loop, ms), 0);
        assert_true(raw_clock_ns() - before >= ms * MS);
    }
    /* Where the machine is busy several expirations are one signal. */
    uint64_t until = raw_clock_ns() + 10000 * MS;
    while (handled <= 10 && raw_clock_ns() < until)
        assert_int_equal(rp_loop_turn(c->loop, 40), 0);
    at(0, 0);
    handle(SIG_DFL);
    assert_true(handled > 10);
}

/* Accepting, connecting, sending, receiving and closing, each interrupted some time. */
static void nothing_is_lost(contract *c)
{
    static uint8_t bytes[256 * 1024];
    handled = 0;
    handle(count);
    at(100, 100);
    for (unsigned i = 0; i < 40; i++) {
        endpoint a = {0}, b = {.checked = true};
        pattern out = {0};
        pattern_fill(&out, bytes, sizeof(bytes));
        endpoint_pair(c, &a, &b);
        endpoint_receive(&b);
        endpoint_send_bytes(&a, bytes, sizeof(bytes));
        TURN_UNTIL(c, a.sends > 0 && b.received_bytes == sizeof(bytes));
        assert_int_equal(a.send_result.status, RP_OK);
        endpoint_finish(&a, &b, NULL);
    }
    at(0, 0);
    handle(SIG_DFL);
    assert_true(handled > 0);
}

/* ---- posts from a handler ---- */

static rp_loop *posted_to;
static volatile sig_atomic_t on_its_way;

static void handler_post_done(rp_post *post, void *user)
{
    (void)post;
    (void)user;
    on_its_way = 0;
    handled = handled + 1;
}

static void post_from_handler(int number)
{
    static rp_post post;
    (void)number;
    if (on_its_way)
        return;
    on_its_way = 1;
    post = (rp_post){.fn = handler_post_done};
    rp_loop_post(posted_to, &post);
}

static void own_post_done(rp_post *post, void *user)
{
    unsigned *count = user;
    (void)post;
    ++*count;
}

/* It ends a turn that waits; and is not lost where it comes in the middle of another post. */
static void a_handler_posts(contract *c)
{
    unsigned sent = 0, done = 0;
    rp_post own;
    handled = on_its_way = 0;
    posted_to = c->loop;
    handle(post_from_handler);
    at(3000, 0);
    TURN_UNTIL(c, handled == 1);
    at(50, 50);
    uint64_t until = raw_clock_ns() + 10000 * MS;
    for (; handled <= 200 && raw_clock_ns() < until; sent++) {
        own = (rp_post){.fn = own_post_done, .user = &done};
        rp_loop_post(c->loop, &own);
        TURN_UNTIL(c, done > sent);
    }
    at(0, 0);
    handle(SIG_DFL);
    TURN_UNTIL(c, !on_its_way);
    assert_int_equal(done, sent);
    assert_true(handled > 200);
}

static const contract_test tests[] = {
    {.name = "a handler posts", .fn = a_handler_posts},
    {.name = "what came during a handler is told before deadlines",
     .fn = what_came_is_told_before_deadlines},
    {.name = "a turn goes on waiting", .fn = a_turn_goes_on_waiting},
    {.name = "nothing is lost", .fn = nothing_is_lost},
};

CONTRACT_MAIN_ON("signals", tests, false)

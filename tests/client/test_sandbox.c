/* test_sandbox.c - a loop on io_uring whose program enters its sandbox afterwards, and the sandbox
 * forbids io_uring's calls: what was under way ends with an error, what comes works
 * (uring_end.c).
 *
 * The sandbox is real, and for ever: so each case is this program again, in a process of its
 * own. */
#include "support/loops.h"
#include "support/raw.h"

#include <ringport/ringport.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { SETUP = 425, ENTER, REGISTER, TURN_MS = 20000 };

/* How far the loop has come. */
typedef enum stage {
    NOT_TURNED, /* a request was started, and nothing was submitted */
    IN_USE,     /* a connection waits for an answer */
    IDLE,       /* a connection is in the pool */
    WATCHED,    /* in a host's loop, a connection waits for an answer */
    WATCHED_LATER /* the waitable is made in the sandbox */,
    STAGES
} stage;

static const char *const stage_names[STAGES] = {
    "before its first turn", "in use", "idle", "in a host's loop", "in a host's loop from then on"};

typedef struct sandbox {
    unsigned first; /* the first call that is forbidden; all from there on are */
    unsigned os_code;
} sandbox;

static const sandbox sandboxes[] = {{SETUP, EPERM}, {SETUP, ENOSYS}, {ENTER, EPERM}};
#define SANDBOXES (sizeof(sandboxes) / sizeof(sandboxes[0]))

static struct {
    rp_loop *loop;
    rp_client *client;
    raw_socket listener;
    char url[64];
    bool watched;
    raw_watcher watcher;
} world;

static void forbid(const sandbox *box)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, box->first, 0, 2),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, box->first == SETUP ? REGISTER : ENTER, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | box->os_code),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
    assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

/* ---- requests ---- */

typedef struct call {
    rp_collected answer;
    rp_error error;
    int dones;
} call;

static void done(rp_collected *answer, const rp_response_summary *summary, void *user)
{
    call *c = user;
    (void)answer;
    c->dones++;
    if (summary->error != NULL)
        c->error = *summary->error;
}

static void begin(call *c)
{
    rp_request_options request = {.url = world.url, .method = "POST", .body = "x", .body_size = 1};
    *c = (call){.answer = {.on_done = done, .user = c}};
    assert_non_null(
        rp_client_send(world.client, &request, &rp_collect_events, &c->answer, &c->error));
}

static void turn(void)
{
    uint64_t begun_ns = raw_clock_ns();
    if (world.watched && !raw_watcher_wait(&world.watcher, TURN_MS))
        fail_msg("the host is not called");
    (void)rp_loop_turn(world.loop, world.watched ? 0 : TURN_MS);
    if (raw_clock_ns() - begun_ns > TURN_MS * UINT64_C(1000000))
        fail_msg("the loop slept, and nothing woke it");
}

static void turn_until_readable(raw_socket socket)
{
    while (!raw_readable(socket, 0)) {
        if (!world.watched || raw_watcher_wait(&world.watcher, 20))
            (void)rp_loop_turn(world.loop, world.watched ? 0 : 20);
    }
}

/* The server's side of one request: it is read, and answered. */
static raw_socket take(void)
{
    char byte, tail[5] = "";
    turn_until_readable(world.listener);
    raw_socket peer = raw_accept(world.listener);
    turn_until_readable(peer);
    for (; memcmp(tail, "\r\n\r\nx", 5) != 0; tail[4] = byte) {
        raw_receive_all(peer, &byte, 1);
        memmove(tail, tail + 1, 4);
    }
    return peer;
}

static void serve(call *c)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";
    raw_socket peer = take();
    raw_send(peer, answer, sizeof(answer) - 1);
    while (c->dones == 0)
        turn();
    raw_close(peer);
    assert_string_equal(c->error.status == RP_OK ? "" : c->error.text, "");
    assert_int_equal(c->answer.status, 200);
}

/* ---- what must hold in the sandbox ---- */

static void note_post(rp_post *post, void *user)
{
    (void)post;
    *(bool *)user = true;
}

static void post_from_outside(void *post)
{
    raw_sleep_ms(20);
    rp_loop_post(world.loop, post);
}

static void posts_arrive(void)
{
    bool posted = false;
    rp_post post = {.fn = note_post, .user = &posted};
    raw_thread *thread = raw_thread_start(post_from_outside, &post);
    while (!posted)
        turn();
    raw_thread_join(thread);
}

static void note_timer(rp_timer *timer, void *user)
{
    (void)timer;
    *(bool *)user = true;
}

static void timers_fire(void)
{
    rp_timer timer = {0};
    bool fired = false;
    uint64_t begun_ns = raw_clock_ns();
    rp_timer_start(world.loop, &timer, 30, note_timer, &fired);
    while (!fired)
        turn();
    assert_true(raw_clock_ns() - begun_ns >= 30 * UINT64_C(1000000));
}

static void watch(void)
{
    rp_waitable waitable = rp_loop_waitable(world.loop);
    assert_int_not_equal(waitable.socket, -1);
    world.watcher = raw_watcher_open(RAW_POLL, waitable.socket);
    world.watched = true;
}

/* Under way: it ends, and says what the kernel said. */
static void ends(call *c, const sandbox *box)
{
    while (c->dones == 0)
        turn();
    assert_int_not_equal(c->error.status, RP_OK);
    assert_int_equal(c->error.os_code, (int)box->os_code);
    print_message("%s: %s\n", rp_status_name(c->error.status), c->error.text);
}

static void open_world(void)
{
    rp_error error;
    rp_loop_options options = {.backend = "io_uring"};
    rp_address address = raw_loopback(4, 0);
    if (loops_create(&world.loop, &options, &error) != RP_OK)
        skip();
    assert_int_equal(rp_client_create(&world.client, world.loop, NULL, &error), RP_OK);
    world.listener = raw_listen(&address, 16);
    (void)snprintf(world.url, sizeof(world.url), "http://127.0.0.1:%u/", address.port);
}

static void close_world(void)
{
    rp_client_destroy(world.client);
    while (rp_loop_pending(world.loop))
        turn();
    if (world.watched)
        raw_watcher_close(&world.watcher);
    rp_loop_destroy(world.loop);
    raw_close(world.listener);
}

static stage at;
static const sandbox *box;

static void enter_the_sandbox(void **state)
{
    call first = {.dones = 0}, next;
    raw_socket peer = RAW_NONE;
    (void)state;
    size_t descriptors = raw_open_descriptors();
    open_world();
    if (at == WATCHED)
        watch();
    begin(&first);
    if (at == IN_USE || at == WATCHED)
        peer = take();
    else if (at != NOT_TURNED)
        serve(&first);
    forbid(box);
    if (at == WATCHED_LATER)
        watch();
    if (at == WATCHED) /* until something happens, a host has no reason to turn */
        raw_send(peer, "H", 1);
    if (first.dones == 0)
        ends(&first, box);
    if (peer != RAW_NONE) { /* its end came, too */
        char byte;
        turn_until_readable(peer);
        assert_int_equal(raw_receive(peer, &byte, 1), 0);
        raw_close(peer);
    }
    for (int i = 0; i < 3; i++) {
        begin(&next);
        serve(&next);
        posts_arrive();
        timers_fire();
    }
    close_world();
    assert_int_equal(raw_open_descriptors(), descriptors);
}

/* ---- the processes ---- */

static void run(stage s, size_t i)
{
    char numbers[2][8];
    int status = 0;
    (void)snprintf(numbers[0], sizeof(numbers[0]), "%u", (unsigned)s);
    (void)snprintf(numbers[1], sizeof(numbers[1]), "%zu", i);
    print_message("%s, %s of %s\n", stage_names[s], strerror((int)sandboxes[i].os_code),
                  sandboxes[i].first == SETUP ? "all calls" : "io_uring_enter");
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)execl("/proc/self/exe", "sandbox", numbers[0], numbers[1], (char *)NULL);
        _exit(99);
    }
    while (waitpid(child, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("%s: status %d", stage_names[s], status);
}

static void later(void **state)
{
    (void)state;
    for (stage s = 0; s < STAGES; s++) {
        for (size_t i = 0; i < SANDBOXES; i++)
            run(s, i);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest inner[] = {cmocka_unit_test(enter_the_sandbox)};
    const struct CMUnitTest outer[] = {cmocka_unit_test(later)};
    if (argc > 2) {
        at = (stage)(argv[1][0] - '0');
        box = &sandboxes[argv[2][0] - '0'];
        return cmocka_run_group_tests_name("inside", inner, NULL, NULL);
    }
    return cmocka_run_group_tests_name("sandbox", outer, NULL, NULL);
}

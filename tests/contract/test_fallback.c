/* test_fallback.c - choosing a backend, and what happens where io_uring is forbidden (Linux).
 *
 * The sandboxes are real: a child process forbids itself system calls by seccomp, as container
 * engines do, and runs this program again inside; the tests of a sandbox are chosen by the first
 * argument. */
#include "support/contract.h"
#include "support/loops.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS UINT64_C(1000000)

/* ---- sandboxes ---- */

typedef struct sandbox {
    const char *name;
    unsigned call; /* the system call that fails */
    unsigned os_code;
    bool ring; /* whether that call is io_uring's */
} sandbox;

static const sandbox sandboxes[] = {
    {"io_uring_setup gives EPERM", SYS_io_uring_setup, EPERM, true},
    {"io_uring_setup gives ENOSYS", SYS_io_uring_setup, ENOSYS, true},
    {"epoll_pwait2 gives EPERM", 441, EPERM, false},
    {"epoll_pwait2 gives ENOSYS", 441, ENOSYS, false},
};

static const sandbox *inside; /* NULL: not in one */

static bool forbid(const sandbox *box)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, box->call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | box->os_code),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Runs this program's tests of that sandbox; true if all passed. */
static bool run_inside(size_t index)
{
    char number[8];
    (void)snprintf(number, sizeof(number), "%zu", index);
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (forbid(&sandboxes[index]))
            (void)execl("/proc/self/exe", "fallback", "--inside", number, (char *)NULL);
        perror(sandboxes[index].name);
        _exit(99);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void in_each_sandbox(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(sandboxes) / sizeof(sandboxes[0]); i++) {
        print_message("sandbox: %s\n", sandboxes[i].name);
        if (!run_inside(i))
            fail_msg("in a sandbox where %s", sandboxes[i].name);
    }
}

/* ---- what works, works ---- */

static void count(rp_timer *timer, void *user)
{
    (void)timer;
    (*(unsigned *)user)++;
}

/* A loop is fit for use: a connection, an exchange, timers that are neither early nor for
 * nothing. */
static void exercise(rp_loop *loop)
{
    contract c = {.ops = loop->port->ops, .loop = loop, .port = loop->port};
    endpoint e = {0};
    char text[8] = "";
    raw_socket peer = endpoint_raw_pair(&c, &e);
    endpoint_receive(&e);
    endpoint_send_text(&e, "ping");
    TURN_UNTIL(&c, e.sends == 1);
    raw_receive_all(peer, text, 4);
    assert_string_equal(text, "ping");
    raw_send(peer, "pong", 4);
    TURN_UNTIL(&c, e.received_bytes == 4);
    for (unsigned i = 0; i < 20; i++) {
        rp_timer timer = {0};
        unsigned fired = 0;
        const rp_loop_stats *stats = rp_loop_stats_get(loop);
        uint64_t before = raw_clock_ns(), turns = stats->turns, calls = stats->system_calls;
        rp_timer_start(loop, &timer, i % 4, count, &fired);
        rp_loop_run(loop);
        assert_int_equal(fired, 1);
        assert_true(raw_clock_ns() - before >= i % 4 * MS);
        assert_int_equal(stats->turns, turns + 1);
        /* One wait; the end of an earlier io_uring may interrupt it. */
        assert_true(stats->system_calls - calls <= 4);
    }
    endpoint_finish(&e, NULL);
    raw_close(peer);
    assert_int_equal(rp_loop_stats_get(loop)->wakeups_spurious, 0);
}

static void the_best_is_taken(void **state)
{
    (void)state;
    rp_loop *loop = NULL;
    rp_error error = {0};
    size_t descriptors = raw_open_descriptors();
    assert_int_equal(rp_loop_create(&loop, NULL, &error), RP_OK);
    const char *backend = rp_loop_backend(loop);
    print_message("backend: %s\n", backend);
    if (inside != NULL && inside->ring) {
        assert_non_null(strstr(backend, "epoll (io_uring: "));
        assert_ptr_equal(strstr(backend, "epoll (io_uring: "), backend);
        assert_int_equal(backend[strlen(backend) - 1], ')');
        assert_non_null(strstr(backend, inside->os_code == EPERM ? "EPERM" : "ENOSYS"));
        assert_non_null(strstr(backend, "seccomp"));
    } else {
        assert_true(strcmp(backend, "io_uring") == 0 ||
                    strstr(backend, "epoll (io_uring: ") == backend);
    }
    exercise(loop);
    rp_loop_destroy(loop);
    assert_int_equal(raw_open_descriptors(), descriptors);
}

static void by_name(void **state)
{
    (void)state;
    for (size_t i = 0; rp__ports[i] != NULL; i++) {
        rp_loop_options options = {.backend = rp__ports[i]->name};
        rp_loop *loop = NULL;
        rp_error error = {0};
        rp_status status = loops_create(&loop, &options, &error);
        if (inside != NULL && inside->ring && strcmp(options.backend, "io_uring") == 0) {
            assert_int_equal(status, RP_E_UNSUPPORTED);
            assert_int_equal(error.status, RP_E_UNSUPPORTED);
            assert_null(loop);
            print_message("by name: %s\n", error.text);
            assert_non_null(strstr(error.text, "io_uring"));
            assert_non_null(strstr(error.text, inside->os_code == EPERM ? "EPERM" : "ENOSYS"));
            assert_non_null(strstr(error.text, "forbidden"));
            continue;
        }
        if (status == RP_E_UNSUPPORTED && inside == NULL) {
            print_message("not to be had here: %s\n", error.text);
            continue;
        }
        assert_int_equal(status, RP_OK);
        assert_string_equal(rp_loop_backend(loop), options.backend);
        exercise(loop);
        rp_loop_destroy(loop);
    }
}

static void unknown_name(void **state)
{
    (void)state;
    static const char *const names[] = {"kqueue", "", "epoll2", "EPOLL"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        rp_loop_options options = {.backend = names[i]};
        rp_loop *loop = NULL;
        rp_error error = {0};
        assert_int_equal(rp_loop_create(&loop, &options, &error), RP_E_UNSUPPORTED);
        assert_null(loop);
        assert_non_null(strstr(error.text, names[i]));
    }
    rp_loop_options options = {.backend = "kqueue"};
    rp_loop *loop = NULL;
    assert_int_equal(rp_loop_create(&loop, &options, NULL), RP_E_UNSUPPORTED);
}

static void without_descriptors(void **state)
{
    (void)state;
    struct rlimit before, none;
    rp_loop *loop = NULL;
    rp_error error = {0};
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    rp_status status = rp_loop_create(&loop, NULL, &error);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(status, RP_E_NO_DESCRIPTORS);
    assert_int_equal(error.status, RP_E_NO_DESCRIPTORS);
    assert_null(loop);
    /* What was tried, each with its reason. */
    print_message("%s\n", error.text);
    assert_ptr_equal(strstr(error.text, "no backend works here (io_uring: "), error.text);
    assert_non_null(strstr(error.text, "; epoll: "));
    assert_int_equal(rp_loop_create(&loop, NULL, &error), RP_OK);
    rp_loop_destroy(loop);
}

/* ---- beside a forked child ---- */

/* The child holds a copy of every descriptor for as long as it lives: close alone ends nothing
 * then. */
static pid_t fork_holder(void)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)pause();
        _exit(0);
    }
    return child;
}

static void end_holder(pid_t child)
{
    int status;
    assert_int_equal(kill(child, SIGKILL), 0);
    while (waitpid(child, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
}

/* What happens to a closed socket that the child still holds is nobody's event, least of all that
 * of the socket that has its memory now. */
static void beside_a_child(rp_loop *loop)
{
    contract c = {.ops = loop->port->ops, .loop = loop, .port = loop->port};
    endpoint closed = {0}, next = {0};
    raw_socket peer = endpoint_raw_pair(&c, &closed);
    endpoint_receive(&closed);
    contract_settle(&c, 2);
    pid_t child = fork_holder();
    endpoint_finish(&closed, NULL);
    raw_socket other = endpoint_raw_pair(&c, &next);
    endpoint_receive(&next);
    contract_settle(&c, 2);
    raw_send(peer, "stale", 5);
    assert_int_equal(rp_loop_turn(loop, 20), 0);
    raw_close(peer);
    assert_int_equal(rp_loop_turn(loop, 20), 0);
    raw_send(other, "fresh", 5);
    TURN_UNTIL(&c, next.received_bytes == 5);
    assert_string_equal(next.text, "fresh");
    endpoint_finish(&next, NULL);
    raw_close(other);
    end_holder(child);
    assert_int_equal(rp_loop_stats_get(loop)->wakeups_spurious, 0);
}

static void forked(void **state)
{
    (void)state;
    for (size_t i = 0; rp__ports[i] != NULL; i++) {
        rp_loop_options options = {.backend = rp__ports[i]->name};
        rp_loop *loop = NULL;
        rp_error error;
        if (loops_create(&loop, &options, &error) != RP_OK)
            continue;
        print_message("%s\n", options.backend);
        beside_a_child(loop);
        rp_loop_destroy(loop);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest inner[] = {
        cmocka_unit_test(the_best_is_taken),
        cmocka_unit_test(by_name),
    };
    const struct CMUnitTest outer[] = {
        cmocka_unit_test(the_best_is_taken),
        cmocka_unit_test(by_name),
        cmocka_unit_test(unknown_name),
        cmocka_unit_test(without_descriptors),
        cmocka_unit_test(forked),
        cmocka_unit_test(in_each_sandbox),
    };
    if (argc > 2 && strcmp(argv[1], "--inside") == 0) {
        inside = &sandboxes[argv[2][0] - '0'];
        return cmocka_run_group_tests_name(inside->name, inner, NULL, NULL);
    }
    return cmocka_run_group_tests_name("fallback", outer, NULL, NULL);
}

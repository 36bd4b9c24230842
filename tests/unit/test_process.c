/* test_process.c - which process this is: src/linux/process.c. */
#include "base/platform.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int in_child(pid_t (*fork_by)(void), int (*run)(uint64_t), uint64_t argument)
{
    int status = 0;
    pid_t child = fork_by();
    if (child == 0)
        _exit(run(argument));
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int is_another(uint64_t parents)
{
    uint64_t ours = rp__process_mark();
    return ours != 0 && ours != parents && ours == rp__process_mark() ? 0 : 1;
}

static int has_other_children(uint64_t parents)
{
    uint64_t ours = rp__process_mark();
    return ours == parents ? 1
                           : in_child(fork, is_another, ours) + in_child(fork, is_another, ours);
}

/* As fork, but pthread_atfork's handlers do not hear of it. */
static pid_t fork_by_hand(void)
{
    return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static void test_children(void **state)
{
    (void)state;
    uint64_t mark = rp__process_mark();
    assert_true(mark != 0);
    assert_int_equal(in_child(fork, is_another, mark), 0);
    assert_int_equal(in_child(fork, has_other_children, mark), 0);
    assert_int_equal(in_child(fork_by_hand, is_another, mark), 0);
    assert_true(rp__process_mark() == mark);
}

static void *mark_in_thread(void *mark)
{
    *(uint64_t *)mark = rp__process_mark();
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    uint64_t mark = 0;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, mark_in_thread, &mark), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(mark == rp__process_mark());
}

/* A kernel before 4.14 does not know the advice; here a filter of system calls is that kernel. */
static int without_the_advice(uint64_t unused)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MADV_WIPEONFORK, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};
    (void)unused;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        return 2;
    uint64_t mark = rp__process_mark(); /* the first call in this process and its parents */
    return mark == 0 || in_child(fork, is_another, mark) != 0 || rp__process_mark() != mark;
}

static void test_old_kernel(void **state)
{
    (void)state;
    assert_int_equal(in_child(fork, without_the_advice, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_old_kernel), /* before the others: see there */
        cmocka_unit_test(test_children),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

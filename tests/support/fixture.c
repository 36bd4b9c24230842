/* fixture.c - see fixture.h. */
#include "support/fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *backend;
static size_t descriptors, threads;

/* c-ares takes a descriptor out of its epoll set after closing it. By then the number may be
 * somebody else's, whose file is not in that set: ENOENT, and no harm. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:ares_evsys_epoll_event_del\n";
}

const char *fixture_backend(void)
{
    return backend;
}

uint64_t fixture_now_ms(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void fixture_sleep_ms(unsigned ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&time, NULL);
}

static bool is_kernel_worker(const char *thread)
{
    char path[300], name[64] = "";
    (void)snprintf(path, sizeof(path), "/proc/self/task/%s/comm", thread);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return true; /* gone meanwhile */
    bool worker = fgets(name, sizeof(name), file) != NULL && strncmp(name, "iou-", 4) == 0;
    (void)fclose(file);
    return worker;
}

static size_t count_entries(const char *path, bool (*ignored)(const char *))
{
    size_t count = 0;
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] != '.' && (ignored == NULL || !ignored(entry->d_name)))
            count++;
    }
    (void)closedir(directory);
    return count;
}

size_t fixture_descriptors(void)
{
    return count_entries("/proc/self/fd", NULL) - 1; /* the directory itself */
}

size_t fixture_threads(void)
{
    return count_entries("/proc/self/task", is_kernel_worker);
}

int fixture_setup(void **state)
{
    (void)state;
    descriptors = fixture_descriptors();
    threads = fixture_threads();
    return 0;
}

int fixture_teardown(void **state)
{
    (void)state;
    /* A joined thread may show for a moment longer. */
    for (int i = 0; i < 200 && fixture_threads() > threads; i++)
        fixture_sleep_ms(5);
    if (fixture_threads() > threads)
        print_error("%zu threads before, %zu after\n", threads, fixture_threads());
    if (fixture_descriptors() != descriptors)
        print_error("%zu descriptors before, %zu after\n", descriptors, fixture_descriptors());
    return fixture_threads() > threads || fixture_descriptors() != descriptors ? -1 : 0;
}

rp_loop *fixture_loop(void)
{
    rp_loop *loop = NULL;
    rp_error error;
    rp_loop_options options = {.backend = backend};
    if (rp_loop_create(&loop, &options, &error) != RP_OK)
        fail_msg("%s", error.text);
    return loop;
}

void fixture_loop_end(rp_loop *loop)
{
    assert_int_equal(rp_loop_stats_get(loop)->wakeups_spurious, 0);
    rp_loop_destroy(loop);
}

int fixture_run_counted(const struct CMUnitTest *tests, size_t count)
{
    static const char *const names[] = {"io_uring", "epoll"};
    int failed = 0, worked = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        rp_loop *loop = NULL;
        rp_error error;
        rp_loop_options options = {.backend = names[i]};
        if (rp_loop_create(&loop, &options, &error) != RP_OK) {
            print_message("%s: %s\n", names[i], error.text);
            continue;
        }
        rp_loop_destroy(loop);
        backend = names[i];
        worked++;
        failed += _cmocka_run_group_tests(backend, tests, count, NULL, NULL);
    }
    return worked > 0 ? failed : 1;
}

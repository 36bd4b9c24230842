/* fixture_linux.c - what fixture.h needs of Linux. */
#include "support/fixture.h"
#include "support/raw.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char fixture_hosts_file[] = "/etc/hosts";

/* c-ares takes a descriptor out of its epoll set after closing it. By then the number may be
 * somebody else's, whose file is not in that set: ENOENT, and no harm. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:ares_evsys_epoll_event_del\n";
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

size_t fixture_descriptors(void)
{
    return raw_open_descriptors();
}

size_t fixture_threads(void)
{
    size_t count = 0;
    DIR *directory = opendir("/proc/self/task");
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] != '.' && !is_kernel_worker(entry->d_name))
            count++;
    }
    (void)closedir(directory);
    return count;
}

static bool blocks_signals(const char *thread)
{
    char path[300], line[256];
    bool blocks = false;
    (void)snprintf(path, sizeof(path), "/proc/self/task/%s/status", thread);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        unsigned long long mask;
        /* SIGHUP, SIGINT, SIGUSR1, SIGPIPE, SIGALRM, SIGTERM, SIGCHLD */
        if (sscanf(line, "SigBlk: %llx", &mask) == 1)
            blocks = (mask & 0x17203) == 0x17203;
    }
    if (file != NULL)
        (void)fclose(file);
    return blocks;
}

size_t fixture_threads_without_signals(void)
{
    char own[32];
    size_t count = 0;
    (void)snprintf(own, sizeof(own), "%d", (int)getpid());
    DIR *directory = opendir("/proc/self/task");
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += strcmp(entry->d_name, own) != 0 && blocks_signals(entry->d_name);
    (void)closedir(directory);
    return count;
}

/* fixture_linux.c - what fixture.h needs of Linux. */
#include "support/fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

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

/* files_posix.c - what files.c needs of a POSIX system. */
#include "support/check.h"
#include "support/files.h"

#include <string.h>
#include <sys/stat.h>

const char files_is_a_directory[] = "Is a directory";

void files_make_temporary(char *path, size_t size)
{
    (void)snprintf(path, size, "/tmp/ringport-test-XXXXXX");
    CHECK(mkdtemp(path) != NULL);
}

void files_make_directory(const char *path)
{
    CHECK(mkdir(path, 0700) == 0);
}

void files_remove_tree(const char *path)
{
    char command[512];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", path);
    CHECK(system(command) == 0);
}

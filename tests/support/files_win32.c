/* files_win32.c - what files.c needs of Windows. */
#include "support/check.h"
#include "support/files.h"

#include <windows.h>

/* It can't even be opened. */
const char files_is_a_directory[] = "Permission denied";

void files_make_temporary(char *path, size_t size)
{
    char parent[MAX_PATH];
    DWORD length = GetTempPathA(sizeof(parent), parent); /* ends with a backslash */
    CHECK(length > 0 && length < sizeof(parent));
    (void)snprintf(path, size, "%sringport-test-%lu-%lu", parent, GetCurrentProcessId(),
                   GetTickCount());
    files_make_directory(path);
}

void files_make_directory(const char *path)
{
    CHECK(CreateDirectoryA(path, NULL));
}

void files_remove_tree(const char *path)
{
    char command[512];
    (void)snprintf(command, sizeof(command), "rmdir /s /q \"%s\"", path);
    CHECK(system(command) == 0);
}

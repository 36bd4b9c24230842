/* fixture_win32.c - what fixture.h needs of Windows. */
#include "support/fixture.h"

/* clang-format off */
#include <windows.h>
#include <tlhelp32.h>
/* clang-format on */

size_t fixture_threads(void)
{
    size_t count = 0;
    DWORD process = GetCurrentProcessId();
    THREADENTRY32 entry = {.dwSize = sizeof(entry)};
    HANDLE all = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
    assert_ptr_not_equal(all, INVALID_HANDLE_VALUE);
    for (BOOL more = Thread32First(all, &entry); more; more = Thread32Next(all, &entry)) {
        if (entry.th32OwnerProcessID == process)
            count++;
    }
    assert_true(CloseHandle(all));
    return count;
}

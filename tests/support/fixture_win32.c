/* fixture_win32.c - what fixture.h needs of Windows. */
#include "support/fixture.h"

/* clang-format off */
#include <windows.h>
#include <tlhelp32.h>
/* clang-format on */

const char fixture_hosts_file[] = "C:/windows/system32/drivers/etc/hosts";

/* Nothing to compare: what c-ares and Windows' thread pool open at their first use stays open. The
 * contract's tests count handles, where nobody but the port opens any. */
size_t fixture_descriptors(void)
{
    return 0;
}

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

/* There are none. */
size_t fixture_threads_without_signals(void)
{
    return fixture_threads() - 1;
}

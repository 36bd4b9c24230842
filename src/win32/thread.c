/* thread.c - threads. Windows has no signals that could land on one (see base/thread.h). */
#include "base/thread.h"

#include "base/assert.h"
#include "win32/winsock.h"

void rp_signals_block(rp_signals *saved)
{
    (void)saved;
}

void rp_signals_restore(const rp_signals *saved)
{
    (void)saved;
}

static DWORD WINAPI thread_main(void *argument)
{
    const rp_thread *thread = argument;
    thread->run(thread->argument);
    return 0;
}

bool rp_thread_start(rp_thread *thread, void (*run)(void *argument), void *argument)
{
    *thread = (rp_thread){.run = run, .argument = argument};
    HANDLE handle = CreateThread(NULL, 0, thread_main, thread, 0, NULL);
    thread->private_handle[0] = (uintptr_t)handle;
    return handle != NULL;
}

void rp_thread_join(rp_thread *thread)
{
    HANDLE handle = (HANDLE)(uintptr_t)thread->private_handle[0];
    RP_ASSERT(WaitForSingleObject(handle, INFINITE) == WAIT_OBJECT_0);
    (void)CloseHandle(handle);
}

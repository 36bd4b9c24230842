/* thread.c - threads. Windows has no signals that could land on one (see base/thread.h). */
#include "base/thread.h"

#include "base/assert.h"
#include "win32/winsock.h"

void rp__signals_block(rp_signals *saved)
{
    (void)saved;
}

void rp__signals_restore(const rp_signals *saved)
{
    (void)saved;
}

static DWORD WINAPI thread_main(void *argument)
{
    const rp_thread *thread = argument;
    thread->run(thread->argument);
    return 0;
}

bool rp__thread_start(rp_thread *thread, void (*run)(void *argument), void *argument)
{
    *thread = (rp_thread){.run = run, .argument = argument};
    DWORD id = 0;
    HANDLE handle = CreateThread(NULL, 0, thread_main, thread, 0, &id);
    thread->private_handle[0] = (uintptr_t)handle;
    thread->private_handle[1] = id;
    return handle != NULL;
}

void rp__thread_join(rp_thread *thread)
{
    HANDLE handle = (HANDLE)(uintptr_t)thread->private_handle[0];
    RP_ASSERT(WaitForSingleObject(handle, INFINITE) == WAIT_OBJECT_0);
    (void)CloseHandle(handle);
}

bool rp__thread_is_self(const rp_thread *thread)
{
    return thread->private_handle[1] == GetCurrentThreadId();
}

void rp__thread_note_self(rp_thread *thread)
{
    thread->private_handle[1] = GetCurrentThreadId();
}

/* Of the process's first group of processors, which has 64 at the most. */
uint32_t rp__processor_count(void)
{
    DWORD_PTR set, of_system;
    uint32_t count = 0;
    if (!GetProcessAffinityMask(GetCurrentProcess(), &set, &of_system))
        return 1;
    for (; set != 0; set &= set - 1)
        count++;
    return count > 0 ? count : 1;
}

void rp__thread_pin(uint32_t processor)
{
    DWORD_PTR set, of_system;
    if (!GetProcessAffinityMask(GetCurrentProcess(), &set, &of_system))
        return;
    for (; set != 0; set &= set - 1)
        if (processor-- == 0) {
            (void)SetThreadAffinityMask(GetCurrentThread(), set & (~set + 1));
            return;
        }
}

static CONDITION_VARIABLE *condition_of(rp_condition *condition)
{
    return (CONDITION_VARIABLE *)(void *)condition->private_state;
}

void rp__condition_init(rp_condition *condition)
{
    InitializeConditionVariable(condition_of(condition));
}

void rp__condition_destroy(rp_condition *condition)
{
    (void)condition;
}

void rp__condition_wake(rp_condition *condition)
{
    WakeAllConditionVariable(condition_of(condition));
}

bool rp__condition_wait(rp_condition *condition, rp_mutex *mutex, uint64_t ms)
{
    DWORD most = ms < INFINITE ? (DWORD)ms : INFINITE; /* 49 days are without end */
    return SleepConditionVariableSRW(condition_of(condition), mutex, most, 0);
}

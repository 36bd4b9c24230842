/* crash_posix.c - see crash.h. */
#include "swarm/crash.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

/* Of a processor's time, for a machine that is busy with others gives little of it; and of real
 * time, for who sleeps for ever. */
#define BUSY_SECONDS_MOST 120
#define SECONDS_MOST 1200

static char words[512];

/* Of the sanitizers' run time, where there is one (sanitizer/common_interface_defs.h). */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void say(void)
{
    (void)!write(STDERR_FILENO, words, strlen(words));
    words[0] = '\0';
}

static void on_signal(int number)
{
    static const char hung[] = "this run takes too long\n";
    if (number == SIGALRM || number == SIGPROF)
        (void)!write(STDERR_FILENO, hung, sizeof(hung) - 1);
    say();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

void crash_prepare(void)
{
    (void)signal(SIGABRT, on_signal);
    (void)signal(SIGALRM, on_signal);
    (void)signal(SIGPROF, on_signal);
    if (__sanitizer_set_death_callback != NULL) {
        __sanitizer_set_death_callback(say);
        return;
    }
    (void)signal(SIGSEGV, on_signal);
    (void)signal(SIGBUS, on_signal);
}

void crash_says(const char *format, ...)
{
    struct itimerval busy = {.it_value = {.tv_sec = BUSY_SECONDS_MOST}};
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof(words) - 1, format, arguments);
    va_end(arguments);
    (void)strncat(words, "\n", sizeof(words) - strlen(words) - 1);
    (void)setitimer(ITIMER_PROF, &busy, NULL);
    (void)alarm(SECONDS_MOST);
}

/* crash_win32.c - see crash.h. Whoever hangs is ended by ctest, or on a real ground by the
 * watchdog. */
#include "swarm/crash.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char words[512];

static void on_signal(int number)
{
    (void)fputs(words, stderr);
    (void)fflush(stderr);
    words[0] = '\0';
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

void crash_prepare(void)
{
    (void)signal(SIGABRT, on_signal);
    (void)signal(SIGSEGV, on_signal);
}

void crash_says(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof(words) - 1, format, arguments);
    va_end(arguments);
    (void)strncat(words, "\n", sizeof(words) - strlen(words) - 1);
}

/* end_posix.c - see end.h. */
#include "support/end.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static void on_signal(int number)
{
    (void)number; /* ppoll is interrupted */
}

/* Blocked on every thread but in ppoll, so that none is missed. */
void end_prepare(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t ends;
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &ends, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
}

void end_wait(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    sigset_t none;
    char byte;
    (void)sigemptyset(&none);
    while (ppoll(&input, 1, NULL, &none) > 0 && read(STDIN_FILENO, &byte, 1) > 0)
        continue;
}

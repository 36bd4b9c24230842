/* process.h - other people's servers, started by a test and ended with it;
 * process_posix.c, process_win32.c. */
#ifndef RP_TESTS_PROCESS_H
#define RP_TESTS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct process {
    int id;          /* -1: none */
    int output;      /* its standard output and error */
    char text[4096]; /* what it said so far, NUL-terminated */
    size_t size;
} process;

/* words: the program's name, its arguments, NULL; environment likewise, NULL: ours. extra:
 * descriptors that it inherits as 3, 4 and so on, -1 at the end; NULL: none. Its input is empty,
 * and it dies with us. */
void process_start(process *p, const char *const *words, const char *const *environment,
                   const int *extra);
/* Waits, five minutes at the most (Go compiles its library), until its output holds what. */
bool process_says(process *p, const char *what);
/* Ends it and waits for that. */
void process_stop(process *p);

/* A directory of the test's own, and its end with everything in it. */
void process_directory(char path[64]);
void process_directory_remove(const char *path);
/* Writes size bytes to DIRECTORY/NAME; one more directory in NAME is made. */
void process_write(const char *directory, const char *name, const void *data, size_t size);

/* A listening socket on 127.0.0.1 for a child: its descriptor, and the port. */
int process_listen(uint16_t *port);
/* Closes ours once the child has its own. */
void process_forget(int listener);

#endif

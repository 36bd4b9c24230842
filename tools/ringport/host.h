/* host.h - what the tool asks of the operating system beside C and POSIX' threads: host_posix.c,
 * host_win32.c. */
#ifndef TOOL_HOST_H
#define TOOL_HOST_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

/* First of all in main. After it a closed pipe is a failed write, standard output takes bytes as
 * they are, and nothing that is opened gets the place of a standard descriptor that is closed.
 * False: it would. */
bool host_start(void);

bool host_stderr_is_terminal(void);
bool host_stdout_is_terminal(void);

/* What goes to standard error goes to that file from now on, or with "-" to standard output. False:
 * errno, and it goes where it went. */
bool host_redirect_stderr(const char *path);

/* Asks whoever sits there, without showing what is typed; where nobody does, standard input has it.
 * At most size - 1 bytes of one line. */
void host_ask_secret(const char *question, char *answer, size_t size);

/* Files may not be called as one likes: NUL is a device, a trailing dot does not count. */
extern const bool host_has_devices;

/* Between the directories of a list in the environment. */
extern const char host_list_separator;

/* Opens the file to append to it; one that is made so nobody but its owner may read. NULL:
 * errno. */
FILE *host_append_secrets(const char *path);

/* Makes a file that is not there yet, which nobody but its owner may read. NULL: errno. */
FILE *host_new_secrets(const char *path);

/* False: errno. Readable by the owner and the group only. */
bool host_make_directory(const char *path);

/* Opens a file to write that is not there yet. NULL: errno. */
FILE *host_open_new(const char *path);

/* from takes the place of what to was. False: errno. */
bool host_replace_file(const char *from, const char *to);

/* Back to so many bytes. */
void host_truncate(FILE *file, uint64_t size);

/* Size and time of the last change, in seconds since 1970. False: there is no such file. */
bool host_file_info(const char *path, uint64_t *size, int64_t *changed);
bool host_set_changed(const char *path, int64_t changed);

/* Seconds since 1970. */
int64_t host_wall_clock(void);

/* Bytes that nobody can guess. False: there are none. */
bool host_random(void *bytes, size_t size);

/* Who reads it may have to wait for somebody: a FIFO, a terminal. */
bool host_may_wait(const char *path);

/* Of standard input that is a regular file, from so many bytes on, wherever others are in it. Less
 * than size: it has ended, or *failed, errno. */
size_t host_read_input(void *out, size_t size, uint64_t from, bool *failed);

/* Of a regular file. False: it is none, or it can't be told. */
bool host_file_size(FILE *file, uint64_t *size);

/* Monotonic. */
uint64_t host_now_ns(void);

/* CPU time of the process so far. */
typedef struct host_cpu {
    double user_us, system_us;
} host_cpu;
host_cpu host_cpu_time(void);

/* A condition, and the time in so many ns as pthread_cond_timedwait takes it for that condition. */
void host_condition_init(pthread_cond_t *condition);
struct timespec host_condition_time(uint64_t from_now_ns);

/* Has fn called when the user interrupts the program; the second interruption ends it. fn runs in
 * a signal's handler or on a thread of its own. */
void host_on_interrupt(void (*fn)(void));

/* A program that runs beside us. words[0] is looked for as the shell does, NULL ends them. Its
 * input is empty; both kinds of its output go to these files, which may be read once it has ended.
 * NULL: it can't be started, errno. */
typedef struct host_program host_program;
host_program *host_program_start(char *const *words, FILE *output, FILE *errors);
/* Has it ended by itself? code: what it exited with, 128 and the signal's number if by one. */
bool host_program_ended(host_program *program, int *code);
/* Ends it and what it has started, and forgets it. */
void host_program_end(host_program *program);

/* For programs that are started from here on; one thread only. */
void host_set_environment(const char *name, const char *value);

/* pthread_create; the thread leaves interruptions to the others. */
int host_thread_create(pthread_t *thread, void *(*fn)(void *), void *user);

#endif

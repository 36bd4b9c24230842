/* host_posix.c - host.h for POSIX systems. */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

const bool host_has_devices = false;
const char host_list_separator = ':';

/* Else the next file or connection gets the number, and what is written to the descriptor. What is
 * opened in its place is as unfit for it as a closed one. */
static bool occupied(int fd)
{
    return fcntl(fd, F_GETFD) != -1 ||
           open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) == fd;
}

bool host_start(void)
{
    signal(SIGPIPE, SIG_IGN);
    return occupied(STDIN_FILENO) && occupied(STDOUT_FILENO) && occupied(STDERR_FILENO);
}

bool host_stderr_is_terminal(void)
{
    return isatty(STDERR_FILENO);
}

bool host_stdout_is_terminal(void)
{
    return isatty(STDOUT_FILENO);
}

bool host_redirect_stderr(const char *path)
{
    bool to_output = strcmp(path, "-") == 0;
    int mode = S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH;
    int fd = to_output ? STDOUT_FILENO : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    bool good = fd >= 0 && dup2(fd, STDERR_FILENO) >= 0;
    if (fd >= 0 && !to_output)
        (void)close(fd);
    return good;
}

/* Of a terminal, or a pipe of which no more than that line may be taken. */
static void read_line(int fd, char *line, size_t size)
{
    char c;
    size_t filled = 0;
    while (read(fd, &c, 1) == 1 && c != '\n') {
        if (filled < size - 1)
            line[filled++] = c;
    }
    line[filled] = '\0';
}

void host_ask_secret(const char *question, char *answer, size_t size)
{
    struct termios before, silent;
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
    int fd = terminal >= 0 ? terminal : STDIN_FILENO;
    bool echoes = tcgetattr(fd, &before) == 0;
    fputs(question, stderr);
    if (echoes) {
        silent = before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(fd, TCSAFLUSH, &silent);
    }
    read_line(fd, answer, size);
    if (echoes) {
        tcsetattr(fd, TCSAFLUSH, &before);
        fputs("\n", stderr);
    }
    if (terminal >= 0)
        (void)close(terminal);
}

static FILE *open_secrets(const char *path, int flags)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | flags, S_IRUSR | S_IWUSR);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "a");
    if (file == NULL && fd >= 0)
        (void)close(fd);
    return file;
}

FILE *host_append_secrets(const char *path)
{
    return open_secrets(path, 0);
}

FILE *host_new_secrets(const char *path)
{
    return open_secrets(path, O_EXCL);
}

bool host_make_directory(const char *path)
{
    return mkdir(path, S_IRWXU | S_IRGRP | S_IXGRP) == 0;
}

FILE *host_open_new(const char *path)
{
    return fopen(path, "wbx");
}

bool host_replace_file(const char *from, const char *to)
{
    return rename(from, to) == 0;
}

void host_truncate(FILE *file, uint64_t size)
{
    (void)fseeko(file, (off_t)size, SEEK_SET);
    (void)!ftruncate(fileno(file), (off_t)size);
}

bool host_file_info(const char *path, uint64_t *size, int64_t *changed)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return false;
    *size = (uint64_t)info.st_size;
    *changed = info.st_mtime;
    return true;
}

bool host_set_changed(const char *path, int64_t changed)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = (time_t)changed}};
    return utimensat(AT_FDCWD, path, times, 0) == 0;
}

int64_t host_wall_clock(void)
{
    return time(NULL);
}

size_t host_read_input(void *out, size_t size, uint64_t from, bool *failed)
{
    size_t filled = 0;
    ssize_t got = 1;
    while (got > 0 && filled < size) {
        got = pread(STDIN_FILENO, (char *)out + filled, size - filled, (off_t)(from + filled));
        filled += got > 0 ? (size_t)got : 0;
    }
    *failed = got < 0;
    return filled;
}

bool host_file_size(FILE *file, uint64_t *size)
{
    struct stat status;
    if (fstat(fileno(file), &status) != 0 || !S_ISREG(status.st_mode))
        return false;
    *size = (uint64_t)status.st_size;
    return true;
}

bool host_may_wait(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISCHR(info.st_mode));
}

bool host_random(void *bytes, size_t size)
{
    return getrandom(bytes, size, 0) == (ssize_t)size;
}

uint64_t host_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static double to_us(struct timeval time)
{
    return (double)time.tv_sec * 1e6 + (double)time.tv_usec;
}

host_cpu host_cpu_time(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (host_cpu){to_us(usage.ru_utime), to_us(usage.ru_stime)};
}

void host_condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

struct timespec host_condition_time(uint64_t from_now_ns)
{
    uint64_t until = host_now_ns() + from_now_ns;
    return (struct timespec){.tv_sec = (time_t)(until / 1000000000U),
                             .tv_nsec = (long)(until % 1000000000U)};
}

static void (*interrupted)(void);

static void on_signal(int number)
{
    (void)number;
    interrupted();
}

void host_on_interrupt(void (*fn)(void))
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    interrupted = fn;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

struct host_program {
    pid_t id; /* its process group's too */
};

/* What we ignore it does not, and what is sent to us by the terminal is not sent to it. */
static bool spawn(pid_t *id, char *const *words, FILE *output, FILE *errors)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t signals;
    int failure = posix_spawn_file_actions_init(&files);
    if (failure == 0 && (failure = posix_spawnattr_init(&attributes)) != 0)
        posix_spawn_file_actions_destroy(&files);
    if (failure == 0) {
        sigemptyset(&signals);
        sigaddset(&signals, SIGPIPE);
        posix_spawnattr_setsigdefault(&attributes, &signals);
        posix_spawnattr_setpgroup(&attributes, 0);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
        posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&files, fileno(output), STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(&files, fileno(errors), STDERR_FILENO);
        failure = posix_spawnp(id, words[0], &files, &attributes, words, environ);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&files);
    }
    errno = failure;
    return failure == 0;
}

host_program *host_program_start(char *const *words, FILE *output, FILE *errors)
{
    host_program *program = malloc(sizeof(*program));
    if (program != NULL && !spawn(&program->id, words, output, errors)) {
        free(program);
        program = NULL;
    }
    return program;
}

/* It is not waited for: its number stays its own until host_program_end. */
bool host_program_ended(host_program *program, int *code)
{
    siginfo_t info = {.si_pid = 0};
    if (waitid(P_PID, (id_t)program->id, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        info.si_pid == 0)
        return false;
    *code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    return true;
}

void host_program_end(host_program *program)
{
    (void)kill(-program->id, SIGKILL);
    while (waitpid(program->id, NULL, 0) < 0 && errno == EINTR)
        continue;
    free(program);
}

void host_set_environment(const char *name, const char *value)
{
    (void)setenv(name, value, 1);
}

/* They would only interrupt its waits. */
int host_thread_create(pthread_t *thread, void *(*fn)(void *), void *user)
{
    sigset_t signals, old;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, &old);
    int failure = pthread_create(thread, NULL, fn, user);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return failure;
}

/* host_win32.c - host.h for Windows; the threads are winpthreads'. */
#define _CRT_RAND_S /* of stdlib.h: rand_s */
#include "host.h"

#include <direct.h>
#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utime.h>
#include <windows.h>

#define NS_PER_S 1000000000U

const bool host_has_devices = true;
const char host_list_separator = ';';

bool host_start(void)
{
    (void)_setmode(_fileno(stdout), _O_BINARY);
    (void)_setmode(_fileno(stdin), _O_BINARY);
    return true;
}

bool host_stderr_is_terminal(void)
{
    return _isatty(_fileno(stderr)) != 0;
}

bool host_stdout_is_terminal(void)
{
    return _isatty(_fileno(stdout)) != 0;
}

bool host_redirect_stderr(const char *path)
{
    bool to_output = strcmp(path, "-") == 0;
    int mode = _S_IREAD | _S_IWRITE;
    int fd =
        to_output ? _fileno(stdout) : _open(path, _O_WRONLY | _O_CREAT | _O_TRUNC | _O_TEXT, mode);
    bool good = fd >= 0 && _dup2(fd, _fileno(stderr)) == 0;
    if (fd >= 0 && !to_output)
        (void)_close(fd);
    return good;
}

void host_ask_secret(const char *question, char *answer, size_t size)
{
    HANDLE input = GetStdHandle(STD_INPUT_HANDLE);
    DWORD before;
    bool echoes = GetConsoleMode(input, &before) != 0;
    fputs(question, stderr);
    if (echoes)
        SetConsoleMode(input, before & ~(DWORD)ENABLE_ECHO_INPUT);
    if (fgets(answer, (int)size, stdin) == NULL)
        answer[0] = '\0';
    answer[strcspn(answer, "\r\n")] = '\0';
    if (echoes) {
        SetConsoleMode(input, before);
        fputs("\n", stderr);
    }
}

/* A file of the user's own folder is nobody else's there. */
FILE *host_append_secrets(const char *path)
{
    return fopen(path, "a");
}

FILE *host_new_secrets(const char *path)
{
    return host_open_new(path);
}

bool host_make_directory(const char *path)
{
    return _mkdir(path) == 0;
}

FILE *host_open_new(const char *path)
{
    int fd = _open(path, _O_WRONLY | _O_CREAT | _O_EXCL | _O_BINARY, _S_IREAD | _S_IWRITE);
    FILE *file = fd < 0 ? NULL : _fdopen(fd, "wb");
    if (file == NULL && fd >= 0)
        (void)_close(fd);
    return file;
}

bool host_replace_file(const char *from, const char *to)
{
    return MoveFileExA(from, to, MOVEFILE_REPLACE_EXISTING) != 0;
}

void host_truncate(FILE *file, uint64_t size)
{
    (void)_fseeki64(file, (__int64)size, SEEK_SET);
    (void)_chsize_s(_fileno(file), (__int64)size);
}

bool host_file_info(const char *path, uint64_t *size, int64_t *changed)
{
    struct _stat64 info;
    if (_stat64(path, &info) != 0)
        return false;
    *size = (uint64_t)info.st_size;
    *changed = info.st_mtime;
    return true;
}

bool host_set_changed(const char *path, int64_t changed)
{
    struct __utimbuf64 times = {.actime = changed, .modtime = changed};
    return _utime64(path, &times) == 0;
}

int64_t host_wall_clock(void)
{
    return _time64(NULL);
}

size_t host_read_input(void *out, size_t size, uint64_t from, bool *failed)
{
    OVERLAPPED at = {.Offset = (DWORD)from, .OffsetHigh = (DWORD)(from >> 32)};
    DWORD got = 0, most = size < INT_MAX ? (DWORD)size : INT_MAX;
    *failed = !ReadFile((HANDLE)_get_osfhandle(_fileno(stdin)), out, most, &got, &at) &&
              GetLastError() != ERROR_HANDLE_EOF;
    if (*failed)
        errno = EIO;
    return got;
}

bool host_file_size(FILE *file, uint64_t *size)
{
    struct _stat64 status;
    if (_fstat64(_fileno(file), &status) != 0 || (status.st_mode & _S_IFREG) == 0)
        return false;
    *size = (uint64_t)status.st_size;
    return true;
}

/* A pipe's name begins so, and opening one takes it. */
bool host_may_wait(const char *path)
{
    return _strnicmp(path, "\\\\.\\pipe\\", 9) == 0;
}

bool host_random(void *bytes, size_t size)
{
    for (uint8_t *to = bytes; size > 0; to++, size--) {
        unsigned number;
        if (rand_s(&number) != 0)
            return false;
        *to = (uint8_t)number;
    }
    return true;
}

uint64_t host_now_ns(void)
{
    LARGE_INTEGER count, frequency;
    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&count);
    uint64_t ticks = (uint64_t)count.QuadPart, per_s = (uint64_t)frequency.QuadPart;
    return ticks / per_s * NS_PER_S + ticks % per_s * NS_PER_S / per_s;
}

/* FILETIME counts tenths of a microsecond. */
static double to_us(FILETIME time)
{
    return (double)((uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime) / 10;
}

host_cpu host_cpu_time(void)
{
    FILETIME created, ended, kernel, user;
    if (!GetProcessTimes(GetCurrentProcess(), &created, &ended, &kernel, &user))
        return (host_cpu){0, 0};
    return (host_cpu){to_us(user), to_us(kernel)};
}

/* winpthreads' conditions know no clock but that of the day. */
void host_condition_init(pthread_cond_t *condition)
{
    pthread_cond_init(condition, NULL);
}

struct timespec host_condition_time(uint64_t from_now_ns)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t ns = (uint64_t)now.tv_nsec + from_now_ns;
    now.tv_sec += (time_t)(ns / NS_PER_S);
    now.tv_nsec = (long)(ns % NS_PER_S);
    return now;
}

static void (*interrupted)(void);

static BOOL WINAPI on_control(DWORD event)
{
    static LONG times;
    if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT)
        return FALSE;
    if (InterlockedIncrement(&times) > 1)
        return FALSE;
    interrupted();
    return TRUE;
}

void host_on_interrupt(void (*fn)(void))
{
    interrupted = fn;
    (void)SetConsoleCtrlHandler(on_control, TRUE);
}

struct host_program {
    HANDLE process, job; /* the job holds what it starts, too */
};

/* As CommandLineToArgvW and the C library take it apart again. */
static void quote(char *line, size_t *size, const char *word)
{
    line[(*size)++] = '"';
    for (; *word != '\0'; word++) {
        if (*word == '"')
            line[(*size)++] = '\\';
        line[(*size)++] = *word;
        if (*word == '\\' &&
            (word[1 + strspn(word + 1, "\\")] == '"' || word[1 + strspn(word + 1, "\\")] == '\0'))
            line[(*size)++] = '\\';
    }
    line[(*size)++] = '"';
    line[(*size)++] = ' ';
}

static char *command_line(char *const *words)
{
    size_t room = 1, size = 0;
    for (size_t i = 0; words[i] != NULL; i++)
        room += 2 * strlen(words[i]) + 3;
    char *line = malloc(room);
    for (size_t i = 0; line != NULL && words[i] != NULL; i++)
        quote(line, &size, words[i]);
    if (line != NULL)
        line[size] = '\0';
    return line;
}

static HANDLE inherited(FILE *file)
{
    HANDLE handle = (HANDLE)_get_osfhandle(_fileno(file));
    (void)SetHandleInformation(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    return handle;
}

static bool start(host_program *program, char *line, FILE *output, FILE *errors)
{
    SECURITY_ATTRIBUTES inherit = {.nLength = sizeof(inherit), .bInheritHandle = TRUE};
    HANDLE nothing = CreateFileA("NUL", GENERIC_READ, 0, &inherit, OPEN_EXISTING, 0, NULL);
    STARTUPINFOA how = {.cb = sizeof(how),
                        .dwFlags = STARTF_USESTDHANDLES,
                        .hStdInput = nothing,
                        .hStdOutput = inherited(output),
                        .hStdError = inherited(errors)};
    PROCESS_INFORMATION made;
    bool started = CreateProcessA(NULL, line, NULL, NULL, TRUE, CREATE_SUSPENDED, NULL, NULL, &how,
                                  &made) != 0;
    (void)CloseHandle(nothing);
    if (!started)
        return false;
    program->process = made.hProcess;
    program->job = CreateJobObjectA(NULL, NULL);
    (void)AssignProcessToJobObject(program->job, made.hProcess);
    (void)ResumeThread(made.hThread);
    (void)CloseHandle(made.hThread);
    return true;
}

host_program *host_program_start(char *const *words, FILE *output, FILE *errors)
{
    host_program *program = calloc(1, sizeof(*program));
    char *line = program != NULL ? command_line(words) : NULL;
    if (line == NULL || !start(program, line, output, errors)) {
        free(program);
        program = NULL;
        errno = line == NULL ? ENOMEM : ENOENT;
    }
    free(line);
    return program;
}

bool host_program_ended(host_program *program, int *code)
{
    DWORD exited;
    if (WaitForSingleObject(program->process, 0) != WAIT_OBJECT_0 ||
        !GetExitCodeProcess(program->process, &exited))
        return false;
    *code = (int)exited;
    return true;
}

void host_program_end(host_program *program)
{
    (void)TerminateJobObject(program->job, 1);
    (void)WaitForSingleObject(program->process, INFINITE);
    (void)CloseHandle(program->job);
    (void)CloseHandle(program->process);
    free(program);
}

void host_set_environment(const char *name, const char *value)
{
    (void)_putenv_s(name, value);
}

int host_thread_create(pthread_t *thread, void *(*fn)(void *), void *user)
{
    return pthread_create(thread, NULL, fn, user);
}

/* process_posix.c - see process.h. */
#include "support/process.h"

#include "support/check.h"

#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { EXTRA_LIMIT = 64 };

/* In the child: only what may be called there. */
static void run(const char *const *words, const char *const *environment, const int *extra,
                const int *ends)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    int null = open("/dev/null", O_RDONLY);
    (void)dup2(null, 0);
    (void)dup2(ends[1], 1);
    (void)dup2(ends[1], 2);
    /* Above those that they are to become. */
    int moved[EXTRA_LIMIT], count = 0;
    for (; extra != NULL && extra[count] >= 0; count++)
        moved[count] = fcntl(extra[count], F_DUPFD_CLOEXEC, 64);
    for (int i = 0; i < count; i++)
        (void)dup2(moved[i], 3 + i);
    if (environment != NULL)
        environ = (char **)(uintptr_t)environment;
    char path[512];
    static const char *const places[] = {"/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/sbin/",
                                         "/bin/"};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s%s", places[i], words[0]);
        (void)execv(path, (char *const *)(uintptr_t)words);
    }
    _exit(127);
}

void process_start(process *p, const char *const *words, const char *const *environment,
                   const int *extra)
{
    int ends[2];
    *p = (process){.id = -1};
    for (int count = 0; extra != NULL && extra[count] >= 0; count++)
        CHECK(count < EXTRA_LIMIT);
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    pid_t id = fork();
    CHECK(id >= 0);
    if (id == 0)
        run(words, environment, extra, ends);
    (void)close(ends[1]);
    p->id = id;
    p->output = ends[0];
}

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool process_says(process *p, const char *what)
{
    uint64_t until = now_ms() + 300000;
    while (strstr(p->text, what) == NULL) {
        struct pollfd output = {.fd = p->output, .events = POLLIN};
        if (p->size == sizeof(p->text) - 1) { /* the latter half is enough */
            size_t half = p->size / 2;
            (void)memmove(p->text, p->text + half, p->size - half + 1);
            p->size -= half;
        }
        if (now_ms() > until || poll(&output, 1, 1000) < 0)
            return false;
        if (output.revents == 0)
            continue;
        ssize_t size = read(p->output, p->text + p->size, sizeof(p->text) - 1 - p->size);
        if (size <= 0)
            return false;
        p->size += (size_t)size;
        p->text[p->size] = '\0';
    }
    return true;
}

void process_stop(process *p)
{
    if (p->id < 0)
        return;
    (void)kill(p->id, SIGTERM);
    uint64_t until = now_ms() + 3000;
    while (waitpid(p->id, NULL, WNOHANG) == 0) {
        struct timespec pause = {.tv_nsec = 2000000};
        if (now_ms() > until)
            (void)kill(p->id, SIGKILL);
        (void)nanosleep(&pause, NULL);
    }
    (void)close(p->output);
    p->id = -1;
}

void process_directory(char path[64])
{
    (void)snprintf(path, 64, "/tmp/ringport-test-XXXXXX");
    CHECK(mkdtemp(path) != NULL);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

void process_directory_remove(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void process_write(const char *directory, const char *name, const void *data, size_t size)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    char *inner = strrchr(path, '/');
    *inner = '\0';
    (void)mkdir(path, 0755);
    *inner = '/';
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    CHECK(fwrite(data, 1, size, file) == size);
    CHECK(fclose(file) == 0);
}

int process_listen(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    CHECK(bind(fd, (struct sockaddr *)&address, size) == 0 && listen(fd, 2048) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    *port = ntohs(address.sin_port);
    return fd;
}

void process_forget(int listener)
{
    (void)close(listener);
}

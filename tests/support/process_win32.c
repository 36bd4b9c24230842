/* process_win32.c - process.h for Windows programs under Wine: the servers are the host's, and
 * tests/support/native, which has started this program, starts them. A connection to it for each
 * thing; the thing ends with the connection. */
#include "support/process.h"

#include "support/check.h"

#include <winsock2.h>
/* After winsock2.h. */
#include <windows.h>

#include <string.h>

/* The lines of tests/support/native: fields, and what they consist of. */
#define FIELD "\t"
#define PART "\x1f"
#define WAIT_MS 300000

/* A listening socket's port, by the connection that is its life. */
static struct {
    SOCKET connection;
    uint16_t port;
} listeners[64];
static SOCKET directory = INVALID_SOCKET;

static SOCKET ask(const char *line)
{
    WSADATA data;
    const char *port = getenv("RP_TEST_NATIVE");
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CHECK_TEXT(port != NULL, "tests/support/native must start this program");
    address.sin_port = htons((u_short)atoi(port));
    CHECK(WSAStartup(MAKEWORD(2, 2), &data) == 0);
    SOCKET connection = WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                                   WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    CHECK(connect(connection, (struct sockaddr *)&address, sizeof(address)) == 0);
    CHECK(send(connection, line, (int)strlen(line), 0) == (int)strlen(line));
    return connection;
}

static void read_line(SOCKET connection, char *line, size_t room)
{
    size_t size = 0;
    do {
        CHECK(size + 1 < room);
        CHECK(recv(connection, line + size, 1, 0) == 1);
    } while (line[size++] != '\n');
    line[size - 1] = '\0';
}

static void end(SOCKET connection)
{
    char left[512];
    (void)shutdown(connection, SD_SEND);
    while (recv(connection, left, sizeof(left), 0) > 0)
        continue;
    CHECK(closesocket(connection) == 0);
}

/* ---- processes ---- */

static void add(char *line, size_t room, const char *text)
{
    CHECK(strlen(line) + strlen(text) < room);
    (void)strcat(line, text);
}

static void add_all(char *line, size_t room, const char *const *texts)
{
    for (size_t i = 0; texts != NULL && texts[i] != NULL; i++) {
        if (i > 0)
            add(line, room, PART);
        add(line, room, texts[i]);
    }
}

void process_start(process *p, const char *const *words, const char *const *environment,
                   const int *extra)
{
    char line[4096] = "start" FIELD, port[16];
    *p = (process){.id = -1};
    add_all(line, sizeof(line), environment);
    add(line, sizeof(line), FIELD);
    for (size_t i = 0; extra != NULL && extra[i] >= 0; i++) {
        (void)snprintf(port, sizeof(port), i > 0 ? PART "%u" : "%u", listeners[extra[i]].port);
        add(line, sizeof(line), port);
    }
    add(line, sizeof(line), FIELD);
    add_all(line, sizeof(line), words);
    add(line, sizeof(line), "\n");
    p->output = (int)ask(line);
    p->id = 0;
}

bool process_says(process *p, const char *what)
{
    ULONGLONG until = GetTickCount64() + WAIT_MS;
    while (strstr(p->text, what) == NULL) {
        WSAPOLLFD output = {.fd = (SOCKET)p->output, .events = POLLIN};
        if (p->size == sizeof(p->text) - 1) { /* the latter half is enough */
            size_t half = p->size / 2;
            (void)memmove(p->text, p->text + half, p->size - half + 1);
            p->size -= half;
        }
        if (GetTickCount64() > until)
            return false;
        if (WSAPoll(&output, 1, 1000) == 0)
            continue;
        int size =
            recv((SOCKET)p->output, p->text + p->size, (int)(sizeof(p->text) - 1 - p->size), 0);
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
    end((SOCKET)p->output);
    p->id = -1;
}

/* ---- directories: one at a time ---- */

void process_directory(char path[64])
{
    directory = ask("directory\n");
    read_line(directory, path, 64);
}

void process_directory_remove(const char *path)
{
    (void)path;
    end(directory);
    directory = INVALID_SOCKET;
}

void process_write(const char *directory_path, const char *name, const void *data, size_t size)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", directory_path, name);
    char *inner = strrchr(path, '/');
    *inner = '\0';
    (void)CreateDirectoryA(path, NULL);
    *inner = '/';
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL);
    CHECK(fwrite(data, 1, size, file) == size);
    CHECK(fclose(file) == 0);
}

/* ---- listening sockets ---- */

int process_listen(uint16_t *port)
{
    char text[16];
    int i = 0;
    while (listeners[i].port != 0)
        CHECK(++i < (int)(sizeof(listeners) / sizeof(listeners[0])));
    listeners[i].connection = ask("listen\n");
    read_line(listeners[i].connection, text, sizeof(text));
    *port = listeners[i].port = (uint16_t)atoi(text);
    return i;
}

void process_forget(int listener)
{
    end(listeners[listener].connection);
    listeners[listener].port = 0;
}

/* foreign_posix.c - see foreign.h. */
#include "support/foreign.h"

#include "support/check.h"
#include "support/tls_pair.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Bound and not listening: nobody else is given the port, and a server may bind it all the same,
 * for both say SO_REUSEADDR (socket(7)). */
static int reserve(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    CHECK(fd >= 0);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0);
    CHECK(bind(fd, (struct sockaddr *)&address, size) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    *port = ntohs(address.sin_port);
    return fd;
}

bool foreign_installed(const char *program)
{
    const char *const words[] = {"sh", "-c", "command -v \"$0\" >/dev/null && echo yes || echo no.",
                                 program, NULL};
    process p;
    process_start(&p, words, NULL, NULL);
    bool known = process_says(&p, "\n") && strstr(p.text, "yes") != NULL;
    process_stop(&p);
    return known;
}

void foreign_begin(foreign *f)
{
    uint8_t *large = probe_pattern(FOREIGN_LARGE);
    *f = (foreign){.process.id = -1};
    process_directory(f->directory);
    for (int i = 0; i < FOREIGN_PORTS; i++)
        f->reserved[i] = reserve(&f->ports[i]);
    process_write(f->directory, "www/hello", "hello\n", 6);
    process_write(f->directory, "www/middle", large, FOREIGN_MIDDLE);
    process_write(f->directory, "www/large", large, FOREIGN_LARGE);
    free(large);
}

/* To out, which has room; with the words that stand for something. */
static void fill_in(const foreign *f, const char *text, char *out, size_t room)
{
    char port[8];
    size_t size = 0;
    while (*text != '\0') {
        const char *word = NULL;
        size_t skip = 0;
        if (strncmp(text, "DIR", skip = 3) == 0)
            word = f->directory;
        else if (strncmp(text, "CERTS", skip = 5) == 0)
            word = tls_certs();
        else if (strncmp(text, "PORT", 4) == 0 && text[4] >= '0' &&
                 text[skip = 4] < '0' + FOREIGN_PORTS) {
            (void)snprintf(port, sizeof(port), "%u", f->ports[text[skip++] - '0']);
            word = port;
        }
        size_t length = word != NULL ? strlen(word) : 1;
        CHECK(size + length < room);
        memcpy(out + size, word != NULL ? word : text, length);
        size += length;
        text += word != NULL ? skip : 1;
    }
    out[size] = '\0';
}

void foreign_write(foreign *f, const char *name, const char *text)
{
    char filled[16384];
    fill_in(f, text, filled, sizeof(filled));
    process_write(f->directory, name, filled, strlen(filled));
}

static char *read_file(const foreign *f, const char *name)
{
    char path[160];
    (void)snprintf(path, sizeof(path), "%s/%s", f->directory, name);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return NULL;
    char *text = NULL;
    size_t size = 0, got;
    do {
        text = realloc(text, size + 65536 + 1);
        CHECK(text != NULL);
        got = fread(text + size, 1, 65536, file);
        size += got;
    } while (got > 0);
    text[size] = '\0';
    (void)fclose(file);
    return text;
}

void foreign_show_log(const foreign *f)
{
    char *log = read_file(f, "log");
    size_t size = log != NULL ? strlen(log) : 0;
    print_error("%s\n", log == NULL ? "no log" : log + (size > 2000 ? size - 2000 : 0));
    free(log);
}

static void fail_to_start(foreign *f, const char *command)
{
    foreign_show_log(f);
    fail_msg("%s did not start", command);
}

static bool takes_connections(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    bool yes = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    (void)close(fd);
    return yes;
}

static bool has_ended(const foreign *f)
{
    siginfo_t end = {0};
    return waitid(P_PID, (id_t)f->process.id, &end, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           end.si_pid != 0;
}

void foreign_start(foreign *f, const char *command)
{
    char line[2048], whole[4096];
    process_stop(&f->process); /* of a test that failed */
    fill_in(f, command, line, sizeof(line));
    (void)snprintf(whole, sizeof(whole), "PATH=$PATH:/usr/sbin; exec >>%s/log 2>&1; exec %s",
                   f->directory, line);
    const char *const words[] = {"sh", "-c", whole, NULL};
    for (int tries = 0; tries < 500 && takes_connections(f->ports[0]); tries++)
        fixture_sleep_ms(10); /* children of the one before it */
    process_start(&f->process, words, NULL, NULL);
    for (int tries = 0; tries < 1000 && !has_ended(f); tries++) {
        if (takes_connections(f->ports[0]))
            return;
        fixture_sleep_ms(10);
    }
    fail_to_start(f, line);
}

void foreign_signal(foreign *f, int number)
{
    CHECK(f->process.id > 0 && kill(f->process.id, number) == 0);
}

void foreign_stop(foreign *f)
{
    process_stop(&f->process);
}

unsigned foreign_count(const foreign *f, const char *name, const char *text)
{
    char *all = read_file(f, name);
    unsigned count = 0;
    for (char *at = all; at != NULL && (at = strstr(at, text)) != NULL; at += strlen(text))
        count++;
    free(all);
    return count;
}

void foreign_end(foreign *f)
{
    process_stop(&f->process);
    for (int i = 0; i < FOREIGN_PORTS; i++)
        (void)close(f->reserved[i]);
    process_directory_remove(f->directory);
}

const char *foreign_url_at(const foreign *f, unsigned port, const char *path)
{
    static char urls[8][160];
    static unsigned next;
    char *url = urls[next++ % 8];
    (void)snprintf(url, sizeof(urls[0]), "https://localhost:%u%s", f->ports[port], path);
    return url;
}

const char *foreign_url(const foreign *f, const char *path)
{
    return foreign_url_at(f, 0, path);
}

void foreign_client(web *w, const rp_client_options *options)
{
    rp_client_options known = {0};
    rp_error error;
    if (options != NULL)
        known = *options;
    *w = (web){.loop = fixture_loop()};
    w->client_tls = tls_client(&(rp_tls_options){.ca_file = tls_cert("ca.pem")});
    known.tls = w->client_tls;
    if (rp_client_create(&w->client, w->loop, &known, &error) != RP_OK)
        fail_msg("%s", error.text);
}

void foreign_client_end(web *w)
{
    rp_client_destroy(w->client);
    UNTIL(w->loop, !rp_loop_pending(w->loop));
    probe_loop_end(w->loop);
    rp_tls_config_release(w->client_tls);
}

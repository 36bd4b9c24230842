/* names.c - what Linux knows of routes and host names. */
#include "base/platform.h"
#include "linux/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- routes ---- */

bool rp__system_source(const rp_address *to, rp_address *source)
{
    struct sockaddr_storage storage;
    rp_address target = *to;
    target.port = 9; /* connect sends nothing; some systems want a port */
    int fd = socket(to->family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    IPPROTO_UDP);
    if (fd < 0)
        return false;
    socklen_t size = rp__sockaddr_set(&storage, &target);
    bool found = connect(fd, (struct sockaddr *)&storage, size) == 0 &&
                 getsockname(fd, (struct sockaddr *)&storage, &size) == 0;
    (void)close(fd);
    *source = (rp_address){.family = to->family};
    if (found && to->family == 4)
        memcpy(source->bytes, &((struct sockaddr_in *)&storage)->sin_addr, 4);
    else if (found)
        memcpy(source->bytes, &((struct sockaddr_in6 *)&storage)->sin6_addr, 16);
    return found;
}

bool rp__system_lacks_descriptors(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP);
    if (fd < 0)
        return errno == EMFILE || errno == ENFILE;
    (void)close(fd);
    return false;
}

/* ---- search domains (resolv.conf(5); the environment has no say, as ever in a library) ---- */

static const char blanks[] = " \t\r\n";

/* The next word of the line; *line goes behind it. size 0: no more. */
static size_t next_word(const char **line, const char **word)
{
    *line += strspn(*line, blanks);
    *word = *line;
    size_t size = strcspn(*line, blanks);
    *line += size;
    return size;
}

static void take_domains(rp_search *search, const char *line)
{
    const char *word;
    search->count = 0; /* the last line counts */
    for (size_t size; (size = next_word(&line, &word)) > 0 && search->count < RP_SEARCH_LIMIT;) {
        if (size >= sizeof(search->domains[0]))
            continue;
        memcpy(search->domains[search->count], word, size);
        search->domains[search->count++][size] = '\0';
    }
}

static void take_options(rp_search *search, const char *line)
{
    const char *word;
    while (next_word(&line, &word) > 0) {
        if (strncmp(word, "ndots:", 6) == 0)
            search->ndots = (unsigned)strtoul(word + 6, NULL, 10);
    }
    if (search->ndots > 15) /* the most that resolv.conf(5) has */
        search->ndots = 15;
}

static void take_line(rp_search *search, const char *line)
{
    const char *word;
    size_t size = next_word(&line, &word);
    if ((size == 6 && memcmp(word, "search", 6) == 0) ||
        (size == 6 && memcmp(word, "domain", 6) == 0))
        take_domains(search, line);
    else if (size == 7 && memcmp(word, "options", 7) == 0)
        take_options(search, line);
}

/* Without any, it is the domain of this machine's own name. */
static void take_own_domain(rp_search *search)
{
    char name[256] = "";
    if (gethostname(name, sizeof(name) - 1) != 0)
        return;
    const char *dot = strchr(name, '.');
    if (dot != NULL && dot[1] != '\0')
        take_domains(search, dot + 1);
}

void rp__system_search(rp_search *search)
{
    char line[1024];
    bool configured = false;
    *search = (rp_search){.ndots = 1};
    FILE *file = fopen("/etc/resolv.conf", "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        take_line(search, line);
        configured = configured || search->count > 0;
    }
    if (file != NULL)
        (void)fclose(file);
    if (!configured)
        take_own_domain(search);
}

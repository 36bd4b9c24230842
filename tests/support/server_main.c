/* server_main.c - the tests' server as a program, for scripts/demo and for trying things by hand.
 *
 *   ringport-demo-server [--cert FILE --key FILE] [--port N] [--port-file FILE] [--backend NAME]
 *                        [--dribble MS] [--ipv6]
 *
 * Prints its URL, serves what server_routes.c lists, and ends on SIGTERM, SIGINT or the end of
 * standard input. Without a certificate it serves plain HTTP. --dribble: all that it sends, its
 * handshake too, leaves one byte every so many milliseconds. */
#include "support/check.h"
#include "support/end.h"
#include "support/server.h"

#include "tls/config.h"

#include <string.h>

typedef struct arguments {
    const char *certificate, *key, *port_file, *backend;
    uint16_t port;
    unsigned dribble_ms;
    bool ipv6;
} arguments;

static bool parse(arguments *a, int count, char **words)
{
    for (int i = 1; i < count; i++) {
        const char *value = i + 1 < count ? words[i + 1] : NULL;
        if (strcmp(words[i], "--ipv6") == 0) {
            a->ipv6 = true;
            continue;
        }
        if (value == NULL)
            return false;
        if (strcmp(words[i], "--cert") == 0)
            a->certificate = value;
        else if (strcmp(words[i], "--key") == 0)
            a->key = value;
        else if (strcmp(words[i], "--port") == 0)
            a->port = (uint16_t)strtoul(value, NULL, 10);
        else if (strcmp(words[i], "--port-file") == 0)
            a->port_file = value;
        else if (strcmp(words[i], "--backend") == 0)
            a->backend = value;
        else if (strcmp(words[i], "--dribble") == 0)
            a->dribble_ms = (unsigned)strtoul(value, NULL, 10);
        else
            return false;
        i++;
    }
    return (a->certificate == NULL) == (a->key == NULL);
}

/* Moved to its place when it is complete: whoever waits for it reads a whole number. */
static bool write_port(const char *path, uint16_t port)
{
    char draft[4096];
    int size = snprintf(draft, sizeof(draft), "%s.new", path);
    if (size < 0 || (size_t)size >= sizeof(draft))
        return false;
    FILE *file = fopen(draft, "w");
    if (file == NULL)
        return false;
    bool good = fprintf(file, "%u\n", port) > 0;
    good = fclose(file) == 0 && good;
    return good && rename(draft, path) == 0;
}

int main(int count, char **words)
{
    arguments a = {0};
    if (!parse(&a, count, words)) {
        (void)fprintf(stderr,
                      "usage: %s [--cert FILE --key FILE] [--port N] [--port-file FILE] "
                      "[--backend NAME] [--dribble MS] [--ipv6]\n",
                      words[0]);
        return 2;
    }
    end_prepare();

    rp_error error;
    server_options options = {.port = a.port, .family = a.ipv6 ? 6 : 4, .backend = a.backend};
    options.shape.dribble_ms = a.dribble_ms;
    rp_tls_server_options tls = {.certificate_file = a.certificate, .key_file = a.key};
    if (a.certificate != NULL &&
        rp__tls_server_config_create(&options.tls, &tls, &error) != RP_OK) {
        (void)fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    server *s = server_start_thread(&options);
    rp_tls_config_release(options.tls);
    (void)printf("%s\n", server_url(s, "/"));
    (void)fflush(stdout);
    if (a.port_file != NULL && !write_port(a.port_file, server_port(s))) {
        perror(a.port_file);
        server_stop(s);
        return 1;
    }
    end_wait();
    server_stop(s);
    return 0;
}

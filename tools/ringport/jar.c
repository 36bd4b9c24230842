/* jar.c - see jar.h. */
#include "jar.h"

#include "host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool jar_wanted(const tool_options *o)
{
    return o->cookie_file_count > 0 || o->cookie_jar != NULL;
}

static bool was_read(const char *path, const tool_options *first, const tool_options *o)
{
    for (; first != o; first = first->next) {
        for (size_t i = 0; i < first->cookie_file_count; i++) {
            if (strcmp(first->cookie_files[i], path) == 0)
                return true;
        }
    }
    return false;
}

bool jar_load(cookie_jar *jar, const tool_options *first, const tool_options *o)
{
    bool good = true;
    for (size_t i = 0; good && i < o->cookie_file_count; i++) {
        const char *path = o->cookie_files[i];
        if (was_read(path, first, o))
            continue;
        FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
        if (in == NULL)
            continue; /* that switches cookies on, as with curl */
        good = cookies_read(jar, in, o->no_session_cookies, host_wall_clock());
        if (in != stdin)
            fclose(in);
    }
    return good;
}

/* out NULL: it could not be opened. */
static bool write_file(const cookie_jar *jar, FILE *out)
{
    bool good = out != NULL && cookies_write(jar, out, host_wall_clock());
    return (out == NULL || fclose(out) == 0) && good;
}

bool jar_save(const cookie_jar *jar, const char *path)
{
    if (strcmp(path, "-") == 0)
        return cookies_write(jar, stdout, host_wall_clock());
    if (host_may_wait(path))
        return write_file(jar, fopen(path, "wb"));
    size_t room = strlen(path) + sizeof(".new");
    char *beside = malloc(room);
    if (beside == NULL)
        return false;
    snprintf(beside, room, "%s.new", path);
    (void)remove(beside);
    FILE *out = host_new_secrets(beside); /* not into a file that somebody else has laid there */
    bool good = write_file(jar, out) && host_replace_file(beside, path);
    int why = errno;
    if (!good && out != NULL)
        (void)remove(beside);
    free(beside);
    errno = why;
    return good;
}

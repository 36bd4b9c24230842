/* output.c - see output.h. */
#include "output.h"

#include "host.h"
#include "url.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What is text for so long is text, as curl has it. */
#define TEXT_BYTES 2000

/* "NAME.1" and so on, for --no-clobber. */
#define CLOBBER_LIMIT 100

static bool is_device(const char *name, size_t size)
{
    static const char *const names[] = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strlen(names[i]) == size && strncasecmp(names[i], name, size) == 0)
            return true;
    }
    bool port = strncasecmp(name, "COM", 3) == 0 || strncasecmp(name, "LPT", 3) == 0;
    return size == 4 && port && strchr("0123456789\xb9\xb2\xb3", name[3]) != NULL;
}

void output_tame_name(char *name)
{
    for (char *at = name; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || strchr("<>:\"/\\|?*", *at) != NULL)
            *at = '_';
    }
    for (size_t size = strlen(name); size > 0 && strchr(". ", name[size - 1]) != NULL; size--)
        name[size - 1] = '_';
    size_t size = strcspn(name, ".");
    while (size > 0 && name[size - 1] == ' ')
        size--;
    if (is_device(name, size))
        name[size - 1] = '_';
}

/* Below --output-dir. */
static char *in_directory(const tool_options *o, const char *name, size_t size)
{
    size_t before = o->output_dir != NULL ? strlen(o->output_dir) : 0;
    size_t room = before + 1 + size + 1;
    char *path = malloc(room);
    if (path == NULL)
        return NULL;
    snprintf(path, room, "%s%s%.*s", before > 0 ? o->output_dir : "", before > 0 ? "/" : "",
             (int)size, name);
    return path;
}

/* Likewise, by a name that a URL or a server gives. */
static char *given_in_directory(const tool_options *o, const char *name, size_t size)
{
    char *path = in_directory(o, name, size);
    if (path != NULL && host_has_devices)
        output_tame_name(path + strlen(path) - size);
    return path;
}

bool output_begin(output *out, const tool_options *o, const tool_target *target, const char *path,
                  const char *url, const char **why)
{
    size_t size = path != NULL ? strlen(path) : 0;
    bool remote = target->remote_name || (o->remote_name_all && !target->has_output);
    memset(out, 0, sizeof(*out));
    out->options = o;
    *why = "the URL has no file's name in it";
    if (remote)
        path = url_name(url, &size);
    out->remote = remote;
    if (remote && size == 0)
        return false;
    if (path == NULL || (!remote && strcmp(path, "-") == 0)) {
        out->to_person = path == NULL && host_stdout_is_terminal();
        return true;
    }
    *why = "out of memory";
    out->path = remote ? given_in_directory(o, path, size) : in_directory(o, path, size);
    return out->path != NULL;
}

/* The value of the parameter filename, unquoted. Its size, 0 for none. */
static size_t disposition_name(const char *value, char *name, size_t limit)
{
    size_t size = 0;
    const char *at = strchr(value, ';');
    while (at != NULL) {
        at++;
        at += strspn(at, " \t");
        if (strncasecmp(at, "filename=", 9) == 0)
            break;
        at = strchr(at, ';');
    }
    if (at == NULL)
        return 0;
    at += 9;
    char quote = *at == '"' || *at == '\'' ? *at++ : '\0';
    for (; *at != '\0' && *at != (quote != '\0' ? quote : ';') && size < limit - 1; at++) {
        if (quote != '\0' && at[0] == '\\' && at[1] != '\0')
            at++;
        name[size++] = *at;
    }
    while (quote == '\0' && size > 0 && (name[size - 1] == ' ' || name[size - 1] == '\t'))
        size--;
    name[size] = '\0';
    return size;
}

/* Only what stands behind the last slash of any kind, so that it is in the directory; no file
 * that is hidden, for those are programs' settings; and nothing that a terminal would obey. */
bool output_rename(output *out, const char *disposition)
{
    char name[512];
    size_t size = disposition_name(disposition, name, sizeof(name)), begin = 0;
    for (size_t i = 0; i < size; i++) {
        if (name[i] == '/' || name[i] == '\\')
            begin = i + 1;
        else if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f || name[i] == ':')
            name[i] = '_';
    }
    if (begin == size)
        return true;
    if (name[begin] == '.')
        name[begin] = '_';
    char *path = given_in_directory(out->options, name + begin, size - begin);
    if (path == NULL)
        return false;
    free(out->path);
    out->path = path;
    out->named_by_server = true;
    return true;
}

static bool make_directories(const output *out)
{
    char *path = strdup(out->path);
    bool good = path != NULL;
    for (char *at = path; good && (at = strchr(at + 1, '/')) != NULL;) {
        *at = '\0';
        good = host_make_directory(path) || errno == EEXIST;
        *at = '/';
    }
    free(path);
    return good;
}

/* NAME, or the first of NAME.1 to NAME.100 that is not there. */
static FILE *open_new(output *out)
{
    FILE *file = host_open_new(out->path);
    size_t room = strlen(out->path) + 8;
    char *name = file == NULL && errno == EEXIST ? malloc(room) : NULL;
    if (name == NULL)
        return file;
    for (int i = 1; file == NULL && i <= CLOBBER_LIMIT; i++) {
        snprintf(name, room, "%s.%d", out->path, i);
        file = host_open_new(name);
        if (file == NULL && errno != EEXIST)
            break;
    }
    free(out->path);
    out->path = name;
    return file;
}

static FILE *open_rest(output *out)
{
    FILE *file = fopen(out->path, "ab");
    if (file != NULL && !host_file_size(file, &out->begins_at))
        out->begins_at = 0; /* it is none */
    return file;
}

bool output_open(output *out)
{
    const tool_options *o = out->options;
    if (out->file != NULL)
        return true;
    if (out->path == NULL)
        out->file = stdout;
    else if (o->create_dirs && !make_directories(out))
        return false;
    else if (out->named_by_server)
        out->file = host_open_new(out->path);
    else if (out->appends)
        out->file = open_rest(out);
    else if (o->no_clobber)
        out->file = open_new(out);
    else
        out->file = fopen(out->path, "wb");
    if (out->file == NULL)
        return false;
    /* The body comes in pieces that are large already. */
    setvbuf(out->file, NULL, _IONBF, 0);
    return true;
}

bool output_refuses(const output *out, const void *data, size_t size)
{
    return out->to_person && out->path == NULL && out->written < TEXT_BYTES &&
           memchr(data, 0, size) != NULL;
}

bool output_write(output *out, const void *data, size_t size)
{
    out->written += size;
    return output_open(out) && fwrite(data, 1, size, out->file) == size;
}

void output_restart(output *out)
{
    if (out->file != NULL && out->file != stdout)
        host_truncate(out->file, out->begins_at);
}

bool output_close(output *out)
{
    FILE *file = out->file;
    out->file = NULL;
    return file == NULL || (file == stdout ? fflush(file) : fclose(file)) == 0;
}

const char *output_name(const output *out)
{
    return out->path != NULL ? out->path : "";
}

void output_free(output *out)
{
    output_close(out);
    free(out->path);
    out->path = NULL;
}

/* files.c - see files.h. */
#include "support/files.h"

#include "support/check.h"

#include <string.h>

static char directory[256];

static void remove_directory(void)
{
    files_remove_tree(directory);
}

const char *files_path(const char *name)
{
    static char paths[8][512];
    static unsigned next;
    if (directory[0] == '\0') {
        files_make_temporary(directory, sizeof(directory));
        CHECK(atexit(remove_directory) == 0);
    }
    if (name[0] == '\0')
        return directory;
    char *path = paths[next++ % 8];
    int length = snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
    CHECK(length > 0 && (size_t)length < sizeof(paths[0]));
    return path;
}

const char *files_write(const char *name, const void *data, size_t size)
{
    const char *path = files_path(name);
    FILE *stream = fopen(path, "wb");
    CHECK(stream != NULL);
    CHECK(fwrite(data, 1, size, stream) == size);
    CHECK(fclose(stream) == 0);
    return path;
}

FILE *files_text_begin(void)
{
    FILE *stream = fopen(files_path("text"), "w+b");
    CHECK(stream != NULL);
    return stream;
}

char *files_text_end(FILE *stream)
{
    long size = ftell(stream);
    CHECK(size >= 0);
    char *text = calloc(1, (size_t)size + 1);
    CHECK(text != NULL);
    rewind(stream);
    CHECK(fread(text, 1, (size_t)size, stream) == (size_t)size);
    CHECK(fclose(stream) == 0);
    return text;
}

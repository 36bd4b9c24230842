/* ca_directories.c - see ca_directories.h. */
#include "ca_directories.h"

#include "host.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a text what is up to its last end of something: a certificate that breaks off would take the
 * next file's along. */
static size_t whole_size(const char *text)
{
    const char *behind = text;
    for (const char *end; (end = strstr(behind, "-----END ")) != NULL;)
        behind = end + strlen("-----END ");
    return behind == text ? 0 : (size_t)(behind - text) + strcspn(behind, "\n");
}

/* What is in there that is PEM. Others are left out, and what can't be read. */
static bool read_file(body *pem, const char *path)
{
    body content = {0};
    uint64_t size;
    FILE *file = host_may_wait(path) ? NULL : fopen(path, "rb");
    bool good = file != NULL && host_file_size(file, &size) && size <= CA_FILE_LIMIT &&
                body_add_file(&content, path, false) == NULL && body_add(&content, "", 1);
    if (file != NULL)
        fclose(file);
    size_t whole = good ? whole_size((const char *)content.data) : 0;
    good = whole == 0 || (body_add(pem, content.data, whole) && body_add(pem, "\n", 1));
    free(content.data);
    return good;
}

static bool read_directory(body *pem, const char *path, size_t size)
{
    char name[4096];
    bool good = true;
    snprintf(name, sizeof(name), "%.*s", (int)size, path);
    DIR *directory = size > 0 && size < sizeof(name) ? opendir(name) : NULL;
    const struct dirent *entry;
    while (directory != NULL && good && (entry = readdir(directory)) != NULL) {
        int length = snprintf(name, sizeof(name), "%.*s/%s", (int)size, path, entry->d_name);
        if (length < (int)sizeof(name))
            good = read_file(pem, name);
    }
    if (directory != NULL)
        closedir(directory);
    return good;
}

bool ca_directories_are_several(const char *list)
{
    return strchr(list, host_list_separator) != NULL;
}

bool ca_directories_read(body *pem, const char *list)
{
    const char separator[] = {host_list_separator, '\0'};
    bool good = true;
    for (size_t size; good && *list != '\0'; list += size + (list[size] != '\0')) {
        size = strcspn(list, separator);
        good = read_directory(pem, list, size);
    }
    return good;
}

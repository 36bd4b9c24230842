/* standalone_main.c - a fuzz target as a plain program: runs every file that is named on the
 * command line, or lies in a directory that is. So a corpus is a regression test in any build, and
 * a finding is replayed without a fuzzer. */
#include "fuzz/support/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool run_file(const char *path, FILE *file)
{
    size_t size = 0, capacity = 4096, got;
    uint8_t *data = malloc(capacity);
    while (data != NULL && (got = fread(data + size, 1, capacity - size, file)) > 0) {
        size += got;
        if (size == capacity)
            data = realloc(data, capacity *= 2);
    }
    if (data == NULL || ferror(file)) {
        fprintf(stderr, "%s: can't be read\n", path);
        free(data);
        return false;
    }
    uint8_t *input = fuzz_copy(data, size);
    free(data);
    fprintf(stderr, "%s\n", path); /* first, in case that it crashes */
    (void)LLVMFuzzerTestOneInput(input, size);
    free(input);
    return true;
}

/* Returns how many files were run, -1 if one can't be. */
static long run_path(const char *path);

static long run_directory(const char *path, DIR *directory)
{
    long count = 0;
    for (struct dirent *entry; count >= 0 && (entry = readdir(directory)) != NULL;) {
        char name[4096];
        if (entry->d_name[0] == '.')
            continue;
        int size = snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        long part = size < 0 || (size_t)size >= sizeof(name) ? -1 : run_path(name);
        count = part < 0 ? -1 : count + part;
    }
    return count;
}

static long run_path(const char *path)
{
    long count = -1;
    DIR *directory = opendir(path);
    if (directory != NULL) {
        count = run_directory(path, directory);
        closedir(directory);
        return count;
    }
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return -1;
    }
    if (run_file(path, file))
        count = 1;
    fclose(file);
    return count;
}

int main(int argc, char **argv)
{
    long count = 0;
    for (int i = 1; i < argc; i++) {
        long part = run_path(argv[i]);
        if (part < 0)
            return 1;
        count += part;
    }
    printf("%ld files\n", count);
    return count > 0 ? 0 : 2; /* no corpus is no test */
}

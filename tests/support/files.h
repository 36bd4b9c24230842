/* files.h - files in a temporary directory of the process's own, which is made when it is first
 * asked for and removed when the process exits. */
#ifndef RP_TESTS_FILES_H
#define RP_TESTS_FILES_H

#include <stddef.h>
#include <stdio.h>

/* In a buffer of eight that are used in turn. "": the directory itself. */
const char *files_path(const char *name);
/* Returns the path. */
const char *files_write(const char *name, const void *data, size_t size);
void files_make_directory(const char *path);

/* What is printed to the stream, as text; free() it. */
FILE *files_text_begin(void);
char *files_text_end(FILE *stream);

/* What the system says of reading a directory as a file. */
extern const char files_is_a_directory[];

/* ---- of files.c: what differs; files_posix.c, files_win32.c ---- */

void files_make_temporary(char *path, size_t size);
void files_remove_tree(const char *path);

#endif

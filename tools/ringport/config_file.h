/* config_file.h - files of options, as curl's -K has them. */
#ifndef TOOL_CONFIG_FILE_H
#define TOOL_CONFIG_FILE_H

#include <stddef.h>

#define CONFIG_FILE_LIMIT ((size_t)1024 * 1024)

/* An option, "name", "--name" or "-n", and its value, NULL if the line has none. An exit code that
 * is not EXIT_OK ends the reading. */
typedef int config_line_fn(char *name, char *value, void *user);

/* "name = value", "name: value", "name value", "--name value", "-n value"; value may stand in
 * double quotes, with \" \\ \t \n \r \v in it; # begins a comment. Changes text; names and values
 * are in it. */
int config_parse(char *text, config_line_fn *take, void *user);

#endif

/* help.h - what --help prints, in 80 columns. */
#ifndef TOOL_HELP_H
#define TOOL_HELP_H

#include "options.h"

void help_print(command c, FILE *out);

/* An option's two columns: left, and text beside or below it. */
void help_row(const char *left, const char *text, FILE *out);

#endif

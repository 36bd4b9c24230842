/* public_suffix.h - who may set cookies for whom: nobody for all of "co.uk". */
#ifndef TOOL_PUBLIC_SUFFIX_H
#define TOOL_PUBLIC_SUFFIX_H

#include <stdbool.h>

/* For --version: which list. */
const char *public_suffix_list(void);

/* Many parties share this domain, which host ends in. Both in lower case. */
bool is_public_suffix(const char *domain);

#endif

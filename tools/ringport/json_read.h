/* json_read.h - finds values in a JSON text (RFC 8259) of the tool's own making; of others it says
 * no more than that they are not there. */
#ifndef TOOL_JSON_READ_H
#define TOOL_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>

/* The value of an object's member, or of an array's item; NULL: there is none. Nesting up to 32
 * deep. value may be NULL. */
const char *json_member(const char *value, const char *key);
const char *json_item(const char *value, size_t index);
/* False: it is no number, or one that is too large or too small to be of the tool's making. */
bool json_value(const char *value, double *number);

#endif

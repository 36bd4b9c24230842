/* form_encode.h - what ;encoder= of -F does to a part's content (RFC 2045, 6), as curl does it. */
#ifndef TOOL_FORM_ENCODE_H
#define TOOL_FORM_ENCODE_H

#include "body.h"

/* Adds the content to out, encoded: "base64" and "quoted-printable" in lines of 76, "7bit" checked,
 * anything else as it is. NULL, or what was wrong: a static string. */
const char *form_encode(body *out, const char *encoding, const uint8_t *data, size_t size);

#endif

/* head.h - the heads of responses: shown, and the last one kept. */
#ifndef TOOL_HEAD_H
#define TOOL_HEAD_H

#include <ringport/http.h>
#include <stdio.h>

/* The fields of a head, in own memory; zeroed memory is an empty one. */
typedef struct head_copy {
    rp_header *headers;
    size_t count;
} head_copy;

/* False: no memory, and the copy is empty. What was there before is freed. */
bool head_keep(head_copy *copy, const rp_response_head *head);
void head_free(head_copy *copy);

/* The value of the nth field of that name, from 0 on; NULL: there is none. */
const char *head_value(const head_copy *copy, const char *name, size_t n);

/* prefix and line_end: "< " and "\n" for -v, "" and "\r\n" for -i. */
void head_print(FILE *out, const rp_response_head *head, const char *prefix, const char *line_end);

/* The same of heads that are text, each line with its CRLF. */
void head_print_text(FILE *out, const char *heads, const char *prefix, const char *line_end);

/* Its size as HTTP/1.1 has it, with the empty line. */
size_t head_size(const rp_response_head *head);

/* "1.1", "2"; "0" for none. version as in rp_response_head. */
const char *version_name(int version);

#endif

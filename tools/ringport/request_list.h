/* request_list.h - the requests of a file, for `ringport load --requests-from`: one a line.
 *
 *   # a comment; so is an empty line
 *   https://api.example.com/items
 *   POST https://api.example.com/items {"name": "value"}
 *       Content-Type: application/json
 *   PUT https://api.example.com/big @big.json
 *
 * A line is the method, which may be left out (GET, or POST with a body), the URL, and the body:
 * the rest of the line as it stands there, or a file's content. A line that begins with a blank is
 * a header field of the request above it. */
#ifndef TOOL_REQUEST_LIST_H
#define TOOL_REQUEST_LIST_H

#include "body.h"

#include <ringport/http.h>

#define REQUEST_LINE_LIMIT 65536 /* bytes */
#define REQUEST_LIST_LIMIT 100000
#define REQUEST_FIELDS_LIMIT 64 /* of a request */
#define REQUEST_BODIES_LIMIT 1000

/* A body from a file; those of the same name are read once. */
typedef struct listed_body {
    const char *path;
    body content;
} listed_body;

typedef struct listed_request {
    const char *method; /* NULL: by the body */
    const char *url;
    size_t line;
    size_t body;      /* a file's number, from 1 on; 0: text, or none */
    const char *text; /* NULL: none */
    size_t first_header, header_count;
} listed_request;

/* Zeroed memory is an empty one. */
typedef struct request_list {
    body text; /* of the file, cut into pieces */
    listed_request *requests;
    size_t count, room;
    rp_header *headers;
    size_t header_count, header_room;
    listed_body *bodies;
    size_t body_count, body_room;
    char message[512]; /* what was wrong, with the file's name and the line */
} request_list;

/* EXIT_OK, or the exit code with the message set. request_list_free in either case. path "-" is
 * standard input. */
int request_list_read(request_list *list, const char *path);
void request_list_free(request_list *list);

/* Method, URL, body and headers of the i-th into options, whose headers then stand in headers,
 * which has room for the present ones and for header_count more: its own take the place of those of
 * the same name. */
void request_list_apply(const request_list *list, size_t i, rp_request_options *options,
                        rp_header *headers);

#endif

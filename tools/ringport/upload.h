/* upload.h - the body of -T and -F, which is read while it is sent, so that its size does not
 * matter; and of -d where --limit-rate has it sent slowly. */
#ifndef TOOL_UPLOAD_H
#define TOOL_UPLOAD_H

#include "form.h"

#include <ringport/http.h>

typedef struct upload upload;

/* "-" and "." are standard input. It, and what may wait (host.h), is read by a thread of its own:
 * the loop waits for nobody. NULL: it can't be opened, errno; or no memory. */
upload *upload_open(const char *path, rp_loop *loop);
/* f is the upload's then, and closed if there is no memory for it: NULL. */
upload *upload_open_form(form *f, rp_loop *loop);
/* The bytes are borrowed. NULL: no memory. */
upload *upload_open_bytes(const void *bytes, size_t size, rp_loop *loop);
/* Begins behind so many bytes of a file. False: errno. */
bool upload_skip(upload *u, uint64_t bytes);
/* Its length is not told. */
void upload_in_chunks(upload *u);
/* So many are given a second, about every tenth of it. 0 is not allowed. */
void upload_limit_rate(upload *u, uint64_t bytes);
/* The Content-Type that it says of itself; NULL: nothing. Its length; false: it is not known. */
const char *upload_type(const upload *u);
bool upload_size(const upload *u, uint64_t *size);
/* Sets what options say of the body; the length is known of a file. on_body_wanted is called with
 * the request's user, in which upload_give finds its upload. */
void upload_describe(upload *u, rp_request_options *options);
/* on_body_wanted, and on_body_rewind, which is also before it is sent once more. */
void upload_give(upload *u, rp_request *request, size_t room);
void upload_rewind(upload *u);
/* It can be sent once more. NULL: that is nothing. */
bool upload_can_repeat(const upload *u);
/* What was wrong, once it had the request end with RP_E_BODY_ABORTED; NULL: nothing. */
const char *upload_failure(const upload *u);
/* The request has ended; there may be another. NULL does nothing. */
void upload_pause(upload *u);
/* It has, and there is none. NULL does nothing. */
void upload_close(upload *u);

#endif

/* redirect.h - who a transfer says that it is, and where redirects lead it. */
#ifndef TOOL_REDIRECT_H
#define TOOL_REDIRECT_H

#include "netrc.h"
#include "result.h"

/* A transfer's own. */
typedef struct redirects {
    char *url;    /* of the last request, when it was redirected; own memory */
    char *method; /* likewise */
    char *would;  /* where a redirect that was not followed leads; own memory */
    netrc_entry entry;
} redirects;

/* Sets what the options say of redirects and credentials, for the URL. EXIT_OK, or the exit code
 * with message set. */
int redirects_begin(redirects *r, const tool_options *o, const char *url,
                    rp_request_options *request, char *message, size_t size);

/* A redirect is followed: notes where to, and has the credentials of another host sent.
 * False: no memory, or it is one too many (of has the exit code). */
bool redirects_next(redirects *r, result *of, rp_redirect *redirect);

/* Notes where the final response would lead. */
void redirects_note(redirects *r, result *of, const rp_response_head *head);

void redirects_free(redirects *r);

#endif

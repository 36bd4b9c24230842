/* redirect.c - see redirect.h. */
#include "redirect.h"

#include "body.h"
#include "exit_code.h"
#include "option.h"
#include "url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- .netrc ---- */

static size_t host_of(const char *url, const char **host)
{
    size_t size = url_authority(url, host);
    bool brackets = size > 0 && (*host)[0] == '[';
    const char *end = brackets ? memchr(*host, ']', size) : memchr(*host, ':', size);
    if (end != NULL)
        size = (size_t)(end - *host);
    if (brackets && size > 0) {
        (*host)++;
        size--;
    }
    return size;
}

/* A file that is not there has nothing to say, as with curl. */
static int look_up(const tool_options *o, const char *url, const char *user, netrc_entry *entry,
                   char *message, size_t message_size)
{
    char path[4096];
    body content = {0};
    const char *host, *file = o->netrc_file;
    size_t size = host_of(url, &host);
    entry->user[0] = entry->password[0] = '\0';
    if (file == NULL && netrc_path(path, sizeof(path)))
        file = path;
    if (file == NULL || body_add_file(&content, file, false) != NULL ||
        !body_add(&content, "", 1)) {
        free(content.data);
        return EXIT_OK;
    }
    netrc_result found = netrc_find((const char *)content.data, host, size, user, entry);
    free(content.data);
    if (found == NETRC_BAD) {
        snprintf(message, message_size, "%s has a word that is too long, or a quote without an end",
                 file);
        return EXIT_READ;
    }
    if (found == NETRC_NONE)
        entry->user[0] = entry->password[0] = '\0';
    return EXIT_OK;
}

/* The user that the URL names, decoded; "": none. False: it has a password, too, or can't be. */
static bool user_of(const char *url, char user[NETRC_WORD])
{
    const char *authority, *at = strstr(url, "://");
    size_t size = 0;
    (void)url_authority(url, &authority);
    at = at != NULL ? at + 3 : authority;
    for (; at < authority && *at != '@' && size < NETRC_WORD - 1; at++) {
        char digits[3] = {at[0] == '%' ? at[1] : '\0', at[0] == '%' ? at[2] : '\0', '\0'};
        if (*at == ':')
            return false;
        if (digits[0] != '\0')
            at += 2;
        user[size++] = digits[0] != '\0' ? (char)strtoul(digits, NULL, 16) : *at;
    }
    user[size] = '\0';
    return at >= authority || *at == '@';
}

/* -H Authorization stands above the file, also where it takes it away. */
static bool asks_netrc(const tool_options *o)
{
    return (o->netrc || o->netrc_optional) && !option_has_header(o, "authorization");
}

/* A password in the URL comes before the file's, a user there is whose password is looked up. */
static int find_credentials(redirects *r, const tool_options *o, const char *url,
                            rp_request_options *request, char *message, size_t size)
{
    char user[NETRC_WORD];
    if (!asks_netrc(o) || o->user != NULL || o->bearer != NULL || !user_of(url, user))
        return EXIT_OK;
    int code = look_up(o, url, user, &r->entry, message, size);
    if (code == EXIT_OK && (r->entry.user[0] != '\0' || r->entry.password[0] != '\0')) {
        request->user = r->entry.user;
        request->password = r->entry.password;
    }
    return code;
}

/* ---- the calls ---- */

int redirects_begin(redirects *r, const tool_options *o, const char *url,
                    rp_request_options *request, char *message, size_t size)
{
    if (o->location && o->redirects == 0)
        request->redirects_limit = 1; /* which ends in redirects_next */
    return find_credentials(r, o, url, request, message, size);
}

static bool keeps(const rp_redirect *redirect, const tool_options *o, const char *name)
{
    bool secret = strcasecmp(name, "authorization") == 0 || strcasecmp(name, "cookie") == 0 ||
                  strcasecmp(name, "proxy-authorization") == 0;
    if (!redirect->keeps_body && strncasecmp(name, "content-", 8) == 0)
        return false;
    if (redirect->same_origin)
        return true;
    return strcasecmp(name, "host") != 0 &&
           (!secret || (o->redirect_flags & RP_REDIRECT_TRUSTED) != 0);
}

static bool note_target(redirects *r, result *of, const rp_redirect *redirect)
{
    char *url = strdup(redirect->url), *method = strdup(redirect->method);
    if (url == NULL || method == NULL) {
        free(url);
        free(method);
        of->exit_code = EXIT_MEMORY;
        snprintf(of->message, sizeof(of->message), "out of memory");
        return false;
    }
    free(r->url);
    free(r->method);
    of->effective_url = r->url = url;
    of->method = r->method = method;
    return true;
}

bool redirects_next(redirects *r, result *of, rp_redirect *redirect)
{
    const tool_options *o = of->options;
    fields *f = of->fields;
    size_t kept = 0;
    if (o->redirects == 0) {
        of->exit_code = EXIT_REDIRECTS;
        snprintf(of->message, sizeof(of->message), "a redirect, and none may be followed");
        return false;
    }
    if (!note_target(r, of, redirect))
        return false;
    for (size_t i = 0; i < f->count; i++) {
        if (keeps(redirect, o, f->headers[i].name))
            f->headers[kept++] = f->headers[i];
    }
    f->count = kept;
    if (redirect->same_origin || !asks_netrc(o))
        return true;
    of->exit_code = look_up(o, redirect->url, "", &r->entry, of->message, sizeof(of->message));
    if (r->entry.user[0] != '\0' || r->entry.password[0] != '\0') {
        redirect->user = r->entry.user;
        redirect->password = r->entry.password;
    }
    return of->exit_code == EXIT_OK;
}

void redirects_note(redirects *r, result *of, const rp_response_head *head)
{
    if (head->status < 300 || head->status > 399)
        return;
    for (size_t i = 0; i < head->header_count; i++) {
        const rp_header *h = &head->headers[i];
        size_t size = strlen(of->effective_url) + 3 * strlen(h->value) + 2;
        if (strcasecmp(h->name, "location") != 0 || h->value[0] == '\0')
            continue;
        free(r->would);
        r->would = malloc(size);
        if (r->would != NULL &&
            rp_url_join(r->would, size, of->effective_url, h->value, NULL) != RP_OK)
            r->would[0] = '\0';
    }
    of->redirect_url = r->would;
}

void redirects_free(redirects *r)
{
    free(r->url);
    free(r->method);
    free(r->would);
    memset(&r->entry, 0, sizeof(r->entry));
}

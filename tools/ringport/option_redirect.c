/* option_redirect.c - the options of redirects, and of who we say that we are. */
#include "host.h"
#include "option.h"

#include <stdlib.h>
#include <string.h>

#define REDIRECTS 50 /* curl's limit */

static int take_max_redirs(tool_options *o, const char *value)
{
    uint64_t count = UINT32_MAX;
    o->redirects_given = true;
    if (strcmp(value, "-1") != 0 && !option_parse_count(value, UINT32_MAX, &count))
        return option_fail(o, EXIT_USAGE,
                           "--max-redirs is a number, or -1 for no limit, not \"%s\"", value);
    o->redirects = (uint32_t)count;
    return EXIT_OK;
}

static int take_trusted(tool_options *o, const char *value)
{
    (void)value;
    o->location = true;
    o->redirect_flags |= RP_REDIRECT_TRUSTED;
    return EXIT_OK;
}

static int take_301(tool_options *o, const char *value)
{
    (void)value;
    o->redirect_flags |= RP_REDIRECT_POST_301;
    return EXIT_OK;
}

static int take_302(tool_options *o, const char *value)
{
    (void)value;
    o->redirect_flags |= RP_REDIRECT_POST_302;
    return EXIT_OK;
}

static int take_303(tool_options *o, const char *value)
{
    (void)value;
    o->redirect_flags |= RP_REDIRECT_POST_303;
    return EXIT_OK;
}

static int take_user(tool_options *o, const char *value)
{
    size_t size = strcspn(value, ":");
    o->user = option_keep(o, value, size);
    o->password = value[size] != '\0' ? value + size + 1 : NULL;
    return o->user != NULL ? EXIT_OK : option_no_memory(o);
}

static int take_netrc_file(tool_options *o, const char *value)
{
    o->netrc = true;
    o->netrc_file = value;
    return EXIT_OK;
}

const option redirect_options[] = {
    {"location", 'L', KIND_FLAG, BOTH, NULL, AT(location), "follow redirects"},
    {"max-redirs", 0, KIND_CALL, BOTH, "N", CALL(take_max_redirs), "so many; -1: any number [50]"},
    {"post301", 0, KIND_CALL, BOTH, NULL, CALL(take_301), "POST stays POST behind a 301"},
    {"post302", 0, KIND_CALL, BOTH, NULL, CALL(take_302), "behind a 302"},
    {"post303", 0, KIND_CALL, BOTH, NULL, CALL(take_303), "behind a 303"},
    {"location-trusted", 0, KIND_CALL, BOTH, NULL, CALL(take_trusted),
     "-L, with credentials and cookies for any host"},
    {"user", 'u', KIND_CALL, BOTH, "USER:PASSWORD", CALL(take_user), "Basic authentication"},
    {"basic", 0, KIND_FLAG, BOTH, NULL, AT(basic), "(which is the default)"},
    {"oauth2-bearer", 0, KIND_TEXT, BOTH, "TOKEN", AT(bearer), "a Bearer token"},
    {"netrc", 'n', KIND_FLAG, GET, NULL, AT(netrc), "user and password from ~/.netrc"},
    {"netrc-file", 0, KIND_CALL, GET, "FILE", CALL(take_netrc_file), "from this file"},
    {"netrc-optional", 0, KIND_FLAG, GET, NULL, AT(netrc_optional), "where the URL has none"},
    {.name = NULL},
};

int finish_redirects(tool_options *o)
{
    if (!o->redirects_given)
        o->redirects = REDIRECTS;
    if (o->user != NULL && o->bearer != NULL) /* curl sends the token */
        o->user = o->password = NULL;
    return EXIT_OK;
}

int options_ask_passwords(tool_options *o)
{
    char question[300], answer[1024];
    for (tool_options *at = o; at != NULL; at = at->next) {
        if (at->user == NULL || at->password != NULL)
            continue;
        (void)snprintf(question, sizeof(question), "Password of %s: ", at->user);
        host_ask_secret(question, answer, sizeof(answer));
        at->password = option_keep(at, answer, strlen(answer));
        if (at->password == NULL)
            return option_no_memory(o);
    }
    return EXIT_OK;
}

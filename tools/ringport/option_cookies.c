/* option_cookies.c - the options of cookies. */
#include "option.h"

#include <stdlib.h>
#include <string.h>

/* "name=value; ..." or a file. */
static int take_cookie(tool_options *o, const char *value)
{
    if (strchr(value, '=') == NULL)
        return option_add_text(o, &o->cookie_files, &o->cookie_file_count, value);
    size_t before = o->cookie != NULL ? strlen(o->cookie) : 0, size = strlen(value);
    size_t room = before + 2 + size + 1;
    char *whole = malloc(room);
    if (whole == NULL)
        return option_no_memory(o);
    snprintf(whole, room, "%s%s%s", before > 0 ? o->cookie : "", before > 0 ? "; " : "", value);
    o->cookie = option_keep(o, whole, strlen(whole));
    free(whole);
    return o->cookie != NULL ? EXIT_OK : option_no_memory(o);
}

const option cookie_options[] = {
    {"cookie", 'b', KIND_CALL, GET, "DATA", CALL(take_cookie),
     "\"name=value; ...\", or a file of cookies, which are kept then"},
    {"cookie-jar", 'c', KIND_TEXT, GET, "FILE", AT(cookie_jar), "write all cookies there"},
    {"junk-session-cookies", 'j', KIND_FLAG, GET, NULL, AT(no_session_cookies),
     "leave those out that end with a session"},
    {.name = NULL},
};

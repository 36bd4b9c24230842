/* options.c - finds the options of a command line in the tables, and applies them. */
#include "config_file.h"
#include "help.h"
#include "option.h"
#include "suggest.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const option *const tables[] = {
    request_options, data_options,       form_options,   cookie_options,   output_options,
    load_options,    connection_options, proxy_options,  redirect_options, tls_options,
    judge_options,   limit_options,      refused_options};

#define TABLES (sizeof(tables) / sizeof(tables[0]))

/* ---- What functions that take a value need ---- */

int option_fail(tool_options *o, int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(o->message, sizeof(o->message), format, arguments);
    va_end(arguments);
    return code;
}

int option_no_memory(tool_options *o)
{
    return option_fail(o, EXIT_MEMORY, "out of memory");
}

/* The text stands behind it. */
struct kept {
    struct kept *next;
};

static void keep(tool_options *o, struct kept *k)
{
    k->next = o->kept;
    o->kept = k;
}

char *option_keep(tool_options *o, const char *text, size_t size)
{
    struct kept *k = malloc(sizeof(*k) + size + 1);
    if (k == NULL)
        return NULL;
    keep(o, k);
    char *copy = (char *)(k + 1);
    memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

int option_add_text(tool_options *o, const char ***texts, size_t *count, const char *value)
{
    const char **more = realloc(*texts, (*count + 1) * sizeof(*more));
    if (more == NULL)
        return option_no_memory(o);
    *texts = more;
    more[(*count)++] = value;
    return EXIT_OK;
}

int option_read_file(tool_options *o, const char *path, const char **text)
{
    body content = {0};
    const char *why = body_add_file(&content, path, false);
    if (why == NULL)
        *text = option_keep(o, content.size > 0 ? (char *)content.data : "", content.size);
    free(content.data);
    if (why != NULL)
        return option_fail(o, EXIT_READ, "%s", why);
    return *text != NULL ? EXIT_OK : option_no_memory(o);
}

bool option_parse_count(const char *text, uint64_t limit, uint64_t *count)
{
    *count = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (!isdigit((unsigned char)*text) || *count > (limit - (uint64_t)(*text - '0')) / 10)
            return false;
        *count = *count * 10 + (uint64_t)(*text - '0');
    }
    return true;
}

/* The milliseconds of a unit of time, 0 for what is none. */
static uint64_t unit_ms(const char *unit)
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {{"", 1000}, {"s", 1000}, {"ms", 1}, {"m", 60000}, {"h", 3600000}};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(unit, units[i].name) == 0)
            return units[i].ms;
    }
    return 0;
}

bool option_is_duration(const char *text)
{
    const char *unit = text + strspn(text, "0123456789.");
    return unit > text && *unit != '\0' && unit_ms(unit) != 0;
}

#define BILLION 1000000000U

bool option_parse_seconds(const char *text, uint64_t *milliseconds)
{
    char whole[16];
    size_t size = strspn(text, "0123456789");
    uint64_t billionths = 0, place = BILLION / 10;
    bool rest = false;
    if (size >= sizeof(whole))
        return false;
    memcpy(whole, text, size);
    whole[size] = '\0';
    *milliseconds = 0;
    bool fraction = size == 0 && text[0] == '.' && isdigit((unsigned char)text[1]); /* ".5" */
    if (!fraction && !option_parse_count(whole, BILLION, milliseconds))
        return false;
    text += size;
    for (text += *text == '.'; isdigit((unsigned char)*text); text++) {
        billionths += place * (uint64_t)(*text - '0');
        rest = rest || (place == 0 && *text != '0');
        place /= 10;
    }
    uint64_t unit = unit_ms(text);
    billionths += rest ? 1 : 0;
    *milliseconds = *milliseconds * unit + (billionths * unit + BILLION - 1) / BILLION;
    return unit != 0;
}

/* Digits, with k, m, g or t behind them; of bytes k is 1024, as curl has it, and b is one. */
static bool parse_scaled(const char *text, bool bytes, uint64_t limit, uint64_t *number)
{
    const char *units = bytes ? "kmgt" : "km", *unit = units;
    uint64_t times = bytes ? 1024 : 1000;
    char digits[24];
    size_t count = strspn(text, "0123456789");
    if (count == 0 || count >= sizeof(digits))
        return false;
    memcpy(digits, text, count);
    digits[count] = '\0';
    text += count;
    bool scaled = *text != '\0' && !(bytes && tolower((unsigned char)*text) == 'b');
    if (scaled)
        unit = strchr(units, tolower((unsigned char)*text));
    if (unit == NULL || (*text != '\0' && text[1] != '\0') ||
        !option_parse_count(digits, limit, number))
        return false;
    for (ptrdiff_t steps = scaled ? unit - units + 1 : 0; steps > 0; steps--) {
        if (*number > limit / times)
            return false;
        *number *= times;
    }
    return true;
}

static bool parse_size(const char *text, uint64_t *size)
{
    return parse_scaled(text, true, INT64_MAX, size);
}

static bool parse_number(const char *text, uint64_t *number)
{
    return parse_scaled(text, false, UINT32_MAX, number);
}

/* ---- The tables ---- */

void options_print(command c, FILE *out)
{
    char left[64];
    for (size_t i = 0; i < TABLES; i++) {
        for (const option *t = tables[i]; t->name != NULL; t++) {
            if (t->help == NULL || t->kind == KIND_UNSUPPORTED || !(t->commands & c))
                continue;
            snprintf(left, sizeof(left), "%s%c%s --%s%s%s", t->letter ? "-" : " ",
                     t->letter ? t->letter : ' ', t->letter ? "," : " ", t->name,
                     t->value != NULL ? " " : "", t->value != NULL ? t->value : "");
            help_row(left, t->help, out);
        }
    }
}

/* What was found so far. A name may be one option's of get and another's of load; the command's own
 * comes first, and what is written out before what is the beginning of a name only. */
typedef struct search {
    command command;
    const option *exact, *begun, *foreign;
    bool ambiguous;
} search;

static void find_long(search *s, const char *name, size_t size)
{
    for (size_t i = 0; i < TABLES; i++) {
        for (const option *t = tables[i]; t->name != NULL; t++) {
            if (strncmp(t->name, name, size) != 0)
                continue;
            bool whole = t->name[size] == '\0';
            if (!(t->commands & s->command)) {
                if (whole)
                    s->foreign = t;
            } else if (whole) {
                s->exact = t;
            } else if (t->kind != KIND_UNSUPPORTED) {
                s->ambiguous = s->begun != NULL;
                s->begun = t;
            }
        }
    }
}

static const option *find_short(char letter, command c)
{
    const option *foreign = NULL;
    for (size_t i = 0; i < TABLES; i++) {
        for (const option *t = tables[i]; t->name != NULL; t++) {
            if (letter == '\0' || t->letter != letter)
                continue;
            if (t->commands & c)
                return t;
            foreign = t;
        }
    }
    return foreign;
}

/* With the name of the command's that is nearest, for a long one. */
static int fail_unknown(tool_options *o, command c, const char *shown)
{
    const char *name = shown + 2;
    size_t size = shown[1] == '-' ? strcspn(name, "=") : 0;
    suggestion near = {.name = NULL};
    for (size_t i = 0; size > 0 && i < TABLES; i++) {
        for (const option *t = tables[i]; t->name != NULL; t++) {
            if ((t->commands & c) && t->kind != KIND_UNSUPPORTED)
                suggest_try(&near, name, size, t->name);
        }
    }
    if (suggest_good(&near, size))
        return option_fail(o, EXIT_USAGE, "option %s is unknown: is --%s meant?", shown, near.name);
    return option_fail(o, EXIT_USAGE, "option %s is unknown", shown);
}

static int apply(tool_options *o, const option *t, const char *value, bool negated)
{
    char *member = (char *)o + t->offset;
    switch (t->kind) {
    case KIND_FLAG:
        *(bool *)(void *)member = !negated;
        return EXIT_OK;
    case KIND_TEXT:
        *(const char **)(void *)member = value;
        return EXIT_OK;
    case KIND_SECONDS:
    case KIND_LIMIT: {
        uint64_t *limit_ms = (uint64_t *)(void *)member;
        if (!option_parse_seconds(value, limit_ms))
            return option_fail(o, EXIT_USAGE, "--%s is a number of seconds, not \"%s\"", t->name,
                               value);
        if (t->kind == KIND_LIMIT && *limit_ms == 0)
            *limit_ms = RP_NEVER_MS;
        return EXIT_OK;
    }
    case KIND_COUNT: {
        uint64_t *count = (uint64_t *)(void *)member;
        if (!parse_number(value, count) || *count == 0)
            return option_fail(o, EXIT_USAGE, "--%s is a number above 0, not \"%s\"", t->name,
                               value);
        return EXIT_OK;
    }
    case KIND_NUMBER:
        if (!parse_number(value, (uint64_t *)(void *)member))
            return option_fail(o, EXIT_USAGE, "--%s is a number, not \"%s\"", t->name, value);
        return EXIT_OK;
    case KIND_SIZE:
        if (!parse_size(value, (uint64_t *)(void *)member))
            return option_fail(o, EXIT_USAGE, "--%s is a number of bytes, not \"%s\"", t->name,
                               value);
        return EXIT_OK;
    case KIND_CALL:
        return t->take(o, value);
    case KIND_NEXT:
    case KIND_CONFIG:
    case KIND_UNSUPPORTED:
        break;
    }
    return option_fail(o, EXIT_USAGE, "--%s is not supported: %s", t->name, t->help);
}

/* ---- Parsing ---- */

#define CONFIG_DEPTH 4

/* The words of a command line, and the operation that they are of. */
typedef struct parser {
    command command;
    int argc, next;
    char **argv;
    tool_options *current;
    unsigned depth; /* of configuration files */
} parser;

static int read_config(parser *p, const char *path);

/* An operation without a URL goes on, as with curl. */
static int begin_next(parser *p)
{
    tool_options *o = p->current;
    if (o->url == NULL)
        return EXIT_OK;
    o->next = calloc(1, sizeof(*o->next));
    if (o->next == NULL)
        return option_no_memory(o);
    o->next->global = o->global;
    p->current = o->next;
    return EXIT_OK;
}

/* value: the text that follows in the same argument, NULL if none. */
static int take_option(parser *p, const option *t, const char *shown, const char *value,
                       bool negated)
{
    tool_options *o = p->current;
    if (t == NULL)
        return fail_unknown(o, p->command, shown);
    if (!(t->commands & p->command))
        return option_fail(o, EXIT_USAGE, "option %s is for `ringport %s`", shown,
                           t->commands & COMMAND_GET    ? "get"
                           : t->commands & COMMAND_LOAD ? "load"
                                                        : "judge");
    if (t->value != NULL && value == NULL) {
        if (p->next >= p->argc)
            return option_fail(o, EXIT_USAGE, "option %s needs a value: %s", shown, t->value);
        value = p->argv[p->next++];
    }
    if (t->kind == KIND_CONFIG)
        return read_config(p, value);
    return t->kind == KIND_NEXT ? begin_next(p) : apply(o, t, value, negated);
}

/* "--name", "--name=value", "--no-name", and the beginning of a name that no other has. */
static int take_long(parser *p, const char *argument)
{
    const char *name = argument + 2;
    size_t size = strcspn(name, "=");
    const char *value = name[size] == '=' ? name + size + 1 : NULL;
    search s = {.command = p->command}, negative = s;
    find_long(&s, name, size);
    if (size > 3 && memcmp(name, "no-", 3) == 0)
        find_long(&negative, name + 3, size - 3);
    bool negated = s.exact == NULL && negative.exact != NULL && negative.exact->kind == KIND_FLAG;
    const option *t = negated           ? negative.exact
                      : s.exact != NULL ? s.exact
                      : s.begun != NULL ? s.begun
                                        : s.foreign;
    if (t == s.begun && t != NULL && s.ambiguous)
        return option_fail(p->current, EXIT_USAGE, "option %s is the beginning of several",
                           argument);
    if (t != NULL && t->value == NULL && value != NULL && t->kind != KIND_UNSUPPORTED)
        return option_fail(p->current, EXIT_USAGE, "option --%s takes no value", t->name);
    return take_option(p, t, argument, value, negated);
}

/* "-sSo file", "-ofile" */
static int take_short(parser *p, const char *argument)
{
    for (const char *letter = argument + 1; *letter != '\0'; letter++) {
        char shown[3] = {'-', *letter, '\0'};
        const option *t = find_short(*letter, p->command);
        bool last = t != NULL && t->value != NULL;
        const char *value = last && letter[1] != '\0' ? letter + 1 : NULL;
        int code = take_option(p, t, shown, value, false);
        if (code != EXIT_OK || last)
            return code;
    }
    return EXIT_OK;
}

/* ---- Configuration files ---- */

/* A line is a command line of one option. */
static int take_line(char *name, char *value, void *user)
{
    parser *p = user;
    char *words[] = {name, value}, text[80];
    parser line = *p;
    line.argv = words;
    line.argc = value != NULL ? 2 : 1;
    line.next = 1;
    if (name[0] != '-') {
        if (snprintf(text, sizeof(text), "--%s", name) >= (int)sizeof(text))
            return option_fail(p->current, EXIT_USAGE, "there is no option with so long a name");
        name = text;
    }
    int code = name[1] == '-' ? take_long(&line, name) : take_short(&line, name);
    p->current = line.current;
    if (code == EXIT_OK && line.next < line.argc)
        return option_fail(p->current, EXIT_USAGE, "option %s takes no value", name);
    return code;
}

static int read_config(parser *p, const char *path)
{
    body content = {0};
    tool_options *o = p->current;
    if (p->depth >= CONFIG_DEPTH)
        return option_fail(o, EXIT_USAGE, "%s: configuration files in each other, too deep", path);
    const char *why = body_add_file(&content, path, false);
    if (why == NULL && content.size > CONFIG_FILE_LIMIT)
        why = "a configuration file may have 1 MiB";
    char *kept = why == NULL
                     ? option_keep(o, content.size > 0 ? (char *)content.data : "", content.size)
                     : NULL;
    free(content.data);
    if (why != NULL)
        return option_fail(o, EXIT_READ, "%s", why);
    if (kept == NULL)
        return option_no_memory(o);
    p->depth++;
    int code = config_parse(kept, take_line, p);
    p->depth--;
    return code;
}

/* judge: a client's command line, to its end. */
static int take_command(parser *p, int first)
{
    tool_options *o = p->current;
    o->judge.command = p->argv + first;
    o->judge.command_count = (size_t)(p->argc - first);
    p->next = p->argc;
    return EXIT_OK;
}

/* --help, --version: what else there is does not matter. */
static bool tells_only(const tool_options *o)
{
    return o->help || o->version;
}

static int take_words(parser *p)
{
    bool only_urls = false;
    int code = EXIT_OK;
    while (code == EXIT_OK && p->next < p->argc && !tells_only(p->current)) {
        const char *argument = p->argv[p->next++];
        if (p->command == COMMAND_JUDGE && (argument[0] != '-' || strcmp(argument, "--") == 0))
            code = take_command(p, argument[0] == '-' ? p->next : p->next - 1);
        else if (only_urls || argument[0] != '-')
            code = option_add_url(p->current, argument);
        else if (strcmp(argument, "--") == 0)
            only_urls = true;
        else if (argument[1] == '-')
            code = take_long(p, argument);
        else if (argument[1] == '\0')
            code = option_fail(p->current, EXIT_USAGE, "- is not a URL");
        else
            code = take_short(p, argument);
    }
    return code;
}

/* ---- What options mean together ---- */

static int finish(tool_options *o, command c)
{
    options_environment(o);
    if (c == COMMAND_JUDGE)
        return finish_judge(o);
    if (c == COMMAND_TRUST)
        return o->url == NULL ? EXIT_OK
                              : option_fail(o, EXIT_USAGE, "no URL is needed: %s", o->url);
    int code = c == COMMAND_LOAD ? list_requests(o) : EXIT_OK;
    if (code != EXIT_OK)
        return code;
    if (o->url == NULL)
        return option_fail(o, EXIT_USAGE, "no URL given");
    code = finish_request(o);
    if (code == EXIT_OK)
        code = finish_output(o);
    if (code == EXIT_OK)
        code = finish_tls(o);
    if (code == EXIT_OK)
        code = finish_redirects(o);
    if (code == EXIT_OK && c == COMMAND_LOAD)
        code = finish_load(o);
    return code;
}

int options_parse(tool_options *o, command c, int argc, char **argv)
{
    parser p = {.command = c, .argc = argc, .argv = argv, .current = o};
    memset(o, 0, sizeof(*o));
    int code = take_words(&p);
    if (code == EXIT_OK && tells_only(p.current)) {
        o->help = p.current->help;
        o->version = p.current->version;
        return code;
    }
    if (code != EXIT_OK && p.current != o)
        memcpy(o->message, p.current->message, sizeof(o->message));
    for (tool_options *at = o; code == EXIT_OK && at != NULL; at = at->next) {
        at->global = p.current->global;
        code = finish(at, c);
        if (code != EXIT_OK && at != o)
            memcpy(o->message, at->message, sizeof(o->message));
    }
    return code;
}

static void free_operation(tool_options *o)
{
    while (o->kept != NULL) {
        struct kept *next = o->kept->next;
        free(o->kept);
        o->kept = next;
    }
    free(o->targets);
    free(o->headers);
    free(o->body.data);
    free(o->query.data);
    free(o->resolve);
    free(o->connect_to);
    free(o->proxy.headers);
    free(o->cookie_files);
    free(o->judge.names);
    request_list_free(&o->list);
}

void options_free(tool_options *o)
{
    tool_options *next = o->next;
    free_operation(o);
    while (next != NULL) {
        tool_options *dead = next;
        next = dead->next;
        free_operation(dead);
        free(dead);
    }
}

bool options_expect(const tool_options *o)
{
    for (size_t i = 0; i < o->header_count; i++) {
        const rp_header *h = &o->headers[i];
        if (strcasecmp(h->name, "expect") == 0 && h->value != NULL &&
            strcasecmp(h->value, "100-continue") == 0)
            return true;
    }
    return false;
}

const char *options_method(const tool_options *o, bool upload)
{
    if (o->method != NULL)
        return o->method;
    if (o->head)
        return "HEAD";
    return upload ? "PUT" : NULL;
}

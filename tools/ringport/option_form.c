/* option_form.c - -F and --form-string: "name=text", "name=@file,file", "name=<file", with
 * ";type=", ";filename=", ";headers=" and ";encoder=" behind them, and parts in a part between
 * "name=(" and "=)". Read as curl does. */
#include "form.h"
#include "host.h"
#include "option.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A value on its way. stop: what ends a word beside ;, as the comma between files does. */
typedef struct reader {
    tool_options *o;
    const char *at;
    char stop;
} reader;

static bool is_blank(char c)
{
    return isspace((unsigned char)c) != 0;
}

static void skip_blanks(reader *r)
{
    while (is_blank(*r->at))
        r->at++;
}

static const char *word_end(const reader *r, const char *from)
{
    while (*from != '\0' && *from != ';' && *from != r->stop)
        from++;
    return from;
}

/* "a \"word\"", in which a backslash stands before a quote or a backslash. NULL: it has no end. */
static char *unquote(char *text, const char **end)
{
    char *to = text;
    const char *from = *end + 1;
    for (; *from != '"'; from++) {
        if (*from == '\\' && (from[1] == '\\' || from[1] == '"'))
            from++;
        if (*from == '\0')
            return NULL;
        *to++ = *from;
    }
    *to = '\0';
    *end = from;
    return text;
}

/* Up to what ends it, without the blanks there; what stands behind quotes is passed over, as curl
 * does. NULL: no memory. */
static const char *take_word(reader *r)
{
    const char *begin = r->at, *closed = begin;
    char *text = option_keep(r->o, begin, strlen(begin));
    if (text == NULL)
        return NULL;
    if (*begin == '"' && unquote(text, &closed) != NULL) {
        r->at = word_end(r, closed);
        return text;
    }
    r->at = word_end(r, begin);
    size_t size = (size_t)(r->at - begin);
    memcpy(text, begin, size);
    while (size > 0 && is_blank(text[size - 1]))
        size--;
    text[size] = '\0';
    return text;
}

static bool take_prefix(reader *r, const char *name)
{
    size_t size = strlen(name);
    if (strncasecmp(r->at, name, size) != 0)
        return false;
    r->at += size;
    return true;
}

/* ---- what stands behind ; ---- */

static int add_line(tool_options *o, form_part *part, const char *text, size_t size)
{
    form_line **last = &part->lines, line = {.text = option_keep(o, text, size)};
    while (*last != NULL)
        last = &(*last)->next;
    *last = (void *)option_keep(o, (const char *)&line, sizeof(line));
    return line.text != NULL && *last != NULL ? EXIT_OK : option_no_memory(o);
}

/* One a line; a line that begins with a blank goes on with the one before, one with # is none. */
static int add_lines_of(tool_options *o, form_part *part, const char *path)
{
    const char *text;
    int code = option_read_file(o, path, &text);
    char *line = code == EXIT_OK ? malloc(strlen(text) + 1) : NULL;
    size_t size = 0;
    if (code == EXIT_OK && line == NULL)
        return option_no_memory(o);
    while (code == EXIT_OK) {
        if (*text != '\n' && !is_blank(*text)) {
            while (size > 0 && is_blank(line[size - 1]))
                size--;
            if (size > 0)
                code = add_line(o, part, line, size);
            size = 0;
        }
        if (*text == '\0')
            break;
        size_t length = strcspn(text, "\n");
        for (size_t i = 0; i < length && text[0] != '#'; i++) {
            if (text[i] != '\r')
                line[size++] = text[i];
        }
        text += length + (text[length] == '\n');
    }
    free(line);
    return code;
}

static int take_lines(reader *r, form_part *part)
{
    bool of_file = *r->at == '@' || *r->at == '<';
    r->at += of_file;
    skip_blanks(r);
    const char *word = take_word(r);
    if (word == NULL)
        return option_no_memory(r->o);
    return of_file ? add_lines_of(r->o, part, word) : add_line(r->o, part, word, strlen(word));
}

/* What is not another of these belongs to the type: "text/plain; charset=utf-8". */
static int take_type(reader *r, form_part *part)
{
    char major[128], minor[128];
    skip_blanks(r);
    const char *begin = r->at;
    if (sscanf(begin, "%127[^/ ]/%127[^;, \n]", major, minor) != 2)
        return option_fail(r->o, EXIT_USAGE, "\"%s\" is not a type: write type=text/plain", begin);
    const char *end = r->at = word_end(r, begin + strlen(major) + 1 + strlen(minor));
    while (*r->at == ';') {
        reader next = {.o = r->o, .at = r->at + 1, .stop = r->stop};
        skip_blanks(&next);
        if (take_prefix(&next, "filename=") || take_prefix(&next, "headers=") ||
            take_prefix(&next, "encoder="))
            break;
        end = r->at = word_end(r, next.at);
    }
    while (end > begin && is_blank(end[-1]))
        end--;
    part->type = option_keep(r->o, begin, (size_t)(end - begin));
    return part->type != NULL ? EXIT_OK : option_no_memory(r->o);
}

static int take_encoding(reader *r, form_part *part)
{
    static const char *const names[] = {"binary", "8bit", "7bit", "base64", "quoted-printable"};
    const char *word = take_word(r);
    if (word == NULL)
        return option_no_memory(r->o);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcasecmp(word, names[i]) == 0)
            part->encoding = names[i];
    }
    if (part->encoding == NULL)
        return option_fail(r->o, EXIT_BAD_ARGUMENT, "encoder=%s is unknown", word);
    return EXIT_OK;
}

static int take_text(reader *r, const char **text)
{
    skip_blanks(r);
    *text = take_word(r);
    return *text != NULL ? EXIT_OK : option_no_memory(r->o);
}

/* Of what is no word of curl's nothing comes. */
static int take_one(reader *r, form_part *part)
{
    const char *ignored;
    if (take_prefix(r, "type="))
        return take_type(r, part);
    if (take_prefix(r, "filename="))
        return take_text(r, &part->filename);
    if (take_prefix(r, "headers="))
        return take_lines(r, part);
    if (take_prefix(r, "encoder="))
        return take_encoding(r, part);
    return take_text(r, &ignored);
}

/* A word, and what is said of it. */
static int take_content(reader *r, const char **word, form_part *part)
{
    int code = take_text(r, word);
    while (code == EXIT_OK && *r->at == ';') {
        r->at++;
        skip_blanks(r);
        code = take_one(r, part);
    }
    return code;
}

/* ---- parts ---- */

static form_part *new_part(tool_options *o)
{
    form_part part = {.text = ""};
    return (void *)option_keep(o, (const char *)&part, sizeof(part));
}

/* Behind the last that is open. */
static void add_part(tool_options *o, form_part *parent, form_part *part)
{
    form_part **last = parent != NULL ? &parent->parts : &o->form;
    while (*last != NULL)
        last = &(*last)->next;
    *last = part;
    part->parent = parent;
}

static const char *last_word(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* Standard input that is no file is read now: its length is told before it is sent. */
static int set_file(tool_options *o, form_part *part, const char *path)
{
    body content = {0};
    uint64_t size;
    part->file = path;
    if (strcmp(path, "-") != 0)
        return EXIT_OK;
    part->begins_at = ftell(stdin);
    if (host_file_size(stdin, &size) && part->begins_at >= 0)
        return EXIT_OK;
    const char *why = body_add_file(&content, path, false);
    part->text = option_keep(o, content.size > 0 ? (char *)content.data : "", content.size);
    part->text_size = content.size;
    part->file = NULL;
    free(content.data);
    if (why != NULL)
        return option_fail(o, EXIT_READ, "%s", why);
    return part->text != NULL ? EXIT_OK : option_no_memory(o);
}

/* "@file;type=a/b,file": several become parts of one. */
static int take_files(tool_options *o, const char *value, form_part *whole)
{
    reader r = {.o = o, .at = value, .stop = ','};
    int code = EXIT_OK;
    for (bool more = true; more && code == EXIT_OK;) {
        const char *path;
        form_part *part = whole->is_multipart ? new_part(o) : whole;
        if (part == NULL)
            return option_no_memory(o);
        r.at++;
        code = take_content(&r, &path, part);
        more = *r.at == ',';
        if (code == EXIT_OK && more && part == whole) { /* it is the first of them */
            part = new_part(o);
            if (part == NULL)
                return option_no_memory(o);
            *part = *whole;
            *whole = (form_part){.is_multipart = true, .name = whole->name, .text = ""};
            part->name = NULL;
        }
        if (code == EXIT_OK && part->filename == NULL)
            part->filename = last_word(path);
        if (code == EXIT_OK)
            code = set_file(o, part, path);
        if (part != whole)
            add_part(o, whole, part);
    }
    return code;
}

static int take_file_text(tool_options *o, const char *value, form_part *part)
{
    reader r = {.o = o, .at = value + 1};
    const char *path;
    int code = take_content(&r, &path, part);
    part->filename = NULL; /* it would be a file */
    return code == EXIT_OK ? set_file(o, part, path) : code;
}

static int take_written(tool_options *o, const char *value, form_part *part)
{
    reader r = {.o = o, .at = value};
    const char *text;
    int code = take_content(&r, &text, part);
    part->text = text;
    part->text_size = code == EXIT_OK ? strlen(text) : 0;
    return code;
}

static int begin_parts(tool_options *o, const char *value, form_part *part)
{
    reader r = {.o = o, .at = value};
    const char *ignored;
    size_t depth = 1;
    for (const form_part *p = o->form_open; p != NULL; p = p->parent)
        depth++;
    if (depth > FORM_DEPTH)
        return option_fail(o, EXIT_USAGE, "-F has more than %d parts in each other", FORM_DEPTH);
    int code = take_content(&r, &ignored, part);
    part->is_multipart = true;
    part->filename = part->encoding = NULL;
    o->form_open = part;
    return code;
}

static int end_parts(tool_options *o)
{
    if (o->form_open == NULL)
        return option_fail(o, EXIT_USAGE, "-F \"=)\" ends parts that were not begun");
    o->form_open = o->form_open->parent;
    return EXIT_OK;
}

static int take_value(tool_options *o, const char *value, form_part *part)
{
    switch (*value) {
    case '@':
        return take_files(o, value, part);
    case '<':
        return take_file_text(o, value, part);
    case '(':
        return begin_parts(o, value, part);
    default:
        return take_written(o, value, part);
    }
}

/* name=, and what follows that. */
static int take_named(tool_options *o, const char *given, const char *text, form_part **part,
                      const char **value)
{
    *value = strchr(text, '=');
    if (*value == NULL)
        return option_fail(o, EXIT_USAGE, "%s is name=content, not \"%s\"", given, text);
    *part = new_part(o);
    char *name = option_keep(o, text, (size_t)(*value - text));
    if (*part == NULL || name == NULL)
        return option_no_memory(o);
    (*part)->name = name[0] != '\0' ? name : NULL;
    (*value)++;
    return EXIT_OK;
}

static int take_form(tool_options *o, const char *text)
{
    form_part *part, *parent = o->form_open;
    const char *value;
    if (strcmp(text, "=)") == 0)
        return end_parts(o);
    int code = take_named(o, "-F", text, &part, &value);
    if (code != EXIT_OK)
        return code;
    add_part(o, parent, part);
    return take_value(o, value, part);
}

static int take_string(tool_options *o, const char *text)
{
    form_part *part;
    const char *value;
    int code = take_named(o, "--form-string", text, &part, &value);
    if (code != EXIT_OK)
        return code;
    add_part(o, o->form_open, part);
    part->text = value;
    part->text_size = strlen(value);
    return EXIT_OK;
}

const option form_options[] = {
    {"form", 'F', KIND_CALL, GET, "NAME=CONTENT", CALL(take_form),
     "a part of multipart/form-data; @FILE,FILE, <FILE; ;type=, ;filename=, ;headers="},
    {"form-string", 0, KIND_CALL, GET, "NAME=TEXT", CALL(take_string),
     "likewise, and nothing in the text means anything"},
    {"form-escape", 0, KIND_FLAG, GET, NULL, AT(form_escape),
     "in names backslashes before quotes, not percent-encoding"},
    {.name = NULL},
};

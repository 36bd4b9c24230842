/* form.c - see form.h. What is not a file is put together beforehand, in one text; the form is a
 * list of pieces of that and of files. */
#include "form.h"

#include "body.h"
#include "form_encode.h"
#include "host.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define BOUNDARY_DASHES "------------------------"
#define BOUNDARY_SIZE (sizeof(BOUNDARY_DASHES) + 16)

typedef struct piece {
    char *file;           /* own memory; NULL: text */
    const char *encoding; /* all of it, when it is its turn; a literal. NULL: not at all */
    size_t text_at;
    uint64_t size;
    bool known;
    long begins_at; /* of standard input */
} piece;

struct form {
    char *type;
    body text;
    piece *pieces;
    size_t count;
    bool escapes;
    bool unsized; /* of what is encoded the length is told as curl tells it: not at all */
    /* Where it is read. */
    size_t at;
    uint64_t done; /* of the piece there */
    FILE *file;    /* of the piece there; NULL: not open */
    body encoded;  /* of the piece there, once it is */
    bool is_encoded;
    bool may_wait; /* for what is in a file: see host.h */
    char failure[256];
};

/* ---- pieces ---- */

static bool add_piece(form *f, const piece *p)
{
    piece *pieces = realloc(f->pieces, (f->count + 1) * sizeof(*pieces));
    if (pieces == NULL)
        return false;
    f->pieces = pieces;
    pieces[f->count++] = *p;
    return true;
}

static bool put(form *f, const void *data, size_t size)
{
    size_t at = f->text.size;
    if (!body_add(&f->text, data, size))
        return false;
    piece *last = f->count > 0 ? &f->pieces[f->count - 1] : NULL;
    if (last == NULL || last->file != NULL)
        return add_piece(f, &(piece){.text_at = at, .size = size, .known = true});
    last->size += size;
    return true;
}

static bool put_text(form *f, const char *text)
{
    return put(f, text, strlen(text));
}

static FILE *open_file(const char *path, long begins_at)
{
    if (strcmp(path, "-") != 0)
        return fopen(path, "rb");
    return fseek(stdin, begins_at, SEEK_SET) == 0 ? stdin : NULL;
}

static void close_file(FILE *file)
{
    if (file != NULL && file != stdin)
        fclose(file);
}

/* A thread may read it when the options are gone. */
static bool add_file(form *f, const form_part *part, piece p)
{
    p.file = strdup(part->file);
    if (p.file != NULL && add_piece(f, &p))
        return true;
    free(p.file);
    return false;
}

/* It is opened to be read when it is its turn: now it is seen whether that can be, unless who waits
 * on its other side would take that for it. */
static bool put_file(form *f, const form_part *part)
{
    piece p = {.begins_at = part->begins_at};
    if (host_may_wait(part->file)) {
        f->may_wait = true;
        return add_file(f, part, p);
    }
    FILE *file = open_file(part->file, part->begins_at);
    if (file == NULL) {
        int error = errno;
        snprintf(f->failure, sizeof(f->failure), "%s: %s", part->file, strerror(error));
        errno = error;
        return false;
    }
    p.known = host_file_size(file, &p.size);
    if (p.known && file == stdin)
        p.size = p.size > (uint64_t)p.begins_at ? p.size - (uint64_t)p.begins_at : 0;
    close_file(file);
    return add_file(f, part, p);
}

/* All of it at once: who needs it in a form does not have gigabytes. NULL, or what is wrong. */
static const char *encode_file(body *encoded, const char *encoding, FILE *file)
{
    body content = {0};
    const char *why = NULL;
    char buffer[16 * 1024];
    for (size_t got = 1; why == NULL && got > 0;) {
        got = fread(buffer, 1, sizeof(buffer), file);
        if (ferror(file))
            why = strerror(errno);
        else if (!body_add(&content, buffer, got))
            why = "more than 1 GiB, or no memory for it";
    }
    if (why == NULL)
        why = form_encode(encoded, encoding, content.data, content.size);
    free(content.data);
    return why;
}

static const char *encode_part(form *f, body *encoded, const form_part *part)
{
    uint64_t known;
    if (part->file == NULL)
        return form_encode(encoded, part->encoding, part->text, part->text_size);
    FILE *file = open_file(part->file, part->begins_at);
    if (file == NULL)
        return strerror(errno);
    f->unsized = f->unsized || !host_file_size(file, &known);
    const char *why = encode_file(encoded, part->encoding, file);
    close_file(file);
    return why;
}

static bool put_encoded(form *f, const form_part *part)
{
    body encoded = {0};
    if (part->file != NULL && host_may_wait(part->file)) {
        f->may_wait = true;
        return add_file(f, part, (piece){.encoding = part->encoding});
    }
    f->unsized = f->unsized || strcmp(part->encoding, "quoted-printable") == 0;
    const char *why = encode_part(f, &encoded, part);
    bool good = why == NULL && put(f, encoded.data, encoded.size);
    if (why != NULL)
        snprintf(f->failure, sizeof(f->failure), "%s: %s",
                 part->file != NULL ? part->file : "a part of the form", why);
    if (why != NULL && errno == 0)
        errno = EINVAL;
    free(encoded.data);
    return good;
}

/* ---- headers ---- */

static const char *line_value(const form_part *part, const char *name)
{
    size_t size = strlen(name);
    for (const form_line *l = part->lines; l != NULL; l = l->next) {
        if (strncasecmp(l->text, name, size) == 0 && l->text[size] == ':')
            return l->text + size + 1 + strspn(l->text + size + 1, " ");
    }
    return NULL;
}

static const char *guess_by(const char *name)
{
    static const char *const types[][2] = {
        {".gif", "image/gif"},       {".jpg", "image/jpeg"}, {".jpeg", "image/jpeg"},
        {".png", "image/png"},       {".txt", "text/plain"}, {".htm", "text/html"},
        {".svg", "image/svg+xml"},   {".html", "text/html"}, {".pdf", "application/pdf"},
        {".xml", "application/xml"},
    };
    size_t size = name != NULL ? strlen(name) : 0;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        size_t end = strlen(types[i][0]);
        if (size >= end && strcasecmp(name + size - end, types[i][0]) == 0)
            return types[i][1];
    }
    return NULL;
}

/* curl's guesses: by the name that is told, by the file's, and that a file with a name is bytes.
 * Plain text is the default where no file is named (RFC 7578, 4.4). */
static const char *guess_type(const form_part *part)
{
    if (part->is_multipart)
        return "multipart/mixed";
    const char *type = guess_by(part->filename);
    if (type == NULL)
        type = guess_by(part->file);
    if (type == NULL && part->file != NULL && part->filename != NULL)
        type = strcmp(part->file, "-") != 0 ? "application/octet-stream" : NULL;
    return type != NULL && part->filename == NULL && strcmp(type, "text/plain") == 0 ? NULL : type;
}

/* In quotes. As browsers do it, or with backslashes; a line end never stands there as it is. */
static bool put_quoted(form *f, const char *label, const char *text)
{
    bool good = text == NULL || (put_text(f, label) && put_text(f, "=\""));
    for (; good && text != NULL && *text != '\0'; text++) {
        if (*text == '"')
            good = put_text(f, f->escapes ? "\\\"" : "%22");
        else if (*text == '\r' || *text == '\n')
            good = put_text(f, *text == '\r' ? "%0D" : "%0A");
        else
            good = (!f->escapes || *text != '\\' || put_text(f, "\\")) && put(f, text, 1);
    }
    return good && (text == NULL || put_text(f, "\""));
}

static bool put_disposition(form *f, const form_part *part, const char *disposition)
{
    bool named = part->name != NULL || part->filename != NULL;
    if (line_value(part, "Content-Disposition") != NULL || (disposition == NULL && !named))
        return true;
    return put_text(f, "Content-Disposition: ") &&
           put_text(f, disposition != NULL ? disposition : "attachment") &&
           put_quoted(f, "; name", part->name) && put_quoted(f, "; filename", part->filename) &&
           put_text(f, "\r\n");
}

static bool put_lines(form *f, const form_part *part)
{
    bool good = true;
    for (const form_line *l = part->lines; good && l != NULL; l = l->next) {
        if (strncasecmp(l->text, "Content-Type:", 13) != 0)
            good = put_text(f, l->text) && put_text(f, "\r\n");
    }
    return good;
}

static bool put_type(form *f, const char *type, const char *boundary)
{
    if (type == NULL)
        return true;
    return put_text(f, "Content-Type: ") && put_text(f, type) &&
           (boundary == NULL || (put_text(f, "; boundary=") && put_text(f, boundary))) &&
           put_text(f, "\r\n");
}

static bool put_encoding(form *f, const form_part *part)
{
    if (part->encoding == NULL || line_value(part, "Content-Transfer-Encoding") != NULL)
        return true;
    return put_text(f, "Content-Transfer-Encoding: ") && put_text(f, part->encoding) &&
           put_text(f, "\r\n");
}

/* ---- parts ---- */

/* Nobody who chooses what is in a file can guess it. */
static bool make_boundary(char *boundary)
{
    uint8_t bytes[8];
    if (!host_random(bytes, sizeof(bytes)))
        return false;
    char *at = boundary + snprintf(boundary, BOUNDARY_SIZE, BOUNDARY_DASHES);
    for (size_t i = 0; i < sizeof(bytes); i++)
        at += snprintf(at, 3, "%02x", bytes[i]);
    return true;
}

static bool is_form_data(const char *type)
{
    size_t size = strlen("multipart/form-data");
    return strncasecmp(type, "multipart/form-data", size) == 0 &&
           strchr("; \t\r\n", type[size]) != NULL;
}

static bool put_parts(form *f, const form_part *first, const char *type, const char *boundary);

static bool put_content(form *f, const form_part *part, const char *type, const char *boundary)
{
    if (part->is_multipart)
        return put_parts(f, part->parts, type, boundary);
    if (part->encoding != NULL && strcmp(part->encoding, "binary") != 0 &&
        strcmp(part->encoding, "8bit") != 0)
        return put_encoded(f, part);
    return part->file != NULL ? put_file(f, part) : put(f, part->text, part->text_size);
}

static bool put_part(form *f, const form_part *part, const char *disposition)
{
    char boundary[BOUNDARY_SIZE];
    const char *type = part->type != NULL ? part->type : line_value(part, "Content-Type");
    if (type == NULL)
        type = guess_type(part);
    if (part->is_multipart && !make_boundary(boundary))
        return false;
    return put_disposition(f, part, disposition) &&
           put_type(f, type, part->is_multipart ? boundary : NULL) && put_encoding(f, part) &&
           put_lines(f, part) && put_text(f, "\r\n") && put_content(f, part, type, boundary) &&
           put_text(f, "\r\n");
}

/* Options limit how deep parts are in each other. */
static bool put_parts(form *f, const form_part *first, const char *type, const char *boundary)
{
    const char *disposition = is_form_data(type) ? "form-data" : NULL;
    bool good = true;
    for (const form_part *part = first; good && part != NULL; part = part->next)
        good = put_text(f, "--") && put_text(f, boundary) && put_text(f, "\r\n") &&
               put_part(f, part, disposition);
    return good && put_text(f, "--") && put_text(f, boundary) && put_text(f, "--\r\n");
}

/* ---- the whole ---- */

static bool compose(form *f, const form_part *parts, const char *type)
{
    char boundary[BOUNDARY_SIZE];
    static const char between[] = "; boundary=";
    size_t room = strlen(type) + sizeof(between) + BOUNDARY_SIZE;
    f->type = malloc(room);
    if (f->type == NULL || !make_boundary(boundary))
        return false;
    snprintf(f->type, room, "%s%s%s", type, between, boundary);
    return put_parts(f, parts, type, boundary);
}

static void close_piece(form *f)
{
    close_file(f->file);
    free(f->encoded.data);
    f->file = NULL;
    f->encoded = (body){0};
    f->is_encoded = false;
    f->done = 0;
}

form *form_open(const form_part *parts, const char *type, bool escapes, char *why, size_t size)
{
    form *f = calloc(1, sizeof(*f));
    if (f != NULL) {
        f->escapes = escapes;
        if (compose(f, parts, type != NULL ? type : "multipart/form-data"))
            return f;
    }
    bool of_file = f != NULL && f->failure[0] != '\0';
    int error = of_file ? errno : 0;
    snprintf(why, size, "%s", of_file ? f->failure : "out of memory");
    form_close(f);
    errno = error;
    return NULL;
}

void form_close(form *f)
{
    if (f == NULL)
        return;
    close_piece(f);
    for (size_t i = 0; i < f->count; i++)
        free(f->pieces[i].file);
    free(f->type);
    free(f->text.data);
    free(f->pieces);
    free(f);
}

const char *form_type(const form *f)
{
    return f->type;
}

bool form_size(const form *f, uint64_t *size)
{
    *size = 0;
    if (f->unsized)
        return false;
    for (size_t i = 0; i < f->count; i++) {
        if (!f->pieces[i].known || f->pieces[i].size > UINT64_MAX - *size)
            return false;
        *size += f->pieces[i].size;
    }
    return true;
}

static void next_piece(form *f)
{
    close_piece(f);
    f->at++;
}

static size_t fail(form *f, const char *path, const char *what, const char **why)
{
    snprintf(f->failure, sizeof(f->failure), "%s: %s", path, what);
    *why = f->failure;
    return 0;
}

static bool open_piece(form *f, const piece *p)
{
    if (f->file == NULL)
        f->file = strcmp(p->file, "-") == 0 ? stdin : fopen(p->file, "rb");
    return f->file != NULL;
}

/* Several forms may read standard input, each from a thread of its own. */
static size_t read_known(form *f, const piece *p, void *out, size_t size, bool *failed)
{
    if (f->file == stdin)
        return host_read_input(out, size, (uint64_t)p->begins_at + f->done, failed);
    size_t got = fread(out, 1, size, f->file);
    *failed = ferror(f->file) != 0;
    return got;
}

/* Of what may wait. 0: that was all, or *why. */
static size_t read_encoded(form *f, const piece *p, void *out, size_t size, const char **why)
{
    const char *wrong = NULL;
    if (!f->is_encoded)
        wrong = encode_file(&f->encoded, p->encoding, f->file);
    if (wrong != NULL)
        return fail(f, p->file, wrong, why);
    f->is_encoded = true;
    size_t left = f->encoded.size - (size_t)f->done;
    size_t got = size < left ? size : left;
    if (got > 0)
        memcpy(out, f->encoded.data + f->done, got);
    return got;
}

/* A file is as long as it was when that was told; of one whose length is not known comes what there
 * is. 0: it has ended, or *why. */
static size_t read_file(form *f, const piece *p, void *out, size_t size, const char **why)
{
    if (!open_piece(f, p))
        return fail(f, p->file, strerror(errno), why);
    if (p->encoding != NULL)
        return read_encoded(f, p, out, size, why);
    if (!p->known) {
        ssize_t got = read(fileno(f->file), out, (unsigned)(size < INT_MAX ? size : INT_MAX));
        return got >= 0 ? (size_t)got : fail(f, p->file, strerror(errno), why);
    }
    if (size > p->size - f->done)
        size = (size_t)(p->size - f->done);
    bool failed;
    size_t got = read_known(f, p, out, size, &failed);
    if (failed)
        return fail(f, p->file, strerror(errno), why);
    if (got < size)
        return fail(f, p->file, "it became shorter while it was read", why);
    return got;
}

bool form_may_wait(const form *f)
{
    return f->may_wait;
}

/* What came of a file that may wait is given at once. */
size_t form_read(form *f, void *out, size_t size, const char **why)
{
    size_t filled = 0;
    bool waits = false;
    *why = NULL;
    while (filled < size && f->at < f->count && *why == NULL && !waits) {
        const piece *p = &f->pieces[f->at];
        uint8_t *to = (uint8_t *)out + filled;
        uint64_t left = p->size - f->done;
        size_t room = size - filled, got = room < left ? room : (size_t)left;
        if (filled > 0 && p->file != NULL && !p->known)
            break;
        if (p->file == NULL)
            memcpy(to, f->text.data + p->text_at + f->done, got);
        else
            got = read_file(f, p, to, room, why);
        filled += got;
        f->done += got;
        waits = p->file != NULL && !p->known && got > 0;
        if (*why == NULL && (p->known ? f->done == p->size : got == 0))
            next_piece(f);
    }
    return *why == NULL ? filled : 0;
}

void form_rewind(form *f)
{
    close_piece(f);
    f->at = 0;
}

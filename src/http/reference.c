/* reference.c - see reference.h. The result may be wrong in its authority only, which is copied as
 * it is: parsing it finds out, with the messages of url.c. */
#include "http/reference.h"

#include "base/error.h"
#include "http/headers.h"
#include <ringport/url.h>

#include <string.h>

typedef struct piece {
    const char *text; /* NULL: it is not there, which is not the same as empty */
    size_t size;
} piece;

/* RFC 3986, 3: each without what sets it off from the others. */
typedef struct parts {
    piece scheme, authority, path, query, fragment;
} parts;

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The scheme's size; 0: there is none. */
static size_t scheme_size(const char *text, size_t size)
{
    size_t end = 0;
    while (end < size && (is_letter(text[end]) ||
                          (end > 0 && ((text[end] >= '0' && text[end] <= '9') || text[end] == '+' ||
                                       text[end] == '-' || text[end] == '.'))))
        end++;
    return end < size && text[end] == ':' ? end : 0;
}

/* Cuts off what comes behind the mark. */
static piece cut_behind(const char *text, size_t *size, char mark)
{
    const char *at = memchr(text, mark, *size);
    if (at == NULL)
        return (piece){NULL, 0};
    piece cut = {at + 1, *size - (size_t)(at + 1 - text)};
    *size = (size_t)(at - text);
    return cut;
}

static parts split(const char *text, size_t size)
{
    parts p = {.scheme = {NULL, 0}};
    size_t scheme = scheme_size(text, size);
    if (scheme > 0) {
        p.scheme = (piece){text, scheme};
        text += scheme + 1;
        size -= scheme + 1;
    }
    p.fragment = cut_behind(text, &size, '#');
    p.query = cut_behind(text, &size, '?');
    if (size >= 2 && text[0] == '/' && text[1] == '/') {
        const char *path = memchr(text + 2, '/', size - 2);
        size_t authority = path != NULL ? (size_t)(path - text) : size;
        p.authority = (piece){text + 2, authority - 2};
        text += authority;
        size -= authority;
    }
    p.path = (piece){text, size};
    return p;
}

/* ---- putting it together ---- */

typedef struct writer {
    char *text;
    size_t size;
} writer;

static void put(writer *w, const char *text, size_t size)
{
    memcpy(w->text + w->size, text, size);
    w->size += size;
}

static void put_encoded(writer *w, piece p)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < p.size; i++) {
        unsigned char c = (unsigned char)p.text[i];
        char encoded[3] = {'%', digits[c >> 4], digits[c & 15]};
        if (c > 0x20 && c < 0x7f)
            put(w, p.text + i, 1);
        else
            put(w, encoded, 3);
    }
}

static bool is_segment(piece segment, const char *dots)
{
    return segment.size == strlen(dots) && memcmp(segment.text, dots, segment.size) == 0;
}

/* RFC 3986, 5.2.4, segment by segment, in place: what is kept is never longer. A path that ends in
 * a dot segment ends in a slash. */
static void remove_dots(writer *w, size_t path_at)
{
    char *path = w->text + path_at;
    size_t end = w->size - path_at, kept = 0;
    for (size_t at = 0; at < end;) {
        size_t begin = at + (path[at] == '/');
        const char *slash = memchr(path + begin, '/', end - begin);
        size_t next = slash != NULL ? (size_t)(slash - path) : end;
        piece segment = {path + begin, next - begin};
        bool up = is_segment(segment, "..");
        if (up || is_segment(segment, ".")) {
            while (up && kept > 0 && path[--kept] != '/')
                continue;
            if (next == end)
                path[kept++] = '/';
        } else {
            memmove(path + kept, path + at, next - at);
            kept += next - at;
        }
        at = next;
    }
    w->size = path_at + kept;
}

/* RFC 3986, 5.2.3 */
static void put_merged(writer *w, piece base, piece reference)
{
    size_t directory = base.size;
    while (directory > 0 && base.text[directory - 1] != '/')
        directory--;
    if (directory > 0)
        put(w, base.text, directory);
    else
        put(w, "/", 1);
    put_encoded(w, reference);
}

static void put_path(writer *w, const parts *base, const parts *reference)
{
    size_t path_at = w->size;
    piece path = reference->path;
    bool whole = reference->authority.text != NULL;
    if (path.size == 0 && !whole) {
        put(w, base->path.text, base->path.size);
        return;
    }
    if (whole || path.text[0] == '/')
        put_encoded(w, path);
    else
        put_merged(w, base->path, path);
    remove_dots(w, path_at);
}

static void put_marked(writer *w, const char *mark, piece p)
{
    if (p.text == NULL)
        return;
    put(w, mark, 1);
    put_encoded(w, p);
}

static void join(writer *w, const parts *base, const parts *reference)
{
    piece scheme = reference->scheme.text != NULL ? reference->scheme : base->scheme;
    bool whole = reference->authority.text != NULL;
    piece authority = whole ? reference->authority : base->authority;
    bool same_document = !whole && reference->path.size == 0;
    put(w, scheme.text, scheme.size);
    put(w, "://", 3);
    put(w, authority.text, authority.size);
    put_path(w, base, reference);
    put_marked(w, "?",
               same_document && reference->query.text == NULL ? base->query : reference->query);
    put_marked(w, "#", reference->fragment.text != NULL ? reference->fragment : base->fragment);
}

/* ---- checks ---- */

static rp_status check(const char *text, size_t size, const parts *p, rp_error *error)
{
    if (size > RP_URL_LIMIT)
        return rp__error_set(error, RP_E_BAD_URL, RP_PHASE_NONE, "the URL is longer than 64 KiB");
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return rp__error_set(error, RP_E_BAD_URL, RP_PHASE_NONE,
                                 "the URL has a control character (0x%02x) at position %zu",
                                 (unsigned)(unsigned char)text[i], i);
    }
    if (p->scheme.text == NULL)
        return RP_OK;
    if (!rp__name_equal(p->scheme.text, p->scheme.size, "http") &&
        !rp__name_equal(p->scheme.text, p->scheme.size, "https"))
        return rp__error_set(error, RP_E_UNSUPPORTED, RP_PHASE_NONE,
                             "the URL's scheme \"%.*s\" is neither http nor https",
                             (int)(p->scheme.size < 40 ? p->scheme.size : 40), p->scheme.text);
    if (p->authority.text == NULL)
        return rp__error_set(error, RP_E_BAD_URL, RP_PHASE_NONE,
                             "the URL lacks the // after its scheme");
    return RP_OK;
}

rp_status rp__reference_resolve(char *text, rp_url *url, const char *base, const char *reference,
                                rp_error *error)
{
    size_t size;
    writer w = {.text = text};
    reference += strspn(reference, " \t");
    size = strlen(reference);
    while (size > 0 && (reference[size - 1] == ' ' || reference[size - 1] == '\t'))
        size--;
    parts from = split(base, strlen(base)), to = split(reference, size);
    text[0] = '\0';
    rp_status status = check(reference, size, &to, error);
    if (status != RP_OK)
        return status;
    join(&w, &from, &to);
    text[w.size] = '\0';
    return rp__url_parse(url, text, w.size, error);
}

rp_status rp_url_join(char *text, size_t size, const char *base, const char *reference,
                      rp_error *error)
{
    rp_url url;
    if (size < rp__reference_bound(strlen(base), strlen(reference)))
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                             "%zu bytes may not be enough for the URL", size);
    rp_status status = rp__url_parse(&url, base, strlen(base), error);
    return status != RP_OK ? status : rp__reference_resolve(text, &url, base, reference, error);
}

/* glob.c - see glob.h. What is wrong is said in curl's words. */
#include "glob.h"

#include "body.h"
#include "exit_code.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the parsing stands, and what is to be said if it fails. */
typedef struct reader {
    glob *glob;
    const char *url, *at;
    char *message;
    size_t size;
} reader;

static int fail(const reader *r, const char *what, const char *where)
{
    snprintf(r->message, r->size, "%s in URL position %zu", what, (size_t)(where - r->url) + 1);
    return EXIT_URL;
}

static int no_memory(const reader *r)
{
    snprintf(r->message, r->size, "out of memory");
    return EXIT_MEMORY;
}

/* Ends a text: NULL, no memory. */
static char *take(body *b)
{
    if (body_add(b, "", 1))
        return (char *)b->data;
    free(b->data);
    return NULL;
}

static bool is_escaped(const char *at)
{
    return at[0] == '\\' && at[1] != '\0' && strchr("{}[]", at[1]) != NULL;
}

/* "[2001:db8::1]" is a host, and "[]" stands in many a query. */
static size_t address_size(const char *at)
{
    size_t size = 1 + strspn(at + 1, "0123456789abcdefABCDEF:.");
    size_t colons = 0;
    if (at[size] == '%')
        size += strcspn(at + size, "]");
    for (size_t i = 0; i < size; i++)
        colons += at[i] == ':';
    return at[size] == ']' && (colons >= 2 || size == 1) ? size + 1 : 0;
}

static glob_pattern *add_pattern(reader *r)
{
    glob *g = r->glob;
    return g->pattern_count < GLOB_PATTERNS ? &g->patterns[g->pattern_count++] : NULL;
}

static bool add_word(glob_pattern *p, char *word)
{
    char **words = realloc(p->words, (p->count + 1) * sizeof(*words));
    if (words == NULL)
        return false;
    p->words = words;
    words[p->count++] = word;
    return true;
}

static int read_word(reader *r, glob_pattern *p, const char *open)
{
    body word = {0};
    for (; *r->at != ',' && *r->at != '}'; r->at++) {
        const char *wrong = *r->at == '\0'                   ? "unmatched brace"
                            : *r->at == '{' || *r->at == '[' ? "nested brace"
                            : *r->at == ']'                  ? "unexpected close bracket"
                                                             : NULL;
        if (wrong != NULL) {
            free(word.data);
            return fail(r, wrong, *r->at == '\0' ? open : r->at);
        }
        r->at += r->at[0] == '\\' && r->at[1] != '\0'; /* before anything, as with curl */
        if (!body_add(&word, r->at, 1)) {
            free(word.data);
            return no_memory(r);
        }
    }
    char *text = take(&word);
    if (text == NULL || !add_word(p, text)) {
        free(text);
        return no_memory(r);
    }
    return EXIT_OK;
}

static int read_set(reader *r)
{
    const char *open = r->at;
    glob_pattern *p = add_pattern(r);
    if (p == NULL)
        return fail(r, "too many globs", open);
    if (r->at[1] == '}')
        return fail(r, "empty string within braces", r->at + 1);
    do {
        r->at++;
        int code = read_word(r, p, open);
        if (code != EXIT_OK)
            return code;
    } while (*r->at == ',');
    r->at++;
    p->last = p->count - 1;
    p->step = 1;
    return EXIT_OK;
}

static bool read_number(reader *r, uint64_t *number)
{
    const char *begin = r->at;
    for (*number = 0; isdigit((unsigned char)*r->at); r->at++) {
        if (*number > (INT64_MAX - 9) / 10)
            return false;
        *number = *number * 10 + (uint64_t)(*r->at - '0');
    }
    return r->at > begin;
}

static bool read_bounds(reader *r, glob_pattern *p)
{
    const char *begin = r->at;
    if (isalpha((unsigned char)r->at[0]) && r->at[1] == '-' && isalpha((unsigned char)r->at[2])) {
        p->letters = true;
        p->first = (unsigned char)r->at[0];
        p->last = (unsigned char)r->at[2];
        r->at += 3;
        return true;
    }
    if (!read_number(r, &p->first))
        return false;
    p->width = *begin == '0' ? (int)(r->at - begin) : 0;
    return *r->at++ == '-' && read_number(r, &p->last) && p->width < 64;
}

static int read_range(reader *r)
{
    const char *open = r->at++;
    glob_pattern *p = add_pattern(r);
    if (p == NULL)
        return fail(r, "too many globs", open);
    p->step = 1;
    bool good = read_bounds(r, p);
    if (good && *r->at == ':') {
        r->at++;
        good = read_number(r, &p->step) && p->step > 0;
    }
    if (!good || *r->at != ']' || p->first > p->last ||
        (p->first < p->last && p->step > p->last - p->first) ||
        (p->letters && p->last - p->first > 'z' - 'a'))
        return fail(r, "bad range", r->at);
    r->at++;
    p->now = p->first;
    return EXIT_OK;
}

/* Up to the next pattern, or the end. */
static int read_text(reader *r, bool literal)
{
    body text = {0};
    int code = EXIT_OK;
    while (*r->at != '\0' && code == EXIT_OK) {
        size_t size = 1;
        if (!literal && *r->at == '[')
            size = address_size(r->at);
        else if (!literal && *r->at == '{')
            size = 0;
        else if (!literal && (*r->at == '}' || *r->at == ']'))
            code = fail(r, "unmatched close brace/bracket", r->at);
        else if (!literal)
            r->at += is_escaped(r->at);
        if (size == 0)
            break;
        if (code == EXIT_OK && !body_add(&text, r->at, size))
            code = no_memory(r);
        r->at += size;
    }
    char *whole = take(&text);
    r->glob->texts[r->glob->pattern_count] = whole;
    return code == EXIT_OK && whole == NULL ? no_memory(r) : code;
}

static uint64_t choices(const glob_pattern *p)
{
    return (p->last - p->first) / p->step + 1;
}

static int check_count(const reader *r)
{
    uint64_t count = 1;
    for (size_t i = 0; i < r->glob->pattern_count; i++) {
        uint64_t more = choices(&r->glob->patterns[i]);
        if (more > GLOB_URLS / count)
            return fail(r, "range overflow", r->at);
        count *= more;
    }
    return EXIT_OK;
}

int glob_parse(glob *g, const char *url, bool literal, char *message, size_t size)
{
    reader r = {g, url, url, message, size};
    memset(g, 0, sizeof(*g));
    int code = read_text(&r, literal);
    while (code == EXIT_OK && *r.at != '\0') {
        code = *r.at == '{' ? read_set(&r) : read_range(&r);
        if (code == EXIT_OK)
            code = read_text(&r, literal);
    }
    return code == EXIT_OK ? check_count(&r) : code;
}

void glob_free(glob *g)
{
    for (size_t i = 0; i <= g->pattern_count; i++)
        free(g->texts[i]);
    for (size_t i = 0; i < g->pattern_count; i++) {
        glob_pattern *p = &g->patterns[i];
        for (uint64_t j = 0; p->words != NULL && j < p->count; j++)
            free(p->words[j]);
        free(p->words);
    }
    memset(g, 0, sizeof(*g));
}

static bool add_choice(body *b, const glob_pattern *p)
{
    char text[80];
    if (p->words != NULL)
        return body_add(b, p->words[p->now], strlen(p->words[p->now]));
    if (p->letters)
        snprintf(text, sizeof(text), "%c", (char)p->now);
    else
        snprintf(text, sizeof(text), "%0*llu", p->width, (unsigned long long)p->now);
    return body_add(b, text, strlen(text));
}

char *glob_url(const glob *g)
{
    body url = {0};
    bool good = body_add(&url, g->texts[0], strlen(g->texts[0]));
    for (size_t i = 0; good && i < g->pattern_count; i++)
        good = add_choice(&url, &g->patterns[i]) &&
               body_add(&url, g->texts[i + 1], strlen(g->texts[i + 1]));
    if (good)
        return take(&url);
    free(url.data);
    return NULL;
}

char *glob_output(const glob *g, const char *pattern)
{
    body output = {0};
    bool good = true;
    while (good && *pattern != '\0') {
        size_t digits = pattern[0] == '#' ? strspn(pattern + 1, "0123456789") : 0;
        unsigned long which = digits > 0 && digits < 5 ? strtoul(pattern + 1, NULL, 10) : 0;
        if (which > 0 && which <= g->pattern_count) {
            good = add_choice(&output, &g->patterns[which - 1]);
            pattern += 1 + digits;
        } else {
            good = body_add(&output, pattern++, 1);
        }
    }
    if (good)
        return take(&output);
    free(output.data);
    return NULL;
}

bool glob_next(glob *g)
{
    for (size_t i = g->pattern_count; i > 0; i--) {
        glob_pattern *p = &g->patterns[i - 1];
        if (p->last - p->now >= p->step) {
            p->now += p->step;
            return true;
        }
        p->now = p->first;
    }
    return false;
}

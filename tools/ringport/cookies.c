/* cookies.c - see cookies.h; sections are RFC 6265's. */
#include "cookies.h"

#include "body.h"
#include "date.h"
#include "public_suffix.h"
#include "url.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HOST_LIMIT 256
#define FOREVER (INT64_MAX / 2)

/* What a URL says of the cookies that belong to it. */
typedef struct place {
    char host[HOST_LIMIT]; /* lower case, without brackets */
    const char *path;
    size_t path_size;
    bool secure; /* https, or this machine, as curl has it */
} place;

/* ---- Places ---- */

static bool is_address(const char *host)
{
    size_t digits = strspn(host, "0123456789.");
    return host[digits] == '\0' || strchr(host, ':') != NULL;
}

static bool is_local(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 ||
           strcmp(host, "::1") == 0;
}

/* False: a host that is too long for any cookie. */
static bool find_place(place *p, const char *url)
{
    const char *authority;
    size_t size = url_authority(url, &authority), host = 0;
    p->path = authority + size;
    p->path_size = strcspn(p->path, "?#");
    if (p->path_size == 0) {
        p->path = "/";
        p->path_size = 1;
    }
    if (size > 0 && authority[0] == '[') {
        authority++;
        host = strcspn(authority, "]/");
    } else {
        while (host < size && authority[host] != ':')
            host++;
    }
    if (host >= sizeof(p->host))
        return false;
    for (size_t i = 0; i < host; i++)
        p->host[i] = (char)tolower((unsigned char)authority[i]);
    if (host > 0 && p->host[host - 1] == '.')
        host--;
    p->host[host] = '\0';
    p->secure = strncasecmp(url, "https:", 6) == 0 || is_local(p->host);
    return true;
}

/* 5.1.3: host is domain, or below it. */
static bool is_below(const char *host, const char *domain)
{
    size_t host_size = strlen(host), size = strlen(domain);
    if (host_size < size || strcmp(host + host_size - size, domain) != 0)
        return false;
    return host_size == size || (host[host_size - size - 1] == '.' && !is_address(host));
}

/* 5.1.4 */
static bool path_matches(const char *path, size_t path_size, const char *cookie_path)
{
    size_t size = strlen(cookie_path);
    return path_size >= size && memcmp(path, cookie_path, size) == 0 &&
           (path_size == size || cookie_path[size - 1] == '/' || path[size] == '/');
}

/* ---- The jar ---- */

static void free_cookie(cookie *c)
{
    free(c->name);
    free(c->value);
    free(c->domain);
    free(c->path);
}

static void remove_cookie(cookie_jar *jar, size_t i)
{
    free_cookie(&jar->cookies[i]);
    memmove(&jar->cookies[i], &jar->cookies[i + 1], (jar->count - i - 1) * sizeof(*jar->cookies));
    jar->count--;
}

void cookies_free(cookie_jar *jar)
{
    while (jar->count > 0)
        free_cookie(&jar->cookies[--jar->count]);
    free(jar->cookies);
    memset(jar, 0, sizeof(*jar));
}

static bool is_over(const cookie *c, int64_t now)
{
    return c->expires != 0 && c->expires <= now;
}

/* rfc6265bis, 5.7, 23 */
static bool same(const cookie *a, const cookie *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->domain, b->domain) == 0 &&
           a->host_only == b->host_only && strcmp(a->path, b->path) == 0;
}

/* Makes room: the oldest goes, of the domain first. They stand in the order of their making. */
static void evict(cookie_jar *jar, const char *domain)
{
    size_t of_domain = 0, first = 0;
    for (size_t i = jar->count; i > 0; i--) {
        if (strcmp(jar->cookies[i - 1].domain, domain) == 0) {
            of_domain++;
            first = i - 1;
        }
    }
    if (of_domain >= COOKIES_OF_DOMAIN_LIMIT)
        remove_cookie(jar, first);
    else if (jar->count >= COOKIES_LIMIT)
        remove_cookie(jar, 0);
}

/* Takes what c has over, in any case. */
static bool store(cookie_jar *jar, cookie *c, int64_t now)
{
    for (size_t i = 0; i < jar->count; i++) {
        cookie *old = &jar->cookies[i];
        if (!same(old, c))
            continue;
        c->number = old->number;
        free_cookie(old);
        *old = *c;
        if (is_over(c, now))
            remove_cookie(jar, i);
        return true;
    }
    if (is_over(c, now)) {
        free_cookie(c);
        return true;
    }
    evict(jar, c->domain);
    if (jar->count == jar->capacity) {
        size_t capacity = jar->capacity > 0 ? 2 * jar->capacity : 16;
        cookie *more = realloc(jar->cookies, capacity * sizeof(*more));
        if (more == NULL) {
            free_cookie(c);
            return false;
        }
        jar->cookies = more;
        jar->capacity = capacity;
    }
    c->number = ++jar->made;
    jar->cookies[jar->count++] = *c;
    return true;
}

/* ---- Set-Cookie, 5.2 ---- */

typedef struct text {
    const char *data;
    size_t size;
} text;

static text trim(const char *data, size_t size)
{
    while (size > 0 && (*data == ' ' || *data == '\t')) {
        data++;
        size--;
    }
    while (size > 0 && (data[size - 1] == ' ' || data[size - 1] == '\t'))
        size--;
    return (text){data, size};
}

static bool is_word(text t, const char *word)
{
    return strlen(word) == t.size && strncasecmp(t.data, word, t.size) == 0;
}

static char *copy(text t)
{
    char *whole = malloc(t.size + 1);
    if (whole == NULL)
        return NULL;
    memcpy(whole, t.data, t.size);
    whole[t.size] = '\0';
    return whole;
}

static bool has_controls(text t)
{
    for (size_t i = 0; i < t.size; i++) {
        if ((unsigned char)t.data[i] < 0x20 || t.data[i] == 0x7f)
            return true;
    }
    return false;
}

/* What the attributes of a header say. */
typedef struct attributes {
    text domain, path; /* size 0: none */
    int64_t expires, max_age_end;
    bool secure, http_only, has_max_age;
} attributes;

static void read_max_age(attributes *a, text value, int64_t now)
{
    bool negative = value.size > 0 && value.data[0] == '-';
    int64_t seconds = 0;
    size_t i = negative ? 1 : 0;
    if (i == value.size)
        return;
    for (; i < value.size; i++) {
        if (!isdigit((unsigned char)value.data[i]))
            return;
        if (seconds < FOREVER / 100)
            seconds = seconds * 10 + (value.data[i] - '0');
    }
    a->has_max_age = true;
    a->max_age_end = negative || seconds == 0 ? 1 : now + seconds;
}

static void read_expires(attributes *a, text value)
{
    char date[64];
    int64_t time;
    if (value.size >= sizeof(date))
        return;
    memcpy(date, value.data, value.size);
    date[value.size] = '\0';
    if (date_parse(date, &time))
        a->expires = time > 1 ? time : 1;
}

static void read_attribute(attributes *a, text part, int64_t now)
{
    const char *equal = part.size > 0 ? memchr(part.data, '=', part.size) : NULL;
    size_t size = equal != NULL ? (size_t)(equal - part.data) : part.size;
    text name = trim(part.data, size), value = {"", 0};
    if (equal != NULL)
        value = trim(equal + 1, part.size - size - 1);
    if (value.size > COOKIE_ATTRIBUTE_LIMIT)
        return;
    if (is_word(name, "expires"))
        read_expires(a, value);
    else if (is_word(name, "max-age"))
        read_max_age(a, value, now);
    else if (is_word(name, "domain"))
        a->domain = value;
    else if (is_word(name, "path"))
        a->path = value;
    else if (is_word(name, "secure"))
        a->secure = true;
    else if (is_word(name, "httponly"))
        a->http_only = true;
}

static attributes read_attributes(const char *at, int64_t now)
{
    attributes a = {.expires = 0};
    while (*at == ';') {
        size_t size = strcspn(++at, ";");
        read_attribute(&a, trim(at, size), now);
        at += size;
    }
    if (a.has_max_age)
        a.expires = a.max_age_end;
    return a;
}

/* 5.3, 4 to 6. False: the host may not. Of a file no host is known, and it says whose they are. */
static bool set_domain(cookie *c, const place *p, text domain)
{
    bool of_file = p->host[0] == '\0' && domain.size > 0;
    for (bool dot = true; dot && domain.size > 0 && domain.data[0] == '.'; dot = of_file)
        domain = (text){domain.data + 1, domain.size - 1};
    c->host_only = domain.size == 0;
    if (c->host_only)
        domain = (text){p->host, strlen(p->host)};
    c->domain = copy(domain);
    if (c->domain == NULL)
        return false;
    for (char *at = c->domain; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    if (of_file && (c->host_only || domain.size >= HOST_LIMIT || has_controls(domain)))
        return false;
    if (of_file || strcmp(c->domain, p->host) == 0) {
        c->host_only = c->host_only || is_address(c->domain) || is_public_suffix(c->domain);
        return true;
    }
    return is_below(p->host, c->domain) && !is_public_suffix(c->domain);
}

/* 5.1.4: up to the last slash of the URL's path, unless it says something better. */
static char *path_of(const place *p, text path)
{
    size_t size = p->path_size;
    if (path.size > 0 && path.data[0] == '/')
        return copy(path);
    while (size > 1 && p->path[size - 1] != '/')
        size--;
    return size > 1 ? copy((text){p->path, size - 1}) : copy((text){"/", 1});
}

static bool begins(const char *name, const char *prefix)
{
    return strncasecmp(name, prefix, strlen(prefix)) == 0;
}

/* What the names promise: rfc6265bis, 5.7, 20 and 21. */
static bool keeps_promise(const cookie *c)
{
    if (begins(c->name, "__Secure-"))
        return c->secure;
    return !begins(c->name, "__Host-") || (c->secure && c->host_only && strcmp(c->path, "/") == 0);
}

/* What came in the clear replaces nothing that came by TLS (17). */
static bool may_store(const cookie_jar *jar, const cookie *c, const place *p)
{
    if ((c->secure && !p->secure) || !keeps_promise(c))
        return false;
    for (size_t i = 0; i < jar->count && !p->secure; i++) {
        const cookie *old = &jar->cookies[i];
        if (old->secure && strcmp(old->name, c->name) == 0 &&
            (is_below(old->domain, c->domain) || is_below(c->domain, old->domain)) &&
            path_matches(c->path, strlen(c->path), old->path))
            return false;
    }
    return true;
}

/* place NULL: of a file that does not say. */
static bool receive(cookie_jar *jar, const place *p, const char *header, int64_t now)
{
    size_t size = strcspn(header, ";");
    const char *equal = memchr(header, '=', size);
    if (equal == NULL)
        return true;
    text name = trim(header, (size_t)(equal - header));
    text value = trim(equal + 1, size - (size_t)(equal - header) - 1);
    if (name.size == 0 || name.size + value.size > COOKIE_LIMIT || has_controls(name) ||
        has_controls(value))
        return true;
    attributes a = read_attributes(header + size, now);
    cookie c = {.name = copy(name),
                .value = copy(value),
                .path = path_of(p, a.path),
                .expires = a.expires,
                .secure = a.secure,
                .http_only = a.http_only};
    bool good = set_domain(&c, p, a.domain);
    bool memory = c.name != NULL && c.value != NULL && c.path != NULL && c.domain != NULL;
    if (memory && good && !has_controls((text){c.path, strlen(c.path)}) && may_store(jar, &c, p))
        return store(jar, &c, now);
    free_cookie(&c);
    return memory;
}

bool cookies_receive(cookie_jar *jar, const char *url, const char *header, int64_t now)
{
    place p;
    return !find_place(&p, url) || receive(jar, &p, header, now);
}

/* ---- Cookie, 5.4 ---- */

static bool fits(const cookie *c, const place *p, int64_t now)
{
    bool host = c->domain[0] == '\0' ||
                (c->host_only ? strcmp(c->domain, p->host) == 0 : is_below(p->host, c->domain));
    return host && path_matches(p->path, p->path_size, c->path) && (p->secure || !c->secure) &&
           !is_over(c, now);
}

/* curl's order: longer paths first, as the RFC has it; then longer domains, longer names, and the
 * newest. */
static int compare(const void *left, const void *right)
{
    const cookie *a = *(const cookie *const *)left, *b = *(const cookie *const *)right;
    size_t sizes[3][2] = {{strlen(a->path), strlen(b->path)},
                          {strlen(a->domain), strlen(b->domain)},
                          {strlen(a->name), strlen(b->name)}};
    for (size_t i = 0; i < 3; i++) {
        if (sizes[i][0] != sizes[i][1])
            return sizes[i][0] > sizes[i][1] ? -1 : 1;
    }
    return a->number > b->number ? -1 : 1;
}

static bool add_pair(body *line, const char *name, const char *value)
{
    size_t more = 2 + strlen(name) + 1 + strlen(value);
    if (line->size + more > COOKIES_HEADER_LIMIT)
        return true;
    return (line->size == 0 || body_add(line, "; ", 2)) && body_add(line, name, strlen(name)) &&
           body_add(line, "=", 1) && body_add(line, value, strlen(value));
}

bool cookies_send(cookie_jar *jar, const char *url, const char *extra, int64_t now, char **value)
{
    place p;
    body line = {0};
    const cookie **chosen = calloc(jar->count + 1, sizeof(*chosen));
    size_t count = 0;
    bool good = chosen != NULL;
    *value = NULL;
    bool known = find_place(&p, url);
    for (size_t i = 0; good && known && i < jar->count; i++) {
        if (fits(&jar->cookies[i], &p, now))
            chosen[count++] = &jar->cookies[i];
    }
    if (good)
        qsort(chosen, count, sizeof(*chosen), compare);
    for (size_t i = 0; good && i < count; i++)
        good = add_pair(&line, chosen[i]->name, chosen[i]->value);
    if (good && extra != NULL && extra[0] != '\0')
        good =
            (line.size == 0 || body_add(&line, "; ", 2)) && body_add(&line, extra, strlen(extra));
    good = good && (line.size == 0 || body_add(&line, "", 1));
    free(chosen);
    if (good && line.size > 0)
        *value = (char *)line.data;
    else
        free(line.data);
    return good;
}

/* ---- Files ---- */

/* Netscape's: seven columns. 1: stored, or no cookie; 0: not such a line; -1: no memory. */
static int read_columns(cookie_jar *jar, char *line, bool no_sessions, int64_t now)
{
    char *columns[7] = {NULL};
    size_t count = 0;
    bool http_only = strncmp(line, "#HttpOnly_", 10) == 0;
    if (line[0] == '#' && !http_only)
        return 1;
    line += http_only ? 10 : 0;
    while (count < 7) {
        columns[count++] = line;
        line = strchr(line, '\t');
        if (line == NULL)
            break;
        *line++ = '\0';
    }
    if (count < 6)
        return 0;
    const char *domain = columns[0] + strspn(columns[0], ".");
    const char *value = count == 7 ? columns[6] : "";
    int64_t expires = strtoll(columns[4], NULL, 10);
    size_t size = strlen(columns[5]) + strlen(value);
    /* Without a domain it would be every host's. */
    if ((no_sessions && expires == 0) || domain[0] == '\0' || columns[2][0] != '/' ||
        columns[5][0] == '\0' || has_controls((text){columns[5], strlen(columns[5])}) ||
        has_controls((text){value, strlen(value)}) || size > COOKIE_LIMIT ||
        strlen(domain) >= HOST_LIMIT || expires < 0)
        return 1;
    cookie c = {.name = strdup(columns[5]),
                .value = strdup(value),
                .domain = strdup(domain),
                .path = strdup(columns[2]),
                .expires = expires,
                .host_only = strcasecmp(columns[1], "TRUE") != 0,
                .secure = strcasecmp(columns[3], "TRUE") == 0,
                .http_only = http_only};
    if (c.name == NULL || c.value == NULL || c.domain == NULL || c.path == NULL) {
        free_cookie(&c);
        return -1;
    }
    if (!keeps_promise(&c)) {
        free_cookie(&c);
        return 1;
    }
    for (char *at = c.domain; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    return store(jar, &c, now) ? 1 : -1;
}

/* Of whatever host. */
static bool read_header(cookie_jar *jar, const char *line, bool no_sessions, int64_t now)
{
    place anywhere = {.path = "/", .path_size = 1, .secure = true};
    size_t before = jar->count;
    if (strncasecmp(line, "set-cookie:", 11) != 0)
        return true;
    if (!receive(jar, &anywhere, line + 11, now))
        return false;
    if (no_sessions && jar->count > before && jar->cookies[before].expires == 0)
        remove_cookie(jar, before);
    return true;
}

static bool read_line(cookie_jar *jar, char *line, bool no_sessions, int64_t now)
{
    line[strcspn(line, "\r\n")] = '\0';
    int found = read_columns(jar, line, no_sessions, now);
    return found > 0 || (found == 0 && read_header(jar, line, no_sessions, now));
}

bool cookies_read(cookie_jar *jar, FILE *in, bool no_sessions, int64_t now)
{
    char *line = malloc(COOKIE_FILE_LINE_LIMIT);
    bool good = line != NULL, whole = true;
    while (good && fgets(line, COOKIE_FILE_LINE_LIMIT, in) != NULL) {
        bool ended = strchr(line, '\n') != NULL || feof(in);
        if (whole && ended)
            good = read_line(jar, line, no_sessions, now);
        whole = ended;
    }
    free(line);
    return good;
}

static void write_cookie(const cookie *c, FILE *out)
{
    fprintf(out, "%s%s%s\t%s\t%s\t%s\t%lld\t%s\t%s\n", c->http_only ? "#HttpOnly_" : "",
            c->host_only || c->domain[0] == '\0' ? "" : ".",
            c->domain[0] != '\0' ? c->domain : "unknown", c->host_only ? "FALSE" : "TRUE", c->path,
            c->secure ? "TRUE" : "FALSE", (long long)c->expires, c->name, c->value);
}

/* The newest first, as curl writes them. */
bool cookies_write(const cookie_jar *jar, FILE *out, int64_t now)
{
    fputs("# Netscape HTTP Cookie File\n# Written by ringport. It holds secrets.\n\n", out);
    for (size_t i = jar->count; i > 0; i--) {
        if (!is_over(&jar->cookies[i - 1], now))
            write_cookie(&jar->cookies[i - 1], out);
    }
    return fflush(out) == 0 && !ferror(out);
}

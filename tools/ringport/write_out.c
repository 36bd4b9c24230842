/* write_out.c - -w: curl's variables, and everything at once as JSON. */
#include "exit_code.h"
#include "json.h"
#include "result.h"

#include <ringport/ringport.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef enum type { TYPE_NUMBER, TYPE_STATUS, TYPE_SECONDS, TYPE_TEXT } type;

typedef struct value {
    type type;
    uint64_t number;  /* TYPE_SECONDS: microseconds */
    const char *text; /* NULL: there is none */
    size_t size;      /* of text */
} value;

static value number(uint64_t n)
{
    return (value){.type = TYPE_NUMBER, .number = n};
}

static value seconds(uint64_t us)
{
    return (value){.type = TYPE_SECONDS, .number = us};
}

static value text_of(const char *text, size_t size)
{
    return (value){.type = TYPE_TEXT, .text = text, .size = size};
}

static value text(const char *t)
{
    return text_of(t, strlen(t));
}

/* What may not be there: as JSON it is null then, as with curl. */
static value text_if_any(const char *t)
{
    return t != NULL && t[0] != '\0' ? text(t) : (value){.type = TYPE_TEXT};
}

/* ---- The variables ---- */

static value header(const result *r, const char *name)
{
    return text_if_any(head_value(&r->head, name, 0));
}

static value http_code(const result *r)
{
    return (value){.type = TYPE_STATUS, .number = (uint64_t)r->status};
}

static value http_connect(const result *r)
{
    return (value){.type = TYPE_STATUS, .number = (uint64_t)r->tunnel_status};
}

static value http_version(const result *r)
{
    return text(version_name(r->version));
}

static value exit_status(const result *r)
{
    return number((uint64_t)r->exit_code);
}

static value errormsg(const result *r)
{
    return text_if_any(r->message);
}

static value method(const result *r)
{
    return text(r->method);
}

static value url(const result *r)
{
    return text(r->url);
}

static value scheme(const result *r)
{
    return text(strncasecmp(r->effective_url, "https:", 6) == 0 ? "HTTPS" : "HTTP");
}

static value url_effective(const result *r)
{
    return text(r->effective_url);
}

static value content_type(const result *r)
{
    return header(r, "content-type");
}

static value num_headers(const result *r)
{
    return number(r->head.count);
}

static value num_connects(const result *r)
{
    return number(r->attempts > 0 && !r->reused ? 1 : 0);
}

static value size_download(const result *r)
{
    return number(r->body_bytes);
}

static value size_upload(const result *r)
{
    return number(r->body_bytes_sent);
}

static value speed(const result *r, uint64_t bytes)
{
    uint64_t us = r->timings.total_us;
    return number(us == 0 ? 0 : (uint64_t)((double)bytes * 1e6 / (double)us));
}

static value speed_download(const result *r)
{
    return speed(r, r->body_bytes);
}

static value speed_upload(const result *r)
{
    return speed(r, r->body_bytes_sent);
}

static value size_header(const result *r)
{
    return number(r->head_bytes);
}

static value size_request(const result *r)
{
    return number(r->bytes_sent - r->body_bytes_sent);
}

static value filename_effective(const result *r)
{
    return text_if_any(r->file);
}

static value num_redirects(const result *r)
{
    return number(r->redirects);
}

static value redirect_url(const result *r)
{
    return text_if_any(r->redirect_url);
}

static value referer(const result *r)
{
    return text_if_any(fields_value(r->fields, "referer"));
}

static value urlnum(const result *r)
{
    return number(r->number);
}

static value num_certs(const result *r)
{
    return number(r->certs.count);
}

/* What is not accepted ends in an error. */
static value ssl_verify_result(const result *r)
{
    return number(r->exit_code == EXIT_CERTIFICATE ? 1 : 0);
}

/* Likewise, and a proxy's failure is one of the proxy. */
static value proxy_ssl_verify_result(const result *r)
{
    (void)r;
    return number(0);
}

static value curl_version(const result *r)
{
    (void)r;
    return text("ringport/" RP_VERSION);
}

/* Where the port begins in "192.0.2.7:443", "[2001:db8::1]:443"; 0: there is none, nor has a Unix
 * socket one, whatever its name. */
static size_t port_at(const char *address)
{
    const char *colon = strrchr(address, ':');
    return colon == NULL || strncmp(address, "unix:", 5) == 0 ? 0 : (size_t)(colon - address);
}

static value ip_of(const char *address)
{
    size_t size = port_at(address);
    if (size > 1 && address[0] == '[')
        return text_of(address + 1, size - 2);
    return text_of(address, size);
}

static value port_of(const char *address)
{
    size_t size = port_at(address);
    return number(size == 0 ? 0 : strtoul(address + size + 1, NULL, 10));
}

static value remote_ip(const result *r)
{
    return ip_of(r->address);
}

static value remote_port(const result *r)
{
    return port_of(r->address);
}

static value local_ip(const result *r)
{
    return ip_of(r->local_address);
}

static value local_port(const result *r)
{
    return port_of(r->local_address);
}

static value time_queued(const result *r)
{
    return seconds(r->timings.queued_us);
}

static value time_namelookup(const result *r)
{
    return seconds(r->timings.resolved_us);
}

static value time_connect(const result *r)
{
    return seconds(r->timings.connected_us);
}

static value time_appconnect(const result *r)
{
    return seconds(r->timings.handshaken_us);
}

/* When nothing but the request was left to do. */
static value time_pretransfer(const result *r)
{
    const rp_timings *t = &r->timings;
    return seconds(t->handshaken_us > 0  ? t->handshaken_us
                   : t->connected_us > 0 ? t->connected_us
                                         : t->queued_us);
}

static value time_redirect(const result *r)
{
    return seconds(r->redirect_us);
}

static value time_posttransfer(const result *r)
{
    return seconds(r->timings.sent_us);
}

static value time_starttransfer(const result *r)
{
    return seconds(r->timings.first_byte_us);
}

static value time_total(const result *r)
{
    return seconds(r->timings.total_us);
}

static const struct variable {
    const char *name;
    value (*get)(const result *r);
} variables[] = {
    {"http_code", http_code},
    {"response_code", http_code},
    {"http_version", http_version},
    {"exitcode", exit_status},
    {"errormsg", errormsg},
    {"http_connect", http_connect},
    {"method", method},
    {"referer", referer},
    {"urlnum", urlnum},
    {"filename_effective", filename_effective},
    {"num_redirects", num_redirects},
    {"redirect_url", redirect_url},
    {"num_certs", num_certs},
    {"ssl_verify_result", ssl_verify_result},
    {"proxy_ssl_verify_result", proxy_ssl_verify_result},
    {"curl_version", curl_version},
    {"size_header", size_header},
    {"size_request", size_request},
    {"speed_upload", speed_upload},
    {"time_pretransfer", time_pretransfer},
    {"time_redirect", time_redirect},
    {"url", url},
    {"url_effective", url_effective},
    {"scheme", scheme},
    {"content_type", content_type},
    {"num_headers", num_headers},
    {"num_connects", num_connects},
    {"size_download", size_download},
    {"size_upload", size_upload},
    {"speed_download", speed_download},
    {"remote_ip", remote_ip},
    {"remote_port", remote_port},
    {"local_ip", local_ip},
    {"local_port", local_port},
    {"time_queued", time_queued},
    {"time_namelookup", time_namelookup},
    {"time_connect", time_connect},
    {"time_appconnect", time_appconnect},
    {"time_posttransfer", time_posttransfer},
    {"time_starttransfer", time_starttransfer},
    {"time_total", time_total},
};

#define VARIABLES (sizeof(variables) / sizeof(variables[0]))

/* ---- JSON ---- */

/* What a phase took, in microseconds; from the last phase before it that happened. */
static void phase(json *j, const char *name, uint64_t end, uint64_t *begin)
{
    if (end == 0) {
        json_null(j, name);
        return;
    }
    json_number(j, name, end > *begin ? end - *begin : 0);
    *begin = end;
}

static void phases(json *j, const rp_timings *t)
{
    uint64_t begin = 0;
    json_begin_object(j, "phases_us");
    phase(j, "queue", t->queued_us, &begin);
    phase(j, "resolve", t->resolved_us, &begin);
    phase(j, "connect", t->connected_us, &begin);
    phase(j, "handshake", t->handshaken_us, &begin);
    phase(j, "request", t->sent_us, &begin);
    phase(j, "wait", t->first_byte_us, &begin);
    phase(j, "receive", t->total_us, &begin);
    json_end_object(j);
}

static void one_variable(json *j, const char *name, value v)
{
    char copy[RP_ERROR_TEXT_SIZE];
    if (v.type == TYPE_NUMBER || v.type == TYPE_STATUS) {
        json_number(j, name, v.number);
    } else if (v.type == TYPE_SECONDS) {
        json_real(j, name, (double)v.number / 1e6, 6);
    } else if (v.text == NULL) {
        json_null(j, name);
    } else if (v.text[v.size] == '\0') {
        json_text(j, name, v.text);
    } else {
        snprintf(copy, sizeof(copy), "%.*s", (int)v.size, v.text);
        json_text(j, name, copy);
    }
}

static const char *or_null(const char *t)
{
    return t[0] == '\0' ? NULL : t;
}

static void write_json(const result *r, FILE *out)
{
    json j = {.out = out};
    json_begin_object(&j, NULL);
    for (size_t i = 0; i < VARIABLES; i++)
        one_variable(&j, variables[i].name, variables[i].get(r));
    json_begin_object(&j, "ringport");
    json_text(&j, "version", RP_VERSION);
    json_text(&j, "backend", r->backend);
    json_text(&j, "address", or_null(r->address));
    json_text(&j, "tls_version", or_null(r->tls_version));
    json_text(&j, "tls_cipher", or_null(r->tls_cipher));
    json_text(&j, "tls_group", or_null(r->tls_group));
    json_bool(&j, "resumed", r->resumed);
    json_bool(&j, "reused", r->reused);
    json_bool(&j, "certificate_missed", r->certificate_missed);
    json_number(&j, "attempts", r->attempts);
    json_number(&j, "bytes_sent", r->bytes_sent);
    if (r->stream != 0)
        json_number(&j, "stream", r->stream);
    else
        json_null(&j, "stream");
    phases(&j, &r->timings);
    json_counters(&j, "counters", r->stats);
    json_end_object(&j);
    json_end_object(&j);
}

/* ---- The format ---- */

static void put_value(FILE *out, value v)
{
    if (v.type == TYPE_NUMBER)
        fprintf(out, "%llu", (unsigned long long)v.number);
    else if (v.type == TYPE_STATUS)
        fprintf(out, "%03llu", (unsigned long long)v.number);
    else if (v.type == TYPE_SECONDS)
        fprintf(out, "%llu.%06llu", (unsigned long long)(v.number / 1000000),
                (unsigned long long)(v.number % 1000000));
    else if (v.text != NULL)
        fwrite(v.text, 1, v.size, out);
}

/* curl's form: each name once, in lower case, with all of its values. */
static void write_headers(const result *r, FILE *out)
{
    json j = {.out = out};
    fputs("{", out);
    for (size_t i = 0, told = 0; i < r->head.count; i++) {
        const char *name = r->head.headers[i].name;
        if (head_value(&r->head, name, 0) != r->head.headers[i].value)
            continue; /* was told with the first */
        fputs(told++ > 0 ? ",\n" : "", out);
        json_lowered(&j, name);
        fputs(":[", out);
        for (size_t n = 0; head_value(&r->head, name, n) != NULL; n++) {
            j.filled = 0;
            fputs(n > 0 ? "," : "", out);
            json_text(&j, NULL, head_value(&r->head, name, n));
        }
        fputs("]", out);
        j.filled = 0;
    }
    fputs("\n}", out);
}

static bool is(const char *name, size_t size, const char *wanted)
{
    return strlen(wanted) == size && memcmp(name, wanted, size) == 0;
}

static void put_variable(const result *r, const char *name, size_t size, FILE **out)
{
    if (is(name, size, "header_json")) {
        write_headers(r, *out);
    } else if (is(name, size, "json")) {
        write_json(r, *out);
    } else if (is(name, size, "certs")) {
        certs_print(&r->certs, *out);
    } else if (is(name, size, "stderr")) {
        *out = stderr;
    } else if (is(name, size, "stdout")) {
        *out = stdout;
    } else {
        for (size_t i = 0; i < VARIABLES; i++) {
            if (is(name, size, variables[i].name)) {
                put_value(*out, variables[i].get(r));
                return;
            }
        }
        fprintf(stderr, "ringport: unknown --write-out variable: '%.*s'\n", (int)size, name);
    }
}

static char escaped(char c)
{
    return c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : '\0';
}

/* "%header{name}" */
static const char *put_header(const result *r, const char *format, FILE *out)
{
    char name[256];
    const char *begin = format + strlen("%header{"), *end = strchr(begin, '}');
    if (end == NULL) {
        fputs("%header{", out);
        return begin;
    }
    snprintf(name, sizeof(name), "%.*s", (int)(end - begin), begin);
    put_value(out, header(r, name));
    return end + 1;
}

void write_out(const result *r, const char *format, FILE *out)
{
    while (*format != '\0') {
        const char *end = format[0] == '%' && format[1] == '{' ? strchr(format, '}') : NULL;
        if (end != NULL) {
            size_t size = (size_t)(end - format) - 2;
            if (is(format + 2, size, "onerror")) {
                if (r->exit_code == EXIT_OK)
                    return;
            } else {
                put_variable(r, format + 2, size, &out);
            }
            format = end + 1;
        } else if (strncmp(format, "%header{", strlen("%header{")) == 0) {
            format = put_header(r, format, out);
        } else if (format[0] == '%' && format[1] == '%') {
            fputc('%', out);
            format += 2;
        } else if (format[0] == '\\' && escaped(format[1]) != '\0') {
            fputc(escaped(format[1]), out);
            format += 2;
        } else if ((format[0] == '%' || format[0] == '\\') && format[1] != '\0') {
            fwrite(format, 1, 2, out); /* as with curl the second begins nothing */
            format += 2;
        } else {
            fputc(*format++, out);
        }
    }
}

bool write_out_wants_certs(const char *format)
{
    return format != NULL &&
           (strstr(format, "certs}") != NULL || strstr(format, "%{json}") != NULL);
}

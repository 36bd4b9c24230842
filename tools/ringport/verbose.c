/* verbose.c - -v: the request as ringport sends it, and the phases when they are known. */
#include "result.h"
#include "url.h"

#include <ctype.h>
#include <ringport/ringport.h>
#include <string.h>
#include <strings.h>

void print_begin(const result *r, FILE *out)
{
    const char *authority;
    size_t size = url_authority(r->effective_url, &authority);
    fprintf(out, "* resolving %.*s\n", (int)size, authority);
}

/* HTTP/2 knows names in lower case only (RFC 9113, 8.2.1). */
static void print_field(const result *r, const char *name, const char *value, FILE *out)
{
    fputs("> ", out);
    for (; *name != '\0'; name++)
        fputc(r->connection_version == 20 ? tolower((unsigned char)*name) : *name, out);
    fprintf(out, ": %s\n", value);
}

static void print_host(const result *r, const char *authority, size_t size, FILE *out)
{
    char host[512];
    const char *port = strncasecmp(r->effective_url, "https:", 6) == 0 ? ":443" : ":80";
    size_t drop = strlen(port);
    if (size > drop && memcmp(authority + size - drop, port, drop) == 0)
        size -= drop;
    snprintf(host, sizeof(host), "%.*s", (int)size, authority);
    print_field(r, "Host", host, out);
}

void print_request(const result *r, FILE *out)
{
    const fields *f = r->fields;
    const char *authority;
    size_t size = url_authority(r->effective_url, &authority);
    const char *target = authority + size;
    fprintf(out, "> %s %s%.*s HTTP/%s\n", r->method, target[0] == '/' ? "" : "/",
            (int)strcspn(target, "#"), target, version_name(r->connection_version));
    if (fields_value(f, "host") == NULL)
        print_host(r, authority, size, out);
    for (size_t i = 0; i < f->count; i++) {
        const rp_header *h = &f->headers[i];
        bool left_out = h->value[0] == '\0' && (strcasecmp(h->name, "accept") == 0 ||
                                                strcasecmp(h->name, "content-length") == 0 ||
                                                strcasecmp(h->name, "user-agent") == 0);
        if (!left_out)
            print_field(r, h->name, h->value, out);
    }
    fprintf(out, ">\n");
}

static double ms(uint64_t end_us, uint64_t begin_us)
{
    return end_us > begin_us ? (double)(end_us - begin_us) / 1e3 : 0.0;
}

static void print_tls(const result *r, FILE *out)
{
    const rp_timings *t = &r->timings;
    fprintf(out, "* %s, %s, %s, certificate %s, %s handshake in %.1f ms\n", r->tls_version,
            r->tls_cipher, r->tls_group, r->options->insecure ? "not verified (-k)" : "verified",
            r->resumed ? "resumed" : "full", ms(t->handshaken_us, t->connected_us));
    if (r->certificate_missed)
        fprintf(out, "* the server asked for a client certificate, and was shown none\n");
}

void print_connection(const result *r, FILE *out)
{
    const rp_timings *t = &r->timings;
    uint64_t begin = t->resolved_us > 0 ? t->resolved_us : t->queued_us;
    if (t->resolved_us > 0)
        fprintf(out, "* resolved in %.1f ms\n", ms(t->resolved_us, t->queued_us));
    if (t->connected_us > 0)
        fprintf(out, "* connected to %s in %.1f ms\n", r->address, ms(t->connected_us, begin));
    if (t->handshaken_us > 0)
        print_tls(r, out);
    if (r->stream != 0)
        fprintf(out, "* HTTP/2, stream %u\n", (unsigned)r->stream);
}

void print_totals(const result *r, FILE *out)
{
    const rp_timings *t = &r->timings;
    const rp_loop_stats *s = r->stats;
    if (t->first_byte_us > 0)
        fprintf(out,
                "* %llu bytes sent, first byte after %.1f ms, %llu bytes of body, %.1f ms in all\n",
                (unsigned long long)r->bytes_sent, ms(t->first_byte_us, t->sent_us),
                (unsigned long long)r->body_bytes, (double)t->total_us / 1e3);
    if (r->why[0] != '\0')
        fprintf(out, "* %s\n", r->why);
    if (s != NULL)
        fprintf(out,
                "* %s: %llu system calls, %llu completions, %llu turns, %llu allocations, "
                "%llu spurious wake-ups, %llu idle TLS calls\n",
                r->backend, (unsigned long long)s->system_calls, (unsigned long long)s->completions,
                (unsigned long long)s->turns, (unsigned long long)s->allocations,
                (unsigned long long)s->wakeups_spurious, (unsigned long long)s->tls_calls_idle);
}

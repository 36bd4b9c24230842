/* verbose.c - -v: the request as ringport sends it, and the phases when they are known. */
#include "result.h"

#include <ringport/ringport.h>
#include <string.h>
#include <strings.h>

size_t url_authority(const char *url, const char **authority)
{
    const char *begin = strstr(url, "://");
    begin = begin == NULL ? url : begin + 3;
    size_t size = strcspn(begin, "/?#");
    for (size_t i = size; i > 0; i--) {
        if (begin[i - 1] == '@') {
            begin += i;
            size -= i;
            break;
        }
    }
    *authority = begin;
    return size;
}

static const char *given(const tool_options *o, const char *name)
{
    for (size_t i = 0; i < o->header_count; i++) {
        if (strcasecmp(o->headers[i].name, name) == 0)
            return o->headers[i].value;
    }
    return NULL;
}

void print_begin(const tool_options *o, FILE *out)
{
    const char *authority;
    size_t size = url_authority(o->url, &authority);
    fprintf(out, "* resolving %.*s\n", (int)size, authority);
}

void print_request(const tool_options *o, FILE *out)
{
    const char *authority, *method = options_method(o);
    size_t size = url_authority(o->url, &authority);
    const char *target = authority + size, *agent = o->user_agent;
    if (method == NULL)
        method = o->body.given ? "POST" : "GET";
    fprintf(out, "> %s %s%.*s HTTP/1.1\n", method, target[0] == '/' ? "" : "/",
            (int)strcspn(target, "#"), target);
    if (given(o, "host") == NULL) {
        const char *port = strncasecmp(o->url, "https:", 6) == 0 ? ":443" : ":80";
        size_t drop = strlen(port);
        if (size > drop && memcmp(authority + size - drop, port, drop) == 0)
            size -= drop;
        fprintf(out, "> Host: %.*s\n", (int)size, authority);
    }
    if (agent == NULL)
        agent = "ringport/" RP_VERSION;
    if (given(o, "user-agent") == NULL && agent[0] != '\0')
        fprintf(out, "> User-Agent: %s\n", agent);
    if (given(o, "accept") == NULL)
        fprintf(out, "> Accept: */*\n");
    for (size_t i = 0; i < o->header_count; i++) {
        const rp_header *h = &o->headers[i];
        bool left_out = h->value[0] == '\0' && (strcasecmp(h->name, "accept") == 0 ||
                                                strcasecmp(h->name, "user-agent") == 0);
        if (!left_out)
            fprintf(out, "> %s: %s\n", h->name, h->value);
    }
    if (o->body.given && given(o, "content-length") == NULL)
        fprintf(out, "> Content-Length: %zu\n", o->body.size);
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
    if (s != NULL)
        fprintf(out,
                "* %s: %llu system calls, %llu completions, %llu turns, %llu allocations, "
                "%llu spurious wake-ups, %llu idle TLS calls\n",
                r->backend, (unsigned long long)s->system_calls, (unsigned long long)s->completions,
                (unsigned long long)s->turns, (unsigned long long)s->allocations,
                (unsigned long long)s->wakeups_spurious, (unsigned long long)s->tls_calls_idle);
}

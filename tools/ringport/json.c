/* json.c - a small JSON writer. */
#include "json.h"

#include "utf8.h"

#include <string.h>

static void put_text(FILE *out, const char *value)
{
    const unsigned char *text = (const unsigned char *)value;
    fputc('"', out);
    while (*text != '\0') {
        size_t size = utf8_size(text);
        if (size == 0)
            fputs("\\ufffd", out);
        else if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else if (*text < 0x20 || *text == 0x7f)
            fprintf(out, "\\u%04x", *text);
        else
            fwrite(text, 1, size, out);
        text += size == 0 ? 1 : size;
    }
    fputc('"', out);
}

static void begin_value(json *j, const char *key)
{
    uint32_t bit = UINT32_C(1) << j->depth;
    if (j->filled & bit)
        fputs(",", j->out);
    j->filled |= bit;
    if (key != NULL) {
        put_text(j->out, key);
        fputc(':', j->out);
    }
}

static void begin(json *j, const char *key, char bracket)
{
    begin_value(j, key);
    fputc(bracket, j->out);
    j->depth++;
    j->filled &= ~(UINT32_C(1) << j->depth);
}

static void end(json *j, char bracket)
{
    j->depth--;
    fputc(bracket, j->out);
}

void json_begin_object(json *j, const char *key)
{
    begin(j, key, '{');
}

void json_end_object(json *j)
{
    end(j, '}');
}

void json_begin_array(json *j, const char *key)
{
    begin(j, key, '[');
}

void json_end_array(json *j)
{
    end(j, ']');
}

void json_text(json *j, const char *key, const char *value)
{
    if (value == NULL) {
        json_null(j, key);
        return;
    }
    begin_value(j, key);
    put_text(j->out, value);
}

void json_lowered(json *j, const char *text)
{
    fputc('"', j->out);
    for (; *text != '\0'; text++) /* a header's name is a token */
        fputc(*text >= 'A' && *text <= 'Z' ? *text - 'A' + 'a' : *text, j->out);
    fputc('"', j->out);
}

void json_number(json *j, const char *key, uint64_t value)
{
    begin_value(j, key);
    fprintf(j->out, "%llu", (unsigned long long)value);
}

void json_real(json *j, const char *key, double value, int decimals)
{
    begin_value(j, key);
    fprintf(j->out, "%.*f", decimals, value);
}

void json_bool(json *j, const char *key, bool value)
{
    begin_value(j, key);
    fputs(value ? "true" : "false", j->out);
}

void json_null(json *j, const char *key)
{
    begin_value(j, key);
    fputs("null", j->out);
}

void json_counters(json *j, const char *key, const rp_loop_stats *stats)
{
    if (stats == NULL) {
        json_null(j, key);
        return;
    }
    json_begin_object(j, key);
    json_number(j, "turns", stats->turns);
    json_number(j, "completions", stats->completions);
    json_number(j, "system_calls", stats->system_calls);
    json_number(j, "wakeups", stats->wakeups);
    json_number(j, "wakeups_spurious", stats->wakeups_spurious);
    json_number(j, "timers_fired", stats->timers_fired);
    json_number(j, "posts", stats->posts);
    json_number(j, "tls_calls", stats->tls_calls);
    json_number(j, "tls_calls_idle", stats->tls_calls_idle);
    json_number(j, "allocations", stats->allocations);
    json_number(j, "bytes_copied", stats->bytes_copied);
    json_number(j, "bytes_received", stats->bytes_received);
    json_number(j, "bytes_sent", stats->bytes_sent);
    json_number(j, "handshakes_full", stats->handshakes_full);
    json_number(j, "handshakes_resumed", stats->handshakes_resumed);
    json_number(j, "connections_opened", stats->connections_opened);
    json_number(j, "connections_reused", stats->connections_reused);
    json_end_object(j);
}

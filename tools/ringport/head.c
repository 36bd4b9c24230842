/* head.c - see head.h. */
#include "head.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *version_name(int version)
{
    return version == 10 ? "1.0" : version == 11 ? "1.1" : version == 20 ? "2" : "0";
}

void head_print(FILE *out, const rp_response_head *head, const char *prefix, const char *line_end)
{
    fprintf(out, "%sHTTP/%s %d %s%s", prefix, version_name(head->version), head->status,
            head->reason, line_end);
    for (size_t i = 0; i < head->header_count; i++)
        fprintf(out, "%s%s: %s%s", prefix, head->headers[i].name, head->headers[i].value, line_end);
    fprintf(out, "%s%s", prefix[0] != '\0' ? "<" : "", line_end);
}

size_t head_size(const rp_response_head *head)
{
    size_t size =
        strlen("HTTP/ 200 \r\n\r\n") + strlen(version_name(head->version)) + strlen(head->reason);
    for (size_t i = 0; i < head->header_count; i++)
        size += strlen(head->headers[i].name) + strlen(head->headers[i].value) + strlen(": \r\n");
    return size;
}

bool head_keep(head_copy *copy, const rp_response_head *head)
{
    head_free(copy);
    copy->headers = calloc(head->header_count + 1, sizeof(*copy->headers));
    if (copy->headers == NULL)
        return false;
    for (size_t i = 0; i < head->header_count; i++) {
        size_t name = strlen(head->headers[i].name) + 1;
        size_t value = strlen(head->headers[i].value) + 1;
        char *text = malloc(name + value);
        if (text == NULL) {
            head_free(copy);
            return false;
        }
        memcpy(text, head->headers[i].name, name);
        memcpy(text + name, head->headers[i].value, value);
        copy->headers[copy->count++] = (rp_header){text, text + name};
    }
    return true;
}

void head_free(head_copy *copy)
{
    for (size_t i = 0; i < copy->count; i++)
        free((char *)(uintptr_t)copy->headers[i].name);
    free(copy->headers);
    *copy = (head_copy){NULL, 0};
}

const char *head_value(const head_copy *copy, const char *name, size_t n)
{
    for (size_t i = 0; i < copy->count; i++) {
        if (strcasecmp(copy->headers[i].name, name) == 0 && n-- == 0)
            return copy->headers[i].value;
    }
    return NULL;
}

void head_print_text(FILE *out, const char *heads, const char *prefix, const char *line_end)
{
    for (const char *end; (end = strstr(heads, "\r\n")) != NULL; heads = end + 2)
        fprintf(out, "%s%.*s%s", prefix, (int)(end - heads), heads, line_end);
}

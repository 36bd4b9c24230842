/* error.c - error values and their names. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *rp_status_name(rp_status status)
{
    switch (status) {
#define NAME(status)                                                                               \
    case status:                                                                                   \
        return #status
        NAME(RP_OK);
        NAME(RP_E_MISUSE);
        NAME(RP_E_NO_MEMORY);
        NAME(RP_E_UNSUPPORTED);
        NAME(RP_E_CANCELLED);
        NAME(RP_E_INTERNAL);
        NAME(RP_E_BAD_URL);
        NAME(RP_E_BAD_HEADER);
        NAME(RP_E_BAD_OPTION);
        NAME(RP_E_BODY_ABORTED);
        NAME(RP_E_BODY_LENGTH);
        NAME(RP_E_DRAINING);
        NAME(RP_E_QUEUE_FULL);
        NAME(RP_E_QUEUE_TIMEOUT);
        NAME(RP_E_QUEUE_SHED);
        NAME(RP_E_ORIGIN_QUEUE_FULL);
        NAME(RP_E_RESOLVE_NOT_FOUND);
        NAME(RP_E_RESOLVE_FAILED);
        NAME(RP_E_RESOLVE_TIMEOUT);
        NAME(RP_E_CONNECT_REFUSED);
        NAME(RP_E_CONNECT_UNREACHABLE);
        NAME(RP_E_CONNECT_TIMEOUT);
        NAME(RP_E_CONNECT_FAILED);
        NAME(RP_E_NO_DESCRIPTORS);
        NAME(RP_E_NO_LOCAL_PORTS);
        NAME(RP_E_RESET);
        NAME(RP_E_IO_FAILED);
        NAME(RP_E_ADDRESS_IN_USE);
        NAME(RP_E_ADDRESS_REFUSED);
        NAME(RP_E_LOCAL_ADDRESS);
        NAME(RP_E_HANDSHAKE_TIMEOUT);
        NAME(RP_E_TLS_ALERT);
        NAME(RP_E_TLS_PROTOCOL);
        NAME(RP_E_TLS_CLOSED);
        NAME(RP_E_TLS_VERSION);
        NAME(RP_E_TLS_CONFIG);
        NAME(RP_E_TLS_FAILED);
        NAME(RP_E_TRUNCATED);
        NAME(RP_E_TLS_SIGNING);
        NAME(RP_E_TLS_SESSIONS);
        NAME(RP_E_CERT_UNTRUSTED);
        NAME(RP_E_CERT_EXPIRED);
        NAME(RP_E_CERT_NOT_YET_VALID);
        NAME(RP_E_CERT_HOST_MISMATCH);
        NAME(RP_E_CERT_REVOKED);
        NAME(RP_E_CERT_INVALID);
        NAME(RP_E_CERT_PIN_MISMATCH);
        NAME(RP_E_CERT_STATUS_UNKNOWN);
        NAME(RP_E_CERT_STAPLE);
        NAME(RP_E_FIRST_BYTE_TIMEOUT);
        NAME(RP_E_IDLE_TIMEOUT);
        NAME(RP_E_TOTAL_TIMEOUT);
        NAME(RP_E_CLOSED_EARLY);
        NAME(RP_E_STALE_CONNECTION);
        NAME(RP_E_BAD_RESPONSE);
        NAME(RP_E_HEAD_TOO_LARGE);
        NAME(RP_E_BODY_TRUNCATED);
        NAME(RP_E_BODY_TOO_LARGE);
        NAME(RP_E_H2_PROTOCOL);
        NAME(RP_E_H2_RESET);
        NAME(RP_E_H2_NOT_SPOKEN);
        NAME(RP_E_H2_PING_TIMEOUT);
        NAME(RP_E_NOT_HTTP);
        NAME(RP_E_REDIRECT_LIMIT);
        NAME(RP_E_REDIRECT_INVALID);
        NAME(RP_E_REDIRECT_REFUSED);
        NAME(RP_E_REDIRECT_BODY);
        NAME(RP_E_PROXY_REFUSED);
        NAME(RP_E_PROXY_AUTH);
        NAME(RP_E_PROXY_PROTOCOL);
        NAME(RP_E_PROXY_CLOSED);
        NAME(RP_E_PROXY_TIMEOUT);
        NAME(RP_E_DECODE_FAILED);
        NAME(RP_E_DECODE_UNKNOWN);
        NAME(RP_E_DECODE_TOO_LARGE);
        NAME(RP_E_DECODER_MEMORY);
#undef NAME
    }
    return "unknown status";
}

/* By the groups of error.h, but for what stands in another's. */
rp_status_class rp_status_class_of(rp_status status)
{
    switch (status) {
    case RP_OK:
        return RP_CLASS_NONE;
    case RP_E_QUEUE_TIMEOUT:
    case RP_E_RESOLVE_TIMEOUT:
    case RP_E_CONNECT_TIMEOUT:
    case RP_E_HANDSHAKE_TIMEOUT:
    case RP_E_FIRST_BYTE_TIMEOUT:
    case RP_E_IDLE_TIMEOUT:
    case RP_E_TOTAL_TIMEOUT:
    case RP_E_H2_PING_TIMEOUT:
    case RP_E_PROXY_TIMEOUT:
        return RP_CLASS_TIMEOUT;
    case RP_E_ADDRESS_REFUSED:
    case RP_E_ADDRESS_IN_USE:
    case RP_E_LOCAL_ADDRESS:
    case RP_E_TLS_CONFIG:
    case RP_E_TLS_SIGNING:
    case RP_E_TLS_SESSIONS:
    case RP_E_BODY_TOO_LARGE:
        return RP_CLASS_CALLER;
    case RP_E_TLS_CLOSED:
    case RP_E_TRUNCATED:
    case RP_E_CLOSED_EARLY:
    case RP_E_STALE_CONNECTION:
        return RP_CLASS_CONNECTION;
    default:
        break;
    }
    static const struct {
        int first;
        rp_status_class class;
    } groups[] = {{140, RP_CLASS_PROXY},
                  {90, RP_CLASS_PEER},
                  {60, RP_CLASS_TRUST},
                  {30, RP_CLASS_CONNECTION},
                  {1, RP_CLASS_CALLER}};
    size_t i = 0;
    while ((int)status < groups[i].first)
        i++;
    return groups[i].class;
}

const char *rp_phase_name(rp_phase phase)
{
    static const char *const names[] = {"none",      "queue",   "resolve", "connect", "proxy",
                                        "handshake", "request", "head",    "body",    "shutdown"};
    if ((size_t)phase >= sizeof(names) / sizeof(names[0]))
        return "unknown phase";
    return names[phase];
}

/* Peers and files put bytes into messages: control characters would forge log lines. */
static void clean_text(char *text, bool cut)
{
    size_t size = strlen(text);
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = '?';
    }
    if (!cut)
        return;
    /* Leave out the last UTF-8 sequence if it was cut. */
    size_t start = size;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start > 0 && (unsigned char)text[start - 1] >= 0xC0)
        text[start - 1] = '\0';
}

void rp__printable_text(rp_slice bytes, char *text, size_t capacity)
{
    size_t used = 0;
    for (; used < bytes.size && used + 1 < capacity; used++) {
        uint8_t byte = bytes.data[used];
        text[used] = (char)(byte < ' ' || byte > '~' ? '?' : byte);
    }
    text[used] = '\0';
}

rp_status rp__error_set(rp_error *error, rp_status status, rp_phase phase, const char *format, ...)
{
    if (error == NULL)
        return status;
    /* The text's arguments may point into the old value. */
    char text[RP_ERROR_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    clean_text(text, size >= (int)sizeof(text));
    *error = (rp_error){.status = status, .phase = phase, .tls_alert = -1};
    memcpy(error->text, text, sizeof(text));
    return status;
}

bool rp__options_copy(void *target, size_t target_size, const void *source, size_t source_size)
{
    memset(target, 0, target_size);
    if (source == NULL)
        return true;
    memcpy(target, source, source_size < target_size ? source_size : target_size);
    const unsigned char *bytes = source;
    for (size_t i = target_size; i < source_size; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

void rp__structure_give(void *target, size_t target_size, const void *source, size_t source_size)
{
    size_t known = source_size < target_size ? source_size : target_size;
    memcpy(target, source, known);
    memset((unsigned char *)target + known, 0, target_size - known);
}

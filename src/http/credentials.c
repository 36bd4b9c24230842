/* credentials.c - see credentials.h. No message quotes any of it. */
#include "http/credentials.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

#include <string.h>

/* Of three bytes, or what is left of them, four characters (RFC 4648, 4). */
static void encode(char *out, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t three = (uint32_t)bytes[i] << 16;
        if (left > 1)
            three |= (uint32_t)bytes[i + 1] << 8;
        if (left > 2)
            three |= bytes[i + 2];
        *out++ = digits[three >> 18];
        *out++ = digits[three >> 12 & 63];
        *out++ = '=';
        *out++ = '=';
        if (left > 1)
            out[-2] = digits[three >> 6 & 63];
        if (left > 2)
            out[-1] = digits[three & 63];
    }
    *out = '\0';
}

/* The bytes are wiped; user_size of them are the user's. NULL: all is well. */
static const char *write_basic(char value[RP_BASIC_SIZE], uint8_t *bytes, size_t size,
                               size_t user_size)
{
    const char *what = NULL;
    for (size_t i = 0; i < size && what == NULL; i++) {
        if (bytes[i] < 0x20 || bytes[i] == 0x7f)
            what = "has a control character in the user or the password (RFC 7617, 2)";
        else if (bytes[i] == ':' && i < user_size)
            what = "has a colon in the user, which would end there for the server (RFC 7617, 2)";
    }
    if (what == NULL) {
        memcpy(value, "Basic ", 6);
        encode(value + 6, bytes, size);
    }
    rp__wipe(bytes, size);
    return what;
}

rp_status rp__basic_write(char value[RP_BASIC_SIZE], const char *user, const char *password,
                          rp_error *error)
{
    uint8_t bytes[RP_BASIC_LIMIT];
    size_t user_size = strlen(user), password_size = password == NULL ? 0 : strlen(password);
    const char *what = "is longer than 4 KiB, the user and the password together";
    value[0] = '\0';
    if (user_size < RP_BASIC_LIMIT && password_size < RP_BASIC_LIMIT - user_size) {
        memcpy(bytes, user, user_size);
        bytes[user_size] = ':';
        if (password_size > 0)
            memcpy(bytes + user_size + 1, password, password_size);
        what = write_basic(value, bytes, user_size + 1 + password_size, user_size);
    }
    if (what == NULL)
        return RP_OK;
    return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_QUEUE, "user %s", what);
}

/* Percent-decodes; false: what follows a percent sign is no byte. */
static bool decode(uint8_t *bytes, size_t *size, rp_slice text)
{
    *size = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c == '%') {
            int high = i + 2 < text.size ? rp__hex_digit(text.data[i + 1]) : -1;
            int low = i + 2 < text.size ? rp__hex_digit(text.data[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (uint8_t)(high << 4 | low);
            i += 2;
        }
        bytes[(*size)++] = c;
    }
    return true;
}

static const char *write_userinfo(char value[RP_BASIC_SIZE], uint8_t *bytes, rp_slice text)
{
    const uint8_t *colon = memchr(text.data, ':', text.size);
    rp_slice user = {text.data, colon != NULL ? (size_t)(colon - text.data) : text.size};
    rp_slice password = {NULL, 0};
    size_t user_size, password_size;
    if (colon != NULL)
        password = (rp_slice){colon + 1, text.size - user.size - 1};
    if (!decode(bytes, &user_size, user) ||
        !decode(bytes + user_size + 1, &password_size, password))
        return "has a % in its user information that no two hexadecimal digits follow";
    bytes[user_size] = ':';
    return write_basic(value, bytes, user_size + 1 + password_size, user_size);
}

rp_status rp__basic_write_userinfo(char value[RP_BASIC_SIZE], rp_slice userinfo, rp_error *error)
{
    uint8_t bytes[RP_BASIC_LIMIT];
    const char *what = "has user information longer than 4 KiB";
    value[0] = '\0';
    if (userinfo.size < RP_BASIC_LIMIT) {
        what = write_userinfo(value, bytes, userinfo);
        rp__wipe(bytes, userinfo.size + 1);
    }
    if (what == NULL)
        return RP_OK;
    return rp__error_set(error, RP_E_BAD_URL, RP_PHASE_QUEUE, "the URL %s", what);
}

rp_status rp__bearer_check(const char *token, rp_error *error)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "-._~+/";
    size_t size = strlen(token), used = size <= RP_BEARER_LIMIT ? strspn(token, allowed) : 0;
    const char *what = "is not of letters, digits and -._~+/, with = at its end (RFC 6750, 2.1)";
    if (size > RP_BEARER_LIMIT)
        what = "is longer than 64 KiB";
    else if (used > 0 && strspn(token + used, "=") == size - used)
        return RP_OK;
    return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_QUEUE, "bearer %s", what);
}

/* system.c - clock, randomness, the trust store, and the words for error codes. */
#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/platform.h"
#include "base/time.h"
#include "win32/socket.h"

#include <ntsecapi.h>
#include <stdio.h>
#include <string.h>
#include <wincrypt.h>

/* There is no fork. */
uint64_t rp__process_mark(void)
{
    return 1;
}

void rp__wipe(void *bytes, size_t size)
{
    (void)SecureZeroMemory(bytes, size);
}

/* ---- clock, randomness ---- */

/* Counts on while the machine sleeps ("Acquiring high-resolution time stamps", Microsoft). */
uint64_t rp__monotonic_ns(void)
{
    LARGE_INTEGER count, frequency;
    (void)QueryPerformanceFrequency(&frequency);
    (void)QueryPerformanceCounter(&count);
    /* In two steps: the product of the whole would overflow after days. */
    uint64_t ticks = (uint64_t)count.QuadPart, per_s = (uint64_t)frequency.QuadPart;
    return ticks / per_s * RP_NS_PER_S + ticks % per_s * RP_NS_PER_S / per_s;
}

void rp__random_bytes(void *bytes, size_t size)
{
    uint8_t *next = bytes;
    while (size > 0) {
        ULONG piece = size < 65536 ? (ULONG)size : 65536;
        RP_ASSERT(RtlGenRandom(next, piece));
        next += piece;
        size -= piece;
    }
}

/* ---- the trust store ---- */

const char *const *rp__system_ca_files(void)
{
    static const char *const none[] = {NULL};
    return none;
}

const char *const *rp__system_ca_directories(void)
{
    return rp__system_ca_files();
}

/* ROOT alone: what is in the store "CA" are intermediates, which nobody has to trust. */
void rp__system_ca_certificates(void (*visit)(void *user, const uint8_t *der, size_t size),
                                void *user)
{
    HCERTSTORE store = CertOpenSystemStoreW(0, L"ROOT");
    if (store == NULL)
        return;
    PCCERT_CONTEXT certificate = NULL;
    while ((certificate = CertEnumCertificatesInStore(store, certificate)) != NULL) {
        if (certificate->dwCertEncodingType & X509_ASN_ENCODING)
            visit(user, certificate->pbCertEncoded, certificate->cbCertEncoded);
    }
    (void)CertCloseStore(store, 0);
}

/* ---- words ---- */

#define TEXT_LIMIT 256

/* One line, without the period that Windows' sentences end with. */
static void trim(char *text)
{
    size_t size = strlen(text);
    while (size > 0 && strchr(" \r\n.", text[size - 1]) != NULL)
        size--;
    text[size] = '\0';
    for (; *text != '\0'; text++) {
        if (*text == '\r' || *text == '\n')
            *text = ' ';
    }
}

/* The codes below 43 are errno's, from the C library that files are read with. Of Windows' own
 * codes ringport meets one that is as small. */
#define ERRNO_LIMIT 43

const char *rp__os_error_text(int os_code)
{
    static _Thread_local char text[TEXT_LIMIT];
    wchar_t wide[TEXT_LIMIT];
    if (os_code > 0 && os_code < ERRNO_LIMIT && os_code != WSA_NOT_ENOUGH_MEMORY)
        return strerror(os_code);
    DWORD flags = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS;
    DWORD size = FormatMessageW(flags, NULL, (DWORD)os_code, 0, wide, TEXT_LIMIT, NULL);
    int bytes = 0;
    if (size > 0)
        bytes = WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, sizeof(text), NULL, NULL);
    if (bytes <= 0)
        (void)snprintf(text, sizeof(text), "unknown error");
    trim(text);
    return text;
}

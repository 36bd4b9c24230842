/* system.c - where Linux distributions keep things. */
#include "base/memory.h"
#include "base/platform.h"

#include <errno.h>
#include <string.h>

const char *const *rp__system_ca_files(void)
{
    static const char *const files[] = {
        "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Ubuntu, Arch, Gentoo */
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora, RHEL 7 and later */
        "/etc/pki/tls/certs/ca-bundle.crt",                  /* older RHEL */
        "/etc/ssl/ca-bundle.pem",                            /* SUSE */
        "/etc/ssl/cert.pem",                                 /* Alpine, OpenWrt */
        NULL,
    };
    return files;
}

const char *const *rp__system_ca_directories(void)
{
    static const char *const directories[] = {
        "/etc/ssl/certs",
        "/etc/pki/tls/certs",
        "/etc/pki/ca-trust/source/anchors",
        NULL,
    };
    return directories;
}

void rp__system_ca_certificates(void (*visit)(void *user, const uint8_t *der, size_t size),
                                void *user)
{
    (void)visit;
    (void)user;
}

const rp_os_code_table rp__os_codes = {
    .refused = ECONNREFUSED,
    .unreachable = EHOSTUNREACH,
    .reset = ECONNRESET,
    .in_use = EADDRINUSE,
    .no_descriptors = EMFILE,
    .no_memory = ENOMEM,
    .unsupported = EAFNOSUPPORT,
    .failed = EIO,
};

void rp__wipe(void *bytes, size_t size)
{
    explicit_bzero(bytes, size);
}

rp_system_verifier *rp__system_verifier(void)
{
    return NULL;
}

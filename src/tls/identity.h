/* identity.h - who we are: a certificate, its issuers and its key, put into a configuration. */
#ifndef RP_TLS_IDENTITY_H
#define RP_TLS_IDENTITY_H

#include "tls/config.h"

/* As in rp_tls_options. */
typedef struct rp_identity_options {
    const char *certificate_file, *key_file;
    rp_slice certificate, key; /* instead of the files; data NULL: not given */
    const char *password;
    rp_key_password_fn *on_password;
    void *password_user;
    rp_sign_fn *on_sign;
    void *sign_user;
} rp_identity_options;

/* Without files: none. A key that is not the certificate's is refused. */
rp_status rp__identity_set(rp_tls_config *config, const rp_identity_options *options,
                           rp_error *error);

/* For what is part of a program: a user's own identity comes from files, with better messages. */
rp_status rp__identity_set_pem(rp_tls_config *config, const char *certificate, const char *key,
                               rp_error *error);

#endif

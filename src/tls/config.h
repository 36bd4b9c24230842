/* config.h - TLS configurations inside ringport: the public one of a client, and a server's for tests. */
#ifndef RP_TLS_CONFIG_H
#define RP_TLS_CONFIG_H

#include <ringport/tls.h>

typedef struct rp_tls_server_options {
    const char *certificate_file; /* PEM chain, leaf first */
    const char *key_file;
    const char *client_ca_file;   /* NULL: asks for no client certificate */
    rp_tls_version minimum_version, maximum_version;
    bool no_resumption;
} rp_tls_server_options;

/* A configuration with the server's role; released as any other. */
rp_status rp_tls_server_config_create(rp_tls_config **config, const rp_tls_server_options *options,
                                      rp_error *error);

#endif

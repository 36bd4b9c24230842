/* revocation.h - filling a configuration with CRLs and with what to make of them. */
#ifndef RP_TLS_REVOCATION_H
#define RP_TLS_REVOCATION_H

#include "tls/config.h"

/* Errors: RP_E_TLS_CONFIG, RP_E_NO_MEMORY. */
rp_status rp__tls_config_revocation(rp_tls_config *config, const rp_tls_options *options,
                                    rp_error *error);

#endif

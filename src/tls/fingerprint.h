/* fingerprint.h - what a configuration demands of a server, as a number: sessions that were made
 * under one are worth as much under another, in another process too, if theirs are equal. */
#ifndef RP_TLS_FINGERPRINT_H
#define RP_TLS_FINGERPRINT_H

#include "tls/config.h"

/* Sets config->fingerprint, when all else is set. options: those that it was made of. False: no
 * memory. */
bool rp__fingerprint_make(rp_tls_config *config, const rp_tls_options *options);

#endif

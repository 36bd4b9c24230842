/* chain_writer.h - the DER that chains.c and revocations.c write, and what both put into it. */
#ifndef RP_TESTS_CHAIN_WRITER_H
#define RP_TESTS_CHAIN_WRITER_H

#include "support/chains.h"

typedef struct chain_writer {
    uint8_t *bytes;
    size_t size, capacity;
} chain_writer;

typedef struct chain_key chain_key; /* with its private half */

/* Where an extension ends, and its content. */
typedef struct chain_mark {
    size_t all, content;
} chain_mark;

void chain_put(chain_writer *out, const void *bytes, size_t size);
void chain_put_byte(chain_writer *out, unsigned byte);
void chain_put_hex(chain_writer *out, const char *hex);
/* Everything until chain_end() is the content of an element of this tag. */
size_t chain_begin(chain_writer *out, unsigned tag);
void chain_end(chain_writer *out, size_t begun);
void chain_put_element(chain_writer *out, unsigned tag, const void *bytes, size_t size);
void chain_put_type(chain_writer *out, const char *dotted); /* an OBJECT IDENTIFIER */
void chain_put_time(chain_writer *out, int64_t seconds, bool generalized);
/* hex NULL: the serial number of a certificate by its position. */
void chain_put_serial(chain_writer *out, const char *hex, size_t index);

/* tag: of the strings. */
void chain_put_name(chain_writer *out, const char *text, unsigned tag);
/* Returns what is behind the attribute. */
const char *chain_put_attribute(chain_writer *out, const char *text, unsigned tag);
void chain_put_point_name(chain_writer *out, const char *names); /* DistributionPointName */

chain_mark chain_begin_extension(chain_writer *out, const char *type, bool critical);
void chain_end_extension(chain_writer *out, chain_mark begun);
void chain_put_extension(chain_writer *out, const chain_extension *added); /* type NULL: none */

chain_key *chain_key_of(const chain_spec *specs, size_t index);
chain_key_kind chain_kind_of(const chain_key *key);
void chain_put_key_bits(chain_writer *out, chain_key *key); /* of subjectPublicKey */
void chain_put_algorithm(chain_writer *out, chain_signature signature, chain_key_kind kind);
/* The algorithm and the signature of everything that stands behind all. */
void chain_sign(chain_writer *out, size_t all, chain_signature signature, chain_key *key,
                unsigned flags);

#endif

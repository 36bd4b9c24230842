/* dname.h - the names that certificates hold: distinguished names (X.501) and lists of general
 * names (RFC 5280, 4.2.1.6).
 *
 * A distinguished name is the content of its SEQUENCE, checked once by rp__dname_read; what takes
 * one relies on that. */
#ifndef RP_X509_DNAME_H
#define RP_X509_DNAME_H

#include "base/slice.h"

#include <stdbool.h>

/* Takes a Name off the front of *in. */
bool rp__dname_read(rp_slice *in, rp_slice *name);

/* Attribute by attribute, strings of whatever type character by character, without regard to ASCII
 * case and to white space at the ends and of more than one (RFC 5280, 7.1). What is no string, or
 * is malformed as one, is the same as its like, byte for byte. */
bool rp__dname_equal(rp_slice left, rp_slice right);
/* The same of as many relative names of name as base has: name lies in base's subtree. */
bool rp__dname_within(rp_slice name, rp_slice base);
/* The same, but what is not seen to differ counts as the same: values of which one has more than
 * printable ASCII and white space, or is no string. */
bool rp__dname_may_be_within(rp_slice name, rp_slice base);
/* The same for names that are equal. */
uint32_t rp__dname_hash(rp_slice name);

/* The first value of an attribute, type being its OBJECT IDENTIFIER's content. */
bool rp__dname_attribute(rp_slice name, rp_slice type, rp_slice *value);

#define RP_DNAME_TEXT_SIZE 80
/* For a message: the last common name, or all that there is, in printable ASCII. */
const char *rp__dname_text(rp_slice name, char text[RP_DNAME_TEXT_SIZE]);

typedef enum rp_general_name_type {
    RP_GENERAL_OTHER = 0,
    RP_GENERAL_EMAIL = 1,
    RP_GENERAL_DNS = 2,
    RP_GENERAL_X400 = 3,
    RP_GENERAL_DIRECTORY = 4, /* its value is a distinguished name, as above */
    RP_GENERAL_EDI = 5,
    RP_GENERAL_URI = 6,
    RP_GENERAL_ADDRESS = 7,
    RP_GENERAL_REGISTERED = 8
} rp_general_name_type;

typedef struct rp_general_name {
    rp_general_name_type type;
    rp_slice value;
} rp_general_name;

/* Takes one off the front of *names. False: it is malformed. */
bool rp__general_name_read(rp_slice *names, rp_general_name *name);
/* False: it is of a type that is IA5String, and is none. */
bool rp__general_name_is_ascii(const rp_general_name *name);

#endif

/* der_change.h - changes one element of something in DER, wherever it stands, and the lengths of
 * all around it: what is left is DER (but for DER_PAST), and not what it was. */
#ifndef RP_TESTS_DER_CHANGE_H
#define RP_TESTS_DER_CHANGE_H

#include "base/slice.h"

#include <stdbool.h>

typedef enum der_change_kind {
    DER_LEAVE_OUT,
    DER_DOUBLE,
    DER_OTHER_TAG,
    DER_EMPTY,
    DER_MORE,  /* a NULL behind what is in it */
    DER_CUT,   /* its last byte is missing */
    DER_FIRST, /* its first byte is another */
    DER_PAST,  /* its length goes past the end of all: this is no DER */
    DER_CHANGE_KINDS
} der_change_kind;

/* Changes element number target, counted as they begin. Those within OCTET STRINGs count too, where
 * there is DER in them. *changed: free() its data. False: there is no such element. */
bool der_change(rp_slice der, size_t target, der_change_kind kind, rp_slice *changed);

#endif

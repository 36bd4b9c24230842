/* constraints.c - name constraints. */
#include "x509/constraints.h"

#include "base/assert.h"
#include "base/text.h"
#include "x509/der.h"
#include "x509/host.h"

#include <string.h>

#define OID_EMAIL_ADDRESS "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01"

static const char over_budget[] = "its names and constraints are too many to compare";
static const char unsupported[] =
    "its authority is constrained in a kind of name that is not supported, and it has such a name";
static const char wildcard_base[] =
    "its authority is constrained to a wildcard, which is no DNS name, and it has DNS names";
static const char not_permitted[] = "its authority may not issue for one of its names";

/* ---- reading ---- */

/* A subtree's distances are of no use (RFC 5280): minimum is 0, and there is no maximum. */
static bool read_subtree(rp_slice *list, rp_general_name *base)
{
    rp_slice fields;
    static const uint8_t minimum[] = {RP_DER_CONTEXT | 0, 1, 0};
    return rp__der_get(list, RP_DER_SEQUENCE, &fields) && rp__general_name_read(&fields, base) &&
           (fields.size == 0 || rp__slice_equal(fields, (rp_slice){minimum, sizeof(minimum)}));
}

/* permitted and excluded: the lists of subtrees, empty where they are absent. */
static bool read_lists(rp_slice constraints, rp_slice *permitted, rp_slice *excluded)
{
    *permitted = *excluded = (rp_slice){NULL, 0};
    if (constraints.size == 0)
        return false;
    if (rp__der_next_is(&constraints, RP_DER_CONTEXT_CONSTRUCTED | 0) &&
        (!rp__der_get(&constraints, RP_DER_CONTEXT_CONSTRUCTED | 0, permitted) ||
         permitted->size == 0))
        return false;
    if (rp__der_next_is(&constraints, RP_DER_CONTEXT_CONSTRUCTED | 1) &&
        (!rp__der_get(&constraints, RP_DER_CONTEXT_CONSTRUCTED | 1, excluded) ||
         excluded->size == 0))
        return false;
    return constraints.size == 0;
}

/* An address and its mask, which is ones and then zeros (RFC 4632). */
static bool is_network(rp_slice value)
{
    if (value.size != 8 && value.size != 32)
        return false;
    bool ended = false;
    for (size_t i = value.size / 2; i < value.size; i++) {
        for (uint8_t bit = 0x80; bit != 0; bit = (uint8_t)(bit >> 1)) {
            bool set = value.data[i] & bit;
            if (ended && set)
                return false;
            ended = !set;
        }
    }
    return true;
}

static rp_slice without_front(rp_slice slice, size_t size)
{
    return (rp_slice){slice.data + size, slice.size - size};
}

static bool is_wildcard(rp_slice name)
{
    return name.size > 2 && name.data[0] == '*' && name.data[1] == '.';
}

/* A host, all below one (".example.com"), or all that there is (""). "*.example.com" is none of
 * these, but is written: see look_up. */
static bool is_dns_base(rp_slice value)
{
    if (value.size > 0 && value.data[0] == '.')
        value = without_front(value, 1);
    else if (is_wildcard(value))
        value = without_front(value, 2);
    else if (value.size == 0)
        return true;
    return rp__host_labels(value.data, value.size) > 0;
}

static bool check_list(rp_slice list)
{
    rp_general_name base;
    while (list.size > 0) {
        if (!read_subtree(&list, &base) || !rp__general_name_is_ascii(&base))
            return false;
        if (base.type == RP_GENERAL_DNS && !is_dns_base(base.value))
            return false;
        if (base.type == RP_GENERAL_ADDRESS && !is_network(base.value))
            return false;
    }
    return true;
}

bool rp__constraints_read(rp_slice constraints)
{
    rp_slice permitted, excluded;
    return read_lists(constraints, &permitted, &excluded) && check_list(permitted) &&
           check_list(excluded);
}

/* ---- matching ---- */

static bool same_letters(rp_slice left, rp_slice right)
{
    return rp__ascii_equal(left.data, right.data, left.size);
}

/* name ends in base, at a label's boundary. A base with a leading dot is not in the RFC for DNS;
 * where it is used, the name itself is not meant. */
static bool dns_within(rp_slice name, rp_slice base)
{
    if (base.size == 0)
        return true;
    if (name.size < base.size || !same_letters(without_front(name, name.size - base.size), base))
        return false;
    return name.size == base.size
               ? base.data[0] != '.'
               : base.data[0] == '.' || name.data[name.size - base.size - 1] == '.';
}

/* "*.example.com" is permitted if all that it stands for is, and excluded if anything is: the base
 * may be one of the names below example.com. */
static bool dns_excluded(rp_slice name, rp_slice base)
{
    if (dns_within(name, base))
        return true;
    if (!is_wildcard(name))
        return false;
    rp_slice parent = without_front(name, 1); /* ".example.com" */
    const uint8_t *dot = memchr(base.data, '.', base.size);
    if (dot == NULL || dot == base.data)
        return false;
    rp_slice rest = without_front(base, (size_t)(dot - base.data));
    return rest.size == parent.size && same_letters(rest, parent);
}

static bool address_within(rp_slice address, rp_slice network)
{
    if (network.size != 2 * address.size)
        return false;
    for (size_t i = 0; i < address.size; i++) {
        if ((address.data[i] ^ network.data[i]) & network.data[address.size + i])
            return false;
    }
    return true;
}

static bool matches(const rp_general_name *name, rp_slice base, bool excluded)
{
    switch (name->type) {
    case RP_GENERAL_DNS:
        return excluded ? dns_excluded(name->value, base) : dns_within(name->value, base);
    case RP_GENERAL_ADDRESS:
        return address_within(name->value, base);
    case RP_GENERAL_DIRECTORY:
        return excluded ? rp__dname_may_be_within(name->value, base)
                        : rp__dname_within(name->value, base);
    default:
        return false;
    }
}

static bool is_supported(rp_general_name_type type)
{
    return type == RP_GENERAL_DNS || type == RP_GENERAL_ADDRESS || type == RP_GENERAL_DIRECTORY;
}

/* Whether the list has subtrees for this kind of name, and whether the name lies in one. */
typedef struct found {
    bool constrained, matched;
} found;

/* NULL, or why nothing can be said: nobody knows what was meant by a base that is a wildcard, so no
 * DNS name is compared with it. */
static const char *look_up(rp_slice list, const rp_general_name *name, bool excluded,
                           rp_constraints_budget *budget, found *result)
{
    rp_general_name base;
    *result = (found){false, false};
    while (read_subtree(&list, &base)) {
        if (budget->left == 0) {
            budget->exceeded = true;
            return over_budget;
        }
        budget->left--;
        if (base.type != name->type)
            continue;
        if (base.type == RP_GENERAL_DNS && is_wildcard(base.value))
            return wildcard_base;
        result->constrained = true;
        result->matched = result->matched || matches(name, base.value, excluded);
    }
    return NULL;
}

/* A name that no host can have is in no subtree that can be told. */
static bool is_comparable(const rp_general_name *name)
{
    rp_slice value = name->value;
    if (name->type != RP_GENERAL_DNS)
        return true;
    if (is_wildcard(value))
        value = without_front(value, 2);
    return rp__host_labels(value.data, value.size) > 0;
}

static const char *check_name(rp_slice permitted, rp_slice excluded, const rp_general_name *name,
                              rp_constraints_budget *budget)
{
    found within, outside;
    const char *reason = look_up(permitted, name, false, budget, &within);
    if (reason == NULL)
        reason = look_up(excluded, name, true, budget, &outside);
    if (reason != NULL)
        return reason;
    if (!within.constrained && !outside.constrained)
        return NULL;
    if (!is_supported(name->type))
        return unsupported;
    if (!is_comparable(name) || outside.matched || (within.constrained && !within.matched))
        return not_permitted;
    return NULL;
}

/* What counts as a name beside the alternative names: the subject, and for want of alternative
 * names an email address in it. */
static const char *check_subject(rp_slice permitted, rp_slice excluded, const rp_certificate *below,
                                 rp_constraints_budget *budget)
{
    static const rp_slice email_type = {(const uint8_t *)OID_EMAIL_ADDRESS,
                                        sizeof(OID_EMAIL_ADDRESS) - 1};
    rp_general_name subject = {RP_GENERAL_DIRECTORY, below->subject};
    rp_general_name email = {.type = RP_GENERAL_EMAIL};
    const char *reason = NULL;
    if (below->subject.size > 0)
        reason = check_name(permitted, excluded, &subject, budget);
    if (reason == NULL && below->alternative_names.size == 0 &&
        rp__dname_attribute(below->subject, email_type, &email.value))
        reason = check_name(permitted, excluded, &email, budget);
    return reason;
}

const char *rp__constraints_check(rp_slice constraints, const rp_certificate *below,
                                  rp_constraints_budget *budget)
{
    rp_slice permitted, excluded;
    rp_slice names = below->alternative_names;
    rp_general_name name;
    bool readable = read_lists(constraints, &permitted, &excluded);
    RP_ASSERT(readable); /* by rp__constraints_read, or the certificate would be malformed */
    const char *reason = check_subject(permitted, excluded, below, budget);
    while (reason == NULL && rp__general_name_read(&names, &name))
        reason = check_name(permitted, excluded, &name, budget);
    return reason;
}

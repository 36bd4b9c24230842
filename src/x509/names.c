/* names.c - distinguished and general names. */
#include "x509/names.h"

#include "base/hash.h"
#include "base/text.h"
#include "x509/der.h"

#include <string.h>

#define OID_COMMON_NAME "\x55\x04\x03"

/* Of one relative name, which are compared with each other: more than two are hardly ever seen. */
#define ATTRIBUTES_LIMIT 8

typedef struct attribute {
    rp_slice type;
    uint8_t tag;
    rp_slice value;
} attribute;

/* ---- Reading --------------------------------------------------------------------------------- */

static bool read_attribute(rp_slice *relative, attribute *found)
{
    rp_slice pair;
    return rp_der_get(relative, RP_DER_SEQUENCE, &pair) &&
           rp_der_get(&pair, RP_DER_OID, &found->type) && found->type.size > 0 &&
           rp_der_any(&pair, &found->tag, &found->value) && pair.size == 0;
}

bool rp_dname_read(rp_slice *in, rp_slice *name)
{
    rp_slice rest, relative;
    attribute ignored;
    if (!rp_der_get(in, RP_DER_SEQUENCE, name))
        return false;
    for (rest = *name; rest.size > 0;) {
        if (!rp_der_get(&rest, RP_DER_SET, &relative) || relative.size == 0)
            return false;
        for (int count = 0; relative.size > 0; count++) {
            if (count == ATTRIBUTES_LIMIT || !read_attribute(&relative, &ignored))
                return false;
        }
    }
    return true;
}

/* ---- Comparing ------------------------------------------------------------------------------- */

/* Types in which ASCII is ASCII. */
static bool is_text(uint8_t tag)
{
    return tag == RP_DER_UTF8_STRING || tag == RP_DER_PRINTABLE_STRING ||
           tag == RP_DER_TELETEX_STRING || tag == RP_DER_IA5_STRING || tag == RP_DER_VISIBLE_STRING;
}

static uint8_t fold(uint8_t byte)
{
    return (uint8_t)rp_ascii_lower((char)byte);
}

static void skip_spaces(rp_slice *text)
{
    while (text->size > 0 && text->data[0] == ' ') {
        text->data++;
        text->size--;
    }
}

/* The next character of a prepared string, spaces in a row being one and none at the end. -1: that
 * was all. */
static int next_character(rp_slice *text)
{
    if (text->size == 0)
        return -1;
    int next = fold(text->data[0]);
    if (next == ' ')
        skip_spaces(text);
    else
        *text = (rp_slice){text->data + 1, text->size - 1};
    return text->size == 0 && next == ' ' ? -1 : next;
}

static bool same_text(rp_slice left, rp_slice right)
{
    int character;
    skip_spaces(&left);
    skip_spaces(&right);
    do {
        character = next_character(&left);
        if (character != next_character(&right))
            return false;
    } while (character >= 0);
    return true;
}

static bool same_attribute(const attribute *left, const attribute *right)
{
    if (!rp_slice_equal(left->type, right->type))
        return false;
    if (is_text(left->tag) && is_text(right->tag))
        return same_text(left->value, right->value);
    return left->tag == right->tag && rp_slice_equal(left->value, right->value);
}

static bool holds(rp_slice relative, const attribute *wanted)
{
    attribute found;
    while (relative.size > 0 && read_attribute(&relative, &found)) {
        if (same_attribute(&found, wanted))
            return true;
    }
    return false;
}

static bool all_held(rp_slice relative, rp_slice by)
{
    attribute wanted;
    while (relative.size > 0 && read_attribute(&relative, &wanted)) {
        if (!holds(by, &wanted))
            return false;
    }
    return true;
}

/* Sets: their order is that of the encoding, which may differ. */
static bool same_relative(rp_slice left, rp_slice right)
{
    return rp_slice_equal(left, right) || (all_held(left, right) && all_held(right, left));
}

/* Takes base's relative names off *name. */
static bool take_base(rp_slice *name, rp_slice base)
{
    rp_slice left, right;
    while (base.size > 0) {
        if (!rp_der_get(&base, RP_DER_SET, &right) || !rp_der_get(name, RP_DER_SET, &left) ||
            !same_relative(left, right))
            return false;
    }
    return true;
}

bool rp_dname_equal(rp_slice left, rp_slice right)
{
    return rp_slice_equal(left, right) || (take_base(&left, right) && left.size == 0);
}

bool rp_dname_within(rp_slice name, rp_slice base)
{
    return take_base(&name, base);
}

/* Of every attribute by itself, and added up, so that their order and their number do not
 * matter. */
static uint32_t attribute_hash(const attribute *of)
{
    uint64_t hash = RP_HASH_BEGIN;
    for (size_t i = 0; i < of->type.size; i++)
        hash = rp_hash_byte(hash, of->type.data[i]);
    for (size_t i = 0; i < of->value.size; i++) {
        if (of->value.data[i] != ' ')
            hash = rp_hash_byte(hash, fold(of->value.data[i]));
    }
    return (uint32_t)hash;
}

uint32_t rp_dname_hash(rp_slice name)
{
    uint32_t hash = 0;
    rp_slice relative;
    attribute found;
    while (name.size > 0 && rp_der_get(&name, RP_DER_SET, &relative)) {
        uint32_t largest = 0; /* which a set with a member twice has too */
        while (relative.size > 0 && read_attribute(&relative, &found)) {
            uint32_t one = attribute_hash(&found);
            largest = one > largest ? one : largest;
        }
        hash = hash * 31 + largest;
    }
    return hash;
}

bool rp_dname_attribute(rp_slice name, rp_slice type, rp_slice *value)
{
    rp_slice relative;
    attribute found;
    while (name.size > 0 && rp_der_get(&name, RP_DER_SET, &relative)) {
        while (relative.size > 0 && read_attribute(&relative, &found)) {
            if (rp_slice_equal(found.type, type)) {
                *value = found.value;
                return true;
            }
        }
    }
    return false;
}

/* ---- Telling --------------------------------------------------------------------------------- */

void rp_printable_text(rp_slice bytes, char *text, size_t capacity)
{
    size_t used = 0;
    for (; used < bytes.size && used + 1 < capacity; used++) {
        uint8_t byte = bytes.data[used];
        text[used] = (char)(byte < ' ' || byte > '~' ? '?' : byte);
    }
    text[used] = '\0';
}

const char *rp_dname_text(rp_slice name, char text[RP_DNAME_TEXT_SIZE])
{
    size_t used = 0;
    rp_slice relative;
    attribute found;
    text[0] = '\0';
    while (name.size > 0 && rp_der_get(&name, RP_DER_SET, &relative)) {
        while (relative.size > 0 && read_attribute(&relative, &found)) {
            if (found.value.size == 0)
                continue;
            if (RP_SLICE_IS(found.type, OID_COMMON_NAME)) {
                rp_printable_text(found.value, text, RP_DNAME_TEXT_SIZE);
                used = RP_DNAME_TEXT_SIZE; /* nothing but another common name after that */
            } else if (used + sizeof(", ") < RP_DNAME_TEXT_SIZE) {
                if (used > 0) {
                    memcpy(text + used, ", ", sizeof(", "));
                    used += sizeof(", ") - 1;
                }
                rp_printable_text(found.value, text + used, RP_DNAME_TEXT_SIZE - used);
                used += strlen(text + used);
            }
        }
    }
    if (text[0] == '\0')
        memcpy(text, "unnamed", sizeof("unnamed"));
    return text;
}

/* ---- General names --------------------------------------------------------------------------- */

bool rp_general_name_read(rp_slice *names, rp_general_name *name)
{
    /* As they are encoded: some are structures, and a CHOICE keeps its own tag (X.680, 31.2.7). */
    static const uint8_t tags[] = {
        [RP_GENERAL_OTHER] = 0xA0, [RP_GENERAL_EMAIL] = 0x81,     [RP_GENERAL_DNS] = 0x82,
        [RP_GENERAL_X400] = 0xA3,  [RP_GENERAL_DIRECTORY] = 0xA4, [RP_GENERAL_EDI] = 0xA5,
        [RP_GENERAL_URI] = 0x86,   [RP_GENERAL_ADDRESS] = 0x87,   [RP_GENERAL_REGISTERED] = 0x88,
    };
    uint8_t tag;
    if (!rp_der_any(names, &tag, &name->value))
        return false;
    unsigned number = tag & 0x1fu;
    if (number >= sizeof(tags) || tags[number] != tag)
        return false;
    name->type = (rp_general_name_type)number;
    rp_slice inner = name->value;
    return name->type != RP_GENERAL_DIRECTORY ||
           (rp_dname_read(&inner, &name->value) && inner.size == 0);
}

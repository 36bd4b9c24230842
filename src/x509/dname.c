/* dname.c - distinguished and general names. */
#include "x509/dname.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"
#include "base/utf8.h"
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

/* ---- characters ---- */

/* What readers of a character answer beside characters; the first is rp__utf8_next's, too. */
enum { TEXT_UNREADABLE = -1, TEXT_END = -2 };

/* UCS-2 and UCS-4, which is what BMPString and UniversalString are (X.690, 8.23). */
static int32_t next_wide(rp_slice *rest, size_t width)
{
    uint32_t code = 0;
    if (rest->size < width)
        return TEXT_UNREADABLE;
    for (size_t i = 0; i < width; i++)
        code = code << 8 | rest->data[i];
    *rest = (rp_slice){rest->data + width, rest->size - width};
    return rp__unicode_character(code);
}

/* ---- reading ---- */

static bool read_attribute(rp_slice *relative, attribute *found)
{
    rp_slice pair;
    return rp__der_get(relative, RP_DER_SEQUENCE, &pair) && rp__der_oid(&pair, &found->type) &&
           rp__der_any(&pair, &found->tag, &found->value) && pair.size == 0;
}

/* What can't be text of its type. Of what stands for which character in the types of bytes there
 * are more opinions than one, and UCS-2's surrogates are met, too. */
static bool is_text(const attribute *of)
{
    rp_slice rest = of->value;
    if (of->tag == RP_DER_BMP_STRING)
        return rest.size % 2 == 0;
    if (of->tag == RP_DER_UNIVERSAL_STRING)
        return rest.size % 4 == 0;
    while (of->tag == RP_DER_UTF8_STRING && rest.size > 0) {
        if (rp__utf8_next(&rest) == TEXT_UNREADABLE)
            return false;
    }
    return true;
}

bool rp__dname_read(rp_slice *in, rp_slice *name)
{
    rp_slice rest, relative;
    attribute found;
    if (!rp__der_get(in, RP_DER_SEQUENCE, name))
        return false;
    for (rest = *name; rest.size > 0;) {
        if (!rp__der_get(&rest, RP_DER_SET, &relative) || relative.size == 0)
            return false;
        for (int count = 0; relative.size > 0; count++) {
            if (count == ATTRIBUTES_LIMIT || !read_attribute(&relative, &found) || !is_text(&found))
                return false;
        }
    }
    return true;
}

/* ---- comparing ---- */

typedef struct characters {
    uint8_t tag;
    rp_slice rest;
} characters;

static characters characters_of(const attribute *of)
{
    return (characters){of->tag, of->value};
}

/* What is not ASCII in a type of bytes is no more than itself: TeletexString has been used for
 * more than one set of characters, and in the others it must not be. */
static int32_t next_byte(characters *of)
{
    uint8_t byte = of->rest.data[0];
    of->rest = (rp_slice){of->rest.data + 1, of->rest.size - 1};
    return byte < 0x80 ? byte : (int32_t)of->tag << 24 | byte;
}

static int32_t next_code(characters *of)
{
    switch (of->tag) {
    case RP_DER_UTF8_STRING:
        return of->rest.size == 0 ? TEXT_END : rp__utf8_next(&of->rest);
    case RP_DER_BMP_STRING:
        return of->rest.size == 0 ? TEXT_END : next_wide(&of->rest, 2);
    case RP_DER_UNIVERSAL_STRING:
        return of->rest.size == 0 ? TEXT_END : next_wide(&of->rest, 4);
    case RP_DER_NUMERIC_STRING:
    case RP_DER_PRINTABLE_STRING:
    case RP_DER_TELETEX_STRING:
    case RP_DER_IA5_STRING:
    case RP_DER_VISIBLE_STRING:
        return of->rest.size == 0 ? TEXT_END : next_byte(of);
    default:
        return TEXT_UNREADABLE;
    }
}

/* Of ASCII, what RFC 4518, 2.2 has for spaces. */
static bool is_space(int32_t code)
{
    return code == ' ' || (code >= '\t' && code <= '\r');
}

static int32_t fold(int32_t code)
{
    return code >= 0 && code < 0x80 ? rp__ascii_lower((char)code) : code;
}

static void skip_spaces(characters *of)
{
    for (characters after = *of; is_space(next_code(&after));)
        *of = after;
}

/* The next character of a prepared string, spaces in a row being one and none at the end. */
static int32_t next_character(characters *of)
{
    int32_t code = next_code(of);
    if (!is_space(code))
        return fold(code);
    skip_spaces(of);
    return of->rest.size == 0 ? TEXT_END : ' ';
}

static bool same_text(characters left, characters right)
{
    int32_t character;
    skip_spaces(&left);
    skip_spaces(&right);
    do {
        character = next_character(&left);
        if (character == TEXT_UNREADABLE || character != next_character(&right))
            return false;
    } while (character != TEXT_END);
    return true;
}

/* Of characters for which there is no other way to write them than those above. The rest of Unicode
 * has cases, compositions, and characters that stand for others or for nothing (RFC 4518), all of
 * which would take tables. */
static bool is_plain(characters of)
{
    int32_t code;
    while ((code = next_code(&of)) >= 0) {
        if (!is_space(code) && (code < ' ' || code > '~'))
            return false;
    }
    return code == TEXT_END;
}

/* in_doubt: the answer for values that are not seen to be the same, nor to differ. */
static bool same_attribute(const attribute *left, const attribute *right, bool in_doubt)
{
    if (!rp__slice_equal(left->type, right->type))
        return false;
    if ((left->tag == right->tag && rp__slice_equal(left->value, right->value)) ||
        same_text(characters_of(left), characters_of(right)))
        return true;
    return in_doubt && !(is_plain(characters_of(left)) && is_plain(characters_of(right)));
}

static bool holds(rp_slice relative, const attribute *wanted, bool in_doubt)
{
    attribute found;
    while (read_attribute(&relative, &found)) {
        if (same_attribute(&found, wanted, in_doubt))
            return true;
    }
    return false;
}

static bool all_held(rp_slice relative, rp_slice by, bool in_doubt)
{
    attribute wanted;
    while (read_attribute(&relative, &wanted)) {
        if (!holds(by, &wanted, in_doubt))
            return false;
    }
    return true;
}

/* Sets: their order is that of the encoding, which may differ. */
static bool same_relative(rp_slice left, rp_slice right, bool in_doubt)
{
    return rp__slice_equal(left, right) ||
           (all_held(left, right, in_doubt) && all_held(right, left, in_doubt));
}

/* Takes base's relative names off *name. */
static bool take_base(rp_slice *name, rp_slice base, bool in_doubt)
{
    rp_slice left, right;
    while (rp__der_get(&base, RP_DER_SET, &right)) {
        if (!rp__der_get(name, RP_DER_SET, &left) || !same_relative(left, right, in_doubt))
            return false;
    }
    return base.size == 0;
}

bool rp__dname_equal(rp_slice left, rp_slice right)
{
    return rp__slice_equal(left, right) || (take_base(&left, right, false) && left.size == 0);
}

bool rp__dname_within(rp_slice name, rp_slice base)
{
    return take_base(&name, base, false);
}

bool rp__dname_may_be_within(rp_slice name, rp_slice base)
{
    return take_base(&name, base, true);
}

/* Of every attribute by itself, and added up, so that their order and their number do not
 * matter. */
static uint32_t attribute_hash(const attribute *of)
{
    uint64_t hash = RP_HASH_BEGIN;
    for (size_t i = 0; i < of->type.size; i++)
        hash = rp__hash_byte(hash, of->type.data[i]);
    characters value = characters_of(of);
    int32_t code;
    while ((code = next_code(&value)) >= 0) {
        if (is_space(code))
            continue;
        for (uint32_t left = (uint32_t)fold(code); left != 0; left >>= 8)
            hash = rp__hash_byte(hash, (uint8_t)left);
    }
    return (uint32_t)hash;
}

uint32_t rp__dname_hash(rp_slice name)
{
    uint32_t hash = 0;
    rp_slice relative;
    attribute found;
    while (rp__der_get(&name, RP_DER_SET, &relative)) {
        uint32_t largest = 0; /* which a set with a member twice has too */
        while (read_attribute(&relative, &found)) {
            uint32_t one = attribute_hash(&found);
            largest = one > largest ? one : largest;
        }
        hash = hash * 31 + largest;
    }
    return hash;
}

bool rp__dname_attribute(rp_slice name, rp_slice type, rp_slice *value)
{
    rp_slice relative;
    attribute found;
    while (rp__der_get(&name, RP_DER_SET, &relative)) {
        while (read_attribute(&relative, &found)) {
            if (rp__slice_equal(found.type, type)) {
                *value = found.value;
                return true;
            }
        }
    }
    return false;
}

/* ---- telling ---- */

const char *rp__dname_text(rp_slice name, char text[RP_DNAME_TEXT_SIZE])
{
    size_t used = 0;
    rp_slice relative;
    attribute found;
    text[0] = '\0';
    while (rp__der_get(&name, RP_DER_SET, &relative)) {
        while (read_attribute(&relative, &found)) {
            if (found.value.size == 0)
                continue;
            if (RP_SLICE_IS(found.type, OID_COMMON_NAME)) {
                rp__printable_text(found.value, text, RP_DNAME_TEXT_SIZE);
                used = RP_DNAME_TEXT_SIZE; /* nothing but another common name after that */
            } else if (used + sizeof(", ") < RP_DNAME_TEXT_SIZE) {
                if (used > 0) {
                    memcpy(text + used, ", ", sizeof(", "));
                    used += sizeof(", ") - 1;
                }
                rp__printable_text(found.value, text + used, RP_DNAME_TEXT_SIZE - used);
                used += strlen(text + used);
            }
        }
    }
    if (text[0] == '\0')
        memcpy(text, "unnamed", sizeof("unnamed"));
    return text;
}

/* ---- general names ---- */

/* OtherName: a type, and a value of it. */
static bool is_other_name(rp_slice in)
{
    rp_slice type, value, content;
    uint8_t tag;
    return rp__der_oid(&in, &type) && rp__der_get(&in, RP_DER_CONTEXT_CONSTRUCTED | 0, &value) &&
           in.size == 0 && rp__der_any(&value, &tag, &content) && value.size == 0;
}

bool rp__general_name_read(rp_slice *names, rp_general_name *name)
{
    /* As they are encoded: some are structures, and a CHOICE keeps its own tag (X.680, 31.2.7). */
    static const uint8_t tags[] = {
        [RP_GENERAL_OTHER] = 0xA0, [RP_GENERAL_EMAIL] = 0x81,     [RP_GENERAL_DNS] = 0x82,
        [RP_GENERAL_X400] = 0xA3,  [RP_GENERAL_DIRECTORY] = 0xA4, [RP_GENERAL_EDI] = 0xA5,
        [RP_GENERAL_URI] = 0x86,   [RP_GENERAL_ADDRESS] = 0x87,   [RP_GENERAL_REGISTERED] = 0x88,
    };
    uint8_t tag;
    if (!rp__der_any(names, &tag, &name->value))
        return false;
    unsigned number = tag & 0x1fu;
    if (number >= sizeof(tags) || tags[number] != tag)
        return false;
    name->type = (rp_general_name_type)number;
    rp_slice inner = name->value;
    switch (name->type) {
    case RP_GENERAL_OTHER:
        return is_other_name(inner);
    case RP_GENERAL_DIRECTORY:
        return rp__dname_read(&inner, &name->value) && inner.size == 0;
    case RP_GENERAL_REGISTERED:
        return rp__der_is_oid(inner);
    default:
        return true;
    }
}

bool rp__general_name_is_ascii(const rp_general_name *name)
{
    if (name->type != RP_GENERAL_EMAIL && name->type != RP_GENERAL_DNS &&
        name->type != RP_GENERAL_URI)
        return true;
    for (size_t i = 0; i < name->value.size; i++) {
        if (name->value.data[i] >= 0x80)
            return false;
    }
    return true;
}

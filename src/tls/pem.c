/* pem.c - taking PEM apart. What stands between blocks is nobody's; a block that does not end, or
 * ends under another label, is none, but for who reads blocks of one kind. */
#include "tls/pem.h"

#include "tls/wolfssl.h"
#include "x509/der.h"

#include <wolfssl/wolfcrypt/coding.h>

#include <string.h>

#define LABEL_LIMIT 64

static const char begin_mark[] = "-----BEGIN ";
static const char end_mark[] = "-----END ";
static const char dashes[] = "-----";
static const char with_settings[] = "TRUSTED CERTIFICATE";

#define MARK_SIZE(mark) (sizeof(mark) - 1)

/* Moves *text behind the next mark. */
static bool skip_to(rp_slice *text, const void *mark, size_t mark_size)
{
    while (text->size >= mark_size) {
        if (memcmp(text->data, mark, mark_size) == 0) {
            *text = (rp_slice){text->data + mark_size, text->size - mark_size};
            return true;
        }
        const uint8_t *next = memchr(text->data + 1, *(const char *)mark, text->size - 1);
        size_t skipped = next == NULL ? text->size : (size_t)(next - text->data);
        *text = (rp_slice){text->data + skipped, text->size - skipped};
    }
    return false;
}

static bool read_label(rp_slice *text, rp_slice *label)
{
    const uint8_t *begin = text->data;
    if (!skip_to(text, dashes, MARK_SIZE(dashes)))
        return false;
    label->data = begin;
    label->size = (size_t)(text->data - begin) - MARK_SIZE(dashes);
    return label->size <= LABEL_LIMIT && memchr(begin, '\n', label->size) == NULL;
}

/* False: it is not the one that the block began with. */
static bool read_end_label(rp_slice *text, const rp_pem *block)
{
    rp_slice label;
    return read_label(text, &label) && rp__slice_equal(label, block->label);
}

/* RFC 1421's headers end with an empty line. */
static void skip_headers(rp_pem *block)
{
    rp_slice rest = block->body;
    block->encrypted = false;
    if (memchr(rest.data, ':', rest.size) == NULL)
        return;
    block->encrypted = skip_to(&(rp_slice){rest.data, rest.size}, "ENCRYPTED", 9);
    if (skip_to(&rest, "\n\n", 2))
        block->body = rest;
    else if (rest = block->body, skip_to(&rest, "\n\r\n", 3))
        block->body = rest;
}

bool rp__pem_next(rp_slice *text, rp_pem *block)
{
    while (skip_to(text, begin_mark, MARK_SIZE(begin_mark))) {
        rp_slice rest = *text;
        if (!read_label(&rest, &block->label))
            continue;
        block->body.data = rest.data;
        if (!skip_to(&rest, end_mark, MARK_SIZE(end_mark)))
            return false;
        block->body.size = (size_t)(rest.data - block->body.data) - MARK_SIZE(end_mark);
        if (!read_end_label(&rest, block))
            continue;
        *text = rest;
        block->ends = true;
        skip_headers(block);
        return true;
    }
    return false;
}

bool rp__pem_is(const rp_pem *block, const char *label)
{
    return block->label.size == strlen(label) &&
           memcmp(block->label.data, label, block->label.size) == 0;
}

bool rp__pem_is_certificate(const rp_pem *block)
{
    return rp__pem_is(block, "CERTIFICATE") || rp__pem_is(block, "X509 CERTIFICATE") ||
           rp__pem_is(block, with_settings);
}

bool rp__pem_is_crl(const rp_pem *block)
{
    return rp__pem_is(block, "X509 CRL");
}

/* Moves *text behind the mark that ends it. */
static bool find_end(rp_slice *text, rp_pem *block)
{
    while (skip_to(text, end_mark, MARK_SIZE(end_mark))) {
        block->body.size = (size_t)(text->data - block->body.data) - MARK_SIZE(end_mark);
        rp_slice rest = *text;
        if (read_end_label(&rest, block)) {
            *text = rest;
            return true;
        }
    }
    return false;
}

bool rp__pem_next_of(rp_slice *text, rp_pem_kind *is_of, rp_pem *block)
{
    while (skip_to(text, begin_mark, MARK_SIZE(begin_mark))) {
        rp_slice rest = *text;
        if (!read_label(&rest, &block->label) || !is_of(block))
            continue;
        *text = block->body = rest;
        block->encrypted = false;
        block->ends = find_end(text, block);
        if (!block->ends) {
            block->body.size = rest.size;
            *text = (rp_slice){rest.data + rest.size, 0};
        }
        return true;
    }
    return false;
}

unsigned rp__pem_count(rp_slice text, const char *word)
{
    unsigned count = 0;
    while (skip_to(&text, word, strlen(word)))
        count++;
    return count;
}

rp_slice rp__pem_cut_settings(const rp_pem *block, rp_slice *der)
{
    rp_slice rest = *der, certificate;
    if (!rp__pem_is(block, with_settings) || !rp__der_element(&rest, RP_DER_SEQUENCE, &certificate))
        return (rp_slice){der->data, 0};
    *der = certificate;
    return rest;
}

#define GROUP_CHARACTERS 64 /* a line of PEM */
#define GROUP_BYTES 48

static bool is_white(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* By wolfSSL, whose decoder takes as long whatever a key is, but no more white space than ends of
 * lines. A group that has less than all of its bytes is the last one. out has room for three
 * quarters of text.size and 8 bytes. False: it is none. */
static bool decode_base64(rp_slice text, uint8_t *out, size_t *size)
{
    uint8_t group[GROUP_CHARACTERS];
    size_t have = 0;
    bool good = true, ended = false;
    *size = 0;
    for (size_t i = 0; i < text.size && good; i++) {
        if (!is_white(text.data[i]))
            group[have++] = text.data[i];
        if (have == 0 || (have < sizeof(group) && i + 1 < text.size))
            continue;
        word32 made = GROUP_BYTES;
        good = !ended && Base64_Decode(group, (word32)have, out + *size, &made) == 0;
        ended = made < GROUP_BYTES;
        *size += good ? made : 0;
        have = 0;
    }
    rp__wipe(group, sizeof(group));
    return good;
}

uint8_t *rp__pem_decode(rp_memory *memory, const rp_pem *block, size_t *size)
{
    uint8_t *der = rp__allocate(memory, block->body.size / 4 * 3 + 8);
    *size = 0;
    if (der != NULL && !decode_base64(block->body, der, size)) {
        rp__wipe(der, *size);
        *size = 0;
    }
    return der;
}

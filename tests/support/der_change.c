/* der_change.c - see der_change.h. */
#include "support/der_change.h"

#include "support/chain_writer.h"
#include "x509/der.h"

#include <stdlib.h>
#include <string.h>

typedef struct change {
    size_t target, count;
    der_change_kind kind;
} change;

static bool is_der(rp_slice in)
{
    uint8_t tag;
    rp_slice content;
    while (in.size > 0) {
        if (!rp__der_any(&in, &tag, &content))
            return false;
    }
    return true;
}

static bool has_elements(uint8_t tag, rp_slice content)
{
    return (tag & 0x20) != 0 || (tag == RP_DER_OCTET_STRING && content.size > 1 && is_der(content));
}

/* Calls itself for what is in an element. */
static void copy(chain_writer *out, rp_slice in, change *made);

static void copy_content(chain_writer *out, uint8_t tag, rp_slice content, change *made)
{
    if (has_elements(tag, content))
        copy(out, content, made);
    else
        chain_put(out, content.data, content.size);
}

static void put_changed(chain_writer *out, uint8_t tag, rp_slice content, der_change_kind kind)
{
    static const uint8_t huge[] = {0x83, 0xff, 0xff, 0xff};
    uint8_t first = content.size > 0 ? (uint8_t)(content.data[0] ^ 0x81) : 0;
    if (kind == DER_PAST) {
        chain_put_byte(out, tag);
        chain_put(out, huge, sizeof(huge));
        chain_put(out, content.data, content.size);
        return;
    }
    size_t element = chain_begin(out, kind == DER_OTHER_TAG ? tag ^ 0x04u : tag);
    if (kind == DER_CUT && content.size > 0)
        content.size--;
    if (kind == DER_FIRST && content.size > 0) {
        chain_put_byte(out, first);
        content = (rp_slice){content.data + 1, content.size - 1};
    }
    if (kind != DER_EMPTY)
        chain_put(out, content.data, content.size);
    if (kind == DER_MORE)
        chain_put_element(out, RP_DER_NULL, NULL, 0);
    chain_end(out, element);
}

static void copy(chain_writer *out, rp_slice in, change *made)
{
    uint8_t tag;
    rp_slice content;
    while (in.size > 0 && rp__der_any(&in, &tag, &content)) {
        if (made->count++ == made->target) {
            if (made->kind != DER_LEAVE_OUT)
                put_changed(out, tag, content, made->kind);
            if (made->kind == DER_DOUBLE)
                put_changed(out, tag, content, made->kind);
            continue;
        }
        size_t element = chain_begin(out, tag);
        copy_content(out, tag, content, made);
        chain_end(out, element);
    }
}

bool der_change(rp_slice der, size_t target, der_change_kind kind, rp_slice *changed)
{
    chain_writer out = {0};
    change made = {.target = target, .kind = kind};
    chain_put_byte(&out, 0); /* so that there is something */
    out.size = 0;
    copy(&out, der, &made);
    *changed = (rp_slice){out.bytes, out.size};
    if (made.count > target)
        return true;
    free(out.bytes);
    return false;
}

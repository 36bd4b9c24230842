/* hpack.h - HPACK (RFC 7541), both ways: fields to bytes and back, with a table of fields that were
 * sent on each side.
 *
 * A field that is read is made once and lives as long as the table, or the decoder's memo, or the
 * block that it stands in needs it; nothing is copied from it. The memo knows literal fields again
 * by their bytes: most servers send the same ones with each response. What the server says may
 * stand in no table (6.2.3) is in no memo, either. */
#ifndef RP_HTTP_HPACK_H
#define RP_HTTP_HPACK_H

#include "base/slice.h"
#include "http/h2_memory.h"

#define RP_HPACK_STATIC 61
#define RP_HPACK_TABLE_BYTES 4096 /* RFC 9113, 6.5.2: of which neither side says otherwise */
#define RP_HPACK_OVERHEAD 32      /* of a field in either */
#define RP_HPACK_TABLE_FIELDS (RP_HPACK_TABLE_BYTES / RP_HPACK_OVERHEAD)

/* What a field is in a response (h2_field.c). */
typedef enum rp_hpack_kind {
    RP_HPACK_PLAIN,
    RP_HPACK_LENGTH, /* Content-Length */
    RP_HPACK_STATUS,
    RP_HPACK_BAD /* it has no place there, or is malformed */
} rp_hpack_kind;

typedef struct rp_hpack_field {
    const char *name, *value; /* end in NUL */
    uint32_t name_size, value_size;
    uint64_t number;             /* of a length or status */
    uint32_t blanks;             /* that came around the value, and are none of it */
    uint32_t uses;               /* by the table and the memo */
    uint8_t kind;                /* rp_hpack_kind */
    bool good_name;              /* a token in lower case: who takes its name need not look again */
    struct rp_hpack_field *next; /* of those that go with the block */
} rp_hpack_field;

/* Of one in a table (4.1), and in a list (RFC 9113, 6.5.2). */
static inline size_t rp__hpack_field_bytes(const rp_hpack_field *field)
{
    return (size_t)field->name_size + field->value_size + field->blanks + RP_HPACK_OVERHEAD;
}

/* The first is the static table's number 1. */
extern const rp_hpack_field rp__hpack_static[RP_HPACK_STATIC];
/* The first with this name, whatever its case; 0: there is none. */
uint32_t rp__hpack_static_find(const void *name, size_t size);

/* ---- the dynamic table (2.3.2, 4) ---- */

typedef struct rp_hpack_table {
    rp_h2_memory *memory;
    rp_hpack_field *ring[RP_HPACK_TABLE_FIELDS];
    uint32_t next, count; /* where the next one goes; how many there are before it */
    uint32_t bytes, limit;
    uint64_t inserted;   /* so many so far */
    rp_hpack_field *out; /* those that nobody uses any more */
} rp_hpack_table;

void rp__hpack_table_begin(rp_hpack_table *table, rp_h2_memory *memory);
void rp__hpack_table_end(rp_hpack_table *table);
void rp__hpack_table_limit(rp_hpack_table *table, uint32_t limit);
void rp__hpack_table_insert(rp_hpack_table *table, rp_hpack_field *field);
/* Nobody uses it any more: it goes with the next sweep. */
void rp__hpack_table_drop(rp_hpack_table *table, rp_hpack_field *field);
void rp__hpack_table_sweep(rp_hpack_table *table);

/* The dynamic table's, by its number. NULL: there is none. */
static inline rp_hpack_field *rp__hpack_table_own(const rp_hpack_table *table, uint32_t number)
{
    uint32_t age = number - RP_HPACK_STATIC - 1;
    if (number <= RP_HPACK_STATIC || age >= table->count)
        return NULL;
    return table->ring[(table->next - 1 - age) % RP_HPACK_TABLE_FIELDS];
}

/* By its number, 1 the first of the static table. NULL: there is none. */
static inline const rp_hpack_field *rp__hpack_table_get(const rp_hpack_table *table,
                                                        uint32_t number)
{
    return number - 1 < RP_HPACK_STATIC ? &rp__hpack_static[number - 1]
                                        : rp__hpack_table_own(table, number);
}

/* ---- reading ---- */

#define RP_HPACK_MEMO_FIELDS 16
#define RP_HPACK_MEMO_BYTES 55

typedef struct rp_hpack_memo {
    rp_hpack_field *field; /* NULL: none */
    uint8_t size, bytes[RP_HPACK_MEMO_BYTES];
} rp_hpack_memo;

/* The last block, if it is small, and what it said. It says the same when it comes again, unless it
 * refers to a table that has changed. */
#define RP_HPACK_LAST_BYTES 256
#define RP_HPACK_LAST_FIELDS 32

typedef struct rp_hpack_last {
    rp_hpack_field *fields[RP_HPACK_LAST_FIELDS]; /* but for the static table's */
    uint32_t count, inserts;                      /* bits: which of them went into the table */
    uint32_t owed;                                /* so often it came again, and the table waits */
    uint64_t inserted;                            /* the table's count before it */
    bool refers;                                  /* to the dynamic table */
    bool whole;                                   /* it was decoded, and all of it is here */
    uint32_t size;
    uint8_t bytes[RP_HPACK_LAST_BYTES];
} rp_hpack_last;

typedef struct rp_hpack_decoder {
    rp_hpack_table table;
    rp_hpack_last last;
    rp_hpack_memo memo[RP_HPACK_MEMO_FIELDS];
    uint32_t memo_next;
    size_t copied; /* bytes of names out of the table, for fields of this block */
} rp_hpack_decoder;

typedef enum rp_hpack_result {
    RP_HPACK_DONE,
    RP_HPACK_BROKEN, /* it can't be decoded, or is above a limit */
    RP_HPACK_NO_MEMORY
} rp_hpack_result;

void rp__hpack_decoder_begin(rp_hpack_decoder *decoder, rp_h2_memory *memory);
void rp__hpack_decoder_end(rp_hpack_decoder *decoder);

/* A field of the block, which lives until rp__hpack_sweep, and, where rp__hpack_again is true of
 * the next block, until that of this one. */
typedef void rp_hpack_on_field(void *user, const rp_hpack_field *field);
/* A whole block. If it is not done, the table is out of step. */
rp_hpack_result rp__hpack_decode(rp_hpack_decoder *decoder, const uint8_t *block, size_t size,
                                 rp_hpack_on_field *on_field, void *user);
/* This block is the last one again, with the same fields, and is decoded by that. */
bool rp__hpack_again(rp_hpack_decoder *decoder, const uint8_t *block, size_t size);
/* Nobody looks at the block's fields any more. */
void rp__hpack_sweep(rp_hpack_decoder *decoder);

/* ---- writing ---- */

typedef struct rp_hpack_encoder {
    rp_hpack_table table;
    uint32_t least;    /* the lowest limit since the last block */
    bool limit_to_say; /* it changed since then */
} rp_hpack_encoder;

typedef enum rp_hpack_how {
    RP_HPACK_INDEX, /* it will come again */
    RP_HPACK_ONCE,
    RP_HPACK_NEVER /* nobody is to keep it (7.1.3) */
} rp_hpack_how;

void rp__hpack_encoder_begin(rp_hpack_encoder *encoder, rp_h2_memory *memory);
void rp__hpack_encoder_end(rp_hpack_encoder *encoder);
/* The peer's SETTINGS_HEADER_TABLE_SIZE. */
void rp__hpack_limit(rp_hpack_encoder *encoder, uint32_t limit);

/* What rp__hpack_put writes at the most beside name and value; above 16 KiB more for each of
 * them. */
#define RP_HPACK_PUT_BYTES 12

/* Begins a block. Both return where the next byte goes. */
uint8_t *rp__hpack_begin(rp_hpack_encoder *encoder, uint8_t *out);
/* number: a field of the static table with that name; 0: it is looked for. The name's case does not
 * matter. */
uint8_t *rp__hpack_put(rp_hpack_encoder *encoder, uint8_t *out, uint32_t number, rp_slice name,
                       rp_slice value, rp_hpack_how how);

/* ---- Huffman's code (5.2, appendix B) ---- */

/* The bytes that size ones can become at the most. */
static inline size_t rp__huffman_most(size_t size)
{
    return size * 8 / 5;
}
/* False: it is none. out has room for rp__huffman_most. */
bool rp__huffman_decode(const uint8_t *data, size_t size, char *out, size_t *out_size);
size_t rp__huffman_size(const uint8_t *text, size_t size, bool lower);
uint8_t *rp__huffman_encode(const uint8_t *text, size_t size, bool lower, uint8_t *out);

#endif

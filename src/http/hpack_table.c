/* hpack_table.c - HPACK's dynamic table (RFC 7541, 2.3.2 and 4): the last fields, as many as fit.
 */
#include "http/hpack.h"

void rp__hpack_table_begin(rp_hpack_table *table, rp_h2_memory *memory)
{
    table->memory = memory;
    table->limit = RP_HPACK_TABLE_BYTES;
}

void rp__hpack_table_end(rp_hpack_table *table)
{
    rp__hpack_table_limit(table, 0);
    rp__hpack_table_sweep(table);
}

void rp__hpack_table_drop(rp_hpack_table *table, rp_hpack_field *field)
{
    field->next = table->out;
    table->out = field;
}

void rp__hpack_table_sweep(rp_hpack_table *table)
{
    while (table->out != NULL) {
        rp_hpack_field *field = table->out;
        table->out = field->next;
        rp__h2_give(table->memory, field);
    }
}

/* Until so much is left at the most. */
static void evict(rp_hpack_table *table, size_t bytes)
{
    while (table->bytes > bytes) {
        rp_hpack_field *field = table->ring[(table->next - table->count) % RP_HPACK_TABLE_FIELDS];
        table->count--;
        table->bytes -= (uint32_t)rp__hpack_field_bytes(field);
        if (--field->uses == 0)
            rp__hpack_table_drop(table, field);
    }
}

void rp__hpack_table_limit(rp_hpack_table *table, uint32_t limit)
{
    table->limit = limit;
    evict(table, limit);
}

/* 4.4: what is larger than the table empties it. */
void rp__hpack_table_insert(rp_hpack_table *table, rp_hpack_field *field)
{
    size_t size = rp__hpack_field_bytes(field);
    table->inserted++;
    if (size > table->limit) {
        evict(table, 0);
        return;
    }
    evict(table, table->limit - size);
    table->ring[table->next++ % RP_HPACK_TABLE_FIELDS] = field;
    table->count++;
    table->bytes += (uint32_t)size;
    field->uses++;
}

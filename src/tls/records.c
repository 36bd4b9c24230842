/* records.c - a state machine over record headers (RFC 8446, 5.1) and plaintext handshake
 * messages (4). */
#include "tls/records.h"

#include "base/slice.h"

#include <string.h>

enum { CHANGE_CIPHER = 20, HANDSHAKE = 22, APPLICATION_DATA = 23 }; /* content types */
enum { HELLO_REQUEST = 0, SERVER_HELLO = 2, CERTIFICATE = 11 };     /* handshake types */

static size_t smaller(size_t left, size_t right)
{
    return left < right ? left : right;
}

/* How much of a pattern has been seen, with one byte more; not all of it had been. */
static uint8_t seek(const uint8_t *pattern, uint8_t match, uint8_t byte)
{
    for (uint8_t k = match;; k--) { /* what was seen may end with a shorter beginning */
        if (pattern[k] == byte && memcmp(pattern, pattern + match - k, k) == 0)
            return (uint8_t)(k + 1);
        if (k == 0)
            return 0;
    }
}

static uint8_t seek_in(const uint8_t *pattern, uint8_t size, uint8_t match, rp_slice bytes)
{
    while (bytes.size > 0 && match < size) {
        if (match == 0) { /* then to where it may begin */
            const uint8_t *begin = memchr(bytes.data, pattern[0], bytes.size);
            if (begin == NULL)
                return 0;
            bytes.size -= (size_t)(begin - bytes.data);
            bytes.data = begin;
        }
        match = seek(pattern, match, *bytes.data++);
        bytes.size--;
    }
    return match;
}

/* Looks for the extension and for what a random ends with (RFC 8446, 4.1.3) as strings of bytes: it
 * is for a message only, so other bytes that look like them do no harm. */
static void see_server_hello(rp_records *records, const uint8_t *data, size_t size)
{
    static const uint8_t version[] = {0, 43, 0, 2, 3, 4}; /* RFC 8446, 4.2.1 */
    static const uint8_t downgrade[] = {'D', 'O', 'W', 'N', 'G', 'R', 'D', 1};
    rp_slice bytes = {data, size};
    records->version_match = seek_in(version, sizeof(version), records->version_match, bytes);
    records->downgrade_match =
        seek_in(downgrade, sizeof(downgrade), records->downgrade_match, bytes);
    records->says_1_3 = records->version_match == sizeof(version);
    records->downgraded = records->downgrade_match == sizeof(downgrade);
}

/* Handshake messages may be cut over records in any way. What is encrypted looks like messages
 * too, but by then ServerHello and Certificate have come or it no longer matters. */
static void see_handshake(rp_records *records, const uint8_t *data, size_t size)
{
    while (size > 0) {
        if (records->message_have < sizeof(records->message)) {
            records->message[records->message_have++] = *data++;
            size--;
            if (records->message_have < sizeof(records->message))
                continue;
            records->message_rest = (uint32_t)records->message[1] << 16 |
                                    (uint32_t)records->message[2] << 8 | records->message[3];
            if (records->message[0] == CERTIFICATE)
                records->certificate = true;
            if (records->message[0] == HELLO_REQUEST && !records->sealed)
                records->hello_request = true;
        } else {
            size_t part = smaller(size, records->message_rest);
            if (records->message[0] == SERVER_HELLO)
                see_server_hello(records, data, part);
            records->message_rest -= (uint32_t)part;
            data += part;
            size -= part;
        }
        if (records->message_rest == 0) {
            if (records->message[0] == SERVER_HELLO)
                records->server_hello = true;
            records->message_have = 0;
        }
    }
}

static rp_record_verdict judge_header(rp_records *records)
{
    uint8_t type = records->record[0];
    records->record_rest = (uint16_t)(records->record[3] << 8 | records->record[4]);
    records->record_have = records->record_rest == 0 ? 0 : sizeof(records->record);
    if (type < CHANGE_CIPHER || type > APPLICATION_DATA || records->record[1] != 3)
        return RP_RECORD_NOT_TLS;
    records->sealed = records->sealed || type == CHANGE_CIPHER;
    return type == CHANGE_CIPHER ? RP_RECORD_CHANGE_CIPHER : RP_RECORD_FINE;
}

void rp__records_keep_first(rp_records *records, const uint8_t *data, size_t size)
{
    size_t room = sizeof(records->first) - (size_t)records->first_have;
    size_t part = smaller(size, room);
    memcpy(records->first + records->first_have, data, part);
    records->first_have = (uint8_t)(records->first_have + part);
}

rp_record_verdict rp__records_see(rp_records *records, const uint8_t *data, size_t size)
{
    rp__records_keep_first(records, data, size);
    rp_record_verdict verdict = RP_RECORD_FINE;
    while (size > 0 && verdict != RP_RECORD_NOT_TLS) {
        if (records->record_have < sizeof(records->record)) {
            records->record[records->record_have++] = *data++;
            size--;
            if (records->record_have == sizeof(records->record))
                verdict = judge_header(records);
            continue;
        }
        size_t part = smaller(size, records->record_rest);
        if (records->record[0] == HANDSHAKE)
            see_handshake(records, data, part);
        records->record_rest = (uint16_t)(records->record_rest - part);
        if (records->record_rest == 0)
            records->record_have = 0;
        data += part;
        size -= part;
    }
    return verdict;
}

void rp__records_pass(rp_records *records, const uint8_t *data, size_t size)
{
    while (size > 0) {
        size_t header_rest = sizeof(records->record) - (size_t)records->record_have;
        size_t part = smaller(size, header_rest > 0 ? header_rest : records->record_rest);
        if (header_rest > 0) {
            memcpy(records->record + records->record_have, data, part);
            records->record_have = (uint8_t)(records->record_have + part);
            if (part == header_rest)
                (void)judge_header(records);
        } else {
            records->record_rest = (uint16_t)(records->record_rest - part);
            if (records->record_rest == 0)
                records->record_have = 0;
        }
        data += part;
        size -= part;
    }
}

bool rp__records_between(const rp_records *records)
{
    return records->record_have == 0;
}

bool rp__records_change_cipher(const uint8_t *data, size_t size)
{
    while (size >= 5) {
        if (data[0] == CHANGE_CIPHER)
            return true;
        size_t record = 5 + ((size_t)data[3] << 8 | data[4]);
        if (record > size)
            return false;
        data += record;
        size -= record;
    }
    return false;
}

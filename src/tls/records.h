/* records.h - watching the peer's records go by during the handshake.
 *
 * wolfSSL judges records; this judges two things before wolfSSL sees them: whether what came
 * is TLS at all, and whether a ChangeCipherSpec comes before its time (CVE-2026-93304). */
#ifndef RP_TLS_RECORDS_H
#define RP_TLS_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RP_RECORDS_FIRST 24

typedef enum rp_record_verdict {
    RP_RECORD_FINE,
    RP_RECORD_NOT_TLS,
    RP_RECORD_CHANGE_CIPHER /* one has begun: the caller knows whether it may */
} rp_record_verdict;

typedef struct rp_records {
    uint8_t record[5]; /* header of the record being read */
    uint8_t record_have;
    uint8_t message[4]; /* header of the handshake message being read */
    uint8_t message_have;
    uint16_t record_rest;
    uint32_t message_rest;
    bool server_hello;  /* one has come as a whole, in plain text */
    bool certificate;   /* one has begun, in plain text */
    bool hello_request; /* one has come, in plain text */
    bool sealed;        /* a ChangeCipherSpec has come: TLS 1.2's messages are no plain text */
    bool says_1_3;      /* ServerHello's supported_versions extension says TLS 1.3 */
    bool downgraded;    /* its random says that the server has TLS 1.3 all the same */
    uint8_t version_match, downgrade_match; /* how much of either was just seen */
    uint8_t first[RP_RECORDS_FIRST];        /* of the connection, for a message */
    uint8_t first_have;
} rp_records;

/* Takes the next bytes of the stream, in pieces of any size. The verdict on the last record
 * header that was completed by them, if they completed one. */
rp_record_verdict rp__records_see(rp_records *records, const uint8_t *data, size_t size);

/* Adds bytes of the stream to first, as long as there is room. rp__records_see does it too. */
void rp__records_keep_first(rp_records *records, const uint8_t *data, size_t size);

/* The same bytes once the handshake is done: only where each record begins and ends. */
void rp__records_pass(rp_records *records, const uint8_t *data, size_t size);

/* False while a record has come in part. */
bool rp__records_between(const rp_records *records);

/* True if the whole records in data, which we send, hold a ChangeCipherSpec. */
bool rp__records_change_cipher(const uint8_t *data, size_t size);

#endif

/* tls_player.h - plays a recorded server to a client, with the changes that a fuzzer's input asks
 * for, and holds what the engine promises, whatever comes.
 *
 * The input is a list of steps, each a byte for its kind (modulo TLS_STEPS) and its arguments:
 *   0 the next record as it was        7 bytes: how many (2), and they themselves
 *   1 one byte of it changed: at (2),  8 a record: type (1), size (2), content
 *     xor (1)                          9 the next record cut into two: at (2)
 *   2 only its first bytes: at (2)    10 the rest of the records as they were
 *   3 likewise, with lengths mended   11 in pieces of up to (1) bytes from here; 0: whole
 *   4 left out                        12 the client writes something
 *   5 one record back                 13 the client closes
 *   6 on from record (1)              14 the server's keys are updated (tls_records only)
 */
#ifndef TESTS_FUZZ_TLS_PLAYER_H
#define TESTS_FUZZ_TLS_PLAYER_H

#include "fuzz/support/fuzz.h"
#include "fuzz/support/tls_recording.h"

#define TLS_STEPS 15

typedef struct tls_player {
    const tls_recording *recording;
    rp_memory memory;
    rp_sessions *sessions;
    tls_pair pair;
    size_t piece;    /* input is given in pieces of up to this size; 0: whole */
    uint64_t random; /* their sizes */
    bool closing;    /* the client wrote its close_notify */

    /* What the steps are about: the recording's records, or what is in them. */
    const rp_slice *records;
    size_t count, next;

    /* The plaintext that the client may have got by now is a beginning of this. */
    const uint8_t *expected;
    size_t expected_size;

    /* NULL: records go to the client as they are. Else they are the plaintext of TLS 1.3 records,
     * type last, and this puts them into records. */
    void (*seal)(struct tls_player *player, const uint8_t *data, size_t size);
    void (*update_keys)(struct tls_player *player, bool wanted_back);
} tls_player;

void tls_player_open(tls_player *player, const tls_recording *recording);
void tls_player_play(tls_player *player, fuzz_input *input);
/* Ends the input as well. */
void tls_player_close(tls_player *player);

/* Bytes as they come from the network. */
void tls_player_feed(tls_player *player, const uint8_t *data, size_t size);

#endif

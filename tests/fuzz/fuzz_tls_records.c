/* fuzz_tls_records.c - TLS 1.3 records with genuine keys and doubtful content: what only the server
 * that we talk to could do. Its handshake messages and what follows them, changed, cut, left out,
 * doubled, put out of order, or made up, and then sealed as the server would have.
 *
 * Input: a byte, even: from behind ServerHello on, odd: from behind the handshake on; then steps
 * (see tls_player.h). */
#include "fuzz/support/tls_player.h"
#include "support/tls_seal.h"

#include <stdlib.h>
#include <string.h>

enum { HANDSHAKE = 22, APPLICATION_DATA = 23 }; /* content types */

/* What is in the server's sealed records, once for all inputs. */
typedef struct insides {
    const tls_recording *recording;
    size_t clear; /* records before the first sealed one */
    rp_slice records[TLS_RECORDS];
    size_t count, handshake;
    uint8_t messages[8192]; /* of the handshake, one behind the other */
    size_t messages_size;
} insides;

/* One input's. */
typedef struct sealer {
    tls_player player; /* first */
    tls_keys keys;
    uint8_t *data; /* the plaintext that was sealed */
    size_t data_size, data_capacity;
    uint8_t *messages; /* likewise of handshake messages, until the client is open */
    size_t messages_size, messages_capacity;
} sealer;

static void unseal(insides *in, tls_keys *keys, size_t index)
{
    rp_slice record = in->recording->records[index];
    uint8_t *plaintext = malloc(record.size); /* kept */
    FUZZ_CHECK(plaintext != NULL);
    size_t size = tls_unseal(keys, plaintext, record);
    in->records[in->count++] = (rp_slice){plaintext, size};
}

static const insides *look_inside(void)
{
    static insides in;
    tls_keys keys;
    if (in.recording != NULL)
        return &in;
    in.recording = tls_recording_of(TLS_SEALED_SETTING);
    while (in.recording->records[in.clear].data[0] != APPLICATION_DATA)
        in.clear++;
    tls_keys_set(&keys, in.recording->handshake_secret);
    for (size_t i = in.clear; i < in.recording->handshake; i++) {
        unseal(&in, &keys, i);
        rp_slice message = in.records[in.count - 1];
        FUZZ_CHECK(message.data[message.size - 1] == HANDSHAKE);
        FUZZ_CHECK(message.size <= sizeof(in.messages) - in.messages_size);
        memcpy(in.messages + in.messages_size, message.data, message.size - 1);
        in.messages_size += message.size - 1;
    }
    in.handshake = in.count;
    tls_keys_set(&keys, in.recording->traffic_secret);
    for (size_t i = in.recording->handshake; i < in.recording->count; i++)
        unseal(&in, &keys, i);
    return &in;
}

static void keep(uint8_t **all, size_t *all_size, size_t *capacity, const uint8_t *data,
                 size_t size)
{
    if (*all == NULL || *capacity - *all_size < size) {
        *capacity = 2 * (*all_size + size) + 64;
        *all = realloc(*all, *capacity);
        FUZZ_CHECK(*all != NULL);
    }
    memcpy(*all + *all_size, data, size);
    *all_size += size;
}

/* Notes what the client may take it for, seals and sends it. */
static void seal(tls_player *player, const uint8_t *data, size_t size)
{
    sealer *s = (sealer *)(void *)player;
    tls_end *client = &player->pair.client;
    bool was_open = client->opened;
    size_t content = size;
    while (content > 0 && data[content - 1] == 0)
        content--; /* padding */
    uint8_t type = content > 0 ? data[--content] : 0;
    if (type == APPLICATION_DATA && !client->ended)
        keep(&s->data, &s->data_size, &s->data_capacity, data, content);
    if (type == HANDSHAKE && !was_open)
        keep(&s->messages, &s->messages_size, &s->messages_capacity, data, content);
    player->expected = s->data;
    player->expected_size = s->data_size;

    uint8_t *record = malloc(size + TLS_SEAL_EXTRA);
    FUZZ_CHECK(record != NULL);
    tls_seal(&s->keys, record, data, size);
    tls_player_feed(player, record, size + TLS_SEAL_EXTRA);
    free(record);
    if (client->opened && !client->failed && !client->ended)
        FUZZ_CHECK(client->received_size == s->data_size);
    if (client->opened && !was_open) {
        /* Finished is over every byte of the handshake. */
        const insides *in = look_inside();
        FUZZ_CHECK(s->messages_size >= in->messages_size);
        FUZZ_CHECK(memcmp(s->messages, in->messages, in->messages_size) == 0);
        tls_keys_set(&s->keys, in->recording->traffic_secret);
    }
}

/* KeyUpdate (RFC 8446, 4.6.3). */
static void update_keys(tls_player *player, bool wanted_back)
{
    sealer *s = (sealer *)(void *)player;
    const uint8_t message[] = {24, 0, 0, 1, wanted_back, HANDSHAKE};
    seal(player, message, sizeof(message));
    if (player->pair.client.opened)
        tls_keys_update(&s->keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    const insides *in = look_inside();
    bool open = fuzz_byte(&input) & 1;
    size_t first = open ? in->recording->handshake : in->clear;
    sealer s;
    memset(&s, 0, sizeof(s));
    tls_player_open(&s.player, in->recording);
    for (size_t i = 0; i < first; i++)
        tls_player_feed(&s.player, in->recording->records[i].data, in->recording->records[i].size);
    FUZZ_CHECK(!s.player.pair.client.failed && s.player.pair.client.opened == open);
    tls_keys_set(&s.keys, open ? in->recording->traffic_secret : in->recording->handshake_secret);
    s.player.records = in->records + (open ? in->handshake : 0);
    s.player.count = in->count - (open ? in->handshake : 0);
    s.player.expected_size = 0;
    s.player.seal = seal;
    s.player.update_keys = update_keys;
    tls_player_play(&s.player, &input);
    tls_player_close(&s.player);
    free(s.data);
    free(s.messages);
    return 0;
}

/* tls_player.c - see tls_player.h. */
#include "fuzz/support/tls_player.h"

#include <stdlib.h>
#include <string.h>

/* ---- What must hold -------------------------------------------------------------------------- */

static void check_failure(const rp_error *error, bool opened)
{
    FUZZ_CHECK(error->status >= RP_E_TLS_ALERT && error->status <= RP_E_CERT_STAPLE);
    FUZZ_CHECK(error->phase == (opened ? RP_PHASE_NONE : RP_PHASE_HANDSHAKE));
    FUZZ_CHECK(error->text[0] != '\0');
    for (const char *c = error->text; *c != '\0'; c++)
        FUZZ_CHECK((unsigned char)*c >= ' ' && *c != 0x7f);
    fuzz_feature_text(1, error->text);
    fuzz_feature(2, (uint32_t)error->tls_code << 9 | (uint32_t)(error->tls_alert & 0xff) << 1 |
                        opened);
}

static void check(const tls_player *player)
{
    const tls_end *client = &player->pair.client;
    FUZZ_CHECK(client->stats.tls_calls_idle == 0);
    FUZZ_CHECK(client->received_size <= player->expected_size);
    FUZZ_CHECK(client->received_size == 0 ||
               memcmp(client->received, player->expected, client->received_size) == 0);
    FUZZ_CHECK(client->received_size == 0 || client->opened);
    if (client->failed)
        check_failure(&client->error, client->opened);
    /* An end is authenticated: nothing is missing before it. */
    FUZZ_CHECK(!client->ended || client->received_size == player->expected_size);
    fuzz_feature(3, (uint32_t)client->opened << 8 | (uint32_t)client->ended << 7 |
                        (uint32_t)client->failed << 6 | (uint32_t)(player->next & 63));
}

void tls_player_feed(tls_player *player, const uint8_t *data, size_t size)
{
    while (size > 0 && !player->pair.client.failed) {
        size_t piece = size;
        if (player->piece > 0)
            piece = 1 + fuzz_random(&player->random, (uint32_t)player->piece);
        piece = piece < size ? piece : size;
        tls_feed(&player->pair, &player->pair.client, data, piece);
        check(player);
        data += piece;
        size -= piece;
    }
}

/* ---- Steps ----------------------------------------------------------------------------------- */

static void emit(tls_player *player, const uint8_t *data, size_t size)
{
    if (player->seal != NULL)
        player->seal(player, data, size);
    else
        tls_player_feed(player, data, size);
}

static void emit_changed(tls_player *player, rp_slice record, fuzz_input *input)
{
    uint8_t *copy = fuzz_copy(record.data, record.size);
    size_t at = fuzz_u16(input) % record.size;
    uint8_t bits = fuzz_byte(input);
    copy[at] ^= bits > 0 ? bits : 0x80;
    emit(player, copy, record.size);
    free(copy);
}

/* The first size bytes of a record, or of a handshake message that is to be sealed, with a length
 * that says so. */
static void emit_cut(tls_player *player, rp_slice record, size_t size)
{
    uint8_t *copy = fuzz_copy(record.data, record.size);
    if (player->seal != NULL && size >= 4) {
        copy[2] = (uint8_t)((size - 4) >> 8);
        copy[3] = (uint8_t)(size - 4);
        copy[size++] = record.data[record.size - 1]; /* the type; size was less than all */
    } else if (player->seal == NULL && size >= 5) {
        copy[3] = (uint8_t)((size - 5) >> 8);
        copy[4] = (uint8_t)(size - 5);
    }
    emit(player, copy, size);
    free(copy);
}

/* A record's content in two. */
static void emit_split(tls_player *player, rp_slice record, size_t at)
{
    uint8_t *copy = malloc(record.size + 8);
    FUZZ_CHECK(copy != NULL);
    if (player->seal != NULL) {
        memcpy(copy, record.data, at);
        copy[at] = record.data[record.size - 1];
        emit(player, copy, at + 1);
        emit(player, record.data + at, record.size - at);
    } else {
        size_t first = at > 5 ? at - 5 : 0, rest = record.size - 5 - first;
        memcpy(copy, record.data, 5 + first);
        copy[3] = (uint8_t)(first >> 8);
        copy[4] = (uint8_t)first;
        emit(player, copy, 5 + first);
        memcpy(copy + 5, record.data + 5 + first, rest);
        copy[3] = (uint8_t)(rest >> 8);
        copy[4] = (uint8_t)rest;
        emit(player, copy, 5 + rest);
    }
    free(copy);
}

static void emit_made(tls_player *player, fuzz_input *input)
{
    uint8_t type = fuzz_byte(input);
    size_t size;
    const uint8_t *content = fuzz_bytes(input, fuzz_u16(input) % 16384, &size);
    uint8_t *copy = malloc(size + 5);
    FUZZ_CHECK(copy != NULL);
    if (player->seal != NULL) {
        memcpy(copy, size > 0 ? content : (const uint8_t *)"", size);
        copy[size] = type;
        emit(player, copy, size + 1);
    } else {
        const uint8_t header[] = {type, 3, 3, (uint8_t)(size >> 8), (uint8_t)size};
        memcpy(copy, header, 5);
        memcpy(copy + 5, size > 0 ? content : header, size);
        emit(player, copy, size + 5);
    }
    free(copy);
}

/* The steps that take a record from the list. */
static void step_record(tls_player *player, uint8_t kind, fuzz_input *input)
{
    if (player->next >= player->count)
        return;
    rp_slice record = player->records[player->next++];
    switch (kind) {
    case 0:
        emit(player, record.data, record.size);
        break;
    case 1:
        emit_changed(player, record, input);
        break;
    case 2:
        emit(player, record.data, fuzz_u16(input) % record.size);
        break;
    case 3:
        emit_cut(player, record, fuzz_u16(input) % record.size);
        break;
    case 9:
        emit_split(player, record, fuzz_u16(input) % record.size);
        break;
    default: /* left out */
        break;
    }
}

/* The client's own doings. */
static void step_client(tls_player *player, uint8_t kind)
{
    tls_end *client = &player->pair.client;
    if (!client->opened || client->failed || player->closing)
        return;
    rp_error error = {.status = RP_OK};
    if (kind == 12) {
        FUZZ_CHECK(rp__engine_write(client->engine, (const uint8_t *)"ping", 4, &error) ==
                   RP_ENGINE_OK);
    } else {
        FUZZ_CHECK(rp__engine_close_notify(client->engine, &error) == RP_ENGINE_OK);
        player->closing = true;
    }
    check(player);
}

static void step(tls_player *player, fuzz_input *input)
{
    uint8_t kind = fuzz_byte(input) % TLS_STEPS;
    size_t size;
    const uint8_t *bytes;
    switch (kind) {
    case 5:
        player->next -= player->next > 0;
        break;
    case 6:
        player->next = fuzz_byte(input) % player->count;
        break;
    case 7:
        bytes = fuzz_bytes(input, fuzz_u16(input), &size);
        emit(player, bytes, size);
        break;
    case 8:
        emit_made(player, input);
        break;
    case 10:
        while (player->next < player->count && !player->pair.client.failed)
            step_record(player, 0, input);
        break;
    case 11:
        player->piece = fuzz_byte(input);
        break;
    case 12:
    case 13:
        step_client(player, kind);
        break;
    case 14:
        if (player->update_keys != NULL)
            player->update_keys(player, fuzz_byte(input) & 1);
        break;
    default:
        step_record(player, kind, input);
        break;
    }
}

/* ---- Interface ------------------------------------------------------------------------------- */

void tls_player_open(tls_player *player, const tls_recording *recording)
{
    memset(player, 0, sizeof(*player));
    player->recording = recording;
    player->random = 1;
    player->records = recording->records;
    player->count = recording->count;
    player->expected = recording->sent;
    player->expected_size = recording->sent_size;
    rp__memory_init(&player->memory, (rp_allocator){.resize = NULL});
    player->sessions = rp__sessions_create(&player->memory);
    FUZZ_CHECK(player->sessions != NULL);
    tls_recording_client(recording, &player->pair, player->sessions);
}

void tls_player_play(tls_player *player, fuzz_input *input)
{
    while (input->size > 0 && !player->pair.client.failed)
        step(player, input);
}

void tls_player_close(tls_player *player)
{
    tls_end *client = &player->pair.client;
    if (!client->failed) {
        tls_end_input(&player->pair, client);
        check(player);
        FUZZ_CHECK(client->failed || client->ended);
        if (client->failed && !client->opened)
            FUZZ_CHECK(client->error.status != RP_E_TRUNCATED);
    }
    tls_pair_close(&player->pair);
    rp__sessions_destroy(player->sessions);
    FUZZ_CHECK(player->memory.live == 0);
}

/* fuzz_tls_open.c - ciphertext after the handshake: arbitrary bytes, and a genuine server's records
 * changed, cut, left out, doubled and put out of order.
 *
 * Input: the setting (see tls_recording.c), then steps (see tls_player.h) from the first record
 * behind the handshake on. */
#include "fuzz/support/tls_player.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    tls_player player;
    const tls_recording *recording = tls_recording_of(fuzz_byte(&input));
    tls_player_open(&player, recording);
    for (size_t i = 0; i < recording->handshake; i++)
        tls_player_feed(&player, recording->records[i].data, recording->records[i].size);
    FUZZ_CHECK(player.pair.client.opened && !player.pair.client.failed);
    player.records += recording->handshake;
    player.count -= recording->handshake;
    tls_player_play(&player, &input);
    tls_player_close(&player);
    return 0;
}

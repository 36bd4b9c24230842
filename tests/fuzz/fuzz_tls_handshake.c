/* fuzz_tls_handshake.c - ciphertext before the handshake is done: arbitrary bytes, and a genuine
 * server's records changed, cut, left out, doubled and put out of order, in TLS 1.2 and 1.3.
 *
 * Input: the setting (see tls_recording.c), then steps (see tls_player.h). */
#include "fuzz/support/tls_player.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    tls_player player;
    tls_player_open(&player, tls_recording_of(fuzz_byte(&input)));
    tls_player_play(&player, &input);
    tls_player_close(&player);
    return 0;
}

/* relay_play.h - play.h's simulation with a proxy in it, through which the client goes. */
#ifndef RP_TESTS_RELAY_PLAY_H
#define RP_TESTS_RELAY_PLAY_H

#include "support/play.h"
#include "support/relay.h"

typedef struct relay_play {
    play p;
    relay r;
    rp_loop *loop; /* the relay's */
    rp_proxy *proxy;
} relay_play;

/* credentials: "user:secret@", or "". */
void relay_play_begin(relay_play *g, const play_options *playing, const relay_options *relaying,
                      const char *scheme, const char *credentials);
void relay_play_end(relay_play *g);

#endif

/* speed.c - see speed.h. */
#include "speed.h"

bool speed_tick(speed *s, uint64_t moved, uint64_t limit, uint64_t seconds)
{
    s->ticks++;
    s->moved[s->ticks % SPEED_SAMPLES] = moved;
    unsigned window = s->ticks < SPEED_SAMPLES - 1 ? s->ticks : SPEED_SAMPLES - 1;
    uint64_t before = s->moved[(s->ticks - window) % SPEED_SAMPLES];
    s->slow_ticks = (moved - before) / window < limit ? s->slow_ticks + 1 : 0;
    return s->slow_ticks >= seconds;
}

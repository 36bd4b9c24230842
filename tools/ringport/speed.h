/* speed.h - --speed-limit and --speed-time: how fast a transfer was of late. */
#ifndef TOOL_SPEED_H
#define TOOL_SPEED_H

#include <stdbool.h>
#include <stdint.h>

#define SPEED_TICK_MS 1000
#define SPEED_SAMPLES 6

/* As curl looks at it: the mean of the last five seconds, once a second. */
typedef struct speed {
    uint64_t moved[SPEED_SAMPLES]; /* at the last ticks, the first of them at the beginning */
    unsigned ticks, slow_ticks;    /* the latter without a break */
} speed;

/* A second has gone by; moved: bytes since the beginning. True: slower than limit bytes a second
 * for so many seconds. */
bool speed_tick(speed *s, uint64_t moved, uint64_t limit, uint64_t seconds);

#endif

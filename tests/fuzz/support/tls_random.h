/* tls_random.h - wolfSSL's randomness, made of a seed: by the linker's --wrap every
 * wc_RNG_GenerateBlock of wolfSSL's (its own inside of random.c apart) comes here. So the same
 * client says the same bytes each time, and what a server once said to it is right again.
 *
 * Not covered: the time, which is in a server's tickets. */
#ifndef TESTS_FUZZ_TLS_RANDOM_H
#define TESTS_FUZZ_TLS_RANDOM_H

/* Each side has a stream of its own, so that the client's does not depend on whether there is a
 * server. */
typedef enum tls_side { SIDE_CLIENT, SIDE_SERVER } tls_side;

/* Both streams from the start, the client's first. */
void tls_random_restart(void);
/* Whose stream is drawn from, from now on. */
void tls_random_side(tls_side side);

#endif

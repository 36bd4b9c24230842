/* loops.h - loops for tests that run beside each other. */
#ifndef RP_TESTS_LOOPS_H
#define RP_TESTS_LOOPS_H

#include <ringport/ringport.h>

/* As rp_loop_create. Who is not root may lock some memory, 8 MiB mostly, in all processes together,
 * which other tests may have at the moment, and which the kernel gives back some time after a
 * loop's end: waits for that, half a minute at the most. */
rp_status loops_create(rp_loop **loop, const rp_loop_options *options, rp_error *error);
/* As rp_service_create, in the same way. */
rp_status loops_create_service(rp_service **service, const rp_service_options *options,
                               rp_error *error);

#endif

/* loops.c - loops for tests that run beside each other. */
#include "support/loops.h"

#include "support/raw.h"

#include <string.h>

rp_status loops_create(rp_loop **loop, const rp_loop_options *options, rp_error *error)
{
    rp_status status = RP_OK;
    for (int i = 0; i < 300; i++) {
        status = rp_loop_create(loop, options, error);
        if (status == RP_OK || strstr(error->text, "locked memory") == NULL)
            break;
        raw_sleep_ms(100);
    }
    return status;
}

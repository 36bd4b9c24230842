/* loops.c - loops for tests that run beside each other. */
#include "support/loops.h"

#include "support/raw.h"

#include <string.h>

enum { WAITS = 300 };

/* Waits a moment, if that may help. */
static bool waited(const rp_error *error)
{
    if (strstr(error->text, "locked memory") == NULL)
        return false;
    raw_sleep_ms(100);
    return true;
}

rp_status loops_create(rp_loop **loop, const rp_loop_options *options, rp_error *error)
{
    rp_status status = rp_loop_create(loop, options, error);
    for (int i = 0; i < WAITS && status != RP_OK && waited(error); i++)
        status = rp_loop_create(loop, options, error);
    return status;
}

rp_status loops_create_service(rp_service **service, const rp_service_options *options,
                               rp_error *error)
{
    rp_status status = rp_service_create(service, options, error);
    for (int i = 0; i < WAITS && status != RP_OK && waited(error); i++)
        status = rp_service_create(service, options, error);
    return status;
}

/* public_suffix_psl.c - by libpsl and its list. */
#include "public_suffix.h"

#include <libpsl.h>

const char *public_suffix_list(void)
{
    return "public suffixes by libpsl " PSL_VERSION;
}

bool is_public_suffix(const char *domain)
{
    const psl_ctx_t *list = psl_builtin();
    return list == NULL || psl_is_public_suffix(list, domain);
}

/* public_suffix_none.c - without a list: what has no dot in it is shared by many. */
#include "public_suffix.h"

#include <string.h>

const char *public_suffix_list(void)
{
    return "no list of public suffixes";
}

bool is_public_suffix(const char *domain)
{
    return strchr(domain, '.') == NULL;
}

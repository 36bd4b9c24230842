/* proxy_environment.c - what the environment says of proxies, for those who ask. */
#include <ringport/proxy.h>

#include <stdlib.h>

static const char *first_set(const char *const names[])
{
    for (; *names != NULL; names++) {
        const char *value = getenv(*names);
        if (value != NULL && value[0] != '\0')
            return value;
    }
    return NULL;
}

void rp_proxy_from_environment(rp_proxy_options *options)
{
    static const char *const http[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL};
    static const char *const https[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                                        NULL};
    static const char *const none[] = {"no_proxy", "NO_PROXY", NULL};
    if (options->http_url == NULL)
        options->http_url = first_set(http);
    if (options->https_url == NULL)
        options->https_url = first_set(https);
    if (options->no_proxy == NULL)
        options->no_proxy = first_set(none);
}

/* proxy.c - see proxy.h. */
#include "proxy.h"

#include "exit_code.h"
#include "option.h"

#include <ringport/ringport.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What ringport is given: what an option says of, the environment does not. */
static void options_of(const tool_options *o, rp_proxy_options *proxy)
{
    *proxy = (rp_proxy_options){.url = o->proxy.url, .no_proxy = o->proxy.no_proxy};
    if (o->proxy.url != NULL) /* "" too */
        proxy->http_url = proxy->https_url = o->proxy.url;
    rp_proxy_from_environment(proxy);
}

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static bool begins(const char *text, const char *with)
{
    return text != NULL && strncasecmp(text, with, strlen(with)) == 0;
}

static int tls_create(rp_tls_config **tls, const tool_options *o, rp_error *error)
{
    rp_tls_options options = o->proxy.tls;
    if (options.key_file == NULL)
        options.key_file = options.certificate_file;
    if (options.crl_file != NULL)
        options.revocation = RP_REVOCATION_HARD;
    if (rp_tls_config_create(tls, &options, error) == RP_OK)
        return EXIT_OK;
    bool own =
        options.certificate_file != NULL && strstr(error->text, options.certificate_file) != NULL;
    return own ? EXIT_CLIENT_CERTIFICATE : EXIT_CA_FILE;
}

/* "USER:PASSWORD"; memory is the copy's. False: no memory. */
static bool split_user(const char *given, char **memory, rp_proxy_options *proxy)
{
    if (given == NULL)
        return true;
    *memory = strdup(given);
    if (*memory == NULL)
        return false;
    char *colon = strchr(*memory, ':');
    proxy->user = *memory;
    proxy->password = colon != NULL ? colon + 1 : "";
    if (colon != NULL)
        *colon = '\0';
    return true;
}

static bool is_given(const tool_options *o, const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 0; i < o->proxy.header_count; i++) {
        if (begins(o->proxy.headers[i], name) && o->proxy.headers[i][size] == ':')
            return true;
    }
    return false;
}

/* What curl says to proxies beside --proxy-header, and before it. Who wants no User-Agent has none
 * here, either. */
static size_t own_headers(const tool_options *o, const char *headers[2], char *agent, size_t size)
{
    const char *name = o->user_agent != NULL ? o->user_agent : "ringport/" RP_VERSION;
    size_t count = 0;
    int length = snprintf(agent, size, "User-Agent: %s", name);
    if (*name != '\0' && length < (int)size && !option_has_header(o, "user-agent") &&
        !is_given(o, "User-Agent"))
        headers[count++] = agent;
    if (!is_given(o, "Proxy-Connection") && !option_has_header(o, "proxy-connection"))
        headers[count++] = "Proxy-Connection: Keep-Alive";
    return count;
}

static int make(rp_proxy **proxy, const tool_options *o, rp_proxy_options *options, rp_error *error)
{
    char *user = NULL, agent[1024];
    size_t count = o->proxy.header_count;
    const char **headers = calloc(count + 2, sizeof(*headers));
    int code = EXIT_OK;
    if (headers == NULL || !split_user(o->proxy.user, &user, options)) {
        free(headers);
        return EXIT_MEMORY;
    }
    size_t own = own_headers(o, headers, agent, sizeof(agent));
    for (size_t i = 0; i < count; i++)
        headers[own + i] = o->proxy.headers[i];
    options->headers = headers;
    options->header_count = own + count;
    options->forward_http = !o->proxy.tunnel;
    options->keep_answer = o->include || o->head || o->dump_header != NULL ||
                           o->write_out != NULL || o->global.verbose;
    if (rp_proxy_create(proxy, options, error) != RP_OK)
        code = error->status == RP_E_NO_MEMORY     ? EXIT_MEMORY
               : error->status == RP_E_UNSUPPORTED ? EXIT_CONNECT
                                                   : EXIT_PROXY_RESOLVE;
    free(user);
    free(headers);
    return code;
}

int proxy_create(rp_proxy **proxy, const tool_options *o, rp_error *error)
{
    rp_proxy_options options;
    rp_tls_config *tls = NULL;
    int code = EXIT_OK;
    *proxy = NULL;
    options_of(o, &options);
    if (!is_set(options.http_url) && !is_set(options.https_url))
        return EXIT_OK;
    if (begins(options.http_url, "https:") || begins(options.https_url, "https:"))
        code = tls_create(&tls, o, error);
    options.tls = tls;
    if (code == EXIT_OK)
        code = make(proxy, o, &options, error);
    rp_tls_config_release(tls);
    return code;
}

int proxy_exit_code(const tool_options *o, const rp_error *error)
{
    rp_proxy_options options;
    bool resolves = error->status == RP_E_RESOLVE_NOT_FOUND || error->status == RP_E_RESOLVE_FAILED;
    options_of(o, &options);
    bool socks = begins(options.http_url, "socks") || begins(options.https_url, "socks");
    if (resolves && error->of_proxy)
        return EXIT_PROXY_RESOLVE;
    switch (error->status) {
    case RP_E_PROXY_REFUSED:
    case RP_E_PROXY_AUTH:
    case RP_E_PROXY_PROTOCOL:
    case RP_E_PROXY_CLOSED:
        return socks ? EXIT_PROXY : EXIT_RECEIVE;
    case RP_E_RESOLVE_NOT_FOUND:
    case RP_E_RESOLVE_FAILED: /* for socks5 */
        return socks ? EXIT_PROXY : 0;
    case RP_E_RESET:
    case RP_E_IO_FAILED:
        return error->of_proxy && error->phase == RP_PHASE_PROXY ? socks ? EXIT_PROXY : EXIT_RECEIVE
                                                                 : 0;
    default:
        return 0;
    }
}

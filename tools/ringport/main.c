/* main.c - `ringport get`, `ringport load`, `ringport trust`, `ringport --version`, `--help`. */
#include "exit_code.h"
#include "get.h"
#include "help.h"
#include "host.h"
#include "load.h"
#include "options.h"
#include "public_suffix.h"
#include "trust.h"

#include <ringport/ringport.h>
#include <string.h>

static int print_version(void)
{
    printf("ringport %s\n%s\nlinked: %s\ncontent codings: %s\n%s\n", RP_VERSION, rp_tls_library(),
           RP_LINKED, rp_http_codings(), public_suffix_list());
    return EXIT_OK;
}

static void print_usage(FILE *out)
{
    fputs("usage: ringport get [options] URL...  requests, their responses to stdout\n"
          "       ringport load [options] URL    many requests, measured\n"
          "       ringport trust [options]       whom certificates are judged by\n"
          "       ringport get --help | load --help | trust --help\n"
          "       ringport --version\n",
          out);
}

static const char *name_of(command c)
{
    return c == COMMAND_GET ? "get" : c == COMMAND_LOAD ? "load" : "trust";
}

static int print_help(command c)
{
    help_print(c, stdout);
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_WRITE;
}

static int run_command(command c, int argc, char **argv)
{
    tool_options o;
    int code = options_parse(&o, c, argc, argv);
    if (code != EXIT_OK) {
        fprintf(stderr, "ringport: (%d) %s\n", code, o.message);
        if (code == EXIT_USAGE)
            fprintf(stderr, "ringport: `ringport %s --help` lists the options\n", name_of(c));
    } else if (o.help) {
        code = print_help(c);
    } else {
        code = c == COMMAND_GET ? get_run(&o) : c == COMMAND_LOAD ? load_run(&o) : trust_run(&o);
    }
    options_free(&o);
    return code;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    host_start(); /* a closed pipe is a failed write, exit 23 */
    if (strcmp(what, "get") == 0)
        return run_command(COMMAND_GET, argc - 2, argv + 2);
    if (strcmp(what, "load") == 0)
        return run_command(COMMAND_LOAD, argc - 2, argv + 2);
    if (strcmp(what, "trust") == 0)
        return run_command(COMMAND_TRUST, argc - 2, argv + 2);
    if (strcmp(what, "--version") == 0 || strcmp(what, "-V") == 0)
        return print_version();
    bool asked = strcmp(what, "--help") == 0 || strcmp(what, "-h") == 0;
    print_usage(asked ? stdout : stderr);
    return asked ? EXIT_OK : EXIT_USAGE;
}

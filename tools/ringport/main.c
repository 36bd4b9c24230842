/* main.c - `ringport get`, `load`, `trust`, `judge`, `compare`, `--version`, `--help`. */
#include "compare.h"
#include "exit_code.h"
#include "get.h"
#include "help.h"
#include "host.h"
#include "judge.h"
#include "load.h"
#include "options.h"
#include "public_suffix.h"
#include "trust.h"

#include <errno.h>
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
          "       ringport judge [options] -- CMD  how a client takes a bad server\n"
          "       ringport compare A.json B.json two results of load --json\n"
          "       ringport get --help | load --help | trust --help | judge --help\n"
          "       ringport --version\n",
          out);
}

static const struct {
    command command;
    const char *name;
    int (*run)(const tool_options *o);
} commands[] = {{COMMAND_GET, "get", get_run},
                {COMMAND_LOAD, "load", load_run},
                {COMMAND_TRUST, "trust", trust_run},
                {COMMAND_JUDGE, "judge", judge_run_all}};

static int print_help(command c)
{
    help_print(c, stdout);
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_WRITE;
}

static int run_command(size_t which, int argc, char **argv)
{
    tool_options o;
    command c = commands[which].command;
    int code = options_parse(&o, c, argc, argv);
    if (code == EXIT_OK && !o.help && !o.version)
        code = options_ask_passwords(&o);
    if (o.global.stderr_path != NULL && !host_redirect_stderr(o.global.stderr_path))
        fprintf(stderr, "ringport: warning: %s: can't be opened: %s\n", o.global.stderr_path,
                strerror(errno));
    if (code != EXIT_OK) {
        fprintf(stderr, "ringport: (%d) %s\n", code, o.message);
        if (code == EXIT_USAGE)
            fprintf(stderr, "ringport: `ringport %s --help` lists the options\n",
                    commands[which].name);
    } else {
        code = o.help ? print_help(c) : o.version ? print_version() : commands[which].run(&o);
    }
    options_free(&o);
    return code;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (!host_start()) /* from then on a closed pipe is a failed write, exit 23 */
        return EXIT_NOT_BUILT_IN;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(what, commands[i].name) == 0)
            return run_command(i, argc - 2, argv + 2);
    }
    if (strcmp(what, "compare") == 0)
        return compare_run(argc - 2, argv + 2);
    if (strcmp(what, "--version") == 0 || strcmp(what, "-V") == 0)
        return print_version();
    bool asked = strcmp(what, "--help") == 0 || strcmp(what, "-h") == 0;
    print_usage(asked ? stdout : stderr);
    return asked ? EXIT_OK : EXIT_USAGE;
}

/* option_output.c - the options of what is told, and where it goes. */
#include "option.h"

static int take_output(tool_options *o, const char *value)
{
    tool_target *t = option_next_output(o);
    if (t == NULL)
        return option_no_memory(o);
    t->output = value;
    return EXIT_OK;
}

static int take_write_out(tool_options *o, const char *value)
{
    o->write_out = value;
    return value[0] == '@' ? option_read_file(o, value + 1, &o->write_out) : EXIT_OK;
}

const option output_options[] = {
    {"include", 'i', KIND_FLAG, GET, NULL, AT(include), "show the headers before the body"},
    {"output", 'o', KIND_CALL, GET, "FILE", CALL(take_output),
     "write there (- standard output); for each URL one"},
    {"write-out", 'w', KIND_CALL, GET, "FORMAT", CALL(take_write_out),
     "print this at the end; %{json} for everything; @FILE"},
    {"fail", 'f', KIND_FLAG, GET, NULL, AT(fail), "exit 22 and no output from status 400 on"},
    {"verbose", 'v', KIND_FLAG, GET, NULL, AT(global.verbose),
     "tell what happens on standard error"},
    {"silent", 's', KIND_FLAG, BOTH, NULL, AT(global.silent), "no error message, no progress"},
    {"show-error", 'S', KIND_FLAG, BOTH, NULL, AT(global.show_error),
     "with -s: error messages after all"},
    {"max-time", 'm', KIND_SECONDS, GET, "SECONDS", AT(max_time_ms), "of everything [none]"},
    {"help", 'h', KIND_FLAG, ALL, NULL, AT(help), "this"},
    {.name = NULL},
};

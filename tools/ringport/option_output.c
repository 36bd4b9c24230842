/* option_output.c - the options of what is told, and where it goes. */
#include "date.h"
#include "host.h"
#include "option.h"

#include <stdlib.h>
#include <string.h>

static int take_output(tool_options *o, const char *value)
{
    if (value[0] == '\0')
        return option_fail(o, EXIT_USAGE, "-o needs a file's name");
    tool_target *t = option_next_output(o);
    if (t == NULL)
        return option_no_memory(o);
    t->output = value;
    return EXIT_OK;
}

static int take_remote_name(tool_options *o, const char *value)
{
    (void)value;
    tool_target *t = option_next_output(o);
    if (t == NULL)
        return option_no_memory(o);
    t->remote_name = true;
    return EXIT_OK;
}

static int take_resume(tool_options *o, const char *value)
{
    o->resume = true;
    o->resume_by_file = strcmp(value, "-") == 0;
    if (o->resume_by_file || option_parse_count(value, INT64_MAX, &o->resume_at))
        return EXIT_OK;
    return option_fail(o, EXIT_USAGE, "--continue-at is a number of bytes or -, not \"%s\"", value);
}

/* A date, or a file whose last change is meant; with - before it what is not newer. */
static int take_condition(tool_options *o, const char *value)
{
    char text[DATE_SIZE];
    uint64_t size;
    o->condition = value[0] == '-' ? "If-Unmodified-Since" : "If-Modified-Since";
    value += value[0] == '-' || value[0] == '+' || value[0] == '=';
    if (!date_parse(value, &o->condition_time) &&
        !host_file_info(value, &size, &o->condition_time)) {
        /* As with curl: `-z FILE -o FILE` gets the file where there is none yet. */
        o->condition = NULL;
        if (!o->global.silent)
            fprintf(stderr, "ringport: warning: --time-cond: \"%s\" is neither a date nor a file\n",
                    value);
        return EXIT_OK;
    }
    date_format(o->condition_time, text);
    o->condition_date = option_keep(o, text, strlen(text));
    return o->condition_date != NULL ? EXIT_OK : option_no_memory(o);
}

static int take_etag_compare(tool_options *o, const char *value)
{
    uint64_t size;
    int64_t changed;
    const char *tag = "\"\"";
    int code = host_file_info(value, &size, &changed) ? option_read_file(o, value, &tag) : EXIT_OK;
    size_t length = strcspn(tag, "\r\n");
    if (code != EXIT_OK)
        return code;
    o->etag_compare = option_keep(o, length > 0 ? tag : "\"\"", length > 0 ? length : 2);
    return o->etag_compare != NULL ? EXIT_OK : option_no_memory(o);
}

static int take_write_out(tool_options *o, const char *value)
{
    o->write_out = value;
    if (value[0] != '@')
        return EXIT_OK;
    body text = {0};
    const char *why = body_add_file(&text, value + 1, true);
    if (why == NULL)
        o->write_out = option_keep(o, text.size > 0 ? (char *)text.data : "", text.size);
    free(text.data);
    if (why != NULL)
        return option_fail(o, EXIT_READ, "%s", why);
    return o->write_out != NULL ? EXIT_OK : option_no_memory(o);
}

const option output_options[] = {
    {"include", 'i', KIND_FLAG, GET, NULL, AT(include), "show the headers before the body"},
    {"output", 'o', KIND_CALL, GET, "FILE", CALL(take_output),
     "write there (- standard output); for each URL one"},
    {"remote-name", 'O', KIND_CALL, GET, NULL, CALL(take_remote_name),
     "write to a file named as the URL's last part"},
    {"remote-name-all", 0, KIND_FLAG, GET, NULL, AT(remote_name_all), "-O for each URL without -o"},
    {"remote-header-name", 'J', KIND_FLAG, GET, NULL, AT(remote_header_name),
     "with -O: by the name that the server gives, if no file has it"},
    {"remote-time", 'R', KIND_FLAG, GET, NULL, AT(remote_time), "give the file the server's time"},
    {"output-dir", 0, KIND_TEXT, GET, "DIRECTORY", AT(output_dir), "where files are written"},
    {"create-dirs", 0, KIND_FLAG, GET, NULL, AT(create_dirs), "make the directories of -o"},
    {"no-clobber", 0, KIND_FLAG, GET, NULL, AT(no_clobber),
     "write to FILE.1 and so on where FILE is there"},
    {"continue-at", 'C', KIND_CALL, GET, "OFFSET", CALL(take_resume),
     "go on at this byte; -: where the file ends"},
    {"dump-header", 'D', KIND_TEXT, GET, "FILE", AT(dump_header), "write the headers there"},
    {"max-filesize", 0, KIND_SIZE, GET, "BYTES", AT(max_size), "of a body [no limit]"},
    {"limit-rate", 0, KIND_SIZE, GET, "BYTES", AT(rate), "a second, in each direction [no limit]"},
    {"time-cond", 'z', KIND_CALL, GET, "DATE", CALL(take_condition),
     "if it changed since then, or since that FILE did; -DATE: if it did not"},
    {"etag-save", 0, KIND_TEXT, GET, "FILE", AT(etag_save), "write the entity tag there"},
    {"etag-compare", 0, KIND_CALL, GET, "FILE", CALL(take_etag_compare),
     "if the entity tag differs from the one in there"},
    {"write-out", 'w', KIND_CALL, GET, "FORMAT", CALL(take_write_out),
     "print this at the end; %{json} for everything; @FILE"},
    {"fail", 'f', KIND_FLAG, GET, NULL, AT(fail), "exit 22 and no output from status 400 on"},
    {"fail-with-body", 0, KIND_FLAG, GET, NULL, AT(fail_with_body), "the same, and the output"},
    {"fail-early", 0, KIND_FLAG, GET, NULL, AT(global.fail_early), "the first failure is the end"},
    {"parallel", 'Z', KIND_FLAG, GET, NULL, AT(global.parallel), "several URLs at once"},
    {"parallel-max", 0, KIND_COUNT, GET, "N", AT(global.parallel_max), "so many [50]"},
    {"progress-bar", '#', KIND_FLAG, GET, NULL, AT(global.progress_bar),
     "show how far it is, on standard error"},
    {"no-progress-meter", 0, KIND_FLAG, GET, NULL, AT(global.no_meter),
     "show nothing of what takes long, either"},
    {"no-buffer", 'N', KIND_FLAG, GET, NULL, AT(ignored), NULL}, /* nothing is */
    {"verbose", 'v', KIND_FLAG, GET, NULL, AT(global.verbose),
     "tell what happens on standard error"},
    {"trace", 0, KIND_TEXT, GET, "FILE", AT(trace),
     "write there what happens, event by event; - standard output, % standard error"},
    {"why", 0, KIND_FLAG, BOTH, NULL, AT(why),
     "tell where the time went; load: of the slowest request"},
    {"silent", 's', KIND_FLAG, BOTH, NULL, AT(global.silent), "no error message, no progress"},
    {"show-error", 'S', KIND_FLAG, BOTH, NULL, AT(global.show_error),
     "with -s: error messages after all"},
    {"max-time", 'm', KIND_SECONDS, GET, "SECONDS", AT(max_time_ms), "of everything [none]"},
    {"version", 'V', KIND_FLAG, ALL | JUDGE, NULL, AT(version), NULL},
    {"help", 'h', KIND_FLAG, ALL | JUDGE, NULL, AT(help), "this"},
    {.name = NULL},
};

int finish_output(tool_options *o)
{
    if (o->fail && o->fail_with_body)
        return option_fail(o, EXIT_USAGE, "only one of --fail and --fail-with-body can be");
    if (o->resume && o->remove_on_error)
        return option_fail(o, EXIT_USAGE, "only one of --continue-at and --remove-on-error can be");
    if (o->resume && o->range != NULL)
        return option_fail(o, EXIT_USAGE, "only one of --continue-at and --range can be");
    return EXIT_OK;
}

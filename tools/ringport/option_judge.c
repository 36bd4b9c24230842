/* option_judge.c - the options of `ringport judge`; what follows them is the client's command. */
#include "option.h"

static int take_situation(tool_options *o, const char *value)
{
    return option_add_text(o, &o->judge.names, &o->judge.name_count, value);
}

const option judge_options[] = {
    {"situation", 's', KIND_CALL, JUDGE, "NAME", CALL(take_situation),
     "only this situation, or this class of them; as often as wanted [all]"},
    {"limit", 'l', KIND_SECONDS, JUDGE, "SECONDS", AT(judge.limit_ms),
     "how long the client may take for each [10]"},
    {"list", 0, KIND_FLAG, JUDGE, NULL, AT(judge.list), "the situations; nothing is run"},
    {"json", 0, KIND_FLAG, JUDGE, NULL, AT(json), "the result as one JSON object"},
    {.name = NULL},
};

int finish_judge(tool_options *o)
{
    if (o->judge.limit_ms == 0)
        o->judge.limit_ms = 10000;
    if (o->judge.list)
        return o->judge.command_count == 0
                   ? EXIT_OK
                   : option_fail(o, EXIT_USAGE, "--list runs nothing: %s", o->judge.command[0]);
    if (o->judge.command_count == 0)
        return option_fail(o, EXIT_USAGE, "no command given, as in: -- curl -sS {urls}");
    return EXIT_OK;
}

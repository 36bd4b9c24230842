/* tool_words.h - command lines for the tests of the tool's options. */
#ifndef RP_TESTS_TOOL_WORDS_H
#define RP_TESTS_TOOL_WORDS_H

#include "exit_code.h"
#include "options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define URL "https://h/"

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Parses up to 16 words, the last NULL. */
static inline int parse(tool_options *o, command c, const char *const *words)
{
    char *argv[16];
    int argc = 0;
    for (; words[argc] != NULL; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc];
    return options_parse(o, c, argc, argv);
}

static inline void accept(tool_options *o, command c, const char *const *words)
{
    if (parse(o, c, words) != EXIT_OK)
        fail_msg("%s", o->message);
}

static inline void refuse(command c, const char *const *words, int code, const char *sentence)
{
    tool_options o;
    assert_int_equal(parse(&o, c, words), code);
    assert_string_equal(o.message, sentence);
    options_free(&o);
}

#endif

/* fuzz_config.c - files of options (-K): every line is taken once or passed over, names and values
 * lie in it, and what its lines say does not depend on what stands before them. */
#include "fuzz/support/fuzz.h"

#include "config_file.h"
#include "exit_code.h"

#include <stdlib.h>
#include <string.h>

typedef struct taken {
    const char *begin, *end; /* of the text */
    uint64_t sum, count;
    uint64_t stops_at; /* this one is refused */
} taken;

static void mix(taken *t, const char *text)
{
    for (; *text != '\0'; text++)
        t->sum = (t->sum ^ (uint8_t)*text) * 1099511628211u;
    t->sum = (t->sum ^ 256) * 1099511628211u;
}

static int take(char *name, char *value, void *user)
{
    taken *t = user;
    FUZZ_CHECK(t->begin <= name && name + strlen(name) <= t->end);
    FUZZ_CHECK(name[0] != '#' && strpbrk(name, " \t\n") == NULL);
    FUZZ_CHECK(value == NULL || (name <= value && value + strlen(value) <= t->end));
    t->count++;
    mix(t, name);
    mix(t, value != NULL ? value : "\1");
    return t->count == t->stops_at ? EXIT_USAGE : EXIT_OK;
}

static taken read_text(const char *text, size_t size, uint64_t stops_at)
{
    char *copy = fuzz_copy(text, size + 1); /* ends with a NUL */
    taken t = {.begin = copy, .end = copy + size, .stops_at = stops_at};
    int code = config_parse(copy, take, &t);
    FUZZ_CHECK((code == EXIT_OK) == (stops_at == 0 || t.count < stops_at));
    free(copy);
    return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    char *text = fuzz_string(&input);
    size_t length = strlen(text), lines = 0;
    taken whole = read_text(text, length, 0), by_line = {.count = 0};
    for (const char *at = text; *at != '\0';) {
        size_t line = strcspn(at, "\n");
        char *one = fuzz_copy(at, line + 1);
        one[line] = '\0';
        by_line.begin = one;
        by_line.end = one + line;
        FUZZ_CHECK(config_parse(one, take, &by_line) == EXIT_OK);
        free(one);
        at += line + (at[line] == '\n');
        lines++;
    }
    FUZZ_CHECK(whole.count == by_line.count && whole.sum == by_line.sum && whole.count <= lines);
    FUZZ_CHECK(whole.count == 0 || read_text(text, length, whole.count).count == whole.count);
    free(text);
    return 0;
}

/* fuzz_globs.c - the tool's URLs with {} and [] in them: a parse or a sentence; as many URLs as the
 * patterns have it, no two of them at the same place; and what has no pattern stays as it is. */
#include "fuzz/support/fuzz.h"

#include "exit_code.h"
#include "glob.h"

#include <stdlib.h>
#include <string.h>

#define URLS_MOST 300

/* What the patterns stand at, as a number: it grows by one with each URL. */
static uint64_t position(const glob *g)
{
    uint64_t at = 0;
    for (size_t i = 0; i < g->pattern_count; i++) {
        const glob_pattern *p = &g->patterns[i];
        FUZZ_CHECK(p->step > 0 && p->first <= p->now && p->now <= p->last);
        FUZZ_CHECK(p->words == NULL || p->last == p->count - 1);
        at = at * ((p->last - p->first) / p->step + 1) + (p->now - p->first) / p->step;
    }
    return at;
}

static void walk(glob *g, const char *output)
{
    uint64_t count = 1;
    for (size_t i = 0; i < g->pattern_count; i++)
        count *= (g->patterns[i].last - g->patterns[i].first) / g->patterns[i].step + 1;
    FUZZ_CHECK(count <= GLOB_URLS);
    for (uint64_t n = 0; n < URLS_MOST; n++) {
        char *url = glob_url(g), *path = glob_output(g, output);
        FUZZ_CHECK(url != NULL && path != NULL && position(g) == n);
        FUZZ_CHECK(strchr(output, '#') != NULL || strcmp(path, output) == 0);
        free(url);
        free(path);
        if (!glob_next(g)) {
            FUZZ_CHECK(n + 1 == count && position(g) == 0);
            return;
        }
    }
    FUZZ_CHECK(count > URLS_MOST);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    char *url = fuzz_string(&input), *output = fuzz_string(&input), message[256] = "";
    glob g;
    int code = glob_parse(&g, url, false, message, sizeof(message));
    FUZZ_CHECK(code == EXIT_OK || code == EXIT_URL);
    FUZZ_CHECK((code == EXIT_OK) == (message[0] == '\0'));
    if (code == EXIT_OK && g.pattern_count == 0 && strchr(url, '\\') == NULL) {
        char *same = glob_url(&g);
        FUZZ_CHECK(same != NULL && strcmp(same, url) == 0);
        free(same);
    }
    if (code == EXIT_OK)
        walk(&g, output);
    glob_free(&g);
    FUZZ_CHECK(glob_parse(&g, url, true, message, sizeof(message)) == EXIT_OK);
    char *literal = glob_url(&g);
    FUZZ_CHECK(literal != NULL && strcmp(literal, url) == 0 && !glob_next(&g));
    free(literal);
    glob_free(&g);
    free(url);
    free(output);
    return 0;
}

/* path_case.c - see path_case.h. */
#include "support/path_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int position(char digit)
{
    return digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

static bool is_used(const path_case *the_case, int index)
{
    for (const char *at = the_case->sent; *at != '\0'; at++) {
        if (position(*at) == index)
            return true;
    }
    for (const char *at = the_case->anchors; *at != '\0'; at++) {
        if (position(*at) == index)
            return true;
    }
    return false;
}

void path_make(path_made *made, const path_case *the_case)
{
    memset(made, 0, sizeof(*made));
    rp__memory_init(&made->memory, (rp_allocator){.resize = NULL});
    made->anchors = rp__anchors_create(&made->memory);
    assert_non_null(made->anchors);
    for (int i = 0; i < SPECS; i++) {
        if (is_used(the_case, i))
            made->certificates[i] = chain_certificate(the_case->specs, (size_t)i);
    }
    for (const char *at = the_case->sent; *at != '\0'; at++)
        made->sent[made->count++] = made->certificates[position(*at)];
    for (const char *at = the_case->anchors; *at != '\0'; at++)
        assert_int_equal(rp__anchors_add(made->anchors, made->certificates[position(*at)], NULL),
                         RP_OK);
}

void path_unmake(path_made *made)
{
    chain_free(made->certificates, SPECS);
    rp__anchors_destroy(made->anchors);
    assert_int_equal(made->memory.live, 0);
}

rp_error path_verdict(const path_made *made, rp_purpose purpose, rp_path *path)
{
    rp_error error = {.status = RP_OK};
    rp_path_options options = {.anchors = made->anchors, .purpose = purpose, .now = CHAINS_NOW};
    if (!rp__path_find(path, made->sent, made->count, &options))
        rp__path_failure_tell(path, "PEER", &error);
    return error;
}

static void check_case(const path_case *the_case)
{
    path_made made;
    rp_path path;
    path_make(&made, the_case);
    rp_error error = path_verdict(&made, the_case->purpose, &path);
    if (error.status != the_case->status ||
        (the_case->text != NULL && strcmp(error.text, the_case->text) != 0))
        fail_msg("%s: %s: %s", the_case->what, rp_status_name(error.status), error.text);
    path_unmake(&made);
}

void path_check(const path_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_case(&cases[i]);
}

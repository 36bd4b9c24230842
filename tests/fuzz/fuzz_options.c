/* fuzz_options.c - the tool's command line: no crash, and every refusal has a sentence.
 *
 * Input: the command (even: get, odd: load), then the arguments, each up to a NUL. Files are not
 * opened: what would be read from one is made up here. */
#include "fuzz/support/fuzz.h"

#include "exit_code.h"
#include "options.h"

#include <stdlib.h>
#include <string.h>

#define ARGUMENTS 64

/* The linker puts it in the place of body_add_file: a fuzzer that reads any file it can think of
 * waits for standard input before long. */
const char *__wrap_body_add_file(body *b, const char *path, bool without_lines);

const char *__wrap_body_add_file(body *b, const char *path, bool without_lines)
{
    static const char text[] = "a=b\r\nc%{json}\n";
    if (strlen(path) > 8)
        return "there is no such file";
    b->given = true;
    return body_add(b, text, strlen(path) == 1 ? 0 : sizeof(text) - 1 - without_lines)
               ? NULL
               : "no memory";
}

static void check_text(const char *text)
{
    size_t size = strlen(text); /* the sanitizer looks at every byte */
    fuzz_feature(1, size > 0);
}

/* Everything that was set is sound. */
static void check_options(const tool_options *o, command c)
{
    const char *method = options_method(o, o->uploads);
    FUZZ_CHECK(o->url != NULL && o->target_count > 0);
    check_text(o->url);
    for (size_t i = 0; i < o->target_count; i++)
        FUZZ_CHECK(o->targets[i].url != NULL || o->targets[i].has_output ||
                   o->targets[i].has_upload);
    if (method != NULL)
        check_text(method);
    for (size_t i = 0; i < o->header_count; i++) {
        FUZZ_CHECK(o->headers[i].name[0] != '\0');
        FUZZ_CHECK(strpbrk(o->headers[i].name, ":;") == NULL);
        if (o->headers[i].value != NULL)
            check_text(o->headers[i].value);
    }
    for (size_t i = 0; i < o->resolve_count; i++)
        check_text(o->resolve[i]);
    if (o->write_out != NULL)
        check_text(o->write_out);
    FUZZ_CHECK(o->body.size <= o->body.capacity);
    FUZZ_CHECK(o->tls.certificate_file == NULL || o->tls.key_file != NULL);
    FUZZ_CHECK(o->tls.minimum_version == RP_TLS_DEFAULT ||
               o->tls.maximum_version == RP_TLS_DEFAULT ||
               o->tls.minimum_version <= o->tls.maximum_version);
    if (c == COMMAND_LOAD) {
        FUZZ_CHECK((o->requests > 0) != (o->duration_ms > 0));
        FUZZ_CHECK(o->connections > 0 && o->connections <= 65536);
        FUZZ_CHECK(o->threads > 0 && o->threads <= 1024 && o->threads <= o->connections);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    command c = fuzz_byte(&input) % 2 == 0 ? COMMAND_GET : COMMAND_LOAD;
    char *argv[ARGUMENTS + 1] = {NULL}, *copies[ARGUMENTS];
    int argc = 0;
    while (argc < ARGUMENTS && input.size > 0)
        argv[argc++] = fuzz_string(&input);
    memcpy(copies, argv, sizeof(copies));
    tool_options o;
    int code = options_parse(&o, c, argc, argv);
    FUZZ_CHECK(code == EXIT_OK || code == EXIT_USAGE || code == EXIT_READ || code == EXIT_MEMORY ||
               code == EXIT_URL || code == EXIT_SCHEME || code == EXIT_NOT_BUILT_IN ||
               code == EXIT_BAD_ARGUMENT);
    FUZZ_CHECK((code == EXIT_OK) == (o.message[0] == '\0'));
    bool runs = code == EXIT_OK && !o.help && !o.version;
    for (const tool_options *at = &o; runs && at != NULL; at = at->next)
        check_options(at, c);
    options_free(&o);
    for (int i = 0; i < argc; i++)
        free(copies[i]);
    return 0;
}

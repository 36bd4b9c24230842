/* test_tool_form.c - -F: what is read of it, the bytes that it becomes, files that change. */
#include "exit_code.h"
#include "form.h"
#include "options.h"
#include "support/files.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int parse(tool_options *o, const char *const *values)
{
    char *argv[64];
    int argc = 0;
    argv[argc++] = (char *)(uintptr_t) "http://h/";
    for (; *values != NULL; values++) {
        argv[argc++] = (char *)(uintptr_t) "-F";
        argv[argc++] = (char *)(uintptr_t)*values;
    }
    return options_parse(o, COMMAND_GET, argc, argv);
}

#define FORM(...) ((const char *const[]){__VA_ARGS__, NULL})

static form *open_form(tool_options *o, const char *const *values)
{
    char why[300];
    if (parse(o, values) != EXIT_OK)
        fail_msg("%s", o->message);
    form *f = form_open(o->form, NULL, o->form_escape, why, sizeof(why));
    if (f == NULL)
        fail_msg("%s", why);
    return f;
}

/* All of it, in pieces of so many bytes. */
static char *read_form(form *f, size_t piece)
{
    uint64_t size;
    size_t got, filled = 0;
    const char *why;
    assert_true(form_size(f, &size));
    char *text = malloc((size_t)size + 1);
    assert_non_null(text);
    do {
        size_t room = (size_t)size - filled < piece ? (size_t)size - filled : piece;
        got = form_read(f, text + filled, room, &why);
        assert_null(why);
        filled += got;
    } while (got > 0);
    assert_int_equal(filled, size);
    assert_int_equal(form_read(f, text, piece, &why), 0);
    text[filled] = '\0';
    return text;
}

/* form, with B for its boundary. */
static void assert_bytes(form *f, const char *expected)
{
    const char *boundary = strstr(form_type(f), "boundary=") + strlen("boundary=");
    char *text = read_form(f, SIZE_MAX), *to = text;
    size_t size = strlen(boundary);
    for (const char *from = text; *from != '\0';) {
        bool found = strncmp(from, boundary, size) == 0;
        *to++ = found ? 'B' : *from;
        from += found ? size : 1;
    }
    *to = '\0';
    assert_string_equal(text, expected);
    free(text);
}

#define PART "--B\r\nContent-Disposition: form-data; name="

static void becomes(const char *value, const char *part)
{
    tool_options o;
    char expected[512];
    form *f = open_form(&o, FORM(value));
    snprintf(expected, sizeof(expected), PART "%s\r\n--B--\r\n", part);
    assert_bytes(f, expected);
    form_close(f);
    options_free(&o);
}

static void test_values(void **state)
{
    (void)state;
    becomes("a=b", "\"a\"\r\n\r\nb");
    becomes("a=", "\"a\"\r\n\r\n");
    becomes("a==b", "\"a\"\r\n\r\n=b");
    becomes("a= b c ;x", "\"a\"\r\n\r\nb c");
    becomes("a=\" b;c \" gone", "\"a\"\r\n\r\n b;c ");
    becomes("a=\"b", "\"a\"\r\n\r\n\"b");
    becomes("a=\"b\\", "\"a\"\r\n\r\n\"b\\");
    becomes("a=\"\\\"\\\\\\x\"", "\"a\"\r\n\r\n\"\\\\x");
    becomes("a=\"b;type=c/d", "\"a\"\r\nContent-Type: c/d\r\n\r\n\"b");
    becomes("a=b;type=c/d ; e=f ;filename=g", "\"a\"; filename=\"g\"\r\nContent-Type: c/d ; e=f"
                                              "\r\n\r\nb");
    becomes("a=b;TYPE=c/d;type=e/f", "\"a\"\r\nContent-Type: c/d;type=e/f\r\n\r\nb");
    becomes("a=b;filename=x.JPEG",
            "\"a\"; filename=\"x.JPEG\"\r\nContent-Type: image/jpeg\r\n\r\nb");
    becomes("a=b;filename=\"q\\\"\\\\r\ns\"", "\"a\"; filename=\"q%22\\r%0As\"\r\n\r\nb");
    becomes("a=b;headers=X: 1;headers=\"Y: ;\"", "\"a\"\r\nX: 1\r\nY: ;\r\n\r\nb");
    becomes("a=bcde;encoder=base64", "\"a\"\r\nContent-Transfer-Encoding: base64\r\n\r\nYmNkZQ==");
    becomes("a=b;encoder=7bit", "\"a\"\r\nContent-Transfer-Encoding: 7bit\r\n\r\nb");
    becomes("a=b;encoder=8BIT", "\"a\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\nb");
}

static void refuse(const char *const *values, int code, const char *sentence)
{
    tool_options o;
    assert_int_equal(parse(&o, values), code);
    assert_string_equal(o.message, sentence);
    options_free(&o);
}

static void test_refused(void **state)
{
    const char *deep[FORM_DEPTH + 2] = {0};
    tool_options o;
    (void)state;
    refuse(FORM("a"), EXIT_USAGE, "-F is name=content, not \"a\"");
    refuse(FORM("a=b", "=)"), EXIT_USAGE, "-F \"=)\" ends parts that were not begun");
    refuse(FORM("a=b;type=c"), EXIT_USAGE, "\"c\" is not a type: write type=text/plain");
    refuse(FORM("a=b;encoder=x"), EXIT_BAD_ARGUMENT, "encoder=x is unknown");
    for (size_t i = 0; i < FORM_DEPTH; i++)
        deep[i] = "=(";
    form_close(open_form(&o, deep));
    options_free(&o);
    deep[FORM_DEPTH] = "=(";
    refuse(deep, EXIT_USAGE, "-F has more than 16 parts in each other");
}

/* However it is cut, and from the beginning after each byte. */
static void test_pieces(void **state)
{
    tool_options o;
    char value[512];
    (void)state;
    snprintf(value, sizeof(value), "f=@\"%s\",\"%s\"", files_write("one", "1\0two", 5),
             files_write("none", "", 0));
    form *f = open_form(&o, FORM("a=b", value, "c=d"));
    char *whole = read_form(f, SIZE_MAX);
    uint64_t size;
    assert_true(form_size(f, &size));
    for (size_t piece = 1; piece <= size; piece += 1 + piece / 8) {
        form_rewind(f);
        char *text = read_form(f, piece), some[1024];
        const char *why;
        assert_memory_equal(text, whole, (size_t)size);
        free(text);
        form_rewind(f);
        assert_int_equal(form_read(f, some, piece, &why), piece);
    }
    free(whole);
    form_close(f);
    options_free(&o);
}

/* What is sent is as long as was said, or an error. */
static void test_files_change(void **state)
{
    static char large[100000];
    const char *path = files_write("changes", large, 1000), *why;
    char value[512], sentence[600];
    tool_options o;
    (void)state;
    snprintf(value, sizeof(value), "f=@\"%s\"", path);
    form *f = open_form(&o, FORM(value));
    files_write("changes", large, sizeof(large));
    free(read_form(f, SIZE_MAX));
    form_rewind(f);
    files_write("changes", large, 999);
    assert_int_equal(form_read(f, large, sizeof(large), &why), 0);
    snprintf(sentence, sizeof(sentence), "%s: it became shorter while it was read", path);
    assert_string_equal(why, sentence);
    form_rewind(f);
    assert_int_equal(remove(path), 0);
    assert_int_equal(form_read(f, large, sizeof(large), &why), 0);
    snprintf(sentence, sizeof(sentence), "%s: %s", path, strerror(ENOENT));
    assert_string_equal(why, sentence);
    form_close(f);
    assert_null(form_open(o.form, NULL, false, sentence, sizeof(sentence)));
    assert_int_equal(errno, ENOENT);
    assert_string_equal(sentence, why = strstr(sentence, path));
    options_free(&o);
}

/* Standard input that is a file, for two requests: one behind the other, and by turns. It begins
 * where the program before us left it. */
static void test_input_twice(void **state)
{
    static char content[100000];
    tool_options o;
    const char *why;
    (void)state;
    for (size_t i = 0; i < sizeof(content); i++)
        content[i] = (char)('a' + i % 23);
    assert_non_null(freopen(files_write("input", content, sizeof(content)), "rb", stdin));
    assert_int_equal(fseek(stdin, 10, SEEK_SET), 0);
    form *first = open_form(&o, FORM("f=@-"));
    form *second = form_open(o.form, NULL, false, NULL, 0);
    char *text = read_form(first, SIZE_MAX), *other = strstr(text, "\r\n\r\n");
    assert_memory_equal(other + 4, content + 10, sizeof(content) - 10);
    free(text);
    form *third = form_open(o.form, NULL, false, NULL, 0);
    for (size_t begins = 0, i = 0; i < 200; i++) {
        char ours[600], theirs[600];
        size_t size = form_read(second, ours, sizeof(ours), &why);
        assert_int_equal(form_read(third, theirs, sizeof(theirs), &why), size);
        other = i == 0 ? strstr(ours, "\r\n\r\n") + 4 : ours;
        size -= (size_t)(other - ours);
        size = size < sizeof(content) - 10 - begins ? size : sizeof(content) - 10 - begins;
        assert_memory_equal(other, content + 10 + begins, size);
        assert_memory_equal(theirs + (other - ours), content + 10 + begins, size);
        begins += size;
    }
    form_close(first);
    form_close(second);
    form_close(third);
    options_free(&o);
}

typedef struct reader {
    form *f;
    pthread_t thread;
    char text[400300];
    size_t size;
} reader;

static void *read_by_thread(void *user)
{
    reader *r = user;
    const char *why;
    size_t got;
    do {
        got = form_read(r->f, r->text + r->size, 100, &why);
        r->size += got;
    } while (got > 0 && r->size < sizeof(r->text) - 100);
    return NULL;
}

/* Likewise at once. */
static void test_input_at_once(void **state)
{
    static char content[400000];
    static reader readers[2];
    tool_options o;
    (void)state;
    for (size_t i = 0; i < sizeof(content); i++)
        content[i] = (char)('a' + i % 23);
    assert_non_null(freopen(files_write("input", content, sizeof(content)), "rb", stdin));
    readers[0].f = open_form(&o, FORM("f=@-"));
    readers[1].f = form_open(o.form, NULL, false, NULL, 0);
    assert_non_null(readers[1].f);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_by_thread, &readers[i]), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
    for (size_t i = 0; i < 2; i++) {
        const char *begin = strstr(readers[i].text, "\r\n\r\n");
        assert_non_null(begin);
        assert_memory_equal(begin + 4, content, sizeof(content));
        form_close(readers[i].f);
    }
    options_free(&o);
    fclose(stdin);
}

/* A thread that waits for a FIFO may read on when the options are no more. */
static void test_options_gone(void **state)
{
    const char *path = files_write("gone", "content", 7);
    char value[512];
    tool_options o;
    (void)state;
    snprintf(value, sizeof(value), "f=@\"%s\"", path);
    form *f = open_form(&o, FORM(value));
    options_free(&o);
    memset(value, 'x', sizeof(value));
    char *text = read_form(f, SIZE_MAX);
    assert_non_null(strstr(text, "\r\n\r\ncontent\r\n"));
    free(text);
    form_close(f);
}

/* Each form, and each part with parts, has one of its own, that none of them knows before. */
static void test_boundaries(void **state)
{
    tool_options o;
    (void)state;
    form *f = open_form(&o, FORM("a=(", "b=c"));
    form *g = form_open(o.form, "multipart/related", false, NULL, 0);
    assert_non_null(g);
    const char *one = strchr(form_type(f), '='), *other = strchr(form_type(g), '=');
    assert_memory_equal(form_type(f), "multipart/form-data; ", 21);
    assert_memory_equal(form_type(g), "multipart/related; ", 19);
    assert_int_equal(strlen(one), 1 + 24 + 16);
    assert_string_not_equal(one, other);
    char *text = read_form(f, SIZE_MAX), *inner = strstr(text, "boundary=");
    assert_non_null(inner);
    assert_int_not_equal(strncmp(inner + 8, one, strlen(one)), 0);
    free(text);
    form_close(f);
    form_close(g);
    options_free(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),      cmocka_unit_test(test_refused),
        cmocka_unit_test(test_pieces),      cmocka_unit_test(test_files_change),
        cmocka_unit_test(test_boundaries),  cmocka_unit_test(test_options_gone),
        cmocka_unit_test(test_input_twice), cmocka_unit_test(test_input_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_tool_host.c - what the tool asks of the system. */
#include "host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* TLS secrets are for the owner's eyes, whatever the umask. */
static void test_file_of_secrets(void **state)
{
    char directory[] = "/tmp/ringport-XXXXXX", path[64];
    struct stat status;
    (void)state;
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof(path), "%s/keys", directory);
    mode_t before = umask(0);
    for (int i = 0; i < 2; i++) { /* the second appends */
        FILE *file = host_append_secrets(path);
        assert_non_null(file);
        assert_true(fputs("secret\n", file) >= 0);
        assert_int_equal(fclose(file), 0);
    }
    (void)umask(before);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(status.st_size, 14);
    assert_null(host_new_secrets(path)); /* it is there */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("elsewhere", path), 0);
    assert_null(host_new_secrets(path));
    assert_int_equal(unlink(path), 0);
    before = umask(0);
    FILE *made = host_new_secrets(path);
    (void)umask(before);
    assert_non_null(made);
    assert_int_equal(fclose(made), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(directory), 0);
    assert_null(host_append_secrets(path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_file_of_secrets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

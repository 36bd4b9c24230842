/* test_resolve_search.c - what a short name stands for: search domains and ndots of resolv.conf(5),
 * and the hosts file before. In a mount namespace of its own, where there may be one. */
#include "loop/loop.h"
#include "net/resolve.h"

#include "support/check.h"
#include "support/dns_server.h"
#include "support/fixture.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static const dns_rule rules[] = {
    {.name = "short.one.test", .rcode = DNS_NXDOMAIN, .soa = 20},
    {.name = "short.two.test", .addresses = "192.0.2.2", .ttl = 300, .soa = 20},
    {.name = "short", .addresses = "192.0.2.9", .ttl = 300},
    {.name = "plain", .addresses = "192.0.2.9", .ttl = 300, .soa = 20},
    {.name = "a.b.one.test", .addresses = "192.0.2.1", .ttl = 300, .soa = 20},
    {.name = "a.b", .addresses = "192.0.2.9", .ttl = 300, .soa = 20},
    /* A of one host, AAAA of another: not to be mixed. */
    {.name = "half.one.test", .addresses = "192.0.2.1", .ttl = 300},
    {.name = "half.two.test", .addresses = "2001:db8::2", .ttl = 300},
    {.name = "six.one.test", .rcode = DNS_NXDOMAIN, .v6_silent = true},
    {.name = "six.two.test", .addresses = "2001:db8::6", .ttl = 300},
    {.name = "filed.one.test", .addresses = "192.0.2.1", .ttl = 300},
    {.name = "kept.one.test", .rcode = DNS_NXDOMAIN, .soa = 20},
    {.name = "kept.two.test", .rcode = DNS_NXDOMAIN, .soa = 20},
    {.name = "kept", .rcode = DNS_NXDOMAIN, .soa = 20},
    {.name = "unkept.one.test", .rcode = DNS_NXDOMAIN},
    {.name = "unkept.two.test", .rcode = DNS_NXDOMAIN, .soa = 20},
    {.name = "unkept", .rcode = DNS_NXDOMAIN, .soa = 20},
    {.name = "broken.one.test", .rcode = DNS_SERVFAIL},
    {.name = "broken.two.test", .addresses = "192.0.2.2", .ttl = 300, .soa = 20},
    {.name = "refused.one.test", .rcode = DNS_REFUSED},
    {.name = "refused.two.test", .rcode = DNS_NXDOMAIN, .soa = 20},
    {.name = "refused", .addresses = "192.0.2.3", .ttl = 300, .v4_delay_ms = 50, .soa = 20},
    {.name = "unknown.one.test", .rcode = DNS_SERVFAIL},
    {.name = "odd.one.test", .addresses = "192.0.2.1", .ttl = 300, .v6_rcode = DNS_SERVFAIL},
    {.name = "odd.two.test", .addresses = "2001:db8::2", .ttl = 300},
    {.name = "asis.test", .rcode = DNS_SERVFAIL},
    {.name = "asis.test.one.test", .addresses = "192.0.2.1", .ttl = 300},
    {.name = "last.one.test", .rcode = DNS_NXDOMAIN, .soa = 20},
    {.name = "last.two.test", .rcode = DNS_NXDOMAIN, .soa = 20},
    {.name = "last", .rcode = DNS_SERVFAIL},
    {.name = NULL},
};

static dns_server *server;

static void write_over(const char *path, const char *text)
{
    char name[] = "/tmp/rp-search-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    (void)umount2(path, MNT_DETACH);
    assert_int_equal(mount(name, path, NULL, MS_BIND, NULL), 0);
    (void)unlink(name);
}

typedef struct outcome {
    char text[RP_ERROR_TEXT_SIZE]; /* addresses without ports, or the error's */
} outcome;

static void on_lookup(void *user, const rp_resolved *resolved)
{
    outcome *got = user;
    size_t used = 0;
    if (resolved->error != NULL)
        (void)snprintf(got->text, sizeof(got->text), "%s", resolved->error->text);
    for (size_t i = 0; i < resolved->count; i++) {
        char address[RP_ADDRESS_TEXT_SIZE];
        used +=
            (size_t)snprintf(got->text + used, sizeof(got->text) - used, "%s%s", i > 0 ? " " : "",
                             rp__address_text(&resolved->addresses[i], false, address));
    }
}

static void expect(rp_loop *loop, rp_resolver *resolver, const char *host, const char *text)
{
    outcome got;
    print_message("%s\n", host);
    assert_non_null(rp__lookup_start(loop, resolver, host, 443, 0, on_lookup, &got));
    rp_loop_run(loop);
    assert_string_equal(got.text, text);
}

static void walks_through_the_domains(void **state)
{
    (void)state;
    write_over("/etc/resolv.conf",
               "nameserver 127.0.0.1\ndomain other.test\nsearch one.test two.test\n");
    rp_loop *loop = fixture_loop();
    rp_resolver *resolver = dns_server_resolver(server);
    expect(loop, resolver, "short", "192.0.2.2");
    expect(loop, resolver, "short.", "192.0.2.9");
    expect(loop, resolver, "plain", "192.0.2.9"); /* as it is, last */
    expect(loop, resolver, "a.b", "192.0.2.9");   /* as it is, first */
    expect(loop, resolver, "half", "192.0.2.1");
    expect(loop, resolver, "half", "192.0.2.1");
    expect(loop, resolver, "six", "2001:db8::6"); /* "no such name" is about AAAA, too */
    expect(loop, resolver, "absent", "absent: no such host");
    rp_resolver_release(resolver);
    fixture_loop_end(loop);
}

/* Some servers refuse to say anything of a search domain that is not theirs (moby #45553, c-ares
 * #852); names behind it are good. */
static void passes_refusals_over(void **state)
{
    (void)state;
    write_over("/etc/resolv.conf", "search one.test two.test\n");
    rp_loop *loop = fixture_loop();
    rp_resolver *resolver = dns_server_resolver(server);
    expect(loop, resolver, "broken", "192.0.2.2");
    expect(loop, resolver, "refused", "192.0.2.3"); /* whichever family answers first */
    expect(loop, resolver, "odd", "192.0.2.1");
    expect(loop, resolver, "asis.test", "192.0.2.1");
    /* What was found is kept, and that there is no AAAA, too. */
    unsigned questions = dns_server_questions(server);
    expect(loop, resolver, "broken", "192.0.2.2");
    expect(loop, resolver, "refused", "192.0.2.3");
    assert_int_equal(dns_server_questions(server), questions);
    /* Nobody has it, but nobody knows of one domain. */
    expect(loop, resolver, "unknown", "name servers gave no answer for unknown (SERVFAIL)");
    expect(loop, resolver, "last", "name servers gave no answer for last (SERVFAIL)");
    rp_resolver_release(resolver);
    fixture_loop_end(loop);
}

static void counts_dots(void **state)
{
    (void)state;
    write_over("/etc/resolv.conf", "search one.test\noptions edns0 ndots:2\n");
    rp_loop *loop = fixture_loop();
    rp_resolver *resolver = dns_server_resolver(server);
    expect(loop, resolver, "a.b", "192.0.2.1");
    expect(loop, resolver, "a.b.", "192.0.2.9");
    /* The configuration may change. */
    write_over("/etc/resolv.conf", "search three.test\n");
    expect(loop, resolver, "short", "192.0.2.9");
    rp_resolver_release(resolver);
    fixture_loop_end(loop);
}

/* "Nothing" is kept only if all said how long. */
static void keeps_nothing_of_a_walk(void **state)
{
    static const char *const hosts[] = {"kept", "unkept"};
    (void)state;
    write_over("/etc/resolv.conf", "search one.test two.test\n");
    rp_loop *loop = fixture_loop();
    rp_resolver *resolver = dns_server_resolver(server);
    for (size_t i = 0; i < 2; i++) {
        char text[40];
        (void)snprintf(text, sizeof(text), "%s: no such host", hosts[i]);
        expect(loop, resolver, hosts[i], text);
        unsigned questions = dns_server_questions(server);
        expect(loop, resolver, hosts[i], text);
        if (i == 0)
            assert_int_equal(dns_server_questions(server), questions);
        else
            assert_true(dns_server_questions(server) > questions);
    }
    rp_resolver_release(resolver);
    fixture_loop_end(loop);
}

static void looks_into_the_hosts_file_first(void **state)
{
    (void)state;
    write_over("/etc/resolv.conf", "search one.test\n");
    write_over("/etc/hosts", "192.0.2.7 filed other\n2001:db8::7 filed\n192.0.2.8 Mixed.Example\n");
    rp_loop *loop = fixture_loop();
    rp_resolver *resolver = dns_server_resolver(server);
    unsigned questions = dns_server_questions(server);
    outcome got;
    for (int i = 0; i < 2; i++) {
        assert_non_null(rp__lookup_start(loop, resolver, "filed", 443, 0, on_lookup, &got));
        rp_loop_run(loop);
        assert_non_null(strstr(got.text, "192.0.2.7"));
        assert_non_null(strstr(got.text, "2001:db8::7"));
        expect(loop, resolver, "mixed.example", "192.0.2.8");
    }
    assert_int_equal(dns_server_questions(server), questions);
    rp_resolver_release(resolver);
    fixture_loop_end(loop);
}

static bool write_map(const char *path, unsigned inside, unsigned outside)
{
    FILE *file = fopen(path, "w");
    bool good = file != NULL && fprintf(file, "%u %u 1", inside, outside) > 0;
    return file != NULL && fclose(file) == 0 && good;
}

/* Who is not root gets it in a user namespace, as root of that. */
static bool own_mounts(void)
{
    unsigned user = getuid(), group = getgid();
    if (unshare(CLONE_NEWNS) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
            return false;
        CHECK(write_map("/proc/self/uid_map", 0, user));
        int fd = open("/proc/self/setgroups", O_WRONLY | O_CLOEXEC);
        CHECK(fd >= 0 && write(fd, "deny", 4) == 4 && close(fd) == 0);
        CHECK(write_map("/proc/self/gid_map", 0, group));
    }
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(walks_through_the_domains),
        fixture_test(passes_refusals_over),
        fixture_test(counts_dots),
        fixture_test(keeps_nothing_of_a_walk),
        fixture_test(looks_into_the_hosts_file_first),
    };
    if (!own_mounts()) {
        (void)printf("no mount namespace may be made here\n");
        return 0;
    }
    server = dns_server_start(rules);
    int failed = fixture_run(tests);
    dns_server_stop(server);
    return failed;
}

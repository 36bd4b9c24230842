/* test_where.c - where connections go: connect_to and families. In the simulator, by public headers
 * alone. */
#include "support/play.h"

#include <stdio.h>
#include <string.h>

/* Servers by name, all with a certificate for *.example.test, and what came to each. */
enum { ONE, TWO, SIX, SERVERS };

static const char *const names[SERVERS] = {"one.example.test", "two.example.test",
                                           "six.example.test"};
static const char *const addresses[SERVERS] = {"192.0.2.1", "192.0.2.2", "2001:db8::6"};

typedef struct world {
    play play;
    rp_sim_server *servers[SERVERS];
    char host[80];  /* the last request's Host */
    char asked[80]; /* the last target's host, and its address */
} world;

static void on_request(rp_sim_exchange *exchange, void *user)
{
    world *w = user;
    (void)snprintf(w->host, sizeof(w->host), "%s", rp_sim_header(exchange, "Host"));
    rp_sim_respond(exchange, 200, NULL, "ok", 2);
}

static const char *on_address(const rp_target *target, void *user)
{
    world *w = user;
    (void)snprintf(w->asked, sizeof(w->asked), "%s %s", target->host, target->address);
    return NULL;
}

static void begin(world *w, const rp_client_options *given)
{
    rp_sim_options sim = {.seed = 5};
    play_options world_options = {.sim = &sim, .version = 13, .faulty = true};
    rp_client_options options = *given;
    *w = (world){.host = ""};
    play_world(&w->play, &world_options);
    options.on_address = on_address;
    options.on_address_user = w;
    play_client(&w->play, &options);
    for (size_t i = 0; i < SERVERS; i++) {
        rp_sim_server_options server = {
            .host = names[i], .address = addresses[i], .on_request = on_request, .user = w};
        assert_int_equal(rp_sim_server_start(w->play.sim, &w->servers[i], &server, NULL), RP_OK);
    }
    assert_int_equal(
        rp_sim_name_add(w->play.sim, "both.example.test", "192.0.2.1,2001:db8::6", NULL), RP_OK);
}

static rp_sim_server_counts counts(const world *w, size_t i)
{
    rp_sim_server_counts c;
    rp_sim_server_counts_get(w->servers[i], &c);
    return c;
}

static call get(world *w, const char *url, const char *connect_to)
{
    static call c;
    rp_request_options options = {.url = url, .connect_to = connect_to};
    call_start(&c, &w->play, &options);
    if (c.request == NULL)
        return c;
    rp_loop_run(w->play.loop);
    assert_int_equal(c.dones, 1);
    return c;
}

/* ---- connect_to ---- */

static void goes_elsewhere_under_its_own_name(void **state)
{
    static const char *const rules[] = {"api.example.test:443:two.example.test:"};
    rp_client_options options = {.connect_to = rules, .connect_to_count = 1};
    (void)state;
    world w;
    begin(&w, &options); /* api.example.test has no address at all */
    assert_int_equal(get(&w, "https://api.example.test/", NULL).status, 200);
    assert_string_equal(w.host, "api.example.test");
    assert_string_equal(w.asked, "two.example.test 192.0.2.2:443");
    assert_int_equal(counts(&w, TWO).requests, 1);
    /* What is verified is the URL's name, not that of the place. */
    call c = get(&w, "https://wrong.invalid/", "two.example.test:");
    assert_int_equal(c.error.status, RP_E_CERT_HOST_MISMATCH);
    assert_int_equal(get(&w, "https://one.example.test/", NULL).status, 200);
    assert_int_equal(counts(&w, ONE).requests, 1);
    play_end(&w.play);
}

/* A connection serves those requests only that go to the same place. */
static void does_not_mix_places(void **state)
{
    rp_client_options options = {.tls = NULL};
    (void)state;
    world w;
    begin(&w, &options);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(get(&w, "https://one.example.test/", NULL).status, 200);
        assert_int_equal(get(&w, "https://one.example.test/", "two.example.test:").status, 200);
        assert_int_equal(get(&w, "https://one.example.test/", "[2001:db8::6]:443").status, 200);
        assert_int_equal(get(&w, "https://one.example.test/", "ONE.example.test:443").status, 200);
    }
    assert_int_equal(counts(&w, ONE).requests, 6);
    assert_int_equal(counts(&w, TWO).requests, 3);
    assert_int_equal(counts(&w, SIX).requests, 3);
    for (size_t i = 0; i < SERVERS; i++)
        assert_int_equal(counts(&w, i).connections, 1);
    play_end(&w.play);
}

/* Nor is a session of one place used up at the other one. */
static void does_not_mix_sessions(void **state)
{
    rp_client_options options = {.never_reuse = true};
    (void)state;
    world w;
    begin(&w, &options);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(get(&w, "https://one.example.test/", NULL).status, 200);
        assert_int_equal(get(&w, "https://one.example.test/", "two.example.test:").status, 200);
        assert_int_equal(counts(&w, ONE).resumed, i);
        assert_int_equal(counts(&w, TWO).resumed, i);
    }
    play_end(&w.play);
}

static void is_no_exception_to_the_rules(void **state)
{
    static const char *const rules[] = {"::10.0.0.1:443"};
    rp_client_options options = {
        .connect_to = rules, .connect_to_count = 1, .refuse_addresses = RP_ADDRESS_PRIVATE};
    (void)state;
    world w;
    begin(&w, &options);
    call c = get(&w, "https://one.example.test/", NULL);
    assert_int_equal(c.error.status, RP_E_ADDRESS_REFUSED);
    assert_int_equal(get(&w, "https://one.example.test/", ":").status, 200);
    play_end(&w.play);
}

static void says_what_is_wrong_with_it(void **state)
{
    static const char *const rules[] = {"a:b"};
    rp_client_options options = {.tls = NULL};
    (void)state;
    world w;
    rp_client *client;
    rp_error error;
    begin(&w, &options);
    options.connect_to = rules;
    options.connect_to_count = 1;
    assert_int_equal(rp_client_create(&client, w.play.loop, &options, &error), RP_E_BAD_OPTION);
    assert_string_equal(
        error.text,
        "connect_to 1 (\"a:b\") is not HOST1:PORT1:HOST2:PORT2 or HOST1:PORT1:unix:PATH");
    call c = get(&w, "https://one.example.test/", "two.example.test");
    assert_int_equal(c.error.status, RP_E_BAD_OPTION);
    assert_int_equal(c.dones, 0);
    c = get(&w, "https://one.example.test/", "unix:/run/api.sock");
    assert_int_equal(c.error.status, RP_E_UNSUPPORTED);
    assert_non_null(strstr(c.error.text, "no means of a connection to one.example.test "
                                         "(unix:/run/api.sock)"));
    c = get(&w, "https://one.example.test/", "two.example.test\r\n:443");
    assert_int_equal(c.error.status, RP_E_BAD_OPTION);
    c = get(&w, "https://one.example.test/", "no-such-name:443");
    assert_int_equal(c.error.status, RP_E_RESOLVE_NOT_FOUND);
    play_end(&w.play);
}

/* ---- families ---- */

static void uses_one_family(void **state)
{
    static const struct {
        rp_families families;
        const char *url;
        int server; /* -1: there is none */
        rp_status status;
        const char *text;
    } cases[] = {
        {RP_FAMILIES_IPV4, "https://both.example.test/", ONE, RP_OK, NULL},
        {RP_FAMILIES_IPV6, "https://both.example.test/", SIX, RP_OK, NULL},
        {RP_FAMILIES_IPV4, "https://one.example.test/", ONE, RP_OK, NULL},
        {RP_FAMILIES_IPV6, "https://one.example.test/", -1, RP_E_RESOLVE_NOT_FOUND,
         "no IPv6 address"},
        {RP_FAMILIES_IPV4, "https://six.example.test/", -1, RP_E_RESOLVE_NOT_FOUND,
         "no IPv4 address"},
        {RP_FAMILIES_IPV6, "https://six.example.test/", SIX, RP_OK, NULL},
        {RP_FAMILIES_IPV4, "https://192.0.2.1/", ONE, RP_OK, NULL},
        {RP_FAMILIES_IPV6, "https://192.0.2.1/", -1, RP_E_CONNECT_UNREACHABLE,
         "IPv4 is not allowed"},
        {RP_FAMILIES_IPV4, "https://[2001:db8::6]/", -1, RP_E_CONNECT_UNREACHABLE,
         "IPv6 is not allowed"},
        {RP_FAMILIES_IPV4, "https://over.example.test/", TWO, RP_OK, NULL},
        {RP_FAMILIES_IPV6, "https://over.example.test/", SIX, RP_OK, NULL},
    };
    static const char *const overrides[] = {"over.example.test:*:2001:db8::6,192.0.2.2"};
    rp_resolver_options resolver = {.overrides = overrides, .override_count = 1};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rp_client_options options = {.families = cases[i].families, .never_reuse = true};
        world w;
        assert_int_equal(rp_resolver_create(&options.resolver, &resolver, NULL), RP_OK);
        begin(&w, &options);
        rp_resolver_release(options.resolver);
        for (unsigned k = 0; k < 2; k++) { /* fresh, and with what is known of the name */
            call c = get(&w, cases[i].url, NULL);
            if (cases[i].server < 0) {
                assert_int_equal(c.error.status, cases[i].status);
                assert_non_null(strstr(c.error.text, cases[i].text));
                continue;
            }
            if (c.status != 200)
                fail_msg("%zu: %s", i, c.error.text);
            assert_int_equal(counts(&w, (size_t)cases[i].server).connections, k + 1);
        }
        play_end(&w.play);
    }
    rp_client_options options = {.tls = NULL};
    world w;
    rp_client *client;
    begin(&w, &options);
    options.families = (rp_families)3;
    assert_int_equal(rp_client_create(&client, w.play.loop, &options, NULL), RP_E_BAD_OPTION);
    play_end(&w.play);
}

/* ---- where it begins ---- */

static void never_opens(rp_stream *stream, const rp_error *error, void *user)
{
    (void)stream;
    (void)error;
    (void)user;
    fail();
}

static call get_from(rp_local local, const char *url)
{
    rp_client_options options = {.local = local};
    world w;
    begin(&w, &options);
    call c = get(&w, url, NULL);
    play_end(&w.play);
    return c;
}

static void begins_where_it_is_told(void **state)
{
    static const struct {
        rp_local local;
        const char *url;
        int status;
        rp_status error;
        const char *text;
    } cases[] = {
        {{.address = "10.1.2.3"}, "https://one.example.test/", 200, RP_OK, NULL},
        {{.address = "[fd00::7]"}, "https://six.example.test/", 200, RP_OK, NULL},
        {{.device = "sim0"}, "https://six.example.test/", 200, RP_OK, NULL},
        {{.first_port = 4000}, "https://one.example.test/", 200, RP_OK, NULL},
        {{.address = "10.1.2.3", .device = "sim0", .first_port = 4000, .last_port = 4001},
         "https://both.example.test/",
         200,
         RP_OK,
         NULL},
        /* The address's family is asked for, and no other one. */
        {{.address = "10.1.2.3"},
         "https://six.example.test/",
         0,
         RP_E_RESOLVE_NOT_FOUND,
         "no IPv4 address"},
        {{.address = "fd00::7"},
         "https://192.0.2.1/",
         0,
         RP_E_CONNECT_UNREACHABLE,
         "IPv4 is not allowed"},
        /* This machine has neither. */
        {{.address = "198.51.100.1"},
         "https://one.example.test/",
         0,
         RP_E_LOCAL_ADDRESS,
         "rp_local does not suit this machine: no connection to one.example.test (192.0.2.1:443)"},
        {{.device = "eth9"}, "https://both.example.test/", 0, RP_E_LOCAL_ADDRESS, "rp_local"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        call c = get_from(cases[i].local, cases[i].url);
        if (c.status != cases[i].status || c.error.status != cases[i].error ||
            (cases[i].text != NULL && strstr(c.error.text, cases[i].text) == NULL))
            fail_msg("%zu: %d, %s", i, c.status, c.error.text);
    }
}

/* Each of them serves one connection, and the one more is told so. */
static void has_the_ports_it_is_given(void **state)
{
    enum { PORTS = 5 };
    rp_client_options options = {
        .versions = RP_HTTP_1_1,
        .local = {.address = "10.1.2.3", .first_port = 4000, .last_port = 4000 + PORTS - 1}};
    rp_request_options request = {.url = "https://one.example.test/"};
    call calls[PORTS + 1];
    int good = 0;
    (void)state;
    world w;
    begin(&w, &options);
    for (size_t i = 0; i < PORTS + 1; i++) {
        call_start(&calls[i], &w.play, &request);
        assert_non_null(calls[i].request);
    }
    rp_loop_run(w.play.loop);
    for (size_t i = 0; i < PORTS + 1; i++) {
        assert_int_equal(calls[i].dones, 1);
        if (calls[i].status == 200) {
            good++;
            continue;
        }
        assert_int_equal(calls[i].error.status, RP_E_NO_LOCAL_PORTS);
        assert_non_null(strstr(calls[i].error.text, "no local port is left for a connection to "
                                                    "one.example.test (192.0.2.1:443)"));
    }
    assert_true(good >= PORTS);
    assert_int_equal(counts(&w, ONE).connections, PORTS);
    play_end(&w.play);
}

static void says_what_is_wrong_with_its_begin(void **state)
{
    static const struct {
        rp_local local;
        rp_families families;
        const char *text;
    } cases[] = {
        {{.address = "eth0"}, RP_FAMILIES_ANY, "local.address is no IP address (\"eth0\")"},
        {{.address = ""}, RP_FAMILIES_ANY, "local.address is no IP address (\"\")"},
        {{.address = "10.1.2.3"},
         RP_FAMILIES_IPV6,
         "local.address is not of the family that families allows (\"10.1.2.3\")"},
        {{.device = ""}, RP_FAMILIES_ANY, "local.device is no name of a network interface (\"\")"},
        {{.device = "interface-of-16c"},
         RP_FAMILIES_ANY,
         "local.device is no name of a network interface (\"interface-of-16c\")"},
        {{.last_port = 9},
         RP_FAMILIES_ANY,
         "local.last_port (9) is below local.first_port (0), or stands alone"},
        {{.first_port = 10, .last_port = 9},
         RP_FAMILIES_ANY,
         "local.last_port (9) is below local.first_port (10), or stands alone"},
    };
    rp_client_options none = {.tls = NULL};
    (void)state;
    world w;
    begin(&w, &none);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rp_client_options options = {.families = cases[i].families, .local = cases[i].local};
        rp_stream_options stream_options = {
            .host = "h", .families = cases[i].families, .local = cases[i].local};
        rp_stream_events events = {.on_open = never_opens};
        rp_client *client;
        rp_stream *stream;
        rp_error error;
        assert_int_equal(rp_client_create(&client, w.play.loop, &options, &error), RP_E_BAD_OPTION);
        assert_string_equal(error.text, cases[i].text);
        assert_int_equal(rp_stream_open(&stream, w.play.loop, &stream_options, &events, NULL),
                         RP_E_MISUSE);
    }
    play_end(&w.play);
}

/* ---- without memory ---- */

static void bears_any_lack_of_memory(void **state)
{
    static const char *const rules[] = {"one.example.test::two.example.test:"};
    (void)state;
    for (unsigned n = 1;; n++) {
        rp_client_options options = {.local = {.address = "10.0.0.9", .device = "sim0"}};
        world w;
        rp_client *client = NULL;
        rp_error error;
        begin(&w, &options);
        options.tls = w.play.tls;
        options.connect_to = rules;
        options.connect_to_count = 1;
        rp_sim_fault_at(w.play.sim, RP_SIM_NO_MEMORY, n);
        if (rp_client_create(&client, w.play.loop, &options, &error) == RP_OK) {
            rp_client_destroy(w.play.client);
            w.play.client = client;
            call c = get(&w, "https://one.example.test/", n % 2 == 0 ? "two.example.test:" : NULL);
            if (c.status == 200)
                assert_int_equal(counts(&w, TWO).requests, 1);
            else
                assert_int_equal(c.error.status, RP_E_NO_MEMORY);
        } else {
            assert_int_equal(error.status, RP_E_NO_MEMORY);
        }
        bool over = rp_sim_fault_count(w.play.sim, RP_SIM_NO_MEMORY) == 0;
        play_end(&w.play);
        if (over) {
            assert_true(n > 20);
            return;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_elsewhere_under_its_own_name),
        cmocka_unit_test(does_not_mix_places),
        cmocka_unit_test(does_not_mix_sessions),
        cmocka_unit_test(is_no_exception_to_the_rules),
        cmocka_unit_test(says_what_is_wrong_with_it),
        cmocka_unit_test(uses_one_family),
        cmocka_unit_test(begins_where_it_is_told),
        cmocka_unit_test(has_the_ports_it_is_given),
        cmocka_unit_test(says_what_is_wrong_with_its_begin),
        cmocka_unit_test(bears_any_lack_of_memory),
    };
    return cmocka_run_group_tests_name("where", tests, NULL, NULL);
}

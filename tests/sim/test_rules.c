/* test_rules.c - what a client's rules keep it from connecting to, whatever leads there: URLs,
 * names whose answers change, old answers, the next address after a failure. In the simulator, by
 * public headers alone. */
#include "support/play.h"

#include <stdio.h>
#include <string.h>

#define HOST "many.example.test"
#define GOOD "1.1.1.1"
#define OTHER "9.9.9.9"
#define INSIDE "10.0.0.1"

enum { AT_GOOD, AT_OTHER, AT_INSIDE, AT_LOOPBACK, AT_METADATA, SERVERS };

static const char *const places[SERVERS] = {GOOD, OTHER, INSIDE, "127.0.0.1", "169.254.169.254"};

typedef struct world {
    play play;
    rp_sim_server *servers[SERVERS];
    bool resets; /* the server at GOOD resets what comes */
    uint64_t wait_ms;
    unsigned asked;      /* calls of on_address */
    const char *refused; /* an address that on_address refuses */
    /* What the name is given when it was looked up and is about to be connected to. */
    const char *rebinds_to;
} world;

static void on_connection(rp_sim_exchange *exchange, void *user)
{
    world *w = user;
    if (w->resets && rp_sim_exchange_server(exchange) == w->servers[AT_GOOD])
        rp_sim_end(exchange, RP_SIM_END_RESET);
}

static void on_request(rp_sim_exchange *exchange, void *user)
{
    world *w = user;
    rp_sim_wait(exchange, w->wait_ms);
    rp_sim_respond(exchange, 200, NULL, "ok", 2);
}

static const char *on_address(const rp_target *target, void *user)
{
    world *w = user;
    w->asked++;
    if (w->rebinds_to != NULL)
        assert_int_equal(rp_sim_name_add(w->play.sim, HOST, w->rebinds_to, NULL), RP_OK);
    if (w->refused != NULL && strncmp(target->address, w->refused, strlen(w->refused)) == 0)
        return "not in the plan";
    return NULL;
}

static void client_make(world *w, const rp_client_options *given)
{
    rp_client_options options = {.never_reuse = true, .refuse_addresses = RP_ADDRESS_NOT_PUBLIC};
    if (given != NULL)
        options = *given;
    options.on_address = on_address;
    options.on_address_user = w;
    play_client(&w->play, &options);
}

static void begin(world *w, bool plain, const rp_client_options *given)
{
    rp_sim_options sim = {.seed = 11};
    play_options world_options = {.sim = &sim, .version = plain ? 0 : 13};
    *w = (world){.resets = false};
    play_world(&w->play, &world_options);
    client_make(w, given);
    for (size_t i = 0; i < SERVERS; i++) {
        rp_sim_server_options options = {.address = places[i],
                                         .plain = plain,
                                         .on_connection = on_connection,
                                         .on_request = on_request,
                                         .user = w};
        assert_int_equal(rp_sim_server_start(w->play.sim, &w->servers[i], &options, NULL), RP_OK);
    }
}

static uint64_t connections(const world *w, size_t i)
{
    rp_sim_server_counts counts;
    rp_sim_server_counts_get(w->servers[i], &counts);
    return counts.connections;
}

static void nothing_came_inside(const world *w)
{
    assert_int_equal(connections(w, AT_INSIDE), 0);
    assert_int_equal(connections(w, AT_LOOPBACK), 0);
    assert_int_equal(connections(w, AT_METADATA), 0);
}

static void start(world *w, call *c, const char *url)
{
    rp_request_options options = {.url = url};
    call_start(c, &w->play, &options);
    assert_non_null(c->request);
}

static call get(world *w, const char *url)
{
    static call c;
    start(w, &c, url);
    rp_loop_run(w->play.loop);
    assert_int_equal(c.dones, 1);
    return c;
}

static void refused(world *w, const char *url)
{
    call c = get(w, url);
    if (c.error.status != RP_E_ADDRESS_REFUSED)
        fail_msg("%s: %s", url, c.status == 200 ? "was let through" : c.error.text);
    assert_int_equal(c.error.phase, RP_PHASE_CONNECT);
    assert_true(c.error.replay_safe);
    nothing_came_inside(w);
}

/* ---- what leads there ---- */

static void refuses_what_is_written_as_an_address(void **state)
{
    static const char *const urls[] = {
        "http://10.0.0.1/",
        "http://127.0.0.1/",
        "http://169.254.169.254/",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://x.localhost/",
        "http://[::1]/",
        "http://[::]/",
        "http://0.0.0.0/",
        "http://[::ffff:10.0.0.1]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[::10.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[64:ff9b:1::7f00:1]/",
        "http://[2002:a00:1::]/",
        "http://[2001:0:101:101:0:0:f5ff:fffe]/",
        "http://[fe80::1%251]/",
        "http://[fd00:ec2::254]/",
        "http://192.168.1.1:8080/",
        "http://[2606:4700::5efe:a00:1]/",
    };
    (void)state;
    world w;
    begin(&w, true, NULL);
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        rp_request_options options = {.url = urls[i]};
        call c;
        call_start(&c, &w.play, &options);
        /* What is no URL here leads nowhere. */
        if (c.request == NULL) {
            assert_int_equal(c.error.status, RP_E_BAD_URL);
            continue;
        }
        rp_loop_run(w.play.loop);
        if (c.error.status != RP_E_ADDRESS_REFUSED)
            fail_msg("%s: %s", urls[i], c.status == 200 ? "was let through" : c.error.text);
    }
    nothing_came_inside(&w);
    assert_int_equal(w.asked, 0);
    assert_int_equal(get(&w, "http://" GOOD "/").status, 200);
    assert_int_equal(w.asked, 1);
    play_end(&w.play);
}

static void refuses_what_a_name_leads_to(void **state)
{
    static const char *const overrides[] = {"over.example.test:*:10.0.0.1"};
    rp_resolver_options names = {.overrides = overrides, .override_count = 1};
    rp_client_options options = {.never_reuse = true, .refuse_addresses = RP_ADDRESS_NOT_PUBLIC};
    (void)state;
    world w;
    assert_int_equal(rp_resolver_create(&options.resolver, &names, NULL), RP_OK);
    begin(&w, true, &options);
    rp_resolver_release(options.resolver);
    refused(&w, "http://over.example.test/");
    assert_int_equal(rp_sim_name_add(w.play.sim, HOST, "10.0.0.1,127.0.0.1,fc00::1", NULL), RP_OK);
    refused(&w, "http://" HOST "/");
    /* Those that are allowed are used, wherever they stand. */
    assert_int_equal(rp_sim_name_add(w.play.sim, HOST, "10.0.0.1," GOOD ",127.0.0.1", NULL), RP_OK);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(get(&w, "http://" HOST "/").status, 200);
    assert_int_equal(connections(&w, AT_GOOD), 6);
    nothing_came_inside(&w);
    play_end(&w.play);
}

/* ---- rebinding ---- */

static void asks_at_each_connection(void **state)
{
    (void)state;
    for (uint32_t ttl_s = 0; ttl_s < 2; ttl_s++) {
        world w;
        begin(&w, true, NULL);
        for (unsigned i = 0; i < 4; i++) {
            const char *addresses = i % 2 == 0 ? GOOD : INSIDE;
            assert_int_equal(rp_sim_name_add(w.play.sim, HOST, addresses, NULL), RP_OK);
            rp_sim_name_ttl(w.play.sim, HOST, ttl_s);
            if (i % 2 == 0)
                assert_int_equal(get(&w, "http://" HOST "/").status, 200);
            else
                refused(&w, "http://" HOST "/");
            rp_sim_run_ms(w.play.sim, 2000);
        }
        assert_int_equal(connections(&w, AT_GOOD), 2);
        play_end(&w.play);
    }
}

/* The name changes after the check: what was checked is what is connected to. */
static void connects_to_what_was_checked(void **state)
{
    (void)state;
    world w;
    begin(&w, true, NULL);
    w.rebinds_to = INSIDE;
    assert_int_equal(rp_sim_name_add(w.play.sim, HOST, GOOD, NULL), RP_OK);
    assert_int_equal(get(&w, "http://" HOST "/").status, 200);
    assert_int_equal(connections(&w, AT_GOOD), 1);
    refused(&w, "http://" HOST "/");
    play_end(&w.play);
}

/* An answer that was kept from before, by a client without rules, and served while name servers
 * fail. */
static void asks_of_old_answers(void **state)
{
    rp_client_options open = {.never_reuse = true};
    (void)state;
    for (unsigned stale = 0; stale < 2; stale++) {
        world w;
        begin(&w, true, &open);
        assert_int_equal(rp_sim_name_add(w.play.sim, HOST, INSIDE, NULL), RP_OK);
        rp_sim_name_ttl(w.play.sim, HOST, 60);
        assert_int_equal(get(&w, "http://" HOST "/").status, 200);
        client_make(&w, NULL);
        if (stale == 1) {
            rp_sim_fault_set(w.play.sim, RP_SIM_NAME_FAILED, 1000000);
            rp_sim_run_ms(w.play.sim, 61000);
        }
        call c = get(&w, "http://" HOST "/");
        assert_int_equal(c.error.status, RP_E_ADDRESS_REFUSED);
        assert_int_equal(connections(&w, AT_INSIDE), 1);
        play_end(&w.play);
    }
}

/* The next address, after a handshake that got nowhere, is asked of like the first one. */
static void asks_of_the_next_address(void **state)
{
    static const uint32_t rules[] = {RP_ADDRESS_NOT_PUBLIC, 0};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        rp_client_options options = {.never_reuse = true, .refuse_addresses = rules[i]};
        world w;
        begin(&w, false, &options);
        w.resets = true;
        w.refused = INSIDE;
        assert_int_equal(rp_sim_name_add(w.play.sim, HOST, GOOD "," INSIDE, NULL), RP_OK);
        call c = get(&w, "https://" HOST "/");
        /* What the rules say of themselves is known beforehand, and the server is the news. */
        assert_int_equal(c.error.status, i == 0 ? RP_E_RESET : RP_E_ADDRESS_REFUSED);
        nothing_came_inside(&w);
        assert_int_equal(connections(&w, AT_GOOD), 1);
        assert_int_equal(rp_sim_name_add(w.play.sim, HOST, GOOD "," INSIDE "," OTHER, NULL), RP_OK);
        assert_int_equal(get(&w, "https://" HOST "/").status, 200);
        assert_int_equal(connections(&w, AT_OTHER), 1);
        nothing_came_inside(&w);
        play_end(&w.play);
    }
}

/* ---- what a refusal is not ---- */

/* It says nothing of the server: once the rules allow it, the address has its turns. */
static void is_not_remembered(void **state)
{
    rp_client_options options = {.never_reuse = true};
    (void)state;
    world w;
    begin(&w, true, &options);
    assert_int_equal(rp_sim_name_add(w.play.sim, HOST, GOOD "," OTHER, NULL), RP_OK);
    w.refused = GOOD;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(get(&w, "http://" HOST "/").status, 200);
    assert_int_equal(connections(&w, AT_GOOD), 0);
    assert_int_equal(connections(&w, AT_OTHER), 4);
    w.refused = NULL;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(get(&w, "http://" HOST "/").status, 200);
    assert_int_equal(connections(&w, AT_GOOD), 2);
    assert_int_equal(connections(&w, AT_OTHER), 6);
    play_end(&w.play);
}

/* A server that refuses has reached its limit, and its open connections are waited for. Rules have
 * no such limit: the error comes at once, and the connection that is allowed serves on. */
static void is_not_waited_out(void **state)
{
    rp_client_options options = {.refuse_addresses = RP_ADDRESS_NOT_PUBLIC};
    (void)state;
    world w;
    static call first, second, third;
    begin(&w, true, &options);
    w.wait_ms = 10000;
    assert_int_equal(rp_sim_name_add(w.play.sim, HOST, GOOD, NULL), RP_OK);
    start(&w, &first, "http://" HOST "/");
    while (rp_sim_now_ns(w.play.sim) < 1000000000)
        (void)rp_loop_turn(w.play.loop, 1);
    assert_int_equal(connections(&w, AT_GOOD), 1);
    assert_int_equal(rp_sim_name_add(w.play.sim, HOST, INSIDE, NULL), RP_OK);
    start(&w, &second, "http://" HOST "/");
    start(&w, &third, "http://" HOST "/");
    rp_loop_run(w.play.loop);
    assert_int_equal(first.status, 200);
    assert_int_equal(second.error.status, RP_E_ADDRESS_REFUSED);
    assert_int_equal(third.error.status, RP_E_ADDRESS_REFUSED);
    assert_true(third.took_ns < UINT64_C(1000000000));
    nothing_came_inside(&w);
    play_end(&w.play);
}

static void on_open(rp_stream *stream, const rp_error *error, void *user)
{
    (void)stream;
    (void)error;
    (void)user;
    fail_msg("opened");
}

static void takes_known_kinds_only(void **state)
{
    rp_client_options options = {.refuse_addresses = 256};
    rp_stream_options stream_options = {.host = GOOD, .refuse_addresses = 256};
    static const rp_stream_events events = {.on_open = on_open};
    rp_client *client;
    rp_stream *stream;
    rp_error error;
    (void)state;
    world w;
    begin(&w, true, NULL);
    assert_int_equal(rp_client_create(&client, w.play.loop, &options, &error), RP_E_BAD_OPTION);
    assert_non_null(strstr(error.text, "refuse_addresses"));
    assert_int_equal(rp_stream_open(&stream, w.play.loop, &stream_options, &events, NULL),
                     RP_E_MISUSE);
    play_end(&w.play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_is_written_as_an_address),
        cmocka_unit_test(refuses_what_a_name_leads_to),
        cmocka_unit_test(asks_at_each_connection),
        cmocka_unit_test(connects_to_what_was_checked),
        cmocka_unit_test(asks_of_old_answers),
        cmocka_unit_test(asks_of_the_next_address),
        cmocka_unit_test(is_not_remembered),
        cmocka_unit_test(is_not_waited_out),
        cmocka_unit_test(takes_known_kinds_only),
    };
    return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}

/* test_addresses.c - a client and the addresses of a name: all of them are used, those that fail
 * are avoided for a while, a handshake that gets nowhere goes on elsewhere, within the deadlines;
 * and the name's answers, shared and old. In the simulator, by public headers alone. */
#include "support/play.h"

#include <stdio.h>
#include <string.h>

#define HOST "many.example.test"
#define MS UINT64_C(1000000)
#define SERVERS 3

/* Of a server at 192.0.2.1, .2, .3. */
typedef enum habit {
    WELL,
    SILENT,   /* takes connections and says nothing */
    SLOW,     /* says nothing for five seconds */
    RESETS,   /* resets them at once */
    CLOSES,   /* ends them at once */
    HALF,     /* resets after a part of its first flight */
    ALERTS,   /* a fatal alert */
    NOT_TLS,  /* speaks another language */
    MISNAMED, /* its certificate is another host's */
    NOBODY    /* nobody listens */
} habit;

typedef struct world {
    play play;
    rp_sim_server *servers[SERVERS];
    habit habits[SERVERS];
    size_t count;
} world;

static const char *address_of(size_t i)
{
    static const char *const addresses[SERVERS] = {"192.0.2.1", "192.0.2.2", "192.0.2.3"};
    return addresses[i];
}

static void on_connection(rp_sim_exchange *exchange, void *user)
{
    static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 40}; /* handshake_failure */
    static const uint8_t part[] = {22, 3, 3, 0, 90, 2, 0, 0};
    static const char other[] = "220 mail.example.test ESMTP\r\n";
    switch (*(habit *)user) {
    case SILENT:
        rp_sim_end(exchange, RP_SIM_END_STALLED);
        break;
    case SLOW:
        rp_sim_wait(exchange, 5000);
        break;
    case RESETS:
        rp_sim_end(exchange, RP_SIM_END_RESET);
        break;
    case CLOSES:
        rp_sim_end(exchange, RP_SIM_END_TRUNCATED);
        break;
    case HALF:
        rp_sim_write_raw(exchange, part, sizeof(part));
        rp_sim_end(exchange, RP_SIM_END_RESET);
        break;
    case ALERTS:
        rp_sim_write_raw(exchange, alert, sizeof(alert));
        rp_sim_end(exchange, RP_SIM_END_TRUNCATED);
        break;
    case NOT_TLS:
        rp_sim_write_raw(exchange, other, sizeof(other) - 1);
        rp_sim_end(exchange, RP_SIM_END_STALLED);
        break;
    default:
        break;
    }
}

static void serve(world *w, size_t i, habit kind)
{
    rp_error error;
    rp_sim_server_options options = {.address = address_of(i),
                                     .plain = w->play.version == 0,
                                     .on_connection = on_connection,
                                     .user = &w->habits[i]};
    options.minimum_version = options.maximum_version = (rp_tls_version)w->play.version;
    rp_sim_server_stop(w->servers[i]);
    w->servers[i] = NULL;
    w->habits[i] = kind;
    if (kind != NOBODY &&
        rp_sim_server_start(w->play.sim, &w->servers[i], &options, &error) != RP_OK)
        fail_msg("%s", error.text);
}

static void begin_in(world *w, const rp_sim_options *sim, int version, size_t count,
                     const habit *habits, const rp_client_options *given)
{
    play_options world_options = {.sim = sim, .version = version, .faulty = true};
    rp_client_options options = {.never_reuse = true};
    char addresses[64] = "";
    *w = (world){.count = count};
    play_world(&w->play, &world_options);
    play_client(&w->play, given != NULL ? given : &options);
    for (size_t i = 0; i < count; i++) {
        serve(w, i, habits[i]);
        (void)snprintf(addresses + strlen(addresses), sizeof(addresses) - strlen(addresses), "%s%s",
                       i > 0 ? "," : "", address_of(i));
    }
    assert_int_equal(rp_sim_name_add(w->play.sim, HOST, addresses, NULL), RP_OK);
    assert_int_equal(rp_sim_name_add(w->play.sim, "wrong.invalid", addresses, NULL), RP_OK);
}

static void begin(world *w, int version, size_t count, const habit *habits,
                  const rp_client_options *given)
{
    rp_sim_options sim = {.seed = 7};
    begin_in(w, &sim, version, count, habits, given);
}

static void start(world *w, call *c, const char *host)
{
    char url[80];
    rp_request_options options = {.url = url};
    (void)snprintf(url, sizeof(url), "%s://%s/", w->play.version == 0 ? "http" : "https", host);
    call_start(c, &w->play, &options);
    assert_non_null(c->request);
}

static call get_from(world *w, const char *host)
{
    static call c;
    start(w, &c, host);
    rp_loop_run(w->play.loop);
    assert_int_equal(c.dones, 1);
    return c;
}

static call get(world *w)
{
    return get_from(w, HOST);
}

static uint64_t connections(const world *w, size_t i)
{
    rp_sim_server_counts counts = {0};
    if (w->servers[i] != NULL)
        rp_sim_server_counts_get(w->servers[i], &counts);
    return counts.connections;
}

/* ---- all addresses are used ---- */

static void spreads_over_the_addresses(void **state)
{
    static const habit well[SERVERS] = {WELL, WELL, WELL};
    (void)state;
    for (size_t count = 2; count <= SERVERS; count++) {
        for (int version = 0; version <= 13; version += 13) {
            world w;
            begin(&w, version, count, well, NULL);
            for (unsigned i = 0; i < 8 * count; i++)
                assert_int_equal(get(&w).status, 200);
            for (size_t i = 0; i < count; i++)
                assert_int_equal(connections(&w, i), 8);
            play_end(&w.play);
        }
    }
    /* At a time, too, and where the answer is kept. */
    world w;
    call calls[16];
    begin(&w, 13, 2, well, NULL);
    rp_sim_name_ttl(w.play.sim, HOST, 300);
    for (unsigned i = 0; i < 16; i++)
        start(&w, &calls[i], HOST);
    rp_loop_run(w.play.loop);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(calls[i].status, 200);
    assert_in_range(connections(&w, 0), 7, 9);
    assert_int_equal(connections(&w, 0) + connections(&w, 1), 16);
    play_end(&w.play);
}

static void spreads_over_overrides(void **state)
{
    static const habit well[SERVERS] = {WELL, WELL, WELL};
    static const char *const overrides[] = {HOST ":*:192.0.2.2,192.0.2.3"};
    rp_resolver_options names = {.overrides = overrides, .override_count = 1};
    rp_client_options options = {.never_reuse = true};
    (void)state;
    world w;
    assert_int_equal(rp_resolver_create(&options.resolver, &names, NULL), RP_OK);
    begin(&w, 13, 3, well, &options);
    rp_resolver_release(options.resolver);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(get(&w).status, 200);
    assert_int_equal(connections(&w, 0), 0);
    assert_int_equal(connections(&w, 1), 8);
    assert_int_equal(connections(&w, 2), 8);
    play_end(&w.play);
}

static void avoids_what_failed(void **state)
{
    static const habit kinds[] = {NOBODY, SILENT, RESETS, CLOSES, HALF};
    (void)state;
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        const habit habits[] = {kinds[k], WELL, WELL};
        world w;
        print_message("habit %u\n", kinds[k]);
        begin(&w, 13, 3, habits, NULL);
        for (unsigned i = 0; i < 20; i++)
            assert_int_equal(get(&w).status, 200);
        /* The bad one was tried once, and the others share what is left evenly. */
        if (kinds[k] != NOBODY)
            assert_int_equal(connections(&w, 0), 1);
        assert_in_range(connections(&w, 1), 9, 11);
        assert_in_range(connections(&w, 2), 9, 11);
        /* It recovers, and is used again after a while. */
        serve(&w, 0, WELL);
        for (unsigned i = 0; i < 6; i++)
            assert_int_equal(get(&w).status, 200);
        assert_int_equal(connections(&w, 0), 0);
        rp_sim_run_ms(w.play.sim, 31000);
        for (unsigned i = 0; i < 6; i++)
            assert_int_equal(get(&w).status, 200);
        assert_int_equal(connections(&w, 0), 2);
        play_end(&w.play);
    }
}

/* None is ruled out: when all failed lately, each is tried. */
static void tries_what_failed_if_there_is_nothing_else(void **state)
{
    static const habit habits[] = {NOBODY, NOBODY};
    (void)state;
    world w;
    begin(&w, 13, 2, habits, NULL);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(get(&w).error.status, RP_E_CONNECT_REFUSED);
    serve(&w, 1, WELL);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(get(&w).status, 200);
    play_end(&w.play);
}

/* Each connect that nobody answers costs a delay, once; the limit is one for all. */
static void goes_on_where_nobody_answers(void **state)
{
    static const habit well[] = {WELL, WELL, WELL};
    rp_client_options options = {.never_reuse = true, .connect_timeout_ms = 1000};
    (void)state;
    for (unsigned stalled = 1; stalled <= SERVERS; stalled++) {
        world w;
        call c;
        begin(&w, 0, SERVERS, well, &options);
        start(&w, &c, HOST);
        for (unsigned i = 0; i < stalled; i++) {
            rp_sim_fault_at(w.play.sim, RP_SIM_CONNECT_STALL, 1);
            rp_sim_run_ms(w.play.sim, 250);
        }
        rp_loop_run(w.play.loop);
        if (stalled < SERVERS) {
            assert_int_equal(c.status, 200);
            assert_in_range(c.took_ns / MS, 250 * stalled, 250 * stalled + 50);
            assert_int_equal(connections(&w, stalled), 1);
        } else {
            assert_in_range(c.took_ns / MS, 1000, 1050);
            assert_string_equal(c.error.text,
                                "none of 3 addresses of " HOST " (first 192.0.2.1:80) took the "
                                "connection within 1000 ms");
        }
        play_end(&w.play);
    }
}

/* ---- the next address ---- */

/* The first turn goes to the first address. */
static void goes_on_where_a_handshake_gets_nowhere(void **state)
{
    static const struct {
        habit first, second;
        uint64_t least_ms, most_ms;
    } cases[] = {
        {SILENT, WELL, 2000, 2500},   {RESETS, WELL, 0, 500},   {CLOSES, WELL, 0, 500},
        {HALF, WELL, 0, 500},         {NOBODY, WELL, 0, 500},   {SILENT, SILENT, 4000, 5000},
        {SILENT, RESETS, 2000, 2500}, {SLOW, WELL, 2000, 2500},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int version = 12; version <= 13; version++) {
            const habit habits[] = {cases[i].first, cases[i].second, WELL};
            world w;
            print_message("case %zu, TLS 1.%d\n", i, version - 10);
            begin(&w, version, 3, habits, NULL);
            call c = get(&w);
            assert_int_equal(c.error.status, RP_OK);
            assert_int_equal(c.status, 200);
            assert_in_range(c.took_ns / MS, cases[i].least_ms, cases[i].most_ms);
            assert_string_equal(c.address,
                                cases[i].second == WELL ? "192.0.2.2:443" : "192.0.2.3:443");
            play_end(&w.play);
        }
    }
}

/* Who is silent may be slow only, and is left for none but an address that takes the connection. */
static void stays_where_no_other_is_better(void **state)
{
    static const struct {
        rp_sim_fault fault; /* of the connections to the others */
        habit others;
    } cases[] = {
        {RP_SIM_FAULTS, NOBODY},         {RP_SIM_CONNECT_UNREACHABLE, WELL},
        {RP_SIM_CONNECT_STALL, WELL},    {RP_SIM_NO_DESCRIPTORS, WELL},
        {RP_SIM_NO_SOCKET_MEMORY, WELL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (unsigned count = 2; count <= SERVERS; count++) {
            const habit habits[] = {SLOW, cases[i].others, cases[i].others};
            world w;
            call c;
            print_message("case %zu, %u addresses\n", i, count);
            begin(&w, count == 2 ? 12 : 13, count, habits, NULL);
            start(&w, &c, HOST);
            rp_sim_run_ms(w.play.sim, 1000);
            if (cases[i].fault != RP_SIM_FAULTS)
                rp_sim_fault_set(w.play.sim, cases[i].fault, 1000000);
            rp_loop_run(w.play.loop);
            assert_int_equal(c.error.status, RP_OK);
            assert_int_equal(c.status, 200);
            assert_in_range(c.took_ns / MS, 5000, 5500);
            assert_string_equal(c.address, "192.0.2.1:443");
            assert_int_equal(connections(&w, 0), 1);
            play_end(&w.play);
        }
    }
}

/* All are far away: the second one is called when the first one's answer is under way. */
static void stays_with_one_that_speaks_at_last(void **state)
{
    static const habit well[] = {WELL, WELL};
    const rp_sim_options far = {.seed = 7, .latency_least_us = 1200000, .latency_most_us = 1200000};
    (void)state;
    for (int version = 12; version <= 13; version++) {
        world w;
        begin_in(&w, &far, version, 2, well, NULL);
        call c = get(&w);
        assert_int_equal(c.error.status, RP_OK);
        assert_int_equal(c.status, 200);
        assert_string_equal(c.address, "192.0.2.1:443");
        assert_int_equal(connections(&w, 0), 1);
        play_end(&w.play);
    }
}

/* Of several that failed the one is told that came furthest. */
static void tells_what_came_furthest(void **state)
{
#define FIRST HOST " (192.0.2.1:443)"
#define NO_OTHER "; no other address took the connection"
    static const struct {
        habit first;
        rp_status status;
        const char *text;
        uint64_t most_ms;
    } cases[] = {
        {RESETS, RP_E_RESET, "the connection to " FIRST " was reset by the peer" NO_OTHER, 500},
        {HALF, RP_E_RESET, "the connection to " FIRST " was reset by the peer" NO_OTHER, 500},
        {CLOSES, RP_E_TLS_CLOSED, FIRST " closed the connection during the handshake" NO_OTHER,
         500},
        {SILENT, RP_E_HANDSHAKE_TIMEOUT,
         "the TLS handshake with " FIRST " was not done within 10000 ms", 10500},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t count = 2; count <= SERVERS; count++) {
            const habit habits[] = {cases[i].first, NOBODY, NOBODY};
            world w;
            begin(&w, 13, count, habits, NULL);
            call c = get(&w);
            assert_string_equal(c.error.text, cases[i].text);
            assert_int_equal(c.error.status, cases[i].status);
            assert_int_equal(c.error.phase, RP_PHASE_HANDSHAKE);
            assert_in_range(c.took_ns / MS, 0, cases[i].most_ms);
            assert_int_equal(connections(&w, 0), 1);
            play_end(&w.play);
        }
    }
    /* What is lacking here might have been the way to the good one. */
    static const habit habits[] = {RESETS, WELL};
    world w;
    begin(&w, 13, 2, habits, NULL);
    rp_sim_fault_at(w.play.sim, RP_SIM_NO_DESCRIPTORS, 2);
    assert_int_equal(get(&w).error.status, RP_E_NO_DESCRIPTORS);
    play_end(&w.play);
}

/* What a server says, or shows, is about the service, not about its address. */
static void takes_a_refusal_for_an_answer(void **state)
{
    static const struct {
        habit first;
        const char *host;
        rp_status status;
    } cases[] = {
        {ALERTS, HOST, RP_E_TLS_ALERT},
        {NOT_TLS, HOST, RP_E_TLS_PROTOCOL},
        {WELL, "wrong.invalid", RP_E_CERT_HOST_MISMATCH},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const habit habits[] = {cases[i].first, WELL};
        world w;
        begin(&w, 13, 2, habits, NULL);
        call c = get_from(&w, cases[i].host);
        assert_int_equal(c.error.status, cases[i].status);
        assert_int_equal(connections(&w, 0), 1);
        assert_int_equal(connections(&w, 1), 0);
        play_end(&w.play);
    }
    /* Nor is a plain connection's end a reason: the request may have had its effect. */
    static const habit closes[] = {CLOSES, WELL};
    world w;
    begin(&w, 0, 2, closes, NULL);
    assert_int_not_equal(get(&w).error.status, RP_OK);
    assert_int_equal(connections(&w, 1), 0);
    play_end(&w.play);
}

static void keeps_the_deadlines(void **state)
{
    static const habit silent[] = {SILENT, SILENT, SILENT};
    static const struct {
        uint64_t handshake_ms, connect_ms;
        rp_status status;
    } cases[] = {
        {900, 5000, RP_E_HANDSHAKE_TIMEOUT},
        {6000, 5000, RP_E_HANDSHAKE_TIMEOUT},
        {10000, 100, RP_E_HANDSHAKE_TIMEOUT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rp_client_options options = {.handshake_timeout_ms = cases[i].handshake_ms,
                                     .connect_timeout_ms = cases[i].connect_ms};
        world w;
        begin(&w, 13, 3, silent, &options);
        call c = get(&w);
        assert_int_equal(c.error.status, cases[i].status);
        assert_in_range(c.took_ns / MS, cases[i].handshake_ms, cases[i].handshake_ms + 500);
        for (size_t k = 0; k < 3; k++)
            assert_int_equal(connections(&w, k), 1);
        play_end(&w.play);
    }
}

/* Whatever is done with it while it moves from one address to the next. */
static void ends_at_any_moment(void **state)
{
    static const habit habits[][SERVERS] = {
        {RESETS, SILENT, RESETS}, {SILENT, NOBODY, SILENT}, {SLOW, NOBODY, NOBODY}};
    (void)state;
    for (unsigned turns = 0; turns < 60; turns++) {
        for (unsigned way = 0; way < 9; way++) {
            world w;
            call c;
            begin(&w, 13, 3, habits[way / 3], NULL);
            start(&w, &c, HOST);
            for (unsigned i = 0; i < turns && c.dones == 0; i++)
                (void)rp_loop_turn(w.play.loop, 100);
            if (way % 3 == 0) {
                rp_client_destroy(w.play.client);
                w.play.client = NULL;
                play_end(&w.play);
            } else if (way % 3 == 1) {
                rp_loop_destroy(w.play.loop);
                rp_client_destroy(w.play.client);
                rp_tls_config_release(w.play.tls);
                rp_sim_destroy(w.play.sim);
            } else {
                play_end(&w.play);
            }
            assert_int_equal(c.dones, 1);
        }
    }
}

/* ---- names ---- */

static void shares_questions(void **state)
{
    static const habit well[] = {WELL, WELL};
    (void)state;
    world w;
    call calls[64];
    begin(&w, 13, 2, well, NULL);
    /* One name fails for all who ask for it at a time; none asks on its own. */
    rp_sim_fault_at(w.play.sim, RP_SIM_NAME_FAILED, 1);
    for (unsigned i = 0; i < 64; i++)
        start(&w, &calls[i], HOST);
    rp_loop_run(w.play.loop);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(calls[i].error.status, RP_E_RESOLVE_FAILED);
    assert_int_equal(rp_sim_fault_count(w.play.sim, RP_SIM_NAME_FAILED), 1);
    assert_int_equal(get(&w).status, 200);
    play_end(&w.play);
}

static void says_that_an_answer_is_old(void **state)
{
    static const habit well[] = {WELL, WELL};
    (void)state;
    world w;
    begin(&w, 13, 2, well, NULL);
    rp_sim_name_ttl(w.play.sim, HOST, 60);
    call c = get(&w);
    assert_true(c.status == 200 && !c.stale);
    rp_sim_fault_set(w.play.sim, RP_SIM_NAME_FAILED, 1000000);
    rp_sim_run_ms(w.play.sim, 59000);
    c = get(&w);
    assert_true(c.status == 200 && !c.stale);
    rp_sim_run_ms(w.play.sim, 1000);
    c = get(&w);
    assert_true(c.status == 200 && c.stale);
    assert_true(c.took_ns / MS < 500);
    /* They recover, and are asked again before long. */
    rp_sim_fault_set(w.play.sim, RP_SIM_NAME_FAILED, 0);
    rp_sim_run_ms(w.play.sim, 30000);
    (void)get(&w);
    c = get(&w);
    assert_true(c.status == 200 && !c.stale);
    play_end(&w.play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spreads_over_the_addresses),
        cmocka_unit_test(spreads_over_overrides),
        cmocka_unit_test(avoids_what_failed),
        cmocka_unit_test(tries_what_failed_if_there_is_nothing_else),
        cmocka_unit_test(goes_on_where_nobody_answers),
        cmocka_unit_test(goes_on_where_a_handshake_gets_nowhere),
        cmocka_unit_test(stays_where_no_other_is_better),
        cmocka_unit_test(stays_with_one_that_speaks_at_last),
        cmocka_unit_test(tells_what_came_furthest),
        cmocka_unit_test(takes_a_refusal_for_an_answer),
        cmocka_unit_test(keeps_the_deadlines),
        cmocka_unit_test(ends_at_any_moment),
        cmocka_unit_test(shares_questions),
        cmocka_unit_test(says_that_an_answer_is_old),
    };
    return cmocka_run_group_tests_name("addresses", tests, NULL, NULL);
}

/* test_sim_faults.c - everything that can go wrong in a simulation: that it does where it was told
 * to, as often as it was told to, and what the client says of it. */
#include "support/check.h"
#include "support/play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS_NS ((uint64_t)1000000)
#define PEER PLAY_HOST " (192.0.2.1:80)"

/* ---- by count ---- */

/* The first call meets the fault and fails so, the next one does not. */
static void test_by_count(void **state)
{
    (void)state;
    static const struct {
        rp_sim_fault fault;
        rp_status status;
        rp_phase phase;
        const char *sentence; /* its beginning */
    } cases[] = {
        {RP_SIM_CONNECT_REFUSED, RP_E_CONNECT_REFUSED, RP_PHASE_CONNECT,
         "connection to " PEER " refused"},
        {RP_SIM_CONNECT_UNREACHABLE, RP_E_CONNECT_UNREACHABLE, RP_PHASE_CONNECT, "no way to " PEER},
        {RP_SIM_CONNECT_STALL, RP_E_CONNECT_TIMEOUT, RP_PHASE_CONNECT,
         PEER " did not answer the connection within 10000 ms"},
        {RP_SIM_NAME_NOT_FOUND, RP_E_RESOLVE_NOT_FOUND, RP_PHASE_RESOLVE,
         PLAY_HOST ": no such host"},
        {RP_SIM_NAME_FAILED, RP_E_RESOLVE_FAILED, RP_PHASE_RESOLVE,
         "name servers did not answer for " PLAY_HOST},
        {RP_SIM_NO_DESCRIPTORS, RP_E_NO_DESCRIPTORS, RP_PHASE_CONNECT,
         "no descriptor is left for a connection to " PEER},
        {RP_SIM_NO_SOCKET_MEMORY, RP_E_NO_MEMORY, RP_PHASE_CONNECT,
         "no memory for a connection to " PEER},
        {RP_SIM_SEND_FAILED, RP_E_IO_FAILED, RP_PHASE_HEAD, "the connection to " PEER " failed"},
        {RP_SIM_RECEIVE_FAILED, RP_E_IO_FAILED, RP_PHASE_HEAD, "the connection to " PEER " failed"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        play_options options = {.faulty = true};
        play p;
        call c;
        play_begin(&p, &options);
        rp_sim_fault fault = cases[i].fault;
        rp_sim_fault_at(p.sim, fault, 1);
        rp_sim_fault_at(p.sim, fault, 0); /* taken back */
        call_good(&c, &p);
        play_client(&p, NULL);
        rp_loop_run(p.loop);
        rp_sim_fault_at(p.sim, fault, 1);
        call_bad(&c, &p, cases[i].status, cases[i].phase, NULL);
        /* What follows is the system's own words. */
        if (strncmp(c.error.text, cases[i].sentence, strlen(cases[i].sentence)) != 0)
            fail_msg("%s: %s", rp_sim_fault_name(fault), c.error.text);
        assert_int_equal(rp_sim_fault_count(p.sim, fault), 1);
        call_good(&c, &p);
        assert_int_equal(rp_sim_fault_count(p.sim, fault), 1);
        play_end(&p);
    }
}

/* The third opportunity, not the first or the second. */
static void test_third(void **state)
{
    (void)state;
    play p;
    call c;
    rp_client_options never = {.never_reuse = true};
    play_options options = {.client = &never};
    play_begin(&p, &options);
    rp_sim_fault_at(p.sim, RP_SIM_CONNECT_REFUSED, 3);
    call_good(&c, &p);
    call_good(&c, &p);
    call_bad(&c, &p, RP_E_CONNECT_REFUSED, RP_PHASE_CONNECT, NULL);
    call_good(&c, &p);
    play_end(&p);
}

/* ---- by chance ---- */

static unsigned refused_of(play *p, unsigned count)
{
    unsigned refused = 0;
    for (unsigned i = 0; i < count; i++) {
        call c;
        call_start(&c, p, NULL);
        call_wait(&c, p);
        if (c.error.status != RP_OK)
            assert_int_equal(c.error.status, RP_E_CONNECT_REFUSED);
        refused += c.error.status != RP_OK;
    }
    return refused;
}

static void test_by_chance(void **state)
{
    (void)state;
    rp_sim_options sim = {.seed = 5, .fault_ppm[RP_SIM_CONNECT_REFUSED] = 1000000};
    rp_client_options never = {.never_reuse = true};
    play_options options = {.sim = &sim, .client = &never};
    play p;
    play_begin(&p, &options);
    assert_int_equal(refused_of(&p, 20), 20);
    rp_sim_fault_set(p.sim, RP_SIM_CONNECT_REFUSED, 0);
    assert_int_equal(refused_of(&p, 20), 0);
    rp_sim_fault_set(p.sim, RP_SIM_CONNECT_REFUSED, 250000);
    unsigned quarter = refused_of(&p, 400);
    assert_in_range(quarter, 70, 130);
    assert_int_equal(rp_sim_fault_count(p.sim, RP_SIM_CONNECT_REFUSED), 20 + quarter);
    play_end(&p);
}

/* Every fault strikes by chance, sooner or later, and nothing else ever comes of it than an error
 * or a good answer. */
static void test_all_by_chance(void **state)
{
    (void)state;
    static const int versions[] = {0, 12, 13};
    for (unsigned i = 0; i < RP_SIM_FAULTS; i++) {
        rp_sim_fault fault = (rp_sim_fault)i;
        rp_sim_options sim = {.seed = i, .fault_ppm = {0}};
        play_options options = {.sim = &sim, .version = versions[i % 3], .faulty = true};
        rp_request_options request = {.total_timeout_ms = 60000};
        play p;
        play_begin(&p, &options);
        rp_sim_fault_set(p.sim, fault, fault == RP_SIM_NO_MEMORY ? 20000 : 300000);
        unsigned good = 0, limit = 200;
        for (; limit > 0 && (good < 3 || rp_sim_fault_count(p.sim, fault) < 3); limit--) {
            call c;
            call_start(&c, &p, &request);
            call_wait(&c, &p);
            good += c.error.status == RP_OK;
            assert_true(c.error.status == RP_OK || c.error.text[0] != '\0');
            rp_sim_server_drop(p.server, RP_SIM_CLOSE); /* so that others are made */
        }
        if (limit == 0)
            fail_msg("%s struck %llu times, and %u calls went well", rp_sim_fault_name(fault),
                     (unsigned long long)rp_sim_fault_count(p.sim, fault), good);
        rp_sim_fault_set(p.sim, fault, 0);
        play_end(&p);
    }
}

static void test_fault_names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < RP_SIM_FAULTS; i++) {
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(rp_sim_fault_name((rp_sim_fault)i),
                                    rp_sim_fault_name((rp_sim_fault)k));
    }
    assert_string_equal(rp_sim_fault_name(RP_SIM_NO_BUFFERS), "no_buffers");
    assert_string_equal(rp_sim_fault_name(RP_SIM_FAULTS), "unknown");
}

/* ---- those that only delay ---- */

static void test_late_name(void **state)
{
    (void)state;
    unsigned late = 0, timeouts = 0;
    play p;
    play_begin(&p, NULL);
    for (unsigned i = 0; i < 50; i++) {
        call c;
        play_client(&p, NULL);
        rp_sim_run_ms(p.sim, 60000); /* or the last one's late answer would serve this one, too */
        rp_sim_fault_at(p.sim, RP_SIM_NAME_LATE, 1);
        call_start(&c, &p, NULL);
        call_wait(&c, &p);
        if (c.error.status == RP_OK) {
            late += c.took_ns > 100 * MS_NS;
            continue;
        }
        assert_int_equal(c.error.status, RP_E_RESOLVE_TIMEOUT);
        assert_int_equal(c.took_ns, 10000 * MS_NS);
        timeouts++;
    }
    assert_in_range(timeouts, 30, 48); /* up to a minute, of which ten seconds are waited for */
    assert_in_range(late, 2, 20);
    play_end(&p);
}

static void test_no_buffers(void **state)
{
    (void)state;
    play p;
    call c;
    play_begin(&p, NULL);
    call_good(&c, &p);
    uint64_t usual_ns = c.took_ns;
    rp_sim_fault_set(p.sim, RP_SIM_NO_BUFFERS, 900000);
    uint64_t struck = 0;
    for (unsigned i = 0; i < 20; i++) {
        call_good(&c, &p);
        struck = rp_sim_fault_count(p.sim, RP_SIM_NO_BUFFERS);
    }
    assert_true(struck > 50);
    assert_true(c.took_ns > usual_ns / 2);
    play_end(&p);
}

/* ---- lack of memory, allocation by allocation ---- */

static void test_no_memory(void **state)
{
    (void)state;
    for (int version = 0; version <= 13; version += 13) {
        unsigned failed = 0;
        for (uint64_t at = 1;; at++) {
            play_options options = {.version = version, .faulty = true};
            play p;
            call c;
            play_begin(&p, &options);
            rp_sim_fault_at(p.sim, RP_SIM_NO_MEMORY, at);
            call_start(&c, &p, NULL);
            call_wait(&c, &p);
            bool struck = rp_sim_fault_count(p.sim, RP_SIM_NO_MEMORY) > 0;
            if (c.error.status != RP_OK)
                assert_int_equal(c.error.status, RP_E_NO_MEMORY);
            failed += c.error.status != RP_OK;
            rp_sim_fault_at(p.sim, RP_SIM_NO_MEMORY, 0);
            call_good(&c, &p);
            play_end(&p);
            if (!struck)
                break;
        }
        assert_true(failed > 5);
    }
}

/* Loops that were not made faulty are spared. */
static void test_spared(void **state)
{
    (void)state;
    static const rp_sim_fault own[] = {RP_SIM_NO_MEMORY, RP_SIM_NO_DESCRIPTORS,
                                       RP_SIM_NO_SOCKET_MEMORY};
    play p;
    call c;
    play_begin(&p, NULL);
    for (size_t i = 0; i < 3; i++)
        rp_sim_fault_set(p.sim, own[i], 1000000);
    call_good(&c, &p);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(rp_sim_fault_count(p.sim, own[i]), 0);
    play_end(&p);
}

/* ---- a connection that breaks at a byte ---- */

#define BODY 1000

typedef struct flow {
    play play;
    rp_stream *stream;
    rp_write write;
    unsigned ends, closes, gone;
    rp_error open_error, end_error;
    uint64_t received, arrived;
    uint8_t bytes[BODY], server_bytes[BODY];
} flow;

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 7 + i / 251);
}

static void keep(uint8_t *bytes, uint64_t *have, const uint8_t *data, size_t size)
{
    CHECK(*have + size <= BODY);
    memcpy(bytes + *have, data, size);
    *have += size;
}

static void opened(rp_stream *stream, const rp_error *error, void *user)
{
    (void)stream;
    if (error != NULL)
        ((flow *)user)->open_error = *error;
}

static void data_came(rp_stream *stream, const uint8_t *data, size_t size, void *user)
{
    flow *f = user;
    (void)stream;
    keep(f->bytes, &f->received, data, size);
}

static void ended(rp_stream *stream, const rp_error *error, void *user)
{
    flow *f = user;
    (void)stream;
    f->ends++;
    if (error != NULL)
        f->end_error = *error;
}

static void closed(rp_stream *stream, void *user)
{
    (void)stream;
    ((flow *)user)->closes++;
}

/* The server says its 1,000 bytes before it was asked for anything. */
static void greet(rp_sim_exchange *x, void *user)
{
    uint8_t bytes[BODY];
    (void)user;
    for (size_t i = 0; i < BODY; i++)
        bytes[i] = byte_at(i);
    rp_sim_write_raw(x, bytes, BODY);
}

static void body_came(rp_sim_exchange *x, const uint8_t *data, size_t size, void *user)
{
    flow *f = user;
    (void)x;
    keep(f->server_bytes, &f->arrived, data, size);
}

static void wait_on(rp_sim_exchange *x, void *user)
{
    (void)x;
    (void)user;
}

static void gone(rp_sim_exchange *x, void *user)
{
    (void)x;
    ((flow *)user)->gone++;
}

static const char head[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";
#define HEAD (sizeof(head) - 1)

/* 1,000 bytes each way, of which one way breaks. */
static void flow_run(flow *f, uint64_t seed, rp_sim_fault fault, rp_sim_direction direction,
                     uint64_t at)
{
    static const rp_stream_events events = {
        .on_open = opened, .on_data = data_came, .on_end = ended, .on_close = closed};
    static char request[HEAD + BODY];
    /* A window for all of it: what a broken direction swallowed makes no room. */
    rp_sim_options sim = {.seed = seed, .orderly = seed == 0, .window_bytes = 2 * BODY};
    rp_sim_server_options serving = {.on_connection = greet,
                                     .on_body = body_came,
                                     .on_request = wait_on,
                                     .on_gone = gone,
                                     .user = f};
    play_options options = {.sim = &sim, .server = &serving};
    rp_stream_options to = {.host = PLAY_HOST};
    memcpy(request, head, HEAD);
    for (size_t i = 0; i < BODY; i++)
        request[HEAD + i] = (char)byte_at(i);
    memset(f, 0, sizeof(*f));
    play_begin(&f->play, &options);
    rp_sim_break_next(f->play.sim, fault, direction, at);
    assert_int_equal(rp_stream_open(&f->stream, f->play.loop, &to, &events, f), RP_OK);
    assert_int_equal(rp_stream_write(f->stream, &f->write, request, sizeof(request), NULL, NULL),
                     RP_OK);
    rp_sim_run_ms(f->play.sim, 1000);
    assert_int_equal(f->open_error.status, RP_OK);
    assert_int_equal(rp_sim_fault_count(f->play.sim, fault), 1);
}

static void flow_end(flow *f)
{
    rp_stream_close(f->stream);
    rp_loop_run(f->play.loop);
    assert_int_equal(f->closes, 1);
    play_end(&f->play);
}

static size_t differences(const uint8_t *bytes, uint64_t size, uint64_t *where)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == byte_at(i))
            continue;
        *where = i;
        count++;
    }
    return count;
}

static void to_client_breaks(flow *f, uint64_t seed, uint64_t at)
{
    uint64_t where = 0;
    flow_run(f, seed, RP_SIM_TRUNCATE, RP_SIM_TO_CLIENT, at);
    assert_int_equal(f->received, at);
    assert_int_equal(f->ends, 1);
    assert_int_equal(f->end_error.status, RP_OK);
    assert_int_equal(f->arrived, BODY); /* the other way works */
    flow_end(f);

    flow_run(f, seed, RP_SIM_STALL, RP_SIM_TO_CLIENT, at);
    assert_int_equal(f->received, at);
    assert_int_equal(f->ends, 0);
    assert_int_equal(f->arrived, BODY);
    flow_end(f);

    flow_run(f, seed, RP_SIM_CORRUPT, RP_SIM_TO_CLIENT, at);
    assert_int_equal(f->received, BODY);
    assert_int_equal(differences(f->bytes, BODY, &where), 1);
    assert_int_equal(where, at);
    flow_end(f);

    /* What came before a reset may be lost with it. */
    flow_run(f, seed, RP_SIM_RESET, RP_SIM_TO_CLIENT, at);
    assert_in_range(f->received, seed == 0 ? at : 0, at);
    assert_int_equal(differences(f->bytes, f->received, &where), 0);
    assert_int_equal(f->end_error.status, RP_E_RESET);
    assert_string_equal(f->end_error.text, "the connection to " PEER " was reset by the peer");
    assert_int_equal(f->gone, 1);
    flow_end(f);
}

static void to_server_breaks(flow *f, uint64_t seed, uint64_t at)
{
    uint64_t where = 0;
    uint64_t most = at > HEAD ? at - HEAD : 0;
    flow_run(f, seed, RP_SIM_TRUNCATE, RP_SIM_TO_SERVER, at);
    assert_int_equal(f->arrived, most);
    assert_int_equal(f->received, BODY);
    assert_int_equal(f->gone, 1); /* a server's connection ends with its client's side */
    flow_end(f);

    flow_run(f, seed, RP_SIM_STALL, RP_SIM_TO_SERVER, at);
    assert_int_equal(f->arrived, most);
    assert_int_equal(f->received, BODY);
    assert_int_equal(f->gone, 0);
    flow_end(f);

    flow_run(f, seed, RP_SIM_RESET, RP_SIM_TO_SERVER, at);
    assert_in_range(f->arrived, seed == 0 ? most : 0, most);
    assert_int_equal(f->end_error.status, RP_E_RESET);
    assert_int_equal(f->gone, 1);
    flow_end(f);
    if (at < HEAD)
        return; /* a changed head may be anything */

    flow_run(f, seed, RP_SIM_CORRUPT, RP_SIM_TO_SERVER, at);
    assert_int_equal(f->arrived, BODY);
    assert_int_equal(differences(f->server_bytes, BODY, &where), 1);
    assert_int_equal(where, at - HEAD);
    flow_end(f);
}

static void test_breaks(void **state)
{
    (void)state;
    static const uint64_t offsets[] = {0, 1, 2, HEAD - 1, HEAD, HEAD + 1, 500, 998, 999};
    static flow f;
    for (uint64_t seed = 0; seed < 10; seed++) {
        for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
            to_client_breaks(&f, seed, offsets[i]);
            to_server_breaks(&f, seed, offsets[i]);
        }
    }
}

/* Only the next connection breaks, and behind its last byte nothing does. */
static void test_breaks_once(void **state)
{
    (void)state;
    play_options options = {.version = 13};
    play p;
    call c;
    play_begin(&p, &options);
    rp_sim_break_next(p.sim, RP_SIM_TRUNCATE, RP_SIM_TO_CLIENT, 5);
    call_bad(&c, &p, RP_E_TLS_CLOSED, RP_PHASE_HANDSHAKE,
             PLAY_HOST " (192.0.2.1:443) closed the connection during the handshake");
    call_good(&c, &p);
    call_good(&c, &p);
    assert_int_equal(rp_sim_fault_count(p.sim, RP_SIM_TRUNCATE), 1);
    play_client(&p, NULL);
    rp_sim_break_next(p.sim, RP_SIM_RESET, RP_SIM_TO_SERVER, 1000000);
    call_good(&c, &p);
    assert_int_equal(rp_sim_fault_count(p.sim, RP_SIM_RESET), 0);
    play_end(&p);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_count),    cmocka_unit_test(test_third),
        cmocka_unit_test(test_by_chance),   cmocka_unit_test(test_all_by_chance),
        cmocka_unit_test(test_fault_names), cmocka_unit_test(test_late_name),
        cmocka_unit_test(test_no_buffers),  cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_spared),      cmocka_unit_test(test_breaks),
        cmocka_unit_test(test_breaks_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

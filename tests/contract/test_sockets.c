/* test_sockets.c - connect, accept, send, receive, half-close, reset. */
#include "support/contract.h"

#include <stdio.h>
#include <string.h>

/* ---- connect ---- */

static void connects_over(contract *c, uint8_t family)
{
    endpoint e = {0};
    rp_address address = raw_loopback(family, 0);
    raw_socket listener = raw_listen(&address, 16);
    endpoint_open(&e, c, family);
    endpoint_connect(&e, &address);
    assert_int_equal(e.connects, 0);
    TURN_UNTIL(c, e.connects > 0);
    assert_int_equal(e.connect_result.status, RP_OK);
    raw_socket peer = raw_accept(listener);
    endpoint_send_text(&e, "hello");
    TURN_UNTIL(c, e.sends > 0);
    char text[6] = "";
    raw_receive_all(peer, text, 5);
    assert_string_equal(text, "hello");
    endpoint_finish(&e, NULL);
    raw_close(peer);
    raw_close(listener);
}

/* The first bytes follow the connection, the last ones come before its end: whatever the port makes
 * of that, they arrive. */
static void first_and_last_words(contract *c)
{
    endpoint e = {0};
    char text[10] = "";
    rp_address address = raw_loopback(4, 0);
    raw_socket listener = raw_listen(&address, 16);
    for (unsigned i = 0; i < 4; i++) {
        memset(&e, 0, sizeof(e));
        endpoint_open(&e, c, 4);
        e.socket->speaks_first = true;
        e.socket->quiet_send = i % 2 == 1;
        endpoint_connect(&e, &address);
        TURN_UNTIL(c, e.connects > 0);
        if (i >= 2)
            endpoint_receive(&e);
        endpoint_send_text(&e, "first");
        (void)rp_loop_turn(c->loop, 0);
        raw_socket peer = raw_accept(listener);
        raw_receive_all(peer, text, 5);
        TURN_UNTIL(c, i % 2 == 1 || e.sends == 1);
        if (e.sends == 0)
            endpoint_cancel(&e, RP_OP_SEND);
        TURN_UNTIL(c, e.sends == 1);
        e.socket->last_send = true;
        endpoint_send_text(&e, "last");
        endpoint_finish(&e, NULL);
        raw_receive_all(peer, text + 5, 4);
        assert_string_equal(text, "firstlast");
        assert_int_equal(raw_receive(peer, text, 1), 0);
        raw_close(peer);
    }
    raw_close(listener);
}

static void connects_ipv4(contract *c)
{
    connects_over(c, 4);
}

static void connects_ipv6(contract *c)
{
    connects_over(c, 6);
}

static void refused(contract *c)
{
    endpoint e = {0};
    rp_address address = raw_loopback(4, 0);
    raw_socket bound = raw_bind(&address);
    endpoint_open(&e, c, 4);
    endpoint_connect(&e, &address);
    TURN_UNTIL(c, e.connects > 0);
    assert_int_equal(e.connect_result.status, RP_E_CONNECT_REFUSED);
    assert_int_not_equal(e.connect_result.os_code, 0);
    endpoint_finish(&e, NULL);
    raw_close(bound);
}

/* No TCP connection to a broadcast or multicast address: the system says so at once. */
static void unreachable(contract *c)
{
    endpoint e4 = {0}, e6 = {0};
    rp_address broadcast = {.family = 4, .port = 9, .bytes = {255, 255, 255, 255}};
    rp_address multicast = {.family = 6, .port = 9, .bytes = {0xff, 0x0e, [15] = 1}};
    endpoint_open(&e4, c, 4);
    endpoint_open(&e6, c, 6);
    endpoint_connect(&e4, &broadcast);
    endpoint_connect(&e6, &multicast);
    TURN_UNTIL(c, e4.connects > 0 && e6.connects > 0);
    assert_int_equal(e4.connect_result.status, RP_E_CONNECT_UNREACHABLE);
    assert_int_equal(e6.connect_result.status, RP_E_CONNECT_UNREACHABLE);
    endpoint_finish(&e4, &e6, NULL);
}

static void many_connect_at_once(contract *c)
{
    enum { COUNT = 300 };
    static endpoint clients[COUNT];
    memset(clients, 0, sizeof(clients));
    rp_address open = raw_loopback(4, 0), closed = open;
    raw_socket listener = raw_listen(&open, 1024), bound = raw_bind(&closed);
    for (int i = 0; i < COUNT; i++) {
        endpoint_open(&clients[i], c, 4);
        endpoint_connect(&clients[i], i % 3 == 0 ? &closed : &open);
    }
    for (int i = 0; i < COUNT; i++) {
        TURN_UNTIL(c, clients[i].connects > 0);
        assert_int_equal(clients[i].connect_result.status,
                         i % 3 == 0 ? RP_E_CONNECT_REFUSED : RP_OK);
    }
    for (int i = 0; i < COUNT; i++)
        endpoint_finish(&clients[i], NULL);
    raw_close(listener);
    raw_close(bound);
}

/* ---- bind ---- */

/* What it is bound to is what the peer sees, and its port is taken for as long. */
static void binds(contract *c)
{
    endpoint first = {0}, second = {0};
    rp_address address = raw_loopback(4, 0), seen;
    rp_binding binding = {.address = {.family = 4, .bytes = {127, 0, 0, 2}}};
    raw_socket listener = raw_listen(&address, 16), free = raw_bind(&binding.address);
    raw_close(free); /* its port is now in binding */
    endpoint_open(&first, c, 4);
    endpoint_open(&second, c, 4);
    assert_int_equal(c->ops->bind(first.socket, &binding).status, RP_OK);
    endpoint_connect(&first, &address);
    TURN_UNTIL(c, first.connects > 0);
    assert_int_equal(first.connect_result.status, RP_OK);
    raw_socket peer = raw_accept(listener);
    seen = raw_peer(peer);
    assert_memory_equal(seen.bytes, binding.address.bytes, 4);
    assert_int_equal(seen.port, binding.address.port);
    rp_io_result result = c->ops->bind(second.socket, &binding);
    assert_int_equal(result.status, RP_E_ADDRESS_IN_USE);
    assert_int_not_equal(result.os_code, 0);
    /* Without a port, any is good. */
    binding.address.port = 0;
    assert_int_equal(c->ops->bind(second.socket, &binding).status, RP_OK);
    endpoint_connect(&second, &address);
    TURN_UNTIL(c, second.connects > 0);
    assert_int_equal(second.connect_result.status, RP_OK);
    raw_socket other = raw_accept(listener);
    seen = raw_peer(other);
    assert_memory_equal(seen.bytes, binding.address.bytes, 4);
    endpoint_finish(&first, &second, NULL);
    raw_close(other);
    raw_close(peer);
    raw_close(listener);
}

/* Addresses and devices that this machine has not. */
static void binds_to_nothing_foreign(contract *c)
{
    static const rp_binding foreign[] = {
        {.address = {.family = 4, .bytes = {203, 0, 113, 9}}},
        {.address = {.family = 6, .bytes = {0x20, 0x01, 0x0d, 0xb8, [15] = 9}}},
        {.address = {.family = 4}, .device = "nonesuch0"},
    };
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        endpoint e = {0};
        endpoint_open(&e, c, foreign[i].address.family);
        rp_io_result result = c->ops->bind(e.socket, &foreign[i]);
        if (foreign[i].device != NULL && strcmp(c->ops->name, "iocp") == 0)
            assert_int_equal(result.status, RP_E_UNSUPPORTED);
        else
            assert_int_equal(result.status, RP_E_LOCAL_ADDRESS);
        assert_int_not_equal(result.os_code, 0);
        endpoint_finish(&e, NULL);
    }
}

static void binds_to_a_device(contract *c)
{
    endpoint e = {0};
    rp_address address = raw_loopback(4, 0);
    raw_socket listener = raw_listen(&address, 16);
    rp_binding binding = {.address = {.family = 4}, .device = "lo"};
    if (strcmp(c->ops->name, "iocp") == 0)
        binding.device = NULL;
    endpoint_open(&e, c, 4);
    assert_int_equal(c->ops->bind(e.socket, &binding).status, RP_OK);
    endpoint_connect(&e, &address);
    TURN_UNTIL(c, e.connects > 0);
    assert_int_equal(e.connect_result.status, RP_OK);
    endpoint_finish(&e, NULL);
    raw_close(listener);
}

/* ---- Unix sockets ---- */

static void adopt_unix(endpoint *listener, rp_socket *socket)
{
    endpoint_adopt(listener->user, listener->c, socket);
    endpoint_receive(listener->user);
}

static const endpoint_events unix_events = {.accepted = adopt_unix};

/* Those of a backend that has none can't be opened. */
static bool has_unix(contract *c)
{
    rp_socket *socket = NULL;
    if (strcmp(c->ops->name, "io_uring") == 0 || strcmp(c->ops->name, "epoll") == 0)
        return true;
    rp_io_result result = c->ops->open(c->port, RP_FAMILY_UNIX, &socket);
    assert_int_equal(result.status, RP_E_UNSUPPORTED);
    assert_null(socket);
    return false;
}

/* A name of Linux' own kind that nobody else has. */
static rp_address unix_address(char text[64])
{
    (void)snprintf(text, 64, "@ringport-contract-%p-%llu", (void *)text,
                   (unsigned long long)raw_clock_ns());
    return (rp_address){.family = RP_FAMILY_UNIX, .path = text};
}

static void connects_unix(contract *c)
{
    char text[64];
    endpoint guest = {0}, client = {0}, host = {.on = &unix_events, .user = &guest};
    rp_address address = unix_address(text);
    if (!has_unix(c))
        return;
    endpoint_open(&host, c, RP_FAMILY_UNIX);
    assert_int_equal(c->ops->listen(host.socket, &address, 16).status, RP_OK);
    endpoint_accept(&host);
    endpoint_open(&client, c, RP_FAMILY_UNIX);
    endpoint_connect(&client, &address);
    assert_int_equal(client.connects, 0);
    TURN_UNTIL(c, client.connects > 0);
    assert_int_equal(client.connect_result.status, RP_OK);
    TURN_UNTIL(c, guest.socket != NULL);
    endpoint_receive(&client);
    endpoint_send_text(&client, "hello");
    TURN_UNTIL(c, guest.received_bytes == 5);
    endpoint_send_text(&guest, "world");
    TURN_UNTIL(c, client.received_bytes == 5);
    assert_string_equal(guest.text, "hello");
    assert_string_equal(client.text, "world");
    endpoint_finish(&client, NULL);
    TURN_UNTIL(c, guest.receives > 0);
    assert_int_equal(guest.receive_result.status, RP_OK);
    endpoint_finish(&guest, &host, NULL);
}

/* By a path that nobody made, by a name that nobody has, and by one whose queue is full. */
static void refuses_unix(contract *c)
{
    char text[64];
    endpoint none = {0}, nobody = {0}, host = {0}, clients[4] = {{0}};
    rp_address path = {.family = RP_FAMILY_UNIX, .path = "/ringport/is/not/here"};
    rp_address address = unix_address(text);
    if (!has_unix(c))
        return;
    endpoint_open(&none, c, RP_FAMILY_UNIX);
    endpoint_open(&nobody, c, RP_FAMILY_UNIX);
    endpoint_connect(&none, &path);
    endpoint_connect(&nobody, &address);
    TURN_UNTIL(c, none.connects > 0 && nobody.connects > 0);
    assert_int_equal(none.connect_result.status, RP_E_CONNECT_FAILED);
    assert_int_equal(nobody.connect_result.status, RP_E_CONNECT_REFUSED);
    endpoint_finish(&none, &nobody, NULL);
    endpoint_open(&host, c, RP_FAMILY_UNIX);
    assert_int_equal(c->ops->listen(host.socket, &address, 1).status, RP_OK);
    for (unsigned i = 0; i < 4; i++) {
        endpoint_open(&clients[i], c, RP_FAMILY_UNIX);
        endpoint_connect(&clients[i], &address);
        TURN_UNTIL(c, clients[i].connects > 0);
        assert_int_equal(clients[i].connect_result.status, i < 2 ? RP_OK : RP_E_CONNECT_REFUSED);
    }
    for (unsigned i = 0; i < 4; i++)
        endpoint_finish(&clients[i], NULL);
    endpoint_finish(&host, NULL);
}

/* ---- listen, accept ---- */

static void address_in_use(contract *c)
{
    endpoint e = {0};
    rp_address address = raw_loopback(4, 0);
    raw_socket listener = raw_listen(&address, 16);
    endpoint_open(&e, c, 4);
    rp_io_result result = c->ops->listen(e.socket, &address, 16);
    assert_int_equal(result.status, RP_E_ADDRESS_IN_USE);
    assert_int_not_equal(result.os_code, 0);
    endpoint_finish(&e, NULL);
    raw_close(listener);
}

typedef struct guest_list {
    endpoint all[64];
    unsigned count;
} guest_list;

static void adopt_guest(endpoint *listener, rp_socket *socket)
{
    guest_list *guests = listener->user;
    assert_true(guests->count < 64);
    endpoint *guest = &guests->all[guests->count++];
    endpoint_adopt(guest, listener->c, socket);
    endpoint_receive(guest);
}

static const endpoint_events host_events = {.accepted = adopt_guest};

static void accepts(contract *c)
{
    guest_list guests = {0};
    endpoint host = {.on = &host_events, .user = &guests};
    rp_address address = {0};
    raw_socket peers[64];
    endpoint_open(&host, c, 4);
    endpoint_listen(&host, &address);
    /* Some come before accept was started, some after, one by one and together. */
    for (int i = 0; i < 8; i++)
        peers[i] = raw_connect(&address);
    contract_settle(c, 10);
    assert_int_equal(guests.count, 0);
    endpoint_accept(&host);
    assert_int_equal(guests.count, 0);
    TURN_UNTIL(c, guests.count == 8);
    for (unsigned i = 8; i < 16; i++) {
        peers[i] = raw_connect(&address);
        TURN_UNTIL(c, guests.count == i + 1);
    }
    for (int i = 16; i < 64; i++)
        peers[i] = raw_connect(&address);
    TURN_UNTIL(c, guests.count == 64);
    for (int i = 0; i < 64; i++)
        raw_send(peers[i], "x", 1);
    for (int i = 0; i < 64; i++)
        TURN_UNTIL(c, guests.all[i].received_bytes == 1);
    for (int i = 0; i < 64; i++) {
        raw_close(peers[i]);
        endpoint_finish(&guests.all[i], NULL);
    }
    endpoint_finish(&host, NULL);
    assert_int_equal(host.accepts, 1);
    assert_int_equal(host.accept_result.status, RP_E_CANCELLED);
}

/* ---- receive ---- */

static void receive_in_pieces(contract *c)
{
    endpoint e = {0};
    raw_socket peer = endpoint_raw_pair(c, &e);
    endpoint_receive(&e);
    raw_send(peer, "one ", 4);
    assert_int_equal(e.received_count, 0);
    TURN_UNTIL(c, e.received_bytes == 4);
    raw_send(peer, "two ", 4);
    TURN_UNTIL(c, e.received_bytes == 8);
    contract_settle(c, 5);
    for (int i = 0; i < 5; i++) {
        raw_send(peer, &"three"[i], 1);
        TURN_UNTIL(c, e.received_bytes == 9 + (uint64_t)i);
    }
    assert_string_equal(e.text, "one two three");
    assert_int_equal(e.receives, 0);
    raw_close(peer);
    TURN_UNTIL(c, e.receives > 0);
    assert_int_equal(e.receive_result.status, RP_OK);
    endpoint_finish(&e, NULL);
    assert_int_equal(e.receives, 1);
}

/* What came before receive was started, the end included, is there when it is. */
static void receive_started_late(contract *c)
{
    endpoint e = {0};
    raw_socket peer = endpoint_raw_pair(c, &e);
    raw_send(peer, "early", 5);
    contract_settle(c, 5);
    raw_send(peer, " bird", 5);
    raw_close(peer);
    contract_settle(c, 5);
    endpoint_receive(&e);
    TURN_UNTIL(c, e.receives > 0);
    assert_string_equal(e.text, "early bird");
    assert_int_equal(e.receive_result.status, RP_OK);
    endpoint_finish(&e, NULL);
}

static void receive_after_the_end(contract *c)
{
    endpoint e = {0};
    raw_socket peer = endpoint_raw_pair(c, &e);
    raw_close(peer);
    for (unsigned i = 1; i < 4; i++) {
        endpoint_receive(&e);
        TURN_UNTIL(c, e.receives == i);
        assert_int_equal(e.receive_result.status, RP_OK);
    }
    endpoint_finish(&e, NULL);
}

/* Sizes around those of a port's buffers, the end right behind them. */
static void receive_sizes(contract *c)
{
    static const size_t sizes[] = {1,     2047,  2048,  4095,  4096,  4097,   16384,
                                   32768, 65535, 65536, 65537, 98304, 131072, 262144};
    static uint8_t bytes[262144];
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        endpoint e = {.checked = true};
        pattern p = {0};
        raw_socket peer = endpoint_raw_pair(c, &e);
        pattern_fill(&p, bytes, sizes[i]);
        endpoint_receive(&e);
        for (size_t sent = 0; sent < sizes[i];) {
            sent += raw_send_some(peer, bytes + sent, sizes[i] - sent);
            if (sent < sizes[i])
                TURN_UNTIL(c, e.received_bytes == sent);
        }
        raw_close(peer);
        TURN_UNTIL(c, e.receives > 0);
        assert_int_equal(e.received_bytes, sizes[i]);
        assert_int_equal(e.receive_result.status, RP_OK);
        endpoint_finish(&e, NULL);
    }
}

/* ---- half-close ---- */

static void half_close_by_the_peer(contract *c)
{
    endpoint e = {0};
    char text[8] = "";
    raw_socket peer = endpoint_raw_pair(c, &e);
    endpoint_receive(&e);
    raw_send(peer, "bye", 3);
    raw_shutdown_send(peer);
    TURN_UNTIL(c, e.receives > 0);
    assert_string_equal(e.text, "bye");
    assert_int_equal(e.receive_result.status, RP_OK);
    contract_settle(c, 5);
    endpoint_send_text(&e, "still");
    TURN_UNTIL(c, e.sends > 0);
    raw_receive_all(peer, text, 5);
    assert_string_equal(text, "still");
    endpoint_shutdown_send(&e);
    assert_int_equal(raw_receive(peer, text, 1), 0);
    contract_settle(c, 5);
    endpoint_finish(&e, NULL);
    raw_close(peer);
}

static void half_close_by_the_port(contract *c)
{
    endpoint e = {0};
    char text[8] = "";
    raw_socket peer = endpoint_raw_pair(c, &e);
    endpoint_receive(&e);
    endpoint_send_text(&e, "last");
    TURN_UNTIL(c, e.sends > 0);
    endpoint_shutdown_send(&e);
    raw_receive_all(peer, text, 4);
    assert_int_equal(raw_receive(peer, text, 1), 0);
    contract_settle(c, 5);
    raw_send(peer, "answer", 6);
    TURN_UNTIL(c, e.received_bytes == 6);
    raw_close(peer);
    TURN_UNTIL(c, e.receives > 0);
    assert_int_equal(e.receive_result.status, RP_OK);
    endpoint_finish(&e, NULL);
}

static void shut_down_in_sent(endpoint *e)
{
    endpoint_shutdown_send(e);
}

static void half_close_in_sent(contract *c)
{
    static const endpoint_events on = {.sent = shut_down_in_sent};
    endpoint e = {.on = &on};
    char text[8] = "";
    raw_socket peer = endpoint_raw_pair(c, &e);
    endpoint_receive(&e);
    endpoint_send_text(&e, "end");
    TURN_UNTIL(c, e.sends > 0);
    raw_receive_all(peer, text, 3);
    assert_int_equal(raw_receive(peer, text, 1), 0);
    endpoint_finish(&e, NULL);
    raw_close(peer);
}

/* ---- reset ---- */

static void reset_while_receiving(contract *c)
{
    endpoint e = {0};
    raw_socket peer = endpoint_raw_pair(c, &e);
    endpoint_receive(&e);
    raw_send(peer, "data", 4);
    TURN_UNTIL(c, e.received_bytes == 4);
    raw_reset(peer);
    TURN_UNTIL(c, e.receives > 0);
    assert_int_equal(e.receive_result.status, RP_E_RESET);
    assert_int_not_equal(e.receive_result.os_code, 0);
    endpoint_send_text(&e, "too late");
    TURN_UNTIL(c, e.sends > 0);
    assert_int_equal(e.send_result.status, RP_E_RESET);
    endpoint_finish(&e, NULL);
}

static void reset_while_idle(contract *c)
{
    endpoint e = {0};
    raw_socket peer = endpoint_raw_pair(c, &e);
    raw_reset(peer);
    contract_settle(c, 10);
    endpoint_receive(&e);
    TURN_UNTIL(c, e.receives > 0);
    assert_int_equal(e.receive_result.status, RP_E_RESET);
    endpoint_finish(&e, NULL);
}

static void reset_while_sending(contract *c)
{
    enum { SIZE = 16 << 20 };
    endpoint e = {0};
    uint8_t *bytes = test_calloc(1, SIZE);
    raw_socket peer = endpoint_raw_pair(c, &e);
    endpoint_receive(&e);
    endpoint_send_bytes(&e, bytes, SIZE);
    contract_settle(c, 20);
    assert_int_equal(e.sends, 0);
    raw_reset(peer);
    TURN_UNTIL(c, e.sends > 0 && e.receives > 0);
    /* Both: an end that nobody sent must not pass for one. */
    assert_int_equal(e.send_result.status, RP_E_RESET);
    assert_int_equal(e.receive_result.status, RP_E_RESET);
    endpoint_finish(&e, NULL);
    test_free(bytes);
}

/* The send is started after the reset came and before the receive could tell. */
static void reset_met_by_a_send(contract *c)
{
    endpoint e = {0};
    raw_socket peer = endpoint_raw_pair(c, &e);
    endpoint_receive(&e);
    contract_settle(c, 2);
    raw_reset(peer);
    raw_sleep_ms(2);
    endpoint_send_text(&e, "too late");
    TURN_UNTIL(c, e.sends > 0 && e.receives > 0);
    assert_int_equal(e.send_result.status, RP_E_RESET);
    assert_int_equal(e.receive_result.status, RP_E_RESET);
    endpoint_finish(&e, NULL);
}

static void reset_met_by_a_send_then_received(contract *c)
{
    endpoint e = {0};
    raw_socket peer = endpoint_raw_pair(c, &e);
    raw_reset(peer);
    raw_sleep_ms(2);
    endpoint_send_text(&e, "too late");
    TURN_UNTIL(c, e.sends > 0);
    assert_int_equal(e.send_result.status, RP_E_RESET);
    endpoint_receive(&e);
    TURN_UNTIL(c, e.receives > 0);
    assert_int_equal(e.receive_result.status, RP_E_RESET);
    endpoint_finish(&e, NULL);
}

/* Bytes that came before the reset are told before it. */
static void reset_behind_data(contract *c)
{
    endpoint e = {0};
    raw_socket peer = endpoint_raw_pair(c, &e);
    endpoint_receive(&e);
    contract_settle(c, 2);
    raw_send(peer, "data", 4);
    raw_reset(peer);
    TURN_UNTIL(c, e.receives > 0);
    assert_int_equal(e.receive_result.status, RP_E_RESET);
    assert_true(e.received_bytes <= 4);
    endpoint_finish(&e, NULL);
}

/* The other end is told of a reset, not of an end. */
static void reset_by_the_port(contract *c)
{
    endpoint client = {0}, server = {0};
    endpoint_pair(c, &client, &server);
    endpoint_receive(&client);
    contract_settle(c, 2);
    endpoint_reset_on_close(&server);
    assert_int_equal(client.receives, 0);
    endpoint_finish(&server, NULL);
    TURN_UNTIL(c, client.receives > 0);
    assert_int_equal(client.receive_result.status, RP_E_RESET);
    endpoint_finish(&client, NULL);
}

/* ---- close ---- */

static void close_delivers_what_was_sent(contract *c)
{
    enum { SIZE = 100000 };
    static uint8_t bytes[SIZE];
    endpoint e = {0};
    pattern out = {0}, in = {0};
    pattern_fill(&out, bytes, SIZE);
    raw_socket peer = endpoint_raw_pair(c, &e);
    endpoint_receive(&e);
    endpoint_send_bytes(&e, bytes, SIZE);
    TURN_UNTIL(c, e.sends > 0);
    assert_int_equal(e.send_result.status, RP_OK);
    endpoint_finish(&e, NULL);
    memset(bytes, 0, SIZE);
    raw_receive_all(peer, bytes, SIZE);
    assert_true(pattern_check(&in, bytes, SIZE));
    assert_int_equal(raw_receive(peer, bytes, 1), 0);
    raw_close(peer);
}

static void close_of_the_unused(contract *c)
{
    endpoint plain = {0}, listening = {0};
    rp_address address = {0};
    endpoint_open(&plain, c, 6);
    endpoint_open(&listening, c, 4);
    endpoint_listen(&listening, &address);
    endpoint_close(&plain);
    endpoint_close(&listening);
    assert_false(plain.closed || listening.closed);
    TURN_UNTIL(c, plain.closed && listening.closed);
}

/* ---- operations started in callbacks ---- */

static void begin_exchange(endpoint *e)
{
    assert_int_equal(e->connect_result.status, RP_OK);
    endpoint_receive(e);
    endpoint_send_text(e, "ping");
}

static void answer(endpoint *e, rp_slice bytes)
{
    (void)bytes;
    if (!(e->started & RP_OP_SEND))
        endpoint_send_text(e, "pong");
}

static void send_again(endpoint *e)
{
    if (e->sends < 100)
        endpoint_send_text(e, "more");
}

static void accept_one(endpoint *listener, rp_socket *socket)
{
    endpoint_adopt(listener->peer, listener->c, socket);
    endpoint_receive(listener->peer);
    endpoint_cancel(listener, RP_OP_ACCEPT);
}

static void accept_once_more(endpoint *listener)
{
    if (listener->accepts < 3) {
        endpoint_accept(listener);
        endpoint_cancel(listener, RP_OP_ACCEPT);
    }
}

static void starts_inside_callbacks(contract *c)
{
    static const endpoint_events on_client = {.connected = begin_exchange, .sent = send_again};
    static const endpoint_events on_server = {.received = answer};
    static const endpoint_events on_host = {.accepted = accept_one,
                                            .accept_ended = accept_once_more};
    endpoint server = {.on = &on_server}, client = {.on = &on_client};
    endpoint host = {.on = &on_host, .peer = &server};
    rp_address address = {0};
    endpoint_open(&host, c, 4);
    endpoint_listen(&host, &address);
    endpoint_accept(&host);
    endpoint_open(&client, c, 4);
    endpoint_connect(&client, &address);
    TURN_UNTIL(c, client.sends == 100 && server.received_bytes == 400);
    TURN_UNTIL(c, !(server.started & RP_OP_SEND) && client.received_bytes == 4 * server.sends);
    TURN_UNTIL(c, host.accepts == 3);
    endpoint_finish(&client, &server, &host, NULL);
}

/* ---- what TCP knows ---- */

/* Of a connection that lost nothing: known, but where the system does not tell. */
static void numbers(contract *c)
{
    endpoint client = {0}, server = {0};
    endpoint_pair(c, &client, &server);
    endpoint_send_text(&client, "hello");
    endpoint_receive(&server);
    TURN_UNTIL(c, server.received_bytes == 5 && client.sends == 1);
    rp_tcp_numbers now = c->ops->numbers(client.socket);
    if (strcmp(c->ops->name, "iocp") != 0)
        assert_true(now.known);
    if (!now.known)
        assert_true(now.resent == 0 && now.round_trip_us == 0);
    assert_true(now.round_trip_us < 10000000);
    endpoint_finish(&client, &server, NULL);
}

/* What the peer sees is what we are told. */
static void local(contract *c)
{
    for (uint8_t family = 4; family <= 6; family += 2) {
        endpoint e = {0};
        rp_address address = raw_loopback(family, 0);
        raw_socket listener = raw_listen(&address, 1);
        endpoint_open(&e, c, family);
        endpoint_connect(&e, &address);
        TURN_UNTIL(c, e.connects > 0);
        raw_socket peer = raw_accept(listener);
        rp_address ours = c->ops->local(e.socket), seen = raw_peer(peer);
        assert_int_equal(ours.family, family);
        assert_true(ours.port > 0);
        assert_memory_equal(ours.bytes, address.bytes, sizeof(ours.bytes));
        assert_int_equal(ours.port, seen.port);
        endpoint_finish(&e, NULL);
        raw_close(peer);
        raw_close(listener);
    }
}

/* ---- clock, randomness ---- */

static void clock_and_randomness(contract *c)
{
    uint8_t first[600] = {0}, second[600] = {0};
    uint64_t before = c->ops->now(c->port), last = before;
    for (int i = 0; i < 1000; i++) {
        uint64_t now = c->ops->now(c->port);
        assert_true(now >= last);
        last = now;
    }
    raw_sleep_ms(2);
    assert_true(c->ops->now(c->port) - before >= 2000000);
    c->ops->random(c->port, first, sizeof(first));
    c->ops->random(c->port, second, sizeof(second));
    assert_memory_not_equal(first, second, sizeof(first));
    assert_memory_not_equal(first + 500, second + 500, 100);
}

static const contract_test tests[] = {
    {.name = "connect, IPv4", .fn = connects_ipv4},
    {.name = "connect, IPv6", .fn = connects_ipv6},
    {.name = "first and last words", .fn = first_and_last_words},
    {.name = "connect is refused", .fn = refused},
    {.name = "connect to the unreachable", .fn = unreachable},
    {.name = "many connect at once", .fn = many_connect_at_once},
    {.name = "bind", .fn = binds},
    {.name = "bind to what is not ours", .fn = binds_to_nothing_foreign},
    {.name = "bind to a device", .fn = binds_to_a_device, .real_only = true},
    {.name = "Unix sockets", .fn = connects_unix, .real_only = true},
    {.name = "Unix sockets that refuse", .fn = refuses_unix, .real_only = true},
    {.name = "listen on an address in use", .fn = address_in_use},
    {.name = "accept", .fn = accepts},
    {.name = "receive in pieces", .fn = receive_in_pieces},
    {.name = "receive started late", .fn = receive_started_late},
    {.name = "receive after the end", .fn = receive_after_the_end},
    {.name = "receive, all sizes", .fn = receive_sizes},
    {.name = "half-close by the peer", .fn = half_close_by_the_peer},
    {.name = "half-close by the port", .fn = half_close_by_the_port},
    {.name = "half-close from sent", .fn = half_close_in_sent},
    {.name = "reset while receiving", .fn = reset_while_receiving},
    {.name = "reset while idle", .fn = reset_while_idle},
    {.name = "reset while sending", .fn = reset_while_sending},
    {.name = "reset met by a send", .fn = reset_met_by_a_send},
    {.name = "reset met by a send, then received", .fn = reset_met_by_a_send_then_received},
    {.name = "reset behind data", .fn = reset_behind_data},
    {.name = "reset by the port", .fn = reset_by_the_port},
    {.name = "close delivers what was sent", .fn = close_delivers_what_was_sent},
    {.name = "close of unused sockets", .fn = close_of_the_unused},
    {.name = "operations started inside callbacks", .fn = starts_inside_callbacks},
    {.name = "numbers", .fn = numbers},
    {.name = "local address", .fn = local},
    {.name = "clock and randomness", .fn = clock_and_randomness},
};

CONTRACT_MAIN("sockets", tests)

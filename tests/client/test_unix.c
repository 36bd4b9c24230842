/* test_unix.c - a client that goes to a Unix socket, on each backend of this system. */
#include "loop/loop.h"
#include "support/loops.h"

#include <ringport/ringport.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define GUESTS 16

/* A server on the client's own loop: it answers each request with its Host, and keeps the
 * connection. */
typedef struct guest {
    rp_socket *socket;
    char answer[200];
    char head[1000];
    size_t size;
    rp_slice slice;
} guest;

typedef struct world {
    rp_loop *loop;
    rp_client *client;
    rp_socket *listener;
    guest guests[GUESTS];
    size_t guest_count, asked;
    char directory[32], path[64];
} world;

static void guest_closed(rp_socket *socket)
{
    ((guest *)socket->user)->socket = NULL;
}

static void guest_sent(rp_socket *socket, rp_io_result result)
{
    (void)socket;
    (void)result;
}

static void guest_received(rp_socket *socket, rp_slice bytes, rp_io_result result, bool final)
{
    guest *g = socket->user;
    (void)result;
    if (final) {
        rp__socket_ops(socket)->close(socket);
        return;
    }
    assert_true(g->size + bytes.size < sizeof(g->head));
    memcpy(g->head + g->size, bytes.data, bytes.size);
    g->size += bytes.size;
    g->head[g->size] = '\0';
    if (strstr(g->head, "\r\n\r\n") == NULL)
        return;
    const char *host = strstr(g->head, "Host: ") + 6;
    int size = (int)strcspn(host, "\r");
    g->slice.size =
        (size_t)snprintf(g->answer, sizeof(g->answer),
                         "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%.*s", size, size, host);
    g->slice.data = (const uint8_t *)g->answer;
    g->size = 0;
    rp__socket_ops(socket)->send(socket, &g->slice, 1);
}

static const rp_socket_handler guest_handler = {
    .received = guest_received, .sent = guest_sent, .closed = guest_closed};

static void on_accepted(rp_socket *socket, rp_socket *peer, rp_io_result result, bool final)
{
    world *w = socket->user;
    (void)result;
    if (final)
        return;
    assert_non_null(peer);
    assert_true(w->guest_count < GUESTS);
    guest *g = &w->guests[w->guest_count++];
    g->socket = peer;
    peer->handler = &guest_handler;
    peer->user = g;
    rp__socket_ops(peer)->receive(peer);
}

static void on_closed(rp_socket *socket)
{
    ((world *)socket->user)->listener = NULL;
}

static const rp_socket_handler listener_handler = {.accepted = on_accepted, .closed = on_closed};

/* False: this backend is not to be had. */
static bool begin(world *w, const char *backend, bool abstract, const rp_client_options *options)
{
    rp_loop_options loop_options = {.backend = backend};
    rp_error error;
    memset(w, 0, sizeof(*w));
    if (loops_create(&w->loop, &loop_options, &error) != RP_OK) {
        print_message("%s\n", error.text);
        return false;
    }
    (void)snprintf(w->directory, sizeof(w->directory), "/tmp/ringport-XXXXXX");
    assert_non_null(mkdtemp(w->directory));
    (void)snprintf(w->path, sizeof(w->path), "%s%s", abstract ? "@" : w->directory,
                   abstract ? w->directory + 5 : "/s");
    rp_address address = {.family = RP_FAMILY_UNIX, .path = w->path};
    rp_port *port = w->loop->port;
    assert_int_equal(port->ops->open(port, RP_FAMILY_UNIX, &w->listener).status, RP_OK);
    w->listener->handler = &listener_handler;
    w->listener->user = w;
    assert_int_equal(port->ops->listen(w->listener, &address, 8).status, RP_OK);
    port->ops->accept(w->listener);
    assert_int_equal(rp_client_create(&w->client, w->loop, options, &error), RP_OK);
    return true;
}

static void end(world *w)
{
    rp_client_destroy(w->client);
    rp__socket_ops(w->listener)->close(w->listener);
    for (size_t i = 0; i < w->guest_count; i++) {
        while (w->guests[i].socket != NULL)
            (void)rp_loop_turn(w->loop, 1000);
    }
    while (w->listener != NULL)
        (void)rp_loop_turn(w->loop, 1000);
    assert_int_equal(rp_loop_stats_get(w->loop)->wakeups_spurious, 0);
    rp_loop_destroy(w->loop);
    if (w->path[0] == '/')
        (void)unlink(w->path);
    (void)rmdir(w->directory);
}

typedef struct call {
    rp_collected answer;
    int dones, status;
    char body[100], address[64];
    rp_error error;
} call;

static void done(rp_collected *answer, const rp_response_summary *summary, void *user)
{
    call *c = user;
    c->dones++;
    c->status = summary->status;
    (void)snprintf(c->address, sizeof(c->address), "%s", summary->address);
    if (summary->error != NULL)
        c->error = *summary->error;
    else
        (void)snprintf(c->body, sizeof(c->body), "%s", (const char *)answer->body);
}

static call get(world *w, const char *url, const char *connect_to)
{
    static call c;
    rp_request_options options = {.url = url, .connect_to = connect_to};
    c = (call){.answer = {.on_done = done, .user = &c}};
    assert_non_null(rp_client_send(w->client, &options, &rp_collect_events, &c.answer, NULL));
    while (c.dones == 0)
        (void)rp_loop_turn(w->loop, 10000);
    return c;
}

static void goes_to_a_unix_socket(const char *backend, bool abstract)
{
    rp_client_options options = {.refuse_addresses = RP_ADDRESS_NOT_PUBLIC};
    char route[80], text[160];
    world w;
    if (!begin(&w, backend, abstract, &options))
        return;
    (void)snprintf(route, sizeof(route), "unix:%s", w.path);
    for (unsigned i = 0; i < 3; i++) {
        call c = get(&w, "http://api.invalid/", route);
        assert_int_equal(c.error.status, RP_OK);
        assert_string_equal(c.body, "api.invalid");
        assert_string_equal(c.address, route);
    }
    assert_int_equal(w.guest_count, 1);
    call c = get(&w, "http://other.invalid:81/", route);
    assert_string_equal(c.body, "other.invalid:81");
    assert_int_equal(w.guest_count, 2);
    /* The rules are about addresses, and there they hold. */
    assert_int_equal(get(&w, "http://127.0.0.1/", NULL).error.status, RP_E_ADDRESS_REFUSED);
    /* Nobody is there: a path, and a name. */
    (void)snprintf(route, sizeof(route), "unix:%s/none", w.directory);
    c = get(&w, "http://api.invalid/", route);
    assert_int_equal(c.error.status, RP_E_CONNECT_FAILED);
    (void)snprintf(text, sizeof(text), "no connection to api.invalid (%s): ", route);
    assert_int_equal(strncmp(c.error.text, text, strlen(text)), 0);
    c = get(&w, "http://api.invalid/", "unix:@ringport-nobody-is-here");
    assert_int_equal(c.error.status, RP_E_CONNECT_REFUSED);
    end(&w);
}

static void with_io_uring(void **state)
{
    (void)state;
    goes_to_a_unix_socket("io_uring", false);
    goes_to_a_unix_socket("io_uring", true);
}

static void with_epoll(void **state)
{
    (void)state;
    goes_to_a_unix_socket("epoll", false);
    goes_to_a_unix_socket("epoll", true);
}

static void by_the_clients_rules(void **state)
{
    static const char *const rules[] = {"api.invalid::unix:@ringport-nobody-is-here"};
    rp_client_options options = {.connect_to = rules, .connect_to_count = 1};
    (void)state;
    world w;
    assert_true(begin(&w, "epoll", false, &options));
    assert_int_equal(get(&w, "http://api.invalid/", NULL).error.status, RP_E_CONNECT_REFUSED);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_io_uring),
        cmocka_unit_test(with_epoll),
        cmocka_unit_test(by_the_clients_rules),
    };
    return cmocka_run_group_tests_name("unix", tests, NULL, NULL);
}

/* test_win32_event.c - a loop inside a host that waits for Windows' handles: the waitable's event
 * says the same as its socket, which test_waitable.c holds to the contract. */
#include "support/contract.h"

#include <windows.h>

typedef struct host {
    contract *c;
    HANDLE event;
    raw_watcher socket;
    unsigned in_vain;
} host;

static host host_open(contract *c)
{
    rp_waitable waitable = rp_loop_waitable(c->loop);
    assert_non_null(waitable.handle);
    return (host){
        .c = c, .event = waitable.handle, .socket = raw_watcher_open(RAW_POLL, waitable.socket)};
}

/* False: it was not signalled within wait_ms. */
static bool host_step(host *h, DWORD wait_ms)
{
    DWORD result = WaitForSingleObject(h->event, wait_ms);
    if (result == WAIT_TIMEOUT)
        return false;
    assert_int_equal(result, WAIT_OBJECT_0);
    assert_true(raw_watcher_wait(&h->socket, 1000)); /* one of them comes first */
    if (rp_loop_turn(h->c->loop, 0) == 0)
        h->in_vain++;
    return true;
}

#define HOST_UNTIL(h, condition)                                                                   \
    do {                                                                                           \
        while (!(condition)) {                                                                     \
            if (!host_step(h, 10000))                                                              \
                fail_msg("%s:%d: not signalled: %s", __FILE__, __LINE__, #condition);              \
        }                                                                                          \
    } while (0)

static void host_close(host *h)
{
    while (host_step(h, 20))
        continue;
    assert_false(raw_watcher_wait(&h->socket, 0));
    assert_int_equal(h->in_vain, 0);
    raw_watcher_close(&h->socket);
}

static void exchanges(contract *c)
{
    host h = host_open(c);
    endpoint e = {0};
    char text[8] = "";
    raw_socket peer = endpoint_raw_pair(c, &e);
    while (host_step(&h, 5))
        continue;
    endpoint_receive(&e);
    assert_false(host_step(&h, 5));
    for (unsigned i = 1; i <= 100; i++) {
        endpoint_send_text(&e, "ping");
        HOST_UNTIL(&h, e.sends == i);
        raw_receive_all(peer, text, 4);
        raw_send(peer, "pong", 4);
        HOST_UNTIL(&h, e.received_bytes == 4 * i);
    }
    endpoint_close(&e);
    HOST_UNTIL(&h, e.closed);
    raw_close(peer);
    host_close(&h);
}

static void count(rp_timer *timer, void *user)
{
    (void)timer;
    (*(unsigned *)user)++;
}

static void timers(contract *c)
{
    host h = host_open(c);
    rp_timer timer = {0};
    unsigned fired = 0;
    for (unsigned i = 1; i <= 20; i++) {
        rp_timer_start(c->loop, &timer, i % 4, count, &fired);
        HOST_UNTIL(&h, fired == i);
    }
    rp_timer_start(c->loop, &timer, 5, count, &fired);
    rp_timer_stop(c->loop, &timer);
    assert_false(host_step(&h, 20));
    host_close(&h);
}

typedef struct letter {
    contract *c;
    rp_post post;
    volatile LONG read;
} letter;

static void read_letter(rp_post *post, void *user)
{
    (void)post;
    InterlockedIncrement(&((letter *)user)->read);
}

static void write_letters(void *argument)
{
    letter *l = argument;
    for (LONG i = 0; i < 100; i++) {
        l->post.fn = read_letter;
        l->post.user = l;
        rp_loop_post(l->c->loop, &l->post);
        while (l->read == i)
            raw_sleep_ms(0);
    }
}

static void posts(contract *c)
{
    host h = host_open(c);
    letter l = {.c = c};
    raw_thread *thread = raw_thread_start(write_letters, &l);
    HOST_UNTIL(&h, l.read == 100);
    raw_thread_join(thread);
    host_close(&h);
}

static const contract_test tests[] = {
    {.name = "event: exchanges", .fn = exchanges},
    {.name = "event: timers", .fn = timers},
    {.name = "event: posts", .fn = posts},
};

CONTRACT_MAIN_ON("win32_event", tests, false)

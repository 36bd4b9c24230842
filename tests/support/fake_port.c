/* fake_port.c - see fake_port.h. */
#include "support/fake_port.h"

#include "base/error.h"
#include "support/check.h"

#define MS UINT64_C(1000000)

typedef struct fake_socket {
    rp_socket socket;
    rp_link link; /* in the port's list while something is to be told */
    rp_io_result connect;
    bool connecting, closing;
} fake_socket;

static fake_port *fake_of(rp_port *port)
{
    return RP_CONTAINER(port, fake_port, port);
}

static fake_socket *socket_of(rp_socket *socket)
{
    return RP_CONTAINER(socket, fake_socket, socket);
}

/* context: where the port is to be noted. */
static rp_status create(rp_port **out, const rp_port_options *options, rp_error *error)
{
    (void)error;
    fake_port *fake = rp__allocate(options->memory, sizeof(*fake));
    CHECK(fake != NULL);
    fake->options = *options;
    fake->now_ns = 1000 * MS;
    fake->deadline_ns = RP_WAIT_FOREVER;
    rp__list_init(&fake->sockets);
    *(fake_port **)options->context = fake;
    *out = &fake->port;
    return RP_OK;
}

static rp_status create_failing(rp_port **out, const rp_port_options *options, rp_error *error)
{
    (void)out;
    return rp__error_set(error, *(rp_status *)options->context, RP_PHASE_NONE, "told to fail");
}

static void destroy(rp_port *port)
{
    fake_port *fake = fake_of(port);
    CHECK(rp__list_empty(&fake->sockets) && fake->asked[0] == NULL && fake->asked[1] == NULL);
    rp__free(fake->options.memory, fake);
}

static uint64_t now(rp_port *port)
{
    return fake_of(port)->now_ns;
}

static rp_io_result open_socket(rp_port *port, uint8_t family, rp_socket **socket)
{
    fake_port *fake = fake_of(port);
    (void)family;
    CHECK(fake->opened < fake->attempt_count);
    const fake_attempt *attempt = &fake->attempts[fake->opened++];
    if (attempt->open.status != RP_OK)
        return attempt->open;
    fake_socket *made = rp__allocate(fake->options.memory, sizeof(*made));
    CHECK(made != NULL);
    made->socket.port = port;
    made->connect = attempt->connect;
    rp__list_init(&made->link);
    *socket = &made->socket;
    return (rp_io_result){.status = RP_OK};
}

static void tell_in_turn(fake_socket *s)
{
    if (rp__list_empty(&s->link))
        rp__list_append(&fake_of(s->socket.port)->sockets, &s->link);
}

static void connect_socket(rp_socket *socket, const rp_address *address)
{
    (void)address;
    socket_of(socket)->connecting = true;
    if (!fake_of(socket->port)->no_answer)
        tell_in_turn(socket_of(socket));
}

static void close_socket(rp_socket *socket)
{
    fake_socket *s = socket_of(socket);
    if (s->connecting)
        s->connect = (rp_io_result){.status = RP_E_CANCELLED};
    s->closing = true;
    tell_in_turn(s);
}

static void tell(fake_socket *s)
{
    if (s->connecting) {
        s->connecting = false;
        s->socket.handler->connected(&s->socket, s->connect);
    }
    if (s->closing) {
        rp__list_remove(&s->link);
        s->socket.handler->closed(&s->socket);
        rp__free(fake_of(s->socket.port)->options.memory, s);
    }
}

static void answer(fake_port *fake, unsigned family)
{
    rp_port_lookup *lookup = fake->asked[family];
    rp_address of_family[32];
    size_t count = 0;
    for (size_t i = 0; i < fake->address_count; i++) {
        if (fake->addresses[i].family == lookup->family)
            of_family[count++] = fake->addresses[i];
    }
    fake->asked[family] = NULL;
    lookup->answered(lookup, fake->answer, of_family, count, fake->ttl_s);
}

static unsigned turn(rp_port *port, uint64_t wait_ns)
{
    fake_port *fake = fake_of(port);
    unsigned found = fake->finds;
    rp_link told;
    fake->waited_ns = wait_ns;
    fake->now_ns += fake->passes_ns;
    rp__list_init(&told);
    rp__list_move(&told, &fake->sockets);
    for (rp_link *link; (link = rp__list_take(&told)) != NULL; found++)
        tell(RP_CONTAINER(link, fake_socket, link));
    for (unsigned family = 0; family < 2; family++) {
        if (fake->asked[family] == NULL || fake->silent[family])
            continue;
        answer(fake, family);
        found++;
    }
    return found;
}

static void wake(rp_port *port)
{
    fake_of(port)->wakes++;
}

static rp_waitable waitable(rp_port *port)
{
    return (rp_waitable){.socket = fake_of(port)->no_waitable ? -1 : 99};
}

static void waitable_deadline(rp_port *port, uint64_t deadline_ns)
{
    fake_of(port)->deadlines++;
    fake_of(port)->deadline_ns = deadline_ns;
}

static bool lookup(rp_port *port, rp_port_lookup *asked, const char *host)
{
    fake_port *fake = fake_of(port);
    unsigned family = asked->family == 6;
    (void)host;
    CHECK(fake->asked[family] == NULL);
    fake->asked[family] = asked;
    fake->questions[family]++;
    return true;
}

static void lookup_cancel(rp_port *port, rp_port_lookup *asked)
{
    fake_port *fake = fake_of(port);
    unsigned family = asked->family == 6;
    CHECK(fake->asked[family] == asked);
    fake->asked[family] = NULL;
}

#define FAKE_OPS                                                                                   \
    .name = "fake", .create = create, .destroy = destroy, .now = now, .open = open_socket,         \
    .connect = connect_socket, .close = close_socket, .turn = turn, .wake = wake,                  \
    .waitable = waitable, .waitable_deadline = waitable_deadline

static const rp_port_ops without_names = {FAKE_OPS};
static const rp_port_ops with_names = {FAKE_OPS, .lookup = lookup, .lookup_cancel = lookup_cancel};
static const rp_port_ops failing = {.name = "failing", .create = create_failing};

rp_loop *fake_port_loop(fake_port **port, const rp_loop_options *options, bool names)
{
    static const rp_loop_options defaults;
    const rp_port_ops *ops = names ? &with_names : &without_names;
    rp_loop *loop = NULL;
    rp_error error;
    if (options == NULL)
        options = &defaults;
    CHECK_TEXT(rp__loop_create_with_port(&loop, ops, port, options, &error) == RP_OK, error.text);
    (*port)->port.ops = ops;
    return loop;
}

rp_status fake_port_failing(rp_loop **loop, rp_status status, rp_error *error)
{
    static const rp_loop_options defaults;
    return rp__loop_create_with_port(loop, &failing, &status, &defaults, error);
}

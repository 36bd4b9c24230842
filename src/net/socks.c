/* socks.c - see socks.h. A message is read up to its end and no further, as each says by its first
 * bytes how long it is: what is behind the last one is the tunnel's. */
#include "net/socks.h"

#include "base/error.h"

#include <string.h>

enum { VERSION = 5, AUTH_VERSION = 1, COMMAND_CONNECT = 1 };
enum { METHOD_NONE = 0, METHOD_PASSWORD = 2, METHOD_NO = 0xFF };
enum { TYPE_IPV4 = 1, TYPE_NAME = 3, TYPE_IPV6 = 4 };
enum { STEP_METHOD, STEP_AUTH, STEP_REPLY, STEP_OVER };

static void put(rp_socks *socks, const void *data, size_t size)
{
    memcpy(socks->out + socks->out_size, data, size);
    socks->out_size += size;
}

static void put_byte(rp_socks *socks, unsigned byte)
{
    socks->out[socks->out_size++] = (uint8_t)byte;
}

static void put_text(rp_socks *socks, const char *text)
{
    size_t size = strlen(text);
    put_byte(socks, (unsigned)size);
    put(socks, text, size);
}

void rp__socks_begin(rp_socks *socks)
{
    socks->step = STEP_METHOD;
    socks->in_size = socks->out_size = 0;
    put_byte(socks, VERSION);
    put_byte(socks, socks->user != NULL ? 2 : 1);
    put_byte(socks, METHOD_NONE);
    if (socks->user != NULL)
        put_byte(socks, METHOD_PASSWORD);
}

static void send_auth(rp_socks *socks)
{
    socks->step = STEP_AUTH;
    socks->out_size = 0;
    put_byte(socks, AUTH_VERSION);
    put_text(socks, socks->user);
    put_text(socks, socks->password);
}

static void send_request(rp_socks *socks)
{
    socks->step = STEP_REPLY;
    socks->out_size = 0;
    put_byte(socks, VERSION);
    put_byte(socks, COMMAND_CONNECT);
    put_byte(socks, 0);
    if (socks->host != NULL) {
        put_byte(socks, TYPE_NAME);
        put_text(socks, socks->host);
    } else {
        bool v4 = socks->address->family == 4;
        put_byte(socks, v4 ? TYPE_IPV4 : TYPE_IPV6);
        put(socks, socks->address->bytes, v4 ? 4 : 16);
    }
    put_byte(socks, socks->port >> 8);
    put_byte(socks, socks->port & 0xFF);
}

static rp_socks_result fail(rp_error *error, rp_status status, const char *text)
{
    (void)rp__error_set(error, status, RP_PHASE_PROXY, "%s", text);
    return RP_SOCKS_FAILED;
}

static rp_socks_result not_socks(rp_error *error)
{
    return fail(error, RP_E_PROXY_PROTOCOL, "its answer is not SOCKS version 5 (RFC 1928)");
}

static rp_socks_result take_method(rp_socks *socks, rp_error *error)
{
    uint8_t method = socks->in[1];
    if (method == METHOD_NO && socks->user == NULL)
        return fail(error, RP_E_PROXY_AUTH, "it demands authentication, and no user is configured");
    if (method == METHOD_NO)
        return fail(error, RP_E_PROXY_AUTH,
                    "it accepts neither user and password nor clients without them");
    if (method == METHOD_PASSWORD && socks->user != NULL)
        send_auth(socks);
    else if (method == METHOD_NONE)
        send_request(socks);
    else
        return fail(error, RP_E_PROXY_PROTOCOL,
                    "it chose a method of authentication that was not offered (RFC 1928, 3)");
    return RP_SOCKS_SEND;
}

static rp_socks_result take_auth(rp_socks *socks, rp_error *error)
{
    if (socks->in[1] != 0)
        return fail(error, RP_E_PROXY_AUTH, "it did not accept the user and the password");
    send_request(socks);
    return RP_SOCKS_SEND;
}

/* RFC 1928, 6. */
static const char *reply_text(uint8_t code)
{
    static const char *const texts[] = {
        [1] = "it could not make the connection (general SOCKS server failure, 1)",
        [2] = "its rules do not allow the connection (2)",
        [3] = "it finds no way to the network (3)",
        [4] = "it finds no way to the host (4)",
        [5] = "the connection was refused there (5)",
        [6] = "the connection's time to live expired (6)",
        [7] = "it does not know the command CONNECT (7)",
        [8] = "it does not know this type of address (8)",
    };
    if (code < sizeof(texts) / sizeof(texts[0]))
        return texts[code];
    return "it refused with a code that has no meaning (RFC 1928, 6)";
}

static rp_socks_result take_reply(rp_socks *socks, rp_error *error)
{
    socks->code = socks->in[1];
    if (socks->code != 0)
        return fail(error, RP_E_PROXY_REFUSED, reply_text(socks->in[1]));
    socks->step = STEP_OVER;
    return RP_SOCKS_DONE;
}

/* Many say SOCKS' own version where RFC 1929 has one of its own. */
static bool is_version(const rp_socks *socks, uint8_t byte)
{
    return byte == VERSION || (byte == AUTH_VERSION && socks->step == STEP_AUTH);
}

/* How long the message is, as far as the bytes that came say; 0: it is none. */
static size_t message_size(const rp_socks *socks)
{
    const uint8_t *in = socks->in;
    if (socks->in_size > 0 && !is_version(socks, in[0]))
        return 0;
    if (socks->step != STEP_REPLY || socks->in_size < 2)
        return 2;
    if (in[1] != 0)
        return 2; /* it says no: some send nothing more */
    if (socks->in_size < 4)
        return 4;
    switch (in[3]) {
    case TYPE_IPV4:
        return 4 + 4 + 2;
    case TYPE_IPV6:
        return 4 + 16 + 2;
    case TYPE_NAME:
        return socks->in_size < 5 ? 5 : (size_t)(5 + in[4] + 2);
    default:
        return 0;
    }
}

rp_socks_result rp__socks_feed(rp_socks *socks, const uint8_t *data, size_t size, size_t *used,
                               rp_error *error)
{
    size_t whole = message_size(socks);
    *used = 0;
    while (socks->step != STEP_OVER && socks->in_size < whole && *used < size) {
        socks->in[socks->in_size++] = data[(*used)++];
        whole = message_size(socks);
    }
    if (whole == 0 || socks->step == STEP_OVER)
        return not_socks(error);
    if (socks->in_size < whole)
        return RP_SOCKS_MORE;
    socks->in_size = 0;
    if (socks->step == STEP_METHOD)
        return take_method(socks, error);
    return socks->step == STEP_AUTH ? take_auth(socks, error) : take_reply(socks, error);
}

/* websocket.c - WebSockets (RFC 6455) on a connection that leaves HTTP: sends each argument as a
 * text, prints what comes, and closes when as many texts have come.
 *
 *   websocket ws://HOST/PATH TEXT...
 *   websocket wss://HOST/PATH CA.pem TEXT...
 *
 * No extensions, and texts are not looked at for UTF-8. */
#include <ringport/ringport.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define LIMIT ((size_t)1024 * 1024) /* of a message */
#define CLOSE_MS 5000

enum { CONTINUATION, TEXT, BINARY, CLOSE = 8, PING, PONG };
enum { NORMAL = 1000, BROKEN = 1002, TOO_LARGE = 1009 };

typedef struct buffer {
    uint8_t *bytes;
    size_t size, capacity;
} buffer;

typedef struct websocket {
    rp_loop *loop;
    rp_stream *stream; /* NULL: none yet, or gone */
    rp_timer timer;    /* for the server's Close */
    char key[25], accept[29];
    buffer input;   /* what is no whole frame yet */
    buffer message; /* the fragments so far */
    int kind;       /* of the message; 0: none has begun */
    bool closing;   /* our Close was sent: nothing may follow */
    char **texts;
    int to_come, failed;
} websocket;

/* ---- what the handshake needs ---- */

static uint32_t rotate(uint32_t x, unsigned bits)
{
    return x << bits | x >> (32 - bits);
}

static void sha1_block(uint32_t state[5], const uint8_t *block)
{
    uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 80; i++)
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        static const uint32_t k[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
        uint32_t f = i < 20 ? (b & c) | (~b & d) : b ^ c ^ d;
        if (i >= 40 && i < 60)
            f = (b & c) | (b & d) | (c & d);
        uint32_t next = rotate(a, 5) + f + e + k[i / 20] + w[i];
        e = d, d = c, c = rotate(b, 30), b = a, a = next;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

/* SHA-1 (FIPS 180-4) of a short text. RFC 6455 needs it, and nothing hangs on its strength. */
static void sha1(const char *text, uint8_t digest[20])
{
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    uint8_t blocks[128] = {0};
    size_t size = strlen(text), end = size < 56 ? 64 : 128;
    memcpy(blocks, text, size);
    blocks[size] = 0x80;
    blocks[end - 2] = (uint8_t)(size * 8 >> 8);
    blocks[end - 1] = (uint8_t)(size * 8);
    for (size_t at = 0; at < end; at += 64)
        sha1_block(state, blocks + at);
    for (int i = 0; i < 20; i++)
        digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

static void base64(const uint8_t *bytes, size_t size, char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        uint32_t three = (uint32_t)bytes[i] << 16;
        three |= i + 1 < size ? (uint32_t)bytes[i + 1] << 8 : 0;
        three |= i + 2 < size ? bytes[i + 2] : 0;
        for (size_t k = 0; k < 4; k++)
            *text++ = (char)(i + k > size ? '=' : digits[three >> (18 - 6 * k) & 63]);
    }
    *text = '\0';
}

static void random_bytes(void *bytes, size_t size)
{
    if (getentropy(bytes, size) != 0)
        abort();
}

/* guide: begin key */
/* RFC 6455, 4.1: what the request says, and what the answer then has to say. */
static void key_make(websocket *w)
{
    uint8_t nonce[16], digest[20];
    char both[64];
    random_bytes(nonce, sizeof(nonce));
    base64(nonce, sizeof(nonce), w->key);
    (void)snprintf(both, sizeof(both), "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", w->key);
    sha1(both, digest);
    base64(digest, sizeof(digest), w->accept);
}
/* guide: end key */

/* ---- frames out ---- */

typedef struct frame {
    rp_write write;
    uint8_t bytes[];
} frame;

static void sent(rp_stream *stream, rp_write *write, const rp_error *error, void *user)
{
    (void)stream;
    (void)error; /* on_end tells */
    (void)user;
    free(write); /* a frame's first member */
}

static size_t put_length(uint8_t *at, size_t size)
{
    size_t bytes = size < 126 ? 0 : size <= UINT16_MAX ? 2 : 8;
    at[0] = (uint8_t)(0x80 | (bytes == 0 ? size : bytes == 2 ? 126 : 127)); /* masked */
    for (size_t i = 0; i < bytes; i++)
        at[1 + i] = (uint8_t)((uint64_t)size >> 8 * (bytes - 1 - i));
    return 1 + bytes;
}

/* guide: begin send */
/* RFC 6455, 5.2: one frame, masked, as all that a client sends. */
static void send_frame(websocket *w, int opcode, const void *payload, size_t size)
{
    frame *f = w->closing ? NULL : malloc(sizeof(*f) + 14 + size);
    if (f == NULL)
        return;
    uint8_t *mask = f->bytes + 1;
    f->bytes[0] = (uint8_t)(0x80 | opcode); /* whole */
    mask += put_length(mask, size);
    random_bytes(mask, 4);
    for (size_t i = 0; i < size; i++)
        mask[4 + i] = ((const uint8_t *)payload)[i] ^ mask[i % 4];
    w->closing = opcode == CLOSE;
    if (rp_stream_write(w->stream, &f->write, f->bytes, (size_t)(mask - f->bytes) + 4 + size, sent,
                        w) != RP_OK)
        free(f);
}
/* guide: end send */

static void waited_enough(rp_timer *timer, void *user)
{
    websocket *w = user;
    (void)timer;
    rp_stream_close(w->stream);
}

/* The server answers with its own Close, and ends the connection (RFC 6455, 7.1.1). */
static void send_close(websocket *w, int code)
{
    uint8_t payload[2] = {(uint8_t)(code >> 8), (uint8_t)code};
    if (w->closing)
        return;
    w->failed |= code != NORMAL;
    send_frame(w, CLOSE, payload, 2);
    rp_timer_start(w->loop, &w->timer, CLOSE_MS, waited_enough, w);
}

/* ---- frames in ---- */

static bool add(buffer *b, const uint8_t *bytes, size_t size)
{
    if (size > b->capacity - b->size) {
        size_t capacity = 2 * (b->size + size);
        uint8_t *grown = realloc(b->bytes, capacity);
        if (grown == NULL)
            return false;
        b->bytes = grown;
        b->capacity = capacity;
    }
    if (size > 0)
        memcpy(b->bytes + b->size, bytes, size);
    b->size += size;
    return true;
}

static void message_came(websocket *w)
{
    printf("%.*s\n", (int)w->message.size, (const char *)w->message.bytes);
    if (--w->to_come == 0)
        send_close(w, NORMAL);
}

static void closed_by_server(websocket *w, const uint8_t *payload, size_t size)
{
    int code = size >= 2 ? payload[0] << 8 | payload[1] : NORMAL;
    if (w->closing)
        return;
    printf("closed: %d %.*s\n", code, size > 2 ? (int)size - 2 : 0,
           size > 2 ? (const char *)payload + 2 : "");
    send_close(w, NORMAL);
}

static void data_frame(websocket *w, int opcode, bool last, const uint8_t *payload, size_t size)
{
    if ((opcode == CONTINUATION) != (w->kind != 0)) {
        send_close(w, BROKEN);
        return;
    }
    if (w->message.size + size > LIMIT || !add(&w->message, payload, size)) {
        send_close(w, TOO_LARGE);
        return;
    }
    if (opcode != CONTINUATION)
        w->kind = opcode;
    if (!last)
        return;
    message_came(w);
    w->kind = 0;
    w->message.size = 0;
}

/* guide: begin frame */
static void frame_came(websocket *w, int opcode, bool last, const uint8_t *payload, size_t size)
{
    if (opcode <= BINARY)
        data_frame(w, opcode, last, payload, size);
    else if (opcode == PING)
        send_frame(w, PONG, payload, size);
    else if (opcode == CLOSE)
        closed_by_server(w, payload, size);
    else if (opcode != PONG)
        send_close(w, BROKEN);
}
/* guide: end frame */

/* How many bytes the first frame takes; 0: it is not whole, or the connection is being closed. */
static size_t take_frame(websocket *w, const uint8_t *bytes, size_t size)
{
    size_t extra = 0;
    if (size < 2)
        return 0;
    bool last = (bytes[0] & 0x80) != 0, control = (bytes[0] & 8) != 0;
    uint64_t length = bytes[1] & 0x7f;
    /* No extension, no mask from a server; a control frame is short and whole (RFC 6455, 5). */
    if ((bytes[0] & 0x70) != 0 || (bytes[1] & 0x80) != 0 || (control && (!last || length > 125))) {
        send_close(w, BROKEN);
        return 0;
    }
    if (length >= 126)
        extra = length == 126 ? 2 : 8;
    if (size < 2 + extra)
        return 0;
    for (size_t i = 0; i < extra; i++)
        length = (i == 0 ? 0 : length << 8) | bytes[2 + i];
    if (length > LIMIT) {
        send_close(w, TOO_LARGE);
        return 0;
    }
    if (size - 2 - extra < length)
        return 0;
    frame_came(w, bytes[0] & 15, last, bytes + 2 + extra, (size_t)length);
    return 2 + extra + (size_t)length;
}

static void on_data(rp_stream *stream, const uint8_t *data, size_t size, void *user)
{
    websocket *w = user;
    size_t used = 0, part = 1;
    (void)stream;
    if (!add(&w->input, data, size))
        abort();
    while (part > 0 && w->stream != NULL) {
        part = take_frame(w, w->input.bytes + used, w->input.size - used);
        used += part;
    }
    w->input.size -= used;
    memmove(w->input.bytes, w->input.bytes + used, w->input.size);
    if (w->failed)
        w->input.size = 0; /* nothing of it is read any more */
}

static void on_end(rp_stream *stream, const rp_error *error, void *user)
{
    websocket *w = user;
    if (!w->closing) {
        printf("%s\n", error != NULL ? error->text : "the server left without a word");
        w->failed = 1;
    }
    rp_stream_close(stream);
}

static void on_close(rp_stream *stream, void *user)
{
    websocket *w = user;
    (void)stream;
    rp_timer_stop(w->loop, &w->timer);
    w->stream = NULL;
}

static const rp_stream_events stream_events = {
    .on_data = on_data, .on_end = on_end, .on_close = on_close};

/* ---- the request ---- */

/* guide: begin take */
static const char *header_of(const rp_response_head *head, const char *name)
{
    for (size_t i = 0; i < head->header_count; i++) {
        if (strcasecmp(head->headers[i].name, name) == 0)
            return head->headers[i].value;
    }
    return NULL;
}

static void on_head(rp_request *request, const rp_response_head *head, void *user)
{
    websocket *w = user;
    if (head->status != 101)
        return; /* an answer as any other: it refuses, or wants credentials */
    const char *accept = header_of(head, "Sec-WebSocket-Accept");
    if (accept != NULL && strcmp(accept, w->accept) == 0 &&
        header_of(head, "Sec-WebSocket-Extensions") == NULL &&
        header_of(head, "Sec-WebSocket-Protocol") == NULL) /* of which none was asked for */
        w->stream = rp_request_upgrade(request, &stream_events, w);
}

static void on_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    websocket *w = user;
    (void)request;
    if (w->stream != NULL) {
        for (char **text = w->texts; *text != NULL; text++)
            send_frame(w, TEXT, *text, strlen(*text));
        return;
    }
    w->failed = 1;
    if (summary->error != NULL)
        printf("%s\n", summary->error->text);
    else
        printf("status %d is no WebSocket\n", summary->status);
}

static const rp_response_events request_events = {.on_head = on_head, .on_done = on_done};

static bool open_websocket(websocket *w, rp_client *client, const char *url, rp_error *error)
{
    key_make(w);
    rp_header headers[] = {{"Sec-WebSocket-Version", "13"}, {"Sec-WebSocket-Key", w->key}};
    rp_request_options options = {
        .url = url, /* ws is http, and wss is https */
        .headers = headers,
        .header_count = 2,
        .upgrade = "websocket",
        .total_timeout_ms = 10000, /* until the answer to it */
    };
    return rp_client_send(client, &options, &request_events, w, error) != NULL;
}
/* guide: end take */

int main(int argc, char **argv)
{
    rp_tls_options trust = {.ca_file = NULL};
    rp_tls_config *tls = NULL;
    rp_client *client = NULL;
    rp_client_options options = {.tls = NULL};
    rp_error error;
    websocket w = {.failed = 0};
    char url[1024];
    bool secure = argc > 1 && strncmp(argv[1], "wss://", 6) == 0;
    if (argc < (secure ? 4 : 3) || (!secure && strncmp(argv[1], "ws://", 5) != 0))
        return fprintf(stderr, "usage: websocket ws://HOST/PATH TEXT...\n"), 2;
    (void)snprintf(url, sizeof(url), "http%s", argv[1] + 2);
    w.texts = argv + (secure ? 3 : 2);
    w.to_come = argc - (secure ? 3 : 2);
    if (secure)
        trust.ca_file = argv[2];
    if (rp_tls_config_create(&tls, &trust, &error) != RP_OK)
        return fprintf(stderr, "%s\n", error.text), 1;
    options.tls = tls;
    if (rp_loop_create(&w.loop, NULL, &error) != RP_OK ||
        rp_client_create(&client, w.loop, &options, &error) != RP_OK ||
        !open_websocket(&w, client, url, &error))
        return fprintf(stderr, "%s\n", error.text), 1;
    rp_loop_run(w.loop);
    rp_client_destroy(client);
    rp_loop_destroy(w.loop);
    rp_tls_config_release(tls);
    free(w.input.bytes);
    free(w.message.bytes);
    return w.failed || w.to_come > 0;
}

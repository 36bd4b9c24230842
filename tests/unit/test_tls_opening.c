/* test_tls_opening.c - records of TLS 1.3 that come together are opened by one call as long as they
 * are whole, authentic and of data: in any order with all that is not, in any pieces, the same is
 * told as where they come by the byte, and what came before an end is told before the end. */
#include "support/tls_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ITEMS_MOST = 8, LARGEST = 16384, STREAM_BYTES = ITEMS_MOST * (LARGEST + 300) };

typedef enum item {
    DATA,
    ZEROS,       /* data that looks like padding, but for what is behind it */
    PADDED,      /* and zeros behind the type */
    LARGE,       /* as much as there may be */
    EMPTY,       /* no data */
    KEY_UPDATE,  /* the next records have other keys */
    KEYS_WANTED, /* and ours are to be others, too */
    TICKET,
    CUT_TICKET, /* in two records */
    CANCELLED,  /* a warning: user_canceled */
    THOSE_THAT_GO_ON,

    CLOSE_NOTIFY = THOSE_THAT_GO_ON,
    FATAL,
    FORGED,        /* a bit of the data */
    FORGED_TAG,    /* a bit of the tag */
    FORGED_HEADER, /* a bit of the version */
    AGAIN,         /* the record before, once more */
    TOO_LARGE,
    NOTHING, /* not even a type */
    TYPELESS,
    PLAIN, /* data that is not sealed */
    PLAIN_CHANGE,
    DATA_IN_TICKET,
    HELLO_REQUEST,
    ITEMS
} item;

typedef struct stream {
    tls_keys keys;
    uint8_t bytes[STREAM_BYTES], data[STREAM_BYTES];
    size_t size, data_size, last; /* where the last record begins */
    bool ended, failed;
} stream;

static uint32_t random_state;

static uint32_t random_below(uint32_t limit)
{
    random_state = random_state * 1664525 + 1013904223;
    return (random_state >> 8) % limit;
}

/* size bytes of content, the type, and zeros. */
static void seal(stream *to, uint8_t type, const void *content, size_t size, size_t zeros)
{
    static uint8_t plain[LARGEST + 600];
    memcpy(plain, content, size);
    plain[size] = type;
    memset(plain + size + 1, 0, zeros);
    to->last = to->size;
    tls_seal(&to->keys, to->bytes + to->size, plain, size + 1 + zeros);
    to->size += size + 1 + zeros + TLS_SEAL_EXTRA;
}

static void seal_data(stream *to, size_t size, size_t zeros)
{
    uint8_t *data = to->data + to->data_size;
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)random_below(256);
    seal(to, TLS_DATA_RECORD, data, size, zeros);
    to->data_size += size;
}

static void seal_ticket(stream *to, size_t cut)
{
    static const uint8_t whole[] = {4, 0, 0, 18, 0, 0, 0, 60, 1, 2, 3,
                                    4, 1, 7, 0,  4, 9, 9, 9,  9, 0, 0};
    seal(to, TLS_HANDSHAKE_RECORD, whole, cut == 0 ? sizeof(whole) : cut, 0);
    if (cut > 0)
        seal(to, TLS_HANDSHAKE_RECORD, whole + cut, sizeof(whole) - cut, 0);
}

static void put_plain(stream *to, uint8_t type, const char *content, size_t size)
{
    uint8_t header[] = {type, 3, 3, 0, (uint8_t)size};
    memcpy(to->bytes + to->size, header, sizeof(header));
    memcpy(to->bytes + to->size + sizeof(header), content, size);
    to->size += sizeof(header) + size;
}

static void forge(stream *to, size_t at)
{
    size_t before = to->data_size;
    seal_data(to, 1 + random_below(50), 0);
    to->data_size = before;
    to->bytes[at == SIZE_MAX ? to->size - 1 : to->last + at] ^= 1;
}

static void put(stream *to, item what)
{
    static const uint8_t key_update[] = {24, 0, 0, 1, 0}, wanted[] = {24, 0, 0, 1, 1};
    static const uint8_t hello_request[] = {0, 0, 0, 0}, zeros[40];
    size_t last = to->last, before = to->data_size;
    switch (what) {
    case DATA:
        seal_data(to, 1 + random_below(random_below(4) == 0 ? 5000 : 60), 0);
        break;
    case ZEROS:
        memset(to->data + to->data_size, 0, sizeof(zeros));
        seal(to, TLS_DATA_RECORD, zeros, sizeof(zeros), random_below(3));
        to->data_size += sizeof(zeros);
        break;
    case PADDED:
        seal_data(to, 1 + random_below(60), 1 + random_below(200));
        break;
    case LARGE:
        seal_data(to, LARGEST, 0);
        break;
    case EMPTY:
        seal(to, TLS_DATA_RECORD, "", 0, random_below(2) * 30);
        break;
    case KEY_UPDATE:
    case KEYS_WANTED:
        seal(to, TLS_HANDSHAKE_RECORD, what == KEY_UPDATE ? key_update : wanted, 5, 0);
        tls_keys_update(&to->keys);
        break;
    case TICKET:
    case CUT_TICKET:
        seal_ticket(to, what == TICKET ? 0 : 1 + random_below(20));
        break;
    case CANCELLED:
        seal(to, TLS_ALERT_RECORD, "\1\132", 2, 0);
        break;
    case CLOSE_NOTIFY:
        seal(to, TLS_ALERT_RECORD, "\1\0", 2, 0);
        to->ended = !to->failed;
        return;
    case FATAL:
        seal(to, TLS_ALERT_RECORD, "\2\120", 2, 0);
        break;
    case FORGED:
        forge(to, 5);
        break;
    case FORGED_TAG:
        forge(to, SIZE_MAX);
        break;
    case FORGED_HEADER:
        forge(to, 2);
        break;
    case AGAIN:
        seal_data(to, 20, 0);
        last = to->last;
        memcpy(to->bytes + to->size, to->bytes + last, to->size - last);
        to->size += to->size - last;
        break;
    case TOO_LARGE:
        seal_data(to, LARGEST + 1, 0);
        to->data_size = before;
        break;
    case NOTHING:
        tls_seal(&to->keys, to->bytes + to->size, zeros, 0);
        to->size += TLS_SEAL_EXTRA;
        break;
    case TYPELESS:
        seal(to, 0, zeros, random_below(20), 0);
        break;
    case PLAIN:
        put_plain(to, TLS_DATA_RECORD, "a line that nobody has sealed, but long enough", 46);
        break;
    case PLAIN_CHANGE:
        put_plain(to, 20, "\1", 1);
        break;
    case DATA_IN_TICKET:
        seal_ticket(to, 9);
        to->size = to->last;
        to->keys.sequence--;
        seal_data(to, 10, 0);
        to->data_size = before;
        break;
    default:
        seal(to, TLS_HANDSHAKE_RECORD, hello_request, 4, 0);
    }
    to->failed = to->failed || (what >= THOSE_THAT_GO_ON && !to->ended);
}

/* Behind an end nothing counts. */
static void put_next(stream *to, item what)
{
    size_t before = to->data_size;
    bool over = to->ended || to->failed;
    put(to, what);
    if (over)
        to->data_size = before;
}

typedef enum pieces { BY_BYTES, AT_ONCE, BY_CHANCE, PIECES } pieces;

typedef struct outcome {
    bool ended, failed;
    rp_error error;
} outcome;

static outcome play(const item *items, size_t count, pieces how, size_t read_limit)
{
    static stream s;
    tls_scene scene;
    tls_scene_connect(&scene);
    scene.pair.read_limit = read_limit;
    s.size = s.data_size = s.last = 0;
    s.ended = s.failed = false;
    s.keys = scene.keys;
    for (size_t i = 0; i < count; i++)
        put_next(&s, items[i]);
    const tls_end *client = scene.client;
    for (size_t at = 0, part; at < s.size && !client->failed && !client->ended; at += part) {
        part = how == AT_ONCE ? s.size - at : how == BY_BYTES ? 1 : 1 + random_below(3000);
        part = part < s.size - at ? part : s.size - at;
        tls_feed(&scene.pair, scene.client, s.bytes + at, part);
    }
    outcome found = {client->ended, client->failed, {.status = RP_OK}};
    if (client->failed)
        found.error = client->error;
    if (found.ended != s.ended || found.failed != s.failed ||
        client->received_size != s.data_size ||
        (s.data_size > 0 && memcmp(client->received, s.data, s.data_size) != 0)) {
        for (size_t i = 0; i < count; i++)
            print_error("item %d\n", items[i]);
        fail_msg("pieces %d, limit %zu: ended %d, failed %d (%s), %zu of %zu bytes", how,
                 read_limit, found.ended, found.failed, found.error.text, client->received_size,
                 s.data_size);
    }
    tls_scene_close(&scene);
    return found;
}

static void same_in_any_pieces(const item *items, size_t count)
{
    static const size_t limits[] = {100, 20000, 65536};
    uint32_t seed = random_state;
    for (size_t limit = 0; limit < 3; limit++) {
        outcome by_bytes = {.ended = false};
        for (int how = BY_BYTES; how < PIECES; how++) {
            random_state = seed;
            outcome found = play(items, count, (pieces)how, limits[limit]);
            if (how == BY_BYTES)
                by_bytes = found;
            assert_string_equal(found.error.text, by_bytes.error.text);
            assert_int_equal(found.error.status, by_bytes.error.status);
            assert_int_equal(found.error.tls_alert, by_bytes.error.tls_alert);
        }
    }
}

static void ends_behind_data(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    for (item end = THOSE_THAT_GO_ON; end < ITEMS; end++) {
        for (size_t before = 0; before < 4; before++) {
            item items[] = {DATA, DATA, DATA, DATA, DATA, DATA};
            items[before] = end;
            same_in_any_pieces(items, before + 1 + (end < AGAIN ? 2 : 0));
        }
    }
}

static void any_order(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    for (uint32_t i = 0; i < 150; i++) {
        item items[ITEMS_MOST];
        random_state = i;
        size_t count = 2 + random_below(ITEMS_MOST - 2);
        for (size_t k = 0; k < count; k++)
            items[k] = (item)(random_below(2) == 0 ? DATA : random_below(THOSE_THAT_GO_ON));
        if (i % 2 == 0)
            items[count - 1] = (item)random_below(ITEMS);
        same_in_any_pieces(items, count);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_behind_data),
        cmocka_unit_test(any_order),
    };
    return cmocka_run_group_tests_name("opening", tests, NULL, NULL);
}

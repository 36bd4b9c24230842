/* saved.c - writing and reading saved sessions. What is read is believed only when all of it was
 * looked at: it comes from a file. */
#include "tls/saved.h"

#include "base/error.h"
#include "tls/wolfssl.h"

#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/sha256.h>

#include <stdio.h>
#include <string.h>

enum {
    HEAD = 8,
    NONCE = 12,
    TAG = 16,
    DIGEST = WC_SHA256_DIGEST_SIZE,
    FINGERPRINT = WC_SHA256_DIGEST_SIZE,
    ENTRY_HEAD = 16,
    NAME_LIMIT = 2048
};

#define SAVED_LIMIT                                                                                \
    ((size_t)HEAD + NONCE + FINGERPRINT + 8 + DIGEST +                                             \
     RP_SESSIONS_TOTAL * (size_t)(ENTRY_HEAD + NAME_LIMIT + RP_SAVED_SESSION_LIMIT))

static const uint8_t mark[] = {'R', 'P', 'T', 'S', 1};

static rp_status no_memory(rp_error *error)
{
    return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory for saved TLS sessions");
}

static rp_status refuse(rp_error *error, const char *reason)
{
    return rp__error_set(error, RP_E_TLS_SESSIONS, RP_PHASE_NONE,
                         "the saved TLS sessions can't be used: %s", reason);
}

static void put_number(uint8_t *to, uint64_t number, size_t size)
{
    for (size_t i = size; i-- > 0; number >>= 8)
        to[i] = (uint8_t)number;
}

static uint64_t read_number(const uint8_t *from, size_t size)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++)
        number = number << 8 | from[i];
    return number;
}

/* "17 ": what the store's keys of a configuration begin with, and nothing else's. */
static size_t prefix_of(const rp_tls_config *config, char prefix[24])
{
    return (size_t)snprintf(prefix, 24, "%llu ", (unsigned long long)config->id);
}

/* ---- sealing ---- */

/* In place; the head is not secret, but sealed too. */
static bool seal(const uint8_t *key, const uint8_t *head, uint8_t *nonce, uint8_t *text,
                 size_t size, uint8_t *tag)
{
    Aes aes;
    WC_RNG rng;
    if (wc_InitRng(&rng) != 0)
        return false;
    bool good = wc_RNG_GenerateBlock(&rng, nonce, NONCE) == 0;
    wc_FreeRng(&rng);
    if (!good || wc_AesInit(&aes, NULL, INVALID_DEVID) != 0)
        return false;
    good =
        wc_AesGcmSetKey(&aes, key, RP_SEAL_KEY_BYTES) == 0 &&
        wc_AesGcmEncrypt(&aes, text, text, (word32)size, nonce, NONCE, tag, TAG, head, HEAD) == 0;
    wc_AesFree(&aes);
    rp__wipe(&aes, sizeof(aes));
    return good;
}

static bool unseal(const uint8_t *key, const uint8_t *head, const uint8_t *nonce,
                   const uint8_t *text, size_t size, uint8_t *opened)
{
    Aes aes;
    if (wc_AesInit(&aes, NULL, INVALID_DEVID) != 0)
        return false;
    bool good = wc_AesGcmSetKey(&aes, key, RP_SEAL_KEY_BYTES) == 0 &&
                wc_AesGcmDecrypt(&aes, opened, text, (word32)size, nonce, NONCE, text + size, TAG,
                                 head, HEAD) == 0;
    wc_AesFree(&aes);
    rp__wipe(&aes, sizeof(aes));
    return good;
}

/* ---- saving ---- */

typedef struct saver {
    rp_memory *memory;
    uint8_t *bytes;
    size_t used, capacity;
    uint32_t count;
    size_t prefix_size;
    bool no_memory;
} saver;

static uint8_t *extend(saver *to, size_t size)
{
    if (to->capacity - to->used < size) {
        size_t larger = 2 * to->capacity + size + 4096;
        uint8_t *grown = rp__reallocate_secret(to->memory, to->bytes, to->used, larger);
        to->no_memory = to->no_memory || grown == NULL;
        if (grown == NULL)
            return NULL;
        to->bytes = grown;
        to->capacity = larger;
    }
    uint8_t *place = to->bytes + to->used;
    to->used += size;
    return place;
}

static void save_one(const char *key, void *session, int64_t stored, void *user)
{
    saver *to = user;
    const char *name = key + to->prefix_size;
    size_t name_size = strlen(name);
    int size = wolfSSL_i2d_SSL_SESSION(session, NULL);
    if (to->no_memory || size <= 0 || (size_t)size > RP_SAVED_SESSION_LIMIT ||
        name_size > NAME_LIMIT)
        return;
    uint8_t *place = extend(to, ENTRY_HEAD + name_size + (size_t)size);
    if (place == NULL)
        return;
    put_number(place, name_size, 4);
    put_number(place + 4, (uint64_t)size, 4);
    put_number(place + 8, (uint64_t)stored, 8);
    memcpy(place + ENTRY_HEAD, name, name_size);
    place += ENTRY_HEAD + name_size;
    (void)wolfSSL_i2d_SSL_SESSION(session, &place);
    to->count++;
}

rp_status rp__sessions_save(rp_sessions *sessions, const rp_tls_config *config, const uint8_t *key,
                            rp_memory *memory, uint8_t **bytes, size_t *size, rp_error *error)
{
    char prefix[24];
    saver to = {.memory = memory, .prefix_size = prefix_of(config, prefix)};
    size_t begin = HEAD + (key != NULL ? NONCE : 0), end = key != NULL ? TAG : DIGEST;
    uint8_t *head = extend(&to, begin + FINGERPRINT + 8);
    *bytes = NULL;
    *size = 0;
    if (head != NULL)
        rp__sessions_each(sessions, prefix, save_one, &to);
    if (to.no_memory || extend(&to, end) == NULL) {
        rp__free_secret(memory, to.bytes, to.used);
        return no_memory(error);
    }
    head = to.bytes;
    memset(head, 0, HEAD);
    memcpy(head, mark, sizeof(mark));
    head[sizeof(mark)] = key != NULL;
    memcpy(head + begin, config->fingerprint, FINGERPRINT);
    put_number(head + begin + FINGERPRINT, LIBWOLFSSL_VERSION_HEX, 4);
    put_number(head + begin + FINGERPRINT + 4, to.count, 4);
    size_t body = to.used - begin - end;
    bool good = key != NULL ? seal(key, head, head + HEAD, head + begin, body, head + begin + body)
                            : wc_Sha256Hash(head, (word32)(begin + body), head + begin + body) == 0;
    if (!good) {
        rp__free_secret(memory, to.bytes, to.used);
        return no_memory(error); /* nothing else can be the matter */
    }
    rp__sessions_drop(sessions, prefix);
    *bytes = to.bytes;
    *size = to.used;
    return RP_OK;
}

/* ---- restoring ---- */

/* wolfSSL reads what it wrote, and no more than is there. Whatever it is, it is a client's. */
static WOLFSSL_SESSION *read_session(rp_slice bytes)
{
    const unsigned char *at = bytes.data;
    if (bytes.size == 0 || bytes.data[0] != WOLFSSL_CLIENT_END)
        return NULL;
    WOLFSSL_SESSION *session = wolfSSL_d2i_SSL_SESSION(NULL, &at, (long)bytes.size);
    if (session != NULL && at != bytes.data + bytes.size) {
        wolfSSL_SESSION_free(session);
        return NULL;
    }
    return session;
}

/* One entry, off the front of *rest. */
static bool read_entry(rp_slice *rest, rp_slice *name, rp_slice *session, int64_t *stored)
{
    if (rest->size < ENTRY_HEAD)
        return false;
    uint64_t name_size = read_number(rest->data, 4), size = read_number(rest->data + 4, 4);
    *stored = (int64_t)read_number(rest->data + 8, 8);
    if (name_size == 0 || name_size > NAME_LIMIT || size > RP_SAVED_SESSION_LIMIT || *stored < 0 ||
        rest->size - ENTRY_HEAD < name_size + size)
        return false;
    *name = (rp_slice){rest->data + ENTRY_HEAD, (size_t)name_size};
    *session = (rp_slice){name->data + name->size, (size_t)size};
    size_t all = ENTRY_HEAD + name->size + session->size;
    *rest = (rp_slice){rest->data + all, rest->size - all};
    return memchr(name->data, '\0', name->size) == NULL;
}

static rp_status read_entries(rp_sessions *incoming, const rp_tls_config *config, rp_slice rest,
                              uint32_t count, rp_error *error)
{
    char key[24 + NAME_LIMIT + 1];
    size_t prefix_size = prefix_of(config, key);
    for (; count > 0; count--) {
        rp_slice name, bytes;
        int64_t stored;
        WOLFSSL_SESSION *session = NULL;
        if (!read_entry(&rest, &name, &bytes, &stored) || (session = read_session(bytes)) == NULL)
            return refuse(error, "they are damaged");
        memcpy(key + prefix_size, name.data, name.size);
        key[prefix_size + name.size] = '\0';
        rp__sessions_put_stored(incoming, key, session, stored);
    }
    return rest.size == 0 ? RP_OK : refuse(error, "they are damaged");
}

static rp_status read_body(rp_sessions *incoming, const rp_tls_config *config, rp_slice body,
                           rp_error *error)
{
    const uint8_t *head = body.data;
    if (memcmp(head, config->fingerprint, FINGERPRINT) != 0)
        return refuse(error, "they were made under another TLS configuration");
    if (read_number(head + FINGERPRINT, 4) != LIBWOLFSSL_VERSION_HEX)
        return refuse(error, "they were saved by another version of wolfSSL");
    uint64_t count = read_number(head + FINGERPRINT + 4, 4);
    if (count > RP_SESSIONS_TOTAL)
        return refuse(error, "they are damaged");
    size_t size = FINGERPRINT + 8;
    return read_entries(incoming, config, (rp_slice){head + size, body.size - size},
                        (uint32_t)count, error);
}

/* Gives the store what is in incoming, the oldest first. */
static void move_one(const char *key, void *session, int64_t stored, void *user)
{
    rp_sessions *to = user;
    if (wolfSSL_SESSION_up_ref(session) == WOLFSSL_SUCCESS)
        rp__sessions_put_stored(to, key, session, stored);
}

static rp_status restore_body(rp_sessions *sessions, const rp_tls_config *config, rp_memory *memory,
                              rp_slice body, size_t *count, rp_error *error)
{
    rp_sessions *incoming = rp__sessions_create(memory);
    if (incoming == NULL)
        return no_memory(error);
    rp_status status = read_body(incoming, config, body, error);
    if (status == RP_OK) {
        rp__sessions_drop_expired(incoming);
        *count = rp__sessions_count(incoming);
        rp__sessions_each(incoming, "", move_one, sessions);
    }
    rp__sessions_destroy(incoming);
    return status;
}

static rp_status restore_sealed(rp_sessions *sessions, const rp_tls_config *config,
                                const uint8_t *key, rp_memory *memory, rp_slice saved,
                                size_t *count, rp_error *error)
{
    const uint8_t *nonce = saved.data + HEAD, *text = nonce + NONCE;
    size_t size = saved.size - HEAD - NONCE - TAG;
    uint8_t *opened = rp__allocate(memory, size);
    if (opened == NULL)
        return no_memory(error);
    rp_status status =
        unseal(key, saved.data, nonce, text, size, opened)
            ? restore_body(sessions, config, memory, (rp_slice){opened, size}, count, error)
            : refuse(error, "they are damaged, or sealed by another key");
    rp__free_secret(memory, opened, size);
    return status;
}

rp_status rp__sessions_restore(rp_sessions *sessions, const rp_tls_config *config,
                               const uint8_t *key, rp_memory *memory, rp_slice saved, size_t *count,
                               rp_error *error)
{
    uint8_t digest[DIGEST];
    *count = 0;
    size_t around = HEAD + (key != NULL ? NONCE + TAG : DIGEST);
    if (saved.size < HEAD || memcmp(saved.data, mark, sizeof(mark)) != 0 ||
        saved.data[sizeof(mark)] > 1 || saved.size > SAVED_LIMIT)
        return refuse(error, "their format is not this version's");
    if (saved.data[sizeof(mark)] != (key != NULL))
        return refuse(error, key != NULL ? "they are not sealed" : "they are sealed");
    if (saved.size < around + FINGERPRINT + 8)
        return refuse(error, "they are damaged");
    if (key != NULL)
        return restore_sealed(sessions, config, key, memory, saved, count, error);
    size_t size = saved.size - DIGEST;
    if (wc_Sha256Hash(saved.data, (word32)size, digest) != 0)
        return no_memory(error);
    if (memcmp(digest, saved.data + size, DIGEST) != 0)
        return refuse(error, "they are damaged");
    return restore_body(sessions, config, memory, (rp_slice){saved.data + HEAD, size - HEAD}, count,
                        error);
}

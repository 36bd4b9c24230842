/* fuzz_identity.c - any bytes as a key or certificate file: what is found lies within them, or
 * within what was decrypted of them.
 *
 * Input: the file. The passphrase is "secret". */
#include "fuzz/support/fuzz.h"
#include "tls/pem.h"
#include "tls/pkcs12.h"
#include "tls/pkcs5.h"

#include <stdlib.h>

#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/pwdbased.h>

/* The linker puts these in the place of wolfCrypt's: a file may ask for seconds of work. */
#define ITERATIONS_LIMIT 4

int __real_wc_PBKDF2(byte *output, const byte *password, int password_size, const byte *salt,
                     int salt_size, int iterations, int size, int hash);
int __wrap_wc_PBKDF2(byte *output, const byte *password, int password_size, const byte *salt,
                     int salt_size, int iterations, int size, int hash);

int __wrap_wc_PBKDF2(byte *output, const byte *password, int password_size, const byte *salt,
                     int salt_size, int iterations, int size, int hash)
{
    return __real_wc_PBKDF2(output, password, password_size, salt, salt_size,
                            iterations < ITERATIONS_LIMIT ? iterations : ITERATIONS_LIMIT, size,
                            hash);
}

int __real_wc_PKCS12_PBKDF(byte *output, const byte *password, int password_size, const byte *salt,
                           int salt_size, int iterations, int size, int hash, int id);
int __wrap_wc_PKCS12_PBKDF(byte *output, const byte *password, int password_size, const byte *salt,
                           int salt_size, int iterations, int size, int hash, int id);

int __wrap_wc_PKCS12_PBKDF(byte *output, const byte *password, int password_size, const byte *salt,
                           int salt_size, int iterations, int size, int hash, int id)
{
    return __real_wc_PKCS12_PBKDF(output, password, password_size, salt, salt_size,
                                  iterations < ITERATIONS_LIMIT ? iterations : ITERATIONS_LIMIT,
                                  size, hash, id);
}

static const rp_slice password = {(const uint8_t *)"secret", 6};

static bool within(rp_slice part, rp_slice whole)
{
    return part.data >= whole.data && part.size <= whole.size &&
           part.data + part.size <= whole.data + whole.size;
}

static void check_part(rp_slice part, rp_slice file, const rp_pkcs12 *found)
{
    bool good = within(part, file);
    for (size_t i = 0; i < found->opened_count && !good; i++)
        good = within(part, (rp_slice){found->opened[i].bytes, found->opened[i].size});
    FUZZ_CHECK(good);
}

static void check_pkcs12(rp_slice file)
{
    rp_memory memory;
    rp_pkcs12 found;
    const char *reason;
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    fuzz_feature(1, rp__pkcs12_is(file));
    rp_status status = rp__pkcs12_read(&found, &memory, file, password, &reason);
    FUZZ_CHECK((status == RP_OK) == (reason == NULL));
    fuzz_feature(2, status == RP_OK ? (uint32_t)found.count : 0);
    if (status == RP_OK) {
        if (found.key.data != NULL)
            check_part(found.key, file, &found);
        for (size_t i = 0; i < found.count; i++)
            check_part(found.certificates[i], file, &found);
    }
    rp__pkcs12_free(&found);
    FUZZ_CHECK(memory.live == 0);
}

static void check_key(rp_slice file)
{
    uint8_t *opened = malloc(file.size + 1);
    size_t size = 0;
    FUZZ_CHECK(opened != NULL);
    bool locked = rp__pkcs8_is_locked(file);
    bool open = rp__pkcs8_open(file, password, opened, &size) == NULL;
    FUZZ_CHECK(!open || (locked && size > 0 && size < file.size));
    free(opened);
}

static void check_pem(rp_slice file)
{
    rp_memory memory;
    rp_pem block;
    size_t size;
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    for (rp_slice rest = file; rp__pem_next(&rest, &block);) {
        FUZZ_CHECK(within(block.label, file) && within(block.body, file) && within(rest, file));
        uint8_t *der = rp__pem_decode(&memory, &block, &size);
        FUZZ_CHECK(der != NULL && size <= block.body.size);
        check_key((rp_slice){der, size});
        rp__free_secret(&memory, der, size);
    }
    FUZZ_CHECK(memory.live == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rp_slice file = {data, size};
    check_pkcs12(file);
    check_key(file);
    check_pem(file);
    return 0;
}

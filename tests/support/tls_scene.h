/* tls_scene.h - a client that has said its hello, and what a genuine server answered, which has not
 * reached it: a test sends it on in other records, changed, or with something else in between. */
#ifndef TESTS_TLS_SCENE_H
#define TESTS_TLS_SCENE_H

#include "support/tls_pair.h"
#include "support/tls_seal.h"

/* RFC 8446, 5.1 */
enum { TLS_ALERT_RECORD = 21, TLS_HANDSHAKE_RECORD = 22, TLS_DATA_RECORD = 23 };

typedef struct tls_scene {
    rp_tls_config *client_config, *server_config;
    tls_pair pair;
    tls_end *client;
    tls_keys keys; /* the server's, by the client's key log */
    uint8_t handshake_secret[TLS_SECRET_BYTES], traffic_secret[TLS_SECRET_BYTES];
    uint8_t client_random[TLS_RANDOM_BYTES], master[TLS_MASTER_BYTES]; /* of TLS 1.2 */
    /* ServerHello's record, and the messages after it. TLS 1.2: all of the messages. */
    uint8_t hello[2048], flight[8192];
    size_t hello_size, flight_size;
    size_t answered; /* of the client's data */
} tls_scene;

/* What needs scripts/deps-wolfssl-5.9.2.patch, or 5.9.2 itself. */
bool tls_old_wolfssl(void);
/* Of a handshake message, by its header, which counts. */
size_t tls_message_size(const uint8_t *header);
void tls_read_hex(uint8_t *bytes, size_t size, const char *hex);

/* Of the scenes that are opened: the server's certificate, "server-ecdsa" at first, which the test
 * puts back, and the client's policy. */
extern const char *tls_scene_leaf;
extern rp_revocation_policy tls_scene_revocation;
/* Whom the client trusts instead of ca.pem, in PEM; NULL at first. */
extern const char *tls_scene_ca;

/* ---- TLS 1.3 ---- */

void tls_scene_open(tls_scene *s, const char *alpn);
/* Both know these groups alone. */
void tls_scene_open_groups(tls_scene *s, const char *groups);
/* The client has ServerHello; what comes behind it is in flight. */
void tls_scene_hello(tls_scene *s);
void tls_scene_connect(tls_scene *s);
/* Seals a record. */
void tls_scene_send(tls_scene *s, uint8_t type, const uint8_t *content, size_t size);
/* In two records, the first of cut bytes. */
void tls_scene_send_cut(tls_scene *s, const uint8_t *messages, size_t size, size_t cut);
void tls_scene_expect_data(tls_scene *s);

/* ---- TLS 1.2, and before ServerHello ---- */

/* of_client: the newest version that it offers; 0: both. */
void tls_scene_open_12(tls_scene *s, rp_tls_version of_client);
void tls_scene_send_plain(tls_scene *s, const uint8_t *messages, size_t size);
void tls_scene_expect_open(tls_scene *s);
/* TLS 1.2, after the handshake: seals a record. */
void tls_scene_connect_12(tls_scene *s);
void tls_scene_send_12(tls_scene *s, uint8_t type, const uint8_t *content, size_t size);

/* ---- Both ---- */

/* The alert that the client has sent last, in plain text or as the server opens it, which gets all
 * of the client's output; -1: none. */
int tls_scene_alert(tls_scene *s);
void tls_scene_close(tls_scene *s);

#endif

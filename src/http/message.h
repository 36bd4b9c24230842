/* message.h - a request as HTTP has it, whatever its version (RFC 9110): checked and packed once,
 * when it is made; each version writes its own bytes from that, as often as it must. */
#ifndef RP_HTTP_MESSAGE_H
#define RP_HTTP_MESSAGE_H

#include "base/slice.h"
#include "http/url.h"
#include <ringport/http.h>

/* What is sent as User-Agent, and was looked at once, for all requests. Zero: none. */
typedef struct rp_user_agent {
    const char *text;
    uint32_t size;
    bool has_control; /* a character that no value may have (RFC 9110, 5.5) */
} rp_user_agent;
/* The text is borrowed; "": none. */
rp_user_agent rp__user_agent_of(const char *text);

/* What the caller asks for. */
typedef struct rp_message_source {
    const char *method;
    const rp_url *url;
    const rp_header *headers;
    size_t header_count;
    rp_user_agent user_agent;
    const char *scheme, *credentials; /* Authorization's value, in two parts, if the caller gives
                                       * none; credentials NULL: none is sent */
    const char *accept_encoding;      /* NULL: none */
    bool has_body;
    uint64_t body_size;  /* RP_LENGTH_UNKNOWN: it is not known */
    bool expects;        /* 100 Continue */
    bool expects_http1;  /* likewise, and not with HTTP/2 */
    const char *target;  /* in place of the URL's path and query; NULL: that */
    const char *upgrade; /* to one of these protocols; NULL: none is asked for */
} rp_message_source;

/* Method, authority, target and the caller's fields are in bytes, one behind the other; what is
 * sent beside them stands here. */
typedef struct rp_message {
    const uint8_t *bytes;
    size_t size; /* in bytes; if that was not to be had, so many are needed */
    uint32_t method_size, authority_size, target_size;
    uint32_t authority_at, target_at, fields_at;
    uint32_t field_count;
    uint32_t user_agent_size;
    const char *user_agent; /* NULL: none, or among the fields; else borrowed from the source */
    uint64_t length;        /* if says_length */
    bool https;
    bool says_length;              /* Content-Length, which is not among the fields */
    bool says_accept;              /* likewise, of anything */
    bool says_host;                /* likewise: the authority is the URL's */
    bool says_expect;              /* likewise: 100-continue, with any version... */
    bool says_expect_http1;        /* ...or with HTTP/1.1 only */
    bool chunked;                  /* with HTTP/1.1 */
    bool own_target;               /* the caller's: whole as it is */
    bool says_close;               /* Connection: close is among the fields */
    bool leads_with_authorization; /* which is among them, to be written before them */
} rp_message;

/* Checks method and headers (RFC 9110, 5.1, 5.5, 9.1: tokens, no control characters; nothing in
 * Host, Content-Length, Transfer-Encoding, Expect or Connection that contradicts what ringport will
 * do) and packs the message into bytes. To be sent are Host (with the port if it is not the
 * default), User-Agent, Accept (anything), Content-Length (with a body whose length is known, or
 * for methods that expect one) and Expect. A header of the caller replaces the default, and one
 * with value "" suppresses User-Agent, Accept, and Content-Length where there is no body.
 * Upgrade, with its Connection, is among the fields behind the caller's, and so are credentials and
 * Accept-Encoding, which is left out of
 * a request for a range: its answer would be a part of something encoded. RP_E_BAD_HEADER: *error
 * names the header, and bytes are wiped. If the capacity was too small, the message is not usable,
 * and to be packed again into message->size bytes. */
rp_status rp__message_pack(rp_message *message, const rp_message_source *source, uint8_t *bytes,
                           size_t capacity, rp_error *error);

/* Is 100 Continue waited for, with this version? */
static inline bool rp__message_expects(const rp_message *message, int version)
{
    return message->says_expect || (message->says_expect_http1 && version == 11);
}

typedef struct rp_field {
    rp_slice name, value;
} rp_field;

/* What becomes of a message that goes to another URL. */
typedef struct rp_message_change {
    const rp_url *url;
    const char *method;
    bool without_body;
    /* Does it keep this field? */
    bool (*keeps)(const rp_field *field, const void *user);
    const void *user;
    const rp_header *headers; /* more fields */
    size_t header_count;
    const char *credentials; /* Authorization's, if it has none by then; NULL: none is sent */
} rp_message_change;

/* As rp__message_pack, of a packed message. */
rp_status rp__message_pack_changed(rp_message *message, const rp_message *from,
                                   const rp_message_change *change, uint8_t *bytes, size_t capacity,
                                   rp_error *error);

/* What is in a packed message. */
rp_slice rp__message_method(const rp_message *message);
rp_slice rp__message_authority(const rp_message *message);     /* "host:port": as Host has it */
rp_slice rp__message_url_authority(const rp_message *message); /* whatever Host says */
rp_slice rp__message_target(const rp_message *message);        /* "/path?query" */

/* The caller's fields in their order, names as they were given. *at is 0 before the first; false:
 * there is no other. */
bool rp__message_next(const rp_message *message, size_t *at, rp_field *field);

/* The value of the first field of this name; size 0: there is none. */
rp_slice rp__message_field(const rp_message *message, const char *name);

/* RFC 9110, 9.2.2: may be sent twice. */
bool rp__method_idempotent(const char *method);

#endif

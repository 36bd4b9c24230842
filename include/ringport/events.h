/* events.h - server-sent events: a reader of text/event-stream (WHATWG HTML, 9.2), for on_body.
 *
 * Bytes in, events out, whatever the cuts: it opens nothing and keeps no time. Whoever has such a
 * stream sets idle_timeout_ms of the request to more than its server is silent for (many send a
 * comment each 15 or 30 s), and looks at the response's status and Content-Type first. When it
 * ends, however it does, the next request goes out after rp_event_reader_retry_ms, with
 * rp_event_reader_last_id as Last-Event-ID unless that is "", and rp_event_reader_restart comes
 * before its first byte; status 204 means that there is to be none. See docs/guide-events.md. */
#ifndef RINGPORT_EVENTS_H
#define RINGPORT_EVENTS_H

#include <ringport/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rp_event_reader rp_event_reader;

/* Valid until on_event returns. Text is as it came: whether it is UTF-8 was not looked at. */
typedef struct rp_event {
    const char *type; /* "message" unless the server says otherwise. NUL-terminated */
    const char *data; /* its lines, LF between them. NUL-terminated, though it may hold NULs */
    size_t data_size;
    const char *id; /* the last one that the server gave, with this event or before; "": none */
} rp_event;

typedef struct rp_event_reader_options {
    void (*on_event)(const rp_event *event, void *user); /* may destroy the reader */
    void *user;
    size_t line_limit_bytes;  /* 0: 64 KiB */
    size_t event_limit_bytes; /* of an event's data; 0: 1 MiB */
} rp_event_reader_options;

/* Its memory is the loop's, which must outlive it. error may be NULL.
 * Errors: RP_E_NO_MEMORY, RP_E_BAD_OPTION (no on_event), RP_E_MISUSE. */
rp_status rp_event_reader_create_sized(rp_event_reader **reader, rp_loop *loop,
                                       const rp_event_reader_options *options, size_t options_size,
                                       rp_error *error);
static inline rp_status rp_event_reader_create(rp_event_reader **reader, rp_loop *loop,
                                               const rp_event_reader_options *options,
                                               rp_error *error)
{
    return rp_event_reader_create_sized(reader, loop, options, sizeof(rp_event_reader_options),
                                        error);
}

/* NULL does nothing. */
void rp_event_reader_destroy(rp_event_reader *reader);

/* The next bytes of the body; calls on_event inside, not to be called from there. Errors:
 * RP_E_BODY_TOO_LARGE (a line or an event over its limit), RP_E_NO_MEMORY; then the request had
 * better be cancelled, for nothing more is read until rp_event_reader_restart. */
rp_status rp_event_reader_feed(rp_event_reader *reader, const void *data, size_t size,
                               rp_error *error);

/* Another stream begins: what is left of an event that was not whole is dropped, as it must be. */
void rp_event_reader_restart(rp_event_reader *reader);

/* For Last-Event-ID: valid until the next feed. "": none. */
const char *rp_event_reader_last_id(const rp_event_reader *reader);
/* How long to wait before the next request, as the server last said; 0: it did not. */
uint64_t rp_event_reader_retry_ms(const rp_event_reader *reader);

#ifdef __cplusplus
}
#endif
#endif

/* h2_flow.c - receive windows (RFC 9113, 5.2).
 *
 * A window bounds what may be on its way, so it has to be bandwidth times delay, or it is what
 * limits. Bodies are given away as they come, so a large window costs no memory but where the
 * caller holds back (receive_credit_bytes): what is held is bounded by the stream's window.
 *
 * The delay is the shortest round trip seen: of SETTINGS, which every connection begins with, and
 * of PINGs. What comes in one is what the path carries, or what the window let through: the windows
 * become four times that. A stream's goes up from the first that it needs; the connection's is at
 * least as large as one stream's. */
#include "http/h2_inside.h"

#define WINDOW_FIRST ((size_t)4 * 1024 * 1024)
#define WINDOW_OF_LARGE ((size_t)1024 * 1024) /* of a stream whose body is, or may be, large */
#define WINDOW_MOST ((size_t)0x7fffffff)      /* RFC 9113, 6.9.1 */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

bool rp_h2_flow_begin(rp_h2 *h2)
{
    size_t limit = least(h2->options.window_limit, WINDOW_MOST);
    h2->options.window_limit = limit;
    h2->stream_window = least(h2->options.stream_window, limit);
    h2->window = least(WINDOW_FIRST, limit);
    if (h2->window < NGHTTP2_INITIAL_CONNECTION_WINDOW_SIZE)
        h2->window = NGHTTP2_INITIAL_CONNECTION_WINDOW_SIZE; /* it begins with that */
    nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (uint32_t)h2->stream_window},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
         (uint32_t)least(h2->options.head_bytes, UINT32_MAX)},
    };
    return nghttp2_submit_settings(h2->ng, NGHTTP2_FLAG_NONE, settings,
                                   sizeof(settings) / sizeof(settings[0])) == 0 &&
           nghttp2_session_set_local_window_size(h2->ng, NGHTTP2_FLAG_NONE, 0,
                                                 (int32_t)h2->window) == 0;
}

void rp_h2_flow_trip(rp_h2 *h2, uint64_t sent_ns)
{
    uint64_t trip_ns = h2->now_ns - sent_ns;
    if (sent_ns > 0 && h2->now_ns > sent_ns && (h2->trip_ns == 0 || trip_ns < h2->trip_ns))
        h2->trip_ns = trip_ns;
}

/* More came in a round trip than a quarter of what streams may have on their way. */
static void grow(rp_h2 *h2, uint64_t trip_bytes)
{
    size_t limit = h2->options.window_limit;
    while (h2->stream_window < limit && h2->stream_window < 4 * trip_bytes)
        h2->stream_window = least(2 * h2->stream_window, limit);
    if (h2->stream_window <= h2->window)
        return;
    h2->window = h2->stream_window;
    (void)nghttp2_session_set_local_window_size(h2->ng, NGHTTP2_FLAG_NONE, 0, (int32_t)h2->window);
}

static void stream_grow(stream *s, size_t wanted)
{
    if (s->limited && wanted > s->credit)
        wanted = s->credit;
    if (wanted <= s->window || s->finishing)
        return;
    s->window = (uint32_t)wanted;
    (void)nghttp2_session_set_local_window_size(s->h2->ng, NGHTTP2_FLAG_NONE, (int32_t)s->is.id,
                                                (int32_t)s->window);
}

void rp_h2_flow_came(rp_h2 *h2, stream *s, size_t size)
{
    (void)nghttp2_session_consume_connection(h2->ng, size);
    h2->sample_bytes += size;
    h2->flowing = s->is.id;
    stream_grow(s, h2->stream_window);
}

void rp_h2_flow_head(stream *s)
{
    if (s->is.length > s->window)
        stream_grow(s, least(WINDOW_OF_LARGE, s->h2->options.window_limit));
}

void rp_h2_flow_sample(rp_h2 *h2)
{
    uint64_t span_ns = h2->now_ns - h2->sample_ns;
    if (h2->sample_bytes == 0 || h2->trip_ns == 0 || span_ns < h2->trip_ns)
        return;
    double trips = (double)span_ns / (double)h2->trip_ns;
    grow(h2, (uint64_t)((double)h2->sample_bytes / trips));
    h2->sample_ns = h2->now_ns;
    h2->sample_bytes = 0;
    stream *s = rp_h2_find(h2, (int32_t)h2->flowing);
    if (s != NULL)
        stream_grow(s, h2->stream_window);
}

void rp_h2_flow_consumed(stream *s, size_t size)
{
    if (!s->closed && size > 0)
        (void)nghttp2_session_consume_stream(s->h2->ng, (int32_t)s->is.id, size);
}

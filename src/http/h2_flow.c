/* h2_flow.c - receive windows (RFC 9113, 5.2).
 *
 * A window bounds what may be on its way, so it has to be bandwidth times delay, or it is what
 * limits. Bodies are given away as they come, so a large window costs no memory but where the
 * caller holds back (receive_credit_bytes): what is held is bounded by the stream's window.
 *
 * The delay is the shortest round trip seen: of SETTINGS, which every connection begins with, and
 * of PINGs. What comes in one is what the path carries, or what the window let through: the windows
 * become four times that. A stream's goes up from the first that it needs; the connection's is at
 * least as large as one stream's.
 *
 * Of a window so much is left for the server to send; the rest has come, was consumed, or is owed:
 * what is consumed goes back, in one WINDOW_UPDATE, when it is half of the window. */
#include "http/h2_inside.h"

#define WINDOW_FIRST ((size_t)4 * 1024 * 1024)
#define WINDOW_OF_LARGE ((size_t)1024 * 1024) /* of a stream whose body is, or may be, large */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Of the connection's window, which may be used from now on: a server that knew could as well. */
static void owe_all(rp_h2 *h2, uint32_t size)
{
    h2->owed += size;
    h2->left += size;
}

void rp__h2_flow_begin(rp_h2 *h2)
{
    size_t limit = least(h2->options.window_limit, WINDOW_MOST);
    h2->options.window_limit = limit;
    h2->options.stream_window = least(h2->options.stream_window, limit);
    h2->stream_window = h2->options.stream_window;
    h2->window = least(WINDOW_FIRST, limit);
    if (h2->window < WINDOW_BEGIN)
        h2->window = WINDOW_BEGIN; /* it begins with that */
    h2->left = WINDOW_BEGIN;
    owe_all(h2, (uint32_t)h2->window - WINDOW_BEGIN);
}

/* Until it has our settings the server may go by what a window is without them. */
static int64_t more_at_first(const rp_h2 *h2)
{
    size_t window = h2->options.stream_window;
    return window < WINDOW_BEGIN ? WINDOW_BEGIN - (int64_t)window : 0;
}

void rp__h2_flow_stream(stream *s)
{
    const rp_h2 *h2 = s->h2;
    s->window = (uint32_t)h2->options.stream_window;
    s->left = s->window + (h2->settings_acked ? 0 : more_at_first(h2));
}

void rp__h2_flow_acked(rp_h2 *h2)
{
    int64_t more = more_at_first(h2);
    h2->settings_acked = true;
    for (rp_link *link = h2->all.next; link != &h2->all && more > 0; link = link->next)
        RP_CONTAINER(link, stream, all_link)->left -= more;
}

void rp__h2_flow_trip(rp_h2 *h2, uint64_t sent_ns)
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
    owe_all(h2, (uint32_t)(h2->stream_window - h2->window));
    h2->window = h2->stream_window;
}

static void owe(stream *s, uint32_t size)
{
    s->owed += size;
    if (rp__list_empty(&s->window_link))
        rp__list_append(&s->h2->windows, &s->window_link);
}

static bool is_over(const stream *s)
{
    return s->closed || s->resetting || s->remote_ended;
}

static void stream_grow(stream *s, size_t wanted)
{
    if (s->limited && wanted > s->credit)
        wanted = s->credit;
    if (wanted <= s->window || is_over(s))
        return;
    uint32_t more = (uint32_t)wanted - s->window;
    s->window = (uint32_t)wanted;
    owe(s, more);
}

bool rp__h2_flow_frame(rp_h2 *h2, uint32_t size)
{
    if (size > h2->left)
        return false;
    h2->left -= size;
    h2->consumed += size;
    if (h2->consumed >= h2->window / 2) {
        owe_all(h2, h2->consumed);
        h2->consumed = 0;
    }
    return true;
}

void rp__h2_flow_came(rp_h2 *h2, stream *s, size_t size)
{
    h2->sample_bytes += size;
    h2->flowing = s->is.id;
    stream_grow(s, h2->stream_window);
}

void rp__h2_flow_head(stream *s)
{
    if (s->is.length > s->window)
        stream_grow(s, least(WINDOW_OF_LARGE, s->h2->options.window_limit));
}

void rp__h2_flow_sample(rp_h2 *h2)
{
    uint64_t span_ns = h2->now_ns - h2->sample_ns;
    if (h2->sample_bytes == 0 || h2->trip_ns == 0 || span_ns < h2->trip_ns)
        return;
    double trips = (double)span_ns / (double)h2->trip_ns;
    grow(h2, (uint64_t)((double)h2->sample_bytes / trips));
    h2->sample_ns = h2->now_ns;
    h2->sample_bytes = 0;
    stream *s = rp__h2_on_wire(h2, h2->flowing);
    if (s != NULL && s->awaited)
        stream_grow(s, h2->stream_window);
}

void rp__h2_flow_consumed(stream *s, size_t size)
{
    if (is_over(s))
        return;
    s->consumed += (uint32_t)size;
    if (s->consumed == 0 || s->consumed < s->window / 2)
        return;
    owe(s, s->consumed);
    s->consumed = 0;
}

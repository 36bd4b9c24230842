/* events.c - answers that are server-sent events, numbered: each is told once, whole and in order,
 * whatever happens to the bytes on their way. */
#include "swarm/world.h"

#include <stdio.h>
#include <string.h>

/* Of one kind of line ends each. */
static const char *const formats[] = {"id:%08u\ndata:%08u\n\n", "id:%08u\rdata:%08u\r\r",
                                      "id:%08u\r\ndata:%08u\r\n\r\n"};
#define KINDS (sizeof(formats) / sizeof(formats[0]))

static size_t event_text(const call *c, uint64_t number, char text[40])
{
    unsigned n = (unsigned)(number % 100000000);
    return (size_t)snprintf(text, 40, formats[c->id % KINDS], n, n);
}

uint8_t call_plain_byte(const call *c, uint64_t at)
{
    char text[40];
    if (!c->events)
        return world_byte(c->id, false, at);
    size_t size = event_text(c, 0, text);
    (void)event_text(c, at / size, text);
    return (uint8_t)text[at % size];
}

static void on_event(const rp_event *event, void *user)
{
    call *c = user;
    char number[16];
    (void)snprintf(number, sizeof(number), "%08u", c->heard++);
    CHECK(strcmp(event->type, "message") == 0);
    CHECK(strcmp(event->data, number) == 0 && strcmp(event->id, number) == 0);
}

/* What a reader may lack is memory. */
static void deaf(call *c, rp_status status)
{
    CHECK(status == RP_E_NO_MEMORY && c->world->knobs.faulty);
    rp_event_reader_destroy(c->reader);
    c->reader = NULL;
    c->events_missed = true;
}

void call_hear(call *c, const uint8_t *data, size_t size)
{
    rp_event_reader_options options = {.on_event = on_event, .user = c};
    rp_status status = RP_OK;
    if (!c->events || c->events_missed || c->strange || c->zeros)
        return;
    if (c->reader == NULL)
        status = rp_event_reader_create(&c->reader, c->world->loop, &options, NULL);
    if (status == RP_OK)
        status = rp_event_reader_feed(c->reader, data, size, NULL);
    if (status != RP_OK)
        deaf(c, status);
}

/* All that are whole; a CR ends a line, though its LF has not come. */
void call_hear_end(call *c)
{
    char text[40];
    size_t size = event_text(c, 0, text);
    bool crlf = text[size - 1] == '\n' && text[size - 2] == '\r';
    if (c->reader != NULL && !c->strange)
        CHECK(c->heard == (c->received + crlf) / size);
    rp_event_reader_destroy(c->reader);
    c->reader = NULL;
}

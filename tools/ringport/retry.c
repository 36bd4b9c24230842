/* retry.c - see retry.h. */
#include "retry.h"

#include "date.h"
#include "exit_code.h"
#include "host.h"
#include "option.h"

#include <string.h>

#define FIRST_MS 1000
#define LONGEST_MS 600000

static bool is_transient(const result *r)
{
    const tool_options *o = r->options;
    switch (r->exit_code) {
    case EXIT_RESOLVE:
    case EXIT_TIMEOUT:
        return true;
    case EXIT_CONNECT:
        return o->retry_refused || o->retry_all;
    case EXIT_OK:
    case EXIT_HTTP_STATUS:
        break;
    default:
        return o->retry_all;
    }
    switch (r->status) {
    case 408:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
        return true;
    default:
        return r->exit_code == EXIT_HTTP_STATUS && o->retry_all;
    }
}

/* Seconds, or a date (RFC 9110, 10.2.3); 0: it does not say. */
static uint64_t asked_for_ms(const result *r)
{
    const char *value = head_value(&r->head, "retry-after", 0);
    uint64_t seconds;
    int64_t time, now = host_wall_clock();
    if (value == NULL)
        return 0;
    if (option_parse_count(value, 1000000, &seconds))
        return seconds * 1000;
    return date_parse(value, &time) && time > now ? (uint64_t)(time - now) * 1000 : 0;
}

bool retry_wanted(retry *r, const result *outcome, uint64_t now_ns, uint64_t *delay_ms)
{
    const tool_options *o = outcome->options;
    if (!r->begun) {
        *r = (retry){o->retries, FIRST_MS, r->begin_ns, true};
        if (o->retry_delay_ms > 0)
            r->sleep_ms = o->retry_delay_ms;
    }
    if (r->left == 0 || !is_transient(outcome))
        return false;
    uint64_t asked = asked_for_ms(outcome), spent_ms = (now_ns - r->begin_ns) / 1000000;
    *delay_ms = asked > 0 ? asked : r->sleep_ms;
    if (o->retry_time_ms > 0 &&
        (spent_ms >= o->retry_time_ms || (asked > 0 && asked > o->retry_time_ms - spent_ms)))
        return false;
    r->left--;
    if (o->retry_delay_ms == 0)
        r->sleep_ms = r->sleep_ms * 2 < LONGEST_MS ? r->sleep_ms * 2 : LONGEST_MS;
    return true;
}

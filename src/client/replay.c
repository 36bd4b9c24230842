/* replay.c - see replay.h. */
#include "client/replay.h"

#include "base/error.h"
#include "client/request.h"

/* A request goes to so many new connections at most that say something before they are asked. A
 * server that does so on fresh connections, one after another, does it always. */
#define FRESH_LIMIT 3
#define ATTEMPTS_LIMIT 2

/* RFC 9112, 9.3.1: a request that a closing connection swallowed may go out once more, on a fresh
 * connection, if the server cannot mind: its method is idempotent. */
static bool may_replay(const rp_request *request)
{
    const rp_client *client = request->client;
    return request->on_used && !request->begun && !request->cancelled &&
           request->attempts < ATTEMPTS_LIMIT && !client->options.never_replay &&
           !client->destroyed && request->idempotent;
}

bool rp_replay_again(rp_request *request, rp_fate fate)
{
    if (fate == RP_FATE_UNKNOWN) {
        bool again = may_replay(request);
        request->fresh_only = request->fresh_only || again;
        return again;
    }
    if (request->moved < UINT8_MAX)
        request->moved++;
    request->moved_fresh = (uint8_t)(request->moved_fresh + !request->on_used);
    return request->moved_fresh < FRESH_LIMIT;
}

void rp_replay_error(const rp_request *request, const char *peer, rp_error *error)
{
    rp_error was = *error;
    bool early =
        was.status == RP_E_CLOSED_EARLY || was.status == RP_E_RESET || was.status == RP_E_TRUNCATED;
    if (request->begun || !request->on_used || !early)
        return;
    (void)rp_error_set(error, RP_E_STALE_CONNECTION, RP_PHASE_HEAD,
                       "%s closed the reused connection before it answered (%.80s)", peer,
                       was.text);
    error->os_code = was.os_code;
}

void rp_replay_verdict(const rp_request *request, rp_error *error)
{
    error->reused = request->reused;
    error->bytes_sent = request->bytes_sent;
    error->replay_safe = error->replay_safe || request->bytes_sent == 0;
}

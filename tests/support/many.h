/* many.h - an HTTP client whose connections speak a protocol of the test's own, which takes many
 * requests on each (client/protocol.h): for what stands above the seam.
 *
 * The protocol writes nothing and reads nothing: the test says what the server says of a request,
 * and how many it takes. The server takes connections, and drops them where a test wants it. */
#ifndef RP_TESTS_MANY_H
#define RP_TESTS_MANY_H

#include "client/conn.h"
#include "client/request.h"
#include "support/web.h"

enum { MANY = 100, MANY_FETCHES = 600 };

typedef struct many {
    web w;
    fetch all[MANY_FETCHES];
    rp_deferred later; /* the rest is for what happens in a turn */
    rp_request *subject;
    int status;
    rp_fate fate;
    rp_error error;
    bool happened;
} many;

/* What holds for the connections to come; many_begin sets it to MANY and no. */
extern uint32_t many_takes;     /* requests at once */
extern bool many_says_late;     /* that is said by many_say, and MANY are taken before */
extern bool many_keeps_nothing; /* a connection's end says that nothing of its requests was seen */

/* client NULL: all defaults. */
many *many_begin(const rp_client_options *client);
void many_end(many *m);
rp_origin *many_origin(const many *m);

void many_start(many *m, unsigned first, unsigned count, const rp_request_options *options);
/* Requests that a connection has. */
unsigned many_active(const many *m);
rp_conn *many_conn(const many *m, unsigned which);
/* Turns until so many are active. */
void many_until_active(many *m, unsigned count);
void many_turn_ms(many *m, unsigned ms);
/* Turns until the server has taken so many connections in all, or more, and drops those that there
 * are. */
void many_drop(many *m, unsigned connections);

/* The server says how many requests it takes at once on this connection, now or anew. */
void many_say(rp_conn *conn, uint32_t count);
/* The connection has no room for a reason of its own, or has again. */
void many_room(rp_conn *conn, uint32_t count);
/* It has the head of an answer for the request, and no body. */
void many_head(many *m, unsigned which, int status);
/* That is 200, and the caller is told. */
void many_answer(many *m, unsigned which);
void many_answer_all(many *m, unsigned first, unsigned count);
/* It has a head, and then gives the request back. */
void many_break_off(many *m, unsigned which, uint32_t h2_code);
/* It gives the request back, with an error of this code. */
void many_give_back(many *m, unsigned which, rp_fate fate, uint32_t h2_code);

#endif

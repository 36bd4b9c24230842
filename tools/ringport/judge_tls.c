/* judge_tls.c - situations of HTTP/1.1 with TLS: whom the server is, and how a connection ends. */
#include "judge.h"

#define BYTES(text) .bytes = (text), .size = sizeof(text) - 1
#define OK "HTTP/1.1 200 OK\r\n"
#define LENGTH "Content-Length: 13\r\n"
#define FORGED OK "Content-Length: 14\r\n\r\n" JUDGE_FORGED

/* In one send, each in a record of its own. */
static void add_record(rp_sim_exchange *x, judge_run *run)
{
    (void)run;
    rp_sim_hold(x);
    rp_sim_print(x, "%s%s\r\n%s", OK, LENGTH, JUDGE_WHOLE);
    rp_sim_write(x, FORGED, sizeof(FORGED) - 1);
    rp_sim_flush(x);
    rp_sim_end(x, RP_SIM_KEEP);
}

/* A byte within the second record. */
static void corrupt(rp_sim_exchange *x, judge_run *run)
{
    (void)run;
    rp_sim_print(x, "%s%s\r\n", OK, LENGTH);
    rp_sim_corrupt(x, 10); /* behind the record's head */
    rp_sim_print(x, "%s", JUDGE_WHOLE);
    rp_sim_end(x, RP_SIM_KEEP);
}

static void say_plainly(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_write_raw(x, FORGED, sizeof(FORGED) - 1);
    rp_sim_end(x, RP_SIM_END_TRUNCATED);
}

/* Each byte in a record of its own, and all of them in one send. */
static void small_records(rp_sim_exchange *x, judge_run *run)
{
    (void)run;
    rp_sim_hold(x);
    for (const char *c = OK LENGTH "\r\n" JUDGE_WHOLE; *c != '\0'; c++)
        rp_sim_write(x, c, 1);
    rp_sim_flush(x);
    rp_sim_end(x, RP_SIM_KEEP);
}

static void alert_at_once(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_write_raw(x, "\x15\3\3\0\2\2\x28", 7); /* handshake_failure */
    rp_sim_end(x, RP_SIM_END_TRUNCATED);
}

static void say_nothing(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_end(x, RP_SIM_END_STALLED);
}

/* A ServerHello of an older version: with 0x002f, RSA with AES-128-CBC and SHA-1, which many
 * clients offer for TLS 1.2's sake, and with renegotiation_info (RFC 5746), so that nothing else is
 * against it. Who takes it waits for the certificate: more of the handshake would need a TLS 1.0
 * of ours. */
#define OLD_HELLO(minor)                                                                           \
    "\x16\3" minor "\0\x31\2\0\0\x2d\3" minor "the random of an obsolete server"                   \
    "\0"                                                                                           \
    "\0\x2f\0\0\5\xff\1\0\1\0"

_Static_assert(sizeof(OLD_HELLO("\1")) - 1 == 5 + 0x31, "the record's length is right");

static void hello_of_1_0(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_write_raw(x, OLD_HELLO("\1"), sizeof(OLD_HELLO("\1")) - 1);
    rp_sim_end(x, RP_SIM_END_STALLED);
}

static void hello_of_1_1(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_write_raw(x, OLD_HELLO("\2"), sizeof(OLD_HELLO("\2")) - 1);
    rp_sim_end(x, RP_SIM_END_STALLED);
}

const judge_situation judge_tls[] = {
    {"control-tls", "controls", "RFC 9110, 4.2.2", "answers as it should, with TLS",
     "the answer is taken", JUDGE_TAKEN, .flags = JUDGE_CONTROL | JUDGE_TLS},
    {"control-tls-two", "controls", "RFC 9110, 4.2.2",
     "answers two requests as it should, with TLS", "both answers are taken", JUDGE_TAKEN,
     .flags = JUDGE_CONTROL | JUDGE_TLS | JUDGE_TWO},

    {"tls-until-close", "tls", "RFC 9112, 9.8", "says no length, and closes with close_notify",
     "the answer is taken", JUDGE_TAKEN, 0, JUDGE_TLS, BYTES(OK "\r\n" JUDGE_WHOLE),
     .ending = RP_SIM_CLOSE},
    {"tls-truncated", "tls", "RFC 9112, 8 and 9.8; RFC 8446, 6.1",
     "says no length, and closes TCP without close_notify",
     "an error: anybody on the way may have cut it", JUDGE_FAILED, 0, JUDGE_TLS,
     BYTES(OK "\r\n" JUDGE_WHOLE), .ending = RP_SIM_END_TRUNCATED},
    {"tls-length-truncated", "tls", "RFC 9112, 9.8",
     "closes TCP without close_notify behind a complete answer", "the answer is taken", JUDGE_TAKEN,
     JUDGE_FAILED, JUDGE_TLS, BYTES(OK LENGTH "\r\n" JUDGE_WHOLE), .ending = RP_SIM_END_TRUNCATED},
    {"tls-length-cut", "tls", "RFC 9112, 8",
     "says a length of 100, sends 13 bytes, and closes with close_notify", "an error", JUDGE_FAILED,
     0, JUDGE_TLS, BYTES(OK "Content-Length: 100\r\n\r\n" JUDGE_WHOLE), .ending = RP_SIM_CLOSE},
    {"tls-length-cut-plainly", "tls", "RFC 9112, 8",
     "says a length of 100, sends 13 bytes, and closes TCP without close_notify", "an error",
     JUDGE_FAILED, 0, JUDGE_TLS, BYTES(OK "Content-Length: 100\r\n\r\n" JUDGE_WHOLE),
     .ending = RP_SIM_END_TRUNCATED},
    {"tls-chunks-cut-plainly", "tls", "RFC 9112, 8",
     "closes TCP without close_notify behind a chunk that is not the last one", "an error",
     JUDGE_FAILED, 0, JUDGE_TLS,
     BYTES(OK "Transfer-Encoding: chunked\r\n\r\nd\r\n" JUDGE_WHOLE "\r\n"),
     .ending = RP_SIM_END_TRUNCATED},
    {"tls-small-records", "tls", "RFC 8446, 5.1", "sends each byte in a record of its own",
     "the answer is taken", JUDGE_TAKEN, 0, JUDGE_TLS, .script = small_records},
    {"tls-alert", "tls", "RFC 8446, 6.2", "answers the handshake with an alert", "an error",
     JUDGE_FAILED, 0, JUDGE_TLS, .on_connection = alert_at_once},
    {"tls-changed", "tls", "RFC 8446, 5.2", "sends a record with a changed byte",
     "an error: bad_record_mac", JUDGE_FAILED, 0, JUDGE_TLS, .script = corrupt},
    {"tls-plain", "tls", "RFC 8446, 5.1", "answers the handshake with plain HTTP", "an error",
     JUDGE_FAILED, 0, JUDGE_TLS, .on_connection = say_plainly},
    {"tls-1.0", "tls", "RFC 8996, 4", "chooses TLS 1.0",
     "an error at once; who goes on waits for its certificate", JUDGE_FAILED, 0, JUDGE_TLS,
     .on_connection = hello_of_1_0},
    {"tls-1.1", "tls", "RFC 8996, 5", "chooses TLS 1.1",
     "an error at once; who goes on waits for its certificate", JUDGE_FAILED, 0, JUDGE_TLS,
     .on_connection = hello_of_1_1},
    {"tls-answer-behind", "tls", "RFC 9112, 9.2",
     "sends another answer behind the first one, in a record of its own",
     "it answers no request: the second one goes out on another connection, or an error",
     JUDGE_TAKEN | JUDGE_FAILED, 0, JUDGE_TLS | JUDGE_TWO, .script = add_record},
    {"name-other", "certificates", "RFC 9110, 4.3.4; RFC 9525, 6",
     "is 127.0.0.2, and has a certificate for other names and addresses",
     "an error before any request", JUDGE_FAILED, .flags = JUDGE_TLS | JUDGE_STRANGER},
    {"tls-silent", "silence", "RFC 9112, 9.5", "takes the connection and says nothing of TLS",
     "an error within the limit", JUDGE_FAILED, JUDGE_HUNG, JUDGE_TLS,
     .on_connection = say_nothing},
    {.name = NULL},
};

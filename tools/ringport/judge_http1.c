/* judge_http1.c - situations of HTTP/1.1: how a body's end is told, interim responses, fields,
 * connections that are used again, limits, silence, redirects. All of them without TLS. */
#include "judge.h"

#include <string.h>

#define BYTES(text) .bytes = (text), .size = sizeof(text) - 1
#define OK "HTTP/1.1 200 OK\r\n"
#define LENGTH "Content-Length: 13\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define FORGED OK "Content-Length: 14\r\n\r\n" JUDGE_FORGED
#define HIDDEN "Content-Length: 5\r\n" /* in what is no line of its own */

#define FRAMING_ERROR "an error: the length is invalid, and the answer can't be recovered"
#define CHUNK_ERROR "an error: that is no chunk"
#define CUT_ERROR "an error: the answer is not complete"

/* Rows that differ in a field's value, or in a chunk's size. */
#define LENGTH_ROW(name_, source_, server_, lines)                                                 \
    {                                                                                              \
        .name = (name_), .class = "framing", .source = (source_), .server = (server_),             \
        .wanted = FRAMING_ERROR, .right = JUDGE_FAILED, BYTES(OK lines "\r\n\r\n" JUDGE_WHOLE),    \
        .ending = RP_SIM_CLOSE                                                                     \
    }
#define CHUNK_ROW(name_, server_, chunk)                                                           \
    {                                                                                              \
        .name = (name_), .class = "framing", .source = "RFC 9112, 7.1", .server = (server_),       \
        .wanted = CHUNK_ERROR, .right = JUDGE_FAILED,                                              \
        BYTES(OK CHUNKED "\r\n" chunk "\r\n0\r\n\r\n"), .ending = RP_SIM_CLOSE                     \
    }

/* ---- without end ---- */

/* Sends a text again and again, as long as the client reads, and then the answer. */
static void flood(rp_sim_exchange *x, void *user);

static void flood_begin(rp_sim_exchange *x, judge_run *run, uint64_t most)
{
    run->left = most;
    flood(x, run);
}

static void flood(rp_sim_exchange *x, void *user)
{
    judge_run *run = user;
    char many[16384];
    size_t size = 0, one = run->situation->size;
    while (size + one <= sizeof(many)) {
        memcpy(many + size, run->situation->bytes, one);
        size += one;
    }
    rp_sim_write(x, many, size);
    run->left -= size < run->left ? size : run->left;
    if (run->left > 0) {
        rp_sim_call(x, flood, run);
        return;
    }
    if (many[0] != 'H')
        rp_sim_print(x, "%s\r\n%s", LENGTH, JUDGE_WHOLE);
    else
        rp_sim_print(x, "%s%s\r\n%s", OK, LENGTH, JUDGE_WHOLE);
    rp_sim_end(x, RP_SIM_CLOSE);
}

#define MIB ((uint64_t)1 << 20)

static void many_interims(rp_sim_exchange *x, judge_run *run)
{
    flood_begin(x, run, 24 * MIB);
}

static void many_lines(rp_sim_exchange *x, judge_run *run)
{
    rp_sim_print(x, "%s", OK);
    flood_begin(x, run, 24 * MIB);
}

static void long_line(rp_sim_exchange *x, judge_run *run)
{
    rp_sim_print(x, "%sX-Long: ", OK);
    flood_begin(x, run, 24 * MIB);
}

/* ---- redirects ---- */

static void redirect_elsewhere(rp_sim_exchange *x, judge_run *run)
{
    char line[128];
    (void)snprintf(line, sizeof(line), "Location: %s\r\n", run->other_url);
    rp_sim_respond(x, 302, line, "", 0);
}

static void redirect_for_ever(rp_sim_exchange *x, judge_run *run)
{
    char line[64];
    (void)snprintf(line, sizeof(line), "Location: /again/%u\r\n", run->requests);
    rp_sim_respond(x, 302, line, "", 0);
}

/* ---- connections ---- */

static void leave_early(rp_sim_exchange *x, judge_run *run)
{
    (void)run;
    rp_sim_print(x, "%s%sConnection: close\r\n\r\n%s", OK, LENGTH, JUDGE_WHOLE);
    rp_sim_end(x, RP_SIM_CLOSE);
}

static void stop_in_body(rp_sim_exchange *x, judge_run *run)
{
    (void)run;
    rp_sim_print(x, "%s%s\r\nwhole", OK, LENGTH);
    rp_sim_end(x, RP_SIM_END_STALLED);
}

static void never(rp_sim_exchange *x, judge_run *run)
{
    (void)x;
    (void)run;
}

static void drip(rp_sim_exchange *x, judge_run *run)
{
    (void)run;
    rp_sim_print(x, "%s%s\r\n", OK, LENGTH);
    for (const char *c = JUDGE_WHOLE; *c != '\0'; c++) {
        rp_sim_wait(x, 1);
        rp_sim_write(x, c, 1);
    }
    rp_sim_end(x, RP_SIM_KEEP);
}

const judge_situation judge_http1[] = {
    /* ---- controls ---- */
    {"control", "controls", "RFC 9112", "answers as it should", "the answer is taken", JUDGE_TAKEN,
     .flags = JUDGE_CONTROL},
    {"control-two", "controls", "RFC 9112", "answers two requests as it should",
     "both answers are taken", JUDGE_TAKEN, .flags = JUDGE_CONTROL | JUDGE_TWO},

    /* ---- the length ---- */
    LENGTH_ROW("length-two-values", "RFC 9112, 6.3",
               "says Content-Length twice, with different values", LENGTH "Content-Length: 5"),
    LENGTH_ROW("length-list", "RFC 9112, 6.3", "says Content-Length: 13, 5 in one line",
               "Content-Length: 13, 5"),
    {"length-same-twice", "framing", "RFC 9110, 8.6", "says Content-Length: 13 twice",
     "the answer is taken, or an error", JUDGE_TAKEN | JUDGE_FAILED,
     BYTES(OK LENGTH LENGTH "\r\n" JUDGE_WHOLE), .ending = RP_SIM_KEEP},
    LENGTH_ROW("length-plus", "RFC 9110, 8.6; RFC 9112, 6.3", "says Content-Length: +13",
               "Content-Length: +13"),
    LENGTH_ROW("length-negative", "RFC 9110, 8.6; RFC 9112, 6.3", "says Content-Length: -1",
               "Content-Length: -1"),
    LENGTH_ROW("length-underscore", "RFC 9110, 8.6; RFC 9112, 6.3", "says Content-Length: 1_3",
               "Content-Length: 1_3"),
    LENGTH_ROW("length-with-unit", "RFC 9110, 8.6; RFC 9112, 6.3", "says Content-Length: 13 bytes",
               "Content-Length: 13 bytes"),
    LENGTH_ROW("length-hex", "RFC 9110, 8.6; RFC 9112, 6.3", "says Content-Length: 0xd",
               "Content-Length: 0xd"),
    LENGTH_ROW("length-empty", "RFC 9110, 8.6; RFC 9112, 6.3", "says Content-Length without one",
               "Content-Length:"),
    LENGTH_ROW("length-overflow", "RFC 9110, 8.6", "says a length of 2^64 + 13",
               "Content-Length: 18446744073709551629"),
    {"length-cut", "framing", "RFC 9112, 8", "says a length of 100, sends 13 bytes and closes",
     CUT_ERROR, JUDGE_FAILED, BYTES(OK "Content-Length: 100\r\n\r\n" JUDGE_WHOLE),
     .ending = RP_SIM_CLOSE},
    {"length-and-chunks", "framing", "RFC 9112, 6.3",
     "says Transfer-Encoding and a Content-Length that is too small",
     "the chunks are read, or an error", JUDGE_TAKEN | JUDGE_FAILED,
     BYTES(OK "Content-Length: 5\r\n" CHUNKED "\r\nd\r\n" JUDGE_WHOLE "\r\n0\r\n\r\n"),
     .ending = RP_SIM_CLOSE},

    /* ---- chunks ---- */
    {"chunks", "framing", "RFC 9112, 7.1",
     "sends chunks with extensions, zeros before a size, trailers", "the answer is taken",
     JUDGE_TAKEN,
     BYTES(OK "Transfer-Encoding: Chunked\r\n\r\n"
              "0006;a=\"b;\";c\r\nwhole \r\n7\r\nanswer\n\r\n0\r\nX-Trailer: yes\r\n\r\n"),
     .ending = RP_SIM_KEEP},
    CHUNK_ROW("chunk-plus", "sends a chunk of size +d", "+d\r\n" JUDGE_WHOLE),
    CHUNK_ROW("chunk-negative", "sends a chunk of size -d", "-d\r\n" JUDGE_WHOLE),
    CHUNK_ROW("chunk-0x", "sends a chunk of size 0xd", "0xd\r\n" JUDGE_WHOLE),
    CHUNK_ROW("chunk-underscore", "sends a chunk of size 0_d", "0_d\r\n" JUDGE_WHOLE),
    CHUNK_ROW("chunk-junk", "sends a chunk of size \"d zz\"", "d zz\r\n" JUDGE_WHOLE),
    CHUNK_ROW("chunk-empty", "sends an empty line where a size should be", "\r\nd\r\n" JUDGE_WHOLE),
    CHUNK_ROW("chunk-overflow", "sends a chunk of size 2^64 + 13",
              "1000000000000000d\r\n" JUDGE_WHOLE),
    CHUNK_ROW("chunk-too-long", "sends more bytes than a chunk's size says",
              "d\r\n" JUDGE_WHOLE "XX"),
    {"chunks-cut", "framing", "RFC 9112, 8", "closes behind a chunk that is not the last one",
     CUT_ERROR, JUDGE_FAILED, BYTES(OK CHUNKED "\r\nd\r\n" JUDGE_WHOLE "\r\n"),
     .ending = RP_SIM_CLOSE},
    {"chunk-cut", "framing", "RFC 9112, 8", "closes within a chunk", CUT_ERROR, JUDGE_FAILED,
     BYTES(OK CHUNKED "\r\n20\r\n" JUDGE_WHOLE), .ending = RP_SIM_CLOSE},
    {"coding-behind-other", "framing", "RFC 9112, 6.3 and 7",
     "says Transfer-Encoding: identity, chunked", "the chunks are read, or an error",
     JUDGE_TAKEN | JUDGE_FAILED,
     BYTES(OK "Transfer-Encoding: identity, chunked\r\n\r\nd\r\n" JUDGE_WHOLE "\r\n0\r\n\r\n"),
     .ending = RP_SIM_CLOSE},
    {"coding-two-lines", "framing", "RFC 9110, 5.3; RFC 9112, 6.3",
     "says Transfer-Encoding: gzip and Transfer-Encoding: chunked, and compresses nothing",
     "an error: that is no gzip", JUDGE_FAILED, JUDGE_TAKEN,
     BYTES(OK "Transfer-Encoding: gzip\r\n" CHUNKED "\r\nd\r\n" JUDGE_WHOLE "\r\n0\r\n\r\n"),
     .ending = RP_SIM_CLOSE},
    {"until-close", "framing", "RFC 9112, 6.3", "says no length, and closes", "the answer is taken",
     JUDGE_TAKEN, BYTES(OK "\r\n" JUDGE_WHOLE), .ending = RP_SIM_CLOSE},
    {"until-reset", "framing", "RFC 9112, 8", "says no length, and resets the connection",
     CUT_ERROR, JUDGE_FAILED, .script = NULL, BYTES(OK "\r\n" JUDGE_WHOLE),
     .ending = RP_SIM_END_RESET},
    {"drip", "framing", "RFC 9112, 6.3", "sends the body byte by byte", "the answer is taken",
     JUDGE_TAKEN, .script = drip},

    /* ---- status lines and interim responses ---- */
    {"not-http", "status", "RFC 9112, 4", "says that it is an SSH server",
     "an error: that is not HTTP", JUDGE_FAILED, BYTES("SSH-2.0-OpenSSH_9.2\r\n" JUDGE_WHOLE),
     .ending = RP_SIM_CLOSE},
    {"nothing", "status", "RFC 9112, 8", "closes without an answer", CUT_ERROR, JUDGE_FAILED,
     .most_unsafe_requests = 1, BYTES(""), .ending = RP_SIM_CLOSE},
    {"reset", "status", "RFC 9110, 9.2.2", "resets the connection without an answer",
     "an error; what may not be repeated was sent once", JUDGE_FAILED, .most_unsafe_requests = 1,
     BYTES(""), .ending = RP_SIM_END_RESET},
    {"status-of-four", "status", "RFC 9112, 4", "answers with status 2000", "an error",
     JUDGE_FAILED, JUDGE_TAKEN, BYTES("HTTP/1.1 2000 OK\r\n" LENGTH "\r\n" JUDGE_WHOLE),
     .ending = RP_SIM_CLOSE},
    {"version-9", "status", "RFC 9110, 2.5 and 6.2", "answers with HTTP/9.1", "an error",
     JUDGE_FAILED, JUDGE_TAKEN, BYTES("HTTP/9.1 200 OK\r\n" LENGTH "\r\n" JUDGE_WHOLE),
     .ending = RP_SIM_CLOSE},
    {"interim-100", "status", "RFC 9110, 15.2", "sends 100 before the answer, unasked",
     "the answer is taken", JUDGE_TAKEN,
     BYTES("HTTP/1.1 100 Continue\r\n\r\n" OK LENGTH "\r\n" JUDGE_WHOLE), .ending = RP_SIM_KEEP},
    {"interim-103", "status", "RFC 9110, 15.2; RFC 8297", "sends 103 Early Hints before the answer",
     "the answer is taken", JUDGE_TAKEN,
     BYTES("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" OK LENGTH
           "\r\n" JUDGE_WHOLE),
     .ending = RP_SIM_KEEP},
    {"interim-several", "status", "RFC 9110, 15.2", "sends 102, 103 and 199 before the answer",
     "the answer is taken", JUDGE_TAKEN,
     BYTES("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n"
           "HTTP/1.1 199 Other\r\n\r\n" OK LENGTH "\r\n" JUDGE_WHOLE),
     .ending = RP_SIM_KEEP},
    {"interim-with-length", "status", "RFC 9112, 6.3",
     "sends 103 with Content-Length: 5, which has no body", "the answer is taken", JUDGE_TAKEN,
     BYTES("HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n" OK LENGTH "\r\n" JUDGE_WHOLE),
     .ending = RP_SIM_KEEP},
    {"switching-unasked", "status", "RFC 9110, 7.8",
     "sends 101 Switching Protocols to a request without Upgrade", "an error", JUDGE_FAILED,
     BYTES("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
           "x\r\n\r\n" JUDGE_WHOLE),
     .ending = RP_SIM_CLOSE},

    /* ---- fields ---- */
    {"field-bare-cr", "fields", "RFC 9112, 2.2",
     "sends a field with a bare CR, and Content-Length: 5 behind it",
     "CR is a space, or an error; it ends no line", JUDGE_TAKEN | JUDGE_FAILED,
     BYTES(OK "X-Note: a\r" HIDDEN LENGTH "\r\n" JUDGE_WHOLE), .ending = RP_SIM_KEEP},
    {"field-byte-85", "fields", "RFC 9110, 5.5",
     "sends a field with byte 0x85 (Unicode's NEL), and Content-Length: 5 behind it",
     "it is data like any other; it ends no line", JUDGE_TAKEN,
     BYTES(OK "X-Note: a\x85" HIDDEN LENGTH "\r\n" JUDGE_WHOLE), .ending = RP_SIM_KEEP},
    {"field-byte-1c", "fields", "RFC 9110, 5.5",
     "sends a field with byte 0x1c (a file separator), and Content-Length: 5 behind it",
     "it is data, or an error; it ends no line", JUDGE_TAKEN | JUDGE_FAILED,
     BYTES(OK "X-Note: a\x1c" HIDDEN LENGTH "\r\n" JUDGE_WHOLE), .ending = RP_SIM_KEEP},
    {"field-folded", "fields", "RFC 9112, 5.2",
     "folds a field, and its second line says Content-Length: 5",
     "the fold is a space, or an error; it is no field of its own", JUDGE_TAKEN | JUDGE_FAILED,
     BYTES(OK "X-Note: a\r\n " HIDDEN LENGTH "\r\n" JUDGE_WHOLE), .ending = RP_SIM_KEEP},
    {"field-space-first", "fields", "RFC 9112, 2.2",
     "begins the line behind the status line with a space: \" Content-Length: 5\"",
     "the line is left out, or an error", JUDGE_TAKEN | JUDGE_FAILED,
     BYTES(OK " " HIDDEN LENGTH "\r\n" JUDGE_WHOLE), .ending = RP_SIM_KEEP},
    {"field-nul", "fields", "RFC 9110, 5.5",
     "sends a field with a NUL, and Content-Length: 5 behind it", "NUL is a space, or an error",
     JUDGE_TAKEN | JUDGE_FAILED, BYTES(OK "X-Note: a\0" HIDDEN LENGTH "\r\n" JUDGE_WHOLE),
     .ending = RP_SIM_KEEP},
    {"field-obs-text", "fields", "RFC 9110, 5.5", "sends a field in UTF-8 and one in ISO 8859-1",
     "the answer is taken", JUDGE_TAKEN,
     BYTES(OK "X-Name: gr\xc3\xbcn\r\nX-Other: gr\xfcn\r\n" LENGTH "\r\n" JUDGE_WHOLE),
     .ending = RP_SIM_KEEP},

    /* ---- a connection that is used again ---- */
    {"answer-behind", "reuse", "RFC 9112, 9.2", "sends another answer right behind the first one",
     "it answers no request: the second one goes out on another connection, or an error",
     JUDGE_TAKEN | JUDGE_FAILED, 0, JUDGE_TWO, BYTES(OK LENGTH "\r\n" JUDGE_WHOLE FORGED),
     .ending = RP_SIM_KEEP},
    {"body-of-204", "reuse", "RFC 9112, 6.3",
     "sends 204 with a Content-Length, and as its body another answer",
     "204 has no body, and what follows answers no request", JUDGE_TAKEN | JUDGE_FAILED, 0,
     JUDGE_TWO | JUDGE_BODILESS,
     BYTES("HTTP/1.1 204 No Content\r\nContent-Length: 53\r\n\r\n" FORGED), .ending = RP_SIM_KEEP},
    {"chunks-in-1.0", "reuse", "RFC 9112, 6.1",
     "answers with HTTP/1.0, Connection: keep-alive and chunks",
     "the framing is in doubt: the connection is not used again", JUDGE_TAKEN | JUDGE_FAILED,
     JUDGE_HUNG, JUDGE_TWO, .least_connections = 2,
     BYTES("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" CHUNKED "\r\nd\r\n" JUDGE_WHOLE
           "\r\n0\r\n\r\n"),
     .ending = RP_SIM_KEEP},
    {"chunks-and-length-again", "reuse", "RFC 9112, 6.3 and 11.2",
     "says Transfer-Encoding, and a Content-Length that takes in another answer behind it",
     "the chunks are read, and what follows answers no request; or an error",
     JUDGE_TAKEN | JUDGE_FAILED, 0, JUDGE_TWO,
     BYTES(OK "Content-Length: 76\r\n" CHUNKED "\r\nd\r\n" JUDGE_WHOLE "\r\n0\r\n\r\n" FORGED),
     .ending = RP_SIM_KEEP},
    {"close-said", "reuse", "RFC 9112, 9.6", "says Connection: close, and closes",
     "the second request goes out on another connection", JUDGE_TAKEN, 0, JUDGE_TWO,
     .least_connections = 2, .script = leave_early},

    /* ---- limits ---- */
    {"interim-endless", "limits", "RFC 9110, 17.5; CVE-2021-3737",
     "sends 24 MiB of 100 Continue before the answer", "an error, long before", JUDGE_FAILED, 0, 0,
     .most_mib = 16, .script = many_interims, BYTES("HTTP/1.1 100 Continue\r\n\r\n")},
    {"fields-endless", "limits", "RFC 9110, 5.4 and 17.5; CVE-2023-38039", "sends a head of 24 MiB",
     "an error, long before", JUDGE_FAILED, 0, 0, .most_mib = 16, .script = many_lines,
     BYTES("X-Field: the same again and again and again\r\n")},
    {"field-endless", "limits", "RFC 9110, 5.4 and 17.5", "sends a field of 24 MiB",
     "an error, long before", JUDGE_FAILED, 0, 0, .most_mib = 16, .script = long_line,
     BYTES("the same again and again and again")},

    /* ---- silence ---- */
    {"silent", "silence", "RFC 9112, 9.5", "takes the request and never answers",
     "an error within the limit", JUDGE_FAILED, JUDGE_HUNG, .script = never},
    {"silent-in-body", "silence", "RFC 9112, 9.5", "stops in the middle of the body",
     "an error within the limit", JUDGE_FAILED, JUDGE_HUNG, .script = stop_in_body},

    /* ---- redirects ---- */
    {"redirect-elsewhere", "redirect", "RFC 9110, 15.4",
     "redirects from 127.0.0.1 to localhost and another port",
     "neither Authorization nor Cookie is sent there", JUDGE_TAKEN | JUDGE_FAILED | JUDGE_MISREAD,
     0, JUDGE_LEAK, .script = redirect_elsewhere},
    {"redirect-endless", "redirect", "RFC 9110, 15.4", "redirects without end",
     "an end after some of them", JUDGE_FAILED | JUDGE_MISREAD, 0, 0, .most_requests = 100,
     .script = redirect_for_ever},
    {.name = NULL},
};

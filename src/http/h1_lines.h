/* h1_lines.h - a response's lines as llhttp is to read them.
 *
 * llhttp is strict, and where it can be told not to be, it is so in ways that nobody wants: its
 * folds bring blanks before colons with them, its bare LFs bare CRs. Some of what RFC 9110 and 9112
 * allow it gets wrong. So it is never told; what may be forgiven is rewritten on its way to llhttp:
 *
 * - A fold, a line's end with a blank behind it, becomes two spaces (RFC 9112, 5.2). No line's end
 *   is passed on before the byte behind it has come; it is held back meanwhile.
 * - A tab among headers becomes a space. Both are OWS (RFC 9110, 5.6.3), but a tab behind "chunked"
 *   or "close" hides that word from llhttp.
 * - Content-Length is called "Content-Lengt-". llhttp refuses the same length said twice, which
 *   RFC 9112, 6.3 allows: h1_response.c reads it. Not so in trailers, where it must not be at all.
 * - If lenient: LF alone becomes CRLF, and blanks behind a chunk's size are left out.
 *
 * Nothing else is looked at, and what is wrong goes on to llhttp as it is. Bodies are not touched.
 * What is given for a byte depends on the bytes before it and the one behind it, never on cuts. */
#ifndef RP_HTTP_H1_LINES_H
#define RP_HTTP_H1_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rp_h1_lines {
    uint8_t place;   /* of the next byte; enum in h1_lines.c */
    uint8_t matched; /* of "content-length", in a name */
    uint8_t held;    /* bytes of a line's end that were taken and not yet passed on */
    bool lenient;
    bool trailers;
    bool after_cr;
    uint64_t chunk_left;
} rp_h1_lines;

/* A head comes next, from its status line. */
void rp__h1_lines_head(rp_h1_lines *lines, bool lenient);
/* Chunks come next. */
void rp__h1_lines_chunks(rp_h1_lines *lines);
/* llhttp has read a chunk's size. 0: trailers come next. */
void rp__h1_lines_chunk(rp_h1_lines *lines, uint64_t size);

/* What to give to llhttp for the next bytes: a part of data or something else instead. */
typedef struct rp_h1_piece {
    const char *text;
    size_t size;    /* 0: nothing */
    size_t taken;   /* bytes of data that it stands for; */
    size_t earlier; /* and bytes of earlier calls, which were held back */
} rp_h1_piece;

/* Where the lines of a head end, as offsets from its beginning: of their CRs. The last line is the
 * empty one. */
#define RP_H1_ENDS 64
typedef struct rp_h1_ends {
    size_t count;
    uint32_t at[RP_H1_ENDS];
} rp_h1_ends;

/* size > 0. A piece ends where llhttp may stop: with a chunk's size, its data, the last line. A
 * piece that is a whole head, with nothing in it to be rewritten, as nearly all come, leaves its
 * lines' ends in *ends, so that nobody has to look for them again; any other leaves it alone. */
rp_h1_piece rp__h1_lines_next(rp_h1_lines *lines, const char *data, size_t size, rp_h1_ends *ends);

#endif

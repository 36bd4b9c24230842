/* h1_lines.c - what is rewritten of a response's lines before llhttp reads them. */
#include "http/h1_lines.h"

#include "base/text.h"

#include <string.h>

typedef enum place {
    STATUS_LINE,
    LINE_START, /* of a header, or the empty line */
    NAME,       /* of a header, as far as it is Content-Length's */
    REST,       /* of a header's line */
    HELD_CR,    /* behind it; perhaps a line's end, */
    HELD_END,   /* which may be a fold */
    EMPTY_LINE,
    CHUNKS, /* all of them, as they are */
    SIZE_START,
    SIZE, /* a chunk's size */
    SIZE_BLANKS,
    SIZE_REST, /* of the line: the chunk's extensions */
    DATA,
    DATA_END,
    STOP /* llhttp stops here, or calls rp__h1_lines_chunk */
} place;

static bool ends_line(char c)
{
    return c == '\r' || c == '\n';
}

/* ---- Steps: each returns how many bytes go on as they are, or 0 and what goes instead ---- */

static size_t instead(rp_h1_piece *piece, const char *text, size_t taken)
{
    *piece = (rp_h1_piece){.text = text, .size = strlen(text), .taken = taken};
    return 0;
}

/* A line that can't be folded. */
static size_t plain_line(rp_h1_lines *lines, const char *data, size_t size, place next,
                         rp_h1_piece *piece)
{
    const char *lf = memchr(data, '\n', size);
    size_t before = lf == NULL ? size : (size_t)(lf - data);
    if (before > 0) {
        lines->after_cr = data[before - 1] == '\r';
        return before;
    }
    bool alone = !lines->after_cr;
    lines->after_cr = false;
    lines->place = (uint8_t)next;
    return alone && lines->lenient ? instead(piece, "\r\n", 1) : 1;
}

static const char most[] = "content-lengt";

/* How far a name goes on as Content-Length does, the last letter excepted. */
static size_t name(rp_h1_lines *lines, const char *data, size_t size)
{
    size_t same = 0;
    while (same < size && lines->matched < sizeof(most) - 1 &&
           rp__ascii_lower(data[same]) == most[lines->matched]) {
        lines->matched++;
        same++;
    }
    return same;
}

/* A header's line, from a byte that may end it. */
static size_t header_end(rp_h1_lines *lines, const char *data, size_t size, rp_h1_piece *piece)
{
    size_t end = data[0] == '\n' ? 1 : 2;
    if (data[0] == '\r' && size > 1 && data[1] != '\n')
        return 1;
    if (size <= end) { /* what follows decides */
        lines->place = data[size - 1] == '\n' ? HELD_END : HELD_CR;
        lines->held = (uint8_t)size;
        *piece = (rp_h1_piece){.taken = size};
        return 0;
    }
    if (rp__is_blank(data[end]))
        return instead(piece, "  ", end);
    lines->place = LINE_START;
    return end == 2 ? end : instead(piece, "\r\n", end);
}

static size_t header_rest(rp_h1_lines *lines, const char *data, size_t size, rp_h1_piece *piece)
{
    size_t plain = rp__bytes_before_control(data, size);
    const char *end = data + plain;
    if (size - plain > 2 && end[0] == '\r' && end[1] == '\n' && !rp__is_blank(end[2])) {
        lines->place = LINE_START; /* the line as it should be */
        return plain + 2;
    }
    if (plain > 0)
        return plain;
    if (data[0] == '\t')
        return instead(piece, " ", 1);
    if (data[0] == '\r' || (data[0] == '\n' && lines->lenient))
        return header_end(lines, data, size, piece);
    return 1;
}

static size_t header(rp_h1_lines *lines, const char *data, size_t size, rp_h1_piece *piece)
{
    if (lines->place == LINE_START) {
        lines->matched = 0;
        lines->place = ends_line(data[0]) ? EMPTY_LINE : NAME;
    }
    if (lines->place == EMPTY_LINE)
        return plain_line(lines, data, size, STOP, piece);
    if (lines->place == NAME) {
        size_t same = name(lines, data, size);
        if (same > 0)
            return same;
        lines->place = REST;
        if (lines->matched == sizeof(most) - 1 && rp__ascii_lower(data[0]) == 'h' &&
            !lines->trailers)
            return instead(piece, "-", 1);
    }
    return header_rest(lines, data, size, piece);
}

/* The line of a chunk's size. Only blanks that end it, or come before an extension, are left out:
 * "1 0" is not 10. */
static size_t chunk_line(rp_h1_lines *lines, const char *data, size_t size, rp_h1_piece *piece)
{
    char c = data[0];
    if (lines->place == SIZE_START) {
        lines->place = SIZE;
        return 1;
    }
    if (lines->place != SIZE_REST && rp__is_blank(c)) {
        lines->place = SIZE_BLANKS;
        *piece = (rp_h1_piece){.taken = 1};
        return 0;
    }
    if (lines->place == SIZE && !ends_line(c) && c != ';')
        return 1;
    bool other = lines->place == SIZE_BLANKS && !ends_line(c) && c != ';';
    lines->place = SIZE_REST;
    return other ? instead(piece, " ", 0) : plain_line(lines, data, size, STOP, piece);
}

static size_t step(rp_h1_lines *lines, const char *data, size_t size, rp_h1_piece *piece)
{
    switch ((place)lines->place) {
    case STATUS_LINE:
        return plain_line(lines, data, size, LINE_START, piece);
    case DATA_END:
        return plain_line(lines, data, size, SIZE_START, piece);
    case SIZE_START:
    case SIZE:
    case SIZE_BLANKS:
    case SIZE_REST:
        return chunk_line(lines, data, size, piece);
    case CHUNKS:
    case STOP:
        return size;
    default:
        return header(lines, data, size, piece);
    }
}

/* ---- Pieces that are no lines ---- */

static rp_h1_piece chunk_data(rp_h1_lines *lines, const char *data, size_t size)
{
    size_t part = size < lines->chunk_left ? size : (size_t)lines->chunk_left;
    lines->chunk_left -= part;
    if (lines->chunk_left == 0)
        lines->place = DATA_END;
    return (rp_h1_piece){.text = data, .size = part, .taken = part};
}

/* What was held back, now that the byte behind it is known. */
static rp_h1_piece release(rp_h1_lines *lines, char next)
{
    if (lines->place == HELD_CR && next == '\n') {
        lines->place = HELD_END;
        lines->held++;
        return (rp_h1_piece){.taken = 1};
    }
    bool ended = lines->place == HELD_END, fold = ended && rp__is_blank(next);
    rp_h1_piece piece = {.earlier = lines->held};
    piece.text = fold ? "  " : ended ? "\r\n" : "\r";
    piece.size = strlen(piece.text);
    lines->place = ended && !fold ? LINE_START : REST;
    lines->held = 0;
    return piece;
}

/* ---- A head in which nothing is to be rewritten ---- */

/* "Content-Length: 13", from its colon on: not what llhttp refuses and we do not. */
static bool usual_length(const char *value, size_t size)
{
    size_t digits = 0;
    while (size - digits > 2 && value[2 + digits] >= '0' && value[2 + digits] <= '9')
        digits++;
    return size > 2 && value[0] == ':' && value[1] == ' ' && digits > 0 && digits < 19 &&
           digits == size - 2;
}

/* The bytes of a whole head that llhttp may read as it is, which nearly all are; 0: it is not
 * whole, or something in it is to be looked at. */
static size_t usual_head(const char *data, size_t size, rp_h1_ends *ends)
{
    const size_t colon = sizeof("content-length") - 1;
    bool has_length = false;
    size_t count = 0;
    for (size_t at = 0; size - at >= 4;) {
        const char *line = data + at;
        size_t plain = rp__bytes_before_control(line, size - at);
        if (plain == 0 || size - at - plain < 4 || line[plain] != '\r' || line[plain + 1] != '\n' ||
            rp__is_blank(line[plain + 2]) || rp__ascii_lower(line[0]) == 't' ||
            count == RP_H1_ENDS - 1)
            return 0;
        /* Nothing else that long has these letters, and if it had, it would only be looked at. */
        if (plain > colon && line[colon] == ':' && line[7] == '-' &&
            rp__ascii_lower(line[8]) == 'l') {
            if (has_length || !usual_length(line + colon, plain - colon))
                return 0;
            has_length = true;
        }
        ends->at[count++] = (uint32_t)(at + plain);
        at += plain + 2;
        if (data[at] == '\r' && data[at + 1] == '\n') {
            ends->at[count++] = (uint32_t)at;
            ends->count = count;
            return at + 2;
        }
    }
    return 0;
}

/* ---- Interface ---- */

void rp__h1_lines_head(rp_h1_lines *lines, bool lenient)
{
    *lines = (rp_h1_lines){.place = STATUS_LINE, .lenient = lenient};
}

void rp__h1_lines_chunks(rp_h1_lines *lines)
{
    *lines =
        (rp_h1_lines){.place = lines->lenient ? SIZE_START : CHUNKS, .lenient = lines->lenient};
}

void rp__h1_lines_chunk(rp_h1_lines *lines, uint64_t size)
{
    lines->trailers = size == 0;
    if (lines->trailers)
        lines->place = LINE_START;
    else if (lines->lenient)
        lines->place = DATA;
    lines->chunk_left = size;
}

rp_h1_piece rp__h1_lines_next(rp_h1_lines *lines, const char *data, size_t size, rp_h1_ends *ends)
{
    if (lines->held > 0)
        return release(lines, data[0]);
    if (lines->place == DATA)
        return chunk_data(lines, data, size);
    rp_h1_piece piece;
    size_t run = 0;
    if (lines->place == STATUS_LINE && !lines->after_cr)
        run = usual_head(data, size, ends);
    if (run > 0) {
        lines->place = STOP;
        return (rp_h1_piece){.text = data, .size = run, .taken = run};
    }
    do {
        rp_h1_lines before = *lines;
        size_t part = step(lines, data + run, size - run, &piece);
        if (part == 0) {
            if (run == 0)
                return piece;
            *lines = before; /* once more, when what comes before it was read */
            break;
        }
        run += part;
    } while (run < size && lines->place != STOP);
    return (rp_h1_piece){.text = data, .size = run, .taken = run};
}

/* suggest.c - the distance between two words: how many letters are to be left out, put in, changed
 * or swapped with their neighbour (optimal string alignment). */
#include "suggest.h"

#include <stdint.h>
#include <string.h>

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    unsigned rows[3][SUGGEST_LENGTH + 1], *before = rows[0], *last = rows[1], *row = rows[2];
    memset(rows, 0, sizeof(rows));
    for (size_t j = 0; j <= b_size; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= a_size; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_size; j++) {
            row[j] = least(least(last[j], row[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        unsigned *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[b_size];
}

void suggest_try(suggestion *s, const char *given, size_t size, const char *name)
{
    size_t length = strlen(name);
    if (size > SUGGEST_LENGTH || length > SUGGEST_LENGTH)
        return;
    unsigned d = distance(given, size, name, length);
    if (s->name == NULL || d < s->distance)
        *s = (suggestion){name, d};
}

bool suggest_good(const suggestion *s, size_t size)
{
    return s->name != NULL && s->distance * 3 <= size;
}

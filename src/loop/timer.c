/* timer.c - a pairing heap of timers.
 *
 * child: first child. next: next sibling. previous: previous sibling, or the parent of a first
 * child. */
#include "loop/timer.h"

#include "base/assert.h"

static bool before(const rp_timer *a, const rp_timer *b)
{
    if (a->private_deadline_ns != b->private_deadline_ns)
        return a->private_deadline_ns < b->private_deadline_ns;
    return a->private_order < b->private_order;
}

/* a and b are roots without siblings, or NULL. */
static rp_timer *meld(rp_timer *a, rp_timer *b)
{
    if (a == NULL)
        return b;
    if (b == NULL)
        return a;
    if (before(b, a)) {
        rp_timer *swap = a;
        a = b;
        b = swap;
    }
    b->private_next = a->private_child;
    if (b->private_next != NULL)
        b->private_next->private_previous = b;
    b->private_previous = a;
    a->private_child = b;
    return a;
}

static rp_timer *detach_first(rp_timer **list)
{
    rp_timer *first = *list;
    if (first == NULL)
        return NULL;
    *list = first->private_next;
    first->private_next = first->private_previous = NULL;
    return first;
}

/* Two passes: meld neighbours from left to right, then the results from right to left. A loop, not
 * a recursion: a million siblings must not need a million stack frames. */
static rp_timer *meld_siblings(rp_timer *list)
{
    rp_timer *pairs = NULL; /* reversed, linked by next */
    while (list != NULL) {
        rp_timer *a = detach_first(&list);
        rp_timer *b = detach_first(&list);
        rp_timer *pair = meld(a, b);
        pair->private_next = pairs;
        pairs = pair;
    }
    rp_timer *root = NULL;
    while (pairs != NULL)
        root = meld(root, detach_first(&pairs));
    return root;
}

void rp__timers_insert(rp_timer **root, rp_timer *timer)
{
    timer->private_child = timer->private_next = timer->private_previous = NULL;
    *root = meld(*root, timer);
}

void rp__timers_remove(rp_timer **root, rp_timer *timer)
{
    rp_timer *children = meld_siblings(timer->private_child);
    if (timer == *root) {
        RP_ASSERT(timer->private_previous == NULL);
        *root = children;
    } else {
        rp_timer *previous = timer->private_previous;
        if (previous->private_child == timer)
            previous->private_child = timer->private_next;
        else
            previous->private_next = timer->private_next;
        if (timer->private_next != NULL)
            timer->private_next->private_previous = previous;
        *root = meld(*root, children);
    }
    timer->private_child = timer->private_next = timer->private_previous = NULL;
}

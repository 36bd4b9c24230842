/* list.h - an intrusive doubly linked list with a sentinel. */
#ifndef RP_BASE_LIST_H
#define RP_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct rp_link {
    struct rp_link *next, *previous;
} rp_link;

/* The structure that holds the link at member. */
#define RP_CONTAINER(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void rp__list_init(rp_link *list)
{
    list->next = list->previous = list;
}

static inline bool rp__list_empty(const rp_link *list)
{
    return list->next == list;
}

static inline void rp__list_append(rp_link *list, rp_link *link)
{
    link->next = list;
    link->previous = list->previous;
    list->previous->next = link;
    list->previous = link;
}

static inline void rp__list_prepend(rp_link *list, rp_link *link)
{
    rp__list_append(list->next, link);
}

/* Leaves link an empty list of its own, so that removing twice does no harm. */
static inline void rp__list_remove(rp_link *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    rp__list_init(link);
}

/* Moves all of from to the end of to. */
static inline void rp__list_move(rp_link *to, rp_link *from)
{
    if (rp__list_empty(from))
        return;
    from->next->previous = to->previous;
    to->previous->next = from->next;
    from->previous->next = to;
    to->previous = from->previous;
    rp__list_init(from);
}

/* The first link, removed; NULL if there is none. */
static inline rp_link *rp__list_take(rp_link *list)
{
    if (rp__list_empty(list))
        return NULL;
    rp_link *link = list->next;
    rp__list_remove(link);
    return link;
}

#endif

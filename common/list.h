/* SPDX-License-Identifier: MIT */
/*
 * A circular doubly linked list with the link inside the object.
 * Invariant: an initialised link that is in no list points to itself, so list_del_init() twice is harmless.
 */
#ifndef COMMON_LIST_H
#define COMMON_LIST_H

#include <stdbool.h>

#include "common/compiler.h"

struct list {
    struct list *next;
    struct list *prev;
};

#define LIST_INIT(name) {&(name), &(name)}

static inline void list_init(struct list *l)
{
    l->next = l;
    l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_insert_after(struct list *pos, struct list *item)
{
    item->next = pos->next;
    item->prev = pos;
    pos->next->prev = item;
    pos->next = item;
}

static inline void list_add_head(struct list *head, struct list *item)
{
    list_insert_after(head, item);
}

static inline void list_add_tail(struct list *head, struct list *item)
{
    list_insert_after(head->prev, item);
}

static inline void list_del_init(struct list *item)
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
    list_init(item);
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)

#define list_first(head, type, member)                                                             \
    (list_empty(head) ? NULL : list_entry((head)->next, type, member))

#define list_for_each(pos, head, member)                                                           \
    for (pos = list_entry((head)->next, __typeof__(*pos), member); &pos->member != (head);         \
         pos = list_entry(pos->member.next, __typeof__(*pos), member))

/* Safe against removal of pos itself; tmp is a spare cursor of the same type. */
#define list_for_each_safe(pos, tmp, head, member)                                                 \
    for (pos = list_entry((head)->next, __typeof__(*pos), member),                                 \
        tmp = list_entry(pos->member.next, __typeof__(*pos), member);                              \
         &pos->member != (head);                                                                   \
         pos = tmp, tmp = list_entry(tmp->member.next, __typeof__(*tmp), member))

#endif

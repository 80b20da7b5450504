/* SPDX-License-Identifier: MIT */
/*
 * Trees of named nodes. A tree is the reference of its root; a second reference to it is a snapshot and costs nothing:
 * whoever changes a tree first makes the nodes on the way his own, copying those that others refer to as well.
 * The children of a node are a treap, by name; its shape depends on the names alone, so equal sets have equal shapes.
 * Invariant: a node with refs > 1, and all below it, never changes. Calls are parts of a scope (arena.h). Pure.
 */
#ifndef XENOSTORED_TREE_H
#define XENOSTORED_TREE_H

#include "xenostored/arena.h"

struct xs_node {
    uint32_t refs;
    xs_ref left, right; /* siblings with lesser and greater names */
    xs_ref children;    /* the treap's root */
    xs_ref perms;       /* struct xs_block, or 0 */
    xs_ref value;       /* struct xs_block, or 0 */
    uint64_t gen;       /* of the last change of value, permissions or list of children */
    uint32_t nr_children;
    uint32_t child_bytes; /* of the children's names, each with its zero */
    uint32_t prio;        /* a parent in the treap has at least its children's */
    uint16_t value_len;
    uint16_t name_len;
    char name[]; /* not terminated; of a short one, zeros up to eight bytes */
};

/* Counted bytes: values and permissions. */
struct xs_block {
    uint32_t refs;
    uint32_t len;
    char data[];
};

/* What all trees of an arena share. Whatever is dropped waits in *garbage to be taken apart in small steps. */
struct xs_forest {
    struct xs_arena *arena;
    xs_ref *garbage; /* in the arena */
    uint32_t seed;   /* priorities cannot be foreseen by who chooses the names */
};

static inline struct xs_node *xs_node_at(const struct xs_forest *forest, xs_ref ref)
{
    return xs_at(forest->arena, ref);
}

/* A block with refs 1; 0 if there is no room. */
xs_ref xs_block_new(struct xs_forest *forest, const void *data, size_t len) __must_check;
void xs_block_get(struct xs_forest *forest, xs_ref ref);
void xs_block_put(struct xs_forest *forest, xs_ref ref);

/* A node without relations, refs 1; 0 if there is no room. */
xs_ref xs_node_new(struct xs_forest *forest, const char *name, size_t len) __must_check;
void xs_node_get(struct xs_forest *forest, xs_ref ref);
void xs_node_put(struct xs_forest *forest, xs_ref ref);
/* Takes apart at most steps nodes that were put; true if there are more. */
bool xs_tree_sweep(struct xs_forest *forest, unsigned int steps);

/* The child of that name, or 0. */
xs_ref xs_child_find(const struct xs_forest *forest, const struct xs_node *parent, const char *name,
                     size_t len);

/* The node at an absolute path ("/" or "/a/b"), or 0. */
xs_ref xs_tree_find(const struct xs_forest *forest, xs_ref root, const char *path);

/*
 * The following change a tree: *root and the nodes on the way are made its own. -ENOMEM: the scope must be rolled back.
 * xs_tree_own: *node is the existing node at path, to be changed by XS_SET.
 */
int xs_tree_own(struct xs_forest *forest, xs_ref *root, const char *path,
                struct xs_node **node) __must_check;
/* Link a new node as a child of one that is owned and has none of that name. */
int xs_child_add(struct xs_forest *forest, struct xs_node *parent, xs_ref child) __must_check;
/* Unlink and put an existing child of an owned node. */
int xs_child_remove(struct xs_forest *forest, struct xs_node *parent, const char *name,
                    size_t len) __must_check;

/* A node like this one, with children, without siblings: 0 if there is no room. */
xs_ref xs_node_copy(struct xs_forest *forest, const struct xs_node *node) __must_check;

/* The child with the least name behind that one, which need not be there: NULL at the end. First: name NULL. */
const struct xs_node *xs_child_next(const struct xs_forest *forest, const struct xs_node *parent,
                                    const char *name, size_t len);

/*
 * Visits a tree in pre-order: parents before children, siblings by name. path is that of the node visited, absolute, with
 * the tree's root at the prefix given. The tree must not change under it.
 */
#define XS_DEPTH_MAX 1540u
struct xs_walk {
    const struct xs_forest *forest;
    unsigned int depth; /* the root has 0 */
    xs_ref at[XS_DEPTH_MAX];
    uint16_t end[XS_DEPTH_MAX]; /* length of the path up to that depth */
    char path[4100];
};
/* The first visit is the root's. prefix: "/" or "/a/b". */
void xs_walk_start(struct xs_walk *walk, const struct xs_forest *forest, xs_ref root,
                   const char *prefix);
/* Next visit, or 0: the children of this one, unless they are to be skipped, then what follows. */
xs_ref xs_walk_next(struct xs_walk *walk, bool skip);

/* The next component of a path: *name moves over slashes to it, and its length is returned, 0 at the end. */
size_t xs_path_step(const char **name);

#endif

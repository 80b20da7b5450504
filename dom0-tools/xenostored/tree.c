/* SPDX-License-Identifier: MIT */
/*
 * Copy-on-write treaps. All loops go down one path, so the depth of recursion is none and the work of a change is the
 * length of the path times the logarithm of the number of siblings.
 * Invariant: slots that are written lie in nodes that are owned (refs 1 from an owned parent).
 */
#include "xenostored/tree.h"

#include <stddef.h>
#include <string.h>

#include "common/errno.h"

static uint32_t hash_name(uint32_t seed, const char *name, size_t len)
{
    uint32_t hash = seed ^ 2166136261u;

    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    }
    hash ^= hash >> 15;
    hash *= 0x2c1b3c6du;
    return hash ^ (hash >> 13);
}

/* A name's first eight bytes as a number of their order, zeros behind a shorter one. */
static uint64_t key_of(const char *name, size_t len)
{
    uint64_t key = 0;

    for (size_t i = 0; i < MIN(len, sizeof(key)); i++) {
        key |= (uint64_t)(unsigned char)name[i] << (56 - 8 * i);
    }
    return key;
}

/* The same of a node's name. It begins with a word, and xs_node_new() has put zeros behind it. */
static uint64_t key_of_node(const struct xs_node *node)
{
    uint64_t key;

    memcpy(&key, node->name, sizeof(key));
    return __builtin_bswap64(key);
}

/* As memcmp() and then the length would have it: names without zeros, of which the keys tell most apart. */
static int compare(uint64_t key, const char *name, size_t len, const struct xs_node *node)
{
    uint64_t other = key_of_node(node);
    int order = 0;

    if (key != other) {
        return key < other ? -1 : 1;
    }
    if (len > sizeof(key) && node->name_len > sizeof(key)) {
        order = memcmp(name + sizeof(key), node->name + sizeof(key), MIN(len, (size_t)node->name_len) - sizeof(key));
    }
    return order ? order : (int)len - (int)node->name_len;
}

xs_ref xs_block_new(struct xs_forest *forest, const void *data, size_t len)
{
    xs_ref ref = xs_alloc(forest->arena, sizeof(struct xs_block) + len);
    struct xs_block *block = xs_at(forest->arena, ref);

    if (block) {
        block->refs = 1;
        block->len = (uint32_t)len;
        if (len) {
            memcpy(block->data, data, len);
        }
    }
    return ref;
}

void xs_block_get(struct xs_forest *forest, xs_ref ref)
{
    struct xs_block *block = xs_at(forest->arena, ref);

    if (block) {
        XS_SET(forest->arena, block->refs, block->refs + 1);
    }
}

void xs_block_put(struct xs_forest *forest, xs_ref ref)
{
    struct xs_block *block = xs_at(forest->arena, ref);

    if (!block) {
        return;
    }
    if (block->refs == 1) {
        xs_free(forest->arena, ref);
    } else {
        XS_SET(forest->arena, block->refs, block->refs - 1);
    }
}

/* A name has at least a word, for key_of_node(). */
static size_t node_bytes(size_t len)
{
    _Static_assert(offsetof(struct xs_node, name) == sizeof(struct xs_node) && sizeof(struct xs_node) % 8 == 0, "names begin with a word");
    return sizeof(struct xs_node) + MAX(len, sizeof(uint64_t));
}

xs_ref xs_node_new(struct xs_forest *forest, const char *name, size_t len)
{
    xs_ref ref = xs_alloc(forest->arena, node_bytes(len));
    struct xs_node *node = xs_node_at(forest, ref);

    if (node) {
        memset(node, 0, sizeof(*node) + sizeof(uint64_t));
        node->refs = 1;
        node->prio = hash_name(forest->seed, name, len);
        node->name_len = (uint16_t)len;
        memcpy(node->name, name, len);
    }
    return ref;
}

void xs_node_get(struct xs_forest *forest, xs_ref ref)
{
    struct xs_node *node = xs_node_at(forest, ref);

    if (node) {
        XS_SET(forest->arena, node->refs, node->refs + 1);
    }
}

/* A node without references waits in the garbage list, linked by its refs field, which nobody counts any more. */
void xs_node_put(struct xs_forest *forest, xs_ref ref)
{
    struct xs_node *node = xs_node_at(forest, ref);

    if (!node) {
        return;
    }
    if (node->refs == 1) {
        XS_SET(forest->arena, node->refs, *forest->garbage);
        XS_SET(forest->arena, *forest->garbage, ref);
    } else {
        XS_SET(forest->arena, node->refs, node->refs - 1);
    }
}

bool xs_tree_sweep(struct xs_forest *forest, unsigned int steps)
{
    while (*forest->garbage && steps-- > 0) {
        xs_ref ref = *forest->garbage;
        struct xs_node *node = xs_node_at(forest, ref);

        XS_SET(forest->arena, *forest->garbage, node->refs);
        xs_node_put(forest, node->left);
        xs_node_put(forest, node->right);
        xs_node_put(forest, node->children);
        xs_block_put(forest, node->perms);
        xs_block_put(forest, node->value);
        xs_free(forest->arena, ref);
    }
    return *forest->garbage != 0;
}

/* A second node with the same content, which all that it refers to knows of. */
static xs_ref duplicate(struct xs_forest *forest, const struct xs_node *node, bool siblings)
{
    xs_ref ref = xs_alloc(forest->arena, node_bytes(node->name_len));
    struct xs_node *copy = xs_node_at(forest, ref);

    if (!copy) {
        return 0;
    }
    memcpy(copy, node, node_bytes(node->name_len));
    copy->refs = 1;
    if (siblings) {
        xs_node_get(forest, copy->left);
        xs_node_get(forest, copy->right);
    } else {
        copy->left = 0;
        copy->right = 0;
    }
    xs_node_get(forest, copy->children);
    xs_block_get(forest, copy->perms);
    xs_block_get(forest, copy->value);
    return ref;
}

xs_ref xs_node_copy(struct xs_forest *forest, const struct xs_node *node)
{
    return duplicate(forest, node, false);
}

/* Make the node in an owned slot the slot's alone: NULL if there is no room. */
static struct xs_node *own(struct xs_forest *forest, xs_ref *slot)
{
    struct xs_node *node = xs_node_at(forest, *slot);
    xs_ref copy;

    if (node->refs == 1) {
        return node;
    }
    copy = duplicate(forest, node, true);
    if (!copy) {
        return NULL;
    }
    XS_SET(forest->arena, node->refs, node->refs - 1);
    XS_SET(forest->arena, *slot, copy);
    return xs_node_at(forest, copy);
}

xs_ref xs_child_find(const struct xs_forest *forest, const struct xs_node *parent, const char *name,
                     size_t len)
{
    xs_ref ref = parent->children;
    uint64_t key = key_of(name, len);

    while (ref) {
        const struct xs_node *node = xs_node_at(forest, ref);
        int order = compare(key, name, len, node);

        if (order == 0) {
            return ref;
        }
        ref = order < 0 ? node->left : node->right;
    }
    return 0;
}

size_t xs_path_step(const char **name)
{
    const char *start = *name, *end;

    while (*start == '/') {
        start++;
    }
    for (end = start; *end && *end != '/'; end++) {
    }
    *name = start;
    return (size_t)(end - start);
}

xs_ref xs_tree_find(const struct xs_forest *forest, xs_ref root, const char *path)
{
    xs_ref ref = root;

    for (size_t len; ref && (len = xs_path_step(&path)) > 0; path += len) {
        ref = xs_child_find(forest, xs_node_at(forest, ref), path, len);
    }
    return ref;
}

int xs_tree_own(struct xs_forest *forest, xs_ref *root, const char *path, struct xs_node **node)
{
    struct xs_node *at = own(forest, root);

    for (size_t len; at && (len = xs_path_step(&path)) > 0; path += len) {
        struct xs_node *step = own(forest, &at->children);
        uint64_t key = key_of(path, len);
        int order;

        while (step && (order = compare(key, path, len, step)) != 0) {
            step = own(forest, order < 0 ? &step->left : &step->right);
        }
        at = step;
    }
    *node = at;
    return at ? 0 : -ENOMEM;
}

/* Divide the treap in tree by name into the two empty slots. */
static int split(struct xs_forest *forest, xs_ref tree, const struct xs_node *by, xs_ref *less,
                 xs_ref *greater)
{
    while (tree) {
        xs_ref slot = tree;
        struct xs_node *node = xs_node_at(forest, tree);
        bool is_less = compare(key_of_node(by), by->name, by->name_len, node) > 0;
        xs_ref *dest = is_less ? less : greater;

        XS_SET(forest->arena, *dest, slot);
        node = own(forest, dest);
        if (!node) {
            return -ENOMEM;
        }
        tree = is_less ? node->right : node->left;
        if (is_less) {
            less = &node->right;
        } else {
            greater = &node->left;
        }
    }
    XS_SET(forest->arena, *less, 0);
    XS_SET(forest->arena, *greater, 0);
    return 0;
}

int xs_child_add(struct xs_forest *forest, struct xs_node *parent, xs_ref child)
{
    struct xs_node *node = xs_node_at(forest, child);
    xs_ref *slot = &parent->children;
    xs_ref below;
    int rc;

    while (*slot && xs_node_at(forest, *slot)->prio >= node->prio) {
        struct xs_node *at = own(forest, slot);

        if (!at) {
            return -ENOMEM;
        }
        slot = compare(key_of_node(node), node->name, node->name_len, at) < 0 ? &at->left : &at->right;
    }
    below = *slot;
    XS_SET(forest->arena, *slot, child);
    rc = split(forest, below, node, &node->left, &node->right);
    XS_SET(forest->arena, parent->nr_children, parent->nr_children + 1);
    XS_SET(forest->arena, parent->child_bytes, parent->child_bytes + node->name_len + 1);
    return rc;
}

/* Put two treaps, all of left before all of right, into an owned slot. */
static int merge(struct xs_forest *forest, xs_ref left, xs_ref right, xs_ref *slot)
{
    while (left && right) {
        bool use_left = xs_node_at(forest, left)->prio >= xs_node_at(forest, right)->prio;
        struct xs_node *node;

        XS_SET(forest->arena, *slot, use_left ? left : right);
        node = own(forest, slot);
        if (!node) {
            return -ENOMEM;
        }
        if (use_left) {
            left = node->right;
            slot = &node->right;
        } else {
            right = node->left;
            slot = &node->left;
        }
    }
    XS_SET(forest->arena, *slot, left ? left : right);
    return 0;
}

int xs_child_remove(struct xs_forest *forest, struct xs_node *parent, const char *name, size_t len)
{
    xs_ref *slot = &parent->children;
    uint64_t key = key_of(name, len);
    struct xs_node *node;
    xs_ref gone;
    int order;
    int rc;

    for (;;) {
        node = own(forest, slot);
        if (!node) {
            return -ENOMEM;
        }
        order = compare(key, name, len, node);
        if (order == 0) {
            break;
        }
        slot = order < 0 ? &node->left : &node->right;
    }
    gone = *slot;
    rc = merge(forest, node->left, node->right, slot);
    XS_SET(forest->arena, node->left, 0);
    XS_SET(forest->arena, node->right, 0);
    xs_node_put(forest, gone);
    XS_SET(forest->arena, parent->nr_children, parent->nr_children - 1);
    XS_SET(forest->arena, parent->child_bytes, parent->child_bytes - (uint32_t)len - 1);
    return rc;
}

const struct xs_node *xs_child_next(const struct xs_forest *forest, const struct xs_node *parent,
                                    const char *name, size_t len)
{
    const struct xs_node *best = NULL;
    xs_ref ref = parent->children;
    uint64_t key = name ? key_of(name, len) : 0;

    while (ref) {
        const struct xs_node *node = xs_node_at(forest, ref);

        if (!name || compare(key, name, len, node) < 0) {
            best = node;
            ref = node->left;
        } else {
            ref = node->right;
        }
    }
    return best;
}

void xs_walk_start(struct xs_walk *walk, const struct xs_forest *forest, xs_ref root,
                   const char *prefix)
{
    walk->forest = forest;
    walk->depth = 0;
    walk->at[0] = root;
    walk->end[0] = (uint16_t)(prefix[1] ? strlen(prefix) : 0);
    memcpy(walk->path, prefix, strlen(prefix) + 1);
}

/* Visit a child of the node at that depth. */
static xs_ref descend(struct xs_walk *walk, unsigned int depth, const struct xs_node *child)
{
    size_t end = walk->end[depth];

    walk->path[end] = '/';
    memcpy(walk->path + end + 1, child->name, child->name_len);
    end += 1u + child->name_len;
    walk->path[end] = 0;
    walk->depth = depth + 1;
    walk->end[depth + 1] = (uint16_t)end;
    walk->at[depth + 1] = xs_ref_of(walk->forest->arena, child);
    return walk->at[depth + 1];
}

xs_ref xs_walk_next(struct xs_walk *walk, bool skip)
{
    const struct xs_node *node = xs_node_at(walk->forest, walk->at[walk->depth]);

    if (!skip && node->children) {
        return descend(walk, walk->depth, xs_child_next(walk->forest, node, NULL, 0));
    }
    while (walk->depth > 0) {
        const struct xs_node *parent = xs_node_at(walk->forest, walk->at[walk->depth - 1]);
        const struct xs_node *next;

        node = xs_node_at(walk->forest, walk->at[walk->depth]);
        next = xs_child_next(walk->forest, parent, node->name, node->name_len);
        if (next) {
            return descend(walk, walk->depth - 1, next);
        }
        walk->depth--;
    }
    return 0;
}

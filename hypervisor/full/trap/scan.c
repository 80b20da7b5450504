/* SPDX-License-Identifier: MIT */
/*
 * Which bytes of a page of code have to trap, and do not by themselves: from where the page is entered along all ways that stay on
 * it, with those that leave it told; then, in what is left between, code that only pointers lead to. Pure.
 * What is found along the ways is certain. The rest is taken for code where it decodes without a break up to what is certain, or
 * to the page's end: data that looks so would be taken for code, so kernels do well to keep data in pages of its own.
 */
#include "common/string.h"
#include "full/insn.h"
#include "full/trap/trap.h"

#define TRAPPING  0xf4u /* HLT: a fault in ring 3, and one byte long */
#define NO_CODE   0xffffu
#define LOOK_BACK 64u

struct scan {
    const uint8_t *page, *behind;
    unsigned int mode;
    uint8_t *to;
    struct trap_ways *ways;
    bool found;
    uint64_t covered[PAGE_SIZE / 64]; /* bytes of instructions that are certain */
    uint64_t start[PAGE_SIZE / 64];   /* where they begin */
    uint64_t todo[PAGE_SIZE / 64];    /* where some begin that have not been looked at */
};

static bool bit_is(const uint64_t *map, unsigned int n)
{
    return map[n / 64] >> n % 64 & 1;
}

static void bit_set(uint64_t *map, unsigned int n)
{
    map[n / 64] |= 1ul << n % 64;
}

/* The bytes at an offset, those of the next page behind them where it is there. */
static unsigned int bytes_at(const struct scan *s, unsigned int at, uint8_t *bytes)
{
    unsigned int here = PAGE_SIZE - at < INSN_MAX_BYTES ? PAGE_SIZE - at : INSN_MAX_BYTES;

    memcpy(bytes, s->page + at, here);
    if (here == INSN_MAX_BYTES || !s->behind) {
        return here;
    }
    memcpy(bytes + here, s->behind, INSN_MAX_BYTES - here);
    return INSN_MAX_BYTES;
}

static bool is_prefix(uint8_t b, unsigned int mode)
{
    return b == 0x66 || b == 0x67 || b == 0xf2 || b == 0xf3 || b == 0xf0 || b == 0x2e ||
           b == 0x26 || b == 0x36 || b == 0x3e || b == 0x64 || b == 0x65 ||
           (mode == 64 && (b & 0xf0) == 0x40);
}

/* An instruction that goes on behind the page: is it settled by what is on this one whether it is silent? The other may change. */
static bool is_settled(const struct scan *s, unsigned int at)
{
    while (at < PAGE_SIZE && is_prefix(s->page[at], s->mode)) {
        at++;
    }
    if (at < PAGE_SIZE && s->page[at] == 0x0f) {
        at++;
        if (at < PAGE_SIZE && s->page[at] <= 1) { /* groups 0f00 and 0f01 */
            at++;
        }
    }
    return at < PAGE_SIZE;
}

/* The instruction there: its length and what comes after; 0: none. It traps from now on if it has to. */
static unsigned int one(struct scan *s, unsigned int at, struct full_insn *i)
{
    uint8_t bytes[INSN_MAX_BYTES];
    unsigned int nr = bytes_at(s, at, bytes);
    bool known = full_insn_decode(bytes, nr, s->mode, i), settled = true;

    if (!known || at + i->length > PAGE_SIZE) {
        settled = is_settled(s, at);
    }
    if (!settled || (known && full_insn_silent(i, s->mode))) {
        s->to[at] = TRAPPING;
        s->found = true;
    }
    return known ? i->length : 0;
}

static void branch(struct scan *s, int64_t target)
{
    const struct trap_ways *w = s->ways;

    if (target < 0 || target >= (int64_t)PAGE_SIZE) {
        w->out(w->context, target);
    } else if (!bit_is(s->start, (unsigned int)target)) {
        bit_set(s->todo, (unsigned int)target);
    }
}

/* On from one entry until the way ends, leaves the page or meets one that has been gone. */
static void follow(struct scan *s, unsigned int at)
{
    while (at < PAGE_SIZE && !bit_is(s->start, at)) {
        struct full_insn i;
        unsigned int length = one(s, at, &i), j;
        enum full_insn_flow flow;

        bit_set(s->start, at);
        if (!length) {
            return;
        }
        for (j = at; j < at + length && j < PAGE_SIZE; j++) {
            bit_set(s->covered, j);
        }
        at += length;
        flow = full_insn_flow(&i);
        if (flow == FLOW_BRANCH || flow == FLOW_JUMP) {
            branch(s, (int64_t)at + (int64_t)i.imm);
        }
        if (flow == FLOW_JUMP || flow == FLOW_END) {
            return;
        }
    }
}

static void follow_all(struct scan *s)
{
    for (unsigned int w = 0; w < PAGE_SIZE / 64;) {
        uint64_t bits = s->todo[w];

        if (!bits) {
            w++;
            continue;
        }
        s->todo[w] &= bits - 1;
        follow(s, w * 64 + (unsigned int)__builtin_ctzl(bits));
        w = 0; /* it may have found ways to earlier places */
    }
}

/* The same byte up to the end: padding. */
static bool is_padding(const struct scan *s, unsigned int at, unsigned int end)
{
    for (unsigned int i = at; i < end; i++) {
        if (s->page[i] != s->page[at]) {
            return false;
        }
    }
    return true;
}

/* Does it decode from here to `end`, and to nothing that only data looks like? */
static bool looks_like_code(struct scan *s, unsigned int at, unsigned int end)
{
    struct full_insn i;
    uint8_t bytes[INSN_MAX_BYTES];

    while (at < end) {
        if (!full_insn_decode(bytes, bytes_at(s, at, bytes), s->mode, &i)) {
            return at + INSN_MAX_BYTES > PAGE_SIZE; /* cut short by the page's end */
        }
        if (i.opcode == 0 && i.modrm == 0) { /* add %al,(%rax): zeroes */
            return is_padding(s, at, end);
        }
        at += i.length;
    }
    return at == end || end == PAGE_SIZE;
}

/* Where instructions begin on this page, by those at the end of the one before; 0 where that is not there. */
static unsigned int first_start(const struct scan *s, const uint8_t *before)
{
    unsigned int at = PAGE_SIZE - LOOK_BACK;
    uint8_t bytes[INSN_MAX_BYTES];
    struct full_insn i;

    while (before && at < PAGE_SIZE) {
        unsigned int here = PAGE_SIZE - at < INSN_MAX_BYTES ? PAGE_SIZE - at : INSN_MAX_BYTES;

        memcpy(bytes, before + at, here);
        memcpy(bytes + here, s->page, INSN_MAX_BYTES - here);
        at += full_insn_decode(bytes, INSN_MAX_BYTES, s->mode, &i) ? i.length : 1;
    }
    return before ? at - PAGE_SIZE : 0;
}

/* What begins between `at` and `end`, where looks_like_code() says so, is code: each instruction, for a way may end before the gap does. */
static void take(struct scan *s, unsigned int at, unsigned int end)
{
    uint8_t bytes[INSN_MAX_BYTES];
    struct full_insn i;

    while (at < end) {
        bit_set(s->todo, at);
        at += full_insn_decode(bytes, bytes_at(s, at, bytes), s->mode, &i) ? i.length : PAGE_SIZE;
    }
    follow_all(s);
}

/* Code between what is certain, which nothing on this page leads to. A gap is decoded twice at most, whatever is in it. */
static void sweep(struct scan *s, unsigned int at)
{
    while (at < PAGE_SIZE) {
        unsigned int end = at;

        while (end < PAGE_SIZE && !bit_is(s->covered, end)) {
            end++;
        }
        if (end > at && looks_like_code(s, at, end)) {
            take(s, at, end);
        }
        at = end + 1;
    }
}

bool trap_scan(const uint8_t *from, const uint8_t *before, const uint8_t *behind, unsigned int mode,
               struct trap_ways *ways, uint8_t *to)
{
    struct scan s = {.page = from, .behind = behind, .mode = mode, .to = to, .ways = ways};

    memcpy(s.todo, ways->in, sizeof(s.todo));
    follow_all(&s);
    sweep(&s, first_start(&s, before));
    memcpy(ways->in, s.start, sizeof(ways->in));
    return s.found;
}

/* SPDX-License-Identifier: MIT */
/*
 * Formatted output without a C library. One pass over the format; each conversion is parsed into a spec and emitted
 * with its padding. Invariant: `put` counts every character and stores only those that fit before the terminator.
 */
#include "common/format.h"

#include <stdbool.h>
#include <stdint.h>

#include "common/string.h"

struct out {
    char *buf;
    size_t size, len;
};

struct spec {
    bool left, zero, plus, space, alt, has_prec;
    int width, prec;
    int length; /* bytes of the argument: 1, 2, 4 or 8 */
};

static void put(struct out *o, char c)
{
    if (o->len + 1 < o->size) {
        o->buf[o->len] = c;
    }
    o->len++;
}

static void pad(struct out *o, char c, int n)
{
    for (; n > 0; n--) {
        put(o, c);
    }
}

static void put_text(struct out *o, const struct spec *s, const char *text, size_t n)
{
    int fill = s->width - (int)n;

    if (!s->left) {
        pad(o, ' ', fill);
    }
    for (size_t i = 0; i < n; i++) {
        put(o, text[i]);
    }
    if (s->left) {
        pad(o, ' ', fill);
    }
}

/* Digits of v into the end of buf; returns where they start. */
static char *digits(char *end, uint64_t v, unsigned int base, bool upper)
{
    const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";

    do {
        *--end = set[v % base];
        v /= base;
    } while (v);
    return end;
}

static void put_number(struct out *o, const struct spec *s, uint64_t v, unsigned int base, bool upper, const char *prefix)
{
    char buf[24];
    char *end = buf + sizeof(buf);
    char *start = digits(end, v, base, upper);
    int n = s->has_prec && s->prec == 0 && v == 0 ? 0 : (int)(end - start);
    int zeros = s->has_prec && s->prec > n ? s->prec - n : 0;
    int plen = (int)strlen(prefix);
    int fill = s->width - n - zeros - plen;

    if (s->zero && !s->left && !s->has_prec && fill > 0) {
        zeros += fill;
        fill = 0;
    }
    if (!s->left) {
        pad(o, ' ', fill);
    }
    for (int i = 0; i < plen; i++) {
        put(o, prefix[i]);
    }
    pad(o, '0', zeros);
    for (int i = 0; i < n; i++) {
        put(o, start[i]);
    }
    if (s->left) {
        pad(o, ' ', fill);
    }
}

static const char *parse_flags(const char *f, struct spec *s)
{
    for (;; f++) {
        switch (*f) {
        case '-':
            s->left = true;
            break;
        case '0':
            s->zero = true;
            break;
        case '+':
            s->plus = true;
            break;
        case ' ':
            s->space = true;
            break;
        case '#':
            s->alt = true;
            break;
        default:
            return f;
        }
    }
}

static const char *parse_int(const char *f, int *out)
{
    int v = 0;

    for (; *f >= '0' && *f <= '9'; f++) {
        v = v < 100000 ? v * 10 + (*f - '0') : v;
    }
    *out = v;
    return f;
}

static const char *parse_length(const char *f, struct spec *s)
{
    s->length = 4;
    if (*f == 'h') {
        s->length = f[1] == 'h' ? 1 : 2;
        return f + (f[1] == 'h' ? 2 : 1);
    }
    if (*f == 'l') {
        s->length = 8;
        return f + (f[1] == 'l' ? 2 : 1);
    }
    if (*f == 'z' || *f == 'j' || *f == 't') {
        s->length = 8;
        return f + 1;
    }
    return f;
}

static uint64_t truncate_unsigned(uint64_t v, int bytes)
{
    return bytes == 8 ? v : v & ((1ul << bytes * 8) - 1);
}

static void put_signed(struct out *o, const struct spec *s, int64_t v)
{
    const char *prefix = v < 0 ? "-" : s->plus ? "+" : s->space ? " " : "";

    put_number(o, s, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, false, prefix);
}

/* A va_list inside a structure can be handed on by pointer whatever its type is. */
struct args {
    va_list list;
};

static int64_t next_signed(struct args *a, int bytes)
{
    if (bytes == 8) {
        return va_arg(a->list, int64_t);
    }
    return bytes == 1 ? (signed char)va_arg(a->list, int) : bytes == 2 ? (short)va_arg(a->list, int) : va_arg(a->list, int);
}

static uint64_t next_unsigned(struct args *a, int bytes)
{
    return bytes == 8 ? va_arg(a->list, uint64_t) : truncate_unsigned(va_arg(a->list, unsigned int), bytes);
}

static void put_hex_or_octal(struct out *o, const struct spec *s, struct args *a, char conv)
{
    uint64_t v = next_unsigned(a, s->length);
    const char *prefix = "";

    if (s->alt && v != 0) {
        prefix = conv == 'x' ? "0x" : conv == 'X' ? "0X" : "0";
    }
    put_number(o, s, v, conv == 'o' ? 8 : 16, conv == 'X', prefix);
}

static void convert(struct out *o, const struct spec *s, struct args *a, char conv)
{
    const char *text;
    char c;

    switch (conv) {
    case 'd':
    case 'i':
        put_signed(o, s, next_signed(a, s->length));
        break;
    case 'u':
        put_number(o, s, next_unsigned(a, s->length), 10, false, "");
        break;
    case 'x':
    case 'X':
    case 'o':
        put_hex_or_octal(o, s, a, conv);
        break;
    case 'p':
        put_number(o, s, (uint64_t)(uintptr_t)va_arg(a->list, void *), 16, false, "0x");
        break;
    case 'c':
        c = (char)va_arg(a->list, int);
        put_text(o, s, &c, 1);
        break;
    case 's':
        text = va_arg(a->list, const char *);
        text = text ? text : "(null)";
        put_text(o, s, text, s->has_prec ? strnlen(text, (size_t)s->prec) : strlen(text));
        break;
    case '%':
        put(o, '%');
        break;
    default: /* an unknown conversion shows itself */
        put(o, '%');
        put(o, conv);
        break;
    }
}

static const char *parse_spec(const char *f, struct spec *s, struct args *a)
{
    *s = (struct spec){0};
    f = parse_flags(f, s);
    if (*f == '*') {
        s->width = va_arg(a->list, int);
        if (s->width < 0) {
            s->left = true;
            s->width = -s->width;
        }
        f++;
    } else {
        f = parse_int(f, &s->width);
    }
    if (*f == '.') {
        s->has_prec = true;
        if (f[1] == '*') {
            s->prec = va_arg(a->list, int);
            s->has_prec = s->prec >= 0;
            f += 2;
        } else {
            f = parse_int(f + 1, &s->prec);
        }
    }
    return parse_length(f, s);
}

int format_v(char *buf, size_t size, const char *fmt, va_list list)
{
    struct out o = {buf, size, 0};
    struct args a;
    struct spec s;

    va_copy(a.list, list);
    for (; *fmt; fmt++) {
        if (*fmt != '%') {
            put(&o, *fmt);
            continue;
        }
        fmt = parse_spec(fmt + 1, &s, &a);
        if (!*fmt) {
            break;
        }
        convert(&o, &s, &a, *fmt);
    }
    va_end(a.list);
    if (size) {
        buf[o.len < size ? o.len : size - 1] = '\0';
    }
    return (int)o.len;
}

int format(char *buf, size_t size, const char *fmt, ...)
{
    va_list args;
    int n;

    va_start(args, fmt);
    n = format_v(buf, size, fmt, args);
    va_end(args);
    return n;
}

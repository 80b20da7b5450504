/* SPDX-License-Identifier: MIT */
/*
 * Entries of vif=, see vif_cfg.h: a table of fields, each with its place and its check. Known words that mean nothing for a
 * paravirtualized interface (type=, model=) are accepted; others are errors.
 */
#include "libxeno/cfg/vif_cfg.h"

#include <stdlib.h>

#include "common/compiler.h"
#include "common/format.h"
#include "common/string.h"

#define DEFAULT_INTERVAL_US 50000u
#define MTU_LEAST           68u
#define MTU_MOST            65535u

/* ---- checks: NULL, or what is expected ---- */

static unsigned int hex(char c)
{
    return c >= '0' && c <= '9'   ? (unsigned int)(c - '0')
           : c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10
           : c >= 'A' && c <= 'F' ? (unsigned int)(c - 'A') + 10
                                  : 16;
}

static const char *check_mac(const char *s)
{
    unsigned int others = 0;

    for (unsigned int i = 0; i < 17; i++) {
        if (i % 3 == 2 ? s[i] != ':' : hex(s[i]) == 16) {
            return "six bytes in hexadecimal, like 00:16:3e:00:00:01";
        }
        others += i % 3 != 2 && s[i] != '0';
    }
    if (s[17] || !others || hex(s[1]) & 1) {
        return "the address of one interface: not zero, not of a group";
    }
    return NULL;
}

static const char *check_interface(const char *s)
{
    bool good = *s && strcmp(s, ".") != 0 && strcmp(s, "..") != 0;

    for (; *s; s++) {
        good = good && *s > ' ' && *s != '/' && *s != ':' && *s < 0x7f;
    }
    return good ? NULL : "the name of an interface, 1 to 15 characters";
}

static const char *check_rate(const char *s)
{
    uint64_t bytes;
    uint32_t us;

    return domain_vif_rate(s, &bytes, &us) ? "something like 10Mb/s, or 1MB/s@20ms" : NULL;
}

static const char *check_backend(const char *s)
{
    return strcmp(s, "0") == 0 || strcmp(s, "dom0") == 0 || strcmp(s, "Domain-0") == 0
               ? NULL
               : "Domain-0: no other domain can serve it";
}

/* ---- fields ---- */

enum kind {
    KIND_TEXT,
    KIND_MTU,
    KIND_DEVID,
    KIND_TRUSTED,
    KIND_IGNORED
};

struct field {
    const char *name;
    const char *(*check)(const char *value);
    uint16_t offset, size;
    enum kind kind;
};

#define TEXT(m, check)                                                                             \
    {                                                                                              \
#m, check, offsetof(struct domain_vif, m), sizeof(((struct domain_vif *)0)->m), KIND_TEXT  \
    }

static const struct field fields[] = {
    TEXT(mac, check_mac),
    TEXT(bridge, check_interface),
    TEXT(vifname, check_interface),
    TEXT(script, NULL),
    TEXT(ip, NULL),
    TEXT(rate, check_rate),
    {"mtu", NULL, 0, 0, KIND_MTU},
    {"devid", NULL, 0, 0, KIND_DEVID},
    {"trusted", NULL, 0, 0, KIND_TRUSTED},
    {"backend", check_backend, 0, 0, KIND_IGNORED},
    {"type", NULL, 0, 0, KIND_IGNORED},
    {"model", NULL, 0, 0, KIND_IGNORED},
};

/* A decimal number from least to most; -1. */
static int64_t number(const char *s, uint32_t least, uint32_t most)
{
    char *end;
    unsigned long n = strtoul(s, &end, 10);

    return *s >= '0' && *s <= '9' && !*end && n >= least && n <= most ? (int64_t)n : -1;
}

static int set(struct domain_vif *v, const struct field *f, const char *value, char *why,
               size_t size)
{
    const char *expected = f->check ? f->check(value) : NULL;
    int64_t n = 0;

    switch (f->kind) {
    case KIND_TEXT:
        if (!expected && strlen(value) >= f->size) {
            format(why, size, "%s= has at most %u characters", f->name, f->size - 1u);
            return -1;
        }
        if (!expected) {
            memcpy((char *)v + f->offset, value, strlen(value) + 1);
        }
        break;
    case KIND_MTU:
        n = number(value, MTU_LEAST, MTU_MOST);
        v->mtu = (uint32_t)n;
        expected = n < 0 ? "a number from 68 to 65535" : NULL;
        break;
    case KIND_DEVID:
        n = number(value, 0, DOMAIN_VIF_NUMBERS - 1);
        v->devid = (int32_t)n;
        expected = n < 0 ? "a number from 0 to 255" : NULL;
        break;
    case KIND_TRUSTED:
        n = number(value, 0, 1);
        v->untrusted = n == 0;
        expected = n < 0 ? "0 or 1" : NULL;
        break;
    case KIND_IGNORED:
    default:
        break;
    }
    if (expected) {
        format(why, size, "%s=%.40s: expected %s", f->name, value, expected);
    }
    return expected ? -1 : 0;
}

static int take(struct domain_vif *v, const char *word, char *why, size_t size)
{
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        size_t n = strlen(fields[i].name);

        if (strncmp(word, fields[i].name, n) == 0 && word[n] == '=') {
            return word[n + 1] ? set(v, &fields[i], word + n + 1, why, size) : 0;
        }
    }
    format(
        why, size,
        "it has no field like '%.40s': mac=, bridge=, vifname=, script=, ip=, rate=, mtu=, devid= and trusted= are",
        word);
    return -1;
}

int domain_vif_parse(const char *text, struct domain_vif *vif, char *why, size_t why_size)
{
    const char *comma = text;

    *vif = (struct domain_vif){.devid = -1};
    for (; comma; text = comma ? comma + 1 : text) {
        char word[160];
        size_t n;

        while (*text == ' ') {
            text++;
        }
        comma = strchr(text, ',');
        n = comma ? (size_t)(comma - text) : strlen(text);
        while (n && text[n - 1] == ' ') {
            n--;
        }
        if (n >= sizeof(word)) {
            format(why, why_size, "a field of it is too long");
            return -1;
        }
        memcpy(word, text, n);
        word[n] = '\0';
        if (n && take(vif, word, why, why_size)) {
            return -1;
        }
    }
    return 0;
}

int domain_vif_write(const struct domain_vif *vif, char *buf, size_t size)
{
    size_t n = (size_t)format(buf, size, "devid=%d", vif->devid);

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        const char *text = (const char *)vif + fields[i].offset;

        if (fields[i].kind == KIND_TEXT && *text) {
            n += (size_t)format(n < size ? buf + n : NULL, n < size ? size - n : 0, ",%s=%s",
                                fields[i].name, text);
        }
    }
    if (vif->mtu) {
        n +=
            (size_t)format(n < size ? buf + n : NULL, n < size ? size - n : 0, ",mtu=%u", vif->mtu);
    }
    if (vif->untrusted) {
        n += (size_t)format(n < size ? buf + n : NULL, n < size ? size - n : 0, ",trusted=0");
    }
    return (int)n;
}

/* The number in front, *s behind it; -1: there is none, or it is beyond what could be meant. */
static int64_t digits(const char **s)
{
    char *end;
    unsigned long n = strtoul(*s, &end, 10);
    bool good = **s >= '0' && **s <= '9' && n <= UINT32_MAX;

    *s = end;
    return good ? (int64_t)n : -1;
}

static uint64_t unit(const char **s, const char *letters, const uint64_t *sizes, uint64_t none)
{
    const char *found = **s ? strchr(letters, **s) : NULL;

    *s += found != NULL;
    return found ? sizes[found - letters] : none;
}

int domain_vif_rate(const char *text, uint64_t *bytes, uint32_t *interval_us)
{
    static const uint64_t many[] = {1000000000, 1000000, 1000}, few[] = {1000, 1};
    int64_t n = digits(&text), us = DEFAULT_INTERVAL_US;
    uint64_t per_second = (uint64_t)n * unit(&text, "GMK", many, 1);

    if (n <= 0 || (*text != 'b' && *text != 'B')) {
        return -1;
    }
    per_second /= *text == 'b' ? 8 : 1;
    if (strncmp(++text, "/s", 2) != 0) {
        return -1;
    }
    text += 2;
    if (*text == '@') {
        text++;
        us = digits(&text);
        us = us <= 0 ? -1 : us * (int64_t)unit(&text, "mu", few, 1000000);
        if (us < 0 || us > 60000000 || *text++ != 's') {
            return -1;
        }
    }
    *interval_us = (uint32_t)us;
    *bytes = per_second / 1000000 * (uint64_t)us + per_second % 1000000 * (uint64_t)us / 1000000;
    return *text || *bytes == 0 || *bytes > UINT32_MAX ? -1 : 0;
}

static bool is_taken(const struct domain_vif *vifs, uint32_t nr, int32_t devid)
{
    while (nr) {
        if (vifs[--nr].devid == devid) {
            return true;
        }
    }
    return false;
}

int domain_vifs_number(struct domain_vif *vifs, uint32_t nr, char *why, size_t why_size)
{
    for (uint32_t i = 0; i < nr; i++) {
        if (vifs[i].devid >= 0 && is_taken(vifs, i, vifs[i].devid)) {
            format(why, why_size, "devid=%d is there twice: numbers are each interface's own",
                   vifs[i].devid);
            return -1;
        }
    }
    for (uint32_t i = 0; i < nr; i++) {
        for (int32_t n = 0; vifs[i].devid < 0; n++) {
            vifs[i].devid = is_taken(vifs, nr, n) ? -1 : n;
        }
    }
    return 0;
}

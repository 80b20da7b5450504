/* SPDX-License-Identifier: MIT */
/* Entries of disk=, see disk_cfg.h. Known words that ask for what is the case anyhow are accepted; others are errors. */
#include "libxeno/cfg/disk_cfg.h"

#include "common/compiler.h"
#include "common/format.h"
#include "common/string.h"

enum field {
    FIELD_TARGET,
    FIELD_FORMAT,
    FIELD_VDEV,
    FIELD_ACCESS,
    NR_FIELDS,
    FIELD_IGNORED
};

static const struct {
    const char *name;
    enum field field;
} keys[] = {
    {"target", FIELD_TARGET},
    {"format", FIELD_FORMAT},
    {"vdev", FIELD_VDEV},
    {"access", FIELD_ACCESS},
    {"backendtype", FIELD_IGNORED},
    {"devtype", FIELD_IGNORED},
    {"direct-io-safe", FIELD_IGNORED},
    {"discard", FIELD_IGNORED},
    {"no-discard", FIELD_IGNORED},
};

#define VDEV_IDE     (3u << 8)
#define VDEV_SCSI    (8u << 8)
#define VDEV_VIRTUAL (202u << 8)
#define DEFAULT_VDEV "hda"

unsigned int domain_disk_index(const char *vdev)
{
    return *vdev ? (unsigned int)(vdev[strlen(vdev) - 1] - 'a') : 0;
}

uint32_t domain_disk_number(const char *vdev)
{
    size_t n = strlen(vdev);
    unsigned int index = domain_disk_index(vdev);

    if (n == 3 && memcmp(vdev, "hd", 2) == 0 && index < 2) {
        return VDEV_IDE | index << 6;
    }
    if (n == 3 && memcmp(vdev, "sd", 2) == 0 && index < 16) {
        return VDEV_SCSI | index << 4;
    }
    return n == 4 && memcmp(vdev, "xvd", 3) == 0 && index < 16 ? VDEV_VIRTUAL | index << 4 : 0;
}

/* Which field a word is for, and the value in it; a word without a known name in front is the next by position. */
static enum field classify(char *word, const char **value, unsigned int position)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        size_t n = strlen(keys[i].name);

        if (strncmp(word, keys[i].name, n) == 0 && (word[n] == '=' || word[n] == '\0')) {
            *value = word[n] ? word + n + 1 : "";
            return keys[i].field;
        }
    }
    *value = word;
    return position < NR_FIELDS ? (enum field)position : NR_FIELDS;
}

static bool is_one_of(const char *word, const char *const *known, size_t nr)
{
    while (nr) {
        if (strcmp(word, known[--nr]) == 0) {
            return true;
        }
    }
    return false;
}

static int set(struct domain_disk *d, enum field field, const char *value, char *why, size_t size)
{
    static const char *const reads[] = {"r", "ro"}, *const writes[] = {"w", "rw"};

    switch (field) {
    case FIELD_TARGET:
        value += strncmp(value, "file:", 5) == 0 ? 5 : strncmp(value, "phy:", 4) == 0 ? 4 : 0;
        if (!*value || strlen(value) >= sizeof(d->target)) {
            format(why, size, "a target has 1 to %u characters",
                   (unsigned int)sizeof(d->target) - 1);
            return -1;
        }
        memcpy(d->target, value, strlen(value) + 1);
        return 0;
    case FIELD_FORMAT:
        if (*value && strcmp(value, "raw") != 0) {
            format(why, size, "format %.20s is not supported: raw is", value);
            return -1;
        }
        return 0;
    case FIELD_VDEV:
        if (*value && !domain_disk_number(value)) {
            format(why, size,
                   "no virtual device is named %.20s: hda, hdb, sda to sdp, xvda to xvdp are",
                   value);
            return -1;
        }
        if (*value) {
            memcpy(d->vdev, value, strlen(value) + 1);
        }
        return 0;
    case FIELD_ACCESS:
        if (*value && !is_one_of(value, reads, ARRAY_SIZE(reads)) &&
            !is_one_of(value, writes, ARRAY_SIZE(writes))) {
            format(why, size, "access %.20s: expected r or w", value);
            return -1;
        }
        d->read_only = is_one_of(value, reads, ARRAY_SIZE(reads));
        return 0;
    case FIELD_IGNORED:
        return 0;
    default:
        format(why, size, "there is something behind the access: %.40s", value);
        return -1;
    }
}

int domain_disk_parse(const char *text, struct domain_disk *disk, char *why, size_t why_size)
{
    unsigned int position = 0;

    *disk = (struct domain_disk){.vdev = DEFAULT_VDEV};
    for (;;) {
        const char *comma = strchr(text, ','), *value;
        size_t n = comma ? (size_t)(comma - text) : strlen(text);
        char word[300];
        enum field field;

        while (n && *text == ' ') {
            text++;
            n--;
        }
        if (n >= sizeof(word)) {
            format(why, why_size, "a word of it is too long");
            return -1;
        }
        memcpy(word, text, n);
        word[n] = '\0';
        field = classify(word, &value, position);
        if (value == word && field == FIELD_FORMAT && domain_disk_number(word)) {
            field = FIELD_VDEV; /* the older form has no format */
            position = FIELD_VDEV;
        }
        position += value == word;
        if (set(disk, field, value, why, why_size)) {
            return -1;
        }
        if (!comma) {
            break;
        }
        text = comma + 1;
    }
    if (!disk->target[0]) {
        format(why, why_size, "it has no target");
        return -1;
    }
    return 0;
}

int domain_disks_check(const struct domain_disk *disks, bool full, char *why, size_t why_size)
{
    for (unsigned int i = 0; i < DOMAIN_DISKS && disks[i].target[0]; i++) {
        const char *vdev = disks[i].vdev;

        if (full && domain_disk_index(vdev) > 1) {
            format(why, why_size, "a fully virtualized domain has no %s: hda and hdb are there",
                   vdev);
            return -1;
        }
        for (unsigned int j = 0; j < i; j++) {
            if (full ? domain_disk_index(disks[j].vdev) == domain_disk_index(vdev)
                     : domain_disk_number(disks[j].vdev) == domain_disk_number(vdev)) {
                format(why, why_size, "two of them are %s: give each a name of its own", vdev);
                return -1;
            }
        }
    }
    return 0;
}

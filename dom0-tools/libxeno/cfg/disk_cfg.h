/* SPDX-License-Identifier: MIT */
/*
 * One entry of disk=, in xl's forms: TARGET[,FORMAT[,VDEV[,ACCESS]]], the older TARGET,VDEV[,ACCESS], or the same by name
 * (target=, format=, vdev=, access=). TARGET may have file: or phy: in front of it.
 */
#ifndef LIBXENO_CFG_DISK_CFG_H
#define LIBXENO_CFG_DISK_CFG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOMAIN_DISKS 4u /* at most */

struct domain_disk {
    char target[256]; /* "": no disk */
    char vdev[8];
    bool read_only;
};

/* 0, or -1 with what is wrong, a phrase. */
int domain_disk_parse(const char *text, struct domain_disk *disk, char *why, size_t why_size);

/* The number of a virtual device that a guest knows it by: 768 for hda; 0: there is no such name. */
uint32_t domain_disk_number(const char *vdev);
/* Which of its kind the device is: 0 for hda, sda and xvda. */
unsigned int domain_disk_index(const char *vdev);

/* Disks are side by side, those without a target last. Can a domain have them? 0, or -1 with what is wrong. */
int domain_disks_check(const struct domain_disk *disks, bool full, char *why, size_t why_size);

#endif

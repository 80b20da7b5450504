/* SPDX-License-Identifier: MIT */
/*
 * One entry of vif=, in xl's form: NAME=VALUE fields with commas between them, none of which has to be there. What is not
 * said is chosen when the domain is made: the address at random, the number the first free one, the bridge xenbr0.
 */
#ifndef LIBXENO_CFG_VIF_CFG_H
#define LIBXENO_CFG_VIF_CFG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOMAIN_VIFS        8  /* that one domain may have */
#define DOMAIN_VIF_NAME    16 /* of an interface, with its zero, as Linux has it */
#define DOMAIN_VIF_BRIDGE  "xenbr0"
#define DOMAIN_VIF_NUMBERS 256 /* devid= is below */

struct domain_vif {
    char mac[18];                 /* "": not said */
    char bridge[DOMAIN_VIF_NAME]; /* likewise */
    char vifname[DOMAIN_VIF_NAME];
    char script[128];
    char ip[64];
    char rate[32]; /* as it was written */
    uint32_t mtu;  /* 0: not said */
    int32_t devid; /* -1: not said */
    bool untrusted;
};

/* 0, or -1 with what is wrong, a phrase. */
int domain_vif_parse(const char *text, struct domain_vif *vif, char *why, size_t why_size);

/* The fields as text that domain_vif_parse() reads back: bytes it takes, as snprintf() counts. */
int domain_vif_write(const struct domain_vif *vif, char *buf, size_t size);

/* "10Mb/s@20ms" as so many bytes in so many microseconds. 0 or -1. */
int domain_vif_rate(const char *text, uint64_t *bytes, uint32_t *interval_us);

/* Numbers for those that have none. 0, or -1 with a phrase where two have the same. */
int domain_vifs_number(struct domain_vif *vifs, uint32_t nr, char *why, size_t why_size);

#endif

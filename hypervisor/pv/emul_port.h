/* SPDX-License-Identifier: MIT */
/*
 * Ports of a PV guest: which it may touch, and what an access does.
 */
#ifndef PV_EMUL_PORT_H
#define PV_EMUL_PORT_H

#include <stdbool.h>
#include <stdint.h>

struct vcpu;

/* nr_bytes is 1, 2 or 4. A port that the guest may not have ignores writes and reads as all ones, the speaker's counter as zero. */
uint32_t port_read(struct vcpu *v, uint16_t port, unsigned int nr_bytes);
void port_write(struct vcpu *v, uint16_t port, unsigned int nr_bytes, uint32_t value);
/* What an in or out does; rax as it is afterwards. */
uint64_t port_once(struct vcpu *v, uint16_t port, unsigned int nr_bytes, bool out, uint64_t rax);

#endif

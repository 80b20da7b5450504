/* SPDX-License-Identifier: MIT */
/* What domain.c, domain_kill.c and vcpu.c share. Private to domain/. */
#ifndef DOMAIN_TABLE_H
#define DOMAIN_TABLE_H

struct vcpu;

/* Free a vCPU's memory; NULL is allowed. Its units have ended before (vcpu_destroy). */
void vcpu_free(struct vcpu *v);

#endif

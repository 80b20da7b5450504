/* SPDX-License-Identifier: MIT */
/* The request bits of percpu.ipi_request and who serves them: between ipi.c and tlb.c. */
#ifndef X86_IPI_REQUEST_H
#define X86_IPI_REQUEST_H

#include <stdint.h>

#define IPI_REQUEST_FLUSH    (1u << 0) /* guest translations */
#define IPI_REQUEST_FLUSH_HV (1u << 1) /* all translations */
#define IPI_REQUEST_CALL     (1u << 2)

/* Set request bits of another CPU and interrupt it. */
void ipi_request(uint32_t cpu, uint32_t bits);

/* Flush as the bits say, and acknowledge. */
void tlb_serve(uint32_t request);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer on the simulated machine: the bytes are the operations of two hostile domains; every invariant after each one.
 * SOURCES: tests/unit/mm_sim.c tests/unit/mm_sim_ops.c tests/unit/mm_sim_check.c
 * SOURCES: hypervisor/mm/page_type.c hypervisor/mm/pt_check.c
 * SOURCES: hypervisor/mm/pt_walk.c hypervisor/mm/pt_update.c hypervisor/mm/pt_pin.c hypervisor/mm/page_info.c
 * SOURCES: hypervisor/mm/page_alloc.c hypervisor/mm/heap.c hypervisor/mm/frame_ref.c
 */
#include "tests/unit/mm_sim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sim_input in = {data, size, 0};

    sim_start();
    while (sim_step(&in)) {
        sim_check();
    }
    sim_end();
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's address map as constants, for C, assembly and the linker script. L4 slots 256..271 are the
 * hypervisor's in every address space and the same in all of them; a guest sees only the M2P (read-only).
 */
#ifndef X86_LAYOUT_H
#define X86_LAYOUT_H

#ifdef __ASSEMBLER__
#define UL(x) x
#else
#define UL(x) x##UL
#endif

/* Slot 256: the machine-to-physical table, 8 bytes a frame, guest-readable (ABI: MACH2PHYS_VIRT_START). */
#define HV_VIRT_START  UL(0xffff800000000000)
#define HV_VIRT_END    UL(0xffff880000000000)
#define M2P_VIRT_START UL(0xffff800000000000)
#define M2P_VIRT_END   UL(0xffff804000000000)
#define M2P_BYTES      UL(8)         /* of an entry */
#define M2P_PIECE      (UL(2) << 20) /* contiguous in the machine (ABI: machphys_mfn_list) */

/* Slot 257: the same frames as the M2P, writable and the hypervisor's alone (it cannot read guest pages under SMAP). */
#define M2P_HV_START UL(0xffff808000000000)

/* Slot 258: the frame table, 32 bytes a frame. */
#define FRAMETABLE_START UL(0xffff810000000000)

/* Slot 259: per-CPU areas, 1 MiB each, see x86/percpu.h. */
#define PERCPU_AREA_BASE UL(0xffff818000000000)
#define PERCPU_AREA_SIZE UL(0x100000)

/* Slot 260: device mappings of the hypervisor itself (local APIC, I/O APICs, HPET, ACPI tables). */
#define IOMAP_START UL(0xffff820000000000)
#define IOMAP_END   UL(0xffff820040000000)

/* Slot 261: the hypervisor's image, linked at its physical load address plus this. */
#define IMAGE_VIRT_BASE  UL(0xffff828000000000)
#define IMAGE_PHYS_START UL(0x200000)

/* Slots 262..271: the direct map of all RAM, 5 TiB, reached through map_frame() where a domain's memory is meant. */
#define DIRECTMAP_START UL(0xffff830000000000)
#define DIRECTMAP_END   UL(0xffff880000000000)

#define HV_L4_FIRST     256
#define HV_L4_LAST      271

/* Offsets within a CPU's area. */
#define PCPU_GDT_OFFSET        0x00000 /* 14 pages of guest descriptors, then the hypervisor's page */
#define PCPU_LDT_OFFSET        0x10000 /* 16 pages of guest LDT */
#define PCPU_TRAMPOLINE_OFFSET 0x20000 /* syscall entry stub, RX */
#define PCPU_DATA_OFFSET       0x21000 /* struct percpu, RW, two pages */
#define PCPU_IST_OFFSET                                                                            \
    0x30000 /* stack n (1-based) occupies [n*0x2000-0x1000, n*0x2000), a guard page under each */
#define PCPU_STACK_OFFSET 0x40000 /* guard page, then the main stack */
#define PCPU_STACK_TOP    0x45000 /* 16 KiB of main stack under this offset */

/* Selectors: entries from 7168 (0xe000) are the hypervisor's, as the ABI fixes for 64-bit guests. */
#define SEL_GUEST_CS32  0xe023
#define SEL_GUEST_DS    0xe02b /* FLAT_RING3_SS64 and the 32-bit data segment alike */
#define SEL_GUEST_CS64  0xe033
#define SEL_HV_CS       0xe008
#define SEL_HV_DS       0xe010
#define SEL_TSS         0xe040
#define SEL_LDT         0xe050
#define GDT_GUEST_PAGES 14
#define LDT_GUEST_PAGES 16

#define IST_NMI         1
#define IST_DF          2
#define IST_MC          3
#define IST_DB          4

#define MAX_CPUS        64

#endif

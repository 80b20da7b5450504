/* SPDX-License-Identifier: MIT */
/*
 * CPUID leaves by which a guest recognizes the hypervisor, at XEN_CPUID_FIRST_LEAF or, if something
 * else answers there, at a higher multiple of 0x100. A PV guest must ask with XEN_CPUID (xen.h).
 */
#ifndef XEN_PUBLIC_ARCH_X86_CPUID_H
#define XEN_PUBLIC_ARCH_X86_CPUID_H

/*
 *   leaf 0: eax highest leaf; ebx, ecx, edx signature
 *   leaf 1: eax major version << 16 | minor
 *   leaf 2: eax hypercall pages, ebx base of the hypervisor's MSRs, ecx XEN_CPUID_FEAT1_*
 *   leaf 3: time-stamp counter: subleaf 0 eax flags, ebx mode, ecx kHz, edx incarnation;
 *           subleaf 1 eax, ebx offset, ecx multiplier, edx shift; subleaf 2 eax kHz of the host
 *   leaf 4: fully virtualized: eax XEN_HVM_CPUID_*, ebx vCPU id, ecx domain id
 *   leaf 5: PV: eax highest subleaf, ebx XEN_CPUID_MACHINE_ADDRESS_WIDTH_MASK
 */
#define XEN_CPUID_FIRST_LEAF     0x40000000
#define XEN_CPUID_LEAF(i)        (XEN_CPUID_FIRST_LEAF + (i))
#define XEN_CPUID_MAX_NUM_LEAVES 5

/* The twelve letters XenVMMXenVMM, four in each register, lowest byte first. */
#define XEN_CPUID_SIGNATURE_EBX 0x566e6558
#define XEN_CPUID_SIGNATURE_ECX 0x65584d4d
#define XEN_CPUID_SIGNATURE_EDX 0x4d4d566e

/* Leaf 2, ecx: MMU_PT_UPDATE_PRESERVE_AD works. */
#define _XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD 0
#define XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD  (1u << 0)

/* Leaf 4, eax. */
#define XEN_HVM_CPUID_APIC_ACCESS_VIRT (1u << 0) /* APIC registers without exits */
#define XEN_HVM_CPUID_X2APIC_VIRT      (1u << 1) /* x2APIC accesses without exits */
#define XEN_HVM_CPUID_IOMMU_MAPPINGS   (1u << 2) /* foreign mappings usable for DMA */
#define XEN_HVM_CPUID_VCPU_ID_PRESENT  (1u << 3) /* ebx is valid */
#define XEN_HVM_CPUID_DOMID_PRESENT    (1u << 4) /* ecx is valid */
#define XEN_HVM_CPUID_EXT_DEST_ID      (1u << 5) /* interrupt destinations of 15 bits */
#define XEN_HVM_CPUID_UPCALL_VECTOR    (1u << 6) /* per-vCPU upcalls work with physical IRQs */

/* Leaf 5, ebx: bits of a machine address, memory still to be plugged included. */
#define XEN_CPUID_MACHINE_ADDRESS_WIDTH_MASK (0xffu << 0)

#endif /* XEN_PUBLIC_ARCH_X86_CPUID_H */

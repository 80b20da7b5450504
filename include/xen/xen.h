/* SPDX-License-Identifier: MIT */
/*
 * The core of the guest ABI: hypercall numbers, virtual IRQs, page-table update operations,
 * reserved domain ids, the page shared between a guest and the hypervisor, and the page a guest
 * finds at boot. A hypercall takes its number in rax, arguments in rdi rsi rdx r10 r8 (r9), and
 * answers in rax with a result or a negative error number of errno.h. The `syscall` instruction
 * destroys rcx and r11.
 */
#ifndef XEN_PUBLIC_XEN_H
#define XEN_PUBLIC_XEN_H

#include "xen-compat.h"

#include "arch-x86/xen.h"

#ifndef __ASSEMBLY__
/* Handles (guest pointers inside ABI structures) to the basic types. */
DEFINE_XEN_GUEST_HANDLE(char);
__DEFINE_XEN_GUEST_HANDLE(uchar, unsigned char);
DEFINE_XEN_GUEST_HANDLE(int);
__DEFINE_XEN_GUEST_HANDLE(uint, unsigned int);
DEFINE_XEN_GUEST_HANDLE(void);
DEFINE_XEN_GUEST_HANDLE(uint64_t);
DEFINE_XEN_GUEST_HANDLE(xen_pfn_t);
DEFINE_XEN_GUEST_HANDLE(xen_ulong_t);
__DEFINE_XEN_GUEST_HANDLE(uint8, uint8_t);
__DEFINE_XEN_GUEST_HANDLE(uint16, uint16_t);
__DEFINE_XEN_GUEST_HANDLE(uint32, uint32_t);
__DEFINE_XEN_GUEST_HANDLE(uint64, uint64_t);

/* A handle that has the same width in guests of every size; on x86-64 the ordinary one. */
#ifndef XEN_GUEST_HANDLE_64
#define XEN_GUEST_HANDLE_64(name) XEN_GUEST_HANDLE(name)
#endif
#endif /* __ASSEMBLY__ */

/* ---- Hypercall numbers (rax) ----------------------------------------------------------------- */
#define __HYPERVISOR_set_trap_table    0  /* exception handlers of this vCPU */
#define __HYPERVISOR_mmu_update        1  /* batch of page-table or M2P stores */
#define __HYPERVISOR_set_gdt           2  /* frames that hold this vCPU's GDT */
#define __HYPERVISOR_stack_switch      3  /* stack for entries from user mode */
#define __HYPERVISOR_set_callbacks     4  /* old form of callback_op */
#define __HYPERVISOR_fpu_taskswitch    5  /* set or clear the virtual CR0.TS */
#define __HYPERVISOR_sched_op_compat   6  /* old form of sched_op */
#define __HYPERVISOR_platform_op       7  /* machine control (hardware domain) */
#define __HYPERVISOR_set_debugreg      8  /* write a virtual debug register */
#define __HYPERVISOR_get_debugreg      9  /* read a virtual debug register */
#define __HYPERVISOR_update_descriptor 10 /* store one GDT or LDT entry */
/* 11 has never been assigned */
#define __HYPERVISOR_memory_op                     12 /* a domain's memory: size, maps, exchange */
#define __HYPERVISOR_multicall                     13 /* several hypercalls in one entry */
#define __HYPERVISOR_update_va_mapping             14 /* store one L1 entry by virtual address */
#define __HYPERVISOR_set_timer_op                  15 /* one-shot timer, absolute system time */
#define __HYPERVISOR_event_channel_op_compat       16 /* old form of event_channel_op */
#define __HYPERVISOR_xen_version                   17 /* versions and features; event check */
#define __HYPERVISOR_console_io                    18 /* the hypervisor's own console */
#define __HYPERVISOR_physdev_op_compat             19 /* old form of physdev_op */
#define __HYPERVISOR_grant_table_op                20 /* share and map pages between domains */
#define __HYPERVISOR_vm_assist                     21 /* switch behaviours on and off */
#define __HYPERVISOR_update_va_mapping_otherdomain 22 /* as 14, with a frame of another domain */
#define __HYPERVISOR_iret                          23 /* leave an exception or event handler */
#define __HYPERVISOR_vcpu_op                       24 /* vCPU life, timers, registered areas */
#define __HYPERVISOR_set_segment_base              25 /* FS and GS bases */
#define __HYPERVISOR_mmuext_op                     26 /* pin, switch base pointer, flush */
#define __HYPERVISOR_xsm_op                        27 /* security module */
#define __HYPERVISOR_nmi_op                        28 /* NMI handler of a guest */
#define __HYPERVISOR_sched_op                      29 /* yield, block, poll, shut down */
#define __HYPERVISOR_callback_op                   30 /* entry points for events, syscall, NMI */
#define __HYPERVISOR_xenoprof_op                   31 /* profiler */
#define __HYPERVISOR_event_channel_op              32 /* ports: bind, send, close */
#define __HYPERVISOR_physdev_op                    33 /* interrupts and PCI devices */
#define __HYPERVISOR_hvm_op                        34 /* fully virtualized domains */
#define __HYPERVISOR_sysctl                        35 /* control of the host (control domain) */
#define __HYPERVISOR_domctl                        36 /* control of a domain (control domain) */
#define __HYPERVISOR_kexec_op                      37 /* crash kernel */
#define __HYPERVISOR_tmem_op                       38 /* withdrawn */
#define __HYPERVISOR_argo_op                       39 /* messages between domains */
#define __HYPERVISOR_xenpmu_op                     40 /* performance counters */
#define __HYPERVISOR_dm_op                         41 /* device models */
#define __HYPERVISOR_hypfs_op                      42 /* the hypervisor's parameter tree */
#define __HYPERVISOR_arch_0                        48 /* x86: machine checks (xen-mca.h) */
#define __HYPERVISOR_arch_1                        49
#define __HYPERVISOR_arch_2                        50
#define __HYPERVISOR_arch_3                        51
#define __HYPERVISOR_arch_4                        52
#define __HYPERVISOR_arch_5                        53
#define __HYPERVISOR_arch_6                        54
#define __HYPERVISOR_arch_7                        55

/* ---- Virtual IRQs: what EVTCHNOP_bind_virq can bind ------------------------------------------ */
/* Scope V: one port per vCPU.  G: one port in the domain.  P: G, for a privileged domain only. */
#define VIRQ_TIMER      0  /* V: the one-shot or periodic timer fired */
#define VIRQ_DEBUG      1  /* V: print your state, please */
#define VIRQ_CONSOLE    2  /* P: bytes wait for CONSOLEIO_read */
#define VIRQ_DOM_EXC    3  /* P: some domain shut down, crashed or died */
#define VIRQ_TBUF       4  /* P: trace buffers fill up */
#define VIRQ_DEBUGGER   6  /* P: a domain under debug stopped */
#define VIRQ_XENOPROF   7  /* V: profile samples wait */
#define VIRQ_CON_RING   8  /* P: the hypervisor's log grew */
#define VIRQ_PCPU_STATE 9  /* P: a physical CPU came or went */
#define VIRQ_MEM_EVENT  10 /* P: a memory event waits */
#define VIRQ_ARGO       11 /* G: a message waits */
#define VIRQ_ENOMEM     12 /* P: the heap runs low */
#define VIRQ_XENPMU     13 /* V: a performance counter overflowed */
#define VIRQ_ARCH_0     16 /* x86: machine check (VIRQ_MCA) */
#define VIRQ_ARCH_1     17
#define VIRQ_ARCH_2     18
#define VIRQ_ARCH_3     19
#define VIRQ_ARCH_4     20
#define VIRQ_ARCH_5     21
#define VIRQ_ARCH_6     22
#define VIRQ_ARCH_7     23
#define NR_VIRQS        24

/* ---- mmu_update(reqs, count, done, foreign domain): the low two bits of mmu_update.ptr ------- */
#define MMU_NORMAL_PT_UPDATE       0 /* checked store of a page-table entry */
#define MMU_MACHPHYS_UPDATE        1 /* store into the machine-to-physical table */
#define MMU_PT_UPDATE_PRESERVE_AD  2 /* as 0, keeping accessed and dirty bits set meanwhile */
#define MMU_PT_UPDATE_NO_TRANSLATE 3 /* as 0; the value names a machine frame, never translated */

/* ---- mmuext_op(ops, count, done, foreign domain): mmuext_op.cmd ------------------------------ */
#define MMUEXT_PIN_L1_TABLE       0 /* arg1.mfn: keep the frame validated as L1 */
#define MMUEXT_PIN_L2_TABLE       1
#define MMUEXT_PIN_L3_TABLE       2
#define MMUEXT_PIN_L4_TABLE       3
#define MMUEXT_UNPIN_TABLE        4  /* arg1.mfn: drop the pin */
#define MMUEXT_NEW_BASEPTR        5  /* arg1.mfn: L4 of kernel mode */
#define MMUEXT_TLB_FLUSH_LOCAL    6  /* this vCPU */
#define MMUEXT_INVLPG_LOCAL       7  /* arg1.linear_addr, this vCPU */
#define MMUEXT_TLB_FLUSH_MULTI    8  /* arg2.vcpumask */
#define MMUEXT_INVLPG_MULTI       9  /* arg1.linear_addr, arg2.vcpumask */
#define MMUEXT_TLB_FLUSH_ALL      10 /* every vCPU of the domain */
#define MMUEXT_INVLPG_ALL         11 /* arg1.linear_addr, every vCPU of the domain */
#define MMUEXT_FLUSH_CACHE        12 /* write back and invalidate, this CPU */
#define MMUEXT_SET_LDT            13 /* arg1.linear_addr, arg2.nr_ents (0: no LDT) */
#define MMUEXT_NEW_USER_BASEPTR   15 /* arg1.mfn: L4 of user mode (0: none) */
#define MMUEXT_CLEAR_PAGE         16 /* arg1.mfn: zero the frame */
#define MMUEXT_COPY_PAGE          17 /* arg1.mfn := arg2.src_mfn */
#define MMUEXT_FLUSH_CACHE_GLOBAL 18 /* write back and invalidate, every CPU */
#define MMUEXT_MARK_SUPER         19 /* withdrawn */
#define MMUEXT_UNMARK_SUPER       20 /* withdrawn */

#ifndef __ASSEMBLY__
struct mmuext_op {
    unsigned int cmd; /* IN: MMUEXT_* */
    union {
        xen_pfn_t mfn;             /* IN: frame number */
        unsigned long linear_addr; /* IN: virtual address */
    } arg1;
    union {
        unsigned int nr_ents;                  /* IN: entries of an LDT */
        XEN_GUEST_HANDLE(const_void) vcpumask; /* IN: bitmap, one bit a vCPU id */
        xen_pfn_t src_mfn;                     /* IN: frame number to copy from */
    } arg2;
};
typedef struct mmuext_op mmuext_op_t;
DEFINE_XEN_GUEST_HANDLE(mmuext_op_t);
#endif /* __ASSEMBLY__ */

/* ---- update_va_mapping(va, entry, flags): what to flush, and where --------------------------- */
#define UVMF_NONE           (xen_mk_ulong(0) << 0)
#define UVMF_TLB_FLUSH      (xen_mk_ulong(1) << 0) /* the whole TLB */
#define UVMF_INVLPG         (xen_mk_ulong(2) << 0) /* the one address */
#define UVMF_FLUSHTYPE_MASK (xen_mk_ulong(3) << 0)
#define UVMF_MULTI          (xen_mk_ulong(0) << 2) /* flags also point to a vCPU bitmap */
#define UVMF_LOCAL          (xen_mk_ulong(0) << 2) /* this vCPU */
#define UVMF_ALL            (xen_mk_ulong(1) << 2) /* every vCPU of the domain */

/* ---- console_io(cmd, count in bytes, buffer) ------------------------------------------------- */
#define CONSOLEIO_write 0
#define CONSOLEIO_read  1

/* ---- vm_assist(cmd, type) -------------------------------------------------------------------- */
#define VMASST_CMD_enable                0
#define VMASST_CMD_disable               1

#define VMASST_TYPE_4gb_segments         0  /* 32-bit guests only */
#define VMASST_TYPE_4gb_segments_notify  1  /* 32-bit guests only */
#define VMASST_TYPE_writable_pagetables  2  /* emulate stores into L1 tables */
#define VMASST_TYPE_pae_extended_cr3     3  /* 32-bit guests only */
#define VMASST_TYPE_architectural_iopl   4  /* IOPL lives in the pushed flags */
#define VMASST_TYPE_runstate_update_flag 5  /* mark a runstate area while it changes */
#define VMASST_TYPE_m2p_strict           32 /* no M2P mapping in user-mode tables */

/* ---- Domain ids with a meaning --------------------------------------------------------------- */
#define DOMID_FIRST_RESERVED xen_mk_uint(0x7FF0) /* ids from here on name no ordinary domain */
#define DOMID_SELF           xen_mk_uint(0x7FF0) /* the caller */
#define DOMID_IO             xen_mk_uint(0x7FF1) /* owner of memory-mapped I/O */
#define DOMID_XEN            xen_mk_uint(0x7FF2) /* owner of pages the hypervisor shares out */
#define DOMID_COW            xen_mk_uint(0x7FF3) /* owner of deduplicated pages */
#define DOMID_INVALID        xen_mk_uint(0x7FF4) /* nobody */
#define DOMID_IDLE           xen_mk_uint(0x7FFF) /* the idle domain */
#define DOMID_MASK           xen_mk_uint(0x7FFF)

/* ---- start_info.flags ------------------------------------------------------------------------ */
#define SIF_PRIVILEGED      (1 << 0) /* may use privileged hypercalls */
#define SIF_INITDOMAIN      (1 << 1) /* the first domain */
#define SIF_MULTIBOOT_MOD   (1 << 2) /* mod_start leads to xen_multiboot_mod_list */
#define SIF_MOD_START_PFN   (1 << 3) /* mod_start is a PFN: the module is not mapped */
#define SIF_VIRT_P2M_4TOOLS (1 << 4) /* tools read the P2M by its virtual address */
#define SIF_PM_MASK         (0xFF << 8)

#define MAX_GUEST_CMDLINE   1024

/* ---- dom0_vga_console_info.video_type -------------------------------------------------------- */
#define XEN_VGATYPE_TEXT_MODE_3 0x03
#define XEN_VGATYPE_VESA_LFB    0x23
#define XEN_VGATYPE_EFI_LFB     0x70

/* ---- vcpu_time_info.flags -------------------------------------------------------------------- */
#define XEN_PVCLOCK_TSC_STABLE_BIT (1 << 0) /* readings agree across vCPUs */
#define XEN_PVCLOCK_GUEST_STOPPED  (1 << 1) /* the guest was stopped by the host */

#ifndef __ASSEMBLY__

typedef uint16_t domid_t;

/* One element of mmu_update. */
struct mmu_update {
    uint64_t ptr; /* IN: machine address of the entry, or of the frame; bits 0-1: MMU_* */
    uint64_t val; /* IN: the entry, or the PFN for MMU_MACHPHYS_UPDATE */
};
typedef struct mmu_update mmu_update_t;
DEFINE_XEN_GUEST_HANDLE(mmu_update_t);

/* One call of a multicall. */
struct multicall_entry {
    xen_ulong_t op;      /* IN: hypercall number */
    xen_ulong_t result;  /* OUT: what it returned */
    xen_ulong_t args[6]; /* IN: its arguments */
};
typedef struct multicall_entry multicall_entry_t;
DEFINE_XEN_GUEST_HANDLE(multicall_entry_t);

/*
 * How to turn a time-stamp counter reading into system time (ns since the host booted). The writer
 * makes version odd, changes the rest, and makes it even again; a reader retries on odd or changed.
 *   now = system_time + ((tsc - tsc_timestamp) shifted by tsc_shift) * tsc_to_system_mul / 2^32
 */
struct vcpu_time_info {
    uint32_t version; /* OUT: odd while an update is under way */
    uint32_t pad0;
    uint64_t tsc_timestamp;     /* OUT: counter value at the last update */
    uint64_t system_time;       /* OUT: ns at that counter value */
    uint32_t tsc_to_system_mul; /* OUT: ns per tick as a fraction of 2^32 */
    int8_t tsc_shift;           /* OUT: left shift of the tick count (negative: right) */
    uint8_t flags;              /* OUT: XEN_PVCLOCK_* */
    uint8_t pad1[2];
};
typedef struct vcpu_time_info vcpu_time_info_t;

/* What a vCPU and the hypervisor share. The guest owns the mask, both touch the pending byte. */
struct vcpu_info {
    uint8_t evtchn_upcall_pending;  /* 1: some selected event is pending; cleared by the guest */
    uint8_t evtchn_upcall_mask;     /* 1: do not enter the event callback; written by both */
    xen_ulong_t evtchn_pending_sel; /* bit n: word n of evtchn_pending has news */
    struct arch_vcpu_info arch;
    vcpu_time_info_t time;
};
typedef struct vcpu_info vcpu_info_t;

/* One page per domain, readable and writable by the guest. */
struct shared_info {
    struct vcpu_info vcpu_info[XEN_LEGACY_MAX_VCPUS];    /* until VCPUOP_register_vcpu_info */
    xen_ulong_t evtchn_pending[sizeof(xen_ulong_t) * 8]; /* bit per port: an event arrived */
    xen_ulong_t evtchn_mask[sizeof(xen_ulong_t) * 8];    /* bit per port: leave me alone */
    /* Wall clock: real time at system time 0, protected by wc_version as vcpu_time_info is. */
    uint32_t wc_version; /* OUT: odd while changing */
    uint32_t wc_sec;     /* OUT: seconds since 1970, low 32 bits */
    uint32_t wc_nsec;    /* OUT: ns within the second */
    uint32_t wc_sec_hi;  /* OUT: seconds, high 32 bits */
    struct arch_shared_info arch;
};
#define xen_wc_sec_hi wc_sec_hi
typedef struct shared_info shared_info_t;

/* The page whose virtual address a new domain finds in rsi. */
struct start_info {
    char magic[32];            /* "xen-3.0-x86_64", zero-terminated, perhaps with a suffix */
    unsigned long nr_pages;    /* pages of memory the domain has */
    unsigned long shared_info; /* machine address of struct shared_info */
    uint32_t flags;            /* SIF_* */
    xen_pfn_t store_mfn;       /* machine frame of the xenstore ring */
    uint32_t store_evtchn;     /* its event channel */
    union {
        struct {
            xen_pfn_t mfn;   /* machine frame of the console ring */
            uint32_t evtchn; /* its event channel */
        } domU;
        struct {
            uint32_t info_off;  /* byte offset of dom0_vga_console_info in this page */
            uint32_t info_size; /* its size in bytes; 0: none */
        } dom0;
    } console;
    unsigned long pt_base;      /* virtual address of the first page-table frame (the L4) */
    unsigned long nr_pt_frames; /* page-table frames from there on */
    unsigned long mfn_list;     /* virtual address of the P2M: one machine frame number a page */
    unsigned long mod_start;    /* module: virtual address, or PFN if SIF_MOD_START_PFN */
    unsigned long mod_len;      /* its size in bytes */
    int8_t cmd_line[MAX_GUEST_CMDLINE]; /* zero-terminated */
    unsigned long first_p2m_pfn; /* first frame of the P2M if it lies outside the initial mapping */
    unsigned long nr_p2m_frames; /* number of those frames, their page tables included */
};
typedef struct start_info start_info_t;

/* One module of a list that SIF_MULTIBOOT_MOD announces. */
struct xen_multiboot_mod_list {
    uint32_t mod_start; /* physical address of the first byte */
    uint32_t mod_end;   /* physical address of the last byte; empty: mod_start - 1 */
    uint32_t cmdline;   /* physical address of its command line */
    uint32_t pad;
};

/* State of the screen that the first domain inherits. */
typedef struct dom0_vga_console_info {
    uint8_t video_type; /* XEN_VGATYPE_* */
    union {
        struct {
            uint16_t font_height;        /* scan lines */
            uint16_t cursor_x, cursor_y; /* character cells */
            uint16_t rows, columns;      /* character cells */
        } text_mode_3;
        struct {
            uint16_t width, height; /* pixels */
            uint16_t bytes_per_line;
            uint16_t bits_per_pixel;
            uint32_t lfb_base;         /* physical address, low 32 bits */
            uint32_t lfb_size;         /* in units of 64 KiB */
            uint8_t red_pos, red_size; /* first bit and width of each colour */
            uint8_t green_pos, green_size;
            uint8_t blue_pos, blue_size;
            uint8_t rsvd_pos, rsvd_size;
            uint32_t gbl_caps;   /* VESA capabilities */
            uint16_t mode_attrs; /* VESA mode attributes */
            uint16_t pad;
            uint32_t ext_lfb_base; /* physical address, high 32 bits */
        } vesa_lfb;
    } u;
} dom0_vga_console_info_t;
#define xen_vga_console_info   dom0_vga_console_info
#define xen_vga_console_info_t dom0_vga_console_info_t

/* Sixteen bytes chosen by the tools; the hypervisor only stores them. */
typedef uint8_t xen_domain_handle_t[16];

/* A UUID in network byte order, and how to write one down. */
typedef struct {
    uint8_t a[16];
} xen_uuid_t;
#define XEN_DEFINE_UUID_BYTE_(x, shift) ((uint8_t)(((x) >> (shift)) & 0xFF))
#define XEN_DEFINE_UUID_(a, b, c, d, e1, e2, e3, e4, e5, e6)                                       \
    {                                                                                              \
        {                                                                                          \
            XEN_DEFINE_UUID_BYTE_(a, 24), XEN_DEFINE_UUID_BYTE_(a, 16),                            \
                XEN_DEFINE_UUID_BYTE_(a, 8), XEN_DEFINE_UUID_BYTE_(a, 0),                          \
                XEN_DEFINE_UUID_BYTE_(b, 8), XEN_DEFINE_UUID_BYTE_(b, 0),                          \
                XEN_DEFINE_UUID_BYTE_(c, 8), XEN_DEFINE_UUID_BYTE_(c, 0),                          \
                XEN_DEFINE_UUID_BYTE_(d, 8), XEN_DEFINE_UUID_BYTE_(d, 0), e1, e2, e3, e4, e5, e6   \
        }                                                                                          \
    }
#ifdef __cplusplus
#define XEN_DEFINE_UUID(a, b, c, d, e1, e2, e3, e4, e5, e6)                                        \
    XEN_DEFINE_UUID_(a, b, c, d, e1, e2, e3, e4, e5, e6)
#else
#define XEN_DEFINE_UUID(a, b, c, d, e1, e2, e3, e4, e5, e6)                                        \
    ((xen_uuid_t)XEN_DEFINE_UUID_(a, b, c, d, e1, e2, e3, e4, e5, e6))
#endif

/* A bitmap in the caller's memory, as domctl and sysctl take it. */
struct xenctl_bitmap {
    XEN_GUEST_HANDLE_64(uint8) bitmap; /* IN: its bytes, bit 0 of byte 0 first */
    uint32_t nr_bits;                  /* IN: how many bits count */
};
typedef struct xenctl_bitmap xenctl_bitmap_t;

#endif /* __ASSEMBLY__ */

#endif /* XEN_PUBLIC_XEN_H */

/* SPDX-License-Identifier: MIT */
/*
 * Second part of domctl.h, which includes it: arguments of the control operations that give devices
 * to a domain, watch it, debug it, trace it, or partition caches for it.
 */
#ifndef XEN_PUBLIC_DOMCTL_DEVICES_H
#define XEN_PUBLIC_DOMCTL_DEVICES_H

#include "xen.h"

#include "event_channel.h"

/* ---- Access to hardware ---------------------------------------------------------------------- */

/* XEN_DOMCTL_irq_permission */
struct xen_domctl_irq_permission {
    uint32_t pirq;        /* IN: as the caller numbers it */
    uint8_t allow_access; /* IN: 0 takes it away */
    uint8_t pad[3];
};

/* XEN_DOMCTL_iomem_permission */
struct xen_domctl_iomem_permission {
    uint64_aligned_t first_mfn; /* IN */
    uint64_aligned_t nr_mfns;   /* IN: frames */
    uint8_t allow_access;       /* IN: 0 takes it away */
};

/* XEN_DOMCTL_ioport_permission */
struct xen_domctl_ioport_permission {
    uint32_t first_port;  /* IN */
    uint32_t nr_ports;    /* IN */
    uint8_t allow_access; /* IN: 0 takes it away */
};

#define DPCI_ADD_MAPPING    1
#define DPCI_REMOVE_MAPPING 0

/* XEN_DOMCTL_memory_mapping: device memory in a translated domain's address space. */
struct xen_domctl_memory_mapping {
    uint64_aligned_t first_gfn; /* IN: where to */
    uint64_aligned_t first_mfn; /* IN: which */
    uint64_aligned_t nr_mfns;   /* IN: frames */
    uint32_t add_mapping;       /* IN: DPCI_* */
    uint32_t padding;
};

/* XEN_DOMCTL_ioport_mapping: device ports at other numbers in a domain. */
struct xen_domctl_ioport_mapping {
    uint32_t first_gport; /* IN: the domain's number */
    uint32_t first_mport; /* IN: the machine's number */
    uint32_t nr_ports;    /* IN */
    uint32_t add_mapping; /* IN: DPCI_* */
};

/* XEN_DOMCTL_assign_device, _test_assign_device, _deassign_device */
#define XEN_DOMCTL_DEV_PCI         0
#define XEN_DOMCTL_DEV_DT          1

#define XEN_DOMCTL_DEV_RDM_RELAXED 1 /* conflicts of reserved device memory are not fatal */

struct xen_domctl_assign_device {
    uint32_t dev;   /* IN: XEN_DOMCTL_DEV_PCI or _DT */
    uint32_t flags; /* IN: XEN_DOMCTL_DEV_RDM_* */
    union {
        struct {
            uint32_t machine_sbdf; /* IN: segment << 16 | bus << 8 | devfn */
        } pci;
        struct {
            uint32_t size;                  /* IN: bytes of path */
            XEN_GUEST_HANDLE_64(char) path; /* IN: node in the device tree */
        } dt;
    } u;
};

/* XEN_DOMCTL_get_device_group: devices that can only be assigned together. */
struct xen_domctl_get_device_group {
    uint32_t machine_sbdf;                  /* IN */
    uint32_t max_sdevs;                     /* IN: room */
    uint32_t num_sdevs;                     /* OUT: entries */
    XEN_GUEST_HANDLE_64(uint32) sdev_array; /* OUT */
};

/* XEN_DOMCTL_bind_pt_irq, _unbind_pt_irq: interrupts of devices passed through. */
enum pt_irq_type {
    PT_IRQ_TYPE_PCI,
    PT_IRQ_TYPE_ISA,
    PT_IRQ_TYPE_MSI,
    PT_IRQ_TYPE_MSI_TRANSLATE,
    PT_IRQ_TYPE_SPI, /* other architecture */
};

/* u.msi.gflags: fields of the message, as the local APIC understands them */
#define XEN_DOMCTL_VMSI_X86_DEST_ID_MASK 0x0000ff
#define XEN_DOMCTL_VMSI_X86_RH_MASK      0x000100
#define XEN_DOMCTL_VMSI_X86_DM_MASK      0x000200
#define XEN_DOMCTL_VMSI_X86_DELIV_MASK   0x007000
#define XEN_DOMCTL_VMSI_X86_TRIG_MASK    0x008000
#define XEN_DOMCTL_VMSI_X86_UNMASKED     0x010000

struct xen_domctl_bind_pt_irq {
    uint32_t machine_irq; /* IN: pirq */
    uint32_t irq_type;    /* IN: enum pt_irq_type, selects the member of u */
    union {
        struct {
            uint8_t isa_irq; /* IN */
        } isa;
        struct {
            uint8_t bus;    /* IN: in the guest */
            uint8_t device; /* IN */
            uint8_t intx;   /* IN: 0..3 */
        } pci;
        struct {
            uint8_t gvec;            /* IN: vector */
            uint32_t gflags;         /* IN: XEN_DOMCTL_VMSI_X86_* */
            uint64_aligned_t gtable; /* IN: guest physical address of the MSI-X table */
        } msi;
        struct {
            uint16_t spi; /* IN */
        } spi;
    } u;
};

/* ---- Debugging ------------------------------------------------------------------------------- */

/* XEN_DOMCTL_setdebugging */
struct xen_domctl_setdebugging {
    uint8_t enable; /* IN */
};

/* XEN_DOMCTL_debug_op */
#define XEN_DOMCTL_DEBUG_OP_SINGLE_STEP_OFF 0
#define XEN_DOMCTL_DEBUG_OP_SINGLE_STEP_ON  1

struct xen_domctl_debug_op {
    uint32_t op;   /* IN: XEN_DOMCTL_DEBUG_OP_* */
    uint32_t vcpu; /* IN */
};

/* XEN_DOMCTL_gdbsx_guestmemio: a debugger reads or writes guest memory. */
struct xen_domctl_gdbsx_memio {
    uint64_aligned_t pgd3val; /* IN: top-level table entry to use; 0: the current tables */
    uint64_aligned_t gva;     /* IN: guest virtual address */
    uint64_aligned_t uva;     /* IN: virtual address of the debugger's buffer */
    uint32_t len;             /* IN: bytes */
    uint8_t gwr;              /* IN: nonzero: write to the guest */
    uint32_t remain;          /* OUT: bytes not done */
};

/* XEN_DOMCTL_gdbsx_pausevcpu, _unpausevcpu */
struct xen_domctl_gdbsx_pauseunp_vcpu {
    uint32_t vcpu; /* IN */
};

/* XEN_DOMCTL_gdbsx_domstatus */
struct xen_domctl_gdbsx_domstatus {
    uint8_t paused;   /* OUT: the domain is */
    uint32_t vcpu_id; /* OUT: vCPU with an event */
    uint32_t vcpu_ev; /* OUT: which event */
};

/* ---- Watching -------------------------------------------------------------------------------- */

/* XEN_DOMCTL_subscribe: an event whenever this domain shuts down. */
struct xen_domctl_subscribe {
    uint32_t port; /* IN: interdomain port of the caller */
};

/* XEN_DOMCTL_vm_event_op */
#define XEN_VM_EVENT_ENABLE            0
#define XEN_VM_EVENT_DISABLE           1
#define XEN_VM_EVENT_RESUME            2
#define XEN_VM_EVENT_GET_VERSION       3

#define XEN_DOMCTL_VM_EVENT_OP_PAGING  1
#define XEN_DOMCTL_VM_EVENT_OP_MONITOR 2
#define XEN_DOMCTL_VM_EVENT_OP_SHARING 3

struct xen_domctl_vm_event_op {
    uint32_t op;   /* IN: XEN_VM_EVENT_* */
    uint32_t mode; /* IN: XEN_DOMCTL_VM_EVENT_OP_* */
    union {
        struct {
            uint32_t port; /* OUT: event channel */
        } enable;
        uint32_t version; /* OUT */
    } u;
};

/* XEN_DOMCTL_mem_sharing_op */
#define XEN_DOMCTL_MEM_SHARING_CONTROL 0

struct xen_domctl_mem_sharing_op {
    uint8_t op; /* IN: XEN_DOMCTL_MEM_SHARING_* */
    union {
        uint8_t enable; /* IN */
    } u;
};

/* XEN_DOMCTL_audit_p2m */
struct xen_domctl_audit_p2m {
    uint64_t orphans; /* OUT: frames that no entry names */
    uint64_t m2p_bad; /* OUT: wrong entries each way */
    uint64_t p2m_bad;
};

/* XEN_DOMCTL_set_access_required */
struct xen_domctl_set_access_required {
    uint8_t access_required; /* IN: stop vCPUs when nobody listens for access events */
};

/* XEN_DOMCTL_set_broken_page_p2m */
struct xen_domctl_set_broken_page_p2m {
    uint64_aligned_t pfn; /* IN: guest frame whose memory is faulty */
};

/* XEN_DOMCTL_monitor_op */
#define XEN_DOMCTL_MONITOR_OP_ENABLE                 0
#define XEN_DOMCTL_MONITOR_OP_DISABLE                1
#define XEN_DOMCTL_MONITOR_OP_GET_CAPABILITIES       2 /* OUT in event: bit per event below */
#define XEN_DOMCTL_MONITOR_OP_EMULATE_EACH_REP       3
#define XEN_DOMCTL_MONITOR_OP_CONTROL_REGISTERS      4

#define XEN_DOMCTL_MONITOR_EVENT_WRITE_CTRLREG       0
#define XEN_DOMCTL_MONITOR_EVENT_MOV_TO_MSR          1
#define XEN_DOMCTL_MONITOR_EVENT_SINGLESTEP          2
#define XEN_DOMCTL_MONITOR_EVENT_SOFTWARE_BREAKPOINT 3
#define XEN_DOMCTL_MONITOR_EVENT_GUEST_REQUEST       4
#define XEN_DOMCTL_MONITOR_EVENT_DEBUG_EXCEPTION     5
#define XEN_DOMCTL_MONITOR_EVENT_CPUID               6
#define XEN_DOMCTL_MONITOR_EVENT_PRIVILEGED_CALL     7
#define XEN_DOMCTL_MONITOR_EVENT_INTERRUPT           8
#define XEN_DOMCTL_MONITOR_EVENT_DESC_ACCESS         9
#define XEN_DOMCTL_MONITOR_EVENT_EMUL_UNIMPLEMENTED  10
#define XEN_DOMCTL_MONITOR_EVENT_INGUEST_PAGEFAULT   11
#define XEN_DOMCTL_MONITOR_EVENT_VMEXIT              12

struct xen_domctl_monitor_op {
    uint32_t op;    /* IN: XEN_DOMCTL_MONITOR_OP_* */
    uint32_t event; /* IN: XEN_DOMCTL_MONITOR_EVENT_*, selects the member of u */
    union {
        struct {
            uint8_t index;        /* IN: which control register */
            uint8_t sync;         /* IN: stop the vCPU until answered (here and below) */
            uint8_t onchangeonly; /* IN: not if the value stays the same */
            uint8_t pad1;
            uint32_t pad2;
            uint64_aligned_t bitmask; /* IN: bits whose change does not count */
        } mov_to_cr;
        struct {
            uint32_t msr;         /* IN */
            uint8_t onchangeonly; /* IN */
        } mov_to_msr;
        struct {
            uint8_t sync;            /* IN */
            uint8_t allow_userspace; /* IN: user mode may ask as well */
        } guest_request;
        struct {
            uint8_t sync; /* IN */
        } debug_exception;
        struct {
            uint8_t sync; /* IN */
        } vmexit;
    } u;
};

/* XEN_DOMCTL_vmtrace_op */
#define XEN_DOMCTL_vmtrace_enable           1
#define XEN_DOMCTL_vmtrace_disable          2
#define XEN_DOMCTL_vmtrace_reset_and_enable 3
#define XEN_DOMCTL_vmtrace_output_position  4
#define XEN_DOMCTL_vmtrace_get_option       5
#define XEN_DOMCTL_vmtrace_set_option       6

struct xen_domctl_vmtrace_op {
    uint32_t cmd;           /* IN: XEN_DOMCTL_vmtrace_* */
    uint32_t vcpu;          /* IN */
    uint64_aligned_t key;   /* IN: option */
    uint64_aligned_t value; /* IN or OUT: its value, or the position */
};
typedef struct xen_domctl_vmtrace_op xen_domctl_vmtrace_op_t;
DEFINE_XEN_GUEST_HANDLE(xen_domctl_vmtrace_op_t);

/* ---- Caches ---------------------------------------------------------------------------------- */

/* XEN_DOMCTL_pin_mem_cacheattr of older releases: types of memory, still named by tools */
#define XEN_DOMCTL_MEM_CACHEATTR_UC     0
#define XEN_DOMCTL_MEM_CACHEATTR_WC     1
#define XEN_DOMCTL_MEM_CACHEATTR_WT     4
#define XEN_DOMCTL_MEM_CACHEATTR_WP     5
#define XEN_DOMCTL_MEM_CACHEATTR_WB     6
#define XEN_DOMCTL_MEM_CACHEATTR_UCM    7
#define XEN_DOMCTL_DELETE_MEM_CACHEATTR (~(uint32_t)0)

/* XEN_DOMCTL_cacheflush */
struct xen_domctl_cacheflush {
    xen_pfn_t start_pfn, nr_pfns; /* IN: what to write back; OUT: what is left */
};

/* XEN_DOMCTL_psr_cmt_op: monitoring of cache use. */
#define XEN_DOMCTL_PSR_CMT_OP_DETACH     0
#define XEN_DOMCTL_PSR_CMT_OP_ATTACH     1
#define XEN_DOMCTL_PSR_CMT_OP_QUERY_RMID 2

struct xen_domctl_psr_cmt_op {
    uint32_t cmd;  /* IN: XEN_DOMCTL_PSR_CMT_OP_* */
    uint32_t data; /* OUT: monitoring id */
};

/* XEN_DOMCTL_psr_alloc: shares of cache and memory bandwidth. */
#define XEN_DOMCTL_PSR_SET_L3_CBM    0
#define XEN_DOMCTL_PSR_GET_L3_CBM    1
#define XEN_DOMCTL_PSR_SET_L3_CODE   2
#define XEN_DOMCTL_PSR_SET_L3_DATA   3
#define XEN_DOMCTL_PSR_GET_L3_CODE   4
#define XEN_DOMCTL_PSR_GET_L3_DATA   5
#define XEN_DOMCTL_PSR_SET_L2_CBM    6
#define XEN_DOMCTL_PSR_GET_L2_CBM    7
#define XEN_DOMCTL_PSR_SET_MBA_THRTL 8
#define XEN_DOMCTL_PSR_GET_MBA_THRTL 9

struct xen_domctl_psr_alloc {
    uint32_t cmd;    /* IN: XEN_DOMCTL_PSR_{SET,GET}_* */
    uint32_t target; /* IN: socket */
    uint64_t data;   /* IN for SET, OUT for GET: bitmap or throttling value */
};

/* XEN_DOMCTL_vuart_op: other architecture. */
#define XEN_DOMCTL_VUART_OP_INIT     0
#define XEN_DOMCTL_VUART_TYPE_VPL011 0

struct xen_domctl_vuart_op {
    uint32_t cmd;          /* IN: XEN_DOMCTL_VUART_OP_* */
    uint32_t type;         /* IN: XEN_DOMCTL_VUART_TYPE_* */
    uint64_aligned_t gfn;  /* IN: frame of the ring */
    domid_t console_domid; /* IN: who serves it */
    uint8_t pad[2];
    evtchn_port_t evtchn; /* OUT */
};

#endif /* XEN_PUBLIC_DOMCTL_DEVICES_H */

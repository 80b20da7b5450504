/* SPDX-License-Identifier: MIT */
/*
 * platform_op(struct xen_platform_op): the hardware domain tells the hypervisor about the machine
 * and asks it to act on it: clock, memory types, microcode, firmware tables, power states, CPUs.
 */
#ifndef XEN_PUBLIC_PLATFORM_H
#define XEN_PUBLIC_PLATFORM_H

#include "xen.h"

#define XENPF_INTERFACE_VERSION 0x03000001

/* xen_platform_op.cmd */
#define XENPF_settime32            17
#define XENPF_add_memtype          31
#define XENPF_del_memtype          32
#define XENPF_read_memtype         33
#define XENPF_microcode_update     35
#define XENPF_platform_quirk       39
#define XENPF_get_cpu_version      48
#define XENPF_efi_runtime_call     49
#define XENPF_firmware_info        50
#define XENPF_enter_acpi_sleep     51
#define XENPF_change_freq          52
#define XENPF_getidletime          53
#define XENPF_set_processor_pminfo 54
#define XENPF_get_cpuinfo          55
#define XENPF_cpu_online           56
#define XENPF_cpu_offline          57
#define XENPF_cpu_hotadd           58
#define XENPF_mem_hotadd           59
#define XENPF_core_parking         60
#define XENPF_resource_op          61
#define XENPF_settime64            62
#define XENPF_get_symbol           63

#define XENPF_settime              XENPF_settime64
#define xenpf_settime              xenpf_settime64

/* ---- Clock ----------------------------------------------------------------------------------- */

/* At system_time the real time was this. */
struct xenpf_settime32 {
    uint32_t secs;        /* IN: since 1970 */
    uint32_t nsecs;       /* IN */
    uint64_t system_time; /* IN: ns */
};
typedef struct xenpf_settime32 xenpf_settime32_t;

struct xenpf_settime64 {
    uint64_t secs;        /* IN: since 1970 */
    uint32_t nsecs;       /* IN */
    uint32_t mbz;         /* 0 */
    uint64_t system_time; /* IN: ns */
};
typedef struct xenpf_settime64 xenpf_settime64_t;

typedef struct xenpf_settime xenpf_settime_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_settime_t);

/* ---- Memory types (MTRRs), microcode, quirks ------------------------------------------------- */

struct xenpf_add_memtype {
    xen_pfn_t mfn;    /* IN: first machine frame */
    uint64_t nr_mfns; /* IN */
    uint32_t type;    /* IN: as an MTRR encodes it */
    uint32_t handle;  /* OUT: to delete with */
    uint32_t reg;     /* OUT: MTRR used */
};
typedef struct xenpf_add_memtype xenpf_add_memtype_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_add_memtype_t);

struct xenpf_del_memtype {
    uint32_t handle; /* IN */
    uint32_t reg;    /* IN */
};
typedef struct xenpf_del_memtype xenpf_del_memtype_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_del_memtype_t);

struct xenpf_read_memtype {
    uint32_t reg;     /* IN: MTRR */
    xen_pfn_t mfn;    /* OUT */
    uint64_t nr_mfns; /* OUT */
    uint32_t type;    /* OUT */
};
typedef struct xenpf_read_memtype xenpf_read_memtype_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_read_memtype_t);

struct xenpf_microcode_update {
    XEN_GUEST_HANDLE(const_void) data; /* IN */
    uint32_t length;                   /* IN: bytes */
};
typedef struct xenpf_microcode_update xenpf_microcode_update_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_microcode_update_t);

#define QUIRK_NOIRQBALANCING     1
#define QUIRK_IOAPIC_BAD_REGSEL  2
#define QUIRK_IOAPIC_GOOD_REGSEL 3

struct xenpf_platform_quirk {
    uint32_t quirk_id; /* IN: QUIRK_* */
};
typedef struct xenpf_platform_quirk xenpf_platform_quirk_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_platform_quirk_t);

/* ---- EFI runtime services -------------------------------------------------------------------- */

/* xenpf_efi_runtime_call.function */
#define XEN_EFI_get_time                      1
#define XEN_EFI_set_time                      2
#define XEN_EFI_get_wakeup_time               3
#define XEN_EFI_set_wakeup_time               4
#define XEN_EFI_get_next_high_monotonic_count 5
#define XEN_EFI_get_variable                  6
#define XEN_EFI_set_variable                  7
#define XEN_EFI_get_next_variable_name        8
#define XEN_EFI_query_variable_info           9
#define XEN_EFI_query_capsule_capabilities    10
#define XEN_EFI_update_capsule                11

/* xenpf_efi_runtime_call.misc, by function */
#define XEN_EFI_GET_TIME_SET_CLEARS_NS      0x00000001
#define XEN_EFI_GET_WAKEUP_TIME_ENABLED     0x00000001
#define XEN_EFI_GET_WAKEUP_TIME_PENDING     0x00000002
#define XEN_EFI_SET_WAKEUP_TIME_ENABLE      0x00000001
#define XEN_EFI_SET_WAKEUP_TIME_ENABLE_ONLY 0x00000002
#define XEN_EFI_VARIABLE_NON_VOLATILE       0x00000001
#define XEN_EFI_VARIABLE_BOOTSERVICE_ACCESS 0x00000002
#define XEN_EFI_VARIABLE_RUNTIME_ACCESS     0x00000004
#define XEN_EFI_VARINFO_BOOT_SNAPSHOT       0x00000001

struct xenpf_efi_time {
    uint16_t year;
    uint8_t month; /* 1..12 */
    uint8_t day;   /* 1..31 */
    uint8_t hour;
    uint8_t min;
    uint8_t sec;
    uint32_t ns;
    int16_t tz; /* minutes from UTC, or 0x7ff */
    uint8_t daylight;
};

struct xenpf_efi_guid {
    uint32_t data1;
    uint16_t data2;
    uint16_t data3;
    uint8_t data4[8];
};

struct xenpf_efi_runtime_call {
    uint32_t function;  /* IN: XEN_EFI_* */
    uint32_t misc;      /* IN and OUT: flags or attributes */
    xen_ulong_t status; /* OUT: EFI_STATUS */
    union {
        struct {
            struct xenpf_efi_time time; /* OUT */
            uint32_t resolution;        /* OUT */
            uint32_t accuracy;          /* OUT */
        } get_time;
        struct xenpf_efi_time set_time;        /* IN */
        struct xenpf_efi_time get_wakeup_time; /* OUT */
        struct xenpf_efi_time set_wakeup_time; /* IN */
        struct {
            XEN_GUEST_HANDLE(void) name;       /* IN: UCS-2 */
            xen_ulong_t size;                  /* IN: bytes; OUT for get: bytes */
            XEN_GUEST_HANDLE(void) data;       /* IN or OUT */
            struct xenpf_efi_guid vendor_guid; /* IN */
        } get_variable, set_variable;
        struct {
            xen_ulong_t size;                  /* IN: bytes of room; OUT: bytes */
            XEN_GUEST_HANDLE(void) name;       /* IN: the previous; OUT: the next */
            struct xenpf_efi_guid vendor_guid; /* IN and OUT */
        } get_next_variable_name;
        struct {
            uint32_t attr;           /* IN */
            uint64_t max_store_size; /* OUT: bytes, all three */
            uint64_t remain_store_size;
            uint64_t max_size;
        } query_variable_info;
        struct {
            XEN_GUEST_HANDLE(void) capsule_header_array; /* IN */
            xen_ulong_t capsule_count;                   /* IN */
            uint64_t max_capsule_size;                   /* OUT: bytes */
            uint32_t reset_type;                         /* OUT */
        } query_capsule_capabilities;
        struct {
            XEN_GUEST_HANDLE(void) capsule_header_array; /* IN */
            xen_ulong_t capsule_count;                   /* IN */
            uint64_t sg_list;                            /* IN: machine address */
        } update_capsule;
    } u;
};
typedef struct xenpf_efi_runtime_call xenpf_efi_runtime_call_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_efi_runtime_call_t);

/* ---- What firmware left behind --------------------------------------------------------------- */

/* xenpf_firmware_info.type; index: which of several, or what of EFI */
#define XEN_FW_DISK_INFO            1 /* disk_info */
#define XEN_FW_DISK_MBR_SIGNATURE   2 /* disk_mbr_signature */
#define XEN_FW_VBEDDC_INFO          3 /* vbeddc_info */
#define XEN_FW_EFI_INFO             4 /* efi_info */
#define XEN_FW_EFI_VERSION          0
#define XEN_FW_EFI_CONFIG_TABLE     1
#define XEN_FW_EFI_VENDOR           2
#define XEN_FW_EFI_MEM_INFO         3
#define XEN_FW_EFI_RT_VERSION       4
#define XEN_FW_EFI_PCI_ROM          5
#define XEN_FW_EFI_APPLE_PROPERTIES 6
#define XEN_FW_KBD_SHIFT_FLAGS      5 /* kbd_shift_flags */

/* XEN_FW_EFI_INFO, by index. */
union xenpf_efi_info {
    uint32_t version; /* OUT */
    struct {
        uint64_t addr; /* OUT: physical address */
        uint32_t nent; /* OUT: entries */
    } cfg;
    struct {
        uint32_t revision;           /* OUT */
        uint32_t bufsz;              /* IN: bytes of room; OUT: bytes */
        XEN_GUEST_HANDLE(void) name; /* OUT: UCS-2 */
    } vendor;
    struct {
        uint64_t addr; /* IN: physical address; OUT: start of its region */
        uint64_t size; /* IN: bytes; OUT: bytes left of the region */
        uint64_t attr; /* OUT */
        uint32_t type; /* OUT */
    } mem;
    struct {
        uint16_t segment; /* IN: which device */
        uint8_t bus;      /* IN */
        uint8_t devfn;    /* IN */
        uint16_t vendor;  /* IN */
        uint16_t devid;   /* IN */
        uint64_t address; /* OUT: physical address */
        xen_ulong_t size; /* OUT: bytes */
    } pci_rom;
    struct {
        uint64_t address; /* OUT: physical address */
        xen_ulong_t size; /* OUT: bytes */
    } apple_properties;
};

struct xenpf_firmware_info {
    uint32_t type;  /* IN: XEN_FW_* */
    uint32_t index; /* IN */
    union {
        struct {                               /* BIOS interrupt 0x13, functions 0x08, 0x41, 0x48 */
            uint8_t device;                    /* OUT */
            uint8_t version;                   /* OUT */
            uint16_t interface_support;        /* OUT */
            uint16_t legacy_max_cylinder;      /* OUT */
            uint8_t legacy_max_head;           /* OUT */
            uint8_t legacy_sectors_per_track;  /* OUT */
            XEN_GUEST_HANDLE(void) edd_params; /* OUT: its first two bytes: IN: room */
        } disk_info;
        struct {
            uint8_t device;         /* OUT */
            uint32_t mbr_signature; /* OUT */
        } disk_mbr_signature;
        struct {                          /* BIOS interrupt 0x10, function 0x4f15 */
            uint8_t capabilities;         /* OUT */
            uint8_t edid_transfer_time;   /* OUT: s */
            XEN_GUEST_HANDLE(uint8) edid; /* OUT: 128 bytes */
        } vbeddc_info;
        union xenpf_efi_info efi_info;
        uint8_t kbd_shift_flags; /* OUT: BIOS interrupt 0x16, function 2 */
    } u;
};
typedef struct xenpf_firmware_info xenpf_firmware_info_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_firmware_info_t);

/* ---- Power ----------------------------------------------------------------------------------- */

#define XENPF_ACPI_SLEEP_EXTENDED 0x00000001 /* val_*: sleep control and status registers */

struct xenpf_enter_acpi_sleep {
    uint16_t val_a;       /* IN: what to write into the first register */
    uint16_t val_b;       /* IN: and into the second */
    uint32_t sleep_state; /* IN: n of Sn; 5: off */
    uint32_t flags;       /* IN: XENPF_ACPI_SLEEP_EXTENDED */
};
typedef struct xenpf_enter_acpi_sleep xenpf_enter_acpi_sleep_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_enter_acpi_sleep_t);

/* A CPU's frequency was changed by the caller. */
struct xenpf_change_freq {
    uint32_t flags; /* 0 */
    uint32_t cpu;   /* IN */
    uint64_t freq;  /* IN: Hz */
};
typedef struct xenpf_change_freq xenpf_change_freq_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_change_freq_t);

struct xenpf_getidletime {
    XEN_GUEST_HANDLE(uint8) cpumap_bitmap; /* IN: CPUs; OUT: those of them there are */
    uint32_t cpumap_nr_cpus;               /* IN: bits in it */
    XEN_GUEST_HANDLE(uint64) idletime;     /* OUT: ns, by CPU */
    uint64_t now;                          /* OUT: system time of the reading, ns */
};
typedef struct xenpf_getidletime xenpf_getidletime_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_getidletime_t);

/* Processor states that the caller read out of ACPI. */
#define XEN_PROCESSOR_PM_CX 1
#define XEN_PROCESSOR_PM_PX 2
#define XEN_PROCESSOR_PM_TX 4

/* xenpf_set_processor_pminfo.type */
#define XEN_PM_CX  0 /* u.power */
#define XEN_PM_PX  1 /* u.perf */
#define XEN_PM_TX  2
#define XEN_PM_PDC 3 /* u.pdc */

/* xen_processor_performance.flags: which parts are valid (named after ACPI's objects) */
#define XEN_PX_PCT 1
#define XEN_PX_PSS 2
#define XEN_PX_PPC 4
#define XEN_PX_PSD 8

/* xen_processor_performance.shared_type: who coordinates CPUs of one domain */
#define XEN_CPUPERF_SHARED_TYPE_HW  1
#define XEN_CPUPERF_SHARED_TYPE_ALL 2
#define XEN_CPUPERF_SHARED_TYPE_ANY 3

/* A register, as ACPI's generic address describes it. */
struct xen_power_register {
    uint32_t space_id;
    uint32_t bit_width;
    uint32_t bit_offset;
    uint32_t access_size;
    uint64_t address;
};

struct xen_processor_csd {
    uint32_t domain; /* number of the group of dependent CPUs */
    uint32_t coord_type;
    uint32_t num; /* CPUs in it */
};
typedef struct xen_processor_csd xen_processor_csd_t;
DEFINE_XEN_GUEST_HANDLE(xen_processor_csd_t);

struct xen_processor_cx {
    struct xen_power_register reg; /* how to enter the state */
    uint8_t type;                  /* n of Cn */
    uint32_t latency;              /* worst time to leave, microseconds */
    uint32_t power;                /* mW */
    uint32_t dpcnt;                /* entries of dp */
    XEN_GUEST_HANDLE(xen_processor_csd_t) dp;
};
typedef struct xen_processor_cx xen_processor_cx_t;
DEFINE_XEN_GUEST_HANDLE(xen_processor_cx_t);

struct xen_processor_flags {
    uint32_t bm_control : 1;
    uint32_t bm_check : 1;
    uint32_t has_cst : 1;
    uint32_t power_setup_done : 1;
    uint32_t bm_rld_set : 1;
};

struct xen_processor_power {
    uint32_t count; /* entries of states */
    struct xen_processor_flags flags;
    XEN_GUEST_HANDLE(xen_processor_cx_t) states;
};

struct xen_pct_register {
    uint8_t descriptor;
    uint16_t length;
    uint8_t space_id;
    uint8_t bit_width;
    uint8_t bit_offset;
    uint8_t reserved;
    uint64_t address;
};

struct xen_processor_px {
    uint64_t core_frequency;     /* MHz */
    uint64_t power;              /* mW */
    uint64_t transition_latency; /* microseconds */
    uint64_t bus_master_latency; /* microseconds */
    uint64_t control;            /* value to write */
    uint64_t status;             /* value that says it worked */
};
typedef struct xen_processor_px xen_processor_px_t;
DEFINE_XEN_GUEST_HANDLE(xen_processor_px_t);

struct xen_psd_package {
    uint64_t num_entries;
    uint64_t revision;
    uint64_t domain;
    uint64_t coord_type;
    uint64_t num_processors;
};

struct xen_processor_performance {
    uint32_t flags;          /* XEN_PX_* */
    uint32_t platform_limit; /* first state allowed */
    struct xen_pct_register control_register;
    struct xen_pct_register status_register;
    uint32_t state_count; /* entries of states */
    XEN_GUEST_HANDLE(xen_processor_px_t) states;
    struct xen_psd_package domain_info;
    uint32_t shared_type; /* XEN_CPUPERF_SHARED_TYPE_* */
};
typedef struct xen_processor_performance xen_processor_performance_t;
DEFINE_XEN_GUEST_HANDLE(xen_processor_performance_t);

struct xenpf_set_processor_pminfo {
    uint32_t id;   /* IN: ACPI id of the CPU */
    uint32_t type; /* IN: XEN_PM_* */
    union {
        struct xen_processor_power power;      /* IN */
        struct xen_processor_performance perf; /* IN */
        XEN_GUEST_HANDLE(uint32) pdc;          /* IN and OUT: capability words */
    } u;
};
typedef struct xenpf_set_processor_pminfo xenpf_set_processor_pminfo_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_set_processor_pminfo_t);

/* ---- CPUs and memory that come and go -------------------------------------------------------- */

#define XEN_PCPU_FLAGS_ONLINE  1
#define XEN_PCPU_FLAGS_INVALID 2 /* there is no such CPU */

struct xenpf_pcpuinfo {
    uint32_t xen_cpuid;   /* IN: number of the CPU */
    uint32_t max_present; /* OUT: highest number there is */
    uint32_t flags;       /* OUT: XEN_PCPU_FLAGS_* */
    uint32_t apic_id;     /* OUT */
    uint32_t acpi_id;     /* OUT */
};
typedef struct xenpf_pcpuinfo xenpf_pcpuinfo_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_pcpuinfo_t);

struct xenpf_pcpu_version {
    uint32_t xen_cpuid;   /* IN: number of the CPU */
    uint32_t max_present; /* OUT: highest number there is */
    char vendor_id[12];   /* OUT: not terminated */
    uint32_t family;      /* OUT */
    uint32_t model;       /* OUT */
    uint32_t stepping;    /* OUT */
};
typedef struct xenpf_pcpu_version xenpf_pcpu_version_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_pcpu_version_t);

/* XENPF_cpu_online, XENPF_cpu_offline */
struct xenpf_cpu_ol {
    uint32_t cpuid; /* IN: number of the CPU */
};
typedef struct xenpf_cpu_ol xenpf_cpu_ol_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_cpu_ol_t);

struct xenpf_cpu_hotadd {
    uint32_t apic_id; /* IN */
    uint32_t acpi_id; /* IN */
    uint32_t pxm;     /* IN: proximity domain */
};
typedef struct xenpf_cpu_hotadd xenpf_cpu_hotadd_t;

struct xenpf_mem_hotadd {
    uint64_t spfn;  /* IN: first machine frame */
    uint64_t epfn;  /* IN: past the last */
    uint32_t pxm;   /* IN: proximity domain */
    uint32_t flags; /* 0 */
};
typedef struct xenpf_mem_hotadd xenpf_mem_hotadd_t;

#define XEN_CORE_PARKING_SET 1
#define XEN_CORE_PARKING_GET 2

struct xenpf_core_parking {
    uint32_t type;      /* IN: XEN_CORE_PARKING_* */
    uint32_t idle_nums; /* IN for SET, OUT for GET: CPUs kept idle */
};
typedef struct xenpf_core_parking xenpf_core_parking_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_core_parking_t);

/* ---- Registers and symbols ------------------------------------------------------------------- */

#define XEN_RESOURCE_OP_MSR_READ  0
#define XEN_RESOURCE_OP_MSR_WRITE 1

struct xenpf_resource_entry {
    union {
        uint32_t cmd; /* IN: XEN_RESOURCE_OP_* */
        int32_t ret;  /* OUT: -errno, for the entry that failed */
    } u;
    uint32_t rsvd; /* 0 */
    uint64_t idx;  /* IN: MSR */
    uint64_t val;  /* IN or OUT */
};
typedef struct xenpf_resource_entry xenpf_resource_entry_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_resource_entry_t);

/* Some MSR accesses on one CPU; the call returns how many were done. */
struct xenpf_resource_op {
    uint32_t nr_entries;                              /* IN */
    uint32_t cpu;                                     /* IN */
    XEN_GUEST_HANDLE(xenpf_resource_entry_t) entries; /* IN and OUT */
};
typedef struct xenpf_resource_op xenpf_resource_op_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_resource_op_t);

struct xenpf_symdata {
    uint32_t namelen;            /* IN: bytes of room; OUT: length of the name */
    uint32_t symnum;             /* IN: which symbol; OUT: the next; the same: no more */
    XEN_GUEST_HANDLE(char) name; /* OUT: zero-terminated */
    uint64_t address;            /* OUT: virtual address in the hypervisor */
    char type;                   /* OUT: letter, as nm prints it */
};
typedef struct xenpf_symdata xenpf_symdata_t;
DEFINE_XEN_GUEST_HANDLE(xenpf_symdata_t);

/* ---- The call -------------------------------------------------------------------------------- */

struct xen_platform_op {
    uint32_t cmd;               /* IN: XENPF_* */
    uint32_t interface_version; /* IN: XENPF_INTERFACE_VERSION */
    union {
        xenpf_settime_t settime;
        xenpf_settime32_t settime32;
        xenpf_settime64_t settime64;
        xenpf_add_memtype_t add_memtype;
        xenpf_del_memtype_t del_memtype;
        xenpf_read_memtype_t read_memtype;
        xenpf_microcode_update_t microcode;
        xenpf_platform_quirk_t platform_quirk;
        xenpf_efi_runtime_call_t efi_runtime_call;
        xenpf_firmware_info_t firmware_info;
        xenpf_enter_acpi_sleep_t enter_acpi_sleep;
        xenpf_change_freq_t change_freq;
        xenpf_getidletime_t getidletime;
        xenpf_set_processor_pminfo_t set_pminfo;
        xenpf_pcpuinfo_t pcpu_info;
        xenpf_pcpu_version_t pcpu_version;
        xenpf_cpu_ol_t cpu_ol;
        xenpf_cpu_hotadd_t cpu_add;
        xenpf_mem_hotadd_t mem_add;
        xenpf_core_parking_t core_parking;
        xenpf_resource_op_t resource_op;
        xenpf_symdata_t symdata;
        uint8_t pad[128];
    } u;
};
typedef struct xen_platform_op xen_platform_op_t;
DEFINE_XEN_GUEST_HANDLE(xen_platform_op_t);

#endif /* XEN_PUBLIC_PLATFORM_H */

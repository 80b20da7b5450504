/* SPDX-License-Identifier: MIT */
/*
 * Second part of sysctl.h, which includes it: arguments of the control operations for power
 * management, faulty memory, cache monitoring, lock profiles, coverage and live patches.
 */
#ifndef XEN_PUBLIC_SYSCTL_POWER_H
#define XEN_PUBLIC_SYSCTL_POWER_H

#include "xen.h"

/* ---- Power management ------------------------------------------------------------------------ */

/* XEN_SYSCTL_get_pmstat */
#define PMSTAT_CATEGORY_MASK 0xf0
#define PMSTAT_PX            0x10 /* performance states */
#define PMSTAT_CX            0x20 /* idle states */
#define PMSTAT_get_max_px    (PMSTAT_PX | 0x1)
#define PMSTAT_get_pxstat    (PMSTAT_PX | 0x2)
#define PMSTAT_reset_pxstat  (PMSTAT_PX | 0x3)
#define PMSTAT_get_max_cx    (PMSTAT_CX | 0x1)
#define PMSTAT_get_cxstat    (PMSTAT_CX | 0x2)
#define PMSTAT_reset_cxstat  (PMSTAT_CX | 0x3)

struct pm_px_val {
    uint64_aligned_t freq;      /* OUT: MHz */
    uint64_aligned_t residency; /* OUT: ns */
    uint64_aligned_t count;     /* OUT: entries */
};
typedef struct pm_px_val pm_px_val_t;
DEFINE_XEN_GUEST_HANDLE(pm_px_val_t);

struct pm_px_stat {
    uint8_t total;                        /* OUT: states there are */
    uint8_t usable;                       /* OUT: states in use */
    uint8_t last;                         /* OUT: previous state */
    uint8_t cur;                          /* OUT: state now */
    XEN_GUEST_HANDLE_64(uint64) trans_pt; /* OUT: transitions, from * total + to */
    XEN_GUEST_HANDLE_64(pm_px_val_t) pt;  /* OUT: one a state */
};

struct pm_cx_stat {
    uint32_t nr;                             /* IN: room; OUT: states, C0 included */
    uint32_t last;                           /* OUT: previous state */
    uint64_aligned_t idle_time;              /* OUT: ns since boot */
    XEN_GUEST_HANDLE_64(uint64) triggers;    /* OUT: entries of each */
    XEN_GUEST_HANDLE_64(uint64) residencies; /* OUT: ns in each */
    uint32_t nr_pc;                          /* IN: room; OUT: package states */
    uint32_t nr_cc;                          /* IN: room; OUT: core states */
    XEN_GUEST_HANDLE_64(uint64) pc;          /* OUT: from PC1 on; unknown ones stay untouched */
    XEN_GUEST_HANDLE_64(uint64) cc;          /* OUT: from CC1 on; unknown ones stay untouched */
};

struct xen_sysctl_get_pmstat {
    uint32_t type;  /* IN: PMSTAT_get_* or _reset_* */
    uint32_t cpuid; /* IN: CPU */
    union {
        struct pm_px_stat getpx;
        struct pm_cx_stat getcx;
    } u;
};

/* XEN_SYSCTL_pm_op */
#define PM_PARA_CATEGORY_MASK                     0xf0
#define CPUFREQ_PARA                              0x10
#define GET_CPUFREQ_PARA                          (CPUFREQ_PARA | 0x01)
#define SET_CPUFREQ_GOV                           (CPUFREQ_PARA | 0x02)
#define SET_CPUFREQ_PARA                          (CPUFREQ_PARA | 0x03)
#define GET_CPUFREQ_AVGFREQ                       (CPUFREQ_PARA | 0x04)
#define XEN_SYSCTL_pm_op_set_sched_opt_smt        0x21
#define XEN_SYSCTL_pm_op_get_max_cstate           0x22
#define XEN_SYSCTL_pm_op_set_max_cstate           0x23
#define XEN_SYSCTL_pm_op_set_vcpu_migration_delay 0x24
#define XEN_SYSCTL_pm_op_get_vcpu_migration_delay 0x25
#define XEN_SYSCTL_pm_op_enable_turbo             0x26
#define XEN_SYSCTL_pm_op_disable_turbo            0x27

#define CPUFREQ_NAME_LEN                          16

/* xen_set_cpufreq_para.ctrl_type */
#define SCALING_MAX_FREQ        1
#define SCALING_MIN_FREQ        2
#define SCALING_SETSPEED        3
#define SAMPLING_RATE           4
#define UP_THRESHOLD            5

#define XEN_SYSCTL_CX_UNLIMITED 0xffffffff

struct xen_userspace {
    uint32_t scaling_setspeed; /* kHz */
};

struct xen_ondemand {
    uint32_t sampling_rate_max; /* microseconds */
    uint32_t sampling_rate_min;
    uint32_t sampling_rate;
    uint32_t up_threshold; /* percent */
};

/* Frequencies are in kHz. */
struct xen_get_cpufreq_para {
    uint32_t cpu_num; /* IN: room; OUT: entries of each of the three lists below */
    uint32_t freq_num;
    uint32_t gov_num;
    XEN_GUEST_HANDLE_64(uint32) affected_cpus;                 /* OUT */
    XEN_GUEST_HANDLE_64(uint32) scaling_available_frequencies; /* OUT */
    XEN_GUEST_HANDLE_64(char) scaling_available_governors;     /* OUT */
    char scaling_driver[CPUFREQ_NAME_LEN];                     /* OUT */
    uint32_t cpuinfo_cur_freq;                                 /* OUT: hardware, now and limits */
    uint32_t cpuinfo_max_freq;
    uint32_t cpuinfo_min_freq;
    uint32_t scaling_cur_freq;               /* OUT: as asked for */
    char scaling_governor[CPUFREQ_NAME_LEN]; /* OUT */
    uint32_t scaling_max_freq;               /* OUT: limits set */
    uint32_t scaling_min_freq;
    union {
        struct xen_userspace userspace;
        struct xen_ondemand ondemand;
    } u;                   /* OUT: by governor */
    int32_t turbo_enabled; /* OUT */
};

struct xen_set_cpufreq_gov {
    char scaling_governor[CPUFREQ_NAME_LEN]; /* IN */
};

struct xen_set_cpufreq_para {
    uint32_t ctrl_type;  /* IN: SCALING_* and the two after it */
    uint32_t ctrl_value; /* IN */
};

struct xen_sysctl_pm_op {
    uint32_t cmd;   /* IN */
    uint32_t cpuid; /* IN: CPU, where that means something */
    union {
        struct xen_get_cpufreq_para get_para;
        struct xen_set_cpufreq_gov set_gov;
        struct xen_set_cpufreq_para set_para;
        uint64_aligned_t get_avgfreq; /* OUT: kHz */
        uint32_t set_sched_opt_smt;   /* IN; OUT: before */
        uint32_t get_max_cstate;      /* OUT: or XEN_SYSCTL_CX_UNLIMITED */
        uint32_t set_max_cstate;      /* IN: or XEN_SYSCTL_CX_UNLIMITED */
    } u;
};

/* ---- Faulty memory --------------------------------------------------------------------------- */

/* XEN_SYSCTL_page_offline_op */
#define sysctl_page_offline       1
#define sysctl_page_online        2
#define sysctl_query_page_offline 3

struct xen_sysctl_page_offline_op {
    uint32_t cmd;                    /* IN: one of the three */
    uint32_t start;                  /* IN: first machine frame */
    uint32_t end;                    /* IN: last machine frame */
    XEN_GUEST_HANDLE(uint32) status; /* OUT: one a frame: bits below, owner in the high half */
};

/* Results of offline and online. */
#define PG_OFFLINE_STATUS_MASK (0xFFUL)
#define PG_OFFLINE_INVALID     (0x1UL << 0)
#define PG_OFFLINE_OFFLINED    (0x1UL << 1)
#define PG_OFFLINE_PENDING     (0x1UL << 2)
#define PG_OFFLINE_FAILED      (0x1UL << 3)
#define PG_OFFLINE_AGAIN       (0x1UL << 4)
#define PG_ONLINE_FAILED       PG_OFFLINE_FAILED
#define PG_ONLINE_ONLINED      PG_OFFLINE_OFFLINED

/* Results of query. */
#define PG_OFFLINE_STATUS_OFFLINED        (0x1UL << 1)
#define PG_OFFLINE_STATUS_ONLINE          (0x1UL << 2)
#define PG_OFFLINE_STATUS_OFFLINE_PENDING (0x1UL << 3)
#define PG_OFFLINE_STATUS_BROKEN          (0x1UL << 4)

/* Why a page cannot go, or what it is. */
#define PG_OFFLINE_MISC_MASK    (0xFFUL << 4)
#define PG_OFFLINE_XENPAGE      (0x1UL << 8)
#define PG_OFFLINE_DOM0PAGE     (0x1UL << 9)
#define PG_OFFLINE_ANONYMOUS    (0x1UL << 10)
#define PG_OFFLINE_NOT_CONV_RAM (0x1UL << 11)
#define PG_OFFLINE_OWNED        (0x1UL << 12)
#define PG_OFFLINE_BROKEN       (0x1UL << 13)
#define PG_ONLINE_BROKEN        PG_OFFLINE_BROKEN
#define PG_OFFLINE_OWNER_SHIFT  16

/* ---- Lock profile and coverage --------------------------------------------------------------- */

/* XEN_SYSCTL_lockprof_op */
#define XEN_SYSCTL_LOCKPROF_reset 1
#define XEN_SYSCTL_LOCKPROF_query 2
#define LOCKPROF_TYPE_GLOBAL      0
#define LOCKPROF_TYPE_PERDOM      1
#define LOCKPROF_TYPE_N           2

struct xen_sysctl_lockprof_data {
    char name[40];               /* OUT */
    int32_t type;                /* OUT: LOCKPROF_TYPE_* */
    int32_t idx;                 /* OUT: domain, for PERDOM */
    uint64_aligned_t lock_cnt;   /* OUT: times taken */
    uint64_aligned_t block_cnt;  /* OUT: times waited for */
    uint64_aligned_t lock_time;  /* OUT: ns held */
    uint64_aligned_t block_time; /* OUT: ns waited */
};
typedef struct xen_sysctl_lockprof_data xen_sysctl_lockprof_data_t;
DEFINE_XEN_GUEST_HANDLE(xen_sysctl_lockprof_data_t);

struct xen_sysctl_lockprof_op {
    uint32_t cmd;                                         /* IN: XEN_SYSCTL_LOCKPROF_* */
    uint32_t max_elem;                                    /* IN: room */
    uint32_t nr_elem;                                     /* OUT: locks */
    uint64_aligned_t time;                                /* OUT: ns profiled */
    XEN_GUEST_HANDLE_64(xen_sysctl_lockprof_data_t) data; /* OUT */
};

/* XEN_SYSCTL_coverage_op */
#define XEN_GCOV_FORMAT_MAGIC        0x58434f56
#define XEN_SYSCTL_COVERAGE_get_size 0
#define XEN_SYSCTL_COVERAGE_read     1
#define XEN_SYSCTL_COVERAGE_reset    2

struct xen_sysctl_coverage_op {
    uint32_t cmd;                     /* IN: XEN_SYSCTL_COVERAGE_* */
    uint32_t size;                    /* IN: bytes of room; OUT: bytes */
    XEN_GUEST_HANDLE_64(char) buffer; /* OUT */
};

/* ---- Cache monitoring and allocation --------------------------------------------------------- */

/* XEN_SYSCTL_psr_cmt_op */
#define XEN_SYSCTL_PSR_CMT_get_total_rmid          0
#define XEN_SYSCTL_PSR_CMT_get_l3_upscaling_factor 1
#define XEN_SYSCTL_PSR_CMT_get_l3_cache_size       2
#define XEN_SYSCTL_PSR_CMT_enabled                 3
#define XEN_SYSCTL_PSR_CMT_get_l3_event_mask       4

struct xen_sysctl_psr_cmt_op {
    uint32_t cmd;   /* IN: XEN_SYSCTL_PSR_CMT_* */
    uint32_t flags; /* 0 */
    union {
        uint64_t data; /* OUT */
        struct {
            uint32_t cpu; /* IN: whose cache */
            uint32_t rsvd;
        } l3_cache;
    } u;
};

/* XEN_SYSCTL_psr_alloc */
#define XEN_SYSCTL_PSR_get_l3_info  0
#define XEN_SYSCTL_PSR_get_l2_info  1
#define XEN_SYSCTL_PSR_get_mba_info 2
#define XEN_SYSCTL_PSR_CAT_L3_CDP   (1u << 0) /* separate masks for code and data */
#define XEN_SYSCTL_PSR_MBA_LINEAR   (1u << 0) /* throttling is linear */

struct xen_sysctl_psr_alloc {
    uint32_t cmd;    /* IN: XEN_SYSCTL_PSR_get_* */
    uint32_t target; /* IN: socket */
    union {
        struct {
            uint32_t cbm_len; /* OUT: bits of a mask */
            uint32_t cos_max; /* OUT: highest class */
            uint32_t flags;   /* OUT: XEN_SYSCTL_PSR_CAT_* */
        } cat_info;
        struct {
            uint32_t thrtl_max; /* OUT: highest throttling value */
            uint32_t cos_max;   /* OUT: highest class */
            uint32_t flags;     /* OUT: XEN_SYSCTL_PSR_MBA_* */
        } mba_info;
    } u;
};

/* ---- Live patches ---------------------------------------------------------------------------- */

/* XEN_SYSCTL_livepatch_op */
#define LIVEPATCH_PAYLOAD_VERSION   2
#define XEN_LIVEPATCH_NAME_SIZE     128
#define XEN_SYSCTL_LIVEPATCH_UPLOAD 0
#define XEN_SYSCTL_LIVEPATCH_GET    1
#define XEN_SYSCTL_LIVEPATCH_LIST   2
#define XEN_SYSCTL_LIVEPATCH_ACTION 3

/* xen_livepatch_status.state */
#define LIVEPATCH_STATE_CHECKED 1
#define LIVEPATCH_STATE_APPLIED 2

/* xen_sysctl_livepatch_action.cmd and .flags */
#define LIVEPATCH_ACTION_UNLOAD       1
#define LIVEPATCH_ACTION_REVERT       2
#define LIVEPATCH_ACTION_APPLY        3
#define LIVEPATCH_ACTION_REPLACE      4
#define LIVEPATCH_ACTION_APPLY_NODEPS (1 << 0)

struct xen_livepatch_name {
    XEN_GUEST_HANDLE_64(char) name; /* IN: zero-terminated */
    uint16_t size;                  /* IN: bytes, the zero included */
    uint16_t pad[3];
};

struct xen_sysctl_livepatch_upload {
    struct xen_livepatch_name name;     /* IN */
    uint64_t size;                      /* IN: bytes of payload */
    XEN_GUEST_HANDLE_64(uint8) payload; /* IN */
};

struct xen_livepatch_status {
    uint32_t state; /* OUT: LIVEPATCH_STATE_* */
    int32_t rc;     /* OUT: 0 or -errno of the last action; -EAGAIN: under way */
};
typedef struct xen_livepatch_status xen_livepatch_status_t;
DEFINE_XEN_GUEST_HANDLE(xen_livepatch_status_t);

struct xen_sysctl_livepatch_get {
    struct xen_livepatch_name name;     /* IN */
    struct xen_livepatch_status status; /* OUT */
};

struct xen_sysctl_livepatch_list {
    uint32_t version; /* OUT: changes whenever the list does */
    uint32_t idx;     /* IN: first entry wanted */
    uint32_t nr;      /* IN: entries wanted; OUT: entries left */
    uint32_t pad;
    uint32_t name_total_size;                           /* OUT: bytes of all names */
    uint32_t metadata_total_size;                       /* OUT: bytes of all metadata */
    XEN_GUEST_HANDLE_64(xen_livepatch_status_t) status; /* OUT: each of these one an entry */
    XEN_GUEST_HANDLE_64(char) name;
    XEN_GUEST_HANDLE_64(uint32) len;
    XEN_GUEST_HANDLE_64(char) metadata;
    XEN_GUEST_HANDLE_64(uint32) metadata_len;
};

struct xen_sysctl_livepatch_action {
    struct xen_livepatch_name name; /* IN */
    uint32_t cmd;                   /* IN: LIVEPATCH_ACTION_* */
    uint32_t timeout;               /* IN: ns; 0: default */
    uint32_t flags;                 /* IN: LIVEPATCH_ACTION_APPLY_NODEPS */
    uint32_t pad;
};

struct xen_sysctl_livepatch_op {
    uint32_t cmd; /* IN: XEN_SYSCTL_LIVEPATCH_* */
    uint32_t pad;
    union {
        struct xen_sysctl_livepatch_upload upload;
        struct xen_sysctl_livepatch_list list;
        struct xen_sysctl_livepatch_get get;
        struct xen_sysctl_livepatch_action action;
    } u;
};

#endif /* XEN_PUBLIC_SYSCTL_POWER_H */

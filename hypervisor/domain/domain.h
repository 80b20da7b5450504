/* SPDX-License-Identifier: MIT */
/*
 * Domains: identity, life, references and staged teardown. A domain's life is BUILDING -> RUNNING -> SHUTDOWN ->
 * DYING -> gone, in that direction only (SHUTDOWN may be skipped or, with resumedomain, undone).
 * Rooms above hook in by DOMAIN_UNIT rows, so that this room includes none of them.
 */
#ifndef DOMAIN_DOMAIN_H
#define DOMAIN_DOMAIN_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>

#include "common/compiler.h"
#include "common/list.h"
#include "common/typed_int.h"
#include "domain/vcpu.h"
#include "mm/mm_owner.h"
#include "x86/lock.h"
#include "x86/percpu.h"

/* The boot domain's id: the last ordinary one below the reserved range (include/xen/xenolith.h). */
#define DOMAIN_BOOT_ID 0x7fef

#define DOMAIN_MAX_VCPUS 128

enum domain_life {
    DOMAIN_BUILDING, /* created, never unpaused */
    DOMAIN_RUNNING,
    DOMAIN_SHUTDOWN, /* SCHEDOP_shutdown was called on it; memory still there */
    DOMAIN_DYING,    /* destroydomain has begun */
    DOMAIN_DEAD,     /* all given back; waits for the last reference */
};

struct domain {
    struct mm_owner mm;            /* memory: first, container_of is free */
    domid_t id;                    /* const */
    uint32_t refs;                 /* atomic; the table holds one until teardown has ended */
    struct domain *hash_next;      /* domain table lock */
    enum domain_life life;         /* LOCK_DOMCTL to change; read anywhere */
    bool control;                  /* may use domctl, sysctl, foreign domains; const after creation */
    bool hardware;                 /* owns devices, ports, I/O memory; const after creation */
    bool boot;                     /* the boot domain */
    uint8_t shutdown_code;         /* SHUTDOWN_* once life >= SHUTDOWN */
    uint8_t handle[16];            /* UUID */
    uint32_t ssidref;
    uint32_t create_flags;         /* XEN_DOMCTL_CDF_* */

    uint16_t max_vcpus;            /* const after creation */
    struct vcpu **vcpu;            /* [max_vcpus], NULL where not created; entries const once set until DEAD */

    struct shared_info *shared_info; /* one hypervisor frame shared with the domain */
    mfn_t shared_info_mfn;

    struct spinlock domctl_lock;   /* LOCK_DOMCTL */
    struct spinlock event_lock;    /* LOCK_EVENT */
    struct evtchn_table *evtchn;   /* event/ */
    struct grant_table *grant;     /* grant/ */
    struct sched_domain *sched;    /* sched/: weight, cap */
    struct full_domain *full;      /* full/: NULL for a PV domain; const after creation */
    uint32_t pause_count;          /* atomic; by control domain */
    uint32_t controller_paused;    /* created paused, domctl pausedomain nesting */

    uint64_t vm_assist;            /* VMASST_* bits */
    int64_t time_offset_s;
    uint32_t max_evtchn_port;
    uint32_t max_grant_frames, max_maptrack_frames;
    bool debugger_attached;

    /* memory map set by the tools for XENMEM_memory_map; domctl lock */
    void *e820;
    uint32_t e820_nr;
    uint64_t created_ns;
    uint8_t kill_stage;            /* teardown progress, enum in domain_kill.c */
    uint32_t kill_unit;            /* which unit comes next */
    bool self_destroy;             /* nobody else will: the reaper destroys it after it has ended */
    char crash_reason[96];         /* why the hypervisor ended it, for the log and `xeno list` */
};

static inline struct domain *current_domain(void)
{
    return current_vcpu()->domain;
}

/* ---- table and references ---- */

/* The domain with that id and a reference, or NULL (also for one that is DEAD). DOMID_SELF is the current one. */
struct domain *domain_get_by_id(domid_t id);
/* The one that a domid means in the ABI's operations on domains: the caller, or another that it controls. -ESRCH, -EPERM. */
int domain_get_controlled(domid_t id, struct domain **d) __must_check;
/* A reference where the caller already has one. */
struct domain *domain_get(struct domain *d);
void domain_put(struct domain *d);

/*
 * Next domain with id >= first in rising order, with a reference; NULL at the end: lists without holding the lock.
 */
struct domain *domain_next(domid_t first);

struct domain_config {
    domid_t id; /* 0xffff or DOMID_INVALID: choose the next free one above the last chosen */
    bool control, hardware, boot;
    uint32_t max_vcpus;
    uint32_t max_evtchn_port;
    uint32_t max_grant_frames, max_maptrack_frames;
    uint32_t flags;
    uint8_t handle[16];
    uint32_t ssidref;
};

/* Create it, empty and paused once (controller_paused). -EEXIST, -ENOMEM, -EINVAL, -ENOSPC. */
int domain_create(const struct domain_config *cfg, struct domain **out);

/* Staged and preemptible: -ERESTART until nothing is left but references. One caller at a time (LOCK_DOMCTL is taken). */
int domain_kill(struct domain *d);

/* Rooms above that want to know: a domain has shut down (any reason); it is killed but for frames that others hold, or all gone. */
struct domain_hooks {
    void (*shutdown)(struct domain *d);
    void (*gone)(void);
};
extern struct domain_hooks domain_hooks;

/* Units in their order; domain.c and domain_kill.c only. */
extern const struct domain_unit *const __domain_units_start[], *const __domain_units_end[];

/* How many domains there are, for lists and tests. */
unsigned int domain_count(void);

/* The guest (or the hypervisor on its behalf) ends: stops all vCPUs, tells the control domain by VIRQ_DOM_EXC. */
void domain_shutdown(struct domain *d, uint8_t reason);
/* A guest broke a rule that leaves no way on: logs `why` (one line) and shuts it down as crashed. */
void domain_crash(struct domain *d, const char *fmt, ...) __printf_like(2, 3);

/* resumedomain: a domain that has shut down goes on. */
void domain_resume(struct domain *d);
/* Destroy d from the exit path or the idle loop of this CPU (WORK_REAP), because no control domain will. */
void domain_reap_later(struct domain *d);
void domain_reap(void);

/* Pause counts nest; a paused domain's vCPUs are off every CPU when domain_pause() returns. */
void domain_pause(struct domain *d);
void domain_unpause(struct domain *d);
void vcpu_pause(struct vcpu *v);
void vcpu_unpause(struct vcpu *v);

/* ---- units: how rooms above take part in a domain's life ---- */

struct domain_unit {
    const char *name;
    int (*init)(struct domain *d);        /* undone by kill in reverse order when a later one fails */
    int (*kill)(struct domain *d);        /* preemptible (-ERESTART); idempotent */
    int (*vcpu_init)(struct vcpu *v);
    void (*vcpu_kill)(struct vcpu *v);
    void (*free)(struct domain *d);       /* last, when no reference is left: memory that others might still look at */
};

/* Units are started in link order of their rows: the order value sorts them (smaller first). */
#define DOMAIN_UNIT(order, var, ...)                                                               \
    static const struct domain_unit var = {__VA_ARGS__};                                           \
    static const struct domain_unit *const var##_row __attribute__((used, section(".domain_units." #order))) = &var

#define for_each_vcpu(d, v, i)                                                                     \
    for ((i) = 0; (i) < (d)->max_vcpus; (i)++)                                                     \
        if (((v) = (d)->vcpu[i]) != NULL)

#endif

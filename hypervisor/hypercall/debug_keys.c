/* SPDX-License-Identifier: MIT */
/*
 * What keys at the hypervisor's console mean: they come from the control domain, by sysctl's debug_keys, and what they tell goes
 * into the log. A key that means nothing says so; letters are Xen's where the thing is the same.
 */
#include "hypercall/debug_keys.h"

#include "common/compiler.h"
#include "common/errno.h"
#include "debug/console.h"
#include "domain/domain.h"
#include "hypercall/domctl.h"
#include "mm/guest_copy.h"
#include "mm/heap.h"
#include "sched/sched.h"
#include "x86/percpu.h"
#include "x86/time.h"

#define MAX_KEYS 32u

static void say_vcpus(struct domain *d)
{
    struct vcpu *v;
    unsigned int i;

    for_each_vcpu(d, v, i) {
        log_info("d%uv%u: %s CPU %u, waits for %x, %lu ms of CPU time", d->id, i, v->running ? "on" : "was on", v->processor,
                 v->pause_flags, vcpu_cpu_time_ns(v) / 1000000);
    }
}

static void key_domains(void)
{
    struct domain *d;

    for (domid_t next = 0; (d = domain_next(next)) != NULL; next = (domid_t)(d->id + 1u), domain_put(d)) {
        struct xen_domctl_getdomaininfo i;

        domain_info_fill(d, &i);
        log_info("d%u: flags %x, %lu of %lu pages, %u vCPUs up, %u references", d->id, i.flags, (uint64_t)i.tot_pages,
                 (uint64_t)i.max_pages, i.nr_online_vcpus, d->refs);
        say_vcpus(d);
    }
}

static void key_cpus(void)
{
    for (uint32_t i = 0; i < nr_cpus; i++) {
        log_info("CPU %u: idle for %lu ms of %lu", i, percpu_of(i)->idle_ns / 1000000, now_ns() / 1000000);
    }
}

static void key_memory(void)
{
    log_info("memory: %lu of %lu frames are free, %lu of them claimed", frames_free(), frames_total(), heap_claimed());
}

static void key_restart(void)
{
    log_warn("the control domain restarts the machine by key R");
    machine_reboot();
}

static void key_help(void);

static const struct key {
    char key;
    void (*press)(void);
    const char *what;
} keys[] = {
    {'h', key_help, "this list"},         {'m', key_memory, "memory"}, {'q', key_domains, "domains and vCPUs"},
    {'r', key_cpus, "how idle CPUs are"}, {'R', key_restart, "restart the machine"},
};

static void key_help(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        log_info("key %c: %s", keys[i].key, keys[i].what);
    }
}

static void press(char c)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (keys[i].key == c) {
            keys[i].press();
            return;
        }
    }
    log_info("key %02x means nothing: h lists those that do", (unsigned char)c);
}

int64_t sysctl_debug_keys(struct xen_sysctl *op)
{
    char typed[MAX_KEYS];
    uint32_t n = op->u.debug_keys.nr_keys;
    int rc = n > MAX_KEYS ? -E2BIG : guest_read(typed, gva_make((uint64_t)op->u.debug_keys.keys.p), n);

    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        press(typed[i]);
    }
    return rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * From a guest's SYSCALL in kernel mode to its handler: bound, privilege, call, count, result. The table is expanded from
 * hypercalls.def; a number that is not in it answers -ENOSYS and is counted under index COUNT_HYPERCALLS - 1.
 * Invariant: a restarted call leaves rax and rip as before, so the guest simply issues it again.
 */
#include "hypercall/dispatch.h"

#include <stddef.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "debug/counters.h"
#include "domain/domain.h"
#include "domain/privilege.h"
#include "hypercall/hypercall.h"
#include "x86/cpu.h"
#include "x86/percpu.h"
#include "x86/upcalls.h"

enum hc_who {
    HC_WHO_ANY,
    HC_WHO_CTRL,
    HC_WHO_HW
};

struct hc_entry {
    int64_t (*thunk)(const struct cpu_user_regs *r);
    const char *name;
    uint8_t who; /* enum hc_who */
    uint8_t nr;
};

/* Arguments 1-4 arrive in rdi, rsi, rdx, r10 (ABI: hypercall register convention; no call here takes more). */
#define HC_UNPACK_0(r)
#define HC_UNPACK_1(r) (r)->rdi
#define HC_UNPACK_2(r) (r)->rdi, (r)->rsi
#define HC_UNPACK_3(r) (r)->rdi, (r)->rsi, (r)->rdx
#define HC_UNPACK_4(r) (r)->rdi, (r)->rsi, (r)->rdx, (r)->r10

#define HC(nr, name, who, nargs)                                                                   \
    static int64_t thunk_##name(const struct cpu_user_regs *r)                                     \
    {                                                                                              \
        (void)r;                                                                                   \
        return hc_##name(HC_UNPACK_##nargs(r));                                                    \
    }
#include "hypercall/hypercalls.def"
#undef HC

static const struct hc_entry table[COUNT_HYPERCALLS] = {
#define HC(nr, name, who, nargs) [nr] = {thunk_##name, #name, HC_WHO_##who, nr},
#include "hypercall/hypercalls.def"
#undef HC
};

const char *hypercall_name(unsigned int nr)
{
    return nr < ARRAY_SIZE(table) ? table[nr].name : NULL;
}

static bool who_allows(uint8_t who, const struct domain *d)
{
    if (who == HC_WHO_ANY) {
        return true;
    }
    return who == HC_WHO_CTRL ? may_domctl(d) : may_hardware(d);
}

/* The row of a number, NULL if there is none; counted in either case, and traced by who calls it or finds that there is none. */
static inline const struct hc_entry *row_of(struct vcpu *v, uint64_t nr)
{
    if (unlikely(nr >= COUNT_HYPERCALLS - 1)) {
        v->counters->hypercall[COUNT_HYPERCALLS - 1].n++;
        return NULL;
    }
    nr = index_nospec(nr, COUNT_HYPERCALLS);
    v->counters->hypercall[nr].n++;
    return likely(table[nr].thunk) ? &table[nr] : NULL;
}

static __cold_fn __attribute__((noinline)) int64_t
call_traced(struct vcpu *v, const struct hc_entry *e, const struct cpu_user_regs *args)
{
    const struct counter *at = &v->counters->hypercall[e->nr];
    int64_t rc;

    trace_counted(v->counters, at, v->regs.rip, false);
    rc = e->thunk(args);
    trace_counted(v->counters, at, v->regs.rip, true);
    return rc;
}

static int64_t run_row(struct vcpu *v, const struct hc_entry *e, const struct cpu_user_regs *args)
{
    uint64_t start;
    int64_t rc;

    if (unlikely(e->who != HC_WHO_ANY) && !who_allows(e->who, v->domain)) {
        return -EPERM;
    }
    v->hc_nr = e->nr;
    start = rdtsc();
    rc = counters_traced(v->counters) ? call_traced(v, e, args) : e->thunk(args);
    v->counters->hypercall[e->nr].tsc += rdtsc() - start;
    return rc;
}

static __attribute__((noinline)) int64_t no_row(const struct vcpu *v, uint64_t nr)
{
    if (counters_traced(v->counters)) {
        trace_counted(v->counters, &v->counters->hypercall[MIN(nr, COUNT_HYPERCALLS - 1ul)],
                      v->regs.rip, false);
    }
    return -ENOSYS;
}

int64_t hypercall_run(struct vcpu *v, uint64_t nr, const struct cpu_user_regs *args)
{
    const struct hc_entry *e = row_of(v, nr);

    return likely(e) ? run_row(v, e, args) : no_row(v, nr);
}

int64_t hc_restart(unsigned int nr, unsigned int nargs, const uint64_t a[6])
{
    struct vcpu *v = current_vcpu();

    v->hc_nr = (uint16_t)nr;
    for (unsigned int i = 0; i < nargs; i++) {
        v->hc_restart_args[i] = a[i];
    }
    v->hc_restarted = (uint8_t)nargs;
    COUNT(v, event, COUNT_HC_RESTART);
    return HC_RESTARTED;
}

/* Rewind over the two-byte SYSCALL; the guest's argument registers become the rest of the work. */
static void __cold_fn __attribute__((noinline)) rewind_with_args(struct vcpu *v)
{
    struct cpu_user_regs *r = &v->regs;
    uint64_t *const slot[4] = {&r->rdi, &r->rsi, &r->rdx, &r->r10};

    for (unsigned int i = 0; i < v->hc_restarted && i < ARRAY_SIZE(slot); i++) {
        *slot[i] = v->hc_restart_args[i];
    }
    r->rip -= 2;
    r->rax = v->hc_nr;
}

/* Out of line, so that a number without a row costs no saved registers. */
static __attribute__((noinline)) void run_and_finish(struct vcpu *v, const struct hc_entry *e)
{
    int64_t rc = run_row(v, e, &v->regs);

    /* iret answers with the guest's own rax, which may be any value. */
    if (unlikely(rc == HC_RESTARTED) && v->hc_nr != __HYPERVISOR_iret) {
        rewind_with_args(v);
    } else {
        v->regs.rax = (uint64_t)rc;
    }
}

/* Out of line as well. */
static __attribute__((noinline)) void finish_no_row(struct vcpu *v)
{
    uint64_t nr = v->regs.rax;

    v->regs.rax = (uint64_t)-ENOSYS;
    if (counters_traced(v->counters)) {
        (void)no_row(v, nr);
    }
}

void upcall_hypercall(struct vcpu *v)
{
    const struct hc_entry *e = row_of(v, v->regs.rax);

    if (unlikely(!e)) {
        finish_no_row(v);
        return;
    }
    run_and_finish(v, e);
}

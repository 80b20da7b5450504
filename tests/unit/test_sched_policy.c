/* SPDX-License-Identifier: MIT */
/* SOURCES: hypervisor/sched/sched_policy.c */
/*
 * Fair share in a simulation with exact virtual time: two CPUs, domains of different weight and vCPU count, sleepers and
 * caps. Shares must be those of the weights within 5 %, caps within 5 %, nobody starves, a sleeper wakes to a CPU at once.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched/sched_policy.h"

#define CPUS     2
#define MAX_VC   16
#define NEVER    UINT64_MAX
#define STEP_NS  (100ul * 1000)

struct sim_vcpu {
    struct sp_vcpu sp;
    uint64_t run_ns, sleep_ns;  /* 0: always busy; else it runs run_ns, then sleeps sleep_ns */
    uint64_t burst, wake_at;
    uint64_t got_ns, longest_wait, waiting_since, woken_at, worst_latency;
};

static struct sp_queue q;
static struct sp_domain dom[8];
static struct sim_vcpu vc[MAX_VC];
static int nr_vc;
static struct sim_vcpu *on[CPUS];
static uint64_t slice_end[CPUS];

static void sim_reset(void)
{
    sp_queue_init(&q);
    memset(vc, 0, sizeof(vc));
    memset(on, 0, sizeof(on));
    nr_vc = 0;
    for (int i = 0; i < 8; i++) {
        sp_domain_init(&dom[i]);
    }
}

static struct sim_vcpu *add(struct sp_domain *d, uint64_t run_ns, uint64_t sleep_ns)
{
    struct sim_vcpu *v = &vc[nr_vc++];

    sp_vcpu_init(&v->sp, d);
    v->sp.hard = v->sp.soft = 3;
    v->run_ns = run_ns;
    v->sleep_ns = sleep_ns;
    sp_activate(&q, &v->sp);
    sp_enqueue(&q, &v->sp);
    return v;
}

static void reschedule(int cpu, uint64_t now)
{
    struct sim_vcpu *prev = on[cpu];
    struct sp_vcpu *cand = sp_pick(&q, (uint32_t)cpu);

    if (prev && prev->sp.active && !sp_parked(prev->sp.dom) && (!cand || prev->sp.vtime <= cand->vtime)) {
        slice_end[cpu] = now + SP_SLICE_NS;
        return;
    }
    if (prev && prev->sp.active) {
        sp_enqueue(&q, &prev->sp);
        prev->waiting_since = now;
        cand = sp_pick(&q, (uint32_t)cpu);
    }
    on[cpu] = cand ? (struct sim_vcpu *)(void *)((char *)cand - offsetof(struct sim_vcpu, sp)) : NULL;
    if (cand) {
        struct sim_vcpu *v = on[cpu];

        sp_dequeue(&q, cand);
        cand->cpu = (uint32_t)cpu;
        if (now - v->waiting_since > v->longest_wait) {
            v->longest_wait = now - v->waiting_since;
        }
        if (v->woken_at) {
            v->worst_latency = now - v->woken_at > v->worst_latency ? now - v->woken_at : v->worst_latency;
            v->woken_at = 0;
        }
        slice_end[cpu] = now + sp_slice(&q, cand);
    }
}

static void sim_run(uint64_t ns)
{
    for (uint64_t now = 0; now < ns; now += STEP_NS) {
        bool resched[CPUS] = {false};

        if (now % SP_PERIOD_NS == 0) {
            for (int i = 0; i < 8; i++) {
                if (dom[i].cap) {
                    sp_refill(&dom[i]);
                    resched[0] = resched[1] = true;
                }
            }
        }
        for (int i = 0; i < nr_vc; i++) {
            if (!vc[i].sp.active && vc[i].wake_at <= now) {
                sp_activate(&q, &vc[i].sp);
                sp_enqueue(&q, &vc[i].sp);
                vc[i].woken_at = vc[i].waiting_since = now;
                vc[i].burst = 0;
                for (int c = 0; c < CPUS; c++) {
                    resched[c] |= !on[c] || sp_preempts(&vc[i].sp, on[c]->sp.vtime);
                }
            }
        }
        for (int c = 0; c < CPUS; c++) {
            struct sim_vcpu *v = on[c];

            if (!v || resched[c] || now >= slice_end[c]) {
                reschedule(c, now);
                v = on[c];
            }
            if (!v) {
                continue;
            }
            v->got_ns += STEP_NS;
            v->burst += STEP_NS;
            if (sp_charge(&q, &v->sp, STEP_NS)) {
                slice_end[c] = 0;
            }
            if (v->run_ns && v->burst >= v->run_ns) {
                sp_deactivate(&v->sp);
                v->wake_at = now + v->sleep_ns;
                slice_end[c] = 0;
            }
        }
    }
}

static uint64_t got(const struct sp_domain *d)
{
    uint64_t sum = 0;

    for (int i = 0; i < nr_vc; i++) {
        sum += vc[i].sp.dom == d ? vc[i].got_ns : 0;
    }
    return sum;
}

static void expect_share(const struct sp_domain *d, double share, uint64_t total, const char *what)
{
    double is = (double)got(d) / (double)total;

    ck_assert_msg(is > share * 0.95 && is < share * 1.05, "%s: %.3f of the time, not %.3f", what, is, share);
}

START_TEST(shares_follow_weights)
{
    const uint64_t ns = 20ul * 1000 * 1000 * 1000;

    sim_reset();
    dom[0].weight = 256;
    dom[1].weight = 512;
    dom[2].weight = 768;
    dom[3].weight = 512;
    add(&dom[0], 0, 0);
    for (int i = 0; i < 2; i++) {
        add(&dom[1], 0, 0);
    }
    add(&dom[2], 0, 0);
    for (int i = 0; i < 4; i++) {
        add(&dom[3], 0, 0);
    }
    sim_run(ns);
    expect_share(&dom[0], 256.0 / 2048, ns * CPUS, "weight 256, 1 vCPU");
    expect_share(&dom[1], 512.0 / 2048, ns * CPUS, "weight 512, 2 vCPUs");
    expect_share(&dom[2], 768.0 / 2048, ns * CPUS, "weight 768, 1 vCPU");
    expect_share(&dom[3], 512.0 / 2048, ns * CPUS, "weight 512, 4 vCPUs");
    for (int i = 0; i < nr_vc; i++) {
        ck_assert_uint_lt(vc[i].longest_wait, 500ul * 1000 * 1000);
    }
}
END_TEST

START_TEST(caps_hold)
{
    const uint64_t ns = 10ul * 1000 * 1000 * 1000;

    sim_reset();
    dom[0].cap = 30;
    dom[1].cap = 120;
    add(&dom[0], 0, 0);
    add(&dom[1], 0, 0);
    add(&dom[1], 0, 0);
    sim_run(ns);
    expect_share(&dom[0], 0.30, ns, "cap 30");
    expect_share(&dom[1], 1.20, ns, "cap 120");
}
END_TEST

START_TEST(a_sleeper_wakes_to_a_cpu)
{
    struct sim_vcpu *sleeper;

    sim_reset();
    for (int i = 0; i < 4; i++) {
        add(&dom[i], 0, 0);
    }
    sleeper = add(&dom[4], STEP_NS * 5, 20 * 1000 * 1000); /* uses 2.5 % of a CPU */
    sim_run(5ul * 1000 * 1000 * 1000);
    ck_assert_uint_le(sleeper->worst_latency, STEP_NS);
    ck_assert_uint_gt(sleeper->got_ns, 100ul * 1000 * 1000);
}
END_TEST

START_TEST(sleeping_does_not_save_up)
{
    struct sim_vcpu *late, *busy;

    sim_reset();
    busy = add(&dom[0], 0, 0);
    busy->sp.hard = 1;
    late = add(&dom[1], 0, 0);
    late->sp.hard = 1;
    sp_dequeue(&q, &late->sp);
    sp_deactivate(&late->sp);
    late->wake_at = 5ul * 1000 * 1000 * 1000;
    sim_run(6ul * 1000 * 1000 * 1000);
    /* In the last second both get half, apart from the saved-up lag. */
    ck_assert_uint_lt(late->got_ns, 500ul * 1000 * 1000 + 2 * SP_LAG_NS);
    ck_assert_uint_gt(late->got_ns, 450ul * 1000 * 1000);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sched_policy");
    TCase *t = tcase_create("simulation");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_test(t, shares_follow_weights);
    tcase_add_test(t, caps_hold);
    tcase_add_test(t, a_sleeper_wakes_to_a_cpu);
    tcase_add_test(t, sleeping_does_not_save_up);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

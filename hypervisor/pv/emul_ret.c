/* SPDX-License-Identifier: MIT */
/*
 * iretq and lretq that the guest executes itself, in ring 3 to ring 3. A CPU needs no help with them. QEMU's (TCG, at
 * least to 7.2) reads their stack with the hypervisor's rights, which SMAP forbids: a page fault on a user page, with a
 * supervisor's error code, that no instruction in ring 3 can raise on a CPU. Those are carried out here.
 */
#include "domain/domain.h"
#include "mm/guest_copy.h"
#include "pv/emul.h"
#include "pv/frame.h"
#include "pv/pv.h"

/* In memory order. */
#define REX_W 0x48u
#define LRET  0xcbu
#define IRET  0xcfu

bool emul_return(struct vcpu *v)
{
    struct cpu_user_regs *r = &v->regs;
    uint64_t word[5] = {[2] = r->rflags, [4] = r->ss}; /* rip, cs, rflags, rsp, ss */
    uint8_t code[2];
    bool iret;

    if (guest_read(code, gva_make(r->rip), sizeof(code)) || code[0] != REX_W || (code[1] != IRET && code[1] != LRET)) {
        return false;
    }
    iret = code[1] == IRET;
    word[3] = r->rsp + 2 * sizeof(word[0]);
    if (guest_read(word, gva_make(r->rsp), iret ? sizeof(word) : 2 * sizeof(word[0]))) {
        return false;
    }
    if ((word[1] & 3) != 3 || !segment_selector_allowed((uint16_t)word[1])) {
        pv_inject_gp(v, (uint32_t)word[1] & 0xfffcu);
        return true;
    }
    COUNT(v, event, COUNT_EMUL_OTHER);
    r->rip = word[0];
    r->cs = (uint16_t)word[1];
    r->rflags = frame_hw_rflags(word[2]);
    r->rsp = word[3];
    r->ss = segment_fix_selector((uint16_t)word[4]);
    v->exit_iret = 1; /* what cannot be loaded faults there, as it would have here */
    return true;
}

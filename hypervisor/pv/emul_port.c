/* SPDX-License-Identifier: MIT */
/*
 * Port input and output for PV guests. The hardware domain's accesses are real, one access of the same width, except for
 * ports that the hypervisor itself depends on; for all others reads give all ones and writes vanish, so that a kernel
 * that probes finds nothing: but for the speaker's counter, which is zero. PCI configuration cycles are whole (x86/pci.h).
 */
#include "common/compiler.h"
#include "domain/domain.h"
#include "domain/privilege.h"
#include "mm/guest_copy.h"
#include "pv/emul.h"
#include "pv/emul_alu.h"
#include "pv/emul_port.h"
#include "pv/pv.h"
#include "x86/cpu.h"
#include "x86/pci.h"
#include "x86/port.h"

/* Elements of a rep ins or outs between two returns to the guest. */
#define STRING_CHUNK 64u

#define PIT_SPEAKER 0x42u
#define PIT_CONTROL 0x43u

/* The hypervisor's: interrupt controllers, the timer channels that are not the speaker's, both UARTs. */
static const struct {
    uint16_t first, last;
} denied[] = {
    {0x20, 0x21}, {0xa0, 0xa1}, {0x40, 0x41}, {0x2f8, 0x2ff}, {0x3f8, 0x3ff},
};

static bool port_allowed(const struct vcpu *v, uint16_t port, unsigned int nr_bytes)
{
    uint32_t last = port + nr_bytes - 1;
    unsigned int i;

    if (!may_hardware(v->domain) || last > 0xffff) {
        return false;
    }
    for (i = 0; i < ARRAY_SIZE(denied); i++) {
        if (port <= denied[i].last && last >= denied[i].first) {
            return false;
        }
    }
    return true;
}

static bool is_pci_address(uint16_t port, unsigned int nr_bytes)
{
    return port == PCI_PORT_ADDRESS && nr_bytes == 4;
}

static bool is_pci_data(const struct vcpu *v, uint16_t port, unsigned int nr_bytes)
{
    return port >= PCI_PORT_DATA && port + nr_bytes <= PCI_PORT_DATA + 4 && (v->pv.pci_address & PCI_ADDRESS_ENABLE);
}

uint32_t port_read(struct vcpu *v, uint16_t port, unsigned int nr_bytes)
{
    if (!port_allowed(v, port, nr_bytes)) {
        /* Linux takes a counter at 0xff for one that has just begun, and reads it 100,000 times to see it go on. */
        return port == PIT_SPEAKER ? 0 : (uint32_t)emul_cut(~UINT64_C(0), nr_bytes);
    }
    if (is_pci_address(port, nr_bytes)) {
        return v->pv.pci_address;
    }
    return is_pci_data(v, port, nr_bytes) ? pci_cycle_in(v->pv.pci_address, port, nr_bytes) : port_in(port, nr_bytes);
}

void port_write(struct vcpu *v, uint16_t port, unsigned int nr_bytes, uint32_t value)
{
    if (port == XENOLITH_MARK_PORT && nr_bytes == 4) {
        vcpu_mark(v, value);
        return;
    }
    if (!port_allowed(v, port, nr_bytes)) {
        return;
    }
    if (is_pci_address(port, nr_bytes)) {
        v->pv.pci_address = value;
        return;
    }
    if (port == PIT_CONTROL && (value & 0xc0) != 0x80) {
        return; /* only channel 2, the speaker's, is the hardware domain's */
    }
    if (is_pci_data(v, port, nr_bytes)) {
        pci_cycle_out(v->pv.pci_address, port, nr_bytes, value);
    } else {
        port_out(port, nr_bytes, value);
    }
}

uint64_t port_once(struct vcpu *v, uint16_t port, unsigned int nr_bytes, bool out, uint64_t rax)
{
    if (out) {
        port_write(v, port, nr_bytes, (uint32_t)emul_cut(rax, nr_bytes));
        return rax;
    }
    return (nr_bytes == 4 ? 0 : rax - emul_cut(rax, nr_bytes)) | port_read(v, port, nr_bytes);
}

/* One element of ins or outs; false: its memory cannot be reached, and the device has not been touched. */
static bool string_once(struct emul *e, uint16_t port)
{
    unsigned int nr = e->insn.op_bytes;
    gva_t at = gva_make(emul_operand_address(e));
    uint32_t value = 0;

    if (e->insn.op == EMUL_OP_OUTS) {
        if (guest_read(&value, at, nr)) {
            return false;
        }
        port_write(e->v, port, nr, value);
        emul_string_advance(e, EMUL_GPR_RSI);
        return true;
    }
    /* What a device gives away is gone: see that there is a place for it first. */
    if (guest_write(at, &value, nr)) {
        return false;
    }
    value = port_read(e->v, port, nr);
    if (guest_write(at, &value, nr)) {
        return false;
    }
    emul_string_advance(e, EMUL_GPR_RDI);
    return true;
}

static enum emul_status port_string(struct emul *e, uint16_t port)
{
    bool rep = e->insn.rep != EMUL_REP_NONE;
    unsigned int i;

    if (e->mode != EMUL_MODE_64) {
        return EMUL_NOT_OURS;
    }
    for (i = 0; i < (rep ? STRING_CHUNK : 1); i++) {
        if (rep && emul_cut(e->gpr[EMUL_GPR_RCX], e->insn.addr_bytes) == 0) {
            return EMUL_DONE;
        }
        if (!string_once(e, port)) {
            /* What was done before counts: the guest executes it again from the element that faults. */
            return i > 0 ? EMUL_AGAIN
                         : emul_operand_fault(e->v, gva_make(emul_operand_address(e)), e->insn.op_bytes,
                                              e->insn.op == EMUL_OP_INS);
        }
        if (rep) {
            emul_address_add(e, EMUL_GPR_RCX, -1);
        }
    }
    return rep ? EMUL_AGAIN : EMUL_DONE;
}

/* The kernel lets user mode use the ports whose bits it has cleared. They stand in its own memory, out of user mode's reach. */
static bool bitmap_allows(struct vcpu *v, uint16_t port, unsigned int nr_bytes)
{
    uint16_t bits = 0xffff;
    int rc;

    if (v->guest_kernel || port + nr_bytes > v->pv.iobitmap_ports) {
        return false;
    }
    pv_toggle_mode(v);
    rc = guest_read(&bits, gva_add(v->pv.iobitmap, port / 8), port % 8 + nr_bytes > 8 ? 2 : 1);
    pv_toggle_mode(v);
    return rc == 0 && !(bits >> port % 8 & ((1u << nr_bytes) - 1));
}

enum emul_status emul_port(struct emul *e)
{
    struct vcpu *v = e->v;
    uint16_t port = e->insn.src == EMUL_SRC_IMM ? (uint16_t)e->insn.imm : (uint16_t)e->gpr[EMUL_GPR_RDX];
    bool architectural = v->domain->vm_assist & (1ul << VMASST_TYPE_architectural_iopl);

    /* The guest kernel counts as ring 1, or as ring 0 where it asked for the architecture's own rules. */
    if (v->pv.iopl < (v->guest_kernel ? (architectural ? 0 : 1) : 3) && !bitmap_allows(v, port, e->insn.op_bytes)) {
        return EMUL_NOT_OURS;
    }
    emul_count(e, COUNT_EMUL_PORT);
    if (e->insn.op == EMUL_OP_INS || e->insn.op == EMUL_OP_OUTS) {
        return port_string(e, port);
    }
    e->gpr[EMUL_GPR_RAX] = port_once(v, port, e->insn.op_bytes, e->insn.op == EMUL_OP_OUT, e->gpr[EMUL_GPR_RAX]);
    return EMUL_DONE;
}

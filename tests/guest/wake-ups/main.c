/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * AS: native
 * NATIVE: yes
 * An idle kernel's `sti; hlt`: an interrupt that comes in between is taken behind the HLT and ends it, for STI holds interrupts off until
 * the next instruction has been executed. A hypervisor that was interrupted itself at that moment took that instruction for executed: the
 * guest handled its last wake-up and then slept for ever. Here a timer expires around that moment, again and again.
 */
#include "framework/test.h"
#include "libpvk/native/descriptors.h"
#include "pvk/machine.h"
#include "pvk/memory.h"

#define APIC_PADDR      0xfee00000ul
#define REG_LVT_TIMER   0x320u
#define REG_TIMER_START 0x380u
#define REG_TIMER_NOW   0x390u
#define VECTOR          0x50u
#define KERNEL_CS       0x08ul
#define GATE_INTERRUPT  0x8e00ul
#define TICKS           30000u
#define NEAR            8000u /* the timer's time is almost over */
#define SPINS           2000u /* and is over */
#define ROUNDS          400u

/* What the handler needs and says; the second word counts wake-ups that came before the HLT. */
extern volatile uint8_t *wake_apic;
extern volatile uint64_t wake_nr[2];
volatile uint8_t *wake_apic;
volatile uint64_t wake_nr[2];

/* One that has come before the HLT goes on behind it all the same: the test is to end. */
__asm__(".text\n"
        "wake_handler:\n"
        "    push %rax\n"
        "    lea wake_halt(%rip), %rax\n"
        "    cmp %rax, 8(%rsp)\n"
        "    jne 1f\n"
        "    incq wake_nr + 8(%rip)\n"
        "    lea wake_behind(%rip), %rax\n"
        "    mov %rax, 8(%rsp)\n"
        "1:  incq wake_nr(%rip)\n"
        "    mov wake_apic(%rip), %rax\n"
        "    movl $0, 0xb0(%rax)\n" /* end of interrupt */
        "    pop %rax\n"
        "    iretq\n"
        "wake_sleep:\n"
        "    sti\n"
        "wake_halt:\n"
        "    hlt\n"
        "wake_behind:\n"
        "    cli\n"
        "    ret\n");
void wake_handler(void);
void wake_sleep(void);

static void write_reg(unsigned reg, uint32_t value)
{
    *(volatile uint32_t *)(wake_apic + reg) = value;
}

static void gate_set(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) idt;
    uint64_t at = (uintptr_t)wake_handler;
    volatile uint64_t *gate;

    __asm__ volatile("sidt %0" : "=m"(idt));
    gate = (volatile uint64_t *)idt.base + 2ul * VECTOR;
    gate[1] = at >> 32;
    gate[0] = (at & 0xffff) | KERNEL_CS << 16 | GATE_INTERRUPT << 32 | (at >> 16 & 0xffff) << 48;
}

void test_main(void)
{
    void *apic = window_alloc(1);
    irq_state was;

    if (apic == NULL || map_page(apic, pfn_make(APIC_PADDR >> PAGE_SHIFT), MAP_R | MAP_W) != 0) {
        test_error("no memory to map devices");
    }
    wake_apic = apic;
    was = irq_save();
    gate_set();
    write_reg(REG_LVT_TIMER, VECTOR);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        write_reg(REG_TIMER_START, TICKS);
        while (*(volatile uint32_t *)(wake_apic + REG_TIMER_NOW) > NEAR) {
        }
        for (volatile uint32_t spins = (uint32_t)i * 7 % SPINS; spins > 0; spins--) {
        }
        while (wake_nr[0] == i) {
            wake_sleep(); /* others may wake it too */
        }
    }
    write_reg(REG_LVT_TIMER, VECTOR_TIMER);
    write_reg(REG_TIMER_START, 1);
    irq_restore(was);
    test_check(wake_nr[1] == 0, "no wake-up comes between sti and hlt");
    if (wake_nr[1] != 0) {
        test_note("%llu did", (unsigned long long)wake_nr[1]);
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * The text screen that the firmware left, for the control domain's kernel: whether there is one, its size, its cursor. Read
 * from the VGA's registers (those of the IBM VGA; a machine without one answers with ones).
 */
#include <xen/physdev.h>

#include "bootdom.h"
#include "pvk/pv/hypercall.h"

#define MISC_OUTPUT    0x3cc
#define GRAPHICS_INDEX 0x3ce
#define CRTC_INDEX     0x3d4 /* of a colour adapter */
#define NOBODY         0xffu /* what a port without a device answers */
#define COLOUR_AND_RAM 0x3u  /* miscellaneous output: CRTC at 0x3d4, memory enabled */

static uint8_t in8(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

/* Register `n` of those behind an index port; the index is put back, for it is somebody's. */
static uint8_t indexed(uint16_t port, uint8_t n)
{
    uint8_t was = in8(port);
    uint8_t value;

    __asm__ volatile("outb %0, %1" : : "a"(n), "Nd"(port));
    value = in8((uint16_t)(port + 1));
    __asm__ volatile("outb %0, %1" : : "a"(was), "Nd"(port));
    return value;
}

bool screen_text(struct dom0_vga_console_info *info)
{
    struct physdev_set_iopl iopl = {.iopl = 1};
    uint16_t columns, font, lines, cursor;
    uint8_t misc, graphics, high;

    if (hc_physdev_op(PHYSDEVOP_set_iopl, &iopl)) {
        return false;
    }
    misc = in8(MISC_OUTPUT);
    graphics = indexed(GRAPHICS_INDEX, 6);
    high = indexed(CRTC_INDEX, 7);
    columns = (uint16_t)(indexed(CRTC_INDEX, 1) + 1);
    font = (uint16_t)((indexed(CRTC_INDEX, 9) & 31u) + 1);
    lines = (uint16_t)((indexed(CRTC_INDEX, 0x12) | (high & 2u) << 7 | (high & 0x40u) << 3) + 1);
    cursor = (uint16_t)(indexed(CRTC_INDEX, 0xe) << 8 | indexed(CRTC_INDEX, 0xf));
    /* Text, not graphics, and the memory at 0xb8000 where colour adapters have it. */
    if (misc == NOBODY || (misc & COLOUR_AND_RAM) != COLOUR_AND_RAM || (graphics & 0xdu) != 0xcu ||
        lines < font) {
        return false;
    }
    *info = (struct dom0_vga_console_info){
        .video_type = XEN_VGATYPE_TEXT_MODE_3,
        .u.text_mode_3 = {.font_height = font,
                          .cursor_x = (uint16_t)(cursor % columns),
                          .cursor_y = (uint16_t)(cursor / columns),
                          .rows = (uint16_t)(lines / font),
                          .columns = columns},
    };
    return true;
}

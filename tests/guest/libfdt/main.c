/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * NATIVE: yes
 * Code that was compiled for a hosted C library, with the stack protector and fortified headers, links and runs: Debian's
 * libfdt builds a device tree and reads it back. No hypervisor is involved but for FS, whose base must hold the canary.
 */
#include <libfdt.h>
#include <string.h>

#include "framework/test.h"

static uint64_t canary(void)
{
    uint64_t value;

    __asm__("mov %%fs:0x28, %0" : "=r"(value));
    return value;
}

void test_main(void)
{
    static char tree[4096];
    const char *text;
    int node;
    int len;

    test_check(canary() != 0, "the stack protector has a canary");
    test_note("create: %d", fdt_create_empty_tree(tree, sizeof(tree)));
    node = fdt_add_subnode(tree, 0, "chosen");
    test_check(node > 0, "add a node");
    test_note("set a string: %d", fdt_setprop_string(tree, node, "bootargs", "console=hvc0"));
    test_note("set a number: %d", fdt_setprop_u64(tree, node, "memory", 0x123456789abcul));
    test_note("pack: %d", fdt_pack(tree));
    test_note("check: %d", fdt_check_full(tree, fdt_totalsize(tree)));
    node = fdt_path_offset(tree, "/chosen");
    text = fdt_getprop(tree, node, "bootargs", &len);
    test_check(text != NULL && len == 13 && strcmp(text, "console=hvc0") == 0,
               "read the string back");
    test_note("a node that is not there: %s", fdt_strerror(fdt_path_offset(tree, "/none")));
    tree[40] ^= 0x55;
    tree[9] ^= 0x55;
    test_note("a damaged tree: %s", fdt_strerror(fdt_check_full(tree, sizeof(tree))));
}

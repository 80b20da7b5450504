/* SPDX-License-Identifier: MIT */
/*
 * xeno kernel-cache: unpack kernels before a domain needs them, so that the first create with each costs what all later ones do.
 * Invariant: what is kept is what create would have kept. It needs no hypervisor: kernels are installed on machines that run none yet.
 */
#include "libxeno/linux/files.h"
#include "xeno/linux/place.h"

int cmd_kernel_cache(struct cli *c, int argc, char **argv)
{
    bool forget = cli_flag(&argc, argv, "--forget");
    int status = argc < 2 || argv[1][0] == '-' ? cli_usage(c, "kernel-cache") : 0;
    char said[160];

    for (int i = 1; status != 2 && i < argc; i++) {
        if ((forget ? linux_kernel_forget : linux_kernel_keep)(argv[i], said, sizeof(said))) {
            status = cli_error(c, "kernel-cache", "%s: %s", argv[i], said);
        } else {
            cli_print(c, "%s %s\n", argv[i], said);
        }
    }
    return status;
}

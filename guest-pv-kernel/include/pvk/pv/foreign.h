/* SPDX-License-Identifier: MIT */
/*
 * Frames of other domains in our address space, for domains that control others.
 */
#ifndef PVK_PV_FOREIGN_H
#define PVK_PV_FOREIGN_H

#include <stddef.h>
#include <stdint.h>

/*
 * Map count frames of a domain side by side (rights: MAP_R, MAP_W). The address, or NULL if window space or memory is short
 * or if a frame was refused. errors (may be NULL) gets 0 or -errno a frame; with it, refused frames are holes in the range
 * and the address is NULL only if all were refused.
 */
void *map_foreign(unsigned domid, const uint64_t *mfns, size_t count, unsigned rights, int *errors);

/* One frame that the hypervisor keeps for a domain, by the number that XENMEM_acquire_resource gave; NULL. */
void *map_resource(unsigned domid, uint64_t mfn);

/* Undo it. */
void unmap_foreign(void *va, size_t count);

#endif

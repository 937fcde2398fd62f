/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIB_VFS_SIM_H
#define LIB_VFS_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vfs.h"

/* vfs_sim.h - files in memory that behave as a disk does when the power fails.
 *
 * What was written and not synced may be lost, whole or in sectors of 512 bytes, and so may names
 * (the latest first); what was synced stays. A crash is a call that changes something and never
 * returns: from then on every call fails, until vfs_sim_restart() shows what is left, by a seed.
 * Thread-safe. */

#define VFS_SIM_FILES_MAX 512

struct vfs_sim;

struct vfs_sim *vfs_sim_new(void);
void vfs_sim_free(struct vfs_sim *sim);
struct vfs *vfs_sim_vfs(struct vfs_sim *sim);

/* Calls that change something (pwrite, sync, truncate, rename, remove, sync_directory, making a
 * file), counted from 1. */
uint64_t vfs_sim_changes(struct vfs_sim *sim);

/* The nth such call from now crashes (0: none). */
void vfs_sim_crash_at(struct vfs_sim *sim, uint64_t nth);
/* The nth such call from now is the process' last: what it writes reaches the page cache, whole, and
 * nothing is synced. vfs_sim_continue() goes on on the same running machine. */
void vfs_sim_kill_at(struct vfs_sim *sim, uint64_t nth);
void vfs_sim_continue(struct vfs_sim *sim);
bool vfs_sim_has_crashed(struct vfs_sim *sim);
/* Crashes now if it has not, then goes on with what survives. Open files must have been closed. */
void vfs_sim_restart(struct vfs_sim *sim, uint64_t seed);

/* The nth such call from now fails with `status`, having done half of it (0: none). */
void vfs_sim_fail_at(struct vfs_sim *sim, uint64_t nth, enum status status);

/* Files may grow to so many bytes together; beyond it ERR_FULL. 0: no limit. */
void vfs_sim_set_capacity(struct vfs_sim *sim, uint64_t bytes);

/* The bytes of a file, to look at and to damage; NULL when there is none. */
uint8_t *vfs_sim_file(struct vfs_sim *sim, const char *path, uint64_t *ret_size);
/* Makes or replaces a file, synced. */
void vfs_sim_put(struct vfs_sim *sim, const char *path, const void *data, uint64_t size);
void vfs_sim_remove(struct vfs_sim *sim, const char *path);

#endif

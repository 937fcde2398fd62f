/* SPDX-License-Identifier: Apache-2.0 */
/* other_types.c - exports the interface of an aggregate by its right name, with numbers where the contract has results.
 * A host that goes by names reads these numbers as pointers. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

void *cabi_realloc(void *block, size_t old_size, size_t align, size_t size);
uint64_t handle(void *state, size_t state_size, void *id, size_t id_size, void *type,
		size_t type_size, void *key, size_t key_size, uint64_t time, void *data,
		size_t data_size, void *metadata, size_t metadata_size);
uint64_t apply(void *state, size_t state_size, void *events, size_t event_count);

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *block, size_t old_size,
								size_t align, size_t size)
{
	(void)old_size, (void)align;
	return realloc(block, size);
}

__attribute__((export_name("concordance:app/aggregate@0.1.0#handle"))) uint64_t
handle(void *state, size_t state_size, void *id, size_t id_size, void *type, size_t type_size,
       void *key, size_t key_size, uint64_t time, void *data, size_t data_size, void *metadata,
       size_t metadata_size)
{
	(void)state, (void)state_size, (void)id, (void)id_size, (void)type, (void)type_size;
	(void)key, (void)key_size, (void)time, (void)data, (void)data_size, (void)metadata;
	(void)metadata_size;
	return 0x4141414141414141;
}

__attribute__((export_name("concordance:app/aggregate@0.1.0#apply"))) uint64_t
apply(void *state, size_t state_size, void *events, size_t event_count)
{
	(void)state, (void)state_size, (void)events, (void)event_count;
	return 0x4242424242424242;
}

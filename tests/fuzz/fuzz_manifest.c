/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_manifest.c - no text makes the manifest's reader fail in another way than by telling a mistake.
 *
 * Checked: a status that manifest_parse() may answer; problems exactly when it answers ERR_INVALID,
 * in the order of the file, each one line of valid UTF-8; and a manifest that is accepted keeps its
 * promises about names, paths and ranges. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/utf8.h"
#include "manifest/manifest.h"
#include "model/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void problems_check(const struct manifest_problems *problems)
{
	for (size_t i = 0; i < problems->count; i++) {
		const struct manifest_problem *p = &problems->items[i];

		CHECK(p->message.size != 0);
		CHECK(p->message.data[p->message.size] == '\0');
		CHECK(utf8_is_valid(p->message));
		CHECK(memchr(p->message.data, '\n', p->message.size) == NULL);
		CHECK(i == 0 || problems->items[i - 1].line <= p->line);
	}
}

static void interests_check(const struct manifest_interests *interests)
{
	for (size_t i = 0; i < interests->count; i++) {
		CHECK(name_check_type(interests->items[i].type, NULL) == OK);
		CHECK(interests->items[i].category.data == NULL ||
		      name_check_category(interests->items[i].category, NULL) == OK);
	}
}

static void manifest_check(const struct manifest *manifest)
{
	CHECK(name_check_component(manifest->application, NULL) == OK);
	CHECK(manifest->component_count > 0);
	CHECK(manifest->component_count <= MANIFEST_COMPONENTS_MAX);
	for (size_t i = 0; i < manifest->component_count; i++) {
		const struct manifest_component *c = &manifest->components[i];

		CHECK(name_check_component(c->name, NULL) == OK);
		CHECK(strlen(c->path.data) == c->path.size && c->path.size >= c->file.size);
		CHECK(c->limits.memory_bytes >= 1 << 20);
		CHECK(c->limits.call_ms >= 1 && c->limits.call_ms <= 600000);
		CHECK(c->retry.tries >= 1 && c->retry.max_ms >= c->retry.initial_ms);
		CHECK((c->role == MANIFEST_AGGREGATE) == (c->interest.count == 0));
		interests_check(&c->interest);
		CHECK(c->role != MANIFEST_PROCESS_MANAGER || c->start.count > 0);
		CHECK(c->interest.count >= c->start.count + c->advance.count + c->stop.count);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OWNED(arena) struct arena *arena = arena_new((size_t)32 << 20);
	struct manifest_problems problems = { 0 };
	struct manifest *manifest = NULL;
	struct error err = { 0 };
	enum status s;

	if (arena == NULL)
		return 0;
	s = manifest_parse(span_of(data, size), "app/concordance.yaml", arena, &manifest, &problems,
			   &err);
	CHECK(s == OK || s == ERR_INVALID);
	CHECK((s == OK) == (manifest != NULL));
	CHECK((s == ERR_INVALID) == (problems.count != 0));
	problems_check(&problems);
	if (manifest != NULL)
		manifest_check(manifest);
	return 0;
}

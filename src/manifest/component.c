/* SPDX-License-Identifier: Apache-2.0 */
/* component.c - one entry of `components`: what its role needs, may have and may not have. */
#include "manifest/internal.h"

#include "base/check.h"
#include "model/name.h"

#define KEY_PATH_MAX_BYTES 256

enum {
	AGGREGATE = 1 << MANIFEST_AGGREGATE,
	PROCESS_MANAGER = 1 << MANIFEST_PROCESS_MANAGER,
	PROJECTOR = 1 << MANIFEST_PROJECTOR,
	NOTIFIER = 1 << MANIFEST_NOTIFIER,
	GATEWAY = 1 << MANIFEST_GATEWAY,
	HANDLERS = NOTIFIER | GATEWAY,
	ALL = AGGREGATE | PROCESS_MANAGER | PROJECTOR | HANDLERS,
};

enum member {
	ROLE,
	NAME,
	COMPONENT,
	INTEREST,
	KEY,
	CAPABILITIES,
	RETRY,
	TIMEOUT_MS,
	INSTANCES,
	LIMITS,
	FROM,
	ON_CHANGE,
	ON_FAILURE,
	MEMBER_COUNT
};

static const struct {
	const char *name;
	unsigned roles;    /* that may have it */
	unsigned required; /* roles that must */
	const char *why;   /* other roles may not */
} table[MEMBER_COUNT] = {
	[ROLE] = { "role", ALL, ALL, "" },
	[NAME] = { "name", ALL, ALL, "" },
	[COMPONENT] = { "component", ALL, ALL, "" },
	[INTEREST] = { "interest", ALL & ~AGGREGATE, ALL & ~AGGREGATE,
		       "it gets commands, not events" },
	[KEY] = { "key", PROCESS_MANAGER, 0, "only process managers find their instance by it" },
	[CAPABILITIES] = { "capabilities", ALL, 0, "" },
	[RETRY] = { "retry", ALL & ~AGGREGATE, 0,
		    "its calls are repeated by whoever sends the command" },
	[TIMEOUT_MS] = { "timeout_ms", HANDLERS, 0,
			 "it waits for nothing; its computing time is 'limits: call_ms'" },
	[INSTANCES] = { "instances", ALL, 0, "" },
	[LIMITS] = { "limits", ALL, 0, "" },
	[FROM] = { "from", PROCESS_MANAGER | HANDLERS, 0, "it always sees all events" },
	[ON_CHANGE] = { "on_change", PROJECTOR, 0, "only projectors are rebuilt" },
	[ON_FAILURE] = { "on_failure", PROCESS_MANAGER, 0, "only process managers send and wait" },
};

static const char *const role_words[] = { "aggregate", "process_manager", "projector", "notifier",
					  "gateway" };

const char *manifest_role_word(enum manifest_role role)
{
	CHECK((size_t)role < ARRAY_COUNT(role_words));
	return role_words[role];
}

/* ---- limits, retry ---------------------------------------------------------------------------- */

void limits_read(struct reader *reader, const struct yaml_node *node,
		 struct manifest_limits *limits)
{
	const struct {
		const char *name;
		uint64_t min, max, unit;
		uint64_t *value;
	} fields[] = {
		{ "memory_mib", 1, 4096, UINT64_C(1) << 20, &limits->memory_bytes },
		{ "call_ms", 1, 600000, 1, &limits->call_ms },
		{ "output_kib", 1, 65536, 1024, &limits->output_bytes },
		{ "log_lines", 0, 100000, 1, &limits->log_lines },
		{ "log_line_bytes", 64, 65536, 1, &limits->log_line_bytes },
	};
	struct reader_member members[ARRAY_COUNT(fields)];

	for (size_t i = 0; i < ARRAY_COUNT(fields); i++)
		members[i] = (struct reader_member){ .name = fields[i].name };
	if (!reader_members(reader, node, "'limits'", members, ARRAY_COUNT(members)))
		return;
	for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
		uint64_t value;

		if (members[i].node != NULL && reader_u64(reader, members[i].node, fields[i].name,
							  fields[i].min, fields[i].max, &value))
			*fields[i].value = value * fields[i].unit;
	}
}

static void retry_read(struct reader *reader, const struct yaml_node *node,
		       struct manifest_retry *retry)
{
	enum { TRIES, INITIAL_MS, MAX_MS };
	struct reader_member members[] = { { .name = "tries" },
					   { .name = "initial_ms" },
					   { .name = "max_ms" } };
	bool good = true;

	if (!reader_members(reader, node, "'retry'", members, ARRAY_COUNT(members)))
		return;
	if (members[TRIES].node != NULL)
		good &= reader_u64(reader, members[TRIES].node, "tries", 1, 1000, &retry->tries);
	if (members[INITIAL_MS].node != NULL)
		good &= reader_u64(reader, members[INITIAL_MS].node, "initial_ms", 1, 86400000,
				   &retry->initial_ms);
	if (members[MAX_MS].node != NULL)
		good &= reader_u64(reader, members[MAX_MS].node, "max_ms", 1, 86400000,
				   &retry->max_ms);
	if (good && retry->max_ms < retry->initial_ms) {
		const struct yaml_node *at = members[MAX_MS].node != NULL
						     ? members[MAX_MS].node
						     : members[INITIAL_MS].node;

		reader_problem(
			reader, at, "'max_ms' (%llu) must not be less than 'initial_ms' (%llu)",
			(unsigned long long)retry->max_ms, (unsigned long long)retry->initial_ms);
	}
}

/* ---- interest --------------------------------------------------------------------------------- */

/* Notes types that would be matched twice. */
static void overlaps_check(struct reader *reader, const struct manifest_interests *interests,
			   const struct yaml_node *const *nodes)
{
	for (size_t i = 1; i < interests->count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (!interest_overlaps(&interests->items[i], &interests->items[j]))
				continue;
			reader_problem(reader, nodes[i],
				       "'%.*s' is covered by '%.*s' in line %u already: keep one",
				       SPAN_ARG(nodes[i]->text), SPAN_ARG(nodes[j]->text),
				       nodes[j]->line);
			break;
		}
	}
}

static void list_interest_read(struct reader *reader, const struct yaml_node *node,
			       struct manifest_component *ret, struct component_source *source)
{
	if (node->kind == YAML_MAPPING) {
		reader_problem(
			reader, node,
			"'interest' of a %s must be a list of types; start, advance and stop are "
			"for process managers",
			manifest_role_word(ret->role));
		return;
	}
	if (!interest_read(reader, node, "interest", &ret->interest, &source->interest_nodes))
		return;
	if (node->count == 0)
		reader_problem(reader, node,
			       "'interest' is empty: a %s without any never does a thing",
			       manifest_role_word(ret->role));
}

/* start, advance and stop, and all of them one after the other in ret->interest. */
static void process_interest_read(struct reader *reader, const struct yaml_node *node,
				  struct manifest_component *ret, struct component_source *source)
{
	struct reader_member members[] = { { .name = "start", .required = true },
					   { .name = "advance" },
					   { .name = "stop" } };
	struct manifest_interests *parts[] = { &ret->start, &ret->advance, &ret->stop };
	const struct yaml_node *const *part_nodes[ARRAY_COUNT(parts)] = { NULL };
	const struct yaml_node **nodes;
	struct manifest_interest *items;
	size_t count = 0;

	if (node->kind == YAML_SEQUENCE) {
		reader_problem(reader, node,
			       "'interest' of a process_manager says what events do: "
			       "{ start: [...], advance: [...], stop: [...] }");
		return;
	}
	if (!reader_members(reader, node, "'interest'", members, ARRAY_COUNT(members)))
		return;
	for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
		if (members[i].node != NULL)
			(void)interest_read(
				reader, members[i].node, members[i].name, parts[i],
				&part_nodes[i]); /* noted; the parts are still compared */
		count += parts[i]->count;
	}
	if (members[0].node != NULL && members[0].node->kind == YAML_SEQUENCE &&
	    members[0].node->count == 0)
		reader_problem(reader, members[0].node,
			       "'start' is empty: no instance would ever begin");
	items = reader_alloc(reader, count, sizeof(*items));
	nodes = reader_alloc(reader, count, sizeof(const struct yaml_node *));
	if (items == NULL || nodes == NULL)
		return;
	count = 0;
	for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
		CHECK_DEBUG(parts[i]->count == 0 || part_nodes[i] != NULL);
		for (size_t j = 0; j < parts[i]->count; j++) {
			items[count] = parts[i]->items[j];
			nodes[count++] = part_nodes[i][j];
		}
	}
	ret->interest = (struct manifest_interests){ .items = items, .count = count };
	source->interest_nodes = nodes;
}

/* ---- single members --------------------------------------------------------------------------- */

static void key_read(struct reader *reader, const struct yaml_node *node, struct span *ret)
{
	struct span key;

	if (!reader_text(reader, node, "key", &key))
		return;
	if (key.size > KEY_PATH_MAX_BYTES) {
		reader_problem(reader, node, "'key' has %zu bytes; at most %d are taken", key.size,
			       KEY_PATH_MAX_BYTES);
		return;
	}
	/* RFC 6901: `~` stands only in ~0 and ~1. In a member's name it is a character like any. */
	for (size_t i = 0; key.data[0] == '/' && i < key.size; i++) {
		if (key.data[i] == '~' && key.data[i + 1] != '0' && key.data[i + 1] != '1') {
			reader_problem(reader, node,
				       "'%.*s' is no JSON pointer: after '~' stands 0 (for ~) or 1 "
				       "(for /)",
				       SPAN_ARG(key));
			return;
		}
	}
	*ret = key;
}

static void instances_read(struct reader *reader, const struct yaml_node *node,
			   struct manifest_component *ret)
{
	static const char *const words[] = { "fresh", "reused", "unsafe_reused" };
	enum { FRESH, REUSED, UNSAFE_REUSED };
	bool pure = ret->role == MANIFEST_AGGREGATE || ret->role == MANIFEST_PROCESS_MANAGER;
	size_t choice;

	if (!reader_choice(reader, node, "instances", words, ARRAY_COUNT(words), &choice))
		return;
	if (choice == REUSED && pure) {
		reader_problem(
			reader, node,
			"instances of a %s must be fresh: what one call leaves behind would change "
			"the next; if you know that yours keeps nothing, write unsafe_reused",
			manifest_role_word(ret->role));
		return;
	}
	if (choice == UNSAFE_REUSED && !pure) {
		reader_problem(reader, node,
			       "a %s may reuse instances safely: write `instances: reused`",
			       manifest_role_word(ret->role));
		return;
	}
	ret->instances = choice == FRESH ? MANIFEST_FRESH : MANIFEST_REUSED;
}

static void from_read(struct reader *reader, const struct yaml_node *node,
		      struct manifest_component *ret)
{
	static const char *const words[] = { "end", "beginning" };
	size_t choice;

	if (node->kind == YAML_SCALAR && node->text.size != 0 && node->text.data[0] >= '0' &&
	    node->text.data[0] <= '9') {
		if (reader_u64(reader, node, "from", 0, INT64_MAX, &ret->from_position))
			ret->from = MANIFEST_FROM_POSITION;
		return;
	}
	if (node->kind != YAML_SCALAR) {
		reader_problem(reader, node, "'from' must be end, beginning or a position, not %s",
			       yaml_kind_name(node->kind));
		return;
	}
	if (reader_choice(reader, node, "from", words, ARRAY_COUNT(words), &choice))
		ret->from = choice == 0 ? MANIFEST_FROM_END : MANIFEST_FROM_BEGINNING;
}

/* One of two words; true for the second. */
static void flag_read(struct reader *reader, const struct yaml_node *node, const char *what,
		      const char *off, const char *on, bool *ret)
{
	const char *const words[] = { off, on };
	size_t choice;

	if (reader_choice(reader, node, what, words, ARRAY_COUNT(words), &choice))
		*ret = choice == 1;
}

/* ---- the entry --------------------------------------------------------------------------------- */

static bool role_read(struct reader *reader, const struct yaml_node *node, enum manifest_role *ret)
{
	size_t choice;

	if (node == NULL ||
	    !reader_choice(reader, node, "role", role_words, ARRAY_COUNT(role_words), &choice))
		return false;
	*ret = (enum manifest_role)choice;
	return true;
}

/* Which members the role may have; those that it may not are noted and dropped. */
static void members_check_role(struct reader *reader, const struct yaml_node *entry,
			       enum manifest_role role, struct reader_member *members)
{
	for (size_t i = 0; i < MEMBER_COUNT; i++) {
		if (members[i].node == NULL) {
			/* Members that all roles must have are noted as missing already, and
			 * one that is there without a value, too. */
			if ((table[i].required & 1U << role) != 0 && table[i].required != ALL &&
			    yaml_find(entry, table[i].name) == NULL)
				reader_problem(reader, entry, "role %s needs '%s'",
					       manifest_role_word(role), table[i].name);
			continue;
		}
		if ((table[i].roles & 1U << role) == 0) {
			reader_problem(reader, members[i].node->key, "role %s has no '%s': %s",
				       manifest_role_word(role), table[i].name, table[i].why);
			members[i].node = NULL;
		}
	}
}

static void common_read(struct reader *reader, const struct reader_member *members,
			struct manifest_component *ret, struct component_source *source)
{
	const struct yaml_node *node = members[NAME].node;
	struct error err = { 0 };
	struct span text;

	if (node != NULL && reader_text(reader, node, "name", &text)) {
		if (name_check_component(text, &err) == OK) {
			ret->name = text;
			source->name = node;
		} else {
			reader_problem(reader, node, "%s", error_text(&err));
		}
	}
	node = members[COMPONENT].node;
	if (node != NULL && reader_text(reader, node, "component", &text)) {
		ret->file = text;
		ret->line = node->line;
		ret->column = node->column;
		(void)reader_resolve(reader, text, &ret->path); /* only memory can be out: kept */
	}
	if (members[LIMITS].node != NULL)
		limits_read(reader, members[LIMITS].node, &ret->limits);
}

void component_read(struct reader *reader, const struct yaml_node *node,
		    const struct manifest_limits *defaults, struct manifest_component *ret,
		    struct component_source *source)
{
	struct reader_member members[MEMBER_COUNT];

	for (size_t i = 0; i < MEMBER_COUNT; i++)
		members[i] = (struct reader_member){ .name = table[i].name,
						     .required = table[i].required == ALL };
	*ret = (struct manifest_component){
		.limits = *defaults,
		.retry = { .tries = 8, .initial_ms = 200, .max_ms = 60000 },
		.timeout_ms = 30000
	};
	*source = (struct component_source){ .entry = node };
	if (!reader_members(reader, node, "a component", members, MEMBER_COUNT))
		return;
	common_read(reader, members, ret, source);
	/* Without a role, nobody knows what the rest must be. */
	if (!role_read(reader, members[ROLE].node, &ret->role))
		return;
	members_check_role(reader, node, ret->role, members);

	if (members[INTEREST].node != NULL) {
		if (ret->role == MANIFEST_PROCESS_MANAGER)
			process_interest_read(reader, members[INTEREST].node, ret, source);
		else
			list_interest_read(reader, members[INTEREST].node, ret, source);
		overlaps_check(reader, &ret->interest, source->interest_nodes);
	}
	if (members[KEY].node != NULL)
		key_read(reader, members[KEY].node, &ret->key);
	if (members[CAPABILITIES].node != NULL) {
		capabilities_read(reader, members[CAPABILITIES].node, ret->role,
				  &ret->capabilities);
		source->commands = yaml_find(members[CAPABILITIES].node, "commands");
		source->events = yaml_find(members[CAPABILITIES].node, "events");
	}
	if (members[RETRY].node != NULL)
		retry_read(reader, members[RETRY].node, &ret->retry);
	if (members[TIMEOUT_MS].node != NULL)
		(void)reader_u64(reader, members[TIMEOUT_MS].node, "timeout_ms", 1, 86400000,
				 &ret->timeout_ms); /* noted; the default stays */
	if (members[INSTANCES].node != NULL)
		instances_read(reader, members[INSTANCES].node, ret);
	if (members[FROM].node != NULL)
		from_read(reader, members[FROM].node, ret);
	if (members[ON_CHANGE].node != NULL)
		flag_read(reader, members[ON_CHANGE].node, "on_change", "rebuild", "continue",
			  &ret->continue_on_change);
	if (members[ON_FAILURE].node != NULL)
		flag_read(reader, members[ON_FAILURE].node, "on_failure", "park", "fail",
			  &ret->fail_on_failure);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_map.c - finding things by bytes, through a member of the thing. */
#include "base/map.h"

#include <stdio.h>

#include "base/attributes.h"
#include "expect.h"

#define MANY 5000u

struct thing {
	char key[16];
	unsigned visits;
	struct map_node node;
};

static struct thing things[MANY];

static void fill(struct map *map, unsigned count)
{
	map_init(map);
	for (unsigned i = 0; i < count; i++) {
		(void)snprintf(things[i].key, sizeof(things[i].key), "key-%u", i);
		things[i].visits = 0;
		expect_status(OK, map_add(map, span_from_string(things[i].key), &things[i].node));
	}
}

static void an_empty_map_finds_nothing(void **state)
{
	struct map map;

	(void)state;
	map_init(&map);
	assert_null(map_find(&map, SPAN("a")));
	assert_null(map_find_hashed(&map, SPAN("a"), map_hash(&map, SPAN("a"))));
	assert_null(map_next(&map, NULL));
	map_fini(&map);
}

static void what_was_added_is_found_also_after_growing(void **state)
{
	struct map map;

	(void)state;
	fill(&map, MANY);
	assert_int_equal(map.count, MANY);
	assert_true(map.bucket_count >= MANY / 2);
	assert_int_equal(map.bucket_count & (map.bucket_count - 1), 0);
	for (unsigned i = 0; i < MANY; i++) {
		struct span key = span_from_string(things[i].key);

		assert_ptr_equal(map_find(&map, key), &things[i].node);
		assert_ptr_equal(map_find_hashed(&map, key, map_hash(&map, key)), &things[i].node);
	}
	assert_null(map_find(&map, SPAN("key-")));
	assert_null(map_find(&map, SPAN("key-5000")));
	assert_null(map_find(&map, SPAN_EMPTY));
	map_fini(&map);
}

static void keys_are_bytes_of_any_kind_and_length(void **state)
{
	static const struct span keys[] = {
		{ NULL, 0 },
		{ "\0", 1 },
		{ "\0\0", 2 },
		{ "\0\0\0\0\0\0\0\0", 8 },
		{ "\0\0\0\0\0\0\0\0\0", 9 },
		{ "a", 1 },
		{ "a\0", 2 },
		{ "12345678", 8 },
		{ "123456781234567", 15 },
		{ "1234567812345678", 16 },
	};
	struct map_node nodes[ARRAY_COUNT(keys)];
	struct map map;

	(void)state;
	map_init(&map);
	for (size_t i = 0; i < ARRAY_COUNT(keys); i++)
		expect_status(OK, map_add(&map, keys[i], &nodes[i]));
	for (size_t i = 0; i < ARRAY_COUNT(keys); i++)
		assert_ptr_equal(map_find(&map, keys[i]), &nodes[i]);
	map_fini(&map);
}

static void the_key_is_borrowed_and_compared_by_its_bytes(void **state)
{
	char key[] = "stream";
	struct map_node node;
	struct map map;

	(void)state;
	map_init(&map);
	expect_status(OK, map_add(&map, span_from_string(key), &node));
	assert_ptr_equal(node.key.data, key);
	assert_ptr_equal(map_find(&map, SPAN("stream")), &node); /* at another address */
	map_fini(&map);
}

static void equal_hashes_do_not_make_equal_keys(void **state)
{
	struct map_node a, b;
	struct map map;

	(void)state;
	map_init(&map);
	expect_status(OK, map_add(&map, SPAN("a"), &a));
	expect_status(OK, map_add(&map, SPAN("b"), &b));
	/* As if both had one hash: b moves into the bucket of a. */
	map_remove(&map, &b);
	b.hash = a.hash;
	b.next = a.next;
	a.next = &b;
	map.count++;
	assert_ptr_equal(map_find_hashed(&map, SPAN("a"), a.hash), &a);
	assert_ptr_equal(map_find_hashed(&map, SPAN("b"), a.hash), &b);
	assert_null(map_find_hashed(&map, SPAN("c"), a.hash));
	map_remove(&map, &a);
	assert_null(map_find_hashed(&map, SPAN("a"), a.hash));
	assert_ptr_equal(map_find_hashed(&map, SPAN("b"), b.hash), &b);
	map_fini(&map);
}

static void an_equal_key_needs_the_equal_hash(void **state)
{
	struct map_node node;
	struct map map;

	(void)state;
	map_init(&map);
	expect_status(OK, map_add(&map, SPAN("a"), &node));
	assert_null(map_find_hashed(&map, SPAN("a"), node.hash ^ UINT64_C(1) << 63));
	map_fini(&map);
}

static void what_was_removed_is_gone_and_the_others_stay(void **state)
{
	struct map map;

	(void)state;
	fill(&map, MANY);
	for (unsigned i = 0; i < MANY; i += 2)
		map_remove(&map, &things[i].node);
	assert_int_equal(map.count, MANY / 2);
	for (unsigned i = 0; i < MANY; i++)
		assert_ptr_equal(map_find(&map, span_from_string(things[i].key)),
				 i % 2 == 0 ? NULL : &things[i].node);
	expect_status(OK, map_add(&map, span_from_string(things[0].key), &things[0].node));
	assert_ptr_equal(map_find(&map, span_from_string(things[0].key)), &things[0].node);
	map_fini(&map);
}

static void a_walk_visits_each_node_once(void **state)
{
	static const unsigned counts[] = { 1, 15, 16, 17, 1000, MANY };
	struct map map;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
		size_t visited = 0;

		fill(&map, counts[i]);
		for (struct map_node *node = NULL; (node = map_next(&map, node)) != NULL;) {
			CONTAINER_OF(node, struct thing, node)->visits++;
			visited++;
		}
		assert_int_equal(visited, counts[i]);
		for (unsigned j = 0; j < counts[i]; j++)
			assert_int_equal(things[j].visits, 1);
		map_fini(&map);
	}
}

static void hashes_depend_on_the_seed_and_on_every_byte(void **state)
{
	struct map a, b;
	char key[24] = { 0 };

	(void)state;
	map_init(&a);
	map_init(&b);
	assert_true(a.seed != b.seed);
	assert_true(map_hash(&a, SPAN("stream")) != map_hash(&b, SPAN("stream")));
	for (size_t size = 0; size < sizeof(key); size++) {
		uint64_t plain = map_hash(&a, span_of(key, size));

		assert_true(plain == map_hash(&a, span_of(key, size)));
		assert_true(plain != map_hash(&a, span_of(key, size + 1)));
		for (size_t i = 0; i < size; i++) {
			key[i] = 1;
			assert_true(map_hash(&a, span_of(key, size)) != plain);
			key[i] = 0;
		}
	}
	map_fini(&a);
	map_fini(&b);
}

static void add_twice(void *arg)
{
	struct map *map = arg;
	struct map_node node;

	expect_status(OK, map_add(map, SPAN("key-0"), &node));
}

static void remove_what_is_not_there(void *arg)
{
	struct map *map = arg;

	map_remove(map, &things[1].node);
}

static void breaking_the_contract_ends_the_process(void **state)
{
	struct map map;

	(void)state;
	fill(&map, 2);
#ifndef NDEBUG
	expect_abort(add_twice, &map, "map_find(map, key) == ");
#else
	(void)add_twice;
#endif
	map_remove(&map, &things[1].node);
	expect_abort(remove_what_is_not_there, &map, "*link != ");
	map_remove(&map, &things[0].node);
	expect_abort(remove_what_is_not_there, &map, "map->count != 0");
	map_fini(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_map_finds_nothing),
		cmocka_unit_test(what_was_added_is_found_also_after_growing),
		cmocka_unit_test(keys_are_bytes_of_any_kind_and_length),
		cmocka_unit_test(the_key_is_borrowed_and_compared_by_its_bytes),
		cmocka_unit_test(equal_hashes_do_not_make_equal_keys),
		cmocka_unit_test(an_equal_key_needs_the_equal_hash),
		cmocka_unit_test(what_was_removed_is_gone_and_the_others_stay),
		cmocka_unit_test(a_walk_visits_each_node_once),
		cmocka_unit_test(hashes_depend_on_the_seed_and_on_every_byte),
		cmocka_unit_test(breaking_the_contract_ends_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

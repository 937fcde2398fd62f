/* SPDX-License-Identifier: Apache-2.0 */
/* test_metrics.c - counting, and the text form to the byte. */
#include "base/metrics.h"

#include <string.h>

#include "base/mutex.h"
#include "base/thread.h"
#include "expect.h"

static int set_up(void **state)
{
	struct metrics *metrics = NULL;
	enum status s = metrics_new(&metrics, NULL);

	*state = metrics;
	return s == OK ? 0 : 1;
}

static int tear_down(void **state)
{
	metrics_free(*state);
	return 0;
}

static void expect_render(struct metrics *metrics, const char *expected)
{
	OWNED(buf) struct buf buf = { 0 };

	metrics_render(metrics, &buf);
	expect_status(OK, buf_status(&buf));
	expect_text(buf_span(&buf), expected);
}

static void an_empty_registry_has_no_text(void **state)
{
	expect_render(*state, "");
}

static void counters_only_grow_and_gauges_go_both_ways(void **state)
{
	struct counter *counter = metrics_counter(*state, "c_total", NULL, "Counts.");
	struct gauge *gauge = metrics_gauge(*state, "g", NULL, "Goes up and down.");

	counter_add(counter, 1);
	counter_add(counter, UINT64_MAX - 1);
	gauge_set(gauge, 5);
	gauge_add(gauge, -7);
	expect_render(*state, "# HELP c_total Counts.\n"
			      "# TYPE c_total counter\n"
			      "c_total 18446744073709551615\n"
			      "# HELP g Goes up and down.\n"
			      "# TYPE g gauge\n"
			      "g -2\n");
}

static void a_duration_is_observed_in_nanoseconds_and_told_in_seconds(void **state)
{
	struct histogram *histogram = metrics_duration(*state, "d_seconds", NULL, "Long.");

	histogram_observe(histogram, 0);
	histogram_observe(histogram, 10000); /* bounds are inclusive */
	histogram_observe(histogram, 10001);
	histogram_observe(histogram, 10000000000);
	histogram_observe(histogram, 10000000001);
	expect_render(*state, "# HELP d_seconds Long.\n"
			      "# TYPE d_seconds histogram\n"
			      "d_seconds_bucket{le=\"1e-05\"} 2\n"
			      "d_seconds_bucket{le=\"2e-05\"} 3\n"
			      "d_seconds_bucket{le=\"5e-05\"} 3\n"
			      "d_seconds_bucket{le=\"0.0001\"} 3\n"
			      "d_seconds_bucket{le=\"0.0002\"} 3\n"
			      "d_seconds_bucket{le=\"0.0005\"} 3\n"
			      "d_seconds_bucket{le=\"0.001\"} 3\n"
			      "d_seconds_bucket{le=\"0.002\"} 3\n"
			      "d_seconds_bucket{le=\"0.005\"} 3\n"
			      "d_seconds_bucket{le=\"0.01\"} 3\n"
			      "d_seconds_bucket{le=\"0.02\"} 3\n"
			      "d_seconds_bucket{le=\"0.05\"} 3\n"
			      "d_seconds_bucket{le=\"0.1\"} 3\n"
			      "d_seconds_bucket{le=\"0.2\"} 3\n"
			      "d_seconds_bucket{le=\"0.5\"} 3\n"
			      "d_seconds_bucket{le=\"1\"} 3\n"
			      "d_seconds_bucket{le=\"2\"} 3\n"
			      "d_seconds_bucket{le=\"5\"} 3\n"
			      "d_seconds_bucket{le=\"10\"} 4\n"
			      "d_seconds_bucket{le=\"+Inf\"} 5\n"
			      "d_seconds_sum 20.000020002\n"
			      "d_seconds_count 5\n");
}

static void a_size_is_told_as_observed_and_labels_stand_before_the_bound(void **state)
{
	struct histogram *histogram = metrics_size(*state, "s_bytes", "kind=\"a\"", "Large.");

	histogram_observe(histogram, 1);
	histogram_observe(histogram, 5);
	histogram_observe(histogram, 67108865);
	expect_render(*state, "# HELP s_bytes Large.\n"
			      "# TYPE s_bytes histogram\n"
			      "s_bytes_bucket{kind=\"a\",le=\"1\"} 1\n"
			      "s_bytes_bucket{kind=\"a\",le=\"4\"} 1\n"
			      "s_bytes_bucket{kind=\"a\",le=\"16\"} 2\n"
			      "s_bytes_bucket{kind=\"a\",le=\"64\"} 2\n"
			      "s_bytes_bucket{kind=\"a\",le=\"256\"} 2\n"
			      "s_bytes_bucket{kind=\"a\",le=\"1024\"} 2\n"
			      "s_bytes_bucket{kind=\"a\",le=\"4096\"} 2\n"
			      "s_bytes_bucket{kind=\"a\",le=\"16384\"} 2\n"
			      "s_bytes_bucket{kind=\"a\",le=\"65536\"} 2\n"
			      "s_bytes_bucket{kind=\"a\",le=\"262144\"} 2\n"
			      "s_bytes_bucket{kind=\"a\",le=\"1048576\"} 2\n"
			      "s_bytes_bucket{kind=\"a\",le=\"4194304\"} 2\n"
			      "s_bytes_bucket{kind=\"a\",le=\"16777216\"} 2\n"
			      "s_bytes_bucket{kind=\"a\",le=\"67108864\"} 2\n"
			      "s_bytes_bucket{kind=\"a\",le=\"+Inf\"} 3\n"
			      "s_bytes_sum{kind=\"a\"} 67108871\n"
			      "s_bytes_count{kind=\"a\"} 3\n");
}

static void a_sum_is_exact_however_large(void **state)
{
	struct histogram *histogram = metrics_duration(*state, "d", NULL, "");
	OWNED(buf) struct buf buf = { 0 };

	/* A double has 53 bits. */
	histogram_observe(histogram, UINT64_C(9007199254740993000));
	histogram_observe(histogram, 1);
	metrics_render(*state, &buf);
	buf_append_byte(&buf, '\0');
	assert_non_null(strstr(buf.data, "\nd_sum 9007199254.740993001\n"));
	histogram_observe(histogram, 259006999);
	buf_clear(&buf);
	metrics_render(*state, &buf);
	buf_append_byte(&buf, '\0');
	assert_non_null(strstr(buf.data, "\nd_sum 9007199255\n"));
}

static void label_sets_of_one_name_stand_together_under_one_head(void **state)
{
	counter_add(metrics_counter(*state, "a_total", "o=\"x\"", "A."), 1);
	counter_add(metrics_counter(*state, "b_total", NULL, "B."), 2);
	counter_add(metrics_counter(*state, "a_total", "o=\"y\"", "A again."), 3);
	counter_add(metrics_counter(*state, "a_total", NULL, "A."), 4);
	expect_render(*state, "# HELP a_total A.\n"
			      "# TYPE a_total counter\n"
			      "a_total{o=\"x\"} 1\n"
			      "a_total{o=\"y\"} 3\n"
			      "a_total 4\n"
			      "# HELP b_total B.\n"
			      "# TYPE b_total counter\n"
			      "b_total 2\n");
}

static void equal_names_and_labels_are_one_metric(void **state)
{
	struct counter *counter = metrics_counter(*state, "a_total", "o=\"x\"", "A.");

	assert_non_null(counter);
	assert_ptr_equal(metrics_counter(*state, "a_total", "o=\"x\"", "A."), counter);
	assert_ptr_not_equal(metrics_counter(*state, "a_total", "o=\"y\"", "A."), counter);
	assert_ptr_not_equal(metrics_counter(*state, "a_total", NULL, "A."), counter);
	assert_ptr_equal(metrics_counter(*state, "a_total", "", "A."),
			 metrics_counter(*state, "a_total", NULL, "A."));
	assert_ptr_equal(metrics_duration(*state, "d", NULL, "D."),
			 metrics_duration(*state, "d", NULL, "D."));
}

static void texts_are_copied(void **state)
{
	char name[] = "a_total", labels[] = "o=\"x\"", help[] = "A.";

	assert_non_null(metrics_counter(*state, name, labels, help));
	memset(name, 'z', sizeof(name) - 1);
	memset(labels, 'z', sizeof(labels) - 1);
	memset(help, 'z', sizeof(help) - 1);
	expect_render(*state, "# HELP a_total A.\n# TYPE a_total counter\na_total{o=\"x\"} 0\n");
}

static void help_is_escaped(void **state)
{
	assert_non_null(metrics_gauge(*state, "g", NULL, "one\ntwo \\ \"three\""));
	expect_render(*state, "# HELP g one\\ntwo \\\\ \"three\"\n# TYPE g gauge\ng 0\n");
}

static int64_t read_it(void *arg)
{
	const int64_t *value = arg;

	return *value;
}

/* A lock of the highest rank: the registry's own may not be held. */
static int64_t read_under_a_lock(void *arg)
{
	MUTEX_GUARD(arg);

	return 7;
}

static void a_gauge_that_is_read_has_the_value_of_the_moment(void **state)
{
	int64_t value = 1;

	expect_status(OK, metrics_read_gauge(*state, "g", "of=\"x\"", "G.", read_it, &value));
	expect_render(*state, "# HELP g G.\n# TYPE g gauge\ng{of=\"x\"} 1\n");
	value = INT64_MIN;
	expect_render(*state, "# HELP g G.\n# TYPE g gauge\ng{of=\"x\"} -9223372036854775808\n");
}

static void of_two_readers_of_one_gauge_the_later_is_asked(void **state)
{
	int64_t first = 1, second = 2;

	expect_status(OK, metrics_read_gauge(*state, "g", NULL, "G.", read_it, &first));
	expect_status(OK, metrics_read_gauge(*state, "g", NULL, "G.", read_it, &second));
	expect_render(*state, "# HELP g G.\n# TYPE g gauge\ng 2\n");
}

static void a_reader_may_take_locks_of_any_rank(void **state)
{
	struct mutex mu;

	mutex_init(&mu, RANK_APP);
	expect_status(OK, metrics_read_gauge(*state, "g", NULL, "G.", read_under_a_lock, &mu));
	expect_render(*state, "# HELP g G.\n# TYPE g gauge\ng 7\n");
	mutex_fini(&mu);
}

static void register_another_kind(void *arg)
{
	(void)(metrics_gauge(arg, "a_total", NULL, "A.") == NULL);
}

static void register_another_scale(void *arg)
{
	(void)(metrics_size(arg, "d", NULL, "D.") == NULL);
}

static void one_name_of_two_kinds_ends_the_process(void **state)
{
	assert_non_null(metrics_counter(*state, "a_total", NULL, "A."));
	assert_non_null(metrics_duration(*state, "d", NULL, "D."));
	expect_abort(register_another_kind, *state, "family->kind == r->kind");
	expect_abort(register_another_scale, *state, "bounds == r->scale->bounds");
}

static void rendering_appends(void **state)
{
	OWNED(buf) struct buf buf = { 0 };

	assert_non_null(metrics_gauge(*state, "g", NULL, "G."));
	buf_append_string(&buf, "before\n");
	metrics_render(*state, &buf);
	expect_text(buf_span(&buf), "before\n# HELP g G.\n# TYPE g gauge\ng 0\n");
}

#define ROUNDS 20000u

static void count(void *arg)
{
	struct metrics *metrics = arg;
	struct counter *counter = metrics_counter(metrics, "c_total", NULL, "C.");
	struct gauge *gauge = metrics_gauge(metrics, "g", NULL, "G.");
	struct histogram *histogram = metrics_size(metrics, "s", NULL, "S.");

	for (unsigned i = 0; i < ROUNDS; i++) {
		counter_add(counter, 2);
		gauge_add(gauge, i % 2 == 0 ? 1 : -1);
		histogram_observe(histogram, 3);
	}
}

static void nothing_is_lost_when_threads_count_while_others_render(void **state)
{
	struct thread threads[4];
	OWNED(buf) struct buf buf = { 0 };

	for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
		expect_status(OK, thread_start(&threads[i], "count", count, *state, NULL));
	for (unsigned i = 0; i < 50; i++) {
		buf_clear(&buf);
		metrics_render(*state, &buf);
	}
	for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
		thread_join(&threads[i]);
	buf_clear(&buf);
	metrics_render(*state, &buf);
	buf_append_byte(&buf, '\0');
	assert_non_null(strstr(buf.data, "\nc_total 160000\n"));
	assert_non_null(strstr(buf.data, "\ng 0\n"));
	assert_non_null(strstr(buf.data, "\ns_bucket{le=\"1\"} 0\ns_bucket{le=\"4\"} 80000\n"));
	assert_non_null(strstr(buf.data, "\ns_sum 240000\ns_count 80000\n"));
}

static void freeing_nothing_does_nothing(void **state)
{
	(void)state;
	metrics_free(NULL);
}

#define METRICS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		METRICS_TEST(an_empty_registry_has_no_text),
		METRICS_TEST(counters_only_grow_and_gauges_go_both_ways),
		METRICS_TEST(a_duration_is_observed_in_nanoseconds_and_told_in_seconds),
		METRICS_TEST(a_size_is_told_as_observed_and_labels_stand_before_the_bound),
		METRICS_TEST(a_sum_is_exact_however_large),
		METRICS_TEST(label_sets_of_one_name_stand_together_under_one_head),
		METRICS_TEST(equal_names_and_labels_are_one_metric),
		METRICS_TEST(texts_are_copied),
		METRICS_TEST(help_is_escaped),
		METRICS_TEST(a_gauge_that_is_read_has_the_value_of_the_moment),
		METRICS_TEST(of_two_readers_of_one_gauge_the_later_is_asked),
		METRICS_TEST(a_reader_may_take_locks_of_any_rank),
		METRICS_TEST(one_name_of_two_kinds_ends_the_process),
		METRICS_TEST(rendering_appends),
		METRICS_TEST(nothing_is_lost_when_threads_count_while_others_render),
		cmocka_unit_test(freeing_nothing_does_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

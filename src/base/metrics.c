/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c - the registry, and its text form. Families keep the order in which they were
 * registered; the metrics of one name stand together, as the format asks. */
#include "base/metrics.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/list.h"
#include "base/mutex.h"

enum kind { KIND_COUNTER, KIND_GAUGE, KIND_HISTOGRAM };

struct metric {
	struct list node;     /* in its family */
	char *labels;         /* owned; "" for none */
	metrics_read_fn read; /* of a gauge that is asked; the registry's lock guards it */
	void *read_arg;       /* its lock, too */
	union {
		struct counter counter;
		struct gauge gauge;
		struct histogram histogram;
	};
};

struct family {
	struct list node; /* in the registry */
	struct list metrics;
	enum kind kind;
	char *name; /* owned */
	char *help; /* owned */
};

struct metrics {
	struct mutex mu; /* RANK_METRICS; guards the lists, not the values */
	struct list families;
};

/* 10 µs to 10 s, three to a decade, in nanoseconds. */
static const uint64_t duration_bounds[] = {
	10000,     20000,      50000,      100000,     200000,      500000,    1000000,
	2000000,   5000000,    10000000,   20000000,   50000000,    100000000, 200000000,
	500000000, 1000000000, 2000000000, 5000000000, 10000000000,
};
static const uint64_t size_bounds[] = {
	1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864,
};

/* What a histogram observes, and how that is exposed. */
struct scale {
	const uint64_t *bounds;
	size_t bound_count;
	uint64_t divisor;
};

static const struct scale duration_scale = { duration_bounds, ARRAY_COUNT(duration_bounds),
					     1000000000 };
static const struct scale size_scale = { size_bounds, ARRAY_COUNT(size_bounds), 1 };

struct registration {
	const char *name;
	const char *labels; /* NULL for none */
	const char *help;
	enum kind kind;
	const struct scale *scale; /* histograms */
	metrics_read_fn read;      /* gauges that are asked */
	void *read_arg;
};

static_assert(ARRAY_COUNT(duration_bounds) <= HISTOGRAM_BUCKETS_MAX, "bounds fit");
static_assert(ARRAY_COUNT(size_bounds) <= HISTOGRAM_BUCKETS_MAX, "bounds fit");

enum status metrics_new(struct metrics **ret, struct error *err)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));

	if (metrics == NULL)
		return ERROR(err, ERR_NOMEM, "the registry of metrics");
	mutex_init(&metrics->mu, RANK_METRICS);
	list_init(&metrics->families);
	*ret = metrics;
	return OK;
}

static void free_metric(struct metric *metric)
{
	free(metric->labels);
	free(metric);
}

static void free_family(struct family *family)
{
	for (struct list *node; (node = list_take_first(&family->metrics)) != NULL;)
		free_metric(LIST_ENTRY(node, struct metric, node));
	free(family->name);
	free(family->help);
	free(family);
}

void metrics_free(struct metrics *metrics)
{
	if (metrics == NULL)
		return;
	for (struct list *node; (node = list_take_first(&metrics->families)) != NULL;)
		free_family(LIST_ENTRY(node, struct family, node));
	mutex_fini(&metrics->mu);
	free(metrics);
}

static struct family *find_family_locked(struct metrics *metrics, const char *name)
{
	LIST_FOR_EACH(&metrics->families, node)
	{
		struct family *family = LIST_ENTRY(node, struct family, node);

		if (strcmp(family->name, name) == 0)
			return family;
	}
	return NULL;
}

static struct family *add_family_locked(struct metrics *metrics, const char *name, const char *help,
					enum kind kind)
{
	struct family *family = calloc(1, sizeof(*family));

	if (family == NULL)
		return NULL;
	list_init(&family->metrics);
	family->kind = kind;
	family->name = strdup(name);
	family->help = strdup(help);
	if (family->name == NULL || family->help == NULL) {
		free_family(family);
		return NULL;
	}
	list_add_last(&metrics->families, &family->node);
	return family;
}

static struct metric *find_metric_locked(struct family *family, const char *labels)
{
	LIST_FOR_EACH(&family->metrics, node)
	{
		struct metric *metric = LIST_ENTRY(node, struct metric, node);

		if (strcmp(metric->labels, labels) == 0)
			return metric;
	}
	return NULL;
}

/* A metric is complete before it is in a list, since from then on others render and count it. */
static struct metric *new_metric(const struct registration *r)
{
	struct metric *metric = calloc(1, sizeof(*metric));

	if (metric == NULL)
		return NULL;
	metric->labels = strdup(r->labels != NULL ? r->labels : "");
	if (metric->labels == NULL) {
		free(metric);
		return NULL;
	}
	metric->read = r->read;
	metric->read_arg = r->read_arg;
	if (r->scale != NULL) {
		metric->histogram.bounds = r->scale->bounds;
		metric->histogram.bound_count = r->scale->bound_count;
		metric->histogram.divisor = r->scale->divisor;
	}
	return metric;
}

static struct metric *add(struct metrics *metrics, const struct registration *r)
{
	struct metric *metric = new_metric(r);

	if (metric == NULL)
		return NULL;
	MUTEX_GUARD(&metrics->mu);
	struct family *family = find_family_locked(metrics, r->name);
	if (family == NULL)
		family = add_family_locked(metrics, r->name, r->help, r->kind);
	if (family == NULL) {
		free_metric(metric);
		return NULL;
	}
	CHECK(family->kind == r->kind);
	struct metric *same = find_metric_locked(family, metric->labels);
	if (same == NULL) {
		list_add_last(&family->metrics, &metric->node);
		return metric;
	}
	free_metric(metric);
	CHECK(r->scale == NULL || same->histogram.bounds == r->scale->bounds);
	if (r->read != NULL) {
		same->read = r->read;
		same->read_arg = r->read_arg;
	}
	return same;
}

struct counter *metrics_counter(struct metrics *metrics, const char *name, const char *labels,
				const char *help)
{
	struct metric *metric =
		add(metrics,
		    &(struct registration){
			    .name = name, .labels = labels, .help = help, .kind = KIND_COUNTER });

	return metric != NULL ? &metric->counter : NULL;
}

struct gauge *metrics_gauge(struct metrics *metrics, const char *name, const char *labels,
			    const char *help)
{
	struct metric *metric =
		add(metrics,
		    &(struct registration){
			    .name = name, .labels = labels, .help = help, .kind = KIND_GAUGE });

	return metric != NULL ? &metric->gauge : NULL;
}

struct histogram *metrics_duration(struct metrics *metrics, const char *name, const char *labels,
				   const char *help)
{
	struct metric *metric = add(metrics, &(struct registration){ .name = name,
								     .labels = labels,
								     .help = help,
								     .kind = KIND_HISTOGRAM,
								     .scale = &duration_scale });

	return metric != NULL ? &metric->histogram : NULL;
}

struct histogram *metrics_size(struct metrics *metrics, const char *name, const char *labels,
			       const char *help)
{
	struct metric *metric = add(metrics, &(struct registration){ .name = name,
								     .labels = labels,
								     .help = help,
								     .kind = KIND_HISTOGRAM,
								     .scale = &size_scale });

	return metric != NULL ? &metric->histogram : NULL;
}

enum status metrics_read_gauge(struct metrics *metrics, const char *name, const char *labels,
			       const char *help, metrics_read_fn read, void *arg)
{
	struct metric *metric = add(metrics, &(struct registration){ .name = name,
								     .labels = labels,
								     .help = help,
								     .kind = KIND_GAUGE,
								     .read = read,
								     .read_arg = arg });

	return metric != NULL ? OK : ERR_NOMEM;
}

void histogram_observe(struct histogram *histogram, uint64_t value)
{
	size_t bucket = 0;

	while (bucket < histogram->bound_count && value > histogram->bounds[bucket])
		bucket++;
	atomic_fetch_add_explicit(&histogram->buckets[bucket], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&histogram->sum, value, memory_order_relaxed);
}

/* ---- text ---------------------------------------------------------------------------------- */

static void append_help(struct buf *ret, const char *help)
{
	for (; *help != '\0'; help++) {
		if (*help == '\\')
			buf_append_string(ret, "\\\\");
		else if (*help == '\n')
			buf_append_string(ret, "\\n");
		else
			buf_append_byte(ret, *help);
	}
}

/* name{labels,le="bound"} */
static void append_name(struct buf *ret, const struct family *family, const char *suffix,
			const struct metric *metric, const char *bound)
{
	buf_append_string(ret, family->name);
	buf_append_string(ret, suffix);
	if (metric->labels[0] == '\0' && bound == NULL) {
		buf_append_byte(ret, ' ');
		return;
	}
	buf_append_byte(ret, '{');
	buf_append_string(ret, metric->labels);
	if (bound != NULL)
		buf_append_format(ret, "%sle=\"%s\"", metric->labels[0] != '\0' ? "," : "", bound);
	buf_append_string(ret, "} ");
}

/* Exact, however large: a double would lose the last bytes of a sum over months, and what is lost
 * makes rates jump. */
static void append_sum(struct buf *ret, uint64_t sum, uint64_t divisor)
{
	uint64_t rest = sum % divisor;

	buf_append_u64(ret, sum / divisor);
	if (rest != 0)
		buf_append_byte(ret, '.');
	while (rest != 0) {
		rest *= 10;
		/* cppcheck-suppress zerodivcond ; it takes the loop's condition for the divisor's */
		buf_append_u64(ret, rest / divisor);
		rest %= divisor;
	}
	buf_append_byte(ret, '\n');
}

static void append_histogram(struct buf *ret, const struct family *family,
			     const struct metric *metric)
{
	const struct histogram *histogram = &metric->histogram;
	double divisor = (double)histogram->divisor;
	uint64_t count = 0;
	char bound[32];

	for (size_t i = 0; i <= histogram->bound_count; i++) {
		count += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
		if (i < histogram->bound_count)
			(void)snprintf(bound, sizeof(bound), "%.9g",
				       (double)histogram->bounds[i] / divisor);
		else
			(void)snprintf(bound, sizeof(bound), "+Inf");
		append_name(ret, family, "_bucket", metric, bound);
		buf_append_format(ret, "%llu\n", (unsigned long long)count);
	}
	append_name(ret, family, "_sum", metric, NULL);
	append_sum(ret, atomic_load_explicit(&histogram->sum, memory_order_relaxed),
		   histogram->divisor);
	append_name(ret, family, "_count", metric, NULL);
	buf_append_format(ret, "%llu\n", (unsigned long long)count);
}

/* The reader runs without the lock: it may take locks of any rank. */
static int64_t gauge_value(struct metrics *metrics, const struct metric *metric)
{
	mutex_lock(&metrics->mu);
	metrics_read_fn read = metric->read;
	void *arg = metric->read_arg;
	mutex_unlock(&metrics->mu);
	if (read != NULL)
		return read(arg);
	return atomic_load_explicit(&metric->gauge.value, memory_order_relaxed);
}

static void append_metric(struct buf *ret, struct metrics *metrics, const struct family *family,
			  const struct metric *metric)
{
	switch (family->kind) {
	case KIND_COUNTER:
		append_name(ret, family, "", metric, NULL);
		buf_append_u64(ret,
			       atomic_load_explicit(&metric->counter.value, memory_order_relaxed));
		buf_append_byte(ret, '\n');
		break;
	case KIND_GAUGE:
		append_name(ret, family, "", metric, NULL);
		buf_append_i64(ret, gauge_value(metrics, metric));
		buf_append_byte(ret, '\n');
		break;
	case KIND_HISTOGRAM:
		append_histogram(ret, family, metric);
		break;
	}
}

/* Families are only ever added, at the end, so the walk itself needs no lock while a metric's
 * reader runs: readers may take locks of any rank. */
static struct list *next_of(struct metrics *metrics, struct list *head, struct list *node)
{
	MUTEX_GUARD(&metrics->mu);

	return node->next == head ? NULL : node->next;
}

void metrics_render(struct metrics *metrics, struct buf *ret)
{
	static const char *const kinds[] = { "counter", "gauge", "histogram" };

	for (struct list *f = &metrics->families;
	     (f = next_of(metrics, &metrics->families, f)) != NULL;) {
		struct family *family = LIST_ENTRY(f, struct family, node);

		buf_append_format(ret, "# HELP %s ", family->name);
		append_help(ret, family->help);
		buf_append_format(ret, "\n# TYPE %s %s\n", family->name, kinds[family->kind]);
		for (struct list *m = &family->metrics;
		     (m = next_of(metrics, &family->metrics, m)) != NULL;)
			append_metric(ret, metrics, family, LIST_ENTRY(m, struct metric, node));
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/* metrics.h - counters, gauges and histograms, and their text form for Prometheus (exposition
 * format 0.0.4).
 *
 * A registry is made once and lives as long as the process' work. A metric is registered once, at
 * start, with its full name and help text; counting is one relaxed atomic addition, from any
 * thread. Names follow the conventions: `concordance_commands_total`, units last
 * (`_seconds`, `_bytes`). Labels are given when registering, as text: `outcome="accepted"`. */

struct metrics;

struct counter {
	_Atomic uint64_t value;
};

struct gauge {
	_Atomic int64_t value;
};

#define HISTOGRAM_BUCKETS_MAX 32

struct histogram {
	_Atomic uint64_t buckets[HISTOGRAM_BUCKETS_MAX + 1]; /* the last one: above every bound */
	_Atomic uint64_t sum;                                /* in the unit observed */
	const uint64_t *bounds;                              /* upper, inclusive, rising; static */
	size_t bound_count;
	uint64_t
		divisor; /* observed unit -> exposed unit: 1,000,000,000 for nanoseconds -> seconds */
};

enum status metrics_new(struct metrics **ret, struct error *err) NODISCARD;
void metrics_free(struct metrics *metrics);

/* Each returns the metric, owned by the registry, or NULL when memory is out. `name`, `help` and
 * `labels` (NULL for none) are copied. Metrics of one name share help and kind; of the same labels as
 * well, they are one metric: several event loops count together. */
struct counter *metrics_counter(struct metrics *metrics, const char *name, const char *labels,
				const char *help) NODISCARD;
struct gauge *metrics_gauge(struct metrics *metrics, const char *name, const char *labels,
			    const char *help) NODISCARD;
/* Durations: observed in nanoseconds, exposed in seconds, bounds from 10 µs to 10 s. */
struct histogram *metrics_duration(struct metrics *metrics, const char *name, const char *labels,
				   const char *help) NODISCARD;
/* Sizes: observed and exposed in bytes or counts; bounds are powers of two from 1 to 2^26 in steps of 4. */
struct histogram *metrics_size(struct metrics *metrics, const char *name, const char *labels,
			       const char *help) NODISCARD;

/* A gauge whose value is asked for when the text is made, on the asking thread. */
typedef int64_t (*metrics_read_fn)(void *arg);
enum status metrics_read_gauge(struct metrics *metrics, const char *name, const char *labels,
			       const char *help, metrics_read_fn read, void *arg) NODISCARD;

static inline void counter_add(struct counter *counter, uint64_t n)
{
	atomic_fetch_add_explicit(&counter->value, n, memory_order_relaxed);
}

static inline void gauge_set(struct gauge *gauge, int64_t value)
{
	atomic_store_explicit(&gauge->value, value, memory_order_relaxed);
}

static inline void gauge_add(struct gauge *gauge, int64_t n)
{
	atomic_fetch_add_explicit(&gauge->value, n, memory_order_relaxed);
}

void histogram_observe(struct histogram *histogram, uint64_t value);

/* Appends the text form of all metrics. */
void metrics_render(struct metrics *metrics, struct buf *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONCORDANCE_H
#define CONCORDANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* concordance.h - everything that a component in C needs.
 *
 * An aggregate is one constant, `cc_aggregate`, with a function for each command and each event:
 *
 *	static enum cc_decision open_door(const struct cc_json *door, const struct cc_command *command)
 *	{
 *		(void)command;
 *		if (door != NULL && cc_boolean(door, "open"))
 *			return cc_reject("already_open", "the door is open");
 *		return cc_emit("door_opened", cc_object());
 *	}
 *
 *	static struct cc_json *door_opened(struct cc_json *door, const struct cc_event *event)
 *	{
 *		(void)event;
 *		return cc_set_boolean(door != NULL ? door : cc_object(), "open", true);
 *	}
 *
 *	const struct cc_aggregate cc_aggregate = {
 *		CC_COMMANDS({ "open_door", open_door }),
 *		CC_EVENTS({ "door_opened", door_opened }),
 *	};
 *
 * Memory. Whatever a function here returns lives until the runtime's call ends, and goes then. There is nothing to
 * free, and no result needs a check for NULL because memory ran out: that ends the call. Keep nothing in static
 * variables. Texts end in NUL and are valid UTF-8; names and texts that are handed in are not copied, so they must be
 * literals, or come from here.
 *
 * JSON. NULL stands for JSON `null` and for "there is none"; the state of an instance that doesn't exist is NULL.
 * An integer is a JSON number written without fraction and exponent, from -2^63 to 2^63-1: `1.0`, `1e3` and `"1"` are
 * not integers. Members keep the order in which they were first set.
 *
 * Two ways to read. Data that comes with a command is somebody's input: use the functions that answer whether it is
 * there (cc_read_...), and reject it if not. State and events are the aggregate's own words: use the functions that
 * just answer the value; one that isn't there means that something is broken, and *fails the call*. A failed call
 * stores nothing. cc_fail() remembers the first reason and returns, later code runs on with harmless values, and the
 * SDK reports the failure when your function is done.
 *
 * The same sources compile natively: concordance_test.h tests an aggregate without a server. Not thread-safe; a
 * component has one thread. */

#if defined(__GNUC__)
#define CC_FORMAT(text, first) __attribute__((format(printf, text, first)))
#define CC_NODISCARD           __attribute__((warn_unused_result))
#else
#define CC_FORMAT(text, first)
#define CC_NODISCARD
#endif

/* ---- aggregates ---- */

struct cc_json;

/* A request that the aggregate decides on. */
struct cc_command {
	const char *id;
	const char *type;           /* as in the table of commands */
	const char *key;            /* which instance */
	uint64_t time;              /* microseconds since 1970; the only clock there is */
	const struct cc_json *data; /* unchecked input; NULL when it is null */
	const char *metadata;       /* text of a JSON object, for cc_parse() */
};

/* A fact of this instance's past, or one just decided. */
struct cc_event {
	const char *type;
	uint64_t version; /* 1, 2, 3 ... */
	uint64_t time;    /* microseconds since 1970 */
	const struct cc_json *data;
};

enum cc_decision { CC_ACCEPTED, CC_REJECTED };

/* Decides on one command. `state` is NULL when the instance does not exist. Emits events or rejects, and returns what
 * cc_emit() or cc_reject() returned; CC_ACCEPTED alone accepts with the events emitted so far, or none. */
typedef enum cc_decision cc_command_fn(const struct cc_json *state,
				       const struct cc_command *command);

/* Folds one event: changes `state` in place, or makes a new one, and returns it. NULL: the instance is gone. */
typedef struct cc_json *cc_event_fn(struct cc_json *state, const struct cc_event *event);

struct cc_command_entry {
	const char *type;
	cc_command_fn *handle;
};

struct cc_event_entry {
	const char *type;
	cc_event_fn *apply;
};

/* A command whose type isn't listed is rejected with `unknown_command`. An event is found by the snake-case form of
 * its type (`DoorOpened` is `door_opened`); one that isn't listed leaves the state as it is. */
struct cc_aggregate {
	const struct cc_command_entry *commands;
	size_t command_count;
	const struct cc_event_entry *events;
	size_t event_count;
};

#define CC_COMMANDS(...)                                                            \
	.commands = (const struct cc_command_entry[]){ __VA_ARGS__ },               \
	.command_count = sizeof((const struct cc_command_entry[]){ __VA_ARGS__ }) / \
			 sizeof(struct cc_command_entry)
#define CC_EVENTS(...)                                                          \
	.events = (const struct cc_event_entry[]){ __VA_ARGS__ },               \
	.event_count = sizeof((const struct cc_event_entry[]){ __VA_ARGS__ }) / \
		       sizeof(struct cc_event_entry)

/* Yours to define, exactly once. */
extern const struct cc_aggregate cc_aggregate;

/* Adds an event to the decision; `data` is taken and may be NULL. For several events call it several times. */
enum cc_decision cc_emit(const char *type, struct cc_json *data);

/* Says no; events emitted before are dropped. `code` matches [a-z][a-z0-9_]{0,63}; the reason is one sentence for
 * people, formatted as by cc_format(). */
enum cc_decision cc_reject(const char *code, const char *format, ...) CC_FORMAT(2, 3) CC_NODISCARD;

/* The same with a JSON object for programs. */
enum cc_decision cc_reject_with(struct cc_json *details, const char *code, const char *format, ...)
	CC_FORMAT(3, 4) CC_NODISCARD;

/* Fails the call; the first reason counts. In a fold it becomes apply's error, in a decision a trap with a log line. */
void cc_fail(const char *format, ...) CC_FORMAT(1, 2);

/* ---- JSON: input, where anything may be missing or wrong ----
 * True and *ret set, or false and *ret untouched: when `object` isn't an object, has no such member, or the member has
 * another type. */

bool cc_read_integer(const struct cc_json *object, const char *name, long long *ret);
bool cc_read_number(const struct cc_json *object, const char *name, double *ret);
bool cc_read_boolean(const struct cc_json *object, const char *name, bool *ret);
bool cc_read_text(const struct cc_json *object, const char *name, const char **ret);

/* True when the member exists, be it null. */
bool cc_has(const struct cc_json *object, const char *name);

/* The member, of whatever type; NULL when there is none or when it is null. */
const struct cc_json *cc_get(const struct cc_json *object, const char *name);

/* The value of a text; NULL when it isn't valid JSON (or is null). */
const struct cc_json *cc_parse(const char *text);

/* ---- JSON: state and events, where a missing member fails the call ---- */

long long cc_integer(const struct cc_json *object, const char *name); /* 0 on failure */
double cc_number(const struct cc_json *object, const char *name);     /* 0 on failure */
bool cc_boolean(const struct cc_json *object, const char *name);      /* false on failure */
const char *cc_text(const struct cc_json *object, const char *name);  /* "" on failure */

/* The same for a value itself, such as an element met on a walk. */
long long cc_as_integer(const struct cc_json *value);
double cc_as_number(const struct cc_json *value);
const char *cc_as_text(const struct cc_json *value);

/* ---- JSON: what a value is ---- */

bool cc_is_object(const struct cc_json *value);
bool cc_is_array(const struct cc_json *value);
bool cc_is_integer(const struct cc_json *value, long long *ret); /* sets *ret if it is */
bool cc_is_number(const struct cc_json *value, double *ret);     /* integers too */
bool cc_is_boolean(const struct cc_json *value, bool *ret);
bool cc_is_text(const struct cc_json *value, const char **ret);
size_t cc_count(const struct cc_json *container); /* 0 for anything else */

/* Walks over an object or array in order; anything else has no elements. Don't change it meanwhile.
 *
 *	for (struct cc_walk w = cc_walk(prices); cc_walk_next(&w);)
 *		total = cc_plus(total, cc_as_integer(w.value)); */
struct cc_walk {
	const char *name;            /* of the member; NULL in an array */
	const struct cc_json *value; /* NULL when it is null */

	const void *at; /* cc_walk_next() only */
	size_t left;
};

struct cc_walk cc_walk(const struct cc_json *container);
bool cc_walk_next(struct cc_walk *walk);

/* ---- JSON: writing ----
 * Every function returns the container it was given, so that calls can be nested. A container that isn't an object (or
 * array) fails the call. Setting a member that exists replaces its value in its place. */

struct cc_json *cc_object(void);
struct cc_json *cc_array(void);

struct cc_json *cc_set_integer(struct cc_json *object, const char *name, long long value);
struct cc_json *cc_set_number(struct cc_json *object, const char *name, double value);
struct cc_json *cc_set_boolean(struct cc_json *object, const char *name, bool value);
struct cc_json *cc_set_text(struct cc_json *object, const char *name, const char *value);

/* A copy of `value`; NULL sets null. */
struct cc_json *cc_set(struct cc_json *object, const char *name, const struct cc_json *value);

/* Adds `amount` to an integer member. That it isn't there, or would overflow, fails the call. */
struct cc_json *cc_add(struct cc_json *object, const char *name, long long amount);

/* Nothing happens when there is no such member. */
struct cc_json *cc_remove(struct cc_json *object, const char *name);

/* Appends a copy; NULL appends null. */
struct cc_json *cc_append(struct cc_json *array, const struct cc_json *value);
struct cc_json *cc_append_integer(struct cc_json *array, long long value);
struct cc_json *cc_append_text(struct cc_json *array, const char *value);

/* A member that is an object or array, to be changed in place. That it isn't there fails the call. */
struct cc_json *cc_edit(struct cc_json *object, const char *name);

/* A new object with copies of those members of `source` that exist: cc_pick(data, "amount", "note"). */
#define cc_pick(source, ...) cc_pick_names((source), (const char *const[]){ __VA_ARGS__, NULL })
struct cc_json *cc_pick_names(const struct cc_json *source, const char *const *names);

/* A copy of anything, for changing. NULL stays NULL. */
struct cc_json *cc_copy(const struct cc_json *value);

/* The text without spaces; "null" for NULL. */
const char *cc_write(const struct cc_json *value);

/* ---- integers that never wrap: overflow fails the call and answers 0 ---- */

long long cc_plus(long long a, long long b);
long long cc_minus(long long a, long long b);
long long cc_times(long long a, long long b);

/* ---- texts, memory, log ---- */

/* Knows %s %d %ld %lld %u %lu %llu %zu %c %% and nothing else, no widths: libc's printf would make the component ask for
 * files. */
const char *cc_format(const char *format, ...) CC_FORMAT(1, 2);

bool cc_equal(const char *a, const char *b);

/* True when both are the same in snake-case: `AccountCreated` and `account_created`. */
bool cc_same_type(const char *a, const char *b);

/* Zeroed memory until the call ends. */
void *cc_alloc(size_t size_bytes);

enum cc_level { CC_TRACE, CC_DEBUG, CC_INFO, CC_WARN, CC_ERROR, CC_CRITICAL };

/* One line to the runtime's log, which adds component, instance and time. */
void cc_log(enum cc_level level, const char *format, ...) CC_FORMAT(2, 3);

#endif

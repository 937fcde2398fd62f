/* SPDX-License-Identifier: Apache-2.0 */
/* clients.c - requests and what their answers may be.
 *
 * What a client wants is an intent: a command, an external event, or events to append. It is sent in
 * one or more attempts, and is stored at most once. Every intent has a number, which stands in its
 * data, so that whatever is found in the log is known by what it says. */
#include "sim/clients.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "runtime/command.h"
#include "runtime/direct_append.h"
#include "runtime/external.h"
#include "runtime/state.h"

#define INTENTS_MAX 4096
#define KEYS        4
#define APPENDS_MAX 4

enum intent_kind { INTENT_COMMAND, INTENT_EXTERNAL, INTENT_APPEND };

struct intent {
	enum intent_kind kind;
	struct stream_name stream;
	char id[40]; /* empty: none, and it is sent only once */
	const char *type;
	char data[64];
	size_t count; /* events of an append */
	struct uuid ids[APPENDS_MAX];

	/* Attempts on the way that may store it, or that a crash took before they were answered. */
	unsigned open;
	const struct frame *stored;
	bool answered; /* as stored, and not as a duplicate */
};

struct attempt {
	struct attempt *next; /* deferred */
	struct world *world;
	struct arena *arena;
	struct intent *intent; /* NULL: a read */
	unsigned answers;
	bool dead; /* the process was, when it was answered */

	/* When it was sent. */
	uint64_t version;  /* of its stream: what is answered is at least that new */
	uint64_t sequence; /* of the log */
	bool was_stored;   /* its intent */
	bool was_failing;  /* the component */
	uint64_t failures_injected;

	union {
		struct work work;
		struct command_request command;
		struct state_request state;
		struct external_request external;
		struct direct_append_request append;
	};
};

struct clients {
	struct intent intents[INTENTS_MAX];
	unsigned count;
	size_t open;
	struct attempt *deferred; /* answered when the log could not be read: looked at later */
};

static const char *const keys[KEYS] = { "a", "b", "c", "d/e" };

/* ---- what is found in the log ----------------------------------------------------------------- */

static bool same_name(struct stream_name a, struct stream_name b)
{
	return span_equal(a.category, b.category) && span_equal(a.key, b.key);
}

/* Promise 4: none invented. Promise 1: whole, and as it was decided. */
static void taken_in(const struct frame *frame, void *arg)
{
	static const char *const types[][2] = { { "open_account", "account_opened" },
						{ "close_account", "account_closed" },
						{ "deposit", "deposited" },
						{ "deposit_many", "deposited" },
						{ "withdraw", "withdrawn" } };
	struct clients *clients = arg;
	bool decision = frame->kind == FRAME_DECISION;
	struct span data = decision ? frame->command.data : frame->events[0].data;
	int64_t number = model_number(data, "number");

	MUST(number > 0 && number <= clients->count, "frame %" PRIu64 " was sent by nobody",
	     frame->sequence);
	struct intent *intent = &clients->intents[number - 1];
	MUST(intent->stored == NULL, "intent %" PRId64 " is stored twice", number);
	MUST(intent->open != 0, "intent %" PRId64 " is stored and was refused", number);
	MUST(same_name(intent->stream, frame->stream) &&
		     (intent->id[0] == '\0' || span_equal_string(frame->command.id, intent->id)),
	     "intent %" PRId64 " is stored in another place or under another id", number);
	intent->stored = frame;
	MUST(!decision || span_equal_string(frame->command.type, intent->type),
	     "intent %" PRId64 " has another type", number);
	for (size_t i = 0; i < frame->event_count; i++) {
		const struct frame_event *event = &frame->events[i];
		const char *type = intent->type;

		for (size_t t = 0; decision && t < ARRAY_COUNT(types); t++)
			if (strcmp(types[t][0], intent->type) == 0)
				type = types[t][1];
		MUST(span_equal_string(event->type, type),
		     "intent %" PRId64 ": event %zu is '%.*s'", number, i, SPAN_ARG(event->type));
		MUST(decision || span_equal_string(event->data, intent->data),
		     "intent %" PRId64 ": event %zu has other data", number, i);
		MUST(intent->kind != INTENT_APPEND || intent->id[0] == '\0' ||
			     uuid_equal(&event->id, &intent->ids[i]),
		     "intent %" PRId64 ": event %zu has another id", number, i);
	}
	MUST(span_equal_string(data, intent->data), "intent %" PRId64 " has other data", number);
	MUST(decision || frame->event_count == intent->count,
	     "intent %" PRId64 " has %zu events of %zu", number, frame->event_count, intent->count);
}

/* ---- what may be answered --------------------------------------------------------------------- */

static struct model_stream *stream_of(struct attempt *attempt)
{
	return model_stream(&attempt->world->model, attempt->work.stream);
}

#define MUST_ANSWER(fact, what)                                                                    \
	MUST(fact, "%s, intent %td: %s (%s: %s)", stream_of(attempt)->text,                        \
	     attempt->intent != NULL ? attempt->intent - attempt->world->clients->intents + 1 : 0, \
	     what, failure_word(attempt->work.failure), error_text(&attempt->work.err))

/* Promise 3: nothing is told that is not durable. Promise 2, and reads: nothing stale either. */
static void check_version(struct attempt *attempt, uint64_t version)
{
	MUST(version >= attempt->version && version <= stream_of(attempt)->event_count,
	     "%s: an answer tells of version %" PRIu64 "; %" PRIu64
	     " was durable when it was sent, %zu is now",
	     stream_of(attempt)->text, version, attempt->version, stream_of(attempt)->event_count);
}

static void check_state(struct attempt *attempt, uint64_t version, struct span state)
{
	char text[96];

	model_state(model_account(stream_of(attempt), version), text);
	MUST(span_equal_string(state, text), "%s: the state at %" PRIu64 " is %s, not %.*s",
	     stream_of(attempt)->text, version, text, SPAN_ARG(state));
}

static void check_failure(struct attempt *attempt)
{
	struct world *world = attempt->world;
	bool unknown = false;
	bool excused = false;

	switch (attempt->work.failure) {
	case FAILURE_COMPONENT:
	case FAILURE_DEADLINE:
	case FAILURE_CANNOT_FOLD:
		tally[TALLY_component_failed]++;
		excused = attempt->was_failing ||
			  attempt->failures_injected != world->failures_injected ||
			  (attempt->intent != NULL &&
			   model_number(span_from_string(attempt->intent->data), "count") >
				   FRAME_EVENTS_MAX);
		break;
	case FAILURE_BUSY:
		tally[TALLY_busy]++;
		/* The journal is, while it makes room. */
		excused = world->journal || world->options.mailbox_max != 0 ||
			  attempt->was_failing ||
			  attempt->failures_injected != world->failures_injected;
		break;
	case FAILURE_DISK_FULL:
		tally[TALLY_disk_full]++;
		excused = world->was_full;
		break;
	case FAILURE_STORAGE:
	case FAILURE_CLOSED:
		tally[TALLY_told_of_a_dead_disk]++;
		excused = attempt->dead;
		unknown = true;
		break;
	case FAILURE_NONE:
	case FAILURE_NO_AGGREGATE:
	case FAILURE_NOT_FOUND:
	case FAILURE_INVALID:
	case FAILURE_VERSION_CONFLICT:
	case FAILURE_ID_REUSED:
	case FAILURE_NO_INTEREST:
	case FAILURE_CATEGORY_OWNED:
	case FAILURE_TOO_LARGE:
	case FAILURE_NO_MEMORY:
		break;
	}
	MUST_ANSWER(excused, "a failure without a cause");
	if (attempt->intent != NULL && !unknown)
		attempt->intent->open--;
}

/* Of commands and appends: refused, with nothing stored by this attempt. True: it was one of these. */
static bool check_refusal(struct attempt *attempt, bool expects, uint64_t expected, uint64_t actual)
{
	struct intent *intent = attempt->intent;
	struct model_stream *stream = stream_of(attempt);
	bool found = false;

	if (attempt->work.failure == FAILURE_VERSION_CONFLICT) {
		/* Promise 5: the id is looked at first. */
		MUST_ANSWER(!attempt->was_stored, "a duplicate is told of a conflict");
		MUST_ANSWER(expects && actual != expected, "a conflict that is none");
		check_version(attempt, actual);
		tally[TALLY_version_conflict]++;
	} else if (attempt->work.failure == FAILURE_ID_REUSED) {
		for (size_t i = 0; i < stream->event_count && !found; i++)
			found = span_equal_string(stream->events[i].frame->command.id, intent->id);
		MUST_ANSWER(found && intent->stored == NULL, "its id is nobody else's");
		tally[TALLY_id_reused]++;
	} else {
		return false;
	}
	intent->open--;
	return true;
}

/* What is said of it is what is stored. */
static void check_stored(struct attempt *attempt, bool duplicate, uint64_t first_version,
			 uint64_t version, uint64_t position)
{
	struct intent *intent = attempt->intent;
	const struct frame *frame = intent->stored;

	MUST_ANSWER(frame != NULL, "answered as stored, and is not durable");
	MUST_ANSWER(frame->first_version == first_version && frame_last_version(frame) == version &&
			    frame_last_position(frame) == position,
		    "stored at another place than was answered");
	MUST_ANSWER(duplicate || !attempt->was_stored, "a duplicate is not called one");
	MUST_ANSWER(duplicate || !intent->answered, "two attempts claim to have stored it");
	MUST_ANSWER(duplicate || frame->sequence > attempt->sequence, "stored before it was sent");
	tally[duplicate                        ? TALLY_duplicate
	      : intent->kind == INTENT_COMMAND ? TALLY_accepted
	      : intent->kind == INTENT_APPEND  ? TALLY_appended
					       : TALLY_external]++;
	intent->answered = intent->answered || !duplicate;
	intent->open--;
}

static void check_command(struct attempt *attempt)
{
	struct command_request *command = &attempt->command;
	struct intent *intent = attempt->intent;
	const char *code = NULL;

	if (check_refusal(attempt, command->has_expected_version, command->expected_version,
			  command->actual_version))
		return;
	if (attempt->work.failure != FAILURE_NONE) {
		check_failure(attempt);
		return;
	}
	if (!command->rejected && command->event_count != 0) {
		check_stored(attempt, command->duplicate, command->first_version, command->version,
			     command->position);
		const struct frame *frame = intent->stored;
		MUST_ANSWER(command->event_count == frame->event_count &&
				    command->time_us == frame->time_us &&
				    command->first_position == position_of(frame->sequence, 0),
			    "another reply than what is stored");
		for (size_t i = 0; i < frame->event_count; i++)
			MUST_ANSWER(
				uuid_equal(&command->events[i].id, &frame->events[i].id) &&
					span_equal(command->events[i].type,
						   frame->events[i].type) &&
					span_equal(command->events[i].data, frame->events[i].data),
				"another event than what is stored");
		MUST_ANSWER(command->duplicate || !command->has_expected_version ||
				    command->first_version == command->expected_version + 1,
			    "accepted on another version than it expects");
	} else {
		tally[command->rejected ? TALLY_rejected : TALLY_accepted_without_events]++;
		check_version(attempt, command->version);
		size_t count = model_decide(model_account(stream_of(attempt), command->version),
					    command->type, command->data, &code);
		MUST_ANSWER(!attempt->was_stored, "a duplicate is decided again");
		MUST_ANSWER(command->rejected == (code != NULL) && count == 0,
			    "decided on another state than the durable one");
		MUST_ANSWER(code == NULL || span_equal_string(command->rejection.code, code),
			    "rejected with another code");
		MUST_ANSWER(command->position == 0 && command->event_count == 0 &&
				    !command->duplicate,
			    "nothing was stored, and the answer has a place");
		MUST_ANSWER(!command->has_expected_version ||
				    command->version == command->expected_version,
			    "decided on another version than it expects");
		intent->open--;
	}
	if (command->want_state)
		check_state(attempt, command->version, command->state);
}

static void check_external(struct attempt *attempt)
{
	struct external_request *external = &attempt->external;

	if (attempt->work.failure != FAILURE_NONE) {
		check_failure(attempt);
		return;
	}
	check_stored(attempt, external->duplicate, external->version, external->version,
		     external->position);
	MUST_ANSWER(uuid_equal(&attempt->intent->stored->events[0].id, &external->id),
		    "another id than what is stored");
}

static void check_append(struct attempt *attempt)
{
	struct direct_append_request *append = &attempt->append;

	if (check_refusal(attempt, append->has_expected_version, append->expected_version,
			  append->actual_version))
		return;
	if (attempt->work.failure != FAILURE_NONE) {
		check_failure(attempt);
		return;
	}
	check_stored(attempt, append->duplicate, append->first_version, append->version,
		     append->position);
	MUST_ANSWER(append->duplicate || !append->has_expected_version ||
			    append->first_version == append->expected_version + 1,
		    "appended to another version than it expects");
}

static void check_read(struct attempt *attempt)
{
	struct state_request *state = &attempt->state;
	const struct model_stream *stream = stream_of(attempt);
	bool found = attempt->work.failure == FAILURE_NONE;
	uint64_t then = attempt->version;
	uint64_t now = stream->event_count;

	if (!found && attempt->work.failure != FAILURE_NOT_FOUND) {
		check_failure(attempt);
		return;
	}
	switch (state->as_of) {
	case STATE_NOW:
		break;
	case STATE_AT_VERSION:
		then = state->at_version <= then ? state->at_version : 0;
		now = state->at_version <= now ? state->at_version : 0;
		break;
	case STATE_AT_TIME:
		now = model_version_at(stream, state->at_time_us);
		then = now < then ? now : then;
		break;
	}
	tally[!found                      ? TALLY_read_nothing
	      : state->as_of == STATE_NOW ? TALLY_read_now
					  : TALLY_read_past]++;
	if (!found) {
		MUST_ANSWER(then == 0, "not found, and is there");
		return;
	}
	MUST_ANSWER(state->version >= 1 && state->version >= then && state->version <= now,
		    "a state of another version than was asked for, or not yet durable");
	check_state(attempt, state->version, state->state);
}

static void check(struct attempt *attempt)
{
	struct intent *intent = attempt->intent;

	if (intent == NULL)
		check_read(attempt);
	else if (intent->kind == INTENT_COMMAND)
		check_command(attempt);
	else if (intent->kind == INTENT_EXTERNAL)
		check_external(attempt);
	else
		check_append(attempt);
	arena_free(attempt->arena);
	free(attempt);
}

static void answered(struct work *work)
{
	struct attempt *attempt = CONTAINER_OF(work, struct attempt, work);
	struct world *world = attempt->world;
	struct clients *clients = world->clients;

	MUST(++attempt->answers == 1, "answered twice");
	MUST(world->on_lane == work->lane, "answered on lane %u, sent on %u", world->on_lane,
	     work->lane);
	clients->open--;
	world->trace = world->trace * 31 + (uint64_t)work->failure * 7 + world->model.sequence;
	attempt->dead = world->dead;
	if (model_follow(&world->model, world->store)) {
		check(attempt);
		return;
	}
	MUST(world->dead, "the log cannot be read");
	tally[TALLY_answered_while_the_disk_died]++;
	attempt->next = clients->deferred;
	clients->deferred = attempt;
}

void clients_restarted(struct world *world)
{
	struct clients *clients = world->clients;

	while (clients->deferred != NULL) {
		struct attempt *attempt = clients->deferred;

		clients->deferred = attempt->next;
		check(attempt);
	}
	/* What is not in the log now will never be, unless it is sent again. */
	for (unsigned i = 0; i < clients->count; i++) {
		struct intent *intent = &clients->intents[i];

		tally[TALLY_stored_and_not_answered] +=
			intent->open != 0 && !intent->answered && intent->stored != NULL;
		intent->open = 0;
	}
}

/* ---- sending ---------------------------------------------------------------------------------- */

static struct attempt *attempt_new(struct world *world, struct intent *intent,
				   struct stream_name name)
{
	struct attempt *attempt = calloc(1, sizeof(*attempt));

	CHECK(attempt != NULL);
	attempt->world = world;
	attempt->intent = intent;
	attempt->arena = arena_new((size_t)16 << 20);
	CHECK(attempt->arena != NULL);
	attempt->work.lane = (unsigned)world_below(world, world->options.lane_count);
	attempt->work.stream = name;
	attempt->work.arena = attempt->arena;
	attempt->work.answer = answered;
	(void)model_follow(&world->model, world->store);
	attempt->version = stream_of(attempt)->event_count;
	attempt->sequence = world->model.sequence;
	attempt->was_stored = intent != NULL && intent->stored != NULL;
	attempt->was_failing = world_is_failing(world);
	attempt->failures_injected = world->failures_injected;
	if (intent != NULL)
		intent->open++;
	world->clients->open++;
	world->on_lane = attempt->work.lane;
	return attempt;
}

/* Near the version that the stream is at, or will be. */
static bool expect_version(struct world *world, struct attempt *attempt, uint64_t *ret)
{
	*ret = attempt->version + world_below(world, 4);
	return world_chance(world, 20);
}

static void send_command(struct world *world, struct intent *intent)
{
	struct attempt *attempt = attempt_new(world, intent, intent->stream);
	struct command_request *command = &attempt->command;

	command->id = span_from_string(intent->id);
	command->type = span_from_string(intent->type);
	command->data = span_from_string(intent->data);
	command->want_state = world_chance(world, 40);
	command->has_expected_version = expect_version(world, attempt, &command->expected_version);
	command_submit(world->runtime, command);
}

static void send_external(struct world *world, struct intent *intent)
{
	struct attempt *attempt = attempt_new(world, intent, intent->stream);
	struct external_request *external = &attempt->external;

	external->event = (struct cloudevent){ .id = span_from_string(intent->id),
					       .source = intent->stream.key,
					       .type = span_from_string(intent->type),
					       .data = span_from_string(intent->data) };
	external_submit(world->runtime, external);
}

static void send_append(struct world *world, struct intent *intent)
{
	struct attempt *attempt = attempt_new(world, intent, intent->stream);
	struct direct_append_request *append = &attempt->append;

	append->events = arena_alloc_array(attempt->arena, intent->count, sizeof(*append->events));
	CHECK(append->events != NULL);
	append->event_count = intent->count;
	for (size_t i = 0; i < intent->count; i++)
		append->events[i] = (struct direct_event){
			.has_id = intent->id[0] != '\0',
			.id = intent->ids[i],
			.type = span_from_string(intent->type),
			.data = span_from_string(intent->data),
		};
	append->has_expected_version = expect_version(world, attempt, &append->expected_version);
	direct_append_submit(world->runtime, append);
}

static void send_intent(struct world *world, struct intent *intent)
{
	switch (intent->kind) {
	case INTENT_COMMAND:
		send_command(world, intent);
		break;
	case INTENT_EXTERNAL:
		send_external(world, intent);
		break;
	case INTENT_APPEND:
		send_append(world, intent);
		break;
	}
	world->on_lane = WORLD_LANES_MAX;
}

static void send_read(struct world *world, const char *key)
{
	struct attempt *attempt = attempt_new(
		world, NULL, (struct stream_name){ SPAN("account"), span_from_string(key) });
	struct state_request *state = &attempt->state;

	state->as_of = (enum state_as_of)world_below(world, 3);
	state->at_version = world_below(world, attempt->version + 3);
	state->at_time_us = clock_wall_us(&world->clock.clock) - world_below(world, 100000);
	state_submit(world->runtime, state);
	world->on_lane = WORLD_LANES_MAX;
}

/* An id that another intent of the stream has too, which is a client's mistake. */
static bool borrow_id(struct world *world, struct intent *intent)
{
	struct clients *clients = world->clients;
	const struct intent *other = &clients->intents[world_below(world, clients->count)];

	if (other == intent || other->kind != intent->kind || other->id[0] == '\0' ||
	    intent->kind == INTENT_EXTERNAL || !same_name(other->stream, intent->stream))
		return false;
	memcpy(intent->id, other->id, sizeof(intent->id));
	memcpy(intent->ids, other->ids, sizeof(intent->ids));
	return true;
}

static void fill_command(struct world *world, struct intent *intent, unsigned number)
{
	static const char *const types[] = { "open_account", "deposit",      "deposit",
					     "withdraw",     "withdraw",     "withdraw",
					     "look",         "deposit_many", "close_account" };
	uint64_t pick = world_below(world, 30);
	/* Over what is folded on a lane; now and then more than a frame holds. */
	uint64_t count = world_chance(world, 20) ? FRAME_EVENTS_MAX + world_below(world, 2)
						 : 1 + world_below(world, 80);

	intent->stream.category = SPAN("account");
	/* Accounts are closed seldom. */
	intent->type = types[pick < ARRAY_COUNT(types) ? pick : pick % 4];
	(void)snprintf(intent->data, sizeof(intent->data),
		       "{\"amount\":%" PRIu64 ",\"count\":%" PRIu64 ",\"number\":%u}",
		       1 + world_below(world, 40),
		       strcmp(intent->type, "deposit_many") == 0 ? count : 0, number);
	if (world_chance(world, 70) && !(world_chance(world, 20) && borrow_id(world, intent)))
		(void)snprintf(intent->id, sizeof(intent->id), "c-%u", number);
}

static void fill_outside(struct world *world, struct intent *intent, unsigned number)
{
	bool external = intent->kind == INTENT_EXTERNAL;
	char text[UUID_TEXT_BYTES];

	intent->stream.category = external ? SPAN("external") : SPAN("imports");
	intent->type = external ? "observed" : "imported";
	intent->count = external ? 1 : 1 + (size_t)world_below(world, APPENDS_MAX);
	(void)snprintf(intent->data, sizeof(intent->data), "{\"number\":%u}", number);
	if (external) {
		(void)snprintf(intent->id, sizeof(intent->id), "e-%u", number);
	} else if (world_chance(world, 60) &&
		   !(world_chance(world, 20) && borrow_id(world, intent))) {
		for (size_t i = 0; i < APPENDS_MAX; i++)
			random_fill(&world->random.random, &intent->ids[i], sizeof(intent->ids[i]));
		uuid_format(&intent->ids[0], text);
		(void)snprintf(intent->id, sizeof(intent->id), "%s", text);
	}
}

static void send_new(struct world *world)
{
	struct clients *clients = world->clients;

	CHECK(clients->count < INTENTS_MAX);
	struct intent *intent = &clients->intents[clients->count++];
	uint64_t pick = world_below(world, 100);
	intent->kind = pick < 75 ? INTENT_COMMAND : pick < 87 ? INTENT_EXTERNAL : INTENT_APPEND;
	intent->stream.key = span_from_string(keys[world_below(world, KEYS)]);
	if (intent->kind == INTENT_COMMAND)
		fill_command(world, intent, clients->count);
	else
		fill_outside(world, intent, clients->count);
	send_intent(world, intent);
}

void clients_send(struct world *world)
{
	struct clients *clients = world->clients;

	if (world_chance(world, 15)) {
		send_read(world, keys[world_below(world, KEYS)]);
		return;
	}
	if (clients->count != 0 && world_chance(world, 30)) {
		/* Again: mostly one of the last. */
		uint64_t recent =
			clients->count < 20 || world_chance(world, 20) ? clients->count : 20;
		struct intent *intent =
			&clients->intents[clients->count - 1 - world_below(world, recent)];
		if (intent->id[0] != '\0') {
			send_intent(world, intent);
			return;
		}
	}
	send_new(world);
}

size_t clients_open(const struct world *world)
{
	return world->clients->open;
}

void clients_send_all_again(struct world *world)
{
	struct clients *clients = world->clients;

	for (unsigned i = 0; i < clients->count; i++) {
		if (clients->intents[i].stored != NULL && clients->intents[i].id[0] != '\0')
			send_intent(world, &clients->intents[i]);
		if (i % 16 == 0) {
			send_read(world, keys[world_below(world, KEYS)]);
			world_settle(world);
		}
	}
	world_settle(world);
}

void clients_init(struct world *world)
{
	world->clients = calloc(1, sizeof(*world->clients));
	CHECK(world->clients != NULL);
	world->model.taken_in = taken_in;
	world->model.arg = world->clients;
}

void clients_fini(struct world *world)
{
	CHECK(world->clients->open == 0);
	clients_restarted(world);
	free(world->clients);
}

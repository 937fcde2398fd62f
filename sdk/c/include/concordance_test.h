/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONCORDANCE_TEST_H
#define CONCORDANCE_TEST_H

/* concordance_test.h - tests an aggregate as a native program, without a runtime and without WebAssembly.
 *
 *	cc_start("door-1");                              an instance without a past
 *	cc_given("door_opened", "{}");                   what happened before
 *	cc_when("open_door", "{}");                      a command
 *	cc_then_rejected("already_open");                what must come of it: a rejection,
 *	cc_then("door_closed", "{}");                    or this event next,
 *	cc_then_nothing();                               or no event (more),
 *	cc_then_failed("member 'open'");                 or a failure whose reason contains this;
 *	cc_then_state("{\"open\":true}");                and the state after it
 *
 * Every event of a decision must be asked for, in order: a cc_when, cc_given or cc_start that finds one left over fails
 * the test, so end a test with cc_end(). JSON is compared without spaces, but with the order of members. After each
 * event the whole past is also folded in one go, and has to give the same state.
 *
 * Each of these ends the test when it doesn't hold: by cmocka's fail_msg() if <cmocka.h> was included before, else by a
 * message on stderr and abort(). Define CC_TEST_FAIL(message) before for another framework. */

#ifndef CC_TEST_FAIL
#ifdef CMOCKA_H_
#define CC_TEST_FAIL(message) fail_msg("%s", message)
#else
#include <stdio.h>
#include <stdlib.h>
#define CC_TEST_FAIL(message) (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, message), abort())
#endif
#endif

#define CC_TEST_CHECK(call)                     \
	do {                                    \
		const char *failure_ = (call);  \
                                                \
		if (failure_ != NULL)           \
			CC_TEST_FAIL(failure_); \
	} while (0)

#define cc_start(key)          CC_TEST_CHECK(cc_test_start(key))
#define cc_given(type, data)   CC_TEST_CHECK(cc_test_given((type), (data)))
#define cc_when(type, data)    CC_TEST_CHECK(cc_test_when((type), (data)))
#define cc_then(type, data)    CC_TEST_CHECK(cc_test_then((type), (data)))
#define cc_then_nothing()      CC_TEST_CHECK(cc_test_then_nothing())
#define cc_then_rejected(code) CC_TEST_CHECK(cc_test_then_rejected(code))
#define cc_then_failed(reason) CC_TEST_CHECK(cc_test_then_failed(reason))
#define cc_then_state(state)   CC_TEST_CHECK(cc_test_then_state(state))
#define cc_end()               CC_TEST_CHECK(cc_test_end())

/* What stands behind them: NULL, or a message that lives until the next call. The time of the n-th step is n seconds. */
const char *cc_test_start(const char *key);
const char *cc_test_given(const char *type, const char *data);
const char *cc_test_when(const char *type, const char *data);
const char *cc_test_then(const char *type, const char *data);
const char *cc_test_then_nothing(void);
const char *cc_test_then_rejected(const char *code);
const char *cc_test_then_failed(const char *reason);
const char *cc_test_then_state(const char *state);
const char *cc_test_end(void);

/* The state as the runtime would store it. Lives until the next step. */
const char *cc_test_state(void);

#endif

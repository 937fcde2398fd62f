/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_CLIENTS_H
#define SIM_CLIENTS_H

#include "sim/world.h"

/* clients.h - who sends, sends again what was not answered or was, and believes no answer: each is
 * held against the model of what is durable at that moment. */

struct clients;

void clients_init(struct world *world);
void clients_fini(struct world *world);

/* One request of some kind, on some lane. */
void clients_send(struct world *world);
size_t clients_open(const struct world *world); /* sent and not yet answered */

/* The process has ended, and the model has taken in what its log holds. */
void clients_restarted(struct world *world);

/* Everything that was accepted is sent once more, and every stream is read. */
void clients_send_all_again(struct world *world);

#endif

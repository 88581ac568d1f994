/* load_crowd: the simulated users. Each walks a journey (a fixed list of steps) and takes the next step whenever the plan says
 * that a request is due; users take turns, so their think time is users / rate. Pure.
 *
 *            take                     give(ok), more steps
 *   IDLE ------------> IN FLIGHT ------------------------> IDLE (same journey, next step)
 *                          |---- give(ok), last step ----> IDLE (journey served, a new one begins)
 *                          `---- give(not ok) -----------> IDLE (journey failed: the user gives up, a new one begins)
 *
 * When every user is in flight, more users come, up to in_flight_max; beyond that the request is dropped.
 * Owner:  one thread.       Memory: all at birth.      Units: cents, counts.
 * Limits: CROWD_USERS_MAX users.                       Fails: ERR_NOMEM at birth; take gives NULL when full. */
#ifndef SUT_LOADGEN_LOAD_CROWD_H
#define SUT_LOADGEN_LOAD_CROWD_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"

enum { CROWD_USERS_MAX = 1024, CROWD_STEPS_MAX = 5, CROWD_TOKEN_BYTES = 1024, CROWD_PRODUCTS = 2000, CROWD_CUSTOMERS = 2000 };

#define CROWD_STEP_LIST(X) X(BROWSE, "browse") X(PRODUCT, "product") X(LOGIN, "login") X(QUOTE, "quote") X(ORDER, "order")
enum crowd_step {
#define X(name, text) CROWD_##name,
        CROWD_STEP_LIST(X)
#undef X
        CROWD_STEP_COUNT
};

/* visit looks around, compare asks for a price, buy places an order. */
#define CROWD_JOURNEY_LIST(X) X(VISIT, "visit") X(COMPARE, "compare") X(BUY, "buy")
enum crowd_journey {
#define X(name, text) CROWD_JOURNEY_##name,
        CROWD_JOURNEY_LIST(X)
#undef X
        CROWD_JOURNEY_COUNT
};

struct crowd_mix {
        uint64_t seed;
        int weights[CROWD_JOURNEY_COUNT]; /* relative; all 0 counts as all equal */
        bool login;                       /* users sign in before they ask for a price or order */
};

struct crowd_user {
        uint64_t journey_number;          /* the counter of this journey's random numbers */
        enum crowd_journey journey;
        enum crowd_step steps[CROWD_STEPS_MAX];
        int step_count, step_index;
        bool in_flight, fresh;            /* fresh: this journey has not begun */
        int customer, product, quantity;  /* from 1 */
        int64_t value_cents;              /* what the order is worth as far as the user knows; 0: not known yet */
        char token[CROWD_TOKEN_BYTES];    /* "" until signed in */
};

struct crowd;

MUST_USE enum err crowd_new(const struct crowd_mix *mix, int users, struct crowd **ret);
void crowd_free(struct crowd *c);
AUTO_DEFINE(struct crowd, crowd_free)

void crowd_change(struct crowd *c, const struct crowd_mix *mix, int users, int in_flight_max); /* running journeys end as they began */
int crowd_in_flight(const struct crowd *c);

/* The user whose turn it is, now in flight; NULL if in_flight_max are. ret_begins: a journey begins with this step. */
struct crowd_user *crowd_take(struct crowd *c, bool *ret_begins);
/* The journey that a dropped request would have begun: fills user, which stays the caller's. */
void crowd_drop(struct crowd *c, struct crowd_user *ret_user);
enum crowd_step crowd_user_step(const struct crowd_user *user);
/* True if the journey ended with this step; look at the user before giving it back, it is reused. */
bool crowd_user_last(const struct crowd_user *user, bool ok);
void crowd_give(struct crowd *c, struct crowd_user *user, bool ok);

const char *crowd_step_text(enum crowd_step step);
const char *crowd_journey_text(enum crowd_journey journey);

#endif

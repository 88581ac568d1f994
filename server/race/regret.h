/* regret: what each decision of a learner cost by the agent's own values. At every step of an incident the agent had a value for each
 * of its actions on the service it spoke about; the regret of a step is the best allowed value less the value of what was done, and the sum over
 * the steps is what the agent expects to have gained in all. A value of 1 is one nominal 5-second step of all users.
 *
 * Doing nothing counts as the better of ignore and delay. A change of another service, and every repair (configuration, start, stop), lies
 * outside what the values tell and is not judged.
 * Owner:  the loop thread. Memory: regret_free. Units: ms from the onset; user-minutes.
 * Limits: REGRET_STEPS_MAX steps, REGRET_SHOWN_MAX told. Fails: regret_new: ERR_NOMEM; a step that cannot be read does not count. */
#ifndef SERVER_RACE_REGRET_H
#define SERVER_RACE_REGRET_H

#include "common/base/err.h"
#include "common/text/json.h"

enum { REGRET_STEPS_MAX = 1440, REGRET_SHOWN_MAX = 8, REGRET_ACTIONS = 5, REGRET_STEP_MS = 5000 };

struct regret;

MUST_USE enum err regret_new(struct regret **ret);
void regret_free(struct regret *r);
AUTO_DEFINE(struct regret, regret_free)

void regret_forget(struct regret *r);
/* RECOMMENDATION of one step, whether it was shown or not. */
void regret_hear(struct regret *r, const struct json *recommendation);
/* items: of the learner's lane; users: at once. REGRET of docs/contracts.md, NULL when nothing was decided or out of memory. */
struct json *regret_json(const struct regret *r, const struct json *items, double users, int64_t end_ms);

#endif

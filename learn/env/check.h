/* env_check: Gymnasium's environment checker for our environments, and more: same seed, same bits; other seed, other
 * episode; bounds; columns sum to the reward; exogenous draws are the policy's peer, not its product; save and load resume
 * bit-identically; the time limit truncates and never terminates; every auto-reset mode keeps its promise.
 * Owner: the caller lends nothing; the checker makes its own environments.  Memory: freed on return.  Units: none.
 * Limits: a few thousand steps.  Fails: ERR_STATE with the sentence of the first promise broken, or env_make's errors. */
#ifndef LEARN_ENV_CHECK_H
#define LEARN_ENV_CHECK_H

#include "learn/env/env.h"

MUST_USE enum err env_check(const char *id, const struct env_opts *opts /* NULL: defaults */, struct err_note *reterr);

#endif

/* target: comparisons with a number, as authors write them: ">= 0.98", "< 400ms", "> 95 %", "< 1.5 x baseline", ">= 90 % of baseline".
 * Owner: none. Memory: none. Units: ms and s become seconds, % a ratio. Limits: none.
 * Fails: ERR_PARSE, results untouched. */
#ifndef SERVER_ENGINE_TARGET_H
#define SERVER_ENGINE_TARGET_H

#include <stddef.h>

#include "common/base/err.h"
#include "server/engine/scenario.h"

struct target {
        enum scenario_op op;
        double threshold;
        bool of_baseline; /* threshold is a factor of what the healthy system showed */
};

MUST_USE enum err target_parse(const char *text, struct target *ret);
/* Splits "expr < 36" at its last comparison outside brackets and quotes; ret_size is the length of expr, trimmed. */
MUST_USE enum err target_split(const char *text, size_t *ret_size, struct target *ret);

#endif

/* shell_env: the environment of a learner's shell: where the services of the stack are, so that curl, psql and redis-cli find them.
 * Owner:  caller. Memory: the texts lie in the struct. Units: none. Limits: SHELL_ENV_MAX variables.
 * Fails:  ERR_LIMIT when the list of services is too long. */
#ifndef SERVER_APP_SHELL_ENV_H
#define SERVER_APP_SHELL_ENV_H

#include "common/base/err.h"
#include "common/stack/stack.h"

enum { SHELL_ENV_MAX = 48, SHELL_ENV_TEXT_BYTES = 256 };

struct shell_env {
        char text[SHELL_ENV_MAX][SHELL_ENV_TEXT_BYTES];
        const char *list[SHELL_ENV_MAX + 1]; /* ended by NULL */
        size_t count;
};

MUST_USE enum err shell_env_make(struct shell_env *env, const struct stack_spec *spec, int stack, struct err_note *reterr);

#endif

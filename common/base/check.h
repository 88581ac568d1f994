/* check: CHECK(x) for what our own code promised (arguments, states, sizes). On in every build; prints
 * "file:line: function: CHECK(x) failed" to stderr and aborts. For the outside world use enum err instead. */
#ifndef COMMON_BASE_CHECK_H
#define COMMON_BASE_CHECK_H

#include "common/base/attr.h"

#define CHECK(condition)                                                                                               \
        ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, __func__, #condition))

NORETURN void check_failed(const char *file, int line, const char *function, const char *condition);

#endif

/* auth_password: the shop's customers and their passwords: customer.N@example.com has the password customer-N, N from 1 to
 * AUTH_CUSTOMERS_MAX. Checking one costs what a salted, iterated hash costs (SHA-512 crypt).
 * Owner: none, thread-safe. Memory: one block during the call. Units: rounds. Limits: AUTH_ROUNDS_MIN to AUTH_ROUNDS_MAX.
 * Fails: ERR_DENIED unknown customer or wrong password (which one is not told), ERR_NOMEM. */
#ifndef SUT_AUTH_AUTH_PASSWORD_H
#define SUT_AUTH_AUTH_PASSWORD_H

#include "common/base/err.h"

enum { AUTH_CUSTOMERS_MAX = 2000, AUTH_ROUNDS_MIN = 1000, AUTH_ROUNDS_MAX = 1000000, AUTH_PASSWORD_BYTES = 72 };

MUST_USE enum err auth_password_check(const char *email, const char *password, int rounds);

#endif

/* guard: who may ask. One policy for HTTP and WebSocket: the Host must be ours (a page cannot rebind its own name to
 * us), the Origin must be ours (a foreign page cannot change anything), and where the address is open to
 * others a secret token is needed. Decisions only: nothing is read or sent here.
 * Owner:  built once, then read-only: any thread.  Memory: guard_free.
 * Units:  bytes.                                   Limits: GUARD_HOSTS_MAX names, GUARD_TOKEN_BYTES_MAX.
 * Fails:  ERR_DENIED with the sentence for the client; ERR_INVAL, ERR_LIMIT, ERR_NOMEM at birth. */
#ifndef SERVER_GUARD_GUARD_H
#define SERVER_GUARD_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "server/guard/head.h"

enum { GUARD_HOSTS_MAX = 32, GUARD_HOST_BYTES_MAX = 255, GUARD_TOKEN_BYTES_MIN = 16, GUARD_TOKEN_BYTES_MAX = 128 };

#define GUARD_COOKIE "firedrill_token"
/* Carries a secret between the door and the HTTP server, which thereby tells the door from others on this machine. */
#define GUARD_DOOR_FIELD "X-Firedrill-Door"

struct guard;

struct guard_opts {
        const char *listen_address;    /* numeric; "0.0.0.0" and "::" admit every numeric Host */
        const char *const *allow_hosts; /* further names; ".example.org" admits all names below it */
        size_t allow_host_count;
        const char *token; /* NULL: none is asked for; compulsory when the address is not loopback */
};

MUST_USE enum err guard_new(const struct guard_opts *opts, struct guard **ret, struct err_note *reterr);
void guard_free(struct guard *g);
AUTO_DEFINE(struct guard, guard_free)

bool guard_address_is_loopback(const char *numeric_address);
bool guard_has_token(const struct guard *g);

MUST_USE enum err guard_check_host(const struct guard *g, struct head_text host, struct err_note *reterr);
/* Absent (not a browser) is fine; present it must be the same authority as the Host, or an allowed name. */
MUST_USE enum err guard_check_origin(const struct guard *g, struct head_text origin, struct head_text host,
                                     struct err_note *reterr);
/* `cookie`: the Cookie field; `authorization`: "Bearer TOKEN". Either may be absent. */
MUST_USE enum err guard_check_token(const struct guard *g, struct head_text cookie, struct head_text authorization,
                                    struct err_note *reterr);
/* Compares in a time that does not depend on where the texts differ. */
bool guard_token_is(const struct guard *g, struct head_text token);
/* True if text can be a token: GUARD_TOKEN_BYTES_MIN.._MAX of letters, digits, '-' and '_'. */
bool guard_is_token(const char *text);

#endif

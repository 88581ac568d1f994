/* token: JSON Web Tokens (RFC 7519) signed with HS256, and the small set of keys that signs and checks them. No other room opens
 * libjwt. Time comes in as an argument.
 * Owner:  key sets are values; the caller locks.    Memory: a token's text is written into the caller's bytes.
 * Units:  seconds since 1970.                       Limits: TOKEN_KEYS_MAX keys, TOKEN_BYTES_MAX a token.
 * Fails:  ERR_PARSE not a token, ERR_NOT_FOUND key unknown, ERR_DENIED wrong signature or kind, ERR_TIMEOUT expired,
 *         ERR_STATE not valid yet; the note says which and by how much. */
#ifndef SUT_JWT_TOKEN_H
#define SUT_JWT_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "common/text/json.h"

enum { TOKEN_KEYS_MAX = 8, TOKEN_KEY_BYTES = 32, TOKEN_KID_BYTES = 24, TOKEN_SUBJECT_BYTES = 128, TOKEN_SESSION_BYTES = 40, TOKEN_BYTES_MAX = 1000 };

struct token_key {
        char kid[TOKEN_KID_BYTES];
        uint8_t secret[TOKEN_KEY_BYTES];
};

/* The first key signs; all of them check. */
struct token_keys {
        struct token_key keys[TOKEN_KEYS_MAX];
        int count;
};

struct token_claims {
        char subject[TOKEN_SUBJECT_BYTES];
        char kind[16];                     /* "access" or "refresh" */
        char session[TOKEN_SESSION_BYTES]; /* "sid" (OpenID Connect's name); "" for none */
        int64_t issued_s, expires_s;
};

MUST_USE enum err token_issue(const struct token_key *key, const struct token_claims *claims, char dst[static TOKEN_BYTES_MAX]);
/* leeway_s forgives clocks that differ, at both ends. */
MUST_USE enum err token_check(const struct token_keys *keys, const char *token, const char *kind, int64_t now_s, int64_t leeway_s,
                              struct token_claims *ret, struct err_note *reterr);

/* A new key from the system's random source goes to the front; at most `keep` stay. */
void token_keys_rotate(struct token_keys *keys, int keep);
/* {"keys":[{"kty":"oct","alg":"HS256","kid","k": base64url}]} (RFC 7517); only for inside a stack, the keys are secret. */
struct json *token_keys_json(const struct token_keys *keys);
MUST_USE enum err token_keys_parse(const struct json *j, struct token_keys *ret, struct err_note *reterr);

#endif

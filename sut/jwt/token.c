#include "sut/jwt/token.h"

#include <errno.h>
#include <jwt.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/str.h"
#include "common/sys/entropy.h"

static void jwt_free_auto(jwt_t **jwt)
{
        jwt_free(*jwt);
}
#define AUTO_JWT __attribute__((cleanup(jwt_free_auto))) jwt_t

enum err token_issue(const struct token_key *key, const struct token_claims *claims, char dst[static TOKEN_BYTES_MAX])
{
        AUTO_JWT *jwt = NULL;
        char *text;
        enum err e;

        if (jwt_new(&jwt)) return ERR_NOMEM;
        if (jwt_add_header(jwt, "kid", key->kid) || jwt_add_grant(jwt, "sub", claims->subject) || jwt_add_grant(jwt, "kind", claims->kind) ||
            jwt_add_grant_int(jwt, "iat", claims->issued_s) || jwt_add_grant_int(jwt, "nbf", claims->issued_s) ||
            jwt_add_grant_int(jwt, "exp", claims->expires_s) || jwt_set_alg(jwt, JWT_ALG_HS256, key->secret, TOKEN_KEY_BYTES))
                return ERR_NOMEM;
        if (claims->session[0] && jwt_add_grant(jwt, "sid", claims->session)) return ERR_NOMEM;
        text = jwt_encode_str(jwt);
        if (!text) return ERR_NOMEM;
        e = str_copy(dst, TOKEN_BYTES_MAX, text);
        free(text); /* libjwt's own block */
        return e;
}

/* The header's key name says which key to check with; it is read without trust. */
static const struct token_key *key_of(const struct token_keys *keys, const char *token, enum err *ret_e)
{
        AUTO_JWT *jwt = NULL;
        const char *kid;

        *ret_e = ERR_PARSE;
        if (strlen(token) >= TOKEN_BYTES_MAX || jwt_decode(&jwt, token, NULL, 0)) return NULL;
        *ret_e = ERR_NOT_FOUND;
        kid = jwt_get_header(jwt, "kid");
        for (int i = 0; kid && i < keys->count; i++)
                if (str_eq(keys->keys[i].kid, kid)) return &keys->keys[i];
        return NULL;
}

static enum err time_check(const struct token_claims *c, int64_t not_before_s, int64_t now_s, int64_t leeway_s, struct err_note *reterr)
{
        if (now_s >= c->expires_s + leeway_s)
                return err_note(reterr, ERR_TIMEOUT, "the token expired %lld s ago", (long long)(now_s - c->expires_s));
        if (now_s + leeway_s < not_before_s)
                return err_note(reterr, ERR_STATE, "the token is valid only in %lld s: do the clocks differ?", (long long)(not_before_s - now_s));
        return ERR_OK;
}

enum err token_check(const struct token_keys *keys, const char *token, const char *kind, int64_t now_s, int64_t leeway_s, struct token_claims *ret,
                     struct err_note *reterr)
{
        AUTO_JWT *jwt = NULL;
        struct token_claims claims = { 0 };
        const char *subject, *said, *session;
        enum err e;
        const struct token_key *key = key_of(keys, token, &e);

        if (!key) return err_note(reterr, e, e == ERR_PARSE ? "this is not a token" : "the token is signed with an unknown key");
        if (jwt_decode(&jwt, token, key->secret, TOKEN_KEY_BYTES) || jwt_get_alg(jwt) != JWT_ALG_HS256)
                return err_note(reterr, ERR_DENIED, "the token's signature is wrong");
        subject = jwt_get_grant(jwt, "sub");
        said = jwt_get_grant(jwt, "kind");
        if (!subject || !said || str_copy(claims.subject, sizeof claims.subject, subject) || str_copy(claims.kind, sizeof claims.kind, said))
                return err_note(reterr, ERR_DENIED, "the token says not for whom or for what it is");
        session = jwt_get_grant(jwt, "sid");
        if (session && str_copy(claims.session, sizeof claims.session, session)) return err_note(reterr, ERR_DENIED, "the token's session is none of ours");
        if (!str_eq(said, kind)) return err_note(reterr, ERR_DENIED, "this is a token for '%s', needed is one for '%s'", claims.kind, kind);
        claims.issued_s = jwt_get_grant_int(jwt, "iat");
        claims.expires_s = jwt_get_grant_int(jwt, "exp");
        e = time_check(&claims, jwt_get_grant_int(jwt, "nbf"), now_s, leeway_s, reterr);
        if (!e) *ret = claims;
        return e;
}

void token_keys_rotate(struct token_keys *keys, int keep)
{
        CHECK(keep >= 1 && keep <= TOKEN_KEYS_MAX);
        keys->count = MIN(keys->count, keep - 1);
        memmove(&keys->keys[1], &keys->keys[0], (size_t)keys->count * sizeof keys->keys[0]);
        entropy_bytes(keys->keys[0].secret, TOKEN_KEY_BYTES);
        entropy_hex(keys->keys[0].kid, 8);
        keys->count++;
}

static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
enum { KEY_TEXT_BYTES = (TOKEN_KEY_BYTES * 4 + 2) / 3 };

static void key_text(const uint8_t *secret, char *dst)
{
        uint32_t bits = 0;
        int have = 0;

        for (int i = 0; i < TOKEN_KEY_BYTES; i++) {
                bits = bits << 8 | secret[i];
                have += 8;
                for (; have >= 6; have -= 6) *dst++ = digits64[bits >> (have - 6) & 63];
        }
        if (have) *dst++ = digits64[bits << (6 - have) & 63];
        *dst = '\0';
}

static bool key_bytes(const char *text, uint8_t *secret)
{
        uint32_t bits = 0;
        int have = 0, count = 0;

        if (strlen(text) != KEY_TEXT_BYTES) return false;
        for (; *text; text++) {
                const char *at = strchr(digits64, *text);

                if (!at) return false;
                bits = bits << 6 | (uint32_t)(at - digits64);
                have += 6;
                if (have < 8) continue;
                have -= 8;
                secret[count++] = (uint8_t)(bits >> have);
        }
        return count == TOKEN_KEY_BYTES;
}

struct json *token_keys_json(const struct token_keys *keys)
{
        struct json *body = json_object(), *list = json_array();
        char text[KEY_TEXT_BYTES + 1];

        for (int i = 0; i < keys->count; i++) {
                struct json *key = json_object();

                key_text(keys->keys[i].secret, text);
                json_set_str(key, "kty", "oct");
                json_set_str(key, "alg", "HS256");
                json_set_str(key, "kid", keys->keys[i].kid);
                json_set_str(key, "k", text);
                json_push(list, key);
        }
        json_set(body, "keys", list);
        return body;
}

enum err token_keys_parse(const struct json *j, struct token_keys *ret, struct err_note *reterr)
{
        struct token_keys keys = { 0 };

        JSON_EACH(key, json_get(j, "keys")) {
                struct token_key *to = &keys.keys[keys.count];

                if (keys.count == TOKEN_KEYS_MAX) return err_note(reterr, ERR_LIMIT, "more than %d keys", TOKEN_KEYS_MAX);
                if (str_copy(to->kid, sizeof to->kid, json_get_str(key, "kid", "")) || !to->kid[0] || !key_bytes(json_get_str(key, "k", ""), to->secret))
                        return err_note(reterr, ERR_PARSE, "key %d is not one of ours", keys.count + 1);
                keys.count++;
        }
        if (keys.count == 0) return err_note(reterr, ERR_PARSE, "there are no keys");
        *ret = keys;
        return ERR_OK;
}

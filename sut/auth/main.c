/* sut-auth: who is who. Short-lived access tokens (JWT, HS256), refresh tokens, rotating keys.
 *   POST /login {"email","password"}      access_token, refresh_token, expires_in
 *   POST /refresh {"refresh_token"}       the same, without a password
 *   POST /logout {"refresh_token"}        ends the session
 *   GET /keys                             the keys that check tokens (for the gateway, inside the stack) */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/metrics/metrics.h"
#include "common/sys/clock.h"
#include "common/sys/file.h"
#include "common/sys/log.h"
#include "sut/auth/auth_password.h"
#include "sut/auth/auth_session.h"
#include "sut/kit/request.h"
#include "sut/kit/service.h"

enum auth_knob {
        AUTH_LOG_LEVEL,
        AUTH_JWT_TTL_S,
        AUTH_REFRESH_TTL_S,
        AUTH_LEEWAY_S,
        AUTH_CLOCK_OFFSET_MS,
        AUTH_KEY_ROTATION_S,
        AUTH_KEYS_KEPT,
        AUTH_HASH_ROUNDS,
        AUTH_SESSION_TIMEOUT_MS,
        AUTH_SESSION_POOL_SIZE,
        AUTH_WORKER_THREADS,
        AUTH_QUEUE_MAX,
        AUTH_QUEUE_WAIT_MS,
        AUTH_KNOB_COUNT
};

static const struct knob auth_knobs[AUTH_KNOB_COUNT] = {
        [AUTH_LOG_LEVEL] = KIT_KNOB_LOG_LEVEL,
        [AUTH_JWT_TTL_S] = KNOB_INT("jwt_ttl_s", 300, 1, 86400, "s", "Tokens", "Life of an access token",
                "Tokens are refused by the gateway this long after they were issued. Users whose journey takes longer get 401."),
        [AUTH_REFRESH_TTL_S] = KNOB_INT("refresh_ttl_s", 3600, 1, 604800, "s", "Tokens", "Life of a refresh token", "How long a user can get new access tokens without a password."),
        [AUTH_LEEWAY_S] = KNOB_INT("leeway_s", 5, 0, 600, "s", "Tokens", "Leeway", "How far clocks may differ when a refresh token is checked."),
        [AUTH_CLOCK_OFFSET_MS] = KNOB_INT("clock_offset_ms", 0, -86400000, 86400000, "ms", "Clock", "Clock offset",
                "This service's clock is off by so much. Ahead: its tokens are not valid yet elsewhere. Behind: they expire early."),
        [AUTH_KEY_ROTATION_S] = KNOB_INT("key_rotation_s", 900, 1, 86400, "s", "Keys", "Key rotation", "How often a new signing key is made."),
        [AUTH_KEYS_KEPT] = KNOB_INT("keys_kept", 3, 1, TOKEN_KEYS_MAX, "", "Keys", "Keys kept",
                "So many of the newest keys still check tokens. With 1, every rotation makes all tokens that are out worthless."),
        [AUTH_HASH_ROUNDS] = KNOB_INT("hash_rounds", 1000, AUTH_ROUNDS_MIN, AUTH_ROUNDS_MAX, "rounds", "Passwords", "Password hash rounds",
                "Cost of checking a password: processor time of each login grows with it."),
        [AUTH_SESSION_TIMEOUT_MS] = KNOB_INT("session_timeout_ms", 100, 1, 10000, "ms", "Sessions", "Session timeout",
                "Longest wait for the cache that keeps the sessions. After it a login gets no refresh token, and a refresh fails with 503."),
        [AUTH_SESSION_POOL_SIZE] = KNOB_INT("session_pool_size", 4, 1, 32, "connections", "Sessions", "Connections to the cache",
                "Most connections; a login waits for a free one at most the session timeout."),
        [AUTH_WORKER_THREADS] = KNOB_INT("worker_threads", 4, 1, 16, "threads", "Workers", "Worker threads", "How many logins are worked on at once."),
        [AUTH_QUEUE_MAX] = KNOB_INT("queue_max", 16, 0, 32, "requests", "Workers", "Queue limit", "Logins that may wait for a worker; beyond it 503."),
        [AUTH_QUEUE_WAIT_MS] = KNOB_INT("queue_wait_ms", 1000, 1, 30000, "ms", "Workers", "Longest wait in the queue", "Then 503."),
};

enum { KEYS_BYTES_MAX = 16384 };

struct auth {
        struct kit *kit;
        struct kit_config *config;
        int64_t born_offset_ms; /* FIREDRILL_CLOCK_OFFSET_MS: a skewed machine, not a setting */
        pthread_mutex_t lock;   /* guards keys */
        struct token_keys keys;
        int64_t rotated_ms; /* monotonic */
        char keys_path[FILE_PATH_BYTES];
        struct auth_sessions *sessions; /* NULL: this stack has no cache, and refresh tokens stand alone */
        struct metrics_family *logins;
        struct metrics_series *rotations;
};

static int64_t now_s(struct auth *a)
{
        return (clock_wall_ms() + a->born_offset_ms + kit_config_int(a->config, AUTH_CLOCK_OFFSET_MS)) / 1000;
}

/* Keys outlive a restart, so that a restart does not sign everybody out. */
static void keys_save(struct auth *a, const struct token_keys *keys)
{
        AUTO(json_free) struct json *body = token_keys_json(keys);
        struct err_note note = { .text = "out of memory" };
        AUTO_BUF text;
        enum err e;

        buf_init(&text, KEYS_BYTES_MAX);
        e = json_print(body, &text);
        if (!e) e = file_write_atomic(a->keys_path, text.data, text.size_bytes, 0600, false, &note);
        if (e) log_text(LOG_ERROR, "key.not_stored", "%s", note.text);
}

static enum err keys_load(struct auth *a, struct err_note *reterr)
{
        AUTO(json_free) struct json *body = NULL;
        AUTO_BUF text;
        enum err e;

        buf_init(&text, KEYS_BYTES_MAX);
        if (!file_exists(a->keys_path)) return ERR_OK;
        e = file_read(a->keys_path, &text, reterr);
        if (!e) e = json_parse(text.data, text.size_bytes, &body, reterr);
        if (!e) e = token_keys_parse(body, &a->keys, reterr);
        if (e) err_note_prefix(reterr, "%s", a->keys_path);
        return e;
}

static void rotate(struct auth *a, int64_t now_ms)
{
        struct token_keys keys;

        pthread_mutex_lock(&a->lock);
        token_keys_rotate(&a->keys, (int)kit_config_int(a->config, AUTH_KEYS_KEPT));
        a->rotated_ms = now_ms;
        keys = a->keys;
        pthread_mutex_unlock(&a->lock);
        metrics_add(a->rotations, 1);
        keys_save(a, &keys);
}

static void auth_tick(void *ctx, int64_t now_ms)
{
        struct auth *a = ctx;

        if (now_ms - a->rotated_ms < kit_config_int(a->config, AUTH_KEY_ROTATION_S) * 1000) return;
        rotate(a, now_ms);
        log_text(LOG_INFO, "key.rotated", "a new key signs from now on");
}

/* session: of a refresh token; "" for none. */
static enum err issue(struct auth *a, const char *subject, const char *kind, const char *session, size_t ttl_knob, char dst[static TOKEN_BYTES_MAX])
{
        struct token_claims claims = { .issued_s = now_s(a) };
        struct token_key key;

        claims.expires_s = claims.issued_s + kit_config_int(a->config, ttl_knob);
        str_cut(claims.subject, sizeof claims.subject, subject);
        str_cut(claims.kind, sizeof claims.kind, kind);
        str_cut(claims.session, sizeof claims.session, session);
        pthread_mutex_lock(&a->lock);
        key = a->keys.keys[0];
        pthread_mutex_unlock(&a->lock);
        return token_issue(&key, &claims, dst);
}

/* session: NULL gives no refresh token. */
static void reply_tokens(struct kit_request *r, struct auth *a, const char *subject, const char *session)
{
        char access[TOKEN_BYTES_MAX], refresh[TOKEN_BYTES_MAX];
        enum err e = issue(a, subject, "access", "", AUTH_JWT_TTL_S, access);
        struct json *body;

        if (!e && session) e = issue(a, subject, "refresh", session, AUTH_REFRESH_TTL_S, refresh);
        if (e) {
                kit_reply_err(r, e, &(struct err_note){ .text = "cannot issue a token" });
                return;
        }
        body = json_object();
        json_set_str(body, "access_token", access);
        json_set_str(body, "token_type", "Bearer");
        json_set_num(body, "expires_in", (double)kit_config_int(a->config, AUTH_JWT_TTL_S));
        if (session) json_set_str(body, "refresh_token", refresh);
        kit_reply_header(r, "Cache-Control", "no-store");
        kit_reply_json(r, 200, body);
}

/* Without the cache a user is let in all the same, for the life of one access token. */
static void reply_signed_in(struct kit_request *r, struct auth *a, const char *subject)
{
        const struct trace *trace = kit_request_trace(r);
        char session[TOKEN_SESSION_BYTES] = "";
        struct err_note note;

        if (a->sessions && auth_session_begin(a->sessions, trace, subject, kit_config_int(a->config, AUTH_REFRESH_TTL_S), session, &note)) {
                log_event(LOG_WARN, "session.not_stored", note.text, KIT_TRACE_FIELDS(trace));
                reply_tokens(r, a, subject, NULL);
                return;
        }
        reply_tokens(r, a, subject, session);
}

static void post_login(struct kit_request *r, void *ctx)
{
        struct auth *a = ctx;
        AUTO(json_free) struct json *body = NULL;
        const char *email, *password;
        enum err e;

        if (!kit_request_json(r, &body)) return;
        email = json_get_str(body, "email", "");
        password = json_get_str(body, "password", "");
        if (!email[0] || !password[0] || strlen(email) >= TOKEN_SUBJECT_BYTES) {
                kit_reply_problem(r, 422, "INVAL", "/email and /password must be given");
                return;
        }
        e = auth_password_check(email, password, (int)kit_config_int(a->config, AUTH_HASH_ROUNDS));
        metrics_add(metrics_at(a->logins, e ? "denied" : "ok"), 1);
        if (e == ERR_DENIED)
                kit_reply_problem(r, 401, "DENIED", "e-mail or password is wrong");
        else if (e)
                kit_reply_err(r, e, &(struct err_note){ .text = "out of memory" });
        else
                reply_signed_in(r, a, email);
}

/* The refresh token of the body. False: already answered. */
static bool refresh_claims(struct kit_request *r, struct auth *a, struct token_claims *ret)
{
        AUTO(json_free) struct json *body = NULL;
        struct token_keys keys;
        struct err_note note;
        enum err e;

        if (!kit_request_json(r, &body)) return false;
        pthread_mutex_lock(&a->lock);
        keys = a->keys;
        pthread_mutex_unlock(&a->lock);
        e = token_check(&keys, json_get_str(body, "refresh_token", ""), "refresh", now_s(a), kit_config_int(a->config, AUTH_LEEWAY_S), ret, &note);
        if (!e) return true;
        metrics_add(metrics_at(a->logins, "refresh_denied"), 1);
        kit_reply_problem(r, 401, "DENIED", "%s", note.text);
        return false;
}

static void post_refresh(struct kit_request *r, void *ctx)
{
        struct auth *a = ctx;
        struct token_claims claims;
        struct err_note note;
        enum err e = ERR_OK;

        if (!refresh_claims(r, a, &claims)) return;
        if (a->sessions)
                e = auth_session_renew(a->sessions, kit_request_trace(r), claims.session, claims.subject, kit_config_int(a->config, AUTH_REFRESH_TTL_S), &note);
        metrics_add(metrics_at(a->logins, e ? "refresh_denied" : "refreshed"), 1);
        if (e == ERR_NOT_FOUND)
                kit_reply_problem(r, 401, "SESSION_OVER", "%s", note.text);
        else if (e)
                kit_reply_problem(r, 503, "SESSIONS_AWAY", "the sessions cannot be read now: %s", note.text);
        else
                reply_tokens(r, a, claims.subject, claims.session);
}

static void post_logout(struct kit_request *r, void *ctx)
{
        struct auth *a = ctx;
        struct token_claims claims;
        struct err_note note;

        if (!refresh_claims(r, a, &claims)) return;
        if (!a->sessions)
                kit_reply_problem(r, 409, "STATE", "this stack keeps no sessions; the tokens end by themselves");
        else if (auth_session_end(a->sessions, kit_request_trace(r), claims.session, &note))
                kit_reply_problem(r, 503, "SESSIONS_AWAY", "the session cannot be ended now: %s", note.text);
        else
                kit_reply_json(r, 200, json_object());
}

static void get_keys(struct kit_request *r, void *ctx)
{
        struct auth *a = ctx;
        struct token_keys keys;

        pthread_mutex_lock(&a->lock);
        keys = a->keys;
        pthread_mutex_unlock(&a->lock);
        kit_reply_header(r, "Cache-Control", "no-store");
        kit_reply_json(r, 200, token_keys_json(&keys));
}

static struct redis_pool_limits session_limits(struct auth *a)
{
        return (struct redis_pool_limits){ .size = (int)kit_config_int(a->config, AUTH_SESSION_POOL_SIZE),
                                           .timeout_ms = kit_config_int(a->config, AUTH_SESSION_TIMEOUT_MS) };
}

static void auth_changed(void *ctx)
{
        struct auth *a = ctx;
        const struct redis_pool_limits limits = session_limits(a);

        if (a->sessions) auth_sessions_set(a->sessions, &limits);
}

static void auth_health(void *ctx, struct kit_health *h)
{
        struct auth *a = ctx;
        bool is_ok = !a->sessions || auth_sessions_ok(a->sessions);

        kit_health_check(h, "sessions", is_ok, false, "%s", is_ok ? "ok" : "the cache does not keep them: logins get no refresh token");
}

static void auth_stop(void *ctx)
{
        struct auth *a = ctx;

        auth_sessions_free(a->sessions);
        pthread_mutex_destroy(&a->lock);
        mem_free(a);
}

static enum err auth_start(struct kit *k, void **ret_ctx, struct err_note *reterr)
{
        struct auth *a = mem_zalloc(1, sizeof *a);
        const char *offset = getenv("FIREDRILL_CLOCK_OFFSET_MS");
        struct redis_pool_limits limits;
        enum err e;

        if (!a) return err_note(reterr, ERR_NOMEM, "out of memory");
        if (offset && str_parse_i64(offset, -86400000, 86400000, &a->born_offset_ms)) {
                mem_free(a);
                return err_note(reterr, ERR_INVAL, "FIREDRILL_CLOCK_OFFSET_MS '%s' is not a number of milliseconds within a day", offset);
        }
        pthread_mutex_init(&a->lock, NULL);
        a->kit = k;
        a->config = kit_config(k);
        a->logins = metrics_counter(kit_metrics(k), "auth_logins_total", "Logins and refreshes by outcome.", "outcome");
        a->rotations = metrics_one(metrics_counter(kit_metrics(k), "auth_key_rotations_total", "New signing keys.", ""));
        e = path_join(a->keys_path, kit_data_dir(k), "keys.json");
        if (!e) e = keys_load(a, reterr);
        limits = session_limits(a);
        if (!e && kit_upstream_address(k, "cache")) e = auth_sessions_new(k, &limits, &a->sessions);
        if (e) {
                auth_stop(a);
                return e;
        }
        if (a->keys.count == 0) rotate(a, clock_mono_ms());
        a->rotated_ms = clock_mono_ms();
        kit_route(k, KIT_WORK, "POST", "/login", post_login);
        kit_route(k, KIT_WORK, "POST", "/refresh", post_refresh);
        kit_route(k, KIT_WORK, "POST", "/logout", post_logout);
        kit_route(k, KIT_DIRECT, "GET", "/keys", get_keys);
        *ret_ctx = a;
        return ERR_OK;
}

int main(int argc, char **argv)
{
        static const struct kit_worker_knobs workers = { AUTH_WORKER_THREADS, AUTH_QUEUE_MAX, AUTH_QUEUE_WAIT_MS };
        static const struct kit_spec spec = {
                .name = "auth", .title = "Auth service", .knobs = auth_knobs, .knob_count = AUTH_KNOB_COUNT, .http_threads = 48, .workers = &workers,
                .start = auth_start, .changed = auth_changed, .health = auth_health, .tick = auth_tick, .tick_ms = 250, .stop = auth_stop,
        };

        return kit_main(&spec, argc, argv);
}

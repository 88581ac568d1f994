#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/sys/log.h"
#include "sut/gateway/gateway.h"
#include "sut/jwt/token.h"

enum { KEYS_AGAIN_MS = 100 };

/* lock guards keys and times; one thread fetches at a time (fetching); who needs a key
 * that is not there waits for it. */
struct gateway_keys {
        struct gateway *gateway;
        pthread_mutex_t lock;
        pthread_cond_t fetched; /* a fetch has ended */
        struct token_keys keys;
        int64_t tried_ms, fetched_ms; /* monotonic; 0: never */
        bool fetching;
        struct metrics_series *fetches_ok, *fetches_failed;
};

enum err gateway_keys_new(struct gateway *g, struct gateway_keys **ret)
{
        struct gateway_keys *k = mem_zalloc(1, sizeof *k);
        struct metrics_family *fetches = metrics_counter(kit_metrics(g->kit), "gateway_key_fetches_total", "Fetches of auth's keys.", "outcome");

        if (!k) return ERR_NOMEM;
        pthread_mutex_init(&k->lock, NULL);
        pthread_cond_init(&k->fetched, NULL);
        k->gateway = g;
        k->fetches_ok = metrics_at(fetches, "ok");
        k->fetches_failed = metrics_at(fetches, "failed");
        *ret = k;
        return ERR_OK;
}

void gateway_keys_free(struct gateway_keys *k)
{
        if (!k) return;
        pthread_cond_destroy(&k->fetched);
        pthread_mutex_destroy(&k->lock);
        mem_free(k);
}

static bool fetch_begin(struct gateway_keys *k, int64_t now_ms, int64_t older_than_ms)
{
        bool mine;

        pthread_mutex_lock(&k->lock);
        mine = !k->fetching && (!k->fetched_ms || now_ms - k->fetched_ms >= older_than_ms) && (!k->tried_ms || now_ms - k->tried_ms >= KEYS_AGAIN_MS);
        if (mine) {
                k->fetching = true;
                k->tried_ms = now_ms;
        }
        pthread_mutex_unlock(&k->lock);
        return mine;
}

static void fetch(struct gateway_keys *k, const struct trace *trace)
{
        struct kit_upstream_call call = { .method = "GET", .path = "/keys", .trace = trace, .idempotent = true };
        AUTO(json_free) struct json *body = NULL;
        struct token_keys keys;
        struct http_response response;
        struct err_note note = { 0 };
        enum err e;

        http_response_init(&response);
        e = kit_upstream_send(k->gateway->auth, &call, &response, &note);
        if (!e && response.status != 200) e = err_note(&note, ERR_UNAVAILABLE, "auth answered %d", response.status);
        if (!e) e = json_parse(response.body.data, response.body.size_bytes, &body, &note);
        if (!e) e = token_keys_parse(body, &keys, &note);
        http_response_done(&response);
        metrics_add(e ? k->fetches_failed : k->fetches_ok, 1);
        if (e) log_text(LOG_WARN, "keys.not_fetched", "%s", note.text);
        pthread_mutex_lock(&k->lock);
        k->fetching = false;
        if (!e) {
                k->keys = keys;
                k->fetched_ms = clock_mono_ms();
        }
        pthread_cond_broadcast(&k->fetched);
        pthread_mutex_unlock(&k->lock);
}

void gateway_keys_tick(struct gateway_keys *k, int64_t now_ms)
{
        if (fetch_begin(k, now_ms, kit_config_int(k->gateway->config, GATEWAY_KEYS_REFRESH_S) * 1000)) fetch(k, NULL);
}

static struct token_keys keys_now(struct gateway_keys *k, bool wait)
{
        struct token_keys keys;

        pthread_mutex_lock(&k->lock);
        while (wait && k->fetching) pthread_cond_wait(&k->fetched, &k->lock); /* as long as a call to auth may take */
        keys = k->keys;
        pthread_mutex_unlock(&k->lock);
        return keys;
}

static enum err check(struct gateway *g, struct kit_request *r, const char *token, struct err_note *reterr)
{
        int64_t now_s = (clock_wall_ms() + kit_config_int(g->config, GATEWAY_CLOCK_OFFSET_MS)) / 1000, leeway_s = kit_config_int(g->config, GATEWAY_LEEWAY_S);
        struct token_keys keys = keys_now(g->keys, false);
        struct token_claims claims;
        enum err e = token_check(&keys, token, "access", now_s, leeway_s, &claims, reterr);

        if (e != ERR_NOT_FOUND) return e;
        if (fetch_begin(g->keys, clock_mono_ms(), 0)) fetch(g->keys, kit_request_trace(r)); /* auth may have a new key */
        keys = keys_now(g->keys, true);
        return token_check(&keys, token, "access", now_s, leeway_s, &claims, reterr);
}

bool gateway_token_admits(struct gateway *g, struct kit_request *r, bool needed)
{
        int mode = kit_config_choice(g->config, GATEWAY_TOKEN_MODE);
        const char *header = kit_request_header(r, "Authorization");
        struct err_note note = { 0 };
        enum err e;

        if (mode == TOKEN_OFF || !g->keys) return true;
        if (!header) {
                if (mode == TOKEN_OPTIONAL || !needed) return true;
                metrics_add(metrics_at(g->tokens, "missing"), 1);
                kit_reply_header(r, "WWW-Authenticate", "Bearer");
                kit_reply_problem(r, 401, "TOKEN_MISSING", "sign in first: this needs the header Authorization: Bearer TOKEN");
                return false;
        }
        e = check(g, r, str_starts(header, "Bearer ") ? header + strlen("Bearer ") : header, &note);
        metrics_add(metrics_at(g->tokens, e == ERR_OK ? "good" : e == ERR_TIMEOUT ? "expired" : e == ERR_STATE ? "not_yet_valid" : e == ERR_NOT_FOUND ? "unknown_key" : "bad"), 1);
        if (!e) return true;
        log_event(LOG_WARN, "token.refused", note.text, KIT_TRACE_FIELDS(kit_request_trace(r)));
        kit_reply_header(r, "WWW-Authenticate", "Bearer error=\"invalid_token\"");
        kit_reply_problem(r, 401, "TOKEN_REFUSED", "%s", note.text);
        return false;
}

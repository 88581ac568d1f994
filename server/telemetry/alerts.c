#include "server/telemetry/alerts.h"

#include <stdio.h>
#include <string.h>

#include "common/base/hash.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/text/json.h"

enum { ALERTS_ADDRESS_BYTES = 64, ALERTS_URL_BYTES = 256, ALERTS_ANSWER_BYTES_MAX = 4 << 20, ALERTS_CONNECT_MS = 1000 };

/* The number from where on is asked: none yet (the first answer says where "now" is), or of the last line seen. A logproc that began a new
 * archive counts anew, and gives all of it to whoever asks with a number of the old one. */
struct alerts {
        struct http_async *http;
        struct http_ticket *ticket; /* NULL: none under way */
        struct loop_timer *timer;
        char address[ALERTS_ADDRESS_BYTES];
        alerts_fn *fn;
        void *ctx;
        int64_t after;
        bool is_placed;
        uint64_t told[ALERTS_TOLD_MAX]; /* a ring: which alert, since when, firing or resolved */
        size_t told_next;
};

static bool alert_is_new(struct alerts *a, const struct json *line)
{
        static const char *const parts[] = {"fingerprint", "alert", "on", "starts_at", "status"};
        uint64_t hash = hash_fnv_str("");

        for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
                const char *part = json_get_str(line, parts[i], "");

                hash = hash_fnv(hash, part, strlen(part) + 1);
        }
        for (size_t i = 0; i < ALERTS_TOLD_MAX; i++)
                if (a->told[i] == hash) return false;
        a->told[a->told_next++ % ALERTS_TOLD_MAX] = hash;
        return true;
}

static void alerts_tell(struct alerts *a, const struct json *line)
{
        const struct alert alert = {.name = json_get_str(line, "alert", ""),
                                    .on = json_get_str(line, "on", ""),
                                    .summary = json_get_str(line, "message", ""),
                                    .is_resolved = str_eq(json_get_str(line, "status", ""), "resolved")};

        if (alert.name[0] && alert_is_new(a, line)) a->fn(a->ctx, &alert);
}

static void alerts_ask(struct alerts *a);

static void alerts_answered(void *ctx, enum err e, const struct err_note *note, const struct http_response *r)
{
        struct alerts *a = ctx;
        AUTO(json_free) struct json *j = NULL;

        (void)note;
        a->ticket = NULL;
        if (e || r->status != 200 || json_parse(r->body.data, r->body.size_bytes, &j, NULL)) return; /* the timer asks again */
        JSON_EACH(line, json_get(j, "lines")) alerts_tell(a, line);
        a->after = json_get_int(j, "last", a->after);
        a->is_placed = true;
        alerts_ask(a);
}

static void alerts_ask(struct alerts *a)
{
        char url[ALERTS_URL_BYTES], place[64] = "";
        struct http_request r = {.url = url,
                                 .connect_timeout_ms = ALERTS_CONNECT_MS,
                                 .timeout_ms = ALERTS_WAIT_MS * 2,
                                 .body_bytes_max = ALERTS_ANSWER_BYTES_MAX};

        /* An archive that is still empty has no line 0: from its start then. */
        if (a->is_placed) (void)snprintf(place, sizeof(place), "&after=%lld&wait_ms=%d", (long long)(a->after ? a->after : -1), ALERTS_WAIT_MS);
        (void)snprintf(url, sizeof(url), "http://%s/logs/tail?service=alertmanager&event=alert&limit=%d%s", a->address, ALERTS_PAGE, place);
        if (http_async_start(a->http, &r, alerts_answered, a, &a->ticket)) a->ticket = NULL;
}

static void alerts_tick(void *ctx)
{
        struct alerts *a = ctx;

        if (!a->ticket) alerts_ask(a);
}

enum err alerts_new(struct loop *loop, struct http_async *http, const char *logproc, alerts_fn *fn, void *ctx, struct alerts **ret)
{
        AUTO(alerts_free) struct alerts *a = mem_zalloc(1, sizeof(*a));
        enum err e;

        if (!a) return ERR_NOMEM;
        a->http = http;
        a->fn = fn;
        a->ctx = ctx;
        str_cut(a->address, sizeof(a->address), logproc);
        e = loop_timer_add(loop, 0, ALERTS_AGAIN_MS, alerts_tick, a, &a->timer);
        if (e) return e;
        *ret = take(&a);
        return ERR_OK;
}

void alerts_free(struct alerts *a)
{
        if (!a) return;
        http_async_cancel(a->ticket);
        loop_timer_remove(a->timer);
        mem_free(a);
}

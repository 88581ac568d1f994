/* The routes that every service has: /healthz, /metrics, /config. */
#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/sys/fault_page.h"
#include "common/sys/log.h"
#include "sut/kit/inside.h"
#include "sut/kit/request.h"

enum { METRICS_BYTES_MAX = 4 << 20 };

static void get_healthz(struct kit_request *r, void *ctx)
{
        struct kit *k = ctx;
        struct kit_health h = { .serving = true, .checks = json_object() };
        struct json *body = json_object();
        char version[32], published[sizeof k->published_state];
        bool published_ok;

        pthread_mutex_lock(&k->lock);
        str_cut(published, sizeof published, k->published_state);
        published_ok = k->published_ok;
        pthread_mutex_unlock(&k->lock);
        if (published[0]) kit_health_check(&h, "published_config", published_ok, false, "%s", published);
        if (k->spec->health) k->spec->health(k->ctx, &h);
        kit_config_version(k->config, version, sizeof version);
        json_set_str(body, "status", !h.serving ? "down" : h.degraded ? "degraded" : "ok");
        json_set_str(body, "service", k->args.name);
        json_set_str(body, "version", version);
        json_set_num(body, "uptime_s", (double)((clock_mono_ms() - k->started_ms) / 1000));
        json_set(body, "checks", h.checks);
        kit_reply_json(r, h.serving ? 200 : 503, body);
}

static void get_metrics(struct kit_request *r, void *ctx)
{
        struct kit *k = ctx;
        const char *accept = kit_request_header(r, "Accept");
        bool openmetrics = accept && strstr(accept, "application/openmetrics-text");
        AUTO_BUF text;

        buf_init(&text, METRICS_BYTES_MAX);
        fault_page_follow(); /* each scrape, so that a leak shows in the figures it is part of */
        if (metrics_write(k->metrics, openmetrics, &text))
                kit_reply_problem(r, 503, "NOMEM", "out of memory");
        else
                kit_reply_bytes(r, 200,
                                openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8" : "text/plain; version=0.0.4; charset=utf-8",
                                text.data, text.size_bytes);
}

static void get_config(struct kit_request *r, void *ctx)
{
        struct kit *k = ctx;
        struct json *body;

        if (k->spec->refresh) k->spec->refresh(k->ctx);
        body = kit_config_json(k->config);
        json_set_str(body, "service", k->args.name);
        kit_reply_json(r, 200, body);
}

static void get_history(struct kit_request *r, void *ctx)
{
        kit_reply_json(r, 200, kit_config_history(((struct kit *)ctx)->config));
}

static void header_or(struct kit_request *r, const char *name, const char *otherwise, char *dst, size_t dst_bytes)
{
        const char *text = kit_request_header(r, name);

        str_cut(dst, dst_bytes, text && text[0] ? text : otherwise);
}

static void patch_config(struct kit_request *r, void *ctx)
{
        struct kit *k = ctx;
        AUTO(json_free) struct json *patch = NULL;
        AUTO(json_free) struct json *findings = NULL;
        struct json *changed = NULL, *body;
        char author[CONFIG_AUTHOR_BYTES], reason[CONFIG_REASON_BYTES];
        struct err_note note = { 0 };
        enum err e;

        if (!kit_request_json(r, &patch)) return;
        header_or(r, "X-Author", "unknown", author, sizeof author);
        header_or(r, "X-Reason", "", reason, sizeof reason);
        e = kit_config_patch(k->config, patch, author, reason, clock_wall_ms(), &changed, &findings, &note);
        if (e) {
                log_event(LOG_WARN, "config.refused", note.text, KIT_TRACE_FIELDS(kit_request_trace(r)), LOG_S("author", author));
                if (findings)
                        kit_reply_findings(r, 422, "INVAL", note.text, take(&findings));
                else
                        kit_reply_err(r, e, &note);
                return;
        }
        body = json_object();
        json_set_num(body, "revision", (double)kit_config_revision(k->config));
        json_set(body, "config", kit_config_values(k->config));
        json_set(body, "changed", changed);
        kit_reply_json(r, 200, body);
}

void kit_builtin_routes(struct kit *k)
{
        static const struct {
                const char *method, *pattern;
                kit_handler *handler;
        } rows[] = {
                { "GET", "/healthz", get_healthz }, { "GET", "/metrics", get_metrics }, { "GET", "/config", get_config },
                { "PATCH", "/config", patch_config }, { "GET", "/config/history", get_history },
        };

        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                kit_route(k, KIT_DIRECT, rows[i].method, rows[i].pattern, rows[i].handler);
                k->routes[k->route_count - 1].builtin = true;
        }
}

/* Alertmanager's webhook, version 4 (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config): a group of alerts, each
 * firing or resolved. Each becomes one line, so that alerts are searched, followed and kept like everything else that is said. */
#include "common/base/str.h"
#include "sut/logproc/record_inside.h"

static void add_alert(struct record_batch *b, const struct json *alert, int64_t now_ms)
{
        const struct json *labels = json_get(alert, "labels");
        const char *status = json_get_str(alert, "status", ""), *name = json_get_str(labels, "alertname", "");
        const char *severity = json_get_str(labels, "severity", "");
        bool is_firing = str_eq(status, "firing");
        AUTO(json_free) struct json *fields = json_object();
        struct record_log r = {.at_ms = now_ms, .service = "alertmanager", .instance = "alertmanager-1", .version = "", .event = "alert",
                               .trace_id = "", .span_id = ""};

        if (!name[0] || (!is_firing && !str_eq(status, "resolved"))) {
                b->dropped_count++;
                return;
        }
        r.level = !is_firing ? RECORD_INFO : str_eq(severity, "page") ? RECORD_ERROR : RECORD_WARN;
        json_set_str(fields, "status", status);
        json_set_str(fields, "alert", name);
        json_set_str(fields, "on", json_get_str(labels, "service", ""));
        json_set_str(fields, "severity", severity);
        json_set_str(fields, "starts_at", json_get_str(alert, "startsAt", ""));
        json_set_str(fields, "fingerprint", json_get_str(alert, "fingerprint", ""));
        r.message = record_keep(b, json_get_str(json_get(alert, "annotations"), "summary", name));
        r.fields = record_keep_json(b, fields);
        record_push_log(b, &r);
}

enum err record_add_alerts(struct record_batch *b, const struct json *body, int64_t now_ms, struct err_note *reterr)
{
        const struct json *alerts = json_get(body, "alerts");

        if (!str_eq(json_get_str(body, "version", ""), "4") || !json_is(alerts, JSON_ARRAY))
                return err_note(reterr, ERR_PARSE, "/version, /alerts: expected \"4\" and an array, as Alertmanager's webhook sends them");
        JSON_EACH(alert, alerts) add_alert(b, alert, now_ms);
        return ERR_OK;
}

#include "server/app/record.h"

#include <string.h>

#include "common/base/attr.h"
#include "common/base/str.h"
#include "common/sys/file.h"
#include "common/text/json.h"

enum { RECORD_LINE_BYTES_MAX = 256 * 1024 };

static bool record_series_kept(const char *key)
{
        static const char *const prefixes[] = {"fd:service_latency:p95",  "fd:service_errors:", "fd:service_cpu:", "fd:service_memory:",
                                               "fd:service_rps:",         "fd:service_saturation:", "fd:service_queue:", "fd:service_up",
                                               "fd:service_restarts:",    "fd:db_query:", "fd:db_connections:", "fd:offered_rps",
                                               "fd:goodput_rps",          "fd:user_success:", "fd:user_latency:p95", "fd:user_errors:"};

        for (size_t i = 0; i < ARRAY_COUNT(prefixes); i++)
                if (str_starts(key, prefixes[i])) return true;
        return false;
}

static void record_series(const char *json, struct buf *out)
{
        AUTO(json_free) struct json *message = NULL;
        bool first = true;

        if (json_parse(json, strlen(json), &message, NULL)) return;
        buf_printf(out, "{\"type\":\"series\",\"data\":{\"t\":%.0f,\"v\":{", json_get_num(message, "t", 0));
        JSON_EACH(v, json_get(message, "v")) {
                if (!record_series_kept(json_key(v)) || !json_is(v, JSON_NUMBER)) continue;
                buf_printf(out, "%s\"%s\":%.6g", first ? "" : ",", json_key(v), json_value(v));
                first = false;
        }
        buf_str(out, "}}}\n");
}

enum err record_init(struct record *r, const char *path, struct err_note *reterr)
{
        *r = (struct record){.path = path};
        return path ? file_write_atomic(path, "", 0, 0644, false, reterr) : ERR_OK;
}

enum err record_message(struct record *r, const char *type, const char *json, struct err_note *reterr)
{
        static const char *const kept[] = {"run", "action", "fault"};
        AUTO_BUF line = {0};
        enum err e;

        if (!r->path || r->is_lost) return ERR_OK;
        buf_init(&line, RECORD_LINE_BYTES_MAX);
        if (str_eq(type, "series")) record_series(json, &line);
        for (size_t i = 0; i < ARRAY_COUNT(kept); i++)
                if (str_eq(type, kept[i])) buf_printf(&line, "{\"type\":\"%s\",\"data\":%s}\n", type, json);
        e = buf_status(&line);
        if (!e && r->bytes + line.size_bytes > RECORD_BYTES_MAX) e = err_note(reterr, ERR_LIMIT, "the recording is full");
        if (!e && line.size_bytes) e = file_append(r->path, line.data, line.size_bytes, 0644, reterr);
        r->bytes += line.size_bytes;
        r->is_lost = e != ERR_OK;
        return e;
}

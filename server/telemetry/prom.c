#include "server/telemetry/prom.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/str.h"
#include "common/text/json.h"

/* Checks the envelope {"status","data":{"resultType","result"}} and lends "data". */
static enum err prom_open(const char *answer, size_t size_bytes, struct json **ret, const struct json **ret_data,
                          struct err_note *reterr)
{
        AUTO(json_free) struct json *j = NULL;
        const struct json *data;
        enum err e = size_bytes > PROM_ANSWER_BYTES_MAX ? ERR_LIMIT : json_parse(answer, size_bytes, &j, NULL);

        if (e == ERR_LIMIT) return err_note(reterr, e, "Prometheus answered more than %d bytes", PROM_ANSWER_BYTES_MAX);
        if (e) return err_note(reterr, e, "Prometheus' answer is not JSON");
        if (str_eq(json_get_str(j, "status", ""), "error"))
                return err_note(reterr, ERR_INVAL, "Prometheus refused the query: %s",
                                json_get_str(j, "error", "no reason given"));
        data = json_get(j, "data");
        if (!str_eq(json_get_str(j, "status", ""), "success") || !json_is(data, JSON_OBJECT))
                return err_note(reterr, ERR_PARSE, "Prometheus' answer has no status or no data");
        *ret_data = data;
        *ret = take(&j);
        return ERR_OK;
}

/* [time, "text"]: the number in text, which may be NaN or infinite. */
static bool prom_number(const struct json *pair, double *ret)
{
        const char *text = json_text(json_path(pair, "/1"));
        char *end = NULL;
        double value;

        if (!text || !*text) return false;
        value = strtod(text, &end);
        if (*end || !isfinite(value)) return false;
        *ret = value;
        return true;
}

enum err prom_value(const char *answer, size_t size_bytes, bool *ret_known, double *ret_value, struct err_note *reterr)
{
        AUTO(json_free) struct json *j = NULL;
        const struct json *data, *result, *pair = NULL;
        const char *type;
        double value = 0;
        enum err e = prom_open(answer, size_bytes, &j, &data, reterr);

        if (e) return e;
        type = json_get_str(data, "resultType", "");
        result = json_get(data, "result");
        if (str_eq(type, "scalar")) {
                pair = result;
        } else if (str_eq(type, "vector")) {
                if (json_count(result) > 1)
                        return err_note(reterr, ERR_INVAL,
                                        "the query gives %zu series where one number is needed; aggregate it, for "
                                        "example with sum() or max()",
                                        json_count(result));
                pair = json_get(json_first(result), "value");
        } else {
                return err_note(reterr, ERR_INVAL, "the query gives a %s where one number is needed",
                                *type ? type : "nothing");
        }
        *ret_known = prom_number(pair, &value);
        *ret_value = value;
        return ERR_OK;
}

enum err prom_series(const char *answer, size_t size_bytes, prom_series_fn *fn, void *ctx, struct err_note *reterr)
{
        AUTO(json_free) struct json *j = NULL;
        const struct json *data;
        enum err e = prom_open(answer, size_bytes, &j, &data, reterr);

        if (e) return e;
        if (!str_eq(json_get_str(data, "resultType", ""), "vector"))
                return err_note(reterr, ERR_INVAL, "the query does not give a list of series");
        JSON_EACH(item, json_get(data, "result"))
        {
                const struct json *metric = json_get(item, "metric");
                const char *name = json_get_str(metric, "__name__", "");
                const char *service = json_get_str(metric, "service", "");
                char key[PROM_KEY_BYTES];
                double value;
                int size = snprintf(key, sizeof(key), "%s%s%s", name, *service ? "|" : "", service);

                if (size < 0 || (size_t)size >= sizeof(key) || !prom_number(json_get(item, "value"), &value)) continue;
                fn(ctx, key, value);
        }
        return ERR_OK;
}

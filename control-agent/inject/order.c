#include "control-agent/inject/order.h"

#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/str.h"
#include "common/text/schema.h"

#define INTEGER(name, low, high) "\"" name "\":{\"type\":\"integer\",\"minimum\":" #low ",\"maximum\":" #high "}"
#define CHANCE "\"probability\":{\"type\":\"number\",\"exclusiveMinimum\":0,\"maximum\":1}"
#define WAYS "\"direction\":{\"enum\":[\"both\",\"up\",\"down\"]}"
#define SCHEMA(properties, required)                                                                                   \
        "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[" required "],\"properties\":{" properties  \
        "}}"

static const struct {
        const char *name, *schema;
} kinds[ORDER_KIND_COUNT] = {
        [NET_LATENCY] = {"net.latency",
                         SCHEMA(INTEGER("ms", 1, 60000) "," INTEGER("jitter_ms", 0, 60000) "," WAYS "," CHANCE,
                                "\"ms\"")},
        [NET_BANDWIDTH] = {"net.bandwidth",
                           SCHEMA(INTEGER("bytes_per_s", 1, 1000000000) "," WAYS "," CHANCE, "\"bytes_per_s\"")},
        [NET_TIMEOUT] = {"net.timeout", SCHEMA(WAYS "," CHANCE, "")},
        [NET_RESET] = {"net.reset", SCHEMA(INTEGER("after_ms", 0, 60000) "," CHANCE, "")},
        [NET_SLOW_CLOSE] = {"net.slow_close",
                            SCHEMA(INTEGER("delay_ms", 1, 60000) "," WAYS "," CHANCE, "\"delay_ms\"")},
        [NET_SLICE] = {"net.slice",
                       SCHEMA(INTEGER("bytes", 1, 65536) "," INTEGER("delay_ms", 0, 10000) "," WAYS "," CHANCE,
                              "\"bytes\"")},
        [NET_LIMIT] = {"net.limit", SCHEMA(INTEGER("bytes", 0, 1000000000) "," WAYS "," CHANCE, "\"bytes\"")},
        [NET_DOWN] = {"net.down", SCHEMA(CHANCE, "")},
        [ORDER_SLOW] = {"process.slow", SCHEMA(INTEGER("percent", 5, 95), "\"percent\"")},
        [ORDER_BURN] = {"cpu.burn", SCHEMA(INTEGER("threads", 1, 16), "\"threads\"")},
        [ORDER_LEAK] = {"memory.leak",
                        SCHEMA(INTEGER("mb_per_s", 1, 100) "," INTEGER("max_mb", 1, 1024), "\"mb_per_s\"")},
        [ORDER_MEMORY] = {"memory.limit", SCHEMA(INTEGER("mb", 1, 65536), "\"mb\"")},
        [ORDER_FILES] = {"fd.limit", SCHEMA(INTEGER("count", 1, 65536), "\"count\"")},
        [ORDER_DISK] = {"disk.fill", SCHEMA(INTEGER("mb", 0, 65536), "\"mb\"")},
        [ORDER_SKEW] = {"clock.skew", SCHEMA(INTEGER("ms", -86400000, 86400000), "\"ms\"")},
};

const char *order_kind_text(int kind)
{
        CHECK(kind >= 0 && kind < ORDER_KIND_COUNT);
        return kinds[kind].name;
}

static int find(const char *fault, struct err_note *reterr)
{
        const char *names[ORDER_KIND_COUNT], *near;

        for (int i = 0; i < ORDER_KIND_COUNT; i++) {
                if (str_eq(kinds[i].name, fault)) return i;
                names[i] = kinds[i].name;
        }
        near = str_suggest(fault, names, ORDER_KIND_COUNT);
        (void)err_note(reterr, ERR_NOT_FOUND, "unknown fault '%.60s'%s%s%s", fault, near ? "; did you mean '" : "",
                       near ? near : "", near ? "'?" : "");
        return -1;
}

struct finding {
        const char *fault;
        struct err_note *note;
        bool told;
};

static void on_finding(void *ctx, const char *pointer, const char *detail)
{
        struct finding *f = ctx;

        if (f->told) return;
        f->told = true;
        (void)err_note(f->note, ERR_INVAL, "%s: %s%s%s", f->fault, *pointer ? pointer + 1 : "its arguments",
                       *pointer ? " " : ": ", detail);
}

static enum err check(int kind, const struct json *args, struct err_note *reterr)
{
        AUTO(json_free) struct json *schema = NULL;
        struct finding finding = {.fault = kinds[kind].name, .note = reterr};
        enum err e = json_parse(kinds[kind].schema, strlen(kinds[kind].schema), &schema, reterr);

        if (e) return err_note(reterr, ERR_NOMEM, "out of memory"); /* the text is our own */
        return schema_check(schema, args, on_finding, &finding) ? ERR_INVAL : ERR_OK;
}

static unsigned read_ways(const struct json *args)
{
        const char *text = json_get_str(args, "direction", "both");

        if (str_eq(text, "up")) return 1U << NET_UP;
        return str_eq(text, "down") ? 1U << NET_DOWN_WAY : NET_WAYS_BOTH;
}

static void read_net(const struct json *args, struct order *order)
{
        /* The length of whatever the kind does in time has one place; its name depends on the kind. */
        static const char *const times[NET_KIND_COUNT] = {[NET_LATENCY] = "ms",
                                                          [NET_RESET] = "after_ms",
                                                          [NET_SLOW_CLOSE] = "delay_ms",
                                                          [NET_SLICE] = "delay_ms"};

        order->net = (struct net_fault){.kind = (enum net_kind)order->kind,
                                        .ways = read_ways(args),
                                        .probability = json_get_num(args, "probability", 1),
                                        .jitter_ms = json_get_int(args, "jitter_ms", 0),
                                        .bytes = json_get_int(args, "bytes", 0),
                                        .bytes_per_s = json_get_int(args, "bytes_per_s", 0)};
        if (times[order->kind]) order->net.ms = json_get_int(args, times[order->kind], 0);
}

enum err order_parse(const char *fault, const struct json *args, struct order *ret, struct err_note *reterr)
{
        AUTO(json_free) struct json *nothing = NULL;
        struct order order = {.kind = find(fault, reterr)};
        enum err e;

        if (order.kind < 0) return ERR_NOT_FOUND;
        if (!args || json_is(args, JSON_NULL)) args = nothing = json_object();
        e = args ? check(order.kind, args, reterr) : ERR_NOMEM;
        if (e) return e;
        if (order_is_net(&order)) read_net(args, &order);
        order.percent = json_get_int(args, "percent", 0);
        order.threads = json_get_int(args, "threads", 0);
        order.mb_per_s = json_get_int(args, "mb_per_s", 0);
        order.max_mb = json_get_int(args, "max_mb", 512);
        order.mb = json_get_int(args, "mb", 0);
        order.count = json_get_int(args, "count", 0);
        order.ms = json_get_int(args, "ms", 0);
        *ret = order;
        return ERR_OK;
}

struct json *order_kinds_json(void)
{
        struct json *list = json_array();

        for (int i = 0; i < ORDER_KIND_COUNT; i++) {
                struct json *j = json_object(), *schema = NULL;

                if (json_parse(kinds[i].schema, strlen(kinds[i].schema), &schema, NULL)) schema = NULL;
                json_set_str(j, "fault", kinds[i].name);
                json_set_str(j, "on", i < NET_KIND_COUNT ? "edge" : "process");
                json_set(j, "schema", schema);
                json_push(list, j);
        }
        return list;
}

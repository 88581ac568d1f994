#include "server/engine/fault.h"

#include <math.h>
#include <string.h>

#include "common/base/attr.h"
#include "common/base/check.h"
#include "common/base/str.h"
#include "common/text/json.h"

#define INT(arg_name, low, high, is_required, text)                                                                    \
        { .name = arg_name, .type = FAULT_ARG_INTEGER, .min = low, .max = high, .required = is_required, .doc = text }
#define INT_AS(arg_name, key_name, low, high, is_required, text)                                                       \
        { .name = arg_name, .key = key_name, .type = FAULT_ARG_INTEGER, .min = low, .max = high, .required = is_required, .doc = text }
#define CHOICE_AS(arg_name, key_name, list, is_required, text)                                                         \
        { .name = arg_name, .key = key_name, .type = FAULT_ARG_STRING, .choices = list, .required = is_required, .doc = text }
#define WAY CHOICE("direction", "both|up|down", false, "which way; up is towards the called (both)")
#define CHANCE NUM("probability", 0.001, 1, false, "share of connections it befalls (1)")
#define CHOICE(arg_name, list, is_required, text)                                                                      \
        { .name = arg_name, .type = FAULT_ARG_STRING, .choices = list, .required = is_required, .doc = text }
#define CACHE .target = FAULT_TARGET_NONE, .by = FAULT_BY_ADAPTER, .via = "cache", .undo = FAULT_UNDO_OLD_VALUES, .fault = true
#define MQ .target = FAULT_TARGET_NONE, .by = FAULT_BY_ADAPTER, .via = "mq", .undo = FAULT_UNDO_OLD_VALUES, .fault = true
#define DB .target = FAULT_TARGET_NONE, .by = FAULT_BY_ADAPTER, .via = "db", .undo = FAULT_UNDO_OLD_VALUES, .fault = true
#define NUM(arg_name, low, high, is_required, text)                                                                    \
        { .name = arg_name, .type = FAULT_ARG_NUMBER, .min = low, .max = high, .required = is_required, .doc = text }

/* Costs are those of one repair in units of the utility scalar (1.0 = all requests of one nominal 5-second step). */
static const struct fault_kind kinds[] = {
        { .name = "config.set", .target = FAULT_TARGET_SERVICE, .by = FAULT_BY_CONFIG, .undo = FAULT_UNDO_OLD_VALUES,
          .any_args = true, .repair = true, .fault = true, .severity = 2, .cost = 0.1,
          .doc = "Changes configuration keys of one service at run time.",
          .expects = "config_revision of the service rises; the change is in its history." },
        { .name = "config.publish", .target = FAULT_TARGET_SERVICE, .by = FAULT_BY_PUBLISH,
          .undo = FAULT_UNDO_OLD_VALUES, .any_args = true, .repair = true, .fault = true, .severity = 3, .cost = 0.1,
          .doc = "Publishes configuration through the config service and reloads the service: it survives a restart.",
          .expects = "A new published version; the service reads it now and after every restart." },
        { .name = "config.poison", .target = FAULT_TARGET_SERVICE, .by = FAULT_BY_PUBLISH, .undo = FAULT_UNDO_OLD_VALUES,
          .any_args = true, .fault = true, .severity = 4,
          .doc = "Puts harmful values into the config service and reloads the service: what is mended at the service alone comes back at its next start.",
          .expects = "A new published version that no deploy announces; the service reads it now and after every restart." },
        { .name = "process.start", .target = FAULT_TARGET_PROCESS, .by = FAULT_BY_CONTROL, .undo = FAULT_UNDO_INVERSE,
          .undo_kind = "process.stop", .repair = true, .severity = 1, .cost = 0.1,
          .doc = "Starts a stopped process.", .expects = "The process is up." },
        { .name = "process.stop", .target = FAULT_TARGET_PROCESS, .by = FAULT_BY_CONTROL, .undo = FAULT_UNDO_INVERSE,
          .undo_kind = "process.start", .repair = true, .fault = true, .severity = 5, .cost = 2,
          .doc = "Stops a process (SIGTERM) and keeps it down.", .expects = "The process is down; its callers see errors." },
        { .name = "process.kill", .target = FAULT_TARGET_PROCESS, .by = FAULT_BY_CONTROL, .undo = FAULT_UNDO_NOTHING,
          .repair = true, .fault = true, .severity = 4, .cost = 6,
          .doc = "Kills a process (SIGKILL); the supervisor starts it again with back-off.",
          .expects = "One more death and restart; what was in flight is lost." },
        { .name = "process.pause", .target = FAULT_TARGET_PROCESS, .by = FAULT_BY_CONTROL, .undo = FAULT_UNDO_INVERSE,
          .undo_kind = "process.resume", .repair = true, .fault = true, .severity = 5, .cost = 1,
          .doc = "Freezes a process (SIGSTOP): it lives, accepts connections and does nothing.",
          .expects = "Its callers hang until their timeouts; its metrics stop." },
        { .name = "process.resume", .target = FAULT_TARGET_PROCESS, .by = FAULT_BY_CONTROL, .undo = FAULT_UNDO_INVERSE,
          .undo_kind = "process.pause", .repair = true, .severity = 1, .cost = 0.1,
          .doc = "Lets a frozen process go on (SIGCONT).", .expects = "The process works again." },
        { .name = "process.restart", .target = FAULT_TARGET_PROCESS, .by = FAULT_BY_CONTROL, .undo = FAULT_UNDO_NOTHING,
          .repair = true, .fault = true, .severity = 3, .cost = 2,
          .doc = "Stops a process gracefully and starts it again.", .expects = "A short gap; memory and queues are empty." },
        { .name = "process.reload", .target = FAULT_TARGET_PROCESS, .by = FAULT_BY_CONTROL, .undo = FAULT_UNDO_NOTHING,
          .repair = true, .fault = true, .severity = 1, .cost = 0.1,
          .doc = "Makes a service read its configuration again (SIGHUP).", .expects = "The service reads what is published." },
        { .name = "process.slow", .target = FAULT_TARGET_PROCESS, .by = FAULT_BY_INJECT, .undo = FAULT_UNDO_HANDLE,
          .fault = true, .severity = 3, .doc = "Stops and continues a process in turns, so that it gets a share of its time.",
          .expects = "Everything the process does takes longer.",
          .args = { INT("percent", 5, 95, true, "share of the time the process stands still") } },
        { .name = "net.latency", .target = FAULT_TARGET_EDGE, .by = FAULT_BY_INJECT, .undo = FAULT_UNDO_HANDLE,
          .fault = true, .severity = 3, .doc = "Delays every piece of data on one edge.",
          .expects = "Calls over the edge take longer by about the delay, both ways together.",
          .args = { INT("ms", 1, 60000, true, "delay in each direction"), INT("jitter_ms", 0, 60000, false, "up to this much more"), WAY, CHANCE } },
        { .name = "net.bandwidth", .target = FAULT_TARGET_EDGE, .by = FAULT_BY_INJECT, .undo = FAULT_UNDO_HANDLE,
          .fault = true, .severity = 3, .doc = "Limits the bytes per second of every connection on one edge.",
          .expects = "Big answers take long, small ones hardly.",
          .args = { INT("bytes_per_s", 1, 1e9, true, "bytes per second"), WAY, CHANCE } },
        { .name = "net.timeout", .target = FAULT_TARGET_EDGE, .by = FAULT_BY_INJECT, .undo = FAULT_UNDO_HANDLE,
          .fault = true, .severity = 5, .doc = "Swallows all data on one edge while connections stay open (black hole).",
          .expects = "Callers hang until their own timeout; no error is seen on the connection.", .args = { WAY, CHANCE } },
        { .name = "net.reset", .target = FAULT_TARGET_EDGE, .by = FAULT_BY_INJECT, .undo = FAULT_UNDO_HANDLE,
          .fault = true, .severity = 4, .doc = "Resets connections on one edge.",
          .expects = "Callers see 'connection reset'.",
          .args = { INT("after_ms", 0, 60000, false, "how long a connection lives before its reset"), CHANCE } },
        { .name = "net.slice", .target = FAULT_TARGET_EDGE, .by = FAULT_BY_INJECT, .undo = FAULT_UNDO_HANDLE,
          .fault = true, .severity = 2, .doc = "Cuts data on one edge into small pieces with a pause after each.",
          .expects = "Answers trickle in.",
          .args = { INT("bytes", 1, 65536, true, "bytes in a piece"), INT("delay_ms", 0, 10000, false, "pause after a piece"), WAY, CHANCE } },
        { .name = "net.down", .target = FAULT_TARGET_EDGE, .by = FAULT_BY_INJECT, .undo = FAULT_UNDO_HANDLE,
          .fault = true, .severity = 5, .doc = "Closes one edge: connections are refused and open ones closed.",
          .expects = "Callers see 'connection refused' at once.", .args = { CHANCE } },
        { .name = "net.slow_close", .target = FAULT_TARGET_EDGE, .by = FAULT_BY_INJECT, .undo = FAULT_UNDO_HANDLE,
          .fault = true, .severity = 2, .doc = "Passes the end of a connection on late.",
          .expects = "Connections linger; whoever waits for the end waits longer.",
          .args = { INT("delay_ms", 1, 60000, true, "how late"), WAY, CHANCE } },
        { .name = "net.limit", .target = FAULT_TARGET_EDGE, .by = FAULT_BY_INJECT, .undo = FAULT_UNDO_HANDLE,
          .fault = true, .severity = 3, .doc = "Cuts each connection off after so many bytes.",
          .expects = "Small answers arrive, large ones are cut.",
          .args = { INT("bytes", 0, 1e9, true, "bytes before the cut"), WAY, CHANCE } },
        { .name = "cpu.burn", .target = FAULT_TARGET_PROCESS, .by = FAULT_BY_INJECT, .undo = FAULT_UNDO_HANDLE,
          .fault = true, .severity = 3, .doc = "A neighbour burns processor time beside the process, at its priority.",
          .expects = "Less processor time for the process; its own counters stay normal.",
          .args = { INT("threads", 1, 16, true, "burning threads") } },
        { .name = "memory.leak", .target = FAULT_TARGET_PROCESS, .by = FAULT_BY_INJECT, .undo = FAULT_UNDO_HANDLE,
          .fault = true, .severity = 3, .doc = "Memory that grows steadily.", .expects = "Resident memory climbs.",
          .args = { INT("mb_per_s", 1, 100, true, "growth"), INT("max_mb", 1, 1024, false, "where it stops") } },
        { .name = "memory.limit", .target = FAULT_TARGET_PROCESS, .by = FAULT_BY_INJECT, .undo = FAULT_UNDO_HANDLE,
          .fault = true, .severity = 4, .doc = "Lowers the address-space limit of a running process.",
          .expects = "Allocations fail once the limit is reached.", .args = { INT("mb", 1, 65536, true, "limit") } },
        { .name = "fd.limit", .target = FAULT_TARGET_PROCESS, .by = FAULT_BY_INJECT, .undo = FAULT_UNDO_HANDLE,
          .fault = true, .severity = 4, .doc = "Lowers the number of files and sockets a running process may have open.",
          .expects = "New connections fail, open ones go on.", .args = { INT("count", 1, 65536, true, "descriptors") } },
        { .name = "disk.fill", .target = FAULT_TARGET_PROCESS, .by = FAULT_BY_INJECT, .undo = FAULT_UNDO_HANDLE,
          .fault = true, .severity = 3, .doc = "Limits how large files of a process may grow, as a full disk does.",
          .expects = "Writes fail.", .args = { INT("mb", 0, 65536, true, "largest file") } },
        { .name = "clock.skew", .target = FAULT_TARGET_PROCESS, .by = FAULT_BY_INJECT, .undo = FAULT_UNDO_HANDLE,
          .fault = true, .severity = 3, .doc = "Shifts what one process takes for the time of day.",
          .expects = "Its timestamps and tokens are off.", .args = { INT("ms", -86400000, 86400000, true, "offset") } },
        { .name = "load.profile", .target = FAULT_TARGET_NONE, .by = FAULT_BY_LOAD, .undo = FAULT_UNDO_OLD_VALUES,
          .via = "loadgen", .any_args = true, .severity = 1, .doc = "The load of a scenario; set by the engine, not by a timeline.",
          .expects = "load_target_rps follows the profile." },
        { .name = "load.rate", .target = FAULT_TARGET_NONE, .by = FAULT_BY_LOAD, .undo = FAULT_UNDO_OLD_VALUES,
          .via = "loadgen", .fault = true, .severity = 2, .doc = "Sets the rate of new user journeys.",
          .expects = "fd:offered_rps moves to the rate.",
          .args = { NUM("rps", 0, 1000, true, "requests per second") } },
        { .name = "load.burst", .target = FAULT_TARGET_NONE, .by = FAULT_BY_LOAD, .undo = FAULT_UNDO_OLD_VALUES,
          .via = "loadgen", .needs_for = true, .fault = true, .severity = 3,
          .doc = "A higher rate for a while, then the old one again.", .expects = "fd:offered_rps jumps and falls back.",
          .args = { NUM("rps", 1, 1000, true, "requests per second") } },
        { .name = "load.wave", .target = FAULT_TARGET_NONE, .by = FAULT_BY_LOAD, .undo = FAULT_UNDO_OLD_VALUES,
          .via = "loadgen", .fault = true, .severity = 2, .doc = "A rate that swings around its mean.",
          .expects = "fd:offered_rps goes up and down with the period.",
          .fixed = "{\"profile\":\"wave\"}",
          .args = { NUM("rps", 1, 1000, true, "mean rate"), { .name = "amplitude", .key = "wave_rps", .type = FAULT_ARG_NUMBER, .max = 1000,
                      .required = true, .doc = "how far it swings" }, INT_AS("period_s", "wave_s", 2, 3600, true, "length of one swing") } },
        { .name = "load.shed", .target = FAULT_TARGET_NONE, .by = FAULT_BY_ADAPTER, .via = "gateway", .undo = FAULT_UNDO_OLD_VALUES,
          .repair = true, .severity = 3, .cost = 0.5, .doc = "The gateway lets only a share of the requests in and answers the others 503 at once.",
          .expects = "fd:goodput_rps of what is let in recovers; the rest is lost.",
          .args = { INT_AS("admit_percent", "admission_percent", 0, 100, true, "share that is let in") } },
        { .name = "jwt.ttl", .target = FAULT_TARGET_NONE, .by = FAULT_BY_ADAPTER, .via = "auth", .undo = FAULT_UNDO_OLD_VALUES,
          .fault = true, .severity = 3, .doc = "Access tokens live this long.", .expects = "Users whose journey takes longer get 401.",
          .args = { INT_AS("seconds", "jwt_ttl_s", 1, 86400, true, "life of a token") } },
        { CACHE, .name = "cache.flush", .severity = 3, .doc = "A clean-up job empties the cache now and then again and again.",
          .expects = "Every read misses until the cache is warm; the database gets the load.",
          .args = { INT_AS("every_s", "flush_every_s", 1, 3600, true, "how often") } },
        { CACHE, .name = "cache.fill", .severity = 3, .doc = "Another tenant fills the cache with its own data.",
          .expects = "Evictions, and a falling hit ratio; writes are refused under noeviction.",
          .args = { INT_AS("mb", "fill_mb", 1, 64, true, "data of the tenant") } },
        { CACHE, .name = "cache.policy", .severity = 2, .doc = "Sets what the cache does when it is full.",
          .expects = "Other entries are thrown out, or writes are refused.",
          .args = { CHOICE_AS("policy", "eviction_policy", "noeviction|allkeys-lru|allkeys-lfu|allkeys-random|volatile-lru|volatile-ttl", true, "eviction policy"),
                    INT_AS("maxmemory_mb", "maxmemory_mb", 1, 1024, false, "most memory") } },
        { CACHE, .name = "cache.block", .severity = 3, .doc = "About once a second a script blocks the whole cache.",
          .expects = "redis_ping_seconds jumps; everybody who uses the cache waits.",
          .args = { INT_AS("ms", "block_ms", 1, 3000, true, "how long each time") } },
        { MQ, .name = "mq.flood", .severity = 3, .doc = "An import queues settlements of another shop.",
          .expects = "fd:queue_jobs:depth grows; real orders settle late.",
          .args = { INT_AS("rate", "flood_rate", 1, 2000, true, "jobs per second") } },
        { MQ, .name = "mq.poison", .severity = 3, .doc = "A faulty client queues jobs that fail at every try.",
          .expects = "Deliveries multiply, dead letters grow, workers are busy with nothing.",
          .args = { INT_AS("rate", "poison_rate", 1, 200, true, "jobs per second") } },
        { MQ, .name = "mq.ack_wait", .severity = 3, .doc = "A job that is not acknowledged within this time is delivered again.",
          .expects = "Below the time of a settlement everything is done twice.",
          .args = { INT_AS("ms", "ack_wait_ms", 1, 600000, true, "how long an answer may take") } },
        { MQ, .name = "mq.stall", .severity = 3, .doc = "Few jobs may be unanswered at a time.",
          .expects = "One job at a time, whatever the workers.",
          .args = { INT_AS("jobs", "max_ack_pending", 1, 10000, true, "unanswered jobs") } },
        { DB, .name = "db.lock", .severity = 5, .doc = "A maintenance session holds ACCESS EXCLUSIVE on a table.",
          .expects = "Every statement on the table waits; postgres_locks_waiting rises, the processor is idle.",
          .args = { CHOICE_AS("table", "lock_table", "orders|payments|products", true, "table that is locked") } },
        { DB, .name = "db.drop_index", .severity = 4, .doc = "Drops an index.",
          .expects = "The query behind it reads the whole table: postgres_seq_scans_total rises, and with it the processor time.",
          .args = { CHOICE_AS("index", "*", "orders_index|products_index", true, "index") } },
        { DB, .name = "db.bad_plan", .severity = 4, .doc = "The planner may not use indexes any more.",
          .expects = "All indexes exist, and none is used.", .fixed = "{\"index_scans\":false}" },
        { DB, .name = "db.exhaust_connections", .severity = 4, .doc = "A reporting job holds connections, idle in transaction.",
          .expects = "fd:db_connections:used reaches the maximum; services get no connection.",
          .args = { INT_AS("sessions", "held_sessions", 1, 100, true, "held connections") } },
        { DB, .name = "db.slow_query", .severity = 4, .doc = "Reports read all orders again and again.",
          .expects = "The processor is busy with the reports; everything else waits.",
          .args = { INT_AS("sessions", "report_sessions", 1, 8, true, "reports at once") } },
        { DB, .name = "db.rotate_password", .severity = 4, .doc = "The database role of the shop gets a new password.",
          .expects = "Open connections go on, new ones are refused.",
          .args = { { .name = "password", .key = "app_password", .type = FAULT_ARG_STRING, .required = true, .doc = "the new one" } } },
};

size_t fault_count(void)
{
        return ARRAY_COUNT(kinds);
}

const struct fault_kind *fault_at(size_t index)
{
        CHECK(index < ARRAY_COUNT(kinds));
        return &kinds[index];
}

const struct fault_kind *fault_find(const char *name)
{
        for (size_t i = 0; i < ARRAY_COUNT(kinds); i++)
                if (str_eq(kinds[i].name, name)) return &kinds[i];
        return NULL;
}

const char *fault_suggest(const char *name)
{
        const char *names[ARRAY_COUNT(kinds)];

        for (size_t i = 0; i < ARRAY_COUNT(kinds); i++)
                names[i] = kinds[i].name;
        return str_suggest(name, names, ARRAY_COUNT(names));
}

size_t fault_arg_count(const struct fault_kind *kind)
{
        size_t count = 0;

        while (count < FAULT_ARGS_MAX && kind->args[count].name)
                count++;
        return count;
}

static void choices_write(const char *choices, struct buf *out)
{
        const char *at = choices;

        buf_str(out, ",\"enum\":[");
        for (;;) {
                size_t size = strcspn(at, "|");

                buf_printf(out, "\"%.*s\"", (int)size, at);
                if (!at[size]) break;
                buf_char(out, ',');
                at += size + 1;
        }
        buf_char(out, ']');
}

static void arg_schema_write(const struct fault_arg *arg, struct buf *out)
{
        static const char *const types[] = { "integer", "number", "boolean", "string", "string" };

        json_quote(out, arg->name);
        buf_printf(out, ":{\"type\":\"%s\",\"description\":", types[arg->type]);
        json_quote(out, arg->doc);
        if (arg->type == FAULT_ARG_INTEGER || arg->type == FAULT_ARG_NUMBER)
                buf_printf(out, ",\"minimum\":%.17g,\"maximum\":%.17g", arg->min, arg->max);
        if (arg->type == FAULT_ARG_DURATION) buf_str(out, ",\"pattern\":\"^[0-9]+(\\\\.[0-9]+)?(ms|s|m|h)$\"");
        if (arg->choices) choices_write(arg->choices, out);
        buf_char(out, '}');
}

void fault_schema_write(const struct fault_kind *kind, struct buf *out)
{
        size_t count = fault_arg_count(kind);
        bool comma = false;

        if (kind->any_args) {
                buf_str(out, "{\"type\":\"object\",\"minProperties\":1,\"additionalProperties\":"
                             "{\"type\":[\"integer\",\"number\",\"boolean\",\"string\",\"array\"]}}");
                return;
        }
        buf_str(out, "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
        for (size_t i = 0; i < count; i++) {
                if (i) buf_char(out, ',');
                arg_schema_write(&kind->args[i], out);
        }
        buf_str(out, "},\"required\":[");
        for (size_t i = 0; i < count; i++) {
                if (!kind->args[i].required) continue;
                if (comma) buf_char(out, ',');
                json_quote(out, kind->args[i].name);
                comma = true;
        }
        buf_str(out, "]}");
}

static void body_add(struct json *body, const struct fault_arg *arg, const struct json *value)
{
        int64_t ms;

        if (str_eq(arg->key, "*")) {
                if (json_text(value)) json_set_bool(body, json_text(value), false);
        } else if (arg->type == FAULT_ARG_DURATION && json_text(value) && str_parse_duration_ms(json_text(value), &ms) == ERR_OK) {
                json_set_num(body, arg->key ? arg->key : arg->name, (double)ms);
        } else {
                json_set(body, arg->key ? arg->key : arg->name, json_clone(value));
        }
}

struct json *fault_body(const struct fault_kind *kind, const struct json *args)
{
        struct json *body = NULL;

        if (kind->any_args) return args ? json_clone(args) : json_object();
        if (!kind->fixed) body = json_object();
        else if (json_parse(kind->fixed, strlen(kind->fixed), &body, NULL) != ERR_OK) return NULL;
        for (size_t i = 0; i < fault_arg_count(kind); i++)
                if (json_get(args, kind->args[i].name)) body_add(body, &kind->args[i], json_get(args, kind->args[i].name));
        return body;
}

#define TEXT_OF(function, type, list, prefix)                                                                          \
        const char *function(type value)                                                                               \
        {                                                                                                              \
                static const char *const texts[] = { list(prefix) };                                                   \
                CHECK((unsigned)value < ARRAY_COUNT(texts));                                                           \
                return texts[value];                                                                                   \
        }
#define X(name, text) text,
TEXT_OF(fault_target_text, enum fault_target, FAULT_TARGET_LIST, X)
TEXT_OF(fault_by_text, enum fault_by, FAULT_BY_LIST, X)
TEXT_OF(fault_undo_text, enum fault_undo, FAULT_UNDO_LIST, X)
#undef X

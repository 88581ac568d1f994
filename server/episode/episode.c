#include "server/episode/episode.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/text/json.h"

static const struct {
        const char *name, *series;
} signals[] = {
#define X(name, series) {name, series},
        EPISODE_SIGNAL_LIST(X)
#undef X
};

struct episode {
        const struct stack_spec *spec;
        char driver[32], run_id[24], scenario[80], outcome[16], advice[16];
        bool fast, assisted, over, cut;
        int64_t seed, onset_ms, ended_ms, step_ms; /* step_ms: wall time of the step under way, 0: none */
        double now[EPISODE_COLUMNS_MAX], state[EPISODE_COLUMNS_MAX];
        size_t columns, steps;
        double utility, step_utility;
        struct json *actions;  /* of the step under way */
        struct json *standing; /* the last one */
        char last_action[24];
        struct buf lines; /* finished steps */
};

static void forget(struct episode *e)
{
        e->over = e->cut = e->fast = e->assisted = false;
        e->seed = e->onset_ms = e->ended_ms = e->step_ms = 0;
        e->steps = 0;
        e->utility = e->step_utility = 0;
        e->outcome[0] = e->last_action[0] = '\0';
        for (size_t i = 0; i < e->columns; i++) e->now[i] = NAN;
        json_free(e->actions);
        json_free(e->standing);
        e->actions = json_array();
        e->standing = NULL;
        buf_clear(&e->lines);
}

enum err episode_new(const struct stack_spec *spec, const char *driver, struct episode **ret)
{
        AUTO(episode_free) struct episode *e = mem_zalloc(1, sizeof(*e));

        if (!e) return ERR_NOMEM;
        e->spec = spec;
        e->columns = MIN((size_t)EPISODE_COLUMNS_MAX, spec->services_count * ARRAY_COUNT(signals));
        str_cut(e->driver, sizeof(e->driver), driver);
        buf_init(&e->lines, EPISODE_BYTES_MAX);
        forget(e);
        if (!e->actions) return ERR_NOMEM;
        *ret = take(&e);
        return ERR_OK;
}

void episode_free(struct episode *e)
{
        if (!e) return;
        json_free(e->actions);
        json_free(e->standing);
        buf_done(&e->lines);
        mem_free(e);
}

static void column_name(const struct episode *e, size_t column, char *dst, size_t dst_bytes, bool series)
{
        const char *service = e->spec->services[column / ARRAY_COUNT(signals)].name;

        if (series)
                (void)snprintf(dst, dst_bytes, "%s|%s", signals[column % ARRAY_COUNT(signals)].series, service);
        else
                (void)snprintf(dst, dst_bytes, "%s.%s", service, signals[column % ARRAY_COUNT(signals)].name);
}

/* The same five names as in the learning library; what configures or stops something is a repair, outside of them. */
static const char *action_name(const struct json *actions)
{
        static const struct {
                const char *kind, *name;
        } names[] = {{"process.kill", "hard-restart"}, {"process.restart", "soft-restart"}, {"load.shed", "reduce-load"}};

        for (size_t i = 0; i < ARRAY_COUNT(names); i++)
                JSON_EACH(action, actions)
                        if (str_eq(json_get_str(action, "kind", ""), names[i].kind)) return names[i].name;
        return json_count(actions) ? "repair" : "ignore";
}

/* Six digits are more than a scrape a second is worth, and keep a long run below its limit. */
static void put_value(struct buf *out, double value)
{
        if (isnan(value))
                buf_str(out, "null");
        else
                buf_printf(out, "%.6g", value);
}

static void step_end(struct episode *e, bool done)
{
        size_t before = e->lines.size_bytes;
        const struct json *first = json_first(e->actions);

        if (!e->step_ms || e->cut) return;
        buf_printf(&e->lines, "{\"type\":\"step\",\"step\":%zu,\"at_ms\":%lld,\"state\":[", e->steps, (long long)(e->step_ms - e->onset_ms));
        for (size_t i = 0; i < e->columns; i++) {
                if (i) buf_char(&e->lines, ',');
                put_value(&e->lines, e->state[i]);
        }
        buf_printf(&e->lines, "],\"action\":\"%s\",\"target\":", action_name(e->actions));
        json_quote(&e->lines, json_get_str(first, "on", ""));
        buf_str(&e->lines, ",\"actions\":");
        if (json_print(e->actions, &e->lines) && !e->lines.status) e->lines.status = ERR_NOMEM;
        buf_printf(&e->lines, ",\"reward\":%.4f,\"done\":%s}\n", e->utility - e->step_utility, done ? "true" : "false");
        if (buf_status(&e->lines)) { /* what does not fit any more is left out, and said */
                e->cut = true;
                e->lines.status = ERR_OK;
                e->lines.size_bytes = before;
                if (e->lines.capacity_bytes) e->lines.data[before] = '\0';
                return;
        }
        e->steps++;
        json_free(e->actions);
        e->actions = json_array();
}

static void hear_run(struct episode *e, const struct json *run)
{
        const char *id = json_get_str(run, "id", ""), *state = json_get_str(run, "state", "");
        bool ended = str_eq(state, "ended") || str_eq(state, "debriefed");

        if (!str_eq(id, e->run_id)) {
                forget(e);
                str_cut(e->run_id, sizeof(e->run_id), id);
        }
        str_cut(e->scenario, sizeof(e->scenario), json_get_str(run, "scenario", ""));
        str_cut(e->advice, sizeof(e->advice), json_get_str(run, "advice", ""));
        str_cut(e->outcome, sizeof(e->outcome), json_get_str(run, "outcome", ""));
        e->seed = json_get_int(run, "seed", 0);
        e->fast = json_get_bool(run, "fast", false);
        e->assisted = json_get_bool(run, "assisted", false);
        e->onset_ms = json_get_int(run, "onset_ms", 0);
        e->ended_ms = json_get_int(run, "ended_ms", 0);
        if (!ended || e->over) return;
        step_end(e, true);
        e->step_ms = 0;
        e->over = true;
}

static void hear_series(struct episode *e, const struct json *message)
{
        const struct json *values = json_get(message, "v");
        int64_t t = json_get_int(message, "t", 0);

        if (e->over) return;
        for (size_t i = 0; i < e->columns; i++) {
                char key[128];

                column_name(e, i, key, sizeof(key), true);
                e->now[i] = json_get_num(values, key, NAN);
        }
        if (!e->onset_ms || t < e->onset_ms || (e->step_ms && t - e->step_ms < EPISODE_STEP_MS)) return;
        step_end(e, false);
        e->step_ms = t;
        e->step_utility = e->steps ? e->utility : 0; /* the first step has what came since the onset */
        memcpy(e->state, e->now, sizeof(e->state));
}

static void hear_action(struct episode *e, const struct json *action)
{
        static const char *const kept[] = {"by", "kind", "on", "args"};
        const char *by = json_get_str(action, "by", ""), *id = json_get_str(action, "id", "");
        struct json *item;

        if (!str_eq(json_get_str(action, "state", ""), "applied") || (!str_eq(by, "learner") && !str_eq(by, "agent"))) return;
        if (str_eq(id, e->last_action) || e->over) return; /* told again because it was undone */
        str_cut(e->last_action, sizeof(e->last_action), id);
        item = json_object();
        for (size_t i = 0; i < ARRAY_COUNT(kept); i++)
                if (json_get(action, kept[i])) json_set(item, kept[i], json_clone(json_get(action, kept[i])));
        json_push(e->actions, item);
}

void episode_hear(struct episode *e, const char *type, const char *json)
{
        AUTO(json_free) struct json *message = NULL;
        bool run = str_eq(type, "run"), series = str_eq(type, "series"), standing = str_eq(type, "standing"), action = str_eq(type, "action");

        if (!run && !series && !standing && !action) return;
        if (series && !e->onset_ms) return;
        if (json_parse(json, strlen(json), &message, NULL)) return;
        if (run) hear_run(e, message);
        if (series) hear_series(e, message);
        if (action) hear_action(e, message);
        if (!standing || !str_eq(json_get_str(message, "id", ""), e->run_id)) return;
        e->utility = json_get_num(message, "utility", e->utility);
        json_free(e->standing);
        e->standing = take(&message);
}

bool episode_over(const struct episode *e, struct episode_facts *ret)
{
        if (!e->over || !e->steps || str_eq(e->outcome, "failed")) return false;
        *ret = (struct episode_facts){.scenario = e->scenario,
                                      .outcome = e->outcome,
                                      .seed = e->seed,
                                      .ended_ms = e->ended_ms,
                                      .steps = e->steps,
                                      .fast = e->fast,
                                      .assisted = e->assisted};
        return true;
}

void episode_lines(const struct episode *e, struct buf *out)
{
        AUTO(json_free) struct json *head = json_object();
        struct json *columns = json_array();

        json_set_str(head, "type", "episode");
        json_set_str(head, "episode", e->run_id);
        json_set_str(head, "scenario", e->scenario);
        json_set_num(head, "seed", (double)e->seed);
        json_set_bool(head, "fast", e->fast);
        json_set_str(head, "driver", e->driver);
        json_set_str(head, "advice", e->advice);
        json_set_bool(head, "assisted", e->assisted);
        json_set_str(head, "outcome", e->outcome);
        json_set_num(head, "step_ms", EPISODE_STEP_MS);
        json_set_num(head, "steps", (double)e->steps);
        json_set_bool(head, "cut", e->cut);
        json_set_num(head, "ended_ms", (double)e->ended_ms);
        json_set(head, "standing", e->standing ? json_clone(e->standing) : json_null());
        for (size_t i = 0; i < e->columns; i++) {
                char name[128];

                column_name(e, i, name, sizeof(name), false);
                json_push(columns, json_string(name));
        }
        json_set(head, "columns", columns);
        if (json_print(head, out) && !out->status) out->status = ERR_NOMEM;
        buf_char(out, '\n');
        buf_append(out, e->lines.data, e->lines.size_bytes);
}

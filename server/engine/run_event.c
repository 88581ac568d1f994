#include "server/engine/run_event.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/str.h"
#include "common/text/json.h"
#include "server/engine/json_put.h"

/* String members: one list for writing and reading. */
#define EVENT_STRING_LIST(X)                                                                                           \
        X(hint) X(text) X(by) X(action) X(on) X(args) X(undo) X(changed) X(component) X(mechanism) X(object)

void run_event_write(const struct run_event *event, int64_t now_ms, struct buf *out)
{
        buf_char(out, '{');
        put_int(out, "at_ms", now_ms);
        put_str(out, "type", run_event_text(event->kind));
        if (event->task) put_int(out, "task", event->task);
#define X(name)                                                                                                        \
        if (event->name) put_str(out, #name, event->name);
        EVENT_STRING_LIST(X)
#undef X
        if (event->item_count) put_words(out, "items", event->items, event->item_count);
        if (event->sample_count) {
                put_key(out, "values");
                buf_char(out, '[');
                for (size_t i = 0; i < event->sample_count; i++) {
                        put_item(out);
                        if (event->samples[i].known) put_number(out, event->samples[i].value);
                        else buf_str(out, "null");
                }
                buf_char(out, ']');
        }
        buf_char(out, '}');
}

static enum err copy_text(const struct json *object, const char *key, struct arena *arena, const char **ret)
{
        const char *text = json_get_str(object, key, NULL);

        if (!text) return ERR_OK;
        *ret = arena_strdup(arena, text);
        return *ret ? ERR_OK : ERR_NOMEM;
}

static enum err copy_items(const struct json *list, struct arena *arena, struct run_event *event, struct err_note *reterr)
{
        size_t count = json_count(list);
        const char **items;

        if (!count) return ERR_OK;
        items = arena_array(arena, count, sizeof *items);
        if (!items) return err_note(reterr, ERR_NOMEM, "out of memory");
        JSON_EACH(item, list) {
                if (!json_text(item)) return err_note(reterr, ERR_PARSE, "an item of 'items' is not text");
                items[event->item_count] = arena_strdup(arena, json_text(item));
                if (!items[event->item_count++]) return err_note(reterr, ERR_NOMEM, "out of memory");
        }
        event->items = items;
        return ERR_OK;
}

static enum err copy_samples(const struct json *list, struct arena *arena, struct run_event *event, struct err_note *reterr)
{
        size_t count = json_count(list);
        struct run_sample *samples;

        if (!count) return ERR_OK;
        samples = arena_array(arena, count, sizeof *samples);
        if (!samples) return err_note(reterr, ERR_NOMEM, "out of memory");
        JSON_EACH(item, list) {
                if (!json_is(item, JSON_NUMBER) && !json_is(item, JSON_NULL)) return err_note(reterr, ERR_PARSE, "a value is neither a number nor null");
                if (json_is(item, JSON_NUMBER)) samples[event->sample_count] = (struct run_sample){ true, json_value(item) };
                event->sample_count++;
        }
        event->samples = samples;
        return ERR_OK;
}

static bool kind_find(const char *name, enum run_event_kind *ret)
{
        for (int i = 0; i < RUN_EVENT_COUNT; i++)
                if (str_eq(name, run_event_text((enum run_event_kind)i))) {
                        *ret = (enum run_event_kind)i;
                        return true;
                }
        return false;
}

enum err run_event_parse(const char *line, size_t size_bytes, struct arena *arena, struct run_event *ret, int64_t *ret_now_ms,
                         struct err_note *reterr)
{
        AUTO(json_free) struct json *j = NULL;
        struct run_event event = { 0 };
        enum err e;
        double task;

        if (size_bytes > RUN_LINE_BYTES_MAX) return err_note(reterr, ERR_LIMIT, "the line is longer than %d bytes", RUN_LINE_BYTES_MAX);
        e = json_parse(line, size_bytes, &j, reterr);
        if (e) return e;
        if (!json_is(j, JSON_OBJECT)) return err_note(reterr, ERR_PARSE, "the line is not a JSON object");
        if (!kind_find(json_get_str(j, "type", ""), &event.kind))
                return err_note(reterr, ERR_PARSE, "unknown type '%s'", json_get_str(j, "type", ""));
        if (!json_is(json_get(j, "at_ms"), JSON_NUMBER)) return err_note(reterr, ERR_PARSE, "'at_ms' is not a number");
        task = json_get_num(j, "task", 0);
        if (!(task >= 0 && task <= RUN_TASKS_MAX)) return err_note(reterr, ERR_PARSE, "'task' is not a task's number");
        event.task = (uint32_t)task;
#define X(name)                                                                                                        \
        e = copy_text(j, #name, arena, &event.name);                                                                   \
        if (e) return err_note(reterr, e, "out of memory");
        EVENT_STRING_LIST(X)
#undef X
        e = copy_items(json_get(j, "items"), arena, &event, reterr);
        if (!e) e = copy_samples(json_get(j, "values"), arena, &event, reterr);
        if (e) return e;
        *ret = event;
        *ret_now_ms = json_get_int(j, "at_ms", 0);
        return ERR_OK;
}

static enum err replay_line(struct run *run, const char *line, size_t size_bytes, struct run_effects *effects, struct err_note *reterr)
{
        struct run_event event;
        struct arena arena;
        int64_t now_ms;
        enum err e;

        arena_init(&arena, 2 * RUN_LINE_BYTES_MAX);
        e = run_event_parse(line, size_bytes, &arena, &event, &now_ms, reterr);
        if (!e) e = run_step(run, &event, now_ms, effects, reterr);
        arena_done(&arena);
        return e;
}

enum err run_replay(struct run *run, const char *log, size_t size_bytes, struct err_note *reterr)
{
        struct run_effects effects = { 0 };
        size_t line = 0;
        enum err e = ERR_OK;

        for (size_t at = 0; at < size_bytes && !e;) {
                const char *end = memchr(log + at, '\n', size_bytes - at);
                size_t size = end ? (size_t)(end - log) - at : size_bytes - at;

                line++;
                if (size) e = replay_line(run, log + at, size, &effects, reterr);
                at += size + 1;
        }
        run_effects_done(&effects);
        if (!e || e == ERR_NOMEM) return e;
        err_note_prefix(reterr, "line %zu of the log does not fit", line);
        return ERR_CORRUPT;
}

enum err run_event_of_step(const struct scenario_step *step, const char *by, struct arena *arena, struct run_event *ret)
{
        bool patch = str_eq(step->kind, "config.set");
        const char *args;

        if (patch) args = arena_printf(arena, "{\"patch\":%s}", step->args_json);
        else if (step->for_ms && str_eq(step->args_json, "{}")) args = arena_printf(arena, "{\"for_ms\":%lld}", (long long)step->for_ms);
        else if (step->for_ms) args = arena_printf(arena, "{\"for_ms\":%lld,%s", (long long)step->for_ms, step->args_json + 1);
        else args = arena_strdup(arena, step->args_json);
        *ret = (struct run_event){ .kind = RUN_EV_ACTION, .by = by, .action = patch ? "config.patch" : step->kind, .on = step->on, .args = args,
                                   .text = "reference step" };
        return args ? ERR_OK : ERR_NOMEM;
}

void run_event_of_truth(const struct scenario *s, size_t cause, struct run_event *ret)
{
        CHECK(cause < s->cause_count);
        *ret = (struct run_event){ .kind = RUN_EV_DIAGNOSIS, .component = s->causes[cause].component, .mechanism = s->causes[cause].mechanism,
                                   .object = s->causes[cause].object_name, .items = s->victims.item, .item_count = s->victims.count,
                                   .text = "reference answer" };
}

/* drive: plays a run by hand. Answers every command of the engine at once (like a perfect stage), keeps the event log,
 * and writes down what happened as one line each ("12.0 held user_ok"), so that a test compares with a golden text. */
#ifndef TESTS_UNIT_SERVER_ENGINE_DRIVE_H
#define TESTS_UNIT_SERVER_ENGINE_DRIVE_H

#include "fixture.h"

#include "server/engine/run.h"
#include "server/engine/run_event.h"
#include "server/engine/run_json.h"

#define DRIVE_START_MS INT64_C(1700000000000)

struct drive {
        const struct scenario *s;
        struct run *run;
        struct run_effects effects;
        struct buf log, trace;
        int64_t now_ms;
        bool manual;         /* commands are not answered; the test does it */
        const char *refuse;  /* kind of task that fails when it is applied */
        const char *changed; /* answer of the next applied task */
        struct run_sample sample[SCENARIO_QUERIES_MAX];
};

static inline void drive_feed(struct drive *d, const struct run_event *event);

static inline void drive_note(struct drive *d, const char *format, ...) FMT_PRINTF(2, 3);
static inline void drive_note(struct drive *d, const char *format, ...)
{
        va_list args;

        buf_printf(&d->trace, "%.1f ", (double)(d->now_ms - DRIVE_START_MS) / 1000.0);
        va_start(args, format);
        buf_vprintf(&d->trace, format, args);
        va_end(args);
        buf_char(&d->trace, '\n');
}

/* An undo that names what was there before: enough to tell undos apart. */
static inline const char *drive_undo(const struct run_task *task, char *dst, size_t dst_bytes)
{
        if (str_eq(task->kind, "process.restart")) return "null";
        snprintf(dst, dst_bytes, "{\"kind\":\"undo of %u\",\"on\":\"%s\",\"args\":{}}", task->id, task->on);
        return dst;
}

static inline void drive_effect(struct drive *d, struct run_effect effect)
{
        const struct run_task *task = effect.index && effect.index <= run_task_count(d->run) ? run_task(d->run, effect.index) : NULL;
        char undo[200];

        switch (effect.kind) {
        case RUN_DO_RESET_STACK:
                drive_note(d, "reset stack");
                if (!d->manual) drive_feed(d, &(struct run_event){ .kind = RUN_EV_STACK_READY });
                break;
        case RUN_DO_WATCH: drive_note(d, "watch"); break;
        case RUN_DO_UNWATCH: drive_note(d, "unwatch"); break;
        case RUN_DO_PREPARE:
                drive_note(d, "prepare %s %s", task->kind, task->on);
                if (!d->manual) drive_feed(d, &(struct run_event){ .kind = RUN_EV_TASK_PREPARED, .task = task->id, .undo = drive_undo(task, undo, sizeof undo) });
                break;
        case RUN_DO_APPLY:
                drive_note(d, "apply %s %s", task->kind, task->on);
                if (d->manual) break;
                if (d->refuse && str_eq(d->refuse, task->kind))
                        drive_feed(d, &(struct run_event){ .kind = RUN_EV_TASK_FAILED, .task = task->id, .text = "no" });
                else
                        drive_feed(d, &(struct run_event){ .kind = RUN_EV_TASK_APPLIED, .task = task->id, .changed = d->changed });
                break;
        case RUN_DO_UNDO:
                drive_note(d, "undo %s %s", task->kind, task->on);
                if (!d->manual) drive_feed(d, &(struct run_event){ .kind = RUN_EV_TASK_UNDONE, .task = task->id });
                break;
        case RUN_DO_ENDED: drive_note(d, "ended %s: %s", run_outcome_text(run_outcome(d->run)), run_reason(d->run)); break;
        case RUN_DO_DEBRIEF: drive_note(d, "debrief"); break;
        case RUN_DO_ADVISE:
                drive_note(d, "advise");
                if (!d->manual)
                        drive_feed(d, &(struct run_event){ .kind = RUN_EV_ADVICE, .hint = d->s->hints[effect.index].id, .text = "wait and see" });
                break;
        default: break;
        }
}

static inline enum err drive_try(struct drive *d, const struct run_event *event, struct err_note *note)
{
        enum run_state before = run_state(d->run);
        size_t feed = run_feed_count(d->run);
        struct run_effect effects[256];
        size_t count;
        enum err e = run_step(d->run, event, d->now_ms, &d->effects, note);

        if (e) {
                assert_int_equal(d->effects.count, 0);
                return e;
        }
        run_event_write(event, d->now_ms, &d->log);
        buf_char(&d->log, '\n');
        count = d->effects.count;
        assert_true(count <= ARRAY_COUNT(effects));
        memcpy(effects, d->effects.item, count * sizeof *effects);
        if (run_state(d->run) != before) drive_note(d, "%s", run_state_text(run_state(d->run)));
        for (size_t i = feed; i < run_feed_count(d->run); i++) {
                AUTO_BUF text;
                AUTO(json_free) struct json *j = NULL;

                buf_init(&text, 1 << 16);
                run_feed_json(d->run, i, &text);
                assert_int_equal(json_parse(text.data, text.size_bytes, &j, NULL), ERR_OK);
                if (!str_eq(json_get_str(j, "kind", ""), "brief"))
                        drive_note(d, "[%s] %s", json_get_str(j, "kind", ""), json_get_str(j, "text", ""));
        }
        for (size_t i = 0; i < count; i++)
                drive_effect(d, effects[i]);
        return ERR_OK;
}

static inline void drive_feed(struct drive *d, const struct run_event *event)
{
        struct err_note note = { 0 };

        if (drive_try(d, event, &note) != ERR_OK) fail_msg("%s refused: %s\n%s", run_event_text(event->kind), note.text, d->trace.data);
}

static inline void drive_new(struct drive *d, const struct fixture *f, const struct scenario *s, bool fast, uint64_t seed)
{
        struct run_options options = { .id = "r1", .seed = seed, .stack = 1, .fast = fast, .created_ms = DRIVE_START_MS };

        *d = (struct drive){ .s = s, .now_ms = DRIVE_START_MS, .changed = "{}" };
        buf_init(&d->log, 1 << 24);
        buf_init(&d->trace, 1 << 20);
        assert_int_equal(run_new(s, &f->stack.world, &options, &d->run), ERR_OK);
}

static inline void drive_start(struct drive *d)
{
        drive_feed(d, &(struct run_event){ .kind = RUN_EV_START });
}

static inline void drive_done(struct drive *d)
{
        run_free(d->run);
        run_effects_done(&d->effects);
        buf_done(&d->log);
        buf_done(&d->trace);
}

/* Sets the sample of a query; NAN is missing. */
static inline void drive_set(struct drive *d, const char *promql, double value)
{
        for (size_t i = 0; i < run_query_count(d->run); i++)
                if (str_eq(run_query(d->run, i), promql)) {
                        d->sample[i] = (struct run_sample){ value == value, value == value ? value : 0 };
                        return;
                }
        fail_msg("no query '%s'", promql);
}

/* Sends samples every step_ms until the time (s from the start of the drive). */
static inline void drive_until(struct drive *d, double seconds, int64_t step_ms)
{
        int64_t end_ms = DRIVE_START_MS + (int64_t)(seconds * 1000);

        while (d->now_ms + step_ms <= end_ms && run_state(d->run) < RUN_ENDED) {
                d->now_ms += step_ms;
                drive_feed(d, &(struct run_event){ .kind = RUN_EV_SAMPLES, .samples = d->sample, .sample_count = run_query_count(d->run) });
        }
        d->now_ms = end_ms;
        if (run_state(d->run) < RUN_ENDED) drive_feed(d, &(struct run_event){ .kind = RUN_EV_TICK });
}

#endif

/* The conductor between a real store and hands that only pretend: stage.h and poll.h are its seams, and this file is what stands behind
 * them. Answers come later, one at a time, when the test lets them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/sys/file.h"
#include "server/engine/run_event.h"
#include "server/stage/conductor.h"

enum { WAITING_MAX = 16, DEADLINE_MS = 20000 };

struct answer {
        stage_fn *fn;
        void *ctx;
        enum err e;
        char json[256];
};

static struct {
        struct loop *loop;
        struct http_async *http;
        struct store *store;
        struct conductor *conductor;
        char dir[64], db[96];
        struct poll_options poll;
        size_t watched;
        struct answer waiting[WAITING_MAX];
        size_t waiting_count;
        struct buf calls, notices, feed; /* what the hands were asked, what was told */
        const char *refuse;              /* the call that fails, as it stands in calls */
        const char *hold;                /* the call that is never answered */
        double value;                    /* of every query */
        int idle;
} t;

#define SCENARIO                                                                                                       \
        "schema: 1\nid: pool\ntitle: T\nlevel: 1\ntime_limit: 10m\nseed: 3\nobjectives: [o]\nbrief: B\ndebrief: D\n"   \
        "load: {profile: steady, rps: 40}\nbaseline: {settle: 1s}\n"                                                   \
        "timeline: [{at: 0s, fault: config.set, on: api, args: {worker_threads: 1}}]\n"                                \
        "criteria: [{id: ok, title: S, promql: 'fd:user_success:ratio10s', target: '>= 0.98', hold: 0s}]\n"            \
        "truth: {component: api, mechanism: concurrency_limit}\n"                                                      \
        "solutions: [[{config.set: {on: api, args: {worker_threads: 8}}}]]\n"

/* ---- the hands ---- */

struct stage {
        int nothing;
};
static struct stage hands;

static void asked(stage_fn *fn, void *ctx, const char *json, const char *format, ...) FMT_PRINTF(4, 5);
static void asked(stage_fn *fn, void *ctx, const char *json, const char *format, ...)
{
        size_t at = t.calls.size_bytes;
        struct answer *a = &t.waiting[t.waiting_count];
        va_list args;

        va_start(args, format);
        buf_vprintf(&t.calls, format, args);
        va_end(args);
        buf_char(&t.calls, '\n');
        if (t.hold && str_starts(t.calls.data + at, t.hold)) return;
        assert_true(t.waiting_count < WAITING_MAX);
        *a = (struct answer){ .fn = fn, .ctx = ctx, .e = t.refuse && str_starts(t.calls.data + at, t.refuse) ? ERR_IO : ERR_OK };
        str_cut(a->json, sizeof a->json, json);
        t.waiting_count++;
}

void stage_reset(struct stage *s, uint64_t seed, stage_fn *fn, control_progress_fn *progress, void *ctx)
{
        (void)s, (void)progress;
        asked(fn, ctx, "{}", "reset %llu", (unsigned long long)seed);
}

void stage_prepare(struct stage *s, const struct stage_change *change, stage_fn *fn, void *ctx)
{
        char undo[200];

        (void)s;
        snprintf(undo, sizeof undo, "{\"kind\":\"config.patch\",\"on\":\"%s\",\"args\":{\"patch\":{\"was\":\"%s\"}}}", change->on[0] ? change->on : "loadgen", change->kind);
        asked(fn, ctx, undo, "prepare %s %s", change->kind, change->on);
}

void stage_apply(struct stage *s, const struct stage_change *change, stage_fn *fn, void *ctx)
{
        (void)s;
        asked(fn, ctx, "{}", "apply %s %s", change->kind, change->on);
}

void stage_undo(struct stage *s, const char *undo, const char *by, const char *reason, stage_fn *fn, void *ctx)
{
        AUTO(json_free) struct json *j = NULL;

        (void)s, (void)by, (void)reason;
        assert_int_equal(json_parse(undo, strlen(undo), &j, NULL), ERR_OK);
        asked(fn, ctx, "{}", "undo %s", json_get_str(json_path(j, "/args/patch"), "was", "?"));
}

enum err poll_new(const struct poll_options *options, struct poll **ret)
{
        t.poll = *options;
        *ret = NULL;
        return ERR_OK;
}

void poll_free(struct poll *p)
{
        (void)p;
}

enum err poll_watch(struct poll *p, const char *const *queries, size_t count)
{
        (void)p, (void)queries;
        t.watched = count;
        return ERR_OK;
}

/* ---- the test's side ---- */

static void on_tell(void *ctx, const char *type, const char *json)
{
        (void)ctx;
        if (str_eq(type, "notice")) buf_printf(&t.notices, "%s\n", json);
        if (str_eq(type, "feed")) buf_printf(&t.feed, "%s\n", json);
}

static void on_idle(void *ctx, int64_t run_id)
{
        (void)ctx, (void)run_id;
        t.idle++;
}

static void on_advise(void *ctx, char *dst, size_t dst_bytes)
{
        (void)ctx;
        str_cut(dst, dst_bytes, "Look at the workers.");
}

static void answer_all(void)
{
        for (size_t i = 0; i < t.waiting_count; i++) {
                struct answer a = t.waiting[i];

                a.fn(a.ctx, &(struct stage_answer){ .e = a.e, .detail = a.e ? "the hands refuse" : "", .json = a.e ? "{}" : a.json });
        }
        t.waiting_count = 0;
}

/* Lets everything happen until the run is in the state, or nobody plays any more. */
static void until(enum run_state state)
{
        int64_t deadline = clock_mono_ms() + DEADLINE_MS;

        while (clock_mono_ms() < deadline) {
                struct run_sample samples[SCENARIO_QUERIES_MAX];
                const struct run *run = conductor_run(t.conductor);

                if (run && run_state(run) >= state && !t.waiting_count) return;
                if (!run && t.idle) return;
                for (size_t i = 0; i < t.watched; i++) samples[i] = (struct run_sample){ true, t.value };
                if (t.watched) t.poll.on_samples(t.poll.ctx, samples, t.watched);
                answer_all();
                (void)loop_turn(t.loop, 20);
        }
        fail_msg("state %d was not reached\n%s%s", state, t.calls.data, t.notices.data);
}

static void expect_calls(const char *golden)
{
        if (strcmp(t.calls.data, golden) != 0) fail_msg("the hands were asked\n%s\nand not\n%s", t.calls.data, golden);
}

static enum err task_line(void *ctx, const struct store_task *task)
{
        buf_printf(ctx, "%s %s\n", task->kind, store_task_state_text(task->state));
        return ERR_OK;
}

static void expect_journal(int64_t run_id, const char *golden)
{
        AUTO_BUF have;

        buf_init(&have, 1 << 16);
        assert_int_equal(store_task_each(t.store, run_id, task_line, &have, NULL), ERR_OK);
        if (strcmp(have.data, golden) != 0) fail_msg("the journal says\n%s\nand not\n%s", have.data, golden);
}

static void born(void)
{
        struct err_note note = { 0 };
        static const struct scenario_world anywhere;
        struct conductor_options o = { .loop = t.loop, .stage = &hands, .http = t.http, .prometheus = "", .loadgen = "", .logproc = "", .world = &anywhere,
                                       .stack = 1, .tell = on_tell, .on_idle = on_idle, .advise = on_advise };

        if (store_open(t.db, &t.store, &note)) fail_msg("%s", note.text);
        o.store = t.store;
        t.waiting_count = t.watched = 0;
        t.idle = 0;
        t.refuse = t.hold = NULL;
        buf_clear(&t.calls);
        assert_int_equal(conductor_new(&o, &t.conductor), ERR_OK);
}

/* As SIGKILL would have it: nothing is ended, nothing is undone. */
static void killed(void)
{
        conductor_free(take(&t.conductor));
        store_free(take(&t.store));
}

static int setup(void **state)
{
        (void)state;
        memset(&t, 0, sizeof t);
        buf_init(&t.calls, 1 << 16);
        buf_init(&t.notices, 1 << 16);
        buf_init(&t.feed, 1 << 20);
        snprintf(t.dir, sizeof t.dir, "/tmp/fd-conductor-XXXXXX");
        assert_non_null(mkdtemp(t.dir));
        snprintf(t.db, sizeof t.db, "%s/firedrill.db", t.dir);
        assert_int_equal(loop_new(&t.loop, NULL), ERR_OK);
        assert_int_equal(http_async_new(t.loop, &t.http), ERR_OK);
        t.value = 1;
        born();
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        killed();
        http_async_free(t.http);
        loop_free(t.loop);
        buf_done(&t.calls);
        buf_done(&t.notices);
        buf_done(&t.feed);
        return dir_remove(t.dir, NULL);
}

static void begin_as(const char *source, const char *name)
{
        char id[CONDUCTOR_RUN_ID_BYTES];
        struct err_note note = { 0 };
        struct conductor_play play = { .source = source, .source_bytes = strlen(source), .driver = "learner", .name = name };

        if (conductor_start(t.conductor, &play, id, &note)) fail_msg("%s", note.text);
}

static void begin(void)
{
        begin_as(SCENARIO, NULL);
}

static void abandon(void)
{
        assert_int_equal(conductor_event(t.conductor, &(struct run_event){ .kind = RUN_EV_END, .by = "abandoned" }, NULL), ERR_OK);
}

/* The baseline holds, the fault is applied and bites. */
static void play_to_running(void)
{
        until(RUN_INJECTING);
        t.value = 0.5;
        until(RUN_RUNNING);
}

static void a_whole_run(void **state)
{
        (void)state;
        begin();
        play_to_running();
        abandon();
        until(RUN_DEBRIEFED);
        expect_calls("reset 3\nprepare load.profile \napply load.profile \nprepare config.set api\napply config.set api\n"
                     "undo config.set\nundo load.profile\n");
        expect_journal(1, "load.profile undone\nconfig.set undone\n");
        assert_int_equal(t.idle, 1);
}

static void the_reset_fails(void **state)
{
        (void)state;
        t.refuse = "reset";
        begin();
        until(RUN_DEBRIEFED);
        expect_calls("reset 3\n");
        expect_journal(1, "");
        assert_int_equal(run_outcome(conductor_run(t.conductor)), RUN_OUTCOME_FAILED);
        assert_string_equal(run_reason(conductor_run(t.conductor)), "the stack did not start: the hands refuse");
        assert_false(conductor_active(t.conductor));
}

static void the_fault_cannot_be_applied(void **state)
{
        (void)state;
        t.refuse = "apply config.set";
        begin();
        until(RUN_DEBRIEFED);
        expect_calls("reset 3\nprepare load.profile \napply load.profile \nprepare config.set api\napply config.set api\nundo load.profile\n");
        expect_journal(1, "load.profile undone\nconfig.set failed\n");
        assert_string_equal(run_reason(conductor_run(t.conductor)),
                            "config.set on api could not be applied: the hands refuse; this is not your doing, and there is no score");
}

/* No undo is known: then nothing is done at all. */
static void the_fault_cannot_be_prepared(void **state)
{
        (void)state;
        t.refuse = "prepare config.set";
        begin();
        until(RUN_DEBRIEFED);
        expect_calls("reset 3\nprepare load.profile \napply load.profile \nprepare config.set api\nundo load.profile\n");
        expect_journal(1, "load.profile undone\n");
}

/* The rest is undone all the same, it is said, and the journal keeps what is still there. */
static void an_undo_fails(void **state)
{
        AUTO_BUF open;

        (void)state;
        begin();
        play_to_running();
        t.refuse = "undo config.set";
        abandon();
        until(RUN_DEBRIEFED);
        expect_journal(1, "load.profile undone\nconfig.set applied\n");
        assert_non_null(strstr(t.feed.data, "config.set api could not be undone: the hands refuse"));
        buf_init(&open, 1 << 12);
        assert_int_equal(store_task_open_each(t.store, 1, task_line, &open, NULL), ERR_OK);
        assert_string_equal(open.data, "config.set applied\n");
        assert_false(conductor_active(t.conductor));
}

/* Killed when the change was in the journal and nobody can say whether it was made: it is undone. */
static void killed_between_journal_and_apply(void **state)
{
        char what[ERR_NOTE_BYTES];

        (void)state;
        t.hold = "apply config.set";
        begin();
        until(RUN_INJECTING);
        expect_journal(1, "load.profile applied\nconfig.set planned\n");
        killed();
        born();
        assert_int_equal(conductor_recover(t.conductor, what, NULL), ERR_OK);
        assert_non_null(strstr(what, "killed during run r1 (pool): the run is over, and 2 changes it left are undone now"));
        until(RUN_DEBRIEFED);
        expect_calls("undo config.set\nundo load.profile\n");
        expect_journal(1, "load.profile undone\nconfig.set undone\n");
        assert_int_equal(run_outcome(conductor_run(t.conductor)), RUN_OUTCOME_FAILED);
}

/* Killed when the undo was only being formed: nothing was written, nothing was made, nothing is undone. */
static void killed_while_preparing(void **state)
{
        char what[ERR_NOTE_BYTES];

        (void)state;
        t.hold = "prepare config.set";
        begin();
        until(RUN_INJECTING);
        killed();
        born();
        assert_int_equal(conductor_recover(t.conductor, what, NULL), ERR_OK);
        until(RUN_DEBRIEFED);
        expect_calls("undo load.profile\n");
        expect_journal(1, "load.profile undone\n");
}

/* The log does not fit any more: the task table alone is enough, newest first; what fails is told. */
static void rescued_from_the_journal_alone(void **state)
{
        struct store_event nonsense = { .wall_ms = 1, .type = "tick", .data = "{\"at_ms\":1,\"type\":\"nonsense\"}" };
        char what[ERR_NOTE_BYTES];
        int64_t seq;

        (void)state;
        t.hold = "apply config.set";
        begin();
        until(RUN_INJECTING);
        assert_int_equal(store_event_append(t.store, 1, &nonsense, &seq, NULL), ERR_OK);
        killed();
        born();
        t.refuse = "undo load.profile";
        assert_int_equal(conductor_recover(t.conductor, what, NULL), ERR_OK);
        assert_non_null(strstr(what, "the run cannot be rebuilt"));
        until(RUN_DEBRIEFED);
        expect_calls("undo config.set\nundo load.profile\n");
        expect_journal(1, "load.profile applied\nconfig.set undone\n");
        assert_non_null(strstr(t.notices.data, "change 1 of run r1 could not be undone: the hands refuse"));
        assert_int_equal(t.idle, 1);
}

static void action_done(void *ctx, enum err e, const char *json, const char *detail, const char *problem)
{
        (void)json, (void)detail, (void)problem;
        *(enum err *)ctx = e;
}

/* What cannot be written down is not done; what was done is undone all the same. */
static void a_full_disk(void **state)
{
        enum err e = ERR_OK;
        char filler[4096];
        struct store_event more = { .wall_ms = 1, .type = "tick", .data = filler };
        int64_t seq;

        (void)state;
        begin();
        play_to_running();
        store_disk_full_simulate(t.store, true);
        memset(filler, 'x', sizeof filler);
        for (size_t size = sizeof filler - 1; size; size /= 8) { /* until nothing fits into the last page */
                filler[size] = '\0';
                while (store_event_append(t.store, 1, &more, &seq, NULL) == ERR_OK)
                        continue;
        }
        assert_int_equal(conductor_action(t.conductor, &(struct run_event){ .kind = RUN_EV_ACTION, .action = "process.restart", .on = "api" },
                                          action_done, &e, NULL), ERR_OK);
        answer_all();
        answer_all();
        assert_int_equal(e, ERR_IO);
        assert_null(strstr(t.calls.data, "apply process.restart"));
        assert_non_null(strstr(t.notices.data, "the run's journal cannot be written"));
        abandon();
        until(RUN_DEBRIEFED);
        assert_non_null(strstr(t.calls.data, "undo config.set\nundo load.profile\n"));
        store_disk_full_simulate(t.store, false);
}

/* An agent's hint that its author named is answered under that name. */
static void advice_of_a_named_hint(void **state)
{
        (void)state;
        begin_as(SCENARIO "hints: [{id: ask_the_agent, agent: true}]\n", NULL);
        play_to_running();
        until(RUN_RUNNING);
        assert_non_null(strstr(t.feed.data, "Look at the workers."));
        assert_null(strstr(t.notices.data, "could not take the event"));
}

/* A scenario of a pack: its runs and figures are its own, also in the next life. */
static void filed_under_the_name_of_the_pack(void **state)
{
        struct store_difficulty d = { 0 };
        AUTO_BUF text;

        (void)state;
        buf_init(&text, 1 << 20);
        begin_as(SCENARIO, "acme/pool");
        assert_string_equal(run_scenario(conductor_run(t.conductor))->id, "acme/pool");
        play_to_running();
        t.value = 1;
        until(RUN_DEBRIEFED);
        assert_int_equal(run_outcome(conductor_run(t.conductor)), RUN_OUTCOME_RESOLVED);
        killed();
        born();
        assert_int_equal(store_difficulty_get(t.store, "acme/pool", &d, NULL), ERR_OK);
        assert_int_equal(d.attempts, 1);
        assert_int_equal(d.resolved, 1);
        assert_int_equal(store_difficulty_get(t.store, "pool", &d, NULL), ERR_OK);
        assert_int_equal(d.attempts, 0);
        assert_int_equal(conductor_markdown(t.conductor, 1, &text, NULL), ERR_OK);
        assert_non_null(strstr(text.data, "`acme/pool`"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_whole_run, setup, teardown),
                cmocka_unit_test_setup_teardown(the_reset_fails, setup, teardown),
                cmocka_unit_test_setup_teardown(the_fault_cannot_be_applied, setup, teardown),
                cmocka_unit_test_setup_teardown(the_fault_cannot_be_prepared, setup, teardown),
                cmocka_unit_test_setup_teardown(an_undo_fails, setup, teardown),
                cmocka_unit_test_setup_teardown(killed_between_journal_and_apply, setup, teardown),
                cmocka_unit_test_setup_teardown(killed_while_preparing, setup, teardown),
                cmocka_unit_test_setup_teardown(rescued_from_the_journal_alone, setup, teardown),
                cmocka_unit_test_setup_teardown(a_full_disk, setup, teardown),
                cmocka_unit_test_setup_teardown(advice_of_a_named_hint, setup, teardown),
                cmocka_unit_test_setup_teardown(filed_under_the_name_of_the_pack, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

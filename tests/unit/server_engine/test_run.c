/* The run as a whole: golden timelines of small scenarios, played by hand. Times are seconds from the start of the run. */
#include "drive.h"

#include <math.h>

static struct fixture fixture;

/* 5 s to settle, a fault at 0 s, hold 10 s, 2 minutes. */
#define HEAD                                                                                                           \
        "schema: 1\nid: t\ntitle: T\nlevel: 1\ntime_limit: 2m\nobjectives: [o]\nbrief: B\ndebrief: D\n"                \
        "load: {profile: steady, rps: 40}\nbaseline: {settle: 5s, within: 20s}\n"                                      \
        "truth: {component: api, mechanism: concurrency_limit, object: {key: worker_threads}, victims: [gateway]}\n"   \
        "evidence: {symptom: [panel:gateway.latency], path: ['metric:fd:service_queue:depth'], cause: [config:api.worker_threads]}\n" \
        "solutions: [[{config.set: {on: api, args: {worker_threads: 8}}}]]\n"                                          \
        "wrong_fixes: [{do: [{process.restart: {on: api}}], explain: It comes back.}]\n"
#define OK_Q "fd:user_success:ratio10s"
#define P95_Q "fd:user_latency:p95_10s"
#define FAULT "timeline:\n  - {at: 0s, fault: config.set, on: api, args: {worker_threads: 1}, as: deploy, note: api v2}\n"
#define CRITERION "criteria:\n  - {id: ok, title: Success, promql: '" OK_Q "', target: '>= 0.98', unit: ratio, hold: 10s}\n"
#define CONFIRM "confirm: {within: 30s}\n"
#define HINT "hints: [{after: 1m, text: Look.}]\n"

static void expect(struct drive *d, const char *golden)
{
        if (strcmp(d->trace.data, golden) != 0) fail_msg("the trace is\n%s\nand not\n%s", d->trace.data, golden);
}

static void expect_part(struct drive *d, const char *part)
{
        if (!strstr(d->trace.data, part)) fail_msg("'%s' is not in\n%s", part, d->trace.data);
}

/* The state of a run as one text: everything a view shows. */
static void whole(const struct run *run, struct buf *out)
{
        run_json(run, out);
        for (size_t i = 0; i < run_criterion_count(run); i++)
                run_criterion_json(run, i, out);
        for (size_t i = 0; i < run_guard_count(run); i++)
                run_guard_json(run, i, out);
        for (size_t i = 0; i < run_feed_count(run); i++)
                run_feed_json(run, i, out);
        for (uint32_t id = 1; id <= run_task_count(run); id++)
                run_task_json(run, id, out);
        run_debrief_json(run, out);
        run_debrief_markdown(run, out);
        assert_int_equal(buf_status(out), ERR_OK);
}

/* The log, fed to a fresh run, gives the same state. */
static void expect_replays(struct drive *d, bool fast, uint64_t seed)
{
        struct run_options options = { .id = "r1", .seed = seed, .stack = 1, .fast = fast, .created_ms = DRIVE_START_MS };
        AUTO(run_free) struct run *again = NULL;
        struct err_note note = { 0 };
        AUTO_BUF one;
        AUTO_BUF two;

        buf_init(&one, 1 << 24);
        buf_init(&two, 1 << 24);
        assert_int_equal(run_new(d->s, &fixture.stack.world, &options, &again), ERR_OK);
        if (run_replay(again, d->log.data, d->log.size_bytes, &note) != ERR_OK) fail_msg("%s", note.text);
        whole(d->run, &one);
        whole(again, &two);
        assert_string_equal(one.data, two.data);
}

static void play(struct drive *d, struct scenario **s, const char *text)
{
        *s = fixture_load(&fixture, text);
        drive_new(d, &fixture, *s, false, 0);
        drive_start(d);
        drive_set(d, OK_Q, 1);
}

static void finish(struct drive *d, struct scenario *s)
{
        expect_replays(d, false, 0);
        drive_done(d);
        scenario_free(s);
}

static void act(struct drive *d, const char *args, const char *changed)
{
        d->changed = changed;
        drive_feed(d, &(struct run_event){ .kind = RUN_EV_ACTION, .action = "config.patch", .on = "api", .args = args, .text = "because" });
        d->changed = "{}";
}

static void test_resolved(void **state)
{
        struct scenario *s;
        struct drive d;

        (void)state;
        play(&d, &s, HEAD FAULT CRITERION CONFIRM HINT);
        drive_until(&d, 6, 1000); /* healthy from 1 s on, settled at 6 s */
        drive_set(&d, OK_Q, 0.5);
        drive_until(&d, 20, 1000);
        act(&d, "{\"patch\":{\"worker_threads\":16}}", "{\"worker_threads\":{\"from\":1,\"to\":16}}");
        drive_set(&d, OK_Q, 0.99);
        drive_until(&d, 40, 1000);
        expect(&d, "0.0 reset stack\n"
                   "0.0 prepare load.profile \n"
                   "0.0 apply load.profile \n"
                   "0.0 baseline\n"
                   "0.0 watch\n"
                   "6.0 injecting\n"
                   "6.0 prepare config.set api\n"
                   "6.0 apply config.set api\n"
                   "6.0 [deploy] api v2\n"
                   "7.0 running\n"
                   "20.0 prepare config.set api\n"
                   "20.0 apply config.set api\n"
                   "20.0 [action] config.set api: worker_threads 1 -> 16\n"
                   "31.0 ended\n"
                   "31.0 [system] Held: Success\n"
                   "31.0 [system] resolved: all criteria are met and were held\n"
                   "31.0 unwatch\n"
                   "31.0 ended resolved: resolved: all criteria are met and were held\n"
                   "31.0 undo config.set api\n"   /* the repair */
                   "31.0 undo config.set api\n"   /* the fault */
                   "31.0 undo load.profile \n"
                   "31.0 debriefed\n"
                   "31.0 debrief\n");
        assert_int_equal(run_clock(d.run, RUN_CLOCK_USER_VISIBLE), 1000);
        assert_int_equal(run_clock(d.run, RUN_CLOCK_EFFECTIVE_ACTION), 14000);
        assert_int_equal(run_clock(d.run, RUN_CLOCK_SLO_RESTORED), 15000);
        assert_int_equal(run_clock(d.run, RUN_CLOCK_HELD), 25000);
        finish(&d, s);
}

static void test_time_up(void **state)
{
        struct scenario *s;
        struct drive d;

        (void)state;
        play(&d, &s, HEAD FAULT CRITERION CONFIRM HINT);
        drive_until(&d, 6, 1000);
        drive_set(&d, OK_Q, 0.5);
        drive_until(&d, 200, 1000);
        expect_part(&d, "67.0 [hint] Look.\n"); /* the page is at 7 s */
        expect_part(&d, "127.0 ended time_up: time is up\n");
        assert_int_equal(run_state(d.run), RUN_DEBRIEFED);
        finish(&d, s);
}

static void test_not_healthy(void **state)
{
        struct scenario *s;
        struct drive d;

        (void)state;
        play(&d, &s, HEAD FAULT CRITERION CONFIRM HINT);
        drive_set(&d, OK_Q, 0.9);
        drive_until(&d, 30, 1000);
        expect_part(&d, "21.0 ended failed: environment not healthy: ok (90.0 %, but needed is at least 98.0 %)\n");
        assert_null(strstr(d.trace.data, "prepare config.set"));
        finish(&d, s);
}

static void test_missing_is_not_healthy(void **state)
{
        struct scenario *s;
        struct drive d;

        (void)state;
        play(&d, &s, HEAD FAULT CRITERION CONFIRM HINT);
        drive_set(&d, OK_Q, NAN);
        drive_until(&d, 30, 1000);
        expect_part(&d, "21.0 ended failed: environment not healthy: ok (no data: the query has no result)\n");
        finish(&d, s);
}

static void test_fault_does_not_bite(void **state)
{
        struct scenario *s;
        struct drive d;

        (void)state;
        play(&d, &s, HEAD FAULT CRITERION CONFIRM HINT);
        drive_until(&d, 60, 1000);
        expect_part(&d, "37.0 ended failed: the fault did not bite: within 30s no symptom was seen; this is not your doing, and there is no score\n");
        expect_part(&d, "37.0 undo config.set api\n37.0 undo load.profile \n37.0 debriefed\n");
        finish(&d, s);
}

/* A symptom before `after` does not count: the trigger is still to come. */
static void test_confirm_after(void **state)
{
        struct scenario *s;
        struct drive d;

        (void)state;
        play(&d, &s, HEAD FAULT CRITERION HINT "confirm: {after: 12s, within: 30s}\n");
        drive_until(&d, 6, 1000);
        drive_set(&d, OK_Q, 0.5);
        drive_until(&d, 17, 1000);
        assert_int_equal(run_state(d.run), RUN_INJECTING);
        drive_until(&d, 20, 1000);
        expect_part(&d, "18.0 running\n");
        finish(&d, s);
}

static void test_fault_fails(void **state)
{
        struct scenario *s;
        struct drive d;

        (void)state;
        play(&d, &s, HEAD FAULT CRITERION CONFIRM HINT);
        d.refuse = "config.set";
        drive_until(&d, 10, 1000);
        expect_part(&d, "6.0 ended failed: config.set on api could not be applied: no; this is not your doing, and there is no score\n");
        assert_null(strstr(d.trace.data, "undo config.set")); /* nothing was changed */
        expect_part(&d, "6.0 undo load.profile \n6.0 debriefed\n");
        finish(&d, s);
}

static void test_stack_fails(void **state)
{
        struct scenario *s = fixture_load(&fixture, HEAD FAULT CRITERION CONFIRM HINT);
        struct drive d;

        (void)state;
        drive_new(&d, &fixture, s, false, 0);
        d.manual = true;
        drive_start(&d);
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_STACK_FAILED, .text = "port 8000 is taken" });
        expect(&d, "0.0 reset stack\n0.0 debriefed\n0.0 [system] the stack did not start: port 8000 is taken\n0.0 unwatch\n"
                   "0.0 ended failed: the stack did not start: port 8000 is taken\n0.0 debrief\n");
        finish(&d, s);
}

/* Holds: rows of (second, value), sampled every second; expected is the second at which the criterion is held, 0 never. */
static void test_holds(void **state)
{
        static const struct {
                const char *name, *extra;
                struct {
                        double at, value;
                } change[6];
                double held_at, lost_at;
        } rows[] = {
                { "ten good seconds", "", { { 10, 1 } }, 21, 0 },
                { "a bad sample starts the hold anew", "", { { 10, 1 }, { 15, 0.5 }, { 16, 1 } }, 27, 0 },
                { "a met criterion is lost again", "", { { 10, 1 }, { 25, 0.5 }, { 40, 1 } }, 21, 26 },
                { "missing data pauses the hold", "", { { 10, 1 }, { 15, NAN }, { 18, 1 } }, 25, 0 },
                { "long missing data adds nothing", "", { { 10, 1 }, { 15, NAN }, { 30, 1 } }, 37, 0 },
                { "missing data between two bad ones is no recovery", "", { { 10, 1 }, { 15, 0.5 }, { 17, NAN }, { 20, 1 } }, 31, 0 },
                { "a dip within the grace does not end the hold", ", grace: 3s", { { 10, 1 }, { 15, 0.5 }, { 17, 1 } }, 24, 0 },
                { "a dip of the grace's length ends it", ", grace: 3s", { { 10, 1 }, { 15, 0.5 }, { 20, 1 } }, 31, 0 },
                { "exactly at the target is met", "", { { 10, 0.98 } }, 21, 0 },
                { "just below is not", "", { { 10, 0.9799 } }, 0, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                /* the second criterion never holds, so the run goes on */
                char text[4096], want[64];
                struct scenario *s;
                struct drive d;

                snprintf(text, sizeof text,
                         HEAD FAULT CONFIRM HINT "criteria:\n  - {id: ok, title: Success, promql: '" OK_Q "', target: '>= 0.98', hold: 10s%s}\n"
                              "  - {id: p95, title: Fast, promql: '" P95_Q "', target: '< 0.4', hold: 10s}\n", rows[i].extra);
                play(&d, &s, text);
                drive_set(&d, P95_Q, 0.1);
                drive_until(&d, 6, 1000);
                drive_set(&d, OK_Q, 0.5);
                drive_set(&d, P95_Q, 1);
                for (size_t k = 0; k < ARRAY_COUNT(rows[i].change) && rows[i].change[k].at > 0; k++) {
                        drive_until(&d, rows[i].change[k].at, 1000);
                        drive_set(&d, OK_Q, rows[i].change[k].value);
                }
                drive_until(&d, 60, 1000);
                snprintf(want, sizeof want, "%.1f [system] Held: Success\n", rows[i].held_at);
                ROW(rows[i].name, (rows[i].held_at > 0) == (strstr(d.trace.data, "Held: Success") != NULL));
                ROW(rows[i].name, rows[i].held_at <= 0 || strstr(d.trace.data, want));
                snprintf(want, sizeof want, "%.1f [system] Lost again: Success\n", rows[i].lost_at);
                ROW(rows[i].name, (rows[i].lost_at > 0) == (strstr(d.trace.data, "Lost again") != NULL));
                ROW(rows[i].name, rows[i].lost_at <= 0 || strstr(d.trace.data, want));
                finish(&d, s);
        }
}

/* Samples that come at odd times: a hold counts time, not samples. */
static void test_jittered_samples(void **state)
{
        static const int64_t gaps_ms[] = { 700, 1300, 950, 2100, 400, 1000, 3000, 650 };
        struct scenario *s;
        struct drive d;

        (void)state;
        play(&d, &s, HEAD FAULT CRITERION CONFIRM HINT);
        drive_until(&d, 6, 1000);
        drive_set(&d, OK_Q, 0.5);
        drive_until(&d, 10, 1000);
        drive_set(&d, OK_Q, 1);
        for (size_t i = 0; run_state(d.run) == RUN_RUNNING; i++) {
                d.now_ms += gaps_ms[i % ARRAY_COUNT(gaps_ms)];
                drive_feed(&d, &(struct run_event){ .kind = RUN_EV_SAMPLES, .samples = d.sample, .sample_count = run_query_count(d.run) });
        }
        /* first good sample at 10.7 s; 10 s later is 20.7; the sums of the gaps reach 10.0 s after it at 20.8 s */
        expect_part(&d, "20.8 ended resolved");
        finish(&d, s);
}

#define TWO_MINUTES_OF_RUN HEAD FAULT CONFIRM CRITERION

static void bad_run(struct drive *d, struct scenario **s, const char *text)
{
        play(d, s, text);
        drive_until(d, 6, 1000);
        drive_set(d, OK_Q, 0.5);
        drive_until(d, 7, 1000); /* the page */
        assert_int_equal(run_state(d->run), RUN_RUNNING);
}

static void test_hint_ladder(void **state)
{
        struct scenario *s;
        struct drive d;
        struct err_note note;

        (void)state;
        bad_run(&d, &s, TWO_MINUTES_OF_RUN "hints:\n"
                "  - {after: 10s, text: Free.}\n"
                "  - {after: 20s, cost: 5, text: Paid.}\n"
                "  - {unless_seen: path, after: 30s, text: Path.}\n"
                "  - {unless_seen: cause, after: 40s, text: Cause.}\n"
                "  - {when: ok.unmet_for > 50s, text: Adaptive.}\n"
                "  - {when: 'fd:service_queue:depth > 10', text: Metric.}\n"
                "  - {after: 60s, agent: true, cost: 20}\n");
        assert_int_equal(drive_try(&d, &(struct run_event){ .kind = RUN_EV_HINT, .hint = "h2" }, &note), ERR_STATE);
        assert_int_equal(drive_try(&d, &(struct run_event){ .kind = RUN_EV_HINT, .hint = "h9" }, &note), ERR_NOT_FOUND);
        drive_until(&d, 30, 1000);
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_HINT, .hint = "h2" });
        assert_int_equal(drive_try(&d, &(struct run_event){ .kind = RUN_EV_HINT, .hint = "h2" }, &note), ERR_STATE);
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_EVIDENCE, .items = (const char *[]){ "promql:sum(fd:service_queue:depth) by (service)" }, .item_count = 1 });
        drive_until(&d, 50, 1000);
        drive_set(&d, "fd:service_queue:depth", 11);
        drive_until(&d, 70, 1000);
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_HINT, .hint = "h7" });
        expect_part(&d, "17.0 [hint] Free.\n");
        expect_part(&d, "27.0 [hint] \n"); /* offered, its text is not told yet */
        assert_null(strstr(d.trace.data, "Path."));
        expect_part(&d, "47.0 [hint] Cause.\n");
        expect_part(&d, "51.0 [hint] Metric.\n");
        expect_part(&d, "58.0 [hint] Adaptive.\n"); /* not met since the page at 7 s: more than 50 s at 58 s */
        expect_part(&d, "70.0 advise\n");
        finish(&d, s);
}

/* What fires is told, its end is told, and an end without a beginning is refused. */
static void test_alerts(void **state)
{
        const struct run_event fires = { .kind = RUN_EV_ALERT, .on = "ServiceDown api", .text = "api is away" };
        const struct run_event over = { .kind = RUN_EV_ALERT_RESOLVED, .on = "ServiceDown api" };
        struct scenario *s;
        struct drive d;
        struct err_note note;

        (void)state;
        bad_run(&d, &s, TWO_MINUTES_OF_RUN HINT);
        assert_int_equal(drive_try(&d, &over, &note), ERR_STATE);
        assert_non_null(strstr(note.text, "ServiceDown api"));
        drive_feed(&d, &fires);
        assert_true(run_alert_firing(d.run, "ServiceDown api"));
        assert_false(run_alert_firing(d.run, "ServiceDown"));
        drive_until(&d, 30, 1000);
        drive_feed(&d, &over);
        assert_false(run_alert_firing(d.run, "ServiceDown api"));
        assert_int_equal(drive_try(&d, &over, &note), ERR_STATE);
        expect_part(&d, "[alert] api is away\n");
        expect_part(&d, "[resolved] the alert is resolved\n");
        finish(&d, s);
}

static void test_guards(void **state)
{
        struct scenario *s;
        struct drive d;

        (void)state;
        bad_run(&d, &s, TWO_MINUTES_OF_RUN HINT "must_not:\n"
                "  - {id: cheat, promql: 'fd:service_rps:rate10s < 24', for: 5s, reason: Traffic was removed}\n");
        drive_set(&d, "fd:service_rps:rate10s", 10);
        drive_set(&d, OK_Q, 1);
        drive_until(&d, 40, 1000);
        assert_int_equal(run_state(d.run), RUN_RUNNING); /* held, but by cheating */
        expect_part(&d, "13.0 [system] Rule broken: Traffic was removed\n");
        expect_part(&d, "18.0 [system] Held: Success\n");
        drive_set(&d, "fd:service_rps:rate10s", NAN); /* not known is not kept */
        drive_until(&d, 45, 1000);
        assert_int_equal(run_state(d.run), RUN_RUNNING);
        drive_set(&d, "fd:service_rps:rate10s", 40);
        drive_until(&d, 50, 1000);
        expect_part(&d, "46.0 [system] Rule kept again: Traffic was removed\n");
        expect_part(&d, "46.0 ended resolved");
        finish(&d, s);
}

static void test_final_guard(void **state)
{
        struct scenario *s;
        struct drive d;

        (void)state;
        bad_run(&d, &s, TWO_MINUTES_OF_RUN HINT "must_not:\n"
                "  - {id: loss, promql: 'fd:orders:rate10s == 0', for: 3s, final: true, reason: Orders were deleted}\n");
        drive_set(&d, "fd:orders:rate10s", 0);
        drive_until(&d, 40, 1000);
        expect_part(&d, "11.0 ended failed: rule broken: Orders were deleted\n");
        finish(&d, s);
}

#define BURST                                                                                                          \
        HEAD "timeline:\n  - {at: 0s, fault: config.set, on: api, args: {worker_threads: 1}}\n"                        \
             "  - {at: 2s, fault: load.burst, args: {rps: 200}, for: 3s}\n" CONFIRM HINT                               \
             "criteria:\n  - {id: ok, title: Success, promql: '" OK_Q "', target: '>= 0.98', hold: 5s}\n"              \
             "  - {id: again, after: [ok], replay: load.burst, recover_within: 20s}\n"

static void test_replay_passes(void **state)
{
        struct scenario *s;
        struct drive d;

        (void)state;
        bad_run(&d, &s, BURST);
        drive_set(&d, OK_Q, 1);
        drive_until(&d, 14, 1000); /* held at 13 s: the trigger comes again, for 3 s, and is over at 16 s */
        drive_set(&d, OK_Q, 0.7);
        drive_until(&d, 20, 1000);
        drive_set(&d, OK_Q, 1);
        drive_until(&d, 60, 1000);
        expect_part(&d, "8.0 prepare load.burst \n");
        expect_part(&d, "11.0 undo load.burst \n");
        expect_part(&d, "13.0 [system] The trigger comes once more: does the repair hold?\n");
        expect_part(&d, "13.0 apply load.burst \n");
        expect_part(&d, "16.0 undo load.burst \n");
        expect_part(&d, "26.0 [system] Held: It stays repaired when the trigger comes again\n"); /* judged 10 s after it */
        expect_part(&d, "26.0 ended resolved");
        finish(&d, s);
}

static void test_replay_fails_and_is_tried_again(void **state)
{
        struct scenario *s;
        struct drive d;

        (void)state;
        bad_run(&d, &s, BURST);
        drive_set(&d, OK_Q, 1);
        drive_until(&d, 14, 1000);
        drive_set(&d, OK_Q, 0.7);
        drive_until(&d, 40, 1000); /* over at 16 s, still bad at 36 s */
        expect_part(&d, "36.0 [system] Not recovered in time: It stays repaired when the trigger comes again\n");
        act(&d, "{\"patch\":{\"worker_threads\":16}}", "{\"worker_threads\":{\"from\":1,\"to\":16}}");
        drive_set(&d, OK_Q, 1);
        drive_until(&d, 100, 1000); /* held at 46 s, again until 49 s, judged at 59 s */
        expect_part(&d, "46.0 [system] The trigger comes once more: does the repair hold?\n");
        expect_part(&d, "59.0 ended resolved");
        finish(&d, s);
}

/* A trigger that has no undo, such as a reload, is over after its `for`. */
static void test_replay_of_what_cannot_be_undone(void **state)
{
        struct scenario *s;
        struct drive d;

        (void)state;
        bad_run(&d, &s, HEAD FAULT CONFIRM HINT "criteria:\n  - {id: ok, title: Success, promql: '" OK_Q "', target: '>= 0.98', hold: 5s}\n"
                "  - {id: again, after: [ok], replay: process.restart, on: api, args: {}, for: 2s, recover_within: 20s}\n");
        drive_set(&d, OK_Q, 1);
        drive_until(&d, 60, 1000);
        expect_part(&d, "13.0 apply process.restart api\n");
        expect_part(&d, "25.0 ended resolved"); /* 13 s + 2 s + 10 s */
        assert_null(strstr(d.trace.data, "undo process.restart"));
        finish(&d, s);
}

static void test_undo_order(void **state)
{
        struct scenario *s;
        struct drive d;
        size_t at;

        (void)state;
        bad_run(&d, &s, TWO_MINUTES_OF_RUN HINT);
        act(&d, "{\"patch\":{\"queue_max\":64}}", "{\"queue_max\":{\"from\":24,\"to\":64}}");
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_ACTION, .action = "process.restart", .on = "api" });
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_ACTION, .action = "process.pause", .on = "gateway" });
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_ACTION, .action = "undo", .args = "{\"action\":\"a1\"}" });
        at = d.trace.size_bytes;
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_END, .by = "abandoned" });
        assert_string_equal(d.trace.data + at, "7.0 ended\n7.0 [system] abandoned\n7.0 unwatch\n7.0 ended abandoned: abandoned\n"
                                               "7.0 undo process.pause gateway\n" /* the restart has nothing to undo, a1 is undone */
                                               "7.0 undo config.set api\n7.0 undo load.profile \n7.0 debriefed\n7.0 debrief\n");
        finish(&d, s);
}

static void test_actions(void **state)
{
        static const struct {
                const char *name, *kind, *on, *args;
                enum err e;
                const char *says;
        } rows[] = {
                { "unknown kind", "config.pach", "api", "{}", ERR_INVAL, "unknown action 'config.pach'" },
                { "a fault is no repair", "net.latency", "api->db", "{\"ms\":5}", ERR_INVAL, "unknown action 'net.latency'" },
                { "unknown service", "process.restart", "apii", "{}", ERR_NOT_FOUND, "no service 'apii' in this stack" },
                { "no service", "process.restart", "", "{}", ERR_INVAL, "has no 'on'" },
                { "component has no config", "config.patch", "postgres", "{\"patch\":{\"a\":1}}", ERR_INVAL, "no configuration of its own" },
                { "empty patch", "config.patch", "api", "{\"patch\":{}}", ERR_INVAL, "at least one key in 'args.patch'" },
                { "no patch", "config.patch", "api", "{}", ERR_INVAL, "at least one key" },
                { "not JSON", "config.patch", "api", "{", ERR_INVAL, "not a JSON object" },
                { "a list", "config.patch", "api", "[]", ERR_INVAL, "not a JSON object" },
                { "undo of nothing", "undo", "", "{\"action\":\"a7\"}", ERR_NOT_FOUND, "no action 'a7'" },
                { "undo without action", "undo", "", "{}", ERR_NOT_FOUND, "no action ''" },
                { "undo of a restart", "undo", "", "{\"action\":\"a1\"}", ERR_STATE, "nothing to undo" },
        };
        struct scenario *s;
        struct drive d;

        (void)state;
        bad_run(&d, &s, TWO_MINUTES_OF_RUN HINT);
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_ACTION, .action = "process.restart", .on = "api" });
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                struct err_note note = { 0 };
                enum err e = drive_try(&d, &(struct run_event){ .kind = RUN_EV_ACTION, .action = rows[i].kind, .on = rows[i].on, .args = rows[i].args }, &note);

                ROW(rows[i].name, e == rows[i].e);
                ROW(rows[i].name, strstr(note.text, rows[i].says));
        }
        assert_int_equal(run_action_count(d.run), 1);
        finish(&d, s);
}

/* A crash: the log is replayed, then recover undoes what was left, whether its answer had come or not. */
static void test_crash(void **state)
{
        struct scenario *s;
        struct drive d, after;
        struct err_note note = { 0 };

        (void)state;
        bad_run(&d, &s, TWO_MINUTES_OF_RUN HINT);
        d.manual = true;
        act(&d, "{\"patch\":{\"queue_max\":64}}", "{}"); /* preparing when the server dies */
        drive_new(&after, &fixture, s, false, 0);
        assert_int_equal(run_replay(after.run, d.log.data, d.log.size_bytes, &note), ERR_OK);
        after.now_ms = d.now_ms + 60000;
        drive_feed(&after, &(struct run_event){ .kind = RUN_EV_RECOVER });
        expect(&after, "67.0 ended\n67.0 [system] the server stopped during the run; everything it had changed is being undone\n67.0 unwatch\n"
                       "67.0 ended failed: the server stopped during the run; everything it had changed is being undone\n"
                       "67.0 undo config.set api\n67.0 undo load.profile \n67.0 debriefed\n67.0 debrief\n");
        drive_done(&after);

        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_TASK_PREPARED, .task = 3, .undo = "{\"kind\":\"config.patch\",\"on\":\"api\",\"args\":{}}" });
        drive_new(&after, &fixture, s, false, 0); /* now it may have been applied */
        assert_int_equal(run_replay(after.run, d.log.data, d.log.size_bytes, &note), ERR_OK);
        after.now_ms = d.now_ms + 60000;
        drive_feed(&after, &(struct run_event){ .kind = RUN_EV_RECOVER });
        expect_part(&after, "67.0 undo config.set api\n67.0 undo config.set api\n67.0 undo load.profile \n67.0 debriefed\n");
        drive_done(&after);

        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_TASK_APPLIED, .task = 3 });
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_END, .by = "abandoned" }); /* dies while it undoes */
        drive_new(&after, &fixture, s, false, 0);
        assert_int_equal(run_replay(after.run, d.log.data, d.log.size_bytes, &note), ERR_OK);
        after.now_ms = d.now_ms;
        drive_feed(&after, &(struct run_event){ .kind = RUN_EV_RECOVER });
        expect_part(&after, "7.0 undo config.set api\n7.0 undo config.set api\n7.0 undo load.profile \n7.0 debriefed\n");
        assert_int_equal(run_outcome(after.run), RUN_OUTCOME_ABANDONED);
        drive_done(&after);
        finish(&d, s);
}

/* At the end, what is on its way is waited for. */
static void test_end_waits(void **state)
{
        struct scenario *s;
        struct drive d;

        (void)state;
        bad_run(&d, &s, TWO_MINUTES_OF_RUN HINT);
        d.manual = true;
        act(&d, "{\"patch\":{\"queue_max\":64}}", "{}");
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_TASK_PREPARED, .task = 3, .undo = "{\"kind\":\"config.patch\",\"on\":\"api\",\"args\":{}}" });
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_END, .by = "abandoned" });
        assert_null(strstr(d.trace.data, "undo")); /* task 3 is being applied */
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_TASK_APPLIED, .task = 3 });
        expect_part(&d, "7.0 undo config.set api\n");
        assert_int_equal(run_task(d.run, 3)->state, RUN_TASK_UNDOING);
        assert_int_equal(run_task(d.run, 2)->state, RUN_TASK_APPLIED); /* one at a time */
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_TASK_UNDO_FAILED, .task = 3, .text = "gone" });
        assert_int_equal(run_task(d.run, 2)->state, RUN_TASK_UNDOING); /* a failed undo does not stop the rest */
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_TASK_UNDONE, .task = 2 });
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_TASK_UNDONE, .task = 1 });
        assert_int_equal(run_state(d.run), RUN_DEBRIEFED);
        finish(&d, s);
}

/* What is prepared after the end is never applied. */
static void test_end_before_prepared(void **state)
{
        struct scenario *s;
        struct drive d;

        (void)state;
        bad_run(&d, &s, TWO_MINUTES_OF_RUN HINT);
        d.manual = true;
        act(&d, "{\"patch\":{\"queue_max\":64}}", "{}");
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_END, .by = "abandoned" });
        d.manual = false;
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_TASK_PREPARED, .task = 3, .undo = "null" });
        assert_int_equal(run_task(d.run, 3)->state, RUN_TASK_SKIPPED);
        assert_int_equal(run_state(d.run), RUN_DEBRIEFED);
        finish(&d, s);
}

static void test_complete(void **state)
{
        struct scenario *s;
        struct drive d;

        (void)state;
        bad_run(&d, &s, TWO_MINUTES_OF_RUN HINT);
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_END, .by = "complete" });
        expect_part(&d, "7.0 ended abandoned: marked complete while 0 of 1 criteria were held\n");
        finish(&d, s);
}

static void test_diagnosis_is_waited_for(void **state)
{
        struct scenario *s;
        struct drive d;
        struct run_event event;

        (void)state;
        bad_run(&d, &s, TWO_MINUTES_OF_RUN HINT "needs_diagnosis: true\n");
        drive_set(&d, OK_Q, 1);
        drive_until(&d, 40, 1000);
        assert_int_equal(run_state(d.run), RUN_RUNNING);
        run_event_of_truth(s, 0, &event);
        drive_feed(&d, &event);
        expect_part(&d, "40.0 ended resolved");
        finish(&d, s);
}

static void test_fast(void **state)
{
        struct scenario *s = fixture_load(&fixture, HEAD FAULT CRITERION CONFIRM HINT);
        struct drive d;

        (void)state;
        drive_new(&d, &fixture, s, true, 0);
        drive_start(&d);
        drive_set(&d, OK_Q, 1);
        drive_until(&d, 6, 1000);
        drive_set(&d, OK_Q, 0.5);
        drive_until(&d, 30, 1000);
        expect_part(&d, "0.0 [system] Fast mode: holds, hints and the time limit are divided by 6.\n");
        expect_part(&d, "17.0 [hint] Look.\n"); /* 60 s / 6 after the page at 7 s */
        drive_set(&d, OK_Q, 1);
        drive_until(&d, 60, 1000);
        expect_part(&d, "34.0 ended resolved"); /* 10 s / 6 is less than the least, 3 s */
        expect_replays(&d, true, 0);
        drive_done(&d);
        scenario_free(s);
}

/* The same seed gives the same timeline, another one another. */
static void test_seed(void **state)
{
        struct scenario *s = fixture_load(&fixture, HEAD CRITERION CONFIRM HINT
                                          "timeline:\n  - {at: 0s, jitter: 30m, fault: config.set, on: api, args: {worker_threads: 1}}\n"
                                          "  - {at: 1s, jitter: 30m, fault: config.set, on: api, args: {queue_max: 1}}\n");
        int64_t due[3][2];

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                struct drive d;

                drive_new(&d, &fixture, s, false, i < 2 ? 7 : 8);
                drive_start(&d);
                drive_set(&d, OK_Q, 1);
                drive_until(&d, 6, 1000);
                due[i][0] = run_task(d.run, 2)->due_ms;
                due[i][1] = run_task(d.run, 3)->due_ms;
                assert_true(due[i][0] >= DRIVE_START_MS + 6000 && due[i][0] < DRIVE_START_MS + 6000 + 1800000);
                drive_feed(&d, &(struct run_event){ .kind = RUN_EV_END });
                drive_done(&d);
        }
        assert_memory_equal(due[0], due[1], sizeof due[0]);
        assert_true(due[0][0] != due[2][0] && due[0][0] != due[0][1]);
        scenario_free(s);
}

static void test_score(void **state)
{
        struct scenario *s;
        struct drive d;
        AUTO(json_free) struct json *j = NULL;
        const struct json *score;
        AUTO_BUF text;
        struct run_event truth;

        (void)state;
        buf_init(&text, 1 << 20);
        play(&d, &s, HEAD FAULT CRITERION CONFIRM "hints: [{after: 1s, cost: 4, text: Look.}]\n");
        drive_set(&d, "fd:offered_rps", 40);
        drive_set(&d, "fd:goodput_rps", 40);
        drive_until(&d, 6, 1000);
        drive_set(&d, OK_Q, 0.5);
        drive_set(&d, "fd:goodput_rps", 20);
        drive_until(&d, 26, 1000); /* 20 s at 20 lost requests a second */
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_HINT, .hint = "h1" });
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_EVIDENCE, .items = (const char *[]){ "panel:gateway.latency", "config:api" }, .item_count = 2 });
        run_event_of_truth(s, 0, &truth);
        truth.component = "gateway"; /* one step away: half */
        truth.mechanism = "slow_query";
        truth.object = "{\"key\":\"worker_threads\"}"; /* as the API passes it on */
        drive_feed(&d, &truth);
        drive_set(&d, OK_Q, 1);
        drive_set(&d, "fd:goodput_rps", 40);
        drive_until(&d, 60, 1000);
        run_debrief_json(d.run, &text);
        assert_int_equal(json_parse(text.data, text.size_bytes, &j, NULL), ERR_OK);
        assert_int_equal(json_get_int(json_get(j, "users"), "requests_lost", 0), 400);
        assert_int_equal(json_get_int(json_get(j, "users"), "unmet_ms", 0), 20000);
        score = json_get(j, "score");
        assert_true(fabs(json_get_num(score, "outcome", 0) - 50) < 0.01);
        assert_true(fabs(json_get_num(score, "hints", 0) - 6) < 0.01);
        assert_true(fabs(json_get_num(score, "trail", 0) - 0.6) < 0.001);  /* symptom .3, cause .3, no path */
        assert_true(fabs(json_get_num(score, "answer", 0) - 0.5) < 0.001); /* .4*.5 + 0 + .2 + .1 of 1 */
        assert_true(fabs(json_get_num(score, "diagnosis", 0) - 20 * (0.6 * 0.5 + 0.4 * 0.6)) < 0.06);
        /* resolved at 37 s: offered 31 s x 40; lost 400/1240, unmet 20 s of 120 s */
        assert_true(fabs(json_get_num(score, "harm", 0) - 20 * (1 - 0.5 * 400 / 1240 - 0.5 * 20 / 120)) < 0.06);
        buf_clear(&text);
        run_debrief_markdown(d.run, &text);
        assert_non_null(strstr(text.data, "2 looks, 2 of them on the trail to the cause."));
        assert_non_null(strstr(text.data, "- Diagnosis +0:20: `gateway`, slow_query, `worker_threads`\n"));
        assert_non_null(strstr(text.data, "| diagnosis (answer 50 %, evidence 60 %) | 10.8 | 20 |\n| hints | 6.0 | 10 |\n"));
        finish(&d, s);
}

static void test_wrong_fix_is_recognised(void **state)
{
        struct scenario *s;
        struct drive d;
        AUTO(json_free) struct json *j = NULL;
        AUTO_BUF text;

        (void)state;
        buf_init(&text, 1 << 20);
        bad_run(&d, &s, TWO_MINUTES_OF_RUN HINT);
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_ACTION, .action = "process.restart", .on = "api" });
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_END });
        run_debrief_json(d.run, &text);
        assert_int_equal(json_parse(text.data, text.size_bytes, &j, NULL), ERR_OK);
        assert_true(json_get_bool(json_path(j, "/wrong_fixes/0"), "matched", false));
        finish(&d, s);
}

/* Every event in every state: accepted or refused with a sentence, never a crash, and refused ones change nothing. */
static void test_every_event_in_every_state(void **state)
{
        static const double stops[] = { 0, 3, 6.5, 20, 500 };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(stops); i++)
                for (int kind = 0; kind < RUN_EVENT_COUNT; kind++) {
                        struct scenario *s;
                        struct drive d;
                        struct err_note note = { 0 };
                        AUTO_BUF before;
                        AUTO_BUF after;

                        buf_init(&before, 1 << 24);
                        buf_init(&after, 1 << 24);
                        play(&d, &s, HEAD FAULT CRITERION CONFIRM HINT);
                        drive_until(&d, MIN(stops[i], 6), 500);
                        drive_set(&d, OK_Q, 0.5);
                        if (stops[i] > 6) drive_until(&d, stops[i], 500);
                        whole(d.run, &before);
                        if (drive_try(&d, &(struct run_event){ .kind = (enum run_event_kind)kind }, &note) != ERR_OK) {
                                assert_true(note.text[0] != '\0');
                                whole(d.run, &after);
                                assert_string_equal(before.data, after.data);
                        }
                        finish(&d, s);
                }
}

/* The nth allocation fails: the event is refused or the run is broken, and the log still rebuilds it. */
static void test_no_memory(void **state)
{
        struct scenario *s = fixture_load(&fixture, HEAD FAULT CRITERION CONFIRM HINT);
        struct run_options options = { .id = "r1", .stack = 1, .created_ms = DRIVE_START_MS };
        struct drive d;
        size_t live;

        (void)state;
        drive_new(&d, &fixture, s, false, 0);
        drive_start(&d);
        drive_set(&d, OK_Q, 1);
        drive_until(&d, 6, 1000);
        drive_set(&d, OK_Q, 0.5);
        drive_until(&d, 20, 1000);
        act(&d, "{\"patch\":{\"worker_threads\":16}}", "{\"worker_threads\":{\"from\":1,\"to\":16}}");
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_END });
        live = alloc_live_count();
        for (size_t nth = 1;; nth++) {
                struct run *run = NULL;
                struct err_note note = { 0 };
                enum err e;
                bool fired;

                fault_arm(nth, false);
                e = run_new(s, &fixture.stack.world, &options, &run);
                if (!e) e = run_replay(run, d.log.data, d.log.size_bytes, &note);
                fired = fault_disarm();
                if (fired != (e != ERR_OK)) fail_msg("allocation %zu: %s", nth, err_text(e));
                run_free(run);
                assert_int_equal(alloc_live_count(), live);
                if (!fired) break;
        }
        drive_done(&d);
        scenario_free(s);
}

static int setup(void **state)
{
        (void)state;
        fixture_init(&fixture, true);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        fixture_done(&fixture);
        return alloc_live_count() == 0 ? 0 : 1;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_resolved),
                cmocka_unit_test(test_time_up),
                cmocka_unit_test(test_not_healthy),
                cmocka_unit_test(test_missing_is_not_healthy),
                cmocka_unit_test(test_fault_does_not_bite),
                cmocka_unit_test(test_confirm_after),
                cmocka_unit_test(test_fault_fails),
                cmocka_unit_test(test_stack_fails),
                cmocka_unit_test(test_holds),
                cmocka_unit_test(test_jittered_samples),
                cmocka_unit_test(test_hint_ladder),
                cmocka_unit_test(test_alerts),
                cmocka_unit_test(test_guards),
                cmocka_unit_test(test_final_guard),
                cmocka_unit_test(test_replay_passes),
                cmocka_unit_test(test_replay_fails_and_is_tried_again),
                cmocka_unit_test(test_replay_of_what_cannot_be_undone),
                cmocka_unit_test(test_undo_order),
                cmocka_unit_test(test_actions),
                cmocka_unit_test(test_crash),
                cmocka_unit_test(test_end_waits),
                cmocka_unit_test(test_end_before_prepared),
                cmocka_unit_test(test_complete),
                cmocka_unit_test(test_diagnosis_is_waited_for),
                cmocka_unit_test(test_fast),
                cmocka_unit_test(test_seed),
                cmocka_unit_test(test_score),
                cmocka_unit_test(test_wrong_fix_is_recognised),
                cmocka_unit_test(test_every_event_in_every_state),
                cmocka_unit_test(test_no_memory),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}

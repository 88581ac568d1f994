/* How a run is judged: modes of criteria, probes, targets relative to the baseline, the rules of every scenario, evidence that a
 * healthy system shows as well. Golden timelines as in test_run.c: seconds from the start; settled at 6 s, the page at 7 s. */
#include "drive.h"

#include <math.h>

static struct fixture fixture;

#define HEAD                                                                                                           \
        "schema: 1\nid: t\ntitle: T\nlevel: 1\ntime_limit: 2m\nobjectives: [o]\nbrief: B\ndebrief: D\n"                \
        "load: {profile: steady, rps: 40}\nbaseline: {settle: 5s, within: 20s}\n"                                      \
        "timeline:\n  - {at: 0s, fault: config.set, on: api, args: {worker_threads: 1}}\nconfirm: {within: 30s}\n"     \
        "truth: {component: api, mechanism: concurrency_limit, object: {key: worker_threads}, victims: [gateway]}\n"   \
        "wrong_fixes: [{do: [{process.restart: {on: api}}], explain: It comes back.}]\n"
#define SOLUTION "solutions: [[{config.set: {on: api, args: {worker_threads: 8}}}]]\n"
#define EVIDENCE "evidence: {symptom: [panel:gateway.latency], path: ['metric:fd:service_queue:depth'], cause: [config:api.worker_threads]}\n"
#define HINTS "hints: [{after: 1m, text: Look.}]\n"
#define OK_Q "fd:user_success:ratio10s"
#define OK "  - {id: ok, title: Success, promql: '" OK_Q "', target: '>= 0.98', unit: ratio, hold: 10s}\n"

static void expect_part(struct drive *d, const char *part)
{
        if (!strstr(d->trace.data, part)) fail_msg("'%s' is not in\n%s", part, d->trace.data);
}

static void expect_absent(struct drive *d, const char *part)
{
        if (strstr(d->trace.data, part)) fail_msg("'%s' is in\n%s", part, d->trace.data);
}

/* The JSON of a criterion, or a guard, or the debrief, as a value. */
static struct json *parsed(const struct buf *text)
{
        struct json *j = NULL;

        assert_int_equal(json_parse(text->data, text->size_bytes, &j, NULL), ERR_OK);
        return j;
}

static struct json *criterion_of(const struct drive *d, size_t index)
{
        AUTO_BUF text;

        buf_init(&text, 1 << 16);
        run_criterion_json(d->run, index, &text);
        return parsed(&text);
}

static bool reason_has(const struct drive *d, size_t index, const char *part)
{
        AUTO(json_free) struct json *j = criterion_of(d, index);
        bool has = strstr(json_get_str(j, "reason", ""), part) != NULL;

        if (!has) fprintf(stderr, "the reason is: %s\n", json_get_str(j, "reason", ""));
        return has;
}

static bool criterion_has(const struct drive *d, size_t index, const char *part)
{
        AUTO_BUF text;

        buf_init(&text, 1 << 16);
        run_criterion_json(d->run, index, &text);
        if (!strstr(text.data, part)) fprintf(stderr, "the criterion is: %s\n", text.data);
        return strstr(text.data, part) != NULL;
}

static void play(struct drive *d, struct scenario **s, const char *text)
{
        *s = fixture_load(&fixture, text);
        drive_new(d, &fixture, *s, false, 0);
        drive_start(d);
        drive_set(d, OK_Q, 1);
}

static void break_it(struct drive *d)
{
        drive_until(d, 6, 1000);
        drive_set(d, OK_Q, 0.5);
        drive_until(d, 7, 1000);
        assert_int_equal(run_state(d->run), RUN_RUNNING);
}

static void finish(struct drive *d, struct scenario *s)
{
        struct run_options options = { .id = "r1", .stack = 1, .created_ms = DRIVE_START_MS };
        AUTO(run_free) struct run *again = NULL;
        struct err_note note = { 0 };
        AUTO_BUF one;
        AUTO_BUF two;

        buf_init(&one, 1 << 24);
        buf_init(&two, 1 << 24);
        assert_int_equal(run_new(d->s, &fixture.stack.world, &options, &again), ERR_OK);
        if (run_replay(again, d->log.data, d->log.size_bytes, &note) != ERR_OK) fail_msg("%s", note.text);
        run_debrief_json(d->run, &one);
        run_debrief_json(again, &two);
        assert_string_equal(one.data, two.data);
        drive_done(d);
        scenario_free(s);
}

static void act(struct drive *d, const char *kind, const char *on, const char *args, const char *changed)
{
        d->changed = changed;
        drive_feed(d, &(struct run_event){ .kind = RUN_EV_ACTION, .action = kind, .on = on, .args = args, .text = "because" });
        d->changed = "{}";
}

/* A second criterion of each mode over the same history: it is good, except from 6 s to 12 s and from 24 s to 26 s. */
static void test_modes(void **state)
{
        static const struct {
                const char *mode;
                double held_at; /* of the second criterion, hold 0s; 0: never, as far as the feed says */
        } rows[] = {
                { "continuous", 12 }, /* lost at 24 s; what counts is that both are held at one moment */
                { "during", 12 },
                { "before", 0 },        /* passed at the baseline; only the other one is waited for */
                { "after", 27 },      /* judged only when the other one is held */
                { "edge", 27 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                char text[4096], want[96];
                struct scenario *s;
                struct drive d;

                snprintf(text, sizeof text, HEAD SOLUTION EVIDENCE HINTS "criteria:\n" OK "  - {id: two, title: Two, promql: 'fd:goodput_rps', target: '> 30', hold: 0s, mode: %s}\n", rows[i].mode);
                play(&d, &s, text);
                drive_set(&d, "fd:goodput_rps", 40);
                drive_until(&d, 6, 1000);
                drive_set(&d, OK_Q, 0.5);
                drive_set(&d, "fd:goodput_rps", 20);
                drive_until(&d, 11, 1000);
                drive_set(&d, "fd:goodput_rps", 40);
                drive_until(&d, 16, 1000);
                drive_set(&d, OK_Q, 1); /* held at 27 s: good from 17 s on */
                drive_until(&d, 23, 1000);
                drive_set(&d, "fd:goodput_rps", 20);
                drive_until(&d, 25, 1000);
                drive_set(&d, "fd:goodput_rps", 40);
                drive_until(&d, 60, 1000);
                snprintf(want, sizeof want, "%.1f [system] Held: Two\n", rows[i].held_at);
                if (rows[i].held_at > 0) expect_part(&d, want);
                else expect_absent(&d, "Held: Two");
                expect_part(&d, "27.0 ended resolved");
                finish(&d, s);
        }
}

/* `before` is a condition of the environment: not met, nothing begins. `during` does not matter before, `after` neither. */
static void test_modes_of_the_baseline(void **state)
{
        static const struct {
                const char *mode;
                bool begins;
        } rows[] = { { "continuous", false }, { "before", false }, { "edge", false }, { "during", true }, { "after", true } };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                char text[4096];
                struct scenario *s;
                struct drive d;

                snprintf(text, sizeof text, HEAD SOLUTION EVIDENCE HINTS "criteria:\n" OK "  - {id: two, title: Two, promql: 'fd:goodput_rps', target: '> 30', mode: %s}\n", rows[i].mode);
                play(&d, &s, text);
                drive_set(&d, "fd:goodput_rps", 20);
                drive_until(&d, 21, 1000);
                ROW(rows[i].mode, (run_state(d.run) != RUN_DEBRIEFED) == rows[i].begins);
                if (!rows[i].begins) expect_part(&d, "environment not healthy: two (20, but needed is more than 30)");
                finish(&d, s);
        }
}

static void test_reasons_of_modes(void **state)
{
        struct scenario *s;
        struct drive d;

        (void)state;
        play(&d, &s, HEAD SOLUTION EVIDENCE HINTS "criteria:\n" OK
             "  - {id: a, title: A, promql: 'fd:goodput_rps', target: '> 30', mode: before}\n"
             "  - {id: b, title: B, promql: 'fd:goodput_rps', target: '> 30', mode: after}\n"
             "  - {id: c, title: C, promql: 'fd:goodput_rps', target: '> 30', mode: during}\n");
        drive_set(&d, "fd:goodput_rps", 40);
        drive_until(&d, 3, 1000);
        assert_true(reason_has(&d, 3, "is judged from the beginning of the incident on"));
        assert_true(criterion_has(&d, 3, "\"ok\":null,\"due\":false,\"after\":[]"));
        assert_true(criterion_has(&d, 1, "\"ok\":true,\"due\":true"));
        break_it(&d);
        assert_true(criterion_has(&d, 3, "\"due\":true"));
        assert_true(criterion_has(&d, 1, "\"ok\":true,\"due\":false,\"after\":[]"));
        assert_true(criterion_has(&d, 2, "\"ok\":null,\"due\":false,\"after\":[\"ok\",\"c\"]"));
        assert_true(reason_has(&d, 1, "was met before the incident, and is not judged any more"));
        assert_true(reason_has(&d, 2, "is judged once the other criteria are held"));
        finish(&d, s);
}

/* The healthy mean is 100 ms; needed is less than 1.5 times of it. */
static void test_relative_target(void **state)
{
        struct scenario *s;
        struct drive d;

        (void)state;
        play(&d, &s, HEAD SOLUTION EVIDENCE HINTS "criteria:\n" OK
             "  - {id: fast, title: Fast, promql: 'fd:user_latency:p95_10s', target: '< 1.5 x baseline', unit: s, hold: 10s}\n");
        drive_set(&d, "fd:user_latency:p95_10s", 0.08);
        drive_until(&d, 3, 1000);
        assert_true(reason_has(&d, 1, "(1.5 x the 80 ms of the healthy system)")); /* so far */
        drive_set(&d, "fd:user_latency:p95_10s", 0.12);
        drive_until(&d, 6, 1000); /* 1, 2, 3 s: 80 ms; 4, 5, 6 s: 120 ms */
        drive_set(&d, OK_Q, 0.5);
        drive_set(&d, "fd:user_latency:p95_10s", 0.16);
        drive_until(&d, 10, 1000);
        assert_true(reason_has(&d, 1, "160 ms, but needed is less than 150 ms (1.5 x the 100 ms of the healthy system)"));
        drive_set(&d, OK_Q, 1);
        drive_set(&d, "fd:user_latency:p95_10s", 0.149);
        drive_until(&d, 40, 1000);
        expect_part(&d, "21.0 ended resolved");
        finish(&d, s);
}

static void test_probe(void **state)
{
        struct scenario *s;
        struct drive d;
        AUTO(json_free) struct json *j = NULL;
        size_t probes = 0;

        (void)state;
        play(&d, &s, HEAD SOLUTION EVIDENCE HINTS "criteria:\n" OK
             "  - {id: page, title: Page, probe: {http: {on: gateway, path: '/products?page=1'}, every: 5s, timeout: 800ms, retries: 1}, hold: 5s}\n"
             "  - {id: again, title: The same question, probe: {http: {on: gateway, path: '/products?page=1'}}, hold: 5s}\n"
             "  - {id: money, title: Every order settled once, probe: {database: {check: orders_settled_wrong}}, mode: after}\n");
        for (size_t i = 0; i < run_query_count(d.run); i++) {
                const struct scenario_probe *p = run_probe(d.run, i);

                if (!p) continue;
                probes++;
                if (p->kind == SCENARIO_PROBE_DATABASE) continue;
                assert_string_equal(run_query(d.run, i), "probe http gateway GET /products?page=1 -> ok 200");
                assert_int_equal(p->every_ms, 5000);
                assert_int_equal(p->timeout_ms, 800);
                assert_int_equal(p->retries, 1);
        }
        assert_int_equal(probes, 2); /* each question once */
        drive_set(&d, "probe http gateway GET /products?page=1 -> ok 200", 1);
        drive_set(&d, "probe database db orders_settled_wrong", NAN);
        break_it(&d);
        drive_set(&d, OK_Q, 1);
        drive_set(&d, "probe http gateway GET /products?page=1 -> ok 200", NAN);
        drive_until(&d, 30, 1000);
        assert_int_equal(run_state(d.run), RUN_RUNNING);
        assert_true(reason_has(&d, 1, "no data: the probe has no answer")); /* not success, not failure: said */
        j = criterion_of(&d, 1);
        assert_string_equal(json_get_str(j, "kind", ""), "probe");
        assert_true(json_is(json_get(j, "ok"), JSON_NULL));
        drive_set(&d, "probe http gateway GET /products?page=1 -> ok 200", 1);
        drive_until(&d, 40, 1000);
        drive_set(&d, "probe database db orders_settled_wrong", 3);
        drive_until(&d, 50, 1000);
        assert_true(reason_has(&d, 3, "3, but needed is exactly 0"));
        drive_set(&d, "probe database db orders_settled_wrong", 0);
        drive_until(&d, 60, 1000);
        expect_part(&d, "51.0 ended resolved");
        finish(&d, s);
}

static void test_general_rules_of_actions(void **state)
{
        static const struct {
                const char *name, *solution, *kind, *on, *args, *changed, *says; /* says NULL: no rule is broken */
        } rows[] = {
                { "the users", SOLUTION, "config.patch", "loadgen", "{\"patch\":{\"rps\":1}}", "{\"rps\":{\"from\":40,\"to\":1}}", "The users were sent away" },
                { "no users at all", SOLUTION, "process.stop", "loadgen", "{}", "{}", "The users were sent away" },
                { "the monitoring", SOLUTION, "process.stop", "prometheus", "{}", "{}", "The monitoring was switched off" },
                { "an adapter", SOLUTION, "process.pause", "db", "{}", "{}", "The monitoring was switched off" },
                { "a feature", SOLUTION, "config.patch", "api", "{\"patch\":{\"feature_live_stock\":false}}", "{\"feature_live_stock\":{\"from\":true,\"to\":false}}", "switched off instead of repaired" },
                { "a check", SOLUTION, "config.patch", "gateway", "{\"patch\":{\"token_mode\":\"off\"}}", "{\"token_mode\":{\"from\":\"optional\",\"to\":\"off\"}}", "switched off instead of repaired" },
                { "a service", SOLUTION, "process.stop", "worker", "{}", "{}", "switched off instead of repaired" },
                { "jobs thrown away", SOLUTION, "config.patch", "mq", "{\"patch\":{\"jobs_max_messages\":10}}", "{\"jobs_max_messages\":{\"from\":100000,\"to\":10}}", "Data of the shop was deleted" },
                { "more room for jobs", SOLUTION, "config.patch", "mq", "{\"patch\":{\"jobs_max_messages\":10}}", "{\"jobs_max_messages\":{\"from\":10,\"to\":100}}", NULL },
                { "a feature on", SOLUTION, "config.patch", "api", "{\"patch\":{\"feature_live_stock\":true}}", "{\"feature_live_stock\":{\"from\":false,\"to\":true}}", NULL },
                { "shedding is a measure", SOLUTION, "load.shed", "", "{\"admit_percent\":50}", "{\"admission_percent\":{\"from\":100,\"to\":50}}", NULL },
                { "what a solution does", "solutions: [[{config.set: {on: api, args: {feature_live_stock: false}}}]]\n", "config.patch", "api",
                  "{\"patch\":{\"feature_live_stock\":false}}", "{\"feature_live_stock\":{\"from\":true,\"to\":false}}", NULL },
                { "what the author allows", SOLUTION "allow: [features]\n", "config.patch", "api", "{\"patch\":{\"feature_live_stock\":false}}",
                  "{\"feature_live_stock\":{\"from\":true,\"to\":false}}", NULL },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                char text[4096];
                struct scenario *s;
                struct drive d;

                snprintf(text, sizeof text, HEAD EVIDENCE HINTS "%scriteria:\n" OK, rows[i].solution);
                play(&d, &s, text);
                break_it(&d);
                act(&d, rows[i].kind, rows[i].on, rows[i].args, rows[i].changed);
                drive_set(&d, OK_Q, 1);
                drive_until(&d, 40, 1000);
                ROW(rows[i].name, (strstr(d.trace.data, "Rule broken") != NULL) == (rows[i].says != NULL));
                ROW(rows[i].name, !rows[i].says || strstr(d.trace.data, rows[i].says));
                ROW(rows[i].name, (run_state(d.run) == RUN_RUNNING) == (rows[i].says != NULL)); /* a cheat is not resolved */
                finish(&d, s);
        }
}

/* A rule is kept again when its action was undone, or made good by another. */
static void test_general_rules_are_kept_again(void **state)
{
        struct scenario *s;
        struct drive d;

        (void)state;
        play(&d, &s, HEAD EVIDENCE HINTS SOLUTION "criteria:\n" OK);
        break_it(&d);
        act(&d, "config.patch", "api", "{\"patch\":{\"feature_live_stock\":false}}", "{\"feature_live_stock\":{\"from\":true,\"to\":false}}");
        act(&d, "process.stop", "prometheus", "{}", "{}");
        drive_until(&d, 10, 1000);
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_ACTION, .action = "undo", .args = "{\"action\":\"a1\"}" });
        expect_part(&d, "10.0 [system] Rule kept again: A part of the shop was switched off");
        drive_until(&d, 12, 1000);
        act(&d, "process.start", "prometheus", "{}", "{}");
        expect_part(&d, "12.0 [system] Rule kept again: The monitoring was switched off");
        drive_set(&d, OK_Q, 1);
        drive_until(&d, 40, 1000);
        expect_part(&d, "23.0 ended resolved");
        finish(&d, s);
}

/* By what is measured: fewer users than the scenario sends, fewer rows than before. */
static void test_general_rules_of_values(void **state)
{
        struct scenario *s;
        struct drive d;

        (void)state;
        play(&d, &s, HEAD EVIDENCE HINTS SOLUTION "criteria:\n" OK);
        drive_set(&d, "fd:offered_rps", 40);
        drive_set(&d, "sum(postgres_rows{table=~\"customers|orders|products\"})", 300000);
        break_it(&d);
        drive_set(&d, "fd:offered_rps", 19); /* half of 40 is 20 */
        drive_until(&d, 24, 1000);           /* from 8 s on: broken at 23 s */
        expect_part(&d, "23.0 [system] Rule broken: The users were sent away");
        drive_set(&d, "fd:offered_rps", 21);
        drive_set(&d, "sum(postgres_rows{table=~\"customers|orders|products\"})", 239000); /* 80 % are 240,000 */
        drive_until(&d, 40, 1000);
        expect_part(&d, "25.0 [system] Rule kept again: The users were sent away");
        expect_part(&d, "35.0 [system] Rule broken: Data of the shop was deleted");
        finish(&d, s);
}

/* The rate that the scenario itself sends is no cheat: half of the least one counts. */
static void test_general_rule_follows_the_load(void **state)
{
        static const struct {
                const char *load, *timeline;
                double threshold; /* 0: no rule by value */
        } rows[] = {
                { "{profile: steady, rps: 40}", "", 20 },
                { "{profile: wave, rps: 40, amplitude: 20, period: 60s}", "", 10 },
                { "{profile: ramp, rps: 40, to_rps: 10, over: 60s}", "", 5 },
                { "{profile: ramp, rps: 40, to_rps: 100, over: 60s}", "", 20 },
                { "{profile: replay, rps: 40, trace: '40,8,60', step: 10s}", "", 4 },
                { "{profile: steady, rps: 40}", "  - {at: 5s, fault: load.rate, args: {rps: 12}}\n", 6 },
                { "{profile: steady, rps: 40}", "  - {at: 5s, fault: load.burst, args: {rps: 200}, for: 10s}\n", 20 },
                { "{profile: steady, rps: 40}", "  - {at: 5s, fault: config.set, on: loadgen, args: {rps: 2}}\n", 0 },
                { "{profile: steady, rps: 1}", "", 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                char text[4096];
                struct scenario *s;
                const struct scenario_guard *g;

                snprintf(text, sizeof text, "schema: 1\nid: t\ntitle: T\nlevel: 1\ntime_limit: 2m\nobjectives: [o]\nbrief: B\ndebrief: D\nload: %s\n"
                         "timeline:\n  - {at: 0s, fault: config.set, on: api, args: {worker_threads: 1}}\n%s"
                         "truth: {component: api, mechanism: concurrency_limit}\n" SOLUTION "criteria:\n" OK, rows[i].load, rows[i].timeline);
                s = fixture_load(&fixture, text);
                assert_int_equal(s->guard_count, 4);
                g = &s->guards[0];
                assert_string_equal(g->id, "users_kept");
                ROW(rows[i].load, (g->when.promql[0] != '\0') == (rows[i].threshold > 0));
                ROW(rows[i].load, rows[i].threshold <= 0 || fabs(g->when.threshold - rows[i].threshold) < 1e-9);
                scenario_free(s);
        }
}

static void test_an_own_rule_takes_its_place(void **state)
{
        struct scenario *s = fixture_load(&fixture, HEAD EVIDENCE HINTS SOLUTION "allow: [data, alerts, features]\ncriteria:\n" OK
                                          "must_not: [{id: users_kept, promql: 'fd:offered_rps < 30', reason: Mine}]\n");

        (void)state;
        assert_int_equal(s->guard_count, 1);
        assert_string_equal(s->guards[0].reason, "Mine");
        scenario_free(s);
}

/* action-based in both directions: looked at something, and has not yet looked at something else */
static void test_hint_by_what_was_seen(void **state)
{
        struct scenario *s;
        struct drive d;

        (void)state;
        play(&d, &s, HEAD SOLUTION EVIDENCE "criteria:\n" OK "hints: [{seen: symptom, unless_seen: path, after: 5s, text: Behind the messenger.}]\n");
        break_it(&d);
        drive_until(&d, 20, 1000);
        expect_absent(&d, "[hint]");
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_EVIDENCE, .items = (const char *[]){ "panel:gateway.latency" }, .item_count = 1 });
        drive_until(&d, 22, 1000);
        expect_part(&d, "20.0 [hint] Behind the messenger.\n");
        finish(&d, s);
}

static double trail_of(const struct drive *d)
{
        AUTO(json_free) struct json *j = NULL;
        AUTO_BUF text;

        buf_init(&text, 1 << 20);
        run_debrief_json(d->run, &text);
        j = parsed(&text);
        return json_get_num(json_get(j, "score"), "trail", -1);
}

/* The queue shows on the healthy system what it shows in the incident, the latency does not: only the latency and the
 * configuration (which nobody measures) count, .3 and .3 of .6. */
static void test_evidence_of_a_healthy_run_does_not_count(void **state)
{
        static const struct {
                const char *name;
                double queue, trail_without_it, trail_with_it; /* queue: during the incident; it was 4 to 5 before */
        } rows[] = {
                { "the same as on a healthy run", 5.9, 1, 1 },
                { "lower", 2, 0.6, 1 },
                { "higher", 20, 0.6, 1 },
                { "gone", NAN, 0.6, 1 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                struct scenario *s;
                struct drive d;

                play(&d, &s, HEAD SOLUTION EVIDENCE HINTS "criteria:\n" OK);
                drive_set(&d, "fd:service_latency:p95_10s{service=\"gateway\"}", 0.05);
                drive_set(&d, "sum(fd:service_queue:depth)", 4);
                drive_until(&d, 3, 1000);
                drive_set(&d, "sum(fd:service_queue:depth)", 5);
                drive_until(&d, 6, 1000);
                drive_set(&d, "fd:service_latency:p95_10s{service=\"gateway\"}", 2);
                drive_set(&d, "sum(fd:service_queue:depth)", rows[i].queue);
                break_it(&d);
                drive_until(&d, 10, 1000);
                drive_feed(&d, &(struct run_event){ .kind = RUN_EV_EVIDENCE, .items = (const char *[]){ "panel:gateway.latency", "config:api" }, .item_count = 2 });
                ROW(rows[i].name, fabs(trail_of(&d) - rows[i].trail_without_it) < 1e-9);
                drive_feed(&d, &(struct run_event){ .kind = RUN_EV_EVIDENCE, .items = (const char *[]){ "metric:fd:service_queue:depth" }, .item_count = 1 });
                ROW(rows[i].name, fabs(trail_of(&d) - rows[i].trail_with_it) < 1e-9);
                finish(&d, s);
        }
}

/* Who repairs first and looks afterwards sees health. */
static void test_a_look_after_the_repair_does_not_count(void **state)
{
        struct scenario *s;
        struct drive d;

        (void)state;
        play(&d, &s, HEAD SOLUTION EVIDENCE HINTS "criteria:\n  - {id: ok, title: Success, promql: '" OK_Q "', target: '>= 0.98', unit: ratio, hold: 60s}\n");
        break_it(&d);
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_EVIDENCE, .items = (const char *[]){ "panel:gateway.latency" }, .item_count = 1 });
        act(&d, "config.patch", "api", "{\"patch\":{\"worker_threads\":8}}", "{\"worker_threads\":{\"from\":1,\"to\":8}}");
        drive_set(&d, OK_Q, 1);
        drive_until(&d, 17, 1000); /* well from 8 s on */
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_EVIDENCE, .items = (const char *[]){ "config:api.worker_threads" }, .item_count = 1 });
        assert_true(fabs(trail_of(&d) - 0.6) < 1e-9); /* nine seconds: the charts still show it */
        drive_until(&d, 20, 1000);
        drive_feed(&d, &(struct run_event){ .kind = RUN_EV_EVIDENCE, .items = (const char *[]){ "metric:fd:service_queue:depth" }, .item_count = 1 });
        assert_true(fabs(trail_of(&d) - 0.6) < 1e-9);
        finish(&d, s);
}

static void test_score_off(void **state)
{
        struct scenario *s;
        struct drive d;
        AUTO(json_free) struct json *j = NULL;
        AUTO_BUF text;

        (void)state;
        buf_init(&text, 1 << 20);
        play(&d, &s, HEAD SOLUTION EVIDENCE HINTS "score: off\ncriteria:\n" OK);
        break_it(&d);
        drive_set(&d, OK_Q, 1);
        drive_until(&d, 40, 1000);
        expect_part(&d, "18.0 ended resolved");
        run_debrief_json(d.run, &text);
        j = parsed(&text);
        assert_true(json_is(json_get(j, "score"), JSON_NULL));
        buf_clear(&text);
        run_debrief_markdown(d.run, &text);
        assert_null(strstr(text.data, "## Score"));
        finish(&d, s);
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
                cmocka_unit_test(test_modes),
                cmocka_unit_test(test_modes_of_the_baseline),
                cmocka_unit_test(test_reasons_of_modes),
                cmocka_unit_test(test_relative_target),
                cmocka_unit_test(test_probe),
                cmocka_unit_test(test_general_rules_of_actions),
                cmocka_unit_test(test_general_rules_are_kept_again),
                cmocka_unit_test(test_general_rules_of_values),
                cmocka_unit_test(test_general_rule_follows_the_load),
                cmocka_unit_test(test_an_own_rule_takes_its_place),
                cmocka_unit_test(test_hint_by_what_was_seen),
                cmocka_unit_test(test_evidence_of_a_healthy_run_does_not_count),
                cmocka_unit_test(test_a_look_after_the_repair_does_not_count),
                cmocka_unit_test(test_score_off),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}

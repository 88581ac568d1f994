/* Where a run stands, how it was assisted, and what lies beyond an agent: expected values by hand from the sentences in
 * run_standing.c. */
#include "drive.h"

#include <math.h>

static struct fixture fixture;

/* 5 s to settle, a fault at 0 s, hold 10 s, 2 minutes; the only solution configures api. */
#define SCENARIO(solutions)                                                                                            \
        "schema: 1\nid: t\ntitle: T\nlevel: 1\ntime_limit: 2m\nobjectives: [o]\nbrief: B\ndebrief: D\n"                \
        "load: {profile: steady, rps: 40}\nbaseline: {settle: 5s, within: 20s}\n"                                      \
        "truth: {component: api, mechanism: concurrency_limit, object: {key: worker_threads}, victims: [gateway]}\n"   \
        "evidence: {symptom: [panel:gateway.latency], path: ['metric:fd:service_queue:depth'], cause: [config:api.worker_threads]}\n" \
        "solutions: " solutions "\n"                                                                                   \
        "wrong_fixes: [{do: [{process.restart: {on: worker}}], explain: It comes back.}]\n"                            \
        "timeline:\n  - {at: 0s, fault: config.set, on: api, args: {worker_threads: 1}, as: deploy, note: api v2}\n"   \
        "criteria:\n  - {id: ok, title: Success, promql: 'fd:user_success:ratio10s', target: '>= 0.98', unit: ratio, hold: 10s}\n" \
        "confirm: {within: 30s}\n"
#define CONFIGURE "[[{config.set: {on: api, args: {worker_threads: 8}}}]]"
#define RESTART "[[{config.set: {on: api, args: {worker_threads: 8}}}], [{process.restart: {on: api}}]]"

struct played {
        struct drive d;
        struct scenario *s;
        struct json *standing;
};

/* Healthy, then half of 40 requests a second are lost from the onset (6 s) on. */
static void begin(struct played *p, const char *text)
{
        *p = (struct played){ .s = fixture_load(&fixture, text) };
        drive_new(&p->d, &fixture, p->s, false, 0);
        drive_start(&p->d);
        drive_set(&p->d, "fd:user_success:ratio10s", 1);
        drive_set(&p->d, "fd:offered_rps", 40);
        drive_set(&p->d, "fd:goodput_rps", 40);
        drive_until(&p->d, 6, 1000);
        drive_set(&p->d, "fd:user_success:ratio10s", 0.5);
        drive_set(&p->d, "fd:goodput_rps", 20);
}

static const struct json *written(struct played *p, void (*write)(const struct run *run, struct buf *out))
{
        AUTO_BUF text;

        buf_init(&text, 1 << 16);
        write(p->d.run, &text);
        json_free(p->standing);
        p->standing = NULL;
        assert_int_equal(json_parse(text.data, text.size_bytes, &p->standing, NULL), ERR_OK);
        return p->standing;
}

static const struct json *standing(struct played *p)
{
        return written(p, run_standing_json);
}

static void finish(struct played *p)
{
        json_free(p->standing);
        drive_done(&p->d);
        scenario_free(p->s);
}

static void act(struct played *p, const char *kind, const char *on, const char *by)
{
        drive_feed(&p->d, &(struct run_event){ .kind = RUN_EV_ACTION, .action = kind, .on = on, .by = by, .args = str_eq(kind, "load.shed") ? "{\"admit_percent\":70}" : "{}" });
}

static bool run_says(const struct played *p, const char *member)
{
        AUTO(json_free) struct json *j = NULL;
        AUTO_BUF text;

        buf_init(&text, 1 << 16);
        run_json(p->d.run, &text);
        assert_int_equal(json_parse(text.data, text.size_bytes, &j, NULL), ERR_OK);
        return json_get_bool(j, member, false);
}

static void test_harm_and_clocks(void **state)
{
        struct played p;

        (void)state;
        begin(&p, SCENARIO(CONFIGURE));
        assert_true(json_is(json_get(standing(&p), "score"), JSON_NULL)); /* nobody is paged yet */
        drive_until(&p.d, 30, 1000);
        /* from 6 s to 30 s: 24 s x 20 requests, 24 s of half of 50 users = 10 user-minutes */
        assert_int_equal(json_get_int(standing(&p), "at_ms", 0), 24000);
        assert_int_equal(json_get_int(p.standing, "requests_lost", 0), 480);
        assert_int_equal(json_get_int(p.standing, "requests_offered", 0), 960);
        assert_true(fabs(json_get_num(p.standing, "user_minutes_lost", 0) - 10) < 0.001);
        assert_int_equal(json_get_int(p.standing, "unmet_ms", 0), 24000);
        assert_int_equal(json_get_int(p.standing, "met", 9), 0);
        assert_int_equal(json_get_int(p.standing, "criteria", 0), 1);
        /* 24 s are 4.8 learner's steps; each costs 3 x load 1 x errors 0.5 */
        assert_true(fabs(json_get_num(p.standing, "utility", 0) + 7.2) < 0.001);
        assert_true(json_get_num(json_get(p.standing, "score"), "total", -1) >= 0);
        finish(&p);
}

static const struct json *harm(struct played *p)
{
        return written(p, run_harm_json);
}

/* What a learner is shown: against the healthy system, and nothing of the score or the solution. */
static void test_harm_against_the_healthy_system(void **state)
{
        struct played p = { .s = fixture_load(&fixture, SCENARIO(CONFIGURE)) };
        const struct json *healthy;

        (void)state;
        drive_new(&p.d, &fixture, p.s, false, 0);
        drive_start(&p.d);
        assert_true(json_is(json_get(harm(&p), "at_ms"), JSON_NULL)); /* nothing was measured */
        assert_true(json_is(json_get(p.standing, "orders_lost"), JSON_NULL) && json_is(json_get(p.standing, "revenue_lost_cents"), JSON_NULL));
        assert_true(json_is(json_path(p.standing, "/healthy/success"), JSON_NULL) && json_is(json_path(p.standing, "/healthy/orders_rps"), JSON_NULL));
        drive_set(&p.d, "fd:user_success:ratio10s", 1);
        drive_set(&p.d, "fd:offered_rps", 40);
        drive_set(&p.d, "fd:goodput_rps", 40);
        drive_set(&p.d, "fd:orders:rate10s", 3);
        drive_set(&p.d, "fd:revenue_lost_cents:total", 5000); /* of a run before: not this incident's */
        drive_until(&p.d, 6, 1000);
        drive_set(&p.d, "fd:user_success:ratio10s", 0.5);
        drive_set(&p.d, "fd:goodput_rps", 20);
        drive_set(&p.d, "fd:orders:rate10s", 1);
        drive_until(&p.d, 16, 1000);
        drive_set(&p.d, "fd:revenue_lost_cents:total", 12000);
        drive_until(&p.d, 17, 1000);
        /* from 6 s to 17 s: 11 s x 20 requests of 40, 11 s x (3 - 1) orders, 70 dollars */
        assert_int_equal(json_get_int(harm(&p), "at_ms", 0), 11000);
        assert_int_equal(json_get_int(p.standing, "requests_lost", 0), 220);
        assert_int_equal(json_get_int(p.standing, "requests_offered", 0), 440);
        assert_true(fabs(json_get_num(p.standing, "orders_lost", 0) - 22) < 0.001);
        assert_int_equal(json_get_int(p.standing, "revenue_lost_cents", 0), 7000);
        healthy = json_get(p.standing, "healthy");
        assert_true(fabs(json_get_num(healthy, "success", 0) - 1) < 0.001 && fabs(json_get_num(healthy, "goodput_rps", 0) - 40) < 0.001);
        assert_true(fabs(json_get_num(healthy, "orders_rps", 0) - 3) < 0.001);
        assert_true(json_is(json_get(healthy, "latency_p95_s"), JSON_NULL)); /* no criterion watches it */
        assert_null(json_get(p.standing, "score"));
        assert_null(json_get(p.standing, "unnecessary_restarts"));
        finish(&p);
}

/* The load comes up during the baseline, and more is wanted after it: what would be sold is a tenth of what is wanted. */
static void test_orders_lost_while_the_load_grows(void **state)
{
        struct played p = { .s = fixture_load(&fixture, SCENARIO(CONFIGURE)) };

        (void)state;
        drive_new(&p.d, &fixture, p.s, false, 0);
        drive_start(&p.d);
        drive_set(&p.d, "fd:user_success:ratio10s", 1);
        for (int second = 1; second <= 6; second++) {
                drive_set(&p.d, "fd:offered_rps", 5 * second);
                drive_set(&p.d, "fd:goodput_rps", 5 * second);
                drive_set(&p.d, "fd:orders:rate10s", 0.5 * second);
                drive_until(&p.d, second, 1000);
        }
        drive_set(&p.d, "fd:user_success:ratio10s", 0.5);
        drive_set(&p.d, "fd:offered_rps", 60);
        drive_set(&p.d, "fd:goodput_rps", 20);
        drive_set(&p.d, "fd:orders:rate10s", 1);
        drive_until(&p.d, 16, 1000);
        /* from 6 s to 16 s: 10 s x (60 x 0.1 - 1) */
        assert_true(fabs(json_get_num(harm(&p), "orders_lost", 0) - 50) < 0.001);
        assert_true(fabs(json_get_num(json_get(p.standing, "healthy"), "orders_rps", 0) - 6) < 0.001);
        assert_true(fabs(json_get_num(json_get(p.standing, "healthy"), "goodput_rps", 0) - 60) < 0.001);
        finish(&p);
}

static void test_restarts(void **state)
{
        struct played p;

        (void)state;
        begin(&p, SCENARIO(RESTART));
        drive_until(&p.d, 10, 1000);
        act(&p, "process.restart", "api", "learner"); /* a reference solution has this step */
        act(&p, "process.restart", "worker", "learner");
        act(&p, "process.kill", "api", "learner");
        act(&p, "load.shed", "", "learner");
        assert_int_equal(json_get_int(standing(&p), "restarts", 0), 3);
        assert_int_equal(json_get_int(p.standing, "unnecessary_restarts", 0), 2);
        assert_int_equal(json_get_int(p.standing, "changes", 0), 4);
        finish(&p);
}

/* What the advice names can be done as it is named; any other place is refused. */
static void test_shed_at_the_gateway(void **state)
{
        struct played p;
        struct err_note note;

        (void)state;
        begin(&p, SCENARIO(CONFIGURE));
        drive_until(&p.d, 10, 1000);
        act(&p, "load.shed", "gateway", "agent");
        assert_int_equal(json_get_int(standing(&p), "changes", 0), 1);
        assert_int_equal(drive_try(&p.d, &(struct run_event){ .kind = RUN_EV_ACTION, .action = "load.shed", .on = "api", .args = "{\"admit_percent\":70}" }, &note), ERR_INVAL);
        finish(&p);
}

static void test_assisted(void **state)
{
        static const struct run_event advice = { .kind = RUN_EV_ASSIST, .by = "advice", .on = "api", .text = "Restart api" },
                                      wrong = { .kind = RUN_EV_ASSIST, .by = "friend", .text = "call me" };
        struct played p;
        struct err_note note;
        AUTO_BUF debrief;

        (void)state;
        buf_init(&debrief, 1 << 20);
        begin(&p, SCENARIO(CONFIGURE));
        assert_int_equal(drive_try(&p.d, &advice, &note), ERR_STATE); /* before the page nobody is helped */
        drive_until(&p.d, 10, 1000);
        assert_false(run_says(&p, "assisted"));
        assert_int_equal(drive_try(&p.d, &wrong, &note), ERR_INVAL);
        drive_feed(&p.d, &advice);
        assert_true(run_says(&p, "assisted"));
        drive_feed(&p.d, &(struct run_event){ .kind = RUN_EV_ASSIST, .by = "ignored", .on = "api", .text = "too risky" });
        run_debrief_json(p.d.run, &debrief);
        assert_non_null(strstr(debrief.data, "\"lane\":\"agent\",\"text\":\"Advice: Restart api\",\"on\":\"api\""));
        assert_non_null(strstr(debrief.data, "You ignored the advice: too risky"));
        finish(&p);
}

static void test_autopilot(void **state)
{
        static const struct run_event on = { .kind = RUN_EV_ASSIST, .by = "autopilot", .text = "on" },
                                      off = { .kind = RUN_EV_ASSIST, .by = "autopilot", .text = "off" };
        struct played p;

        (void)state;
        begin(&p, SCENARIO(CONFIGURE));
        drive_until(&p.d, 10, 1000);
        assert_false(run_autopilot(p.d.run));
        drive_feed(&p.d, &off); /* already off: nothing happens, and it was no help */
        assert_false(run_assisted(p.d.run));
        drive_feed(&p.d, &on);
        assert_true(run_autopilot(p.d.run) && run_assisted(p.d.run) && run_says(&p, "autopilot"));
        drive_feed(&p.d, &off);
        assert_false(run_autopilot(p.d.run));
        assert_true(run_assisted(p.d.run));
        drive_feed(&p.d, &on);
        drive_feed(&p.d, &(struct run_event){ .kind = RUN_EV_END });
        assert_false(run_autopilot(p.d.run)); /* nobody flies after the end */
        finish(&p);
}

static void test_an_act_of_the_agent_assists(void **state)
{
        struct played p;

        (void)state;
        begin(&p, SCENARIO(CONFIGURE));
        drive_until(&p.d, 10, 1000);
        act(&p, "process.restart", "api", "learner");
        assert_false(run_assisted(p.d.run));
        act(&p, "process.restart", "api", "agent");
        assert_true(run_assisted(p.d.run));
        finish(&p);
}

static const struct json *limits(struct played *p, struct json **all)
{
        AUTO_BUF text;

        buf_init(&text, 1 << 20);
        drive_feed(&p->d, &(struct run_event){ .kind = RUN_EV_END });
        run_debrief_json(p->d.run, &text);
        assert_int_equal(json_parse(text.data, text.size_bytes, all, NULL), ERR_OK);
        return json_get(*all, "agent");
}

static void test_limits_of_the_agent(void **state)
{
        AUTO(json_free) struct json *one = NULL, *two = NULL;
        struct played p;

        (void)state;
        begin(&p, SCENARIO(CONFIGURE));
        assert_false(json_get_bool(limits(&p, &one), "can_repair", true));
        assert_string_equal(json_get_str(json_path(one, "/agent/beyond/0"), "kind", ""), "config.set");
        assert_string_equal(json_get_str(json_path(one, "/agent/beyond/0"), "on", ""), "api");
        finish(&p);
        begin(&p, SCENARIO(RESTART));
        assert_true(json_get_bool(limits(&p, &two), "can_repair", false));
        assert_int_equal(json_count(json_path(two, "/agent/beyond")), 0);
        finish(&p);
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
                cmocka_unit_test(test_harm_and_clocks), cmocka_unit_test(test_harm_against_the_healthy_system),
                cmocka_unit_test(test_orders_lost_while_the_load_grows), cmocka_unit_test(test_restarts), cmocka_unit_test(test_shed_at_the_gateway),
                cmocka_unit_test(test_assisted), cmocka_unit_test(test_autopilot), cmocka_unit_test(test_an_act_of_the_agent_assists),
                cmocka_unit_test(test_limits_of_the_agent),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}

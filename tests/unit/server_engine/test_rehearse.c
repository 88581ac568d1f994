/* The dry run: what the engine alone says of a scenario. Expected times are counted by hand from the scenario's own text. */
#include "fixture.h"

#include "common/text/json.h"
#include "server/engine/rehearse.h"

static const char text[] =
        "schema: 1\n"
        "id: dry-run\n"
        "title: A dry run\n"
        "level: 1\n"
        "time_limit: 5m\n"
        "tags: [test]\n"
        "objectives: [Count]\n"
        "brief: |\n"
        "  Something is slow.\n"
        "load: {profile: steady, rps: 40}\n"
        "baseline: {settle: 10s}\n"
        "timeline:\n"
        "  - {at: 0s, fault: config.set, on: api, args: {worker_threads: 1}}\n"
        "  - {at: 20s, herring: config.set, on: gateway, args: {log_level: debug}}\n"
        "  - {at: 40s, say: {from: support, text: How long still?}}\n"
        "confirm: {within: 60s, symptom: [not quick]}\n"
        "criteria:\n"
        "  - {id: quick, title: Users do not wait, promql: 'fd:user_latency:p95_10s', target: '< 0.4', unit: s, hold: 30s}\n"
        "truth: {component: api, mechanism: concurrency_limit, object: {key: worker_threads}, path: [api]}\n"
        "evidence: {symptom: [panel:user.latency], cause: [config:api.worker_threads]}\n"
        "hints:\n"
        "  - {after: 60s, text: Look at the workers.}\n"
        "solutions:\n"
        "  - [{config.set: {on: api, args: {worker_threads: 16}}}]\n"
        "wrong_fixes:\n"
        "  - do: [{process.restart: {on: api}}]\n"
        "    explain: It comes back.\n"
        "debrief: |\n"
        "  Workers.\n";

static struct json *rehearse(const struct fixture *f, const struct scenario *s, const struct rehearse_options *o)
{
        struct json *j = NULL;
        AUTO_BUF out;
        struct err_note note = {0};

        buf_init(&out, 1 << 20);
        if (rehearse_json(s, &f->stack.world, o, &out, &note)) fail_msg("%s", note.text);
        assert_int_equal(json_parse(out.data, out.size_bytes, &j, NULL), ERR_OK);
        return j;
}

/* Seconds of the first event of that kind; -1000 if there is none. */
static double when(const struct json *j, const char *kind)
{
        JSON_EACH(e, json_get(j, "events"))
        {
                if (str_eq(json_get_str(e, "kind", ""), kind)) return json_get_num(e, "at_ms", 0) / 1000;
        }
        return -1000;
}

static void nobody_acts(void **state)
{
        struct fixture f;
        struct scenario *s;
        struct json *j;
        double page;

        (void)state;
        fixture_init(&f, true);
        s = fixture_load(&f, text);
        j = rehearse(&f, s, &(struct rehearse_options){.solution = 0});
        page = json_get_num(j, "page_ms", -1) / 1000;
        assert_string_equal(json_get_str(j, "outcome", ""), "time_up");
        assert_true(when(j, "fault") == 0);
        assert_true(page >= 0 && page <= 2); /* felt at the next sample */
        assert_true(when(j, "lost") == page);
        assert_true(when(j, "herring") == 20);
        assert_true(when(j, "say") == 40);
        assert_true(when(j, "hint") >= page + 60 && when(j, "hint") <= page + 61);
        assert_true(when(j, "held") == -1000);
        assert_true(json_get_num(j, "ended_ms", 0) / 1000 == page + 300);
        json_free(j);
        scenario_free(s);
        fixture_done(&f);
}

static void a_solution_is_done(void **state)
{
        struct fixture f;
        struct scenario *s;
        struct json *j;

        (void)state;
        fixture_init(&f, true);
        s = fixture_load(&f, text);
        j = rehearse(&f, s, &(struct rehearse_options){.solution = 1, .solve_after_ms = 30000});
        assert_string_equal(json_get_str(j, "outcome", ""), "resolved");
        assert_true(when(j, "action") == json_get_num(j, "page_ms", 0) / 1000 + 30);
        assert_true(when(j, "met") == when(j, "action") + 1);
        assert_true(when(j, "held") == when(j, "met") + 30); /* hold */
        assert_true(when(j, "hint") == -1000 || when(j, "hint") > when(j, "action"));
        json_free(j);
        scenario_free(s);
        fixture_done(&f);
}

static void no_such_solution(void **state)
{
        struct fixture f;
        struct scenario *s;
        struct err_note note = {0};
        AUTO_BUF out;

        (void)state;
        buf_init(&out, 1 << 20);
        fixture_init(&f, true);
        s = fixture_load(&f, text);
        assert_int_equal(rehearse_json(s, &f.stack.world, &(struct rehearse_options){.solution = 2}, &out, &note), ERR_INVAL);
        assert_non_null(strstr(note.text, "no solution 2"));
        scenario_free(s);
        fixture_done(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(nobody_acts), cmocka_unit_test(a_solution_is_done), cmocka_unit_test(no_such_solution)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* An episode is folded from what browsers hear; its rewards add up, and nothing of the truth is in it. */
#include "tests/unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/text/json.h"
#include "server/episode/episode.h"

static struct stack_service services[2] = { { .name = "api" }, { .name = "worker" } };
static struct stack_spec spec = { .services_count = 2 };

static struct episode *begun(void)
{
        struct episode *e = NULL;

        assert_int_equal(episode_new(&spec, "learner", &e), ERR_OK);
        episode_hear(e, "run", "{\"id\":\"r3\",\"scenario\":\"po,ol\",\"state\":\"running\",\"seed\":7,\"onset_ms\":100000,\"advice\":\"live\"}");
        return e;
}

static void second(struct episode *e, int t, double rps, double utility)
{
        char text[256];

        (void)snprintf(text, sizeof text, "{\"t\":%d,\"v\":{\"fd:service_rps:rate10s|api\":%g,\"fd:service_up|worker\":1,\"fd:user_success:ratio10s\":0.5}}", 100000 + t * 1000, rps);
        episode_hear(e, "series", text);
        (void)snprintf(text, sizeof text, "{\"id\":\"r3\",\"at_ms\":%d,\"utility\":%g}", t * 1000, utility);
        episode_hear(e, "standing", text);
}

static void end(struct episode *e, const char *outcome)
{
        char text[256];

        (void)snprintf(text, sizeof text, "{\"id\":\"r3\",\"scenario\":\"po,ol\",\"state\":\"ended\",\"outcome\":\"%s\",\"seed\":7,\"onset_ms\":100000,\"ended_ms\":113000,\"assisted\":true,\"advice\":\"live\"}", outcome);
        episode_hear(e, "run", text);
}

static struct json *line_at(const char *lines, int index)
{
        struct json *j = NULL;

        while (index--) lines = strchr(lines, '\n') + 1;
        assert_int_equal(json_parse(lines, strcspn(lines, "\n"), &j, NULL), ERR_OK);
        return j;
}

static const struct json *state_of(const struct json *head, const struct json *step, const char *column)
{
        const struct json *value = json_first(json_get(step, "state"));

        JSON_EACH(name, json_get(head, "columns"))
        {
                if (str_eq(json_text(name), column)) return value;
                value = json_next(value);
        }
        fail_msg("no column '%s'", column);
        return NULL;
}

/* 13 s: steps at 1, 6 and 11 s; the restart falls into the second. */
static void play(struct episode *e)
{
        for (int t = 1; t <= 12; t++) {
                second(e, t, 10 + t, -t);
                if (t == 8) {
                        episode_hear(e, "action", "{\"id\":\"a1\",\"by\":\"learner\",\"kind\":\"process.restart\",\"on\":\"api\",\"args\":{},\"state\":\"applied\"}");
                        episode_hear(e, "action", "{\"id\":\"a1\",\"by\":\"learner\",\"kind\":\"process.restart\",\"on\":\"api\",\"args\":{},\"state\":\"applied\",\"undone\":true}");
                        episode_hear(e, "action", "{\"id\":\"a2\",\"by\":\"scenario\",\"kind\":\"process.kill\",\"on\":\"api\",\"state\":\"applied\"}");
                }
        }
        end(e, "time_up");
}

static void test_steps(void **state)
{
        AUTO(episode_free) struct episode *e = begun();
        AUTO(json_free) struct json *head = NULL, *one = NULL, *two = NULL, *three = NULL;
        struct episode_facts facts;
        AUTO_BUF lines;

        (void)state;
        buf_init(&lines, 1 << 20);
        assert_false(episode_over(e, &facts));
        play(e);
        assert_true(episode_over(e, &facts));
        assert_int_equal(facts.steps, 3);
        assert_true(facts.assisted);
        assert_string_equal(facts.outcome, "time_up");
        episode_lines(e, &lines);
        head = line_at(lines.data, 0);
        one = line_at(lines.data, 1);
        two = line_at(lines.data, 2);
        three = line_at(lines.data, 3);
        assert_string_equal(json_get_str(head, "episode", ""), "r3");
        assert_string_equal(json_get_str(head, "driver", ""), "learner");
        assert_int_equal(json_count(json_get(head, "columns")), json_count(json_get(one, "state")));
        assert_int_equal(json_get_int(two, "at_ms", 0), 6000);
        assert_true(json_value(state_of(head, two, "api.rps")) == 16); /* as it was when the step began */
        assert_true(json_is(state_of(head, two, "worker.rps"), JSON_NULL)); /* missing is missing */
        assert_string_equal(json_get_str(one, "action", ""), "ignore");
        assert_string_equal(json_get_str(two, "action", ""), "soft-restart");
        assert_string_equal(json_get_str(two, "target", ""), "api");
        assert_int_equal(json_count(json_get(two, "actions")), 1); /* told twice is done once; a scenario is no player */
        assert_false(json_get_bool(two, "done", true));
        assert_true(json_get_bool(three, "done", false));
        /* -12 in all: -5 up to the message before 6 s, -5 up to 11 s, the rest */
        assert_true(fabs(json_get_num(one, "reward", 0) + 5) < 1e-9);
        assert_true(fabs(json_get_num(one, "reward", 0) + json_get_num(two, "reward", 0) + json_get_num(three, "reward", 0) + 12) < 1e-9);
}

static void test_csv(void **state)
{
        AUTO(episode_free) struct episode *e = begun();
        AUTO(json_free) struct json *columns = NULL, *reversed = json_array();
        AUTO_BUF lines;
        AUTO_BUF csv;
        AUTO_BUF other;

        (void)state;
        buf_init(&lines, 1 << 20);
        buf_init(&csv, 1 << 20);
        buf_init(&other, 1 << 20);
        play(e);
        episode_lines(e, &lines);
        assert_int_equal(episode_csv(lines.data, NULL, &csv, &columns), ERR_OK);
        assert_non_null(strstr(csv.data, "episode,scenario,seed,fast,driver,advice,assisted,outcome,step,at_ms,action,target,reward,done,api.up,api.rps,"));
        assert_non_null(strstr(csv.data, "\r\nr3,\"po,ol\",7,false,learner,live,true,time_up,1,6000,soft-restart,api,-5,false,,16,"));
        assert_int_equal(json_count(columns), 2 * 9);
        /* a second episode under another header: by name, not by place */
        json_push(reversed, json_string("worker.up"));
        json_push(reversed, json_string("moon.rps"));
        json_push(reversed, json_string("api.rps"));
        assert_int_equal(episode_csv(lines.data, reversed, &other, NULL), ERR_OK);
        assert_non_null(strstr(other.data, ",soft-restart,api,-5,false,1,,16\r\n"));
        assert_int_equal(episode_csv("nonsense", NULL, &other, NULL), ERR_CORRUPT);
        assert_int_equal(episode_csv("", NULL, &other, NULL), ERR_CORRUPT);
}

static void test_what_leaves_none(void **state)
{
        AUTO(episode_free) struct episode *e = begun();
        struct episode_facts facts;

        (void)state;
        end(e, "abandoned");
        assert_false(episode_over(e, &facts)); /* no step */
        episode_hear(e, "run", "{\"id\":\"r4\",\"state\":\"running\",\"onset_ms\":100000}");
        second(e, 1, 1, 0);
        episode_hear(e, "run", "{\"id\":\"r4\",\"state\":\"ended\",\"outcome\":\"failed\",\"onset_ms\":100000}");
        assert_false(episode_over(e, &facts)); /* the environment's doing */
        episode_hear(e, "nonsense", "{");
        episode_hear(e, "run", "{");
}

static void test_limit(void **state)
{
        AUTO(episode_free) struct episode *e = begun();
        AUTO(json_free) struct json *head = NULL;
        AUTO_BUF lines;

        (void)state;
        buf_init(&lines, 2 << 20);
        for (int i = 0; i < 6000; i++) second(e, 1 + i * 5, 1.0 / 3, 0);
        end(e, "time_up");
        episode_lines(e, &lines);
        assert_int_equal(buf_status(&lines), ERR_OK);
        head = line_at(lines.data, 0);
        assert_true(json_get_bool(head, "cut", false));
        assert_true(lines.data[lines.size_bytes - 1] == '\n');
        assert_true(lines.size_bytes < EPISODE_BYTES_MAX + 4096);
}

static int setup(void **state)
{
        (void)state;
        memcpy(spec.services, services, sizeof services);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        return alloc_live_count() == 0 ? 0 : 1;
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_steps), cmocka_unit_test(test_csv), cmocka_unit_test(test_what_leaves_none), cmocka_unit_test(test_limit) };

        return cmocka_run_group_tests(tests, setup, teardown);
}

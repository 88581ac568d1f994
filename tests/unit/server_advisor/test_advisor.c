/* The advisor hears messages as a browser gets them: what it must learn, say and keep to itself. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/stack/stack.h"
#include "common/sys/file.h"
#include "common/text/json.h"
#include "learn/model/model.h"
#include "learn/reco/reco.h"
#include "server/advisor/advisor.h"

struct seen {
        int count, shown, early; /* count: without the early ones */
        char last[65536];
};

static struct buf model, yaml;
static struct stack_spec *spec;

static int load(void **state)
{
        struct diag_list diags;

        (void)state;
        buf_init(&model, 8 << 20);
        buf_init(&yaml, 1 << 20);
        if (file_read("models/default.fdlm", &model, NULL) || file_read("sut/stack.yaml", &yaml, NULL)) return -1;
        diag_list_init(&diags, "sut/stack.yaml");
        return stack_spec_parse(yaml.data, yaml.size_bytes, &diags, &spec) == ERR_OK ? 0 : -1;
}

static int unload(void **state)
{
        (void)state;
        stack_spec_free(spec);
        buf_done(&model);
        buf_done(&yaml);
        return 0;
}

static void tell(void *ctx, const char *json, bool shown)
{
        struct seen *s = ctx;

        bool early = strstr(json, "\"early\":true") != NULL;

        s->early += early;
        s->count += !early;
        s->shown += shown && !early;
        str_cut(s->last, sizeof(s->last), json);
}

static struct advisor *advisor_of(struct seen *seen, enum advisor_policy policy)
{
        struct advisor_options o = { .spec = spec, .model = model.data, .model_bytes = model.size_bytes, .policy = policy, .tell = tell, .ctx = seen };
        struct advisor *a = NULL;
        struct err_note note = { .text = "" };

        if (advisor_new(&o, &a, &note)) fail_msg("%s", note.text);
        return a;
}

static void run_is(struct advisor *a, const char *id, const char *scenario, const char *state, const char *advice, bool diagnosed)
{
        char json[512];

        snprintf(json, sizeof json, "{\"id\":\"%s\",\"scenario\":\"%s\",\"title\":\"%s\",\"state\":\"%s\",\"advice\":\"%s\",\"diagnosed\":%s,\"onset_ms\":30000}",
                 id, scenario, scenario, state, advice, diagnosed ? "true" : "false");
        advisor_hear(a, "run", json);
}

static double goodput = -1; /* of 100 requests a second of the users; -1: not known */

/* One second of the whole shop; the api answers with this latency, share of errors and of CPU. */
static void second(struct advisor *a, int t, double latency, double errors, double cpu, double up)
{
        static const char *const names[] = { "gateway", "api", "auth", "worker", "payments", "config" };
        char json[8192];
        size_t used = (size_t)snprintf(json, sizeof json, "{\"t\":%d,\"v\":{", t * 1000);

        if (goodput >= 0) used += (size_t)snprintf(json + used, sizeof json - used, "\"fd:offered_rps\":100,\"fd:goodput_rps\":%g,", goodput);

        for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
                bool api = i == 1, front = i <= 1;
                double wobble = 1 + 0.02 * (t % 3);

                used += (size_t)snprintf(json + used, sizeof json - used,
                                         "%s\"fd:service_latency:p95_10s|%s\":%g,\"fd:service_errors:ratio10s|%s\":%g,\"fd:service_cpu:ratio10s|%s\":%g,"
                                         "\"fd:service_memory:bytes|%s\":%g,\"fd:service_rps:rate10s|%s\":%g,\"fd:service_up|%s\":%g",
                                         i ? "," : "", names[i], (front ? latency : 0.005) * wobble, names[i], front ? errors : 0, names[i],
                                         api ? cpu : 0.02 * wobble, names[i], 1e7 * wobble, names[i], front ? 40.0 : 4, names[i], api ? up : 1);
        }
        snprintf(json + used, sizeof json - used, "}}");
        advisor_hear(a, "series", json);
}

static void incident(struct advisor *a, const char *id, const char *scenario, const char *advice, int seconds, double latency, double errors, double cpu)
{
        run_is(a, id, scenario, "preparing", advice, false);
        run_is(a, id, scenario, "baseline", advice, false);
        for (int t = 0; t < 30; t++) second(a, t, 0.04, 0, 0.03, 1);
        run_is(a, id, scenario, "running", advice, false);
        for (int t = 30; t < 30 + seconds; t++) second(a, t, latency, errors, cpu, 1);
}

static void test_life(void **state)
{
        static struct seen seen;
        AUTO(advisor_free) struct advisor *a = advisor_of(&seen, ADVISOR_AGENT);
        AUTO(json_free) struct json *j = NULL;
        char sentence[ADVISOR_SENTENCE_BYTES];

        (void)state;
        memset(&seen, 0, sizeof seen);
        assert_false(advisor_sentence(a, sentence));
        assert_non_null(strstr(sentence, "has not seen enough"));
        second(a, 0, 9, 1, 1, 0);
        assert_int_equal(seen.count, 0); /* nothing before a run */
        incident(a, "r1", "any", "live", 21, 0.4, 0.2, 0.9);
        assert_int_equal(seen.count, 5); /* at 0, 5, 10, 15 and 20 s */
        assert_int_equal(seen.shown, 5);
        assert_int_equal(json_parse(seen.last, strlen(seen.last), &j, NULL), ERR_OK);
        assert_string_equal(json_get_str(j, "policy", ""), "agent");
        assert_string_equal(json_get_str(j, "target", ""), "api");
        assert_string_equal(json_text(json_path(j, "/cause/ranked/0/service")), "api");
        assert_int_equal(json_count(json_get(j, "q")), 5);
        assert_true(json_get_num(j, "confidence", -1) >= 0 && json_get_num(j, "confidence", -1) <= 1);
        assert_true(advisor_sentence(a, sentence));
        run_is(a, "r1", "any", "ended", "live", false);
        second(a, 60, 0.4, 0.2, 0.9, 1);
        assert_int_equal(seen.count, 5);
}

static void test_modes(void **state)
{
        static const struct {
                const char *advice;
                bool diagnosed;
                int shown;
        } rows[] = { { "off", false, 0 }, { "off", true, 0 }, { "after", false, 0 }, { "after", true, 1 }, { "live", false, 1 } };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                static struct seen seen;
                AUTO(advisor_free) struct advisor *a = advisor_of(&seen, ADVISOR_AGENT);

                memset(&seen, 0, sizeof seen);
                incident(a, "r1", "any", rows[i].advice, 0, 0, 0, 0);
                run_is(a, "r1", "any", "running", rows[i].advice, rows[i].diagnosed);
                second(a, 31, 0.4, 0.2, 0.9, 1);
                ROW(rows[i].advice, seen.count == 1 && seen.shown == rows[i].shown);
        }
}

/* What a scenario, a fault or a run is called must not change what is advised. */
static void test_names_do_not_leak(void **state)
{
        static struct seen one, two;
        AUTO(advisor_free) struct advisor *a = advisor_of(&one, ADVISOR_AGENT);
        AUTO(advisor_free) struct advisor *b = advisor_of(&two, ADVISOR_AGENT);

        (void)state;
        memset(&one, 0, sizeof one);
        memset(&two, 0, sizeof two);
        incident(a, "r1", "memory-leak-in-api", "live", 30, 0.3, 0.1, 0.6);
        advisor_hear(b, "fault", "{\"kind\":\"memory.leak\",\"on\":\"worker\"}");
        incident(b, "r1", "nothing-is-wrong", "live", 30, 0.3, 0.1, 0.6);
        assert_int_equal(one.count, two.count);
        assert_string_equal(one.last, two.last);
}

static void test_false_alarm(void **state)
{
        static struct seen seen;
        AUTO(advisor_free) struct advisor *a = advisor_of(&seen, ADVISOR_AGENT);
        struct advisor_step step;

        (void)state;
        memset(&seen, 0, sizeof seen);
        incident(a, "r1", "any", "live", 60, 0.04, 0, 0.03);
        assert_int_equal(seen.count, 12);
        assert_false(advisor_step_peek(a, &step));
        assert_non_null(strstr(seen.last, "\"name\":\"ignore\""));
}

/* The symptom is there; what is to be said about it does not wait for the next whole step, and is not done before that. */
static void test_early(void **state)
{
        static struct seen seen;
        AUTO(advisor_free) struct advisor *a = advisor_of(&seen, ADVISOR_AGENT);
        struct advisor_step step;

        (void)state;
        memset(&seen, 0, sizeof seen);
        incident(a, "r1", "any", "live", 11, 0.04, 0, 0.03);
        assert_int_equal(seen.count, 3); /* at 0, 5 and 10 s */
        assert_int_equal(seen.early, 0);
        assert_non_null(strstr(seen.last, "\"name\":\"ignore\""));
        second(a, 41, 2, 0.6, 0.9, 1);
        assert_int_equal(seen.early, 1);
        assert_null(strstr(seen.last, "\"name\":\"ignore\""));
        assert_false(advisor_step_peek(a, &step));
        for (int t = 42; t < 45; t++) second(a, t, t % 2 ? 2 : 0.04, t % 2 ? 0.6 : 0, 0.9, 1);
        assert_int_equal(seen.early, 1); /* once a step, however it wavers */
        assert_int_equal(seen.count, 3);
        second(a, 45, 2, 0.6, 0.9, 1);
        assert_int_equal(seen.count, 4);
}

/* Who begins to listen hears at once what was said to nobody: of this second, as an early word, and the step comes all the same. */
static void test_again(void **state)
{
        static struct seen seen;
        AUTO(advisor_free) struct advisor *a = advisor_of(&seen, ADVISOR_AGENT);
        struct advisor_step step;

        (void)state;
        memset(&seen, 0, sizeof seen);
        advisor_again(a);
        incident(a, "r1", "any", "after", 22, 2, 0.6, 0.9);
        assert_int_equal(seen.count, 5);
        int before = seen.early;
        assert_false(advisor_shows(a));
        run_is(a, "r1", "any", "running", "after", true);
        assert_true(advisor_shows(a));
        advisor_again(a);
        assert_int_equal(seen.early, before + 1);
        assert_non_null(strstr(seen.last, "\"at_ms\":21000")); /* the second after the last step, 51 s less the onset */
        assert_false(advisor_step_peek(a, &step));
        for (int t = 52; t < 55; t++) second(a, t, 2, 0.6, 0.9, 1);
        assert_int_equal(seen.count, 5);
        second(a, 55, 2, 0.6, 0.9, 1);
        assert_int_equal(seen.count, 6);
        assert_int_equal(seen.shown, 1);
        run_is(a, "r1", "any", "ended", "after", true);
        advisor_again(a);
        assert_int_equal(seen.early, before + 1);
}

/* From the belief to what decided; the causes after it are ranked from every second there was. */
static void belief_of(const struct seen *s, char ret[2048])
{
        const char *from = strstr(s->last, "\"belief\""), *to = from ? strstr(from, "\"drift\"") : NULL;

        if (to && to - from < 2047) str_cut(ret, (size_t)(to - from) + 1, from);
}

/* Two advisors, one of which was also shown seconds between the steps that told nothing new, decide alike: an early look is not a step. */
static void test_early_leaves_no_trace(void **state)
{
        static struct seen one, two;
        AUTO(advisor_free) struct advisor *a = advisor_of(&one, ADVISOR_AGENT);
        AUTO(advisor_free) struct advisor *b = advisor_of(&two, ADVISOR_AGENT);

        (void)state;
        memset(&one, 0, sizeof one);
        memset(&two, 0, sizeof two);
        incident(a, "r1", "any", "live", 0, 0, 0, 0);
        incident(b, "r1", "any", "live", 0, 0, 0, 0);
        for (int t = 30; t <= 75; t += 5) {
                second(a, t, 0.3, 0.1, 0.6, 1);
                second(b, t, 0.3, 0.1, 0.6, 1);
                char mine[2048] = "", other[2048] = "";

                belief_of(&one, mine);
                belief_of(&two, other);
                assert_string_equal(mine, other);
                if (t < 75) second(b, t + 2, 0.3, 0.1, 0.6, 1);
        }
}

/* A policy that always wants to restart is held back by the rules outside it: at most two restarts of a service, and not too soon. */
static void test_safety_holds(void **state)
{
        static struct seen seen;
        AUTO(advisor_free) struct advisor *a = advisor_of(&seen, ADVISOR_RULE);
        struct advisor_step step;
        int restarts = 0, last = -1000;
        char action[256];

        (void)state;
        memset(&seen, 0, sizeof seen);
        incident(a, "r1", "any", "live", 0, 0, 0, 0);
        for (int t = 30; t < 330; t++) {
                second(a, t, 2, 1, 0.5, 1);
                if ((t - 30) % 5 || !advisor_step_peek(a, &step)) continue;
                if (!str_eq(step.kind, "process.restart") && !str_eq(step.kind, "process.kill")) continue;
                assert_true(t - last >= 30);
                last = t;
                snprintf(action, sizeof action, "{\"id\":\"a%d\",\"by\":\"agent\",\"kind\":\"%s\",\"on\":\"%s\",\"state\":\"applied\"}", ++restarts, step.kind, step.on);
                advisor_hear(a, "action", action);
        }
        assert_true(restarts >= 1 && restarts <= 3);
}

/* The api does not answer and is not started by anybody: after 15 s and a second look it is restarted, if somebody misses it; and not
 * again when that did nothing. */
static void test_hung(void **state)
{
        static const struct {
                const char *name;
                double errors; /* of the gateway, which asks it */
                bool down, expected;
        } rows[] = { { "missed", 0.3, true, true }, { "only not measured", 0, true, false }, { "sick, and it answers", 0.3, false, false } };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                static struct seen seen;
                AUTO(advisor_free) struct advisor *a = advisor_of(&seen, ADVISOR_AGENT);
                AUTO(json_free) struct json *j = NULL;
                struct advisor_step step;
                int restarts = 0, first = 0;

                incident(a, "r1", "any", "live", 0, 0, 0, 0);
                for (int t = 30; t < 105; t++) {
                        second(a, t, 0.04, rows[i].errors, 0.03, rows[i].down ? 0 : 1);
                        if ((t - 30) % 5 || !advisor_step_peek(a, &step) || !str_eq(step.kind, "process.restart")) continue;
                        assert_string_equal(step.on, "api");
                        if (!restarts++) first = t, assert_int_equal(json_parse(seen.last, strlen(seen.last), &j, NULL), ERR_OK);
                        advisor_hear(a, "action", "{\"id\":\"a1\",\"by\":\"agent\",\"kind\":\"process.restart\",\"on\":\"api\",\"state\":\"applied\"}");
                }
                ROW(rows[i].name, restarts == rows[i].expected);
                if (!rows[i].expected) continue;
                assert_int_equal(first, 50); /* down since 30, hung at 45, and at 50 it is the second look */
                assert_non_null(strstr(json_get_str(j, "reason", ""), "it hangs, or was stopped"));
                assert_string_equal(json_text(json_path(j, "/cause/ranked/0/service")), "api");
                assert_string_equal(json_text(json_path(j, "/cause/ranked/0/signal")), "up");
                assert_true(json_get_bool(j, "out_of_calibration", false));
                assert_null(json_get(j, "belief"));
        }
}

/* A model that wants nothing but one action, whatever it sees: as hostile as a policy can be. */
static void hostile_model(int action, struct buf *out)
{
        AUTO(model_free) struct model *m = NULL;
        AUTO(model_free) struct model *shipped = NULL;

        assert_int_equal(model_read(model.data, model.size_bytes, &shipped, NULL), ERR_OK);
        assert_int_equal(model_new(&m), ERR_OK);
        *m->feat = *shipped->feat;
        m->tuned = shipped->tuned;
        m->fallback = shipped->fallback;
        m->calibration = shipped->calibration;
        m->calibration.surprise_max = 1e9f; /* nothing is ever unknown */
        m->calibration.slack = 0;           /* and nothing ever in doubt */
        for (int s = 0; s < FEAT_STATES; s++) m->table->q[s][action][0] = 1000, m->table->visits[s][action] = RECO_VISITS_MIN;
        buf_init(out, MODEL_BYTES_MAX);
        assert_int_equal(model_write(m, out, NULL), ERR_OK);
}

/* Thirteen minutes in which all it says is done at once, and seems to help for a moment each time, so that nothing but the rules holds it. */
static void test_hostile_policy(void **state)
{
        (void)state;
        for (int action = ACT_REDUCE; action <= ACT_HARD; action++) {
                static struct seen seen;
                AUTO_BUF bytes = { 0 };
                AUTO(advisor_free) struct advisor *a = NULL;
                int at[32], restarts = 0, sheds = 0, acted = 0, gap = action == ACT_HARD ? 120 : 30;

                hostile_model(action, &bytes);
                struct advisor_options o = { .spec = spec, .model = bytes.data, .model_bytes = bytes.size_bytes, .policy = ADVISOR_AGENT, .tell = tell, .ctx = &seen };
                assert_int_equal(advisor_new(&o, &a, NULL), ERR_OK);
                incident(a, "r1", "any", "live", 0, 0, 0, 0);
                for (int t = 30; t < (action == ACT_REDUCE ? 200 : 810); t += 5) {
                        bool down = t % 100 >= 90, better = acted && t - acted >= 25 && t - acted < 35;
                        struct advisor_step step;
                        char done[256];

                        second(a, t, better ? 0.04 : 2, better ? 0 : 0.8, 0.5, down ? 0 : 1);
                        if (!advisor_step_peek(a, &step)) continue;
                        acted = t;
                        if (str_eq(step.kind, "load.shed")) {
                                sheds++;
                                assert_string_equal(step.on, ""); /* the engine takes no place for it */
                                assert_string_equal(step.args, "{\"admit_percent\":70}");
                        } else {
                                assert_false(down && str_eq(step.on, "api"));
                                assert_true(restarts == 0 || t - at[restarts - 1] >= gap || !str_eq(step.on, "api"));
                                assert_true(restarts < 32);
                                at[restarts++] = t;
                                assert_true(restarts <= 3 || t - at[restarts - 4] >= 600);
                        }
                        snprintf(done, sizeof done, "{\"id\":\"a%d\",\"by\":\"agent\",\"kind\":\"%s\",\"on\":\"%s\",\"state\":\"applied\",\"args\":%s}", restarts + sheds, step.kind, step.on, step.args);
                        advisor_hear(a, "action", done);
                }
                assert_true(action == ACT_REDUCE ? sheds > 0 && restarts == 0 : restarts >= 2 && restarts <= 6);
        }
}

/* 70 % are let in, and 10 points are the least that counts as better: above 60 % going well there is nothing to gain. */
static void test_reduction_that_loses(void **state)
{
        static const struct {
                double goodput;
                int sheds;
        } rows[] = { { 100, 0 }, { 70, 0 }, { 61, 0 }, { 59, 1 }, { 10, 1 }, { -1, 1 } };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                static struct seen seen;
                AUTO_BUF bytes = { 0 };
                AUTO(advisor_free) struct advisor *a = NULL;
                struct advisor_step step;
                int sheds = 0;

                hostile_model(ACT_REDUCE, &bytes);
                struct advisor_options o = { .spec = spec, .model = bytes.data, .model_bytes = bytes.size_bytes, .policy = ADVISOR_AGENT, .tell = tell, .ctx = &seen };
                assert_int_equal(advisor_new(&o, &a, NULL), ERR_OK);
                goodput = rows[i].goodput;
                incident(a, "r1", "any", "live", 0, 0, 0, 0);
                for (int t = 30; t < 70 && !sheds; t += 5) {
                        second(a, t, 2, 0.8, 0.5, 1);
                        sheds += advisor_step_peek(a, &step) && str_eq(step.kind, "load.shed");
                }
                goodput = -1;
                assert_int_equal(sheds, rows[i].sheds);
                if (!sheds) assert_non_null(strstr(seen.last, "Too much goes well now for that to gain anything."));
        }
}

static void test_bad_model(void **state)
{
        struct advisor_options o = { .spec = spec, .model = "FDLMxxxx", .model_bytes = 8 };
        struct advisor *a = (struct advisor *)(uintptr_t)1;
        struct err_note note = { .text = "" };

        (void)state;
        assert_int_not_equal(advisor_new(&o, &a, &note), ERR_OK);
        assert_true(a == (struct advisor *)(uintptr_t)1);
        assert_true(note.text[0] != '\0');
}

static void test_hostile_messages(void **state)
{
        static struct seen seen;
        AUTO(advisor_free) struct advisor *a = advisor_of(&seen, ADVISOR_AGENT);
        static const char *const texts[] = { "", "{", "[]", "null", "{\"v\":3}", "{\"state\":7,\"id\":[]}", "{\"t\":\"x\",\"v\":{\"fd:service_up|api\":\"no\"}}" };
        static const char *const types[] = { "run", "series", "action", "unknown" };

        (void)state;
        run_is(a, "r1", "x", "running", "live", false);
        for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
                for (size_t k = 0; k < ARRAY_COUNT(types); k++) advisor_hear(a, types[k], texts[i]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_life), cmocka_unit_test(test_modes), cmocka_unit_test(test_names_do_not_leak), cmocka_unit_test(test_false_alarm),
                cmocka_unit_test(test_safety_holds), cmocka_unit_test(test_hung), cmocka_unit_test(test_early), cmocka_unit_test(test_early_leaves_no_trace), cmocka_unit_test(test_again), cmocka_unit_test(test_hostile_policy), cmocka_unit_test(test_reduction_that_loses), cmocka_unit_test(test_bad_model), cmocka_unit_test(test_hostile_messages),
        };

        return cmocka_run_group_tests(tests, load, unload);
}

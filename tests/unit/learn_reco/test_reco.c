/* Advice on a hand-made model: what it proposes, when it abstains, falls back, and bows to the safety rules. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/mem.h"
#include "learn/reco/calibrate.h"
#include "learn/reco/reco.h"

static struct model *model;
static struct sim_kernel kernel;
static struct reco_session session;
static const float healthy[OBS_COUNT] = { .01f, 80, 40, 45, 1, 0, 1, 1 }, leaking[OBS_COUNT] = { .48f, 225, 67, 72, 1, 0, 1, 1 };

/* A table that knows one thing: restart softly in a sure escalation, ignore otherwise. */
static int setup(void **state)
{
        (void)state;
        kernel_init(&kernel, NULL);
        if (model_new(&model)) return 1;
        belief_params_true(&kernel, &model->feat->belief);
        model->feat->sure = .8f;
        for (int i = 0; i < FEAT_SEV_BINS - 1; i++) model->feat->sev_edge[i] = model->feat->error_edge[i] = (float)(i + 1);
        model->feat->history_edge[0] = .5f, model->feat->history_edge[1] = 1.5f, model->feat->since_edge[0] = 2, model->feat->since_edge[1] = 6;
        for (int s = 0; s < FEAT_STATES; s++) {
                int cluster = s / (FEAT_HISTORY_BINS * SIM_LOADS * FEAT_SINCE_BINS) % FEAT_CLUSTERS;

                for (int a = 0; a < ACT_COUNT; a++) model->table->q[s][a][REW_RECOVERY] = a >= ACT_SOFT ? -(float)a : 0, model->table->q[s][a][REW_STABILITY] = -.01f * (float)a;
                for (int a = 0; a < ACT_COUNT; a++) model->table->visits[s][a] = RECO_VISITS_MIN;
                if (cluster == 2 * MODE_ESCALATING + 1) model->table->q[s][ACT_SOFT][REW_STABILITY] = 10;
        }
        for (int k = 0; k < MODEL_KNOTS; k++) model->calibration.score[k] = (float)k / MODEL_KNOTS, model->calibration.p[k] = .5f + (float)k / (2 * MODEL_KNOTS);
        model->calibration.surprise_max = 60;
        model->calibration.p_nothing_max = .5f;
        model->fallback = (struct rule_belief){ .p_leak = .5f, .sev_hard = 5, .p_load = .5f, .sev_shed = 2, .p_rebuild = .5f, .p_unsure = .5f, .restarts_max = 3 };
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        model_free(model);
        return 0;
}

static void feel(const float *obs, int times)
{
        for (int i = 0; i < times; i++) reco_feel(model, &session, ACT_IGNORE, obs);
}

static void healthy_is_left_alone(void **state)
{
        struct reco r;

        (void)state;
        reco_start(model, &session, healthy);
        feel(healthy, 3);
        reco_decide(model, &session, NULL, 0, 0, NULL, &r);
        assert_int_equal(r.action, ACT_IGNORE);
        assert_false(r.abstain || r.fallback || r.has_forecast);
        assert_non_null(strstr(r.why, "nothing wrong"));
        assert_int_equal(r.action_set, 1 << ACT_IGNORE);
}

static void a_sure_leak_is_restarted(void **state)
{
        struct reco r;
        AUTO_BUF json;

        (void)state;
        buf_init(&json, 1 << 20);
        reco_start(model, &session, healthy);
        feel(leaking, 4);
        reco_decide(model, &session, NULL, 0, 0, NULL, &r);
        assert_int_equal(r.action, ACT_SOFT);
        assert_int_equal(r.decided_by, REW_STABILITY);
        assert_true(r.belief[MODE_ESCALATING] > .9f && r.p_optimal > .7f);
        reco_json(&r, "a\"b\n", "id", &json);
        assert_int_equal(buf_status(&json), ERR_OK);
        assert_non_null(strstr(json.data, "\"action\":\"soft-restart\""));
        assert_non_null(strstr(json.data, "\"target\":\"a\\\"b\\u000a\""));
        assert_true(r.flips > 0); /* something would have changed its mind */
}

static void safety_has_the_last_word(void **state)
{
        struct safety safety;
        struct reco r;

        (void)state;
        reco_start(model, &session, healthy);
        feel(leaking, 4);
        safety_init(&safety, NULL, 1);
        safety_note(&safety, 0, ACT_SOFT, 0);
        reco_decide(model, &session, &safety, 0, 10000, NULL, &r);
        assert_int_equal(r.best, ACT_SOFT);
        assert_true(r.action < ACT_SOFT);
        assert_int_equal(r.blocked_by[ACT_SOFT], SAFETY_COOLDOWN_SOFT);
        assert_non_null(strstr(r.why, "safety rules"));
        reco_decide(model, &session, &safety, 0, 40000, NULL, &r);
        assert_int_equal(r.action, ACT_SOFT);
}

static void a_split_set_abstains(void **state)
{
        struct reco r;

        (void)state;
        reco_start(model, &session, healthy);
        feel(leaking, 4);
        model->calibration.slack = 100; /* so unsure that every action might be best */
        reco_decide(model, &session, NULL, 0, 0, NULL, &r);
        model->calibration.slack = 0;
        assert_true(r.abstain);
        assert_int_equal(r.action, ACT_DELAY);
        assert_int_equal(r.best, ACT_SOFT);
}

static void the_unseen_falls_back(void **state)
{
        const float strange[OBS_COUNT] = { 1, 9000, 0, 100, 1, 0, 1, 1 };
        struct reco r;

        (void)state;
        reco_start(model, &session, healthy);
        feel(strange, 1);
        reco_decide(model, &session, NULL, 0, 0, NULL, &r);
        assert_true(r.fallback);
        assert_non_null(strstr(r.why, "nothing seen in training"));
}

static void down_means_wait(void **state)
{
        const float down[OBS_COUNT] = { 1, 0, 5, 10, 1, 1, 0, 1 };
        struct reco r;

        (void)state;
        reco_start(model, &session, healthy);
        reco_feel(model, &session, ACT_SOFT, down);
        reco_decide(model, &session, NULL, 0, 0, NULL, &r);
        assert_true(r.action == ACT_IGNORE || r.action == ACT_DELAY);
        assert_int_equal(r.blocked_by[ACT_HARD], SAFETY_DOWN);
}

static void forecast_tells_a_cure_from_waiting(void **state)
{
        AUTO(reco_twin_free) struct reco_twin *twin = NULL;
        struct reco r, again;

        (void)state;
        assert_int_equal(reco_twin_new(&kernel, &twin), ERR_OK);
        reco_start(model, &session, healthy);
        feel(leaking, 4);
        reco_decide(model, &session, NULL, 0, 0, twin, &r);
        reco_decide(model, &session, NULL, 0, 0, twin, &again);
        assert_true(r.has_forecast);
        assert_memory_equal(r.forecast, again.forecast, sizeof r.forecast);
        assert_true(r.forecast[ACT_HARD].p_recovered > .8f);
        for (int a = 0; a < ACT_COUNT; a++) {
                assert_true(r.forecast[a].lost_p10 <= r.forecast[a].lost_p50 && r.forecast[a].lost_p50 <= r.forecast[a].lost_p90);
                assert_true(r.forecast[a].p_recovered >= 0 && r.forecast[a].p_recovered <= 1);
        }
}

/* The observation is known, the state it leads to is not: nobody trained there. */
static void an_untrained_state_falls_back(void **state)
{
        struct reco r;
        int cell;

        (void)state;
        reco_start(model, &session, healthy);
        feel(leaking, 4);
        reco_decide(model, &session, NULL, 0, 0, NULL, &r);
        assert_false(r.fallback);
        cell = feat_cell(model->feat, &session.tracker);
        model->table->visits[cell][r.best]--;
        reco_decide(model, &session, NULL, 0, 0, NULL, &r);
        model->table->visits[cell][ACT_SOFT] = RECO_VISITS_MIN;
        assert_true(r.fallback);
        assert_non_null(strstr(r.why, "nothing seen in training"));
        if (r.best == ACT_IGNORE || r.best == ACT_DELAY) fail_msg("the rule on the belief was to act here");

        /* Forbidden what the rule wants, it waits, however good the table finds something else. */
        struct safety safety;

        safety_init(&safety, NULL, 1);
        safety.config.kill_switch = true;
        model->table->visits[cell][ACT_SOFT] = 0;
        reco_decide(model, &session, &safety, 0, 0, NULL, &r);
        model->table->visits[cell][ACT_SOFT] = RECO_VISITS_MIN;
        assert_true(r.fallback);
        assert_int_equal(r.action, ACT_DELAY);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(healthy_is_left_alone), cmocka_unit_test(a_sure_leak_is_restarted), cmocka_unit_test(safety_has_the_last_word),
                cmocka_unit_test(a_split_set_abstains),  cmocka_unit_test(the_unseen_falls_back),    cmocka_unit_test(down_means_wait),
                cmocka_unit_test(forecast_tells_a_cure_from_waiting), cmocka_unit_test(an_untrained_state_falls_back),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}

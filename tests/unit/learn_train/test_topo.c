/* The twelve services' policies and what bounds them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/mem.h"
#include "learn/train/topo.h"

enum { EPISODES = 64, STEPS = 120 };

static struct sim_kernel kernel, alone;
static struct feat_params *edges;
static struct topo_feat *feat;
static struct topo_table *table[2];
static struct topo_record records[2][EPISODES];

static struct topo_setup setup_of(uint64_t seed)
{
        return (struct topo_setup){ .kernel = &kernel, .edges = edges, .seed = seed_train_at(seed), .episodes = EPISODES };
}

static int setup(void **state)
{
        (void)state;
        sim12_kernel_init(&kernel);
        kernel_init(&alone, NULL);
        edges = mem_aligned(64, sizeof *edges);
        feat = mem_aligned(64, sizeof *feat);
        for (int k = 0; k < 2; k++) table[k] = mem_zalloc(1, sizeof *table[k]);
        if (!edges || !feat || !table[0] || !table[1]) return 1;
        memset(edges, 0, sizeof *edges);
        belief_params_true(&alone, &edges->belief);
        edges->sure = .8f;
        for (int i = 0; i < FEAT_SEV_BINS - 1; i++) edges->sev_edge[i] = edges->error_edge[i] = (float)(i + 1);
        edges->history_edge[0] = .5f, edges->history_edge[1] = 1.5f, edges->since_edge[0] = 2, edges->since_edge[1] = 6;
        const struct topo_setup fit = setup_of(30);

        return topo_fit(&fit, feat) != ERR_OK;
}

static int teardown(void **state)
{
        (void)state;
        mem_free(edges);
        mem_free(feat);
        mem_free(table[0]);
        mem_free(table[1]);
        return 0;
}

/* A healthy caller of a very sick callee catches its sickness in 30 % of the steps, of a healthy one never (sim12.c). */
static void filters_part_by_stress(void **state)
{
        const int row_from = MODE_CASCADING * SIM_SEVS;
        float calm = 0, sick = 0;

        (void)state;
        for (int sev = 1; sev < SIM_SEVS; sev++) {
                calm += feat->stress[0].belief.from_none[ACT_IGNORE][1][row_from + sev];
                sick += feat->stress[2].belief.from_none[ACT_IGNORE][1][row_from + sev];
        }
        assert_true(calm < .01f);
        assert_true(fabsf(sick - .30f) < .06f);
}

static double play(int k, topo_decide_fn *decide, const void *self, bool clairvoyant)
{
        const struct topo_run run = { .kernel = &kernel, .feat = feat, .seed = seed_valid_at(3).value, .episodes = EPISODES, .clairvoyant = clairvoyant };
        double sum = 0;

        assert_int_equal(topo_play(&run, decide, self, records[k]), ERR_OK);
        for (int i = 0; i < EPISODES; i++) sum += (double)records[k][i].reward;
        return sum / EPISODES;
}

static void seeing_helps_and_the_bound_holds(void **state)
{
        struct oracle *o = NULL;
        struct sim_state start = sim_start();
        double ignored, seen, upper = 0, value[2];

        (void)state;
        assert_int_equal(oracle_new(&kernel, .9, &o), ERR_OK);
        o->stress_max = 0;
        assert_int_equal(oracle_solve(o, 2, 200), ERR_OK);
        ignored = play(0, topo_ignore_decide, NULL, false);
        seen = play(1, topo_clairvoyant_decide, o, true);
        o->may_leave = true;
        for (int callees = 0; callees < 2; callees++) {
                o->stress_max = callees ? 2 : 0;
                value[callees] = oracle_bound(o, 3, &start);
        }
        assert_true(value[1] >= value[0]); /* the choice of stress can only help */
        o->stress_max = 0; /* well callees are the best there are: what the choice finds, at a third of the time */
        double one = oracle_bound(o, STEPS, &start);

        for (int svc = 0; svc < SIM12_SERVICES; svc++) upper += (double)sim12_weight(svc) * one;
        oracle_free(o);
        assert_true(seen > ignored + 50);
        assert_true(upper > seen);
        for (int i = 0; i < EPISODES; i++) {
                assert_int_equal(records[0][i].restarts, 0);
                assert_int_equal(records[1][i].astray, 0); /* the optimum restarts leaks only */
        }
}

static void same_seed_same_table(void **state)
{
        const struct topo_setup learn = setup_of(31);

        (void)state;
        for (int k = 0; k < 2; k++) assert_int_equal(topo_learn(&learn, feat, NULL, table[k]), ERR_OK);
        assert_memory_equal(table[0], table[1], sizeof *table[0]);
        const float *db = &table[0]->q[SVC_DB][0][0], *payments = &table[0]->q[SVC_PAYMENTS][0][0];
        int learned = 0;

        for (int i = 0; i < TOPO_CELLS * ACT_COUNT; i++) {
                learned += db[i] != 0;
                assert_true(payments[i] == 0); /* nobody may act on a third party */
        }
        assert_true(learned > 20);
}

/* The rule leaves a caller alone while its callee looks sicker than it may. */
static void the_root_goes_first(void **state)
{
        static struct topo_state s;
        static float obs[SIM12_OBS];
        struct topo_rule rule = { .decide = rule_literal_decide, .root_error = .3f };
        struct topo_input in = { &s, obs, (1u << ACT_COUNT) - 1, 1u << SVC_API | 1u << SVC_DB, NULL, 0 };

        (void)state;
        memcpy(rule.params, &rule_literal_default, sizeof rule_literal_default);
        for (int svc = 0; svc < SIM12_SERVICES; svc++) obs[svc * OBS_COUNT + OBS_UP] = 1, obs[svc * OBS_COUNT + OBS_LATENCY] = 300;
        obs[SVC_API * OBS_COUNT] = obs[SVC_DB * OBS_COUNT] = .5f;
        s.tracker[SVC_API].mean[0] = .6f, s.tracker[SVC_DB].mean[0] = .5f;
        struct topo_choice c = topo_rule_decide(&rule, &in);

        assert_int_equal(c.target, SVC_DB);
        assert_int_equal(c.action, ACT_SOFT);
        rule.root_error = 2; /* callees are not looked at: the larger error of the more used service */
        c = topo_rule_decide(&rule, &in);
        assert_int_equal(c.target, SVC_API);
}

static bool at_once(void *context)
{
        (void)context;
        return true;
}

static void stops_when_asked(void **state)
{
        struct topo_setup stop = setup_of(32);
        const struct topo_run run = { .kernel = &kernel, .feat = feat, .seed = 1, .episodes = EPISODES, .stop = at_once };

        (void)state;
        stop.stop = at_once;
        assert_int_equal(topo_fit(&stop, feat), ERR_STATE);
        assert_int_equal(topo_play(&run, topo_ignore_decide, NULL, records[0]), ERR_STATE);
        assert_int_equal(topo_learn(&stop, feat, NULL, table[0]), ERR_OK); /* what there is is kept */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(filters_part_by_stress), cmocka_unit_test(seeing_helps_and_the_bound_holds), cmocka_unit_test(same_seed_same_table),
                cmocka_unit_test(the_root_goes_first),    cmocka_unit_test(stops_when_asked),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}

/* Threshold learner (10 of the mission's tests), state machine (6), feedback loops (11), integration (4), edges, drift. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/mem.h"
#include "learn/mapek/drift.h"
#include "learn/mapek/feedback.h"

static struct threshold_learner *learner;
static struct feedback *feedback;
static struct system_machine machine;

static int fresh(void **state)
{
        (void)state;
        system_init(&machine, NULL, 0);
        return threshold_learner_new(NULL, &learner) || feedback_new(&feedback);
}

static int gone(void **state)
{
        (void)state;
        threshold_learner_free(learner);
        feedback_free(feedback);
        return 0;
}

static void fill(const char *name, int count)
{
        for (int i = 0; i < count; i++) assert_int_equal(threshold_add(learner, name, 100 + (i * 37) % 20), ERR_OK);
}

/* --- threshold learner --- */
static void learner_with_parameters(void **state)
{
        const struct threshold_config config = { .points = 50, .points_min = 10, .interval_ms = 5, .anomaly_sigma = 3, .strategy = STRATEGY_SIGMA };
        const struct threshold_config bad = { .points = 1, .anomaly_sigma = 2 };
        struct threshold_learner *l = NULL;

        (void)state;
        assert_int_equal(threshold_learner_new(&config, &l), ERR_OK);
        assert_true(threshold_sensitivity_now(l) == 3);
        threshold_learner_free(l);
        l = NULL;
        assert_int_equal(threshold_learner_new(&bad, &l), ERR_INVAL);
        assert_null(l);
}

static void learner_adds_to_its_buffers(void **state)
{
        (void)state;
        fill("cpu", 30);
        assert_int_equal(ring_count(threshold_ring(learner, "cpu")), 30);
        assert_null(threshold_ring(learner, "memory"));
        assert_int_equal(threshold_add(learner, "", 1), ERR_INVAL);
}

static void learner_interval(void **state)
{
        size_t count;

        (void)state;
        fill("cpu", 200);
        assert_true(threshold_due(learner, 0));
        assert_int_equal(threshold_optimise(learner, 0, false, &count), ERR_OK);
        assert_false(threshold_due(learner, 3599999));
        assert_int_equal(threshold_optimise(learner, 3599999, false, &count), ERR_STATE);
        assert_true(threshold_due(learner, 3600000));
}

static void learner_insufficient_data(void **state)
{
        size_t count = 77;

        (void)state;
        fill("cpu", 99);
        assert_int_equal(threshold_optimise(learner, 0, true, &count), ERR_STATE);
        assert_int_equal(count, 77);
}

static void learner_sufficient_data(void **state)
{
        size_t count;

        (void)state;
        fill("cpu", 100);
        assert_int_equal(threshold_optimise(learner, 0, false, &count), ERR_OK);
        assert_int_equal(count, 1);
}

static void learner_recommendation(void **state)
{
        struct threshold_recommendation t;
        size_t count;

        (void)state;
        fill("cpu", 1000);
        assert_int_equal(threshold_get(learner, "cpu", &t), ERR_STATE);
        assert_int_equal(threshold_get(learner, "disk", &t), ERR_NOT_FOUND);
        assert_int_equal(threshold_optimise(learner, 5, false, &count), ERR_OK);
        assert_int_equal(threshold_get(learner, "cpu", &t), ERR_OK);
        assert_string_equal(t.parameter, "cpu");
        assert_true(fabs(t.value - 118.5) < 1.8); /* 95 % of 100..119 */
        assert_true(t.confidence > 0 && t.confidence <= 1 && isnan(t.previous));
        assert_true(t.by_strategy[STRATEGY_SIGMA] > 120 && t.by_strategy[STRATEGY_SIGMA] < 122); /* 109.5 + 2 * 5.77 */
        assert_int_equal(t.trend, RING_STABLE);
        assert_int_equal(t.at_ms, 5);
        assert_string_equal(threshold_strategy_name(t.strategy), "p95");
}

static void learner_anomalies_and_sensitivity(void **state)
{
        (void)state;
        fill("cpu", 500);
        assert_false(threshold_is_anomaly(learner, "cpu", 115));
        assert_true(threshold_is_anomaly(learner, "cpu", 122)); /* 2 sigma is 11.5 */
        threshold_sensitivity(learner, 4);
        assert_false(threshold_is_anomaly(learner, "cpu", 122));
        assert_false(threshold_is_anomaly(learner, "nobody", 1e9));
        assert_false(threshold_is_anomaly(learner, "cpu", (double)NAN));
}

static void learner_many_parameters(void **state)
{
        size_t count;
        char name[32];

        (void)state;
        for (int i = 0; i < 100; i++) {
                (void)snprintf(name, sizeof name, "p%d", i);
                fill(name, i % 2 ? 150 : 20);
        }
        assert_int_equal(threshold_optimise(learner, 0, false, &count), ERR_OK);
        assert_int_equal(count, 50);
        assert_string_equal(threshold_parameter(learner, 7), "p7");
        assert_null(threshold_parameter(learner, 100));
}

static void learner_history_and_export(void **state)
{
        size_t count;

        (void)state;
        fill("cpu", 200);
        for (int i = 0; i < 300; i++) assert_int_equal(threshold_optimise(learner, i, true, &count), ERR_OK);
        assert_non_null(threshold_history(learner, THRESHOLD_HISTORY - 1));
        assert_null(threshold_history(learner, THRESHOLD_HISTORY));
        assert_int_equal(threshold_history(learner, 0)->at_ms, 300 - THRESHOLD_HISTORY);
        assert_true(threshold_history(learner, 5)->previous == threshold_history(learner, 4)->value);
}

static void learner_statistics(void **state)
{
        struct threshold_stats s;
        size_t count;

        (void)state;
        fill("cpu", 200);
        fill("memory", 50);
        assert_int_equal(threshold_add(learner, "cpu", (double)NAN), ERR_INVAL);
        assert_int_equal(threshold_optimise(learner, 0, false, &count), ERR_OK);
        threshold_stats(learner, &s);
        assert_true(s.parameters == 2 && s.points == 250 && s.optimisations == 1 && s.recommendations == 1 && s.refused_points == 1);
}

/* Thresholds must not learn the incident. */
static void learner_freezes(void **state)
{
        struct threshold_stats s;
        size_t count;

        (void)state;
        fill("cpu", 200);
        threshold_freeze(learner, true);
        for (int i = 0; i < 1000; i++) assert_int_equal(threshold_add(learner, "cpu", 900), ERR_OK);
        assert_int_equal(threshold_optimise(learner, 0, true, &count), ERR_STATE);
        threshold_freeze(learner, false);
        assert_int_equal(threshold_optimise(learner, 0, true, &count), ERR_OK);
        assert_true(threshold_history(learner, 0)->value < 125);
        threshold_stats(learner, &s);
        assert_int_equal(s.frozen_attempts, 1001);
}

static void learner_is_bounded(void **state)
{
        const struct threshold_config config = { .points = 2, .points_min = 2, .anomaly_sigma = 2 };
        struct threshold_learner *l = NULL;
        char name[THRESHOLD_NAME_BYTES + 10];

        (void)state;
        assert_int_equal(threshold_learner_new(&config, &l), ERR_OK);
        for (int i = 0; i < 40; i++) {
                (void)snprintf(name, sizeof name, "p%d", i);
                assert_int_equal(threshold_add(l, name, 1), ERR_OK);
        }
        memset(name, 'x', sizeof name - 1);
        name[sizeof name - 1] = 0;
        assert_int_equal(threshold_add(l, name, 1), ERR_LIMIT);
        threshold_learner_free(l);
}

/* --- state machine --- */
static const struct system_metrics good = { 1, 1, .3 }, minor = { .97, 1, .3 }, major = { .5, 1, .3 };

static void machine_starts_healthy(void **state)
{
        (void)state;
        assert_int_equal(machine.state, SYSTEM_HEALTHY);
        assert_int_equal(system_parameters_of(SYSTEM_HEALTHY)->monitoring_interval_s, 60);
}

static void machine_analyses_metrics(void **state)
{
        static const struct {
                const char *name;
                struct system_metrics m;
                enum system_state want;
        } rows[] = {
                { "good", { 1, 1, .5 }, SYSTEM_HEALTHY },         { "some errors", { .98, 1, .5 }, SYSTEM_DEGRADED },
                { "many errors", { .8, 1, .5 }, SYSTEM_CRITICAL }, { "slow", { 1, 2, .5 }, SYSTEM_DEGRADED },
                { "very slow", { 1, 5, .5 }, SYSTEM_CRITICAL },   { "busy", { 1, 1, .9 }, SYSTEM_DEGRADED },
                { "full", { 1, 1, .99 }, SYSTEM_CRITICAL },
        };

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                system_init(&machine, NULL, 0);
                (void)system_feed(&machine, &rows[i].m, 1000);
                assert_int_equal(machine.state, SYSTEM_HEALTHY); /* one sample is no proof */
                if (system_feed(&machine, &rows[i].m, 2000) != rows[i].want) fail_msg("%s: %s", rows[i].name, system_state_name(machine.state));
        }
}

static void machine_parameters_by_state(void **state)
{
        const struct system_parameters *critical = system_parameters_of(SYSTEM_CRITICAL), *optimizing = system_parameters_of(SYSTEM_OPTIMIZING);

        (void)state;
        assert_true(critical->monitoring_interval_s == 10 && critical->analysis_depth == 20 && critical->planning_lookahead_s == 60);
        assert_true(critical->execution_parallelism == 1 && critical->learning_rate == .05);
        assert_true(optimizing->analysis_depth == 150 && optimizing->planning_lookahead_s == 600 && optimizing->execution_parallelism == 8);
        assert_true(optimizing->learning_rate == .3);
}

static void machine_recovers_with_dwell(void **state)
{
        (void)state;
        (void)system_feed(&machine, &major, 1000), (void)system_feed(&machine, &major, 2000);
        assert_int_equal(machine.state, SYSTEM_CRITICAL);
        for (int t = 3; t < 32; t++) assert_int_equal(system_feed(&machine, &good, t * 1000), SYSTEM_CRITICAL); /* dwell: 30 s */
        assert_int_equal(system_feed(&machine, &good, 32000), SYSTEM_RECOVERING);
        assert_int_equal(system_feed(&machine, &major, 33000), SYSTEM_RECOVERING);
        assert_int_equal(system_feed(&machine, &major, 34000), SYSTEM_CRITICAL);
}

static void machine_does_not_flap(void **state)
{
        (void)state;
        for (int t = 0; t < 200; t++) (void)system_feed(&machine, t % 2 ? &minor : &good, t * 1000);
        assert_int_equal(machine.transitions, 0);
}

static void machine_records_transitions(void **state)
{
        int64_t t = 0;

        (void)state;
        for (int i = 0; i < 520; i++) system_force(&machine, i % 2 ? SYSTEM_HEALTHY : SYSTEM_OPTIMIZING, "a person said so", ++t);
        assert_non_null(system_transition_at(&machine, STATE_TRANSITIONS - 1));
        assert_null(system_transition_at(&machine, STATE_TRANSITIONS));
        assert_int_equal(system_transition_at(&machine, 0)->at_ms, 21);
        assert_string_equal(system_transition_at(&machine, 0)->reason, "a person said so");
        assert_true(machine.time_in_ms[SYSTEM_HEALTHY] > 0);
}

/* Every cell of the drawn table. */
static void machine_walks_every_cell(void **state)
{
        enum { H = SYSTEM_HEALTHY, O = SYSTEM_OPTIMIZING, D = SYSTEM_DEGRADED, C = SYSTEM_CRITICAL, R = SYSTEM_RECOVERING };
        static const int want[SYSTEM_STATE_COUNT][4] = {
                [H] = { H, D, C, O }, [O] = { H, D, C, O }, [D] = { R, D, C, R }, [C] = { R, R, C, R }, [R] = { H, D, C, H },
        };

        (void)state;
        for (int from = 0; from < SYSTEM_STATE_COUNT; from++) {
                for (int event = 0; event < 4; event++) {
                        const struct system_metrics *m = event == 1 ? &minor : event == 2 ? &major : &good;
                        int to = from;

                        system_init(&machine, NULL, 0);
                        system_force(&machine, (enum system_state)from, "start", 0);
                        system_ask_learning(&machine, event == 3);
                        for (int t = 40; t < 44 && to == from; t++) to = (int)system_feed(&machine, m, t * 1000);
                        if (to != want[from][event]) fail_msg("from %s, event %d: %s", system_state_name((enum system_state)from), event, system_state_name((enum system_state)to));
                }
        }
}

static void machine_refuses_nan(void **state)
{
        const struct system_metrics bad = { (double)NAN, 1, 1 };

        (void)state;
        assert_int_equal(system_feed(&machine, &bad, 1), SYSTEM_HEALTHY);
        assert_int_equal(machine.refused, 1);
        assert_int_equal(machine.samples, 0);
}

/* --- feedback loops --- */
static int called;
static int count_call(void *context, const struct feedback_signal *s, const struct feedback_action *a)
{
        (void)s, (void)a;
        called++;
        return *(int *)context;
}

static void manager_starts_empty(void **state)
{
        struct feedback_stats s;

        (void)state;
        feedback_stats(feedback, LOOP_COUNT, &s);
        assert_true(s.signals == 0 && s.actions == 0 && s.effectiveness == 0);
        assert_int_equal(feedback_tuning(feedback)->parameters.monitoring_interval_s, 60);
}

static void callbacks_for_each_loop(void **state)
{
        int fine = 0;

        (void)state;
        called = 0;
        for (int loop = 0; loop < LOOP_COUNT; loop++) {
                for (int i = 0; i < FEEDBACK_CALLBACKS; i++) assert_int_equal(feedback_register(feedback, (enum feedback_loop)loop, count_call, &fine), ERR_OK);
                assert_int_equal(feedback_register(feedback, (enum feedback_loop)loop, count_call, &fine), ERR_LIMIT);
                assert_int_equal(feedback_signal(feedback, (enum feedback_loop)loop, "x", .5, 1, 1), ERR_OK);
        }
        assert_int_equal(called, LOOP_COUNT * FEEDBACK_CALLBACKS);
}

/* One row per loop: the signal, and the tuning it must lead to. */
static void signals_tune(void **state)
{
        static const struct {
                enum feedback_loop loop;
                double value, confidence;
                const char *parameter;
                double to;
        } rows[] = {
                { LOOP_METRICS_LEARNING, 118.5, .9, "threshold", 118.5 },     { LOOP_METRICS_LEARNING, 118.5, .3, NULL, 0 },
                { LOOP_PERFORMANCE, .6, 1, "monitoring_interval_s", 30 },     { LOOP_PERFORMANCE, 1, 1, "monitoring_interval_s", 10 },
                { LOOP_DECISION_QUALITY, .2, 1, "learning_rate", .12 },       { LOOP_DECISION_QUALITY, .9, 1, "learning_rate", .09 },
                { LOOP_DECISION_QUALITY, .6, 1, NULL, 0 },                    { LOOP_ANOMALY, .5, 1, "anomaly_sigma", 2.1 },
                { LOOP_ANOMALY, 0, 1, "anomaly_sigma", 1.9 },                 { LOOP_ANOMALY, .1, 1, NULL, 0 },
                { LOOP_RESOURCE, .95, 1, "execution_parallelism", 3 },        { LOOP_RESOURCE, .2, 1, "execution_parallelism", 5 },
                { LOOP_RESOURCE, .6, 1, NULL, 0 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct feedback *f = NULL;
                struct feedback_action a;
                size_t count;

                assert_int_equal(feedback_new(&f), ERR_OK);
                assert_int_equal(feedback_signal(f, rows[i].loop, "api", rows[i].value, rows[i].confidence, 9), ERR_OK);
                count = feedback_actions(f, LOOP_COUNT, 0, &a, 1);
                assert_int_equal(count, rows[i].parameter != NULL);
                if (count) {
                        assert_string_equal(a.parameter, rows[i].parameter);
                        assert_true(fabs(a.to - rows[i].to) < 1e-9);
                        assert_string_equal(a.source, "api");
                        assert_true(a.reason[0] && a.at_ms == 9);
                }
                feedback_free(f);
        }
}

static void tuning_stays_within_bounds(void **state)
{
        const struct feedback_tuning *t = feedback_tuning(feedback);

        (void)state;
        for (int i = 0; i < 200; i++) {
                assert_int_equal(feedback_signal(feedback, LOOP_RESOURCE, "x", i < 100 ? .99 : .1, 1, i), ERR_OK);
                assert_int_equal(feedback_signal(feedback, LOOP_DECISION_QUALITY, "x", i < 100 ? .1 : .9, 1, i), ERR_OK);
                assert_int_equal(feedback_signal(feedback, LOOP_ANOMALY, "x", i < 100 ? .9 : 0, 1, i), ERR_OK);
                assert_in_range(t->parameters.execution_parallelism, 1, 8);
                assert_true(t->parameters.learning_rate >= .05 && t->parameters.learning_rate <= .3);
                assert_true(t->anomaly_sigma >= 1.5 && t->anomaly_sigma <= 4);
        }
}

static void signal_history_and_filter(void **state)
{
        static struct feedback_signal s[FEEDBACK_SIGNALS + 1];

        (void)state;
        for (int i = 0; i < FEEDBACK_SIGNALS + 500; i++) assert_int_equal(feedback_signal(feedback, i % 2 ? LOOP_RESOURCE : LOOP_ANOMALY, "x", .5, 1, i), ERR_OK);
        assert_int_equal(feedback_signals(feedback, LOOP_COUNT, 0, s, FEEDBACK_SIGNALS + 1), FEEDBACK_SIGNALS);
        assert_int_equal(s[0].at_ms, FEEDBACK_SIGNALS + 499);
        assert_int_equal(feedback_signals(feedback, LOOP_RESOURCE, 0, s, FEEDBACK_SIGNALS), FEEDBACK_SIGNALS / 2);
        assert_int_equal(feedback_signals(feedback, LOOP_COUNT, FEEDBACK_SIGNALS + 490, s, 100), 10);
}

static void action_history_and_filter(void **state)
{
        static struct feedback_action a[FEEDBACK_ACTIONS + 1];

        (void)state;
        for (int i = 0; i < FEEDBACK_ACTIONS + 100; i++) assert_int_equal(feedback_signal(feedback, LOOP_METRICS_LEARNING, "x", i, 1, i), ERR_OK);
        assert_int_equal(feedback_actions(feedback, LOOP_COUNT, 0, a, FEEDBACK_ACTIONS + 1), FEEDBACK_ACTIONS);
        assert_int_equal(feedback_actions(feedback, LOOP_RESOURCE, 0, a, 10), 0);
}

static void statistics_by_loop_and_in_all(void **state)
{
        struct feedback_stats s;

        (void)state;
        assert_int_equal(feedback_signal(feedback, LOOP_ANOMALY, "x", .5, 1, 1), ERR_OK);
        assert_int_equal(feedback_signal(feedback, LOOP_ANOMALY, "x", .1, 1, 1), ERR_OK);
        assert_int_equal(feedback_signal(feedback, LOOP_RESOURCE, "x", .6, 1, 1), ERR_OK);
        feedback_stats(feedback, LOOP_ANOMALY, &s);
        assert_true(s.signals == 2 && s.actions == 1 && s.effectiveness == .5 && fabs(s.value_mean - .3) < 1e-12);
        feedback_stats(feedback, LOOP_COUNT, &s);
        assert_true(s.signals == 3 && s.actions == 1);
}

static void a_failing_callback_harms_nobody(void **state)
{
        int fails = 1, fine = 0;
        struct feedback_stats s;

        (void)state;
        called = 0;
        assert_int_equal(feedback_register(feedback, LOOP_PERFORMANCE, count_call, &fails), ERR_OK);
        assert_int_equal(feedback_register(feedback, LOOP_PERFORMANCE, count_call, &fine), ERR_OK);
        assert_int_equal(feedback_signal(feedback, LOOP_PERFORMANCE, "x", .5, 1, 1), ERR_OK);
        assert_int_equal(called, 2);
        feedback_stats(feedback, LOOP_PERFORMANCE, &s);
        assert_true(s.callbacks == 2 && s.callback_failures == 1 && s.actions == 1);
}

static void bad_signals_are_refused(void **state)
{
        (void)state;
        assert_int_equal(feedback_signal(feedback, LOOP_ANOMALY, "x", (double)NAN, 1, 1), ERR_INVAL);
        assert_int_equal(feedback_signal(feedback, LOOP_ANOMALY, "x", 1, 2, 1), ERR_INVAL);
}

/* --- together --- */
static int take_over(void *context, const struct feedback_signal *s, const struct feedback_action *a)
{
        (void)s;
        if (a) *(double *)context = a->to;
        return 0;
}

/* A day in small: learn while healthy, freeze in the incident, recover, learn again. */
static void the_whole_loop(void **state)
{
        double threshold = 0;
        size_t count;

        (void)state;
        assert_int_equal(feedback_register(feedback, LOOP_METRICS_LEARNING, take_over, &threshold), ERR_OK);
        for (int t = 0; t < 1000; t++) {
                const struct system_metrics *m = t >= 400 && t < 500 ? &major : &good;
                double latency = t >= 400 && t < 500 ? 2000 : 100 + (t * 37) % 20;

                threshold_freeze(learner, system_feed(&machine, m, t * 1000) != SYSTEM_HEALTHY);
                assert_int_equal(threshold_add(learner, "latency", latency), ERR_OK);
                if (t % 200 == 199 && threshold_optimise(learner, t * 1000, true, &count) == ERR_OK) {
                        struct threshold_recommendation r;

                        assert_int_equal(threshold_get(learner, "latency", &r), ERR_OK);
                        assert_int_equal(feedback_signal(feedback, LOOP_METRICS_LEARNING, "latency", r.value, r.confidence > .6 ? r.confidence : .6, t * 1000), ERR_OK);
                }
                feedback_tuning(feedback)->parameters = *system_parameters_of(machine.state);
        }
        assert_int_equal(machine.state, SYSTEM_HEALTHY);
        assert_true(machine.transitions == 3); /* critical, recovering, healthy */
        assert_true(threshold > 110 && threshold < 125);
}

static void constructors_fail_cleanly(void **state)
{
        (void)state;
        for (size_t nth = 1;; nth++) {
                size_t live = alloc_live_count();
                struct threshold_learner *l = NULL;
                struct feedback *f = NULL;
                struct metric_ring *r = NULL;
                bool fired;

                fault_arm(nth, false);
                enum err e = threshold_learner_new(NULL, &l), e2 = feedback_new(&f), e3 = ring_new(10, &r), e4 = l ? threshold_add(l, "x", 1) : ERR_OK;

                fired = fault_disarm();
                assert_int_equal(fired, e || e2 || e3 || e4);
                threshold_learner_free(l), feedback_free(f), ring_free(r);
                assert_int_equal(alloc_live_count(), live);
                if (!fired) break;
        }
}

static double noise(uint32_t *s)
{
        double sum = 0;

        for (int i = 0; i < 12; i++) *s = *s * 1664525u + 1013904223u, sum += *s >> 8;
        return sum / (1 << 24) - 6;
}

/* The example detectors are usually shown on: 0 or 1 at random, from value 999 on 6 to 11 at random. On CapyMOA's own draw of it ADWIN
 * alarms at 1023 and Page-Hinkley at 1014; here on 200 draws of ours. */
static void drift_on_the_usual_example(void **state)
{
        uint32_t seed = 7;

        (void)state;
        for (int draw = 0; draw < 200; draw++) {
                struct drift d;
                int first = -1;

                drift_init(&d, 0);
                for (int i = 0; i < 2000; i++) {
                        seed = seed * 1664525u + 1013904223u;
                        bool alarm = drift_add(&d, i < 999 ? (double)(seed >> 16 & 1) : 6 + (double)((seed >> 16) % 6));

                        if (alarm && first < 0) first = i;
                }
                assert_in_range(first, 999, 999 + 14);
                assert_true(d.alarms == 1);
        }
}

static void drift_alarms_once_and_soon(void **state)
{
        struct drift d;
        uint32_t seed = 5;
        int at = -1;

        (void)state;
        drift_init(&d, 0);
        for (int i = 0; i < 4000; i++) {
                bool alarm = drift_add(&d, noise(&seed) + (i >= 999 ? 4 : 0));

                if (alarm && at < 0) at = i;
        }
        assert_in_range(at, 999, 999 + 14);
        assert_int_equal(d.alarms, 1);
        assert_int_equal(d.direction, 1);
        assert_false(drift_add(&d, (double)NAN));
        assert_int_equal(d.refused, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fresh, gone)
        const struct CMUnitTest tests[] = {
                T(learner_with_parameters), T(learner_adds_to_its_buffers), T(learner_interval), T(learner_insufficient_data), T(learner_sufficient_data),
                T(learner_recommendation), T(learner_anomalies_and_sensitivity), T(learner_many_parameters), T(learner_history_and_export),
                T(learner_statistics), T(learner_freezes), T(learner_is_bounded), T(machine_starts_healthy), T(machine_analyses_metrics),
                T(machine_parameters_by_state), T(machine_recovers_with_dwell), T(machine_does_not_flap), T(machine_records_transitions),
                T(machine_walks_every_cell), T(machine_refuses_nan), T(manager_starts_empty), T(callbacks_for_each_loop), T(signals_tune),
                T(tuning_stays_within_bounds), T(signal_history_and_filter), T(action_history_and_filter), T(statistics_by_loop_and_in_all),
                T(a_failing_callback_harms_nobody), T(bad_signals_are_refused), T(the_whole_loop), T(constructors_fail_cleanly), T(drift_alarms_once_and_soon), T(drift_on_the_usual_example),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

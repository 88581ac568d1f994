/* From series of the stack to what a model sees; expected values by hand. */
#include <math.h>
#include <string.h>

#include "learn/reco/live.h"
#include "tests/unit/unit.h"

static void good_is_in_time_and_answered(void **state)
{
        static const struct {
                const char *name;
                double errors, latency_s, normal_s, good;
        } rows[] = {
                { "well", 0, .05, .05, 1 },
                { "four times normal is the limit", 0, .2, .05, 1 },
                { "eight times normal: half is late", 0, .4, .05, .5 },
                { "a fifth fails, half of the rest is late", .2, .4, .05, .4 },
                { "100 ms are never late", 0, .1, .002, 1 },
                { "but 200 ms are", 0, .2, .002, .5 },
                { "nothing known", (double)NAN, (double)NAN, (double)NAN, 1 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
                ROW(rows[i].name, fabs(live_good(rows[i].errors, rows[i].latency_s, rows[i].normal_s) - rows[i].good) < 1e-9);
}

/* log2((300+20)/(100+20)) = 1.41504; log2((.19+.01)/(.04+.01)) = 2. */
static void figures_are_scaled(void **state)
{
        const struct reco_live live = { .error_ratio = .2, .latency_ms = 300, .latency_normal_ms = 100, .cpu_cores = .19, .cpu_normal_cores = .04, .memory_bytes = 3e8,
                                        .memory_normal_bytes = 2e8, .rps = 30, .rps_normal = 20, .admission = 1, .restarts_10m = 7, .up = true };
        float obs[OBS_COUNT];

        (void)state;
        reco_obs_from_live(&live, obs);
        assert_true(fabsf(obs[OBS_ERROR] - .2f) < 1e-6f && fabsf(obs[OBS_LATENCY] - 193.203f) < .01f);
        assert_true(fabsf(obs[OBS_CPU] - 70) < .01f && fabsf(obs[OBS_MEMORY] - 67.5f) < .01f);
        assert_true(obs[OBS_LOAD] == 2 && obs[OBS_RESTARTS] == 3 && obs[OBS_UP] == 1 && obs[OBS_ADMIT] == 1);
}

static void unknown_looks_healthy(void **state)
{
        struct reco_live unknown = { .error_ratio = (double)NAN, .latency_ms = (double)NAN, .latency_normal_ms = (double)NAN, .cpu_cores = (double)NAN, .cpu_normal_cores = (double)NAN,
                                     .memory_bytes = (double)NAN, .memory_normal_bytes = (double)NAN, .rps = (double)NAN, .rps_normal = (double)NAN, .admission = 1, .up = true };
        static const float healthy[OBS_COUNT] = { 0, 80, 40, 45, 1, 0, 1, 1 };
        float obs[OBS_COUNT];

        (void)state;
        reco_obs_from_live(&unknown, obs);
        assert_memory_equal(obs, healthy, sizeof obs);
        unknown.up = false;
        reco_obs_from_live(&unknown, obs);
        assert_true(obs[OBS_ERROR] == 1 && obs[OBS_UP] == 0);
}

static void series_are_read(void **state)
{
        static const char calm[] = "{\"fd:service_cpu:ratio10s|api\":0.03,\"fd:offered_rps\":40,\"fd:service_up|api\":1,\"fd:service_cpu:ratio10s|auth\":9}";
        static const char sick[] = "{\"fd:service_cpu:ratio10s|api\":0.5,\"fd:offered_rps\":80,\"fd:service_up|api\":0,\"fd:service_restarts:count10m|api\":2}";
        AUTO(json_free) struct json *a = NULL;
        AUTO(json_free) struct json *b = NULL;
        struct live_service s;
        struct live_load load = { .admission = .7 };
        struct reco_live live;

        (void)state;
        assert_int_equal(json_parse(calm, strlen(calm), &a, NULL), ERR_OK);
        assert_int_equal(json_parse(sick, strlen(sick), &b, NULL), ERR_OK);
        live_forget(&s, "api");
        live_read(&s, a, true);
        live_load_read(&load, a, true);
        live_read(&s, b, false);
        live_load_read(&load, b, false);
        live_state(&s, &load, &live);
        assert_true(live.cpu_cores == .5 && live.cpu_normal_cores == .03 && live.rps == 80 && live.rps_normal == 40);
        assert_true(!live.up && live.restarts_10m == 2 && live.admission == .7 && isnan(live.memory_bytes) && isnan(live.latency_ms));
        assert_true(live_normal(&s, SIGNAL_QUEUE, 7) == 7);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(good_is_in_time_and_answered),
                cmocka_unit_test(figures_are_scaled),
                cmocka_unit_test(unknown_looks_healthy),
                cmocka_unit_test(series_are_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* oracle: the exact optimum, the value of simple policies, and what looking ahead is worth. */
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/sys/clock.h"
#include "learn/tools/tool.h"

enum { STEPS = 120 };

static double value_of(struct oracle *o, const uint8_t *policy)
{
        struct sim_state start = sim_start();

        return oracle_policy_value(o, policy, STEPS, &start);
}

static void policy_print(const uint8_t *policy)
{
        (void)printf("best action by mode and severity 1..7 (i ignore, d delay, r reduce load, S soft, H hard), load low / medium / high, nothing recent:\n");
        for (int mode = 1; mode < MODE_COUNT; mode++) {
                (void)printf("  %-20s", sim_mode_name(mode));
                for (int load = 0; load < SIM_LOADS; load++) {
                        for (int sev = 1; sev < SIM_SEVS; sev++) {
                                struct sim_state s = { .cell = mode * SIM_SEVS + sev, .load = load };

                                (void)putchar("idrSH"[policy[sim_index(&s)]]);
                        }
                        (void)printf("  ");
                }
                (void)printf("\n");
        }
}

int cmd_oracle(int argc, char **argv)
{
        static const int horizons[] = { 1, 2, 4, 8, 16, 32 };
        double gamma = 0.99, tolerance = 1e-3;
        bool json = false;
        const struct option options[] = {
                { "gamma", OPTION_NUMBER, &gamma, 0.5, 0.999, "discount a step, default 0.99" },
                { "tolerance", OPTION_NUMBER, &tolerance, 1e-5, 1, "largest change of the last sweep, default 0.001" },
                { "json", OPTION_FLAG, &json, 0, 0, "print as JSON" },
                { 0 },
        };
        int code = tool_options(argc, argv, "oracle [OPTION]...", options);
        struct sim_kernel kernel;
        AUTO(oracle_free) struct oracle *o = NULL;
        AUTO(mem_free) uint8_t *policy = NULL;
        int64_t started = clock_mono_us();
        enum err e;

        if (code >= 0) return code;
        kernel_init(&kernel, NULL);
        policy = mem_zalloc(SIM_STATES, 1);
        e = policy ? oracle_new(&kernel, gamma, &o) : ERR_NOMEM;
        if (!e) e = oracle_solve(o, tolerance, 20000);
        if (e) {
                struct err_note note = { .code = e };

                return tool_fail(&note);
        }
        double seconds = (double)(clock_mono_us() - started) / 1e6;

        oracle_greedy(o, policy);
        if (!json) {
                (void)printf("%d states, %d actions: optimum in %d sweeps, %.2f s, residual %.2g\n", SIM_STATES, ACT_COUNT, o->sweeps, seconds, o->residual);
                policy_print(policy);
        } else {
                (void)printf("{\"states\":%d,\"sweeps\":%d,\"seconds\":%.3f,\"residual\":%.3g,\"values\":{", SIM_STATES, o->sweeps, seconds, o->residual);
        }
        double best = value_of(o, policy);

        (void)printf(json ? "\"optimum\":%.3f" : "exact expected reward of an episode of 120 steps:\n  optimum        %8.2f\n", best);
        for (int a = 0; a < ACT_COUNT && !tool_interrupted(NULL); a++) {
                memset(policy, a, SIM_STATES);
                (void)printf(json ? ",\"always-%s\":%.3f" : "  always %-12s %8.2f\n", sim_action_name(a), value_of(o, policy));
        }
        (void)printf(json ? "},\"look_ahead\":{" : "looking ahead, clairvoyant:\n");
        for (size_t i = 0; i < ARRAY_COUNT(horizons) && !tool_interrupted(NULL); i++) {
                oracle_look_ahead(o, horizons[i]);
                oracle_greedy(o, policy);
                (void)printf(json ? "%s\"%d\":%.3f" : "%s%4d steps  %8.2f\n", json && i ? "," : "", horizons[i], value_of(o, policy));
        }
        if (json) (void)printf("}}\n");
        return EXIT_FINE;
}

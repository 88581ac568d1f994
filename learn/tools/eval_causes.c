/* eval --causes: how often the root cause is found, beside two simple rules. */
#include <stdio.h>

#include "common/base/mem.h"
#include "learn/eval/causes.h"
#include "learn/tools/tool.h"

static void told(void *context, uint32_t done)
{
        progress_at(context, done);
}

static void line(const char *name, const struct stat_ci *ci)
{
        (void)printf("  %-40s %6.1f %% [%.1f, %.1f]\n", name, 100 * ci->value, 100 * ci->lo, 100 * ci->hi);
}

static void summary_print(const char *name, const struct causes_summary *s)
{
        (void)printf("%s: %u incidents\n", name, s->incidents);
        line("the cause is first (AC@1)", &s->first);
        line("the cause is among the first three (AC@3)", &s->three);
        line("abstains", &s->abstains);
        line("AC@1 when it does not abstain", &s->first_when_sure);
        line("rule: the strongest anomaly", &s->strongest);
        line("rule: the first to alarm", &s->earliest);
        line("AC@1 over the strongest anomaly", &s->over_strongest);
        line("AC@1 over the first to alarm", &s->over_earliest);
}

static void ci_json(const char *name, const struct stat_ci *ci)
{
        (void)printf(",\"%s\":{\"value\":%.5f,\"lo\":%.5f,\"hi\":%.5f}", name, ci->value, ci->lo, ci->hi);
}

static void summary_json(const char *name, const struct causes_summary *s)
{
        (void)printf(",\"%s\":{\"incidents\":%u", name, s->incidents);
        ci_json("ac1", &s->first);
        ci_json("ac3", &s->three);
        ci_json("abstains", &s->abstains);
        ci_json("ac1_when_sure", &s->first_when_sure);
        ci_json("strongest_ac1", &s->strongest);
        ci_json("earliest_ac1", &s->earliest);
        ci_json("over_strongest", &s->over_strongest);
        ci_json("over_earliest", &s->over_earliest);
        (void)printf("}");
}

/* AC@1 by failure mode: what heals by itself is hard to find afterwards. */
static void modes_print(const struct cause_case *cases, uint32_t count, bool json)
{
        for (int m = MODE_TRANSIENT; m < MODE_CASCADING; m++) {
                uint32_t n = 0, first = 0, three = 0;

                for (uint32_t i = 0; i < count; i++) {
                        n += cases[i].mode == m;
                        first += cases[i].mode == m && cases[i].first_right;
                        three += cases[i].mode == m && cases[i].three_right;
                }
                double all = n ? n : 1;

                (void)printf(json ? ",\"%s\":{\"incidents\":%u,\"ac1\":%.4f,\"ac3\":%.4f}" : "%s: %u incidents, AC@1 %.3f, AC@3 %.3f\n", sim_mode_name(m), n,
                             first / all, three / all);
        }
}

int tool_eval_causes(uint64_t seed, uint32_t incidents, bool json)
{
        static const char *const names[] = { "all", "single", "cascade" };
        AUTO(mem_free) struct cause_case *cases = mem_zalloc(incidents, sizeof *cases);
        struct causes_summary summary[CAUSES_GROUPS];
        struct progress progress;
        struct causes_setup setup = { seed_test_at(seed), incidents, tool_interrupted, told, &progress };
        struct err_note note = { 0 };
        uint32_t count = 0, silent = 0;
        enum err e = cases ? ERR_OK : ERR_NOMEM;

        progress_start(&progress, "incidents", incidents);
        if (!e) e = causes_run(&setup, cases, &count, &silent);
        progress_end(&progress);
        if (e == ERR_STATE && count) {
                (void)fprintf(stderr, "interrupted: %u of %u incidents were asked\n", count, incidents);
                e = ERR_OK;
        }
        for (int g = 0; g < CAUSES_GROUPS && !e; g++) e = causes_summarise(cases, count, (enum causes_group)g, &summary[g]);
        if (e) {
                (void)err_note(&note, e, "root causes: %s", e == ERR_STATE ? "interrupted" : err_text(e));
                return tool_fail(&note);
        }
        if (json) (void)printf("{\"incidents\":%u,\"silent\":%u", count, silent);
        else (void)printf("%u incidents of one fault each, test seed %llu; %u more raised no alarm\n", count, (unsigned long long)seed, silent);
        for (int g = 0; g < CAUSES_GROUPS; g++) {
                if (json) summary_json(names[g], &summary[g]);
                else summary_print(names[g], &summary[g]);
        }
        modes_print(cases, count, json);
        if (json) (void)printf("}\n");
        return EXIT_FINE;
}

/* eval --dynamics: what a learned model of the failure process is worth, by how much random interaction it was learned from:
 * its distance to the process, its forecasts, and the reward of a policy planned on it alone. */
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "learn/tools/tool.h"
#include "learn/train/dynamics.h"

enum { SHORT = 1, LONG = 12 };

struct row {
        uint32_t learned_from;
        double distance;
        struct dynamics_skill near, far;
        struct stat_ci reward, share; /* of an episode; against planning on the process itself */
};

struct study {
        struct lab lab;
        struct compare compare;
        struct collect_counts counts;
        struct feat_params *feat;
        struct sim_kernel learned;
        uint64_t seed;
};

static enum err forecast(const struct study *s, uint32_t horizon, struct dynamics_skill *ret)
{
        const struct dynamics_test test = { &s->lab.kernel, &s->learned, s->feat, seed_test_at(s->seed + 1), 512, horizon };

        return dynamics_forecast(&test, ret);
}

/* Optimum of the learned process, filter of the learned process, played in the real one. */
static enum err plan(struct study *s, struct row *r)
{
        AUTO(oracle_free) struct oracle *o = NULL;
        struct compare_entry *entry;
        char name[32];
        enum err e = oracle_new(&s->learned, 0.99, &o);

        if (!e) e = oracle_solve(o, 0.02, 3000);
        if (e) return e;
        (void)snprintf(name, sizeof name, "planned-%u", r->learned_from);
        const struct policy p = { name, policy_qmdp_decide, o, s->feat, false };

        e = tool_entry(&s->compare, &s->lab, name, 1, &entry);
        if (!e) e = tool_play(&s->compare, &s->lab, &p, entry, 0, s->seed);
        if (!e) e = compare_pair(&s->compare, entry, NULL, METRIC_REWARD, STAT_MEAN, &r->reward);
        if (!e) e = compare_pair(&s->compare, entry, compare_find(&s->compare, "qmdp"), METRIC_REWARD, STAT_CHANGE, &r->share);
        return e;
}

static enum err row_study(struct study *s, struct row *r)
{
        const struct collect_setup collect = { &s->lab.kernel, seed_train_at(700), r->learned_from, tool_interrupted, NULL };
        enum err e = collect_count(&collect, &s->counts);

        if (e) return e;
        dynamics_fit(&s->counts, &s->lab.kernel, &s->learned);
        memset(s->feat, 0, sizeof *s->feat);
        belief_fit(&s->counts.belief, &s->feat->belief);
        s->feat->sure = 0.8f;
        r->distance = dynamics_distance(&s->lab.kernel, &s->learned, &s->counts);
        e = forecast(s, SHORT, &r->near);
        if (!e) e = forecast(s, LONG, &r->far);
        return e ? e : plan(s, r);
}

static double skill(const struct dynamics_skill *s)
{
        return s->persistence > 0 ? 1 - s->model / s->persistence : 0;
}

static void row_print(const struct row *r, bool json, bool first)
{
        if (json)
                (void)printf("%s{\"episodes\":%u,\"distance\":%.5f,\"skill_1\":%.4f,\"skill_12\":%.4f,\"forecasts\":%llu,\"reward\":{\"value\":%.3f,\"lo\":%.3f,\"hi\":%.3f},"
                             "\"against_process\":{\"value\":%.4f,\"lo\":%.4f,\"hi\":%.4f}}",
                             first ? "" : ",", r->learned_from, r->distance, skill(&r->near), skill(&r->far), (unsigned long long)r->near.forecasts, r->reward.value,
                             r->reward.lo, r->reward.hi, r->share.value, r->share.lo, r->share.hi);
        else
                (void)printf("%8u  %8.4f  %8.3f  %8.3f   %7.2f [%.2f, %.2f]   %+6.1f %% [%.1f, %.1f]\n", r->learned_from, r->distance, skill(&r->near), skill(&r->far),
                             r->reward.value, r->reward.lo, r->reward.hi, 100 * r->share.value, 100 * r->share.lo, 100 * r->share.hi);
        (void)fflush(stdout);
}

static enum err study_open(struct study *s, uint32_t episodes, uint32_t replicates, struct err_note *reterr)
{
        enum err e = lab_open(&s->lab, LAB_TOLERANCE, reterr);
        struct compare_entry *entry;

        if (e) return e;
        s->compare.episodes = episodes;
        s->compare.replicates = replicates;
        s->feat = mem_aligned(64, sizeof *s->feat);
        s->compare.stratum = mem_zalloc(episodes, 1);
        if (!s->feat || !s->compare.stratum) return ERR_NOMEM;
        const struct policy p = { "qmdp", policy_qmdp_decide, s->lab.oracle, s->lab.exact, false };

        e = tool_entry(&s->compare, &s->lab, p.name, 1, &entry);
        if (!e) e = tool_play(&s->compare, &s->lab, &p, entry, 0, s->seed);
        for (uint32_t i = 0; i < episodes && !e; i++) s->compare.stratum[i] = entry->records[i].stratum;
        return e ? e : compare_pair(&s->compare, entry, NULL, METRIC_REWARD, STAT_MEAN, &entry->metric[METRIC_REWARD]);
}

int tool_eval_dynamics(uint64_t seed, uint32_t episodes, uint32_t replicates, bool json)
{
        static const uint32_t sizes[] = { 10, 30, 100, 300, 1000, 6000 };
        AUTO(mem_free) struct study *s = mem_zalloc(1, sizeof *s);
        struct err_note note = { 0 };
        size_t rows = 0;
        enum err e;

        if (!s) return EXIT_FAILED;
        s->seed = seed;
        e = study_open(s, episodes, replicates, &note);
        if (!e) {
                const struct stat_ci *best = &s->compare.entry[0]->metric[METRIC_REWARD];

                if (json) (void)printf("{\"process\":{\"value\":%.3f,\"lo\":%.3f,\"hi\":%.3f},\"learned\":[", best->value, best->lo, best->hi);
                else
                        (void)printf("planning on the process itself earns %.2f [%.2f, %.2f]; skill is 1 - error / error of \"as it is now\"\n%8s  %8s  %8s  %8s   %s\n", best->value,
                                     best->lo, best->hi, "episodes", "distance", "skill 1", "skill 12", "reward planned on it        against the process itself");
        }
        while (rows < ARRAY_COUNT(sizes) && !e && !tool_interrupted(NULL)) {
                struct row r = { .learned_from = sizes[rows] };

                e = row_study(s, &r);
                if (!e) row_print(&r, json, rows++ == 0);
        }
        if (rows && rows < ARRAY_COUNT(sizes) && (!e || e == ERR_STATE)) {
                (void)fprintf(stderr, "interrupted: %zu of %zu sizes were measured; they were kept\n", rows, ARRAY_COUNT(sizes));
                e = ERR_OK;
        }
        if (!rows && !e) e = ERR_STATE;
        if (json && !e) (void)printf("]}\n");
        compare_close(&s->compare);
        lab_close(&s->lab);
        mem_free(s->feat);
        if (!e) return EXIT_FINE;
        if (!note.text[0]) (void)err_note(&note, e, "dynamics: %s", e == ERR_STATE ? "interrupted" : err_text(e));
        return tool_fail(&note);
}

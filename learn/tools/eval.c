/* eval: one model against the baselines on test episodes. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "learn/eval/causes.h"
#include "learn/nn/dqn.h"
#include "learn/reco/reco.h"
#include "learn/tools/tool.h"

enum { EVAL_POLICIES = 9 };

enum err tool_entry(struct compare *c, const struct lab *lab, const char *name, uint32_t seeds, struct compare_entry **ret)
{
        struct compare_entry *e;

        (void)lab;
        if (c->count == COMPARE_ENTRIES_MAX) return ERR_LIMIT;
        e = mem_zalloc(1, sizeof *e);
        if (!e) return ERR_NOMEM;
        c->entry[c->count++] = e;
        str_cut(e->name, sizeof e->name, name);
        e->seeds = seeds;
        e->records = mem_zalloc((size_t)seeds * c->episodes, sizeof *e->records);
        if (!e->records) return ERR_NOMEM;
        *ret = e;
        return ERR_OK;
}

void compare_close(struct compare *c)
{
        for (uint32_t i = 0; i < c->count; i++) {
                mem_free(c->entry[i]->records);
                mem_free(c->entry[i]);
        }
        mem_free(c->stratum);
        memset(c, 0, sizeof *c);
}

enum err tool_play(const struct compare *c, const struct lab *lab, const struct policy *p, struct compare_entry *e, uint32_t seed,
                   uint64_t test_seed)
{
        const struct run_setup setup = { .kernel = &lab->kernel, .oracle = lab->oracle, .exact = lab->exact, .seed = seed_test_at(test_seed),
                                         .episodes = c->episodes, .stop = tool_interrupted };

        e->clairvoyant = p->clairvoyant;
        return run_policy(&setup, p, e->records + (size_t)seed * c->episodes);
}

void tool_entry_keep(struct compare *c, uint32_t seeds)
{
        struct compare_entry *last = c->entry[c->count - 1];

        last->seeds = seeds;
        if (seeds) return;
        mem_free(last->records);
        mem_free(last);
        c->count--;
}

/* All of its test episodes, or no entry. */
static enum err single(struct compare *c, const struct lab *lab, const struct policy *p, uint64_t test_seed)
{
        struct compare_entry *entry;
        enum err e = tool_entry(c, lab, p->name, 1, &entry);

        if (e) return e;
        e = tool_play(c, lab, p, entry, 0, test_seed);
        if (e) tool_entry_keep(c, 0);
        return e;
}

enum err tool_baselines(struct compare *c, const struct lab *lab, const struct model *m, uint64_t test_seed, struct err_note *reterr)
{
        static const int ignore = ACT_IGNORE;
        const struct policy policies[] = {
                { "ignore", policy_constant_decide, &ignore, m->feat, false },
                { "random", policy_random_decide, NULL, m->feat, false },
                { "literal-rule", rule_literal_decide, &rule_literal_default, m->feat, false },
                { "tuned-rule", rule_tuned_decide, &m->tuned, m->feat, false },
                { "belief-rule", rule_belief_decide, &m->fallback, m->feat, false },
                { "qmdp", policy_qmdp_decide, lab->oracle, lab->exact, false },
                { "clairvoyant", policy_clairvoyant_decide, lab->oracle, m->feat, true },
        };

        c->stratum = mem_zalloc(c->episodes, 1);
        if (!c->stratum) return err_note(reterr, ERR_NOMEM, "no memory for the strata");
        for (size_t i = 0; i < ARRAY_COUNT(policies); i++) {
                enum err e = single(c, lab, &policies[i], test_seed);

                if (e) return err_note(reterr, e, "playing '%s': %s", policies[i].name, e == ERR_STATE ? "interrupted" : err_text(e));
                for (uint32_t k = 0; k < c->episodes && i == 0; k++) c->stratum[k] = c->entry[0]->records[k].stratum;
        }
        return ERR_OK;
}

static void table_print(const struct compare *c)
{
        (void)printf("%-14s %22s %24s %22s %20s %20s\n", "policy", "reward", "unnecessary restarts", "recovery cost", "time to stability", "recurrence");
        for (uint32_t i = 0; i < c->count; i++) {
                const struct compare_entry *e = c->entry[i];
                const int shown[] = { METRIC_REWARD, METRIC_UNNECESSARY, METRIC_COST, METRIC_TIME, METRIC_RELAPSE };

                (void)printf("%-14s", e->name);
                for (size_t k = 0; k < ARRAY_COUNT(shown); k++) {
                        const struct stat_ci *ci = &e->metric[shown[k]];

                        (void)printf("  %7.2f [%.2f, %.2f]", ci->value, ci->lo, ci->hi);
                }
                (void)printf("\n");
        }
}

static const struct {
        const char *against;
        enum metric metric;
        enum stat_kind kind;
} claims[] = {
        { "tuned-rule", METRIC_UNNECESSARY, STAT_CHANGE }, { "tuned-rule", METRIC_TIME, STAT_CHANGE }, { "tuned-rule", METRIC_REWARD, STAT_DIFF },
        { "belief-rule", METRIC_UNNECESSARY, STAT_CHANGE }, { "belief-rule", METRIC_EX_ANTE, STAT_CHANGE }, { "belief-rule", METRIC_REWARD, STAT_DIFF },
        { "qmdp", METRIC_REWARD, STAT_CHANGE },             { "clairvoyant", METRIC_REWARD, STAT_CHANGE },
};

static void json_entry(const struct compare_entry *e, struct buf *to)
{
        buf_printf(to, "{\"name\":\"%s\",\"training_seeds\":%u", e->name, e->seeds);
        for (int m = 0; m < METRIC_COUNT; m++)
                buf_printf(to, ",\"%s\":{\"value\":%.5f,\"lo\":%.5f,\"hi\":%.5f}", metric_id((enum metric)m), e->metric[m].value, e->metric[m].lo, e->metric[m].hi);
        buf_char(to, '}');
}

static enum err claims_print(const struct compare *c, const struct compare_entry *ours, struct buf *json)
{
        for (size_t i = 0; i < ARRAY_COUNT(claims) && ours; i++) {
                struct stat_ci ci;
                enum err e = compare_pair(c, ours, compare_find(c, claims[i].against), claims[i].metric, claims[i].kind, &ci);
                double scale = claims[i].kind == STAT_CHANGE ? 100 : 1;

                if (e) return e;
                if (json)
                        buf_printf(json, "%s{\"policy\":\"%s\",\"against\":\"%s\",\"metric\":\"%s\",\"kind\":\"%s\",\"value\":%.5f,\"lo\":%.5f,\"hi\":%.5f}", i ? "," : "",
                                   ours->name, claims[i].against, metric_id(claims[i].metric), claims[i].kind == STAT_DIFF ? "difference" : "change", ci.value, ci.lo, ci.hi);
                else
                        (void)printf("%s against %s: %s %+.2f%s [%.2f, %.2f]\n", ours->name, claims[i].against, metric_title(claims[i].metric), scale * ci.value,
                                     claims[i].kind == STAT_CHANGE ? " %" : "", scale * ci.lo, scale * ci.hi);
        }
        return ERR_OK;
}

struct eval {
        const char *model_path, *csv_path;
        uint64_t seed, id;
        bool json, stopped; /* stopped: asked to end; what was played to its end is kept, nothing half done */
        struct model *model;
        struct compare compare;
        struct lab lab;
        const char *ours; /* the learned policy's name */
};

static enum err eval_play(struct eval *v, struct err_note *reterr)
{
        const struct reco_policy bare = { v->model, false }, full = { v->model, true };
        const struct policy learned = { v->ours, reco_policy_decide, &bare, v->model->feat, false };
        const struct policy advice = { "advised", reco_policy_decide, &full, v->model->feat, false };
        enum err e = tool_baselines(&v->compare, &v->lab, v->model, v->seed, reterr);

        if (!e) e = single(&v->compare, &v->lab, &learned, v->seed);
        if (!e) e = single(&v->compare, &v->lab, &advice, v->seed);
        if (e == ERR_STATE && v->compare.count) {
                v->stopped = true;
                e = ERR_OK;
        }
        for (uint32_t i = 0; i < v->compare.count && !e; i++) e = compare_measure(&v->compare, v->compare.entry[i]);
        if (e && !reterr->text[0]) (void)err_note(reterr, e, "evaluation: %s", e == ERR_STATE ? "interrupted" : err_text(e));
        return e;
}

static enum err eval_print(const struct eval *v)
{
        const struct compare *c = &v->compare;
        const struct compare_entry *ours = compare_find(c, v->ours);
        AUTO_BUF out;
        enum err e;

        buf_init(&out, 4u << 20);
        if (!v->json) {
                (void)printf("%u test episodes, seed %" PRIu64 ", model %016" PRIx64 ", 95 %% intervals of %u paired bootstrap replicates\n", c->episodes, v->seed, v->id, c->replicates);
                table_print(c);
                return claims_print(c, ours, NULL);
        }
        buf_printf(&out, "{\"model\":\"%016" PRIx64 "\",\"episodes\":%u,\"test_seed\":%" PRIu64 ",\"interrupted\":%s,\"policies\":[", v->id, c->episodes, seed_test_at(v->seed).value,
                   v->stopped ? "true" : "false");
        for (uint32_t i = 0; i < c->count; i++) {
                if (i) buf_char(&out, ',');
                json_entry(c->entry[i], &out);
        }
        buf_str(&out, "],\"claims\":[");
        e = claims_print(c, ours, &out);
        buf_str(&out, "]}");
        (void)puts(out.data);
        return e;
}

static enum err eval_csv(const struct eval *v, struct err_note *reterr)
{
        const struct compare *c = &v->compare;
        AUTO_BUF csv;

        buf_init(&csv, 64u << 20);
        buf_str(&csv, "policy,episode,reward,restarts,unnecessary,unnecessary_ex_ante,recovery_cost,incidents,recoveries,relapses,unstable_steps,died\n");
        for (uint32_t i = 0; i < c->count; i++)
                for (uint32_t k = 0; k < c->episodes; k++) {
                        const struct run_record *r = &c->entry[i]->records[k];

                        buf_printf(&csv, "%s,%u,%.4f,%u,%u,%u,%.3f,%u,%u,%u,%u,%u\n", c->entry[i]->name, k, (double)r->reward, run_restarts(r), r->unnecessary,
                                   r->unnecessary_ex_ante, (double)-r->columns[REW_RECOVERY], r->incidents, r->recoveries, r->relapses, r->unstable, r->died);
                }
        return tool_write(v->csv_path, csv.data, csv.size_bytes, reterr);
}

static int eval_run(struct eval *v)
{
        struct err_note note = { 0 };
        enum err e = tool_model_default(v->model_path, &v->model, &v->id, &note);

        if (!e) v->ours = v->model->kind == MODEL_DQN ? "dqn" : "qtab";
        if (!e) e = lab_open(&v->lab, LAB_TOLERANCE, &note);
        if (!e) e = eval_play(v, &note);
        if (!e) e = eval_print(v);
        if (!e && v->csv_path) e = eval_csv(v, &note);
        if (!e && v->stopped) (void)fprintf(stderr, "interrupted: %u of %d policies were played to the end; they were kept\n", v->compare.count, EVAL_POLICIES);
        compare_close(&v->compare);
        lab_close(&v->lab);
        model_free(v->model);
        return e ? tool_fail(&note) : EXIT_FINE;
}

int cmd_eval(int argc, char **argv)
{
        struct eval v = { .compare.episodes = 0 };
        uint64_t episodes = 2000, replicates = STAT_REPLICATES, causes = 0, train = 30000, tune = 100, seeds = 3;
        const char *env_id = "sim1";
        bool dynamics = false;
        const struct option options[] = {
                { "model", OPTION_TEXT, &v.model_path, 0, 0, "model file, default the one shipped" },
                { "episodes", OPTION_COUNT, &episodes, 10, 100000, "test episodes, default 2000" },
                { "seed", OPTION_COUNT, &v.seed, 0, 1e9, "test seed, default 0" },
                { "replicates", OPTION_COUNT, &replicates, 100, 1e6, "bootstrap replicates, default 10000" },
                { "env", OPTION_TEXT, &env_id, 0, 0, "sim1, or sim12: train on the twelve services, compare there, and bound the optimum" },
                { "train", OPTION_COUNT, &train, 64, 1e7, "with sim12: training episodes a seed, default 30000" },
                { "seeds", OPTION_COUNT, &seeds, 1, 10, "with sim12: training seeds, default 3" },
                { "tune", OPTION_COUNT, &tune, 1, 10000, "with sim12: candidates for each rule, default 100" },
                { "causes", OPTION_COUNT, &causes, 1, CAUSES_MAX, "instead: rank root causes of so many incidents of the twelve services" },
                { "dynamics", OPTION_FLAG, &dynamics, 0, 0, "instead: what a learned model of the process is worth" },
                { "csv", OPTION_TEXT, &v.csv_path, 0, 0, "write one line an episode and policy" },
                { "json", OPTION_FLAG, &v.json, 0, 0, "print as JSON" },
                { 0 },
        };
        int code = tool_options(argc, argv, "eval [OPTION]...", options);

        if (code >= 0) return code;
        if (!str_eq(env_id, "sim1") && !str_eq(env_id, "sim12")) {
                (void)fprintf(stderr, "firedrill-learn: --env is '%s', expected sim1 or sim12\n", env_id);
                return EXIT_USAGE;
        }
        if (str_eq(env_id, "sim12"))
                return tool_eval_topo(&(struct tool_topo){ v.model_path, v.seed, train, tune, (uint32_t)episodes, (uint32_t)seeds, (uint32_t)replicates, v.json });
        if (dynamics) return tool_eval_dynamics(v.seed, (uint32_t)episodes, (uint32_t)replicates, v.json);
        if (causes) return tool_eval_causes(v.seed, (uint32_t)causes, v.json);
        v.compare.episodes = (uint32_t)episodes;
        v.compare.replicates = (uint32_t)replicates;
        return eval_run(&v);
}

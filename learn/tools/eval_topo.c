/* eval --env sim12: the topology's policies on the same test episodes, and bounds of what can be had at all.
 *   upper bound   the services apart: each with its own action every step, its callees as helpful as they can be, seeing everything, free
 *                 to leave: the sum of their exact optima. No policy of the topology can earn more.
 *   lower bound   what the best policy played here earns. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "learn/tools/tool.h"
#include "learn/train/topo.h"

enum { ROWS_MAX = 8, POLICIES = 6, FIT = 2000, TUNE_EPISODES = 512 };

#define FACTORED "factored"
#define CLAIRVOYANT "clairvoyant"
#define TUNED "tuned-rule"

struct entry {
        const char *name;
        struct topo_record *records; /* [seeds][episodes] */
        uint32_t seeds;
        struct stat_ci reward, restarts, astray, actions, unstable, died;
};

struct study {
        struct sim_kernel kernel;
        const struct tool_topo *o;
        const struct model *model;
        struct topo_feat feat;
        struct oracle *oracle; /* one service with well callees */
        struct topo_table *table;
        struct entry entry[ROWS_MAX];
        uint32_t count;
        uint8_t *stratum;
        double upper;
        bool stopped; /* asked to end: what was played to its end is kept, nothing half done */
};

enum figure { F_REWARD, F_RESTARTS, F_ASTRAY, F_ACTIONS, F_UNSTABLE, F_DIED };

static float figure_of(const struct topo_record *r, enum figure f)
{
        const float all[] = { r->reward, r->restarts, r->astray, r->actions, r->unstable, r->died };

        return all[f];
}

/* b NULL: the mean of a. */
static enum err measure(const struct study *s, const struct entry *a, const struct entry *b, enum figure f, enum stat_kind kind, struct stat_ci *ret)
{
        const struct entry *const both[] = { a, b };
        struct stat_sample sample[2] = { { 0 } };
        float *values[2] = { NULL, NULL };
        enum err e = ERR_OK;

        for (int k = 0; k < 2 && both[k] && !e; k++) {
                uint32_t n = s->o->episodes, seeds = both[k]->seeds;

                values[k] = mem_zalloc((size_t)n * seeds, sizeof *values[k]);
                if (!values[k]) e = ERR_NOMEM;
                for (uint32_t i = 0; i < n && !e; i++)
                        for (uint32_t t = 0; t < seeds; t++) values[k][(size_t)i * seeds + t] = figure_of(&both[k]->records[(size_t)t * n + i], f);
                sample[k] = (struct stat_sample){ values[k], n, seeds, s->stratum };
        }
        if (!e) e = stat_boot(kind, &sample[0], b ? &sample[1] : NULL, s->o->replicates, 20260401 + (uint64_t)f, ret);
        mem_free(values[0]);
        mem_free(values[1]);
        return e;
}

static void told(void *context, double done)
{
        progress_at(context, done);
}

static enum err play(struct study *s, struct entry *e, uint32_t seed, topo_decide_fn *decide, const void *self, bool clairvoyant)
{
        const struct topo_run run = { .kernel = &s->kernel, .feat = &s->feat, .seed = seed_test_at(s->o->seed).value, .episodes = s->o->episodes,
                                      .stop = tool_interrupted, .clairvoyant = clairvoyant };

        return topo_play(&run, decide, self, e->records + (size_t)seed * s->o->episodes);
}

static enum err entry_add(struct study *s, const char *name, uint32_t seeds, struct entry **ret)
{
        struct entry *e = &s->entry[s->count];

        *e = (struct entry){ .name = name, .seeds = seeds, .records = mem_zalloc((size_t)seeds * s->o->episodes, sizeof *e->records) };
        if (!e->records) return ERR_NOMEM;
        s->count++;
        *ret = e;
        return ERR_OK;
}

/* The entry added last keeps so many seeds; without any it goes. */
static void entry_keep(struct study *s, uint32_t seeds)
{
        s->entry[s->count - 1].seeds = seeds;
        if (!seeds) mem_free(s->entry[--s->count].records);
}

static const struct entry *entry_find(const struct study *s, const char *name)
{
        for (uint32_t i = 0; i < s->count; i++)
                if (str_eq(s->entry[i].name, name)) return &s->entry[i];
        return NULL;
}

static enum err played(struct study *s, const char *name, topo_decide_fn *decide, const void *self, bool clairvoyant)
{
        struct entry *entry;
        enum err e = entry_add(s, name, 1, &entry);

        if (e) return e;
        e = play(s, entry, 0, decide, self, clairvoyant);
        if (e) entry_keep(s, 0);
        return e;
}

static struct topo_setup setup_of(const struct study *s, uint64_t seed, uint32_t episodes)
{
        return (struct topo_setup){ .kernel = &s->kernel, .edges = s->model->feat, .seed = seed_train_at(seed), .episodes = episodes, .stop = tool_interrupted };
}

static enum err rules_play(struct study *s)
{
        static const struct topo_rule literal_shape = { .decide = rule_literal_decide, .root_error = 2 };
        struct topo_rule literal = literal_shape, tuned = { .decide = rule_tuned_decide, .count = RULE_TUNED_PARAMS },
                         belief = { .decide = rule_belief_decide, .count = RULE_BELIEF_PARAMS };
        struct progress progress;
        struct topo_setup tune = setup_of(s, 810, TUNE_EPISODES);
        double reward;
        enum err e;

        memcpy(literal.params, &rule_literal_default, sizeof rule_literal_default);
        tune.progress = told, tune.context = &progress;
        e = played(s, "ignore", topo_ignore_decide, NULL, false);
        if (!e) e = played(s, "literal-rule", topo_rule_decide, &literal, false);
        progress_start(&progress, "tuning the rule", (double)s->o->tune);
        if (!e) e = topo_tune(&tune, &s->feat, (uint32_t)s->o->tune, rule_tuned_bounds, &tuned, &reward);
        progress_end(&progress);
        if (!e) e = played(s, TUNED, topo_rule_decide, &tuned, false);
        progress_start(&progress, "tuning the rule on the belief", (double)s->o->tune);
        if (!e) e = topo_tune(&tune, &s->feat, (uint32_t)s->o->tune, rule_belief_bounds, &belief, &reward);
        progress_end(&progress);
        return e ? e : played(s, "belief-rule", topo_rule_decide, &belief, false);
}

static enum err learned_play(struct study *s)
{
        struct entry *entry;
        enum err e = entry_add(s, FACTORED, s->o->seeds, &entry);

        for (uint32_t k = 0; k < s->o->seeds && !e; k++) {
                const struct topo_learned policy = { s->table, &s->feat };
                struct progress progress;
                struct topo_setup setup = setup_of(s, 820 + k, (uint32_t)s->o->train);

                setup.progress = told, setup.context = &progress;
                progress_start(&progress, "learning the topology", (double)s->o->train);
                e = topo_learn(&setup, &s->feat, s->model->table, s->table);
                progress_end(&progress);
                if (!e) e = play(s, entry, k, topo_learned_decide, &policy, false);
                if (e) entry_keep(s, k);
        }
        return e;
}

/* The sum over services; those that nobody may act on can only wait. */
static enum err upper_bound(struct study *s)
{
        double value[2][2] = { { 0 } }; /* [has callees][may be acted on] */
        struct sim_state start = sim_start();
        AUTO(oracle_free) struct oracle *o = NULL;
        enum err e = oracle_new(&s->kernel, 1.0, &o);

        if (e) return e;
        o->may_leave = true;
        for (int callees = 0; callees < 2; callees++)
                for (int acted = 0; acted < 2; acted++) {
                        o->stress_max = callees ? SIM_PRESSURES - 1 : 0;
                        o->actions = acted ? ~0u : 1u << ACT_IGNORE;
                        value[callees][acted] = oracle_bound(o, ENV_STEPS_DEFAULT, &start);
                        if (tool_interrupted(NULL)) return ERR_STATE;
                }
        for (int svc = 0; svc < SIM12_SERVICES; svc++) {
                bool callees = false;

                for (int c = 0; c < SIM12_SERVICES; c++) callees |= sim12_calls(svc, c);
                s->upper += (double)sim12_weight(svc) * value[callees][sim12_targetable(svc)];
        }
        return ERR_OK;
}

static void table_print(const struct study *s)
{
        (void)printf("%-14s %26s %22s %24s %22s %24s %10s\n", "policy", "reward", "restarts", "not of a leak", "actions", "service-steps unwell", "lost");
        for (uint32_t i = 0; i < s->count; i++) {
                const struct entry *e = &s->entry[i];
                const struct stat_ci *const shown[] = { &e->reward, &e->restarts, &e->astray, &e->actions, &e->unstable };

                (void)printf("%-14s", e->name);
                for (size_t k = 0; k < ARRAY_COUNT(shown); k++) (void)printf("  %7.2f [%.2f, %.2f]", shown[k]->value, shown[k]->lo, shown[k]->hi);
                (void)printf("  %6.3f\n", e->died.value);
        }
}

static void ci_json(const char *name, const struct stat_ci *ci)
{
        (void)printf(",\"%s\":{\"value\":%.4f,\"lo\":%.4f,\"hi\":%.4f}", name, ci->value, ci->lo, ci->hi);
}

static void json_print(const struct study *s)
{
        (void)printf("{\"episodes\":%u,\"interrupted\":%s,\"policies\":[", s->o->episodes, s->stopped ? "true" : "false");
        for (uint32_t i = 0; i < s->count; i++) {
                const struct entry *e = &s->entry[i];

                (void)printf("%s{\"name\":\"%s\",\"training_seeds\":%u", i ? "," : "", e->name, e->seeds);
                ci_json("reward", &e->reward);
                ci_json("restarts", &e->restarts);
                ci_json("restarts_not_of_a_leak", &e->astray);
                ci_json("actions", &e->actions);
                ci_json("unstable", &e->unstable);
                ci_json("died", &e->died);
                (void)printf("}");
        }
        (void)printf("],\"claims\":[");
}

/* What was learned against every other policy that sees no truth. */
static enum err claims_print(const struct study *s)
{
        const struct entry *ours = entry_find(s, FACTORED);

        for (uint32_t i = 0; ours && &s->entry[i] != ours; i++) {
                const struct entry *theirs = &s->entry[i];
                struct stat_ci reward, restarts;
                enum err e = measure(s, ours, theirs, F_REWARD, STAT_DIFF, &reward);

                if (!e) e = measure(s, ours, theirs, F_RESTARTS, STAT_DIFF, &restarts);
                if (e) return e;
                if (s->o->json)
                        (void)printf("%s{\"policy\":\"%s\",\"against\":\"%s\",\"reward\":{\"value\":%.4f,\"lo\":%.4f,\"hi\":%.4f}}", i ? "," : "", ours->name, theirs->name,
                                     reward.value, reward.lo, reward.hi);
                else
                        (void)printf("%s against %s: reward %+.2f [%.2f, %.2f], restarts %+.2f [%.2f, %.2f]\n", ours->name, theirs->name, reward.value, reward.lo, reward.hi,
                                     restarts.value, restarts.lo, restarts.hi);
        }
        return ERR_OK;
}

/* Only of a study that came to its end. */
static void bounds_print(const struct study *s)
{
        const struct entry *best = &s->entry[0], *all = entry_find(s, CLAIRVOYANT), *ours = entry_find(s, FACTORED), *tuned = entry_find(s, TUNED);

        for (uint32_t i = 1; i < s->count; i++)
                if (&s->entry[i] != all && s->entry[i].reward.value > best->reward.value) best = &s->entry[i];
        double gap = s->upper - tuned->reward.value, closed = gap > 0 ? (ours->reward.value - tuned->reward.value) / gap : 0;

        if (s->o->json)
                (void)printf("],\"upper_bound\":%.4f,\"lower_bound\":{\"policy\":\"%s\",\"value\":%.4f},\"gap_closed\":%.4f}\n", s->upper, best->name, best->reward.value, closed);
        else
                (void)printf("the optimum lies between %.2f [%.2f, %.2f] (%s; %.2f [%.2f, %.2f] with the true state seen) and %.2f (services apart, everything seen)\n"
                             "%s closes %.0f %% of the gap from the tuned rule to the upper bound\n",
                             best->reward.value, best->reward.lo, best->reward.hi, best->name, all->reward.value, all->reward.lo, all->reward.hi, s->upper, ours->name, 100 * closed);
}

static enum err result_print(const struct study *s, uint64_t model_id)
{
        const struct tool_topo *o = s->o;
        const struct entry *ours = entry_find(s, FACTORED);
        enum err e;

        if (o->json) json_print(s);
        else {
                (void)printf("twelve services, %u test episodes, seed %" PRIu64 "; %u training seeds of %" PRIu64 " episodes from model %016" PRIx64 "\n", o->episodes, o->seed,
                             ours ? ours->seeds : 0, o->train, model_id);
                table_print(s);
        }
        e = claims_print(s);
        if (!e && !s->stopped) bounds_print(s);
        else if (o->json) (void)printf("]}\n");
        if (s->stopped)
                (void)fprintf(stderr, "interrupted: %u of %d policies were played to the end, with %u of %u training seeds; they were kept\n", s->count, POLICIES, ours ? ours->seeds : 0,
                              o->seeds);
        return e;
}

static enum err study_run(struct study *s)
{
        struct topo_setup fit = setup_of(s, 800, FIT);
        enum err e;

        sim12_kernel_init(&s->kernel);
        s->stratum = mem_zalloc(s->o->episodes, 1);
        s->table = mem_zalloc(1, sizeof *s->table);
        if (!s->stratum || !s->table) return ERR_NOMEM;
        e = oracle_new(&s->kernel, 0.99, &s->oracle);
        if (e) return e;
        s->oracle->stress_max = 0;
        e = oracle_solve(s->oracle, 0.02, 3000);
        if (!e) e = topo_fit(&fit, &s->feat);
        if (!e) e = rules_play(s);
        if (!e) e = learned_play(s);
        if (!e) e = played(s, CLAIRVOYANT, topo_clairvoyant_decide, s->oracle, true);
        if (!e) e = upper_bound(s);
        if (e == ERR_STATE && s->count) {
                s->stopped = true;
                e = ERR_OK;
        }
        for (uint32_t i = 0; i < s->count && !e; i++) {
                struct stat_ci *const to[] = { &s->entry[i].reward, &s->entry[i].restarts, &s->entry[i].astray, &s->entry[i].actions, &s->entry[i].unstable, &s->entry[i].died };

                for (int f = F_REWARD; f <= F_DIED && !e; f++) e = measure(s, &s->entry[i], NULL, (enum figure)f, STAT_MEAN, to[f]);
        }
        return e;
}

int tool_eval_topo(const struct tool_topo *o)
{
        AUTO(mem_free) struct study *s = mem_zalloc(1, sizeof *s);
        AUTO(model_free) struct model *m = NULL;
        struct err_note note = { 0 };
        uint64_t id;
        enum err e;

        if (!s) return EXIT_FAILED;
        e = tool_model_default(o->model, &m, &id, &note);
        if (e) return tool_fail(&note);
        s->o = o;
        s->model = m;
        e = study_run(s);
        if (!e) e = result_print(s, id);
        for (uint32_t i = 0; i < s->count; i++) mem_free(s->entry[i].records);
        oracle_free(s->oracle);
        mem_free(s->table);
        mem_free(s->stratum);
        if (!e) return EXIT_FINE;
        (void)err_note(&note, e, "the topology's evaluation: %s", e == ERR_STATE ? "interrupted before anything was played to its end" : err_text(e));
        return tool_fail(&note);
}

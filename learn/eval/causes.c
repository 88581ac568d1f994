#include "learn/eval/causes.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "learn/rca/rca.h"
#include "learn/sim/sim12.h"

enum { ROWS = 64, STEPS = ENV_STEPS_DEFAULT + 1, QUIET = 20 };

/* Everything that happened in a batch of episodes in which nobody did anything. */
struct film {
        float obs[ROWS][STEPS][SIM12_SERVICES][SIM_CHANNELS];
        uint8_t mode[ROWS][STEPS][SIM12_SERVICES];
        uint32_t length[ROWS];
};

static void film_frame(const struct env_vec *v, struct film *f, uint32_t t)
{
        for (uint32_t i = 0; i < ROWS; i++) {
                for (int s = 0; s < SIM12_SERVICES; s++) {
                        struct env_truth truth;

                        env_truth_peek(v, i, (uint16_t)s, &truth);
                        f->mode[i][t][s] = (uint8_t)truth.mode;
                        memcpy(f->obs[i][t][s], v->obs + (size_t)i * SIM12_OBS + (size_t)s * OBS_COUNT, sizeof f->obs[i][t][s]);
                }
        }
}

static enum err film_shoot(uint64_t seed, uint32_t first_episode, struct film *f)
{
        const struct env_opts opts = { .autoreset = ENV_SAME_STEP, .first_episode = first_episode };
        AUTO(env_close) struct env_vec *v = NULL;
        enum err e = env_make("sim12", ROWS, &opts, &v, NULL);

        if (e) return e;
        env_reset(v, seed, NULL);
        for (uint32_t i = 0; i < ROWS; i++) f->length[i] = STEPS;
        film_frame(v, f, 0);
        for (uint32_t t = 1; t < STEPS; t++) {
                env_step(v);
                film_frame(v, f, t);
                for (uint32_t i = 0; i < ROWS; i++)
                        if ((v->terminated[i] || v->truncated[i]) && t < f->length[i]) f->length[i] = t;
        }
        return ERR_OK;
}

static bool primary(int mode)
{
        return mode != MODE_NONE && mode != MODE_CASCADING;
}

/* The first fault of an episode; -1 if there is none. */
static int first_fault(const struct film *f, uint32_t i, int *ret_service)
{
        for (uint32_t t = 0; t < f->length[i]; t++)
                for (int s = 0; s < SIM12_SERVICES; s++)
                        if (primary(f->mode[i][t][s])) {
                                *ret_service = s;
                                return (int)t;
                        }
        return -1;
}

static int alarm_after(const struct film *f, uint32_t i, int onset)
{
        for (int t = onset; t < onset + CAUSES_ALARM_STEPS && (uint32_t)t < f->length[i]; t++)
                for (int s = 0; s < SIM12_SERVICES; s++)
                        if (f->obs[i][t][s][0] + f->obs[i][t - 1][s][0] + f->obs[i][t - 2][s][0] > 3 * CAUSES_ALARM_ERROR) return t;
        return -1;
}

static void ask(const struct rca_graph *g, const struct film *f, uint32_t i, int alarm, struct rca_input *in, struct cause_case *c)
{
        int from = alarm - CAUSES_BEFORE > 0 ? alarm - CAUSES_BEFORE : 0;
        struct rca_result r;

        in->change = alarm - from;
        in->count = in->change + CAUSES_AFTER;
        for (int s = 0; s < SIM12_SERVICES; s++)
                for (int m = 0; m < SIM_CHANNELS; m++)
                        for (int t = 0; t < in->count; t++) in->sample[s][m][t] = f->obs[i][from + t][s][m];
        rca_rank(g, in, &r);
        c->abstains = r.abstain;
        for (int k = 0; k < 3; k++) {
                bool right = r.candidate[k].service == c->root;

                if (k == 0) c->first_right = right;
                c->three_right |= right;
        }
        c->strongest_right = rca_rule_strongest(g, in) == c->root;
        c->earliest_right = rca_rule_first(g, in) == c->root;
}

enum verdict { NOT_ONE, SILENT, ONE };

static enum verdict judge(const struct rca_graph *g, const struct film *f, uint32_t i, struct rca_input *in, struct cause_case *c)
{
        int root = 0, onset = first_fault(f, i, &root), alarm;

        if (onset < QUIET || (uint32_t)(onset + CAUSES_ALARM_STEPS + CAUSES_AFTER) > f->length[i]) return NOT_ONE;
        *c = (struct cause_case){ .root = (uint8_t)root, .mode = f->mode[i][onset][root] };
        alarm = alarm_after(f, i, onset);
        for (int t = onset; t < (alarm < 0 ? onset : alarm) + CAUSES_AFTER; t++)
                for (int s = 0; s < SIM12_SERVICES; s++) {
                        if (s != root && primary(f->mode[i][t][s])) return NOT_ONE; /* two faults at once are another question */
                        c->cascade |= f->mode[i][t][s] == MODE_CASCADING && sim12_depends(s, root);
                }
        if (alarm < 0) return SILENT;
        c->delay = (uint8_t)(alarm - onset);
        ask(g, f, i, alarm, in, c);
        return ONE;
}

enum err causes_run(const struct causes_setup *setup, struct cause_case *ret, uint32_t *ret_count, uint32_t *ret_silent)
{
        AUTO(mem_free) struct film *f = mem_zalloc(1, sizeof *f);
        AUTO(mem_free) struct rca_input *in = mem_zalloc(1, sizeof *in);
        struct rca_graph graph = { .services = SIM12_SERVICES };

        CHECK(setup->incidents <= CAUSES_MAX && seed_kind_of(setup->seed.value) == SEED_test);
        *ret_count = *ret_silent = 0;
        if (!f || !in) return ERR_NOMEM;
        in->metrics = SIM_CHANNELS;
        in->kind[2] = in->kind[3] = RCA_OWN; /* processor and memory */
        for (int s = 0; s < SIM12_SERVICES; s++) {
                graph.name[s] = sim12_service_name(s);
                for (int t = 0; t < SIM12_SERVICES; t++) graph.calls[s] |= (uint32_t)sim12_calls(s, t) << t;
        }
        for (uint32_t episode = 0; *ret_count < setup->incidents; episode += ROWS) {
                enum err e;

                if (setup->stop && setup->stop(setup->context)) return ERR_STATE;
                e = film_shoot(setup->seed.value, episode, f);
                if (e) return e;
                for (uint32_t i = 0; i < ROWS && *ret_count < setup->incidents; i++) {
                        enum verdict v = judge(&graph, f, i, in, &ret[*ret_count]);

                        *ret_count += v == ONE;
                        *ret_silent += v == SILENT;
                }
                if (setup->progress) setup->progress(setup->context, *ret_count);
        }
        return ERR_OK;
}

static bool in_group(const struct cause_case *c, enum causes_group group)
{
        return group == CAUSES_ALL || c->cascade == (group == CAUSES_CASCADE);
}

/* One yes-or-no figure of the group's incidents; a case counts only where `asked`. */
enum question { Q_FIRST, Q_THREE, Q_ABSTAINS, Q_FIRST_WHEN_SURE, Q_STRONGEST, Q_EARLIEST };

static uint32_t answers(const struct cause_case *cases, uint32_t count, enum causes_group group, enum question q, float *to)
{
        uint32_t n = 0;

        for (uint32_t i = 0; i < count; i++) {
                const struct cause_case *c = &cases[i];
                const bool answer[] = { c->first_right, c->three_right, c->abstains, c->first_right, c->strongest_right, c->earliest_right };

                if (!in_group(c, group) || (q == Q_FIRST_WHEN_SURE && c->abstains)) continue;
                to[n++] = answer[q];
        }
        return n;
}

enum err causes_summarise(const struct cause_case *cases, uint32_t count, enum causes_group group, struct causes_summary *ret)
{
        AUTO(mem_free) float *a = mem_zalloc(count + 1, sizeof *a), *b = mem_zalloc(count + 1, sizeof *b);
        AUTO(mem_free) uint8_t *stratum = mem_zalloc(count + 1, 1);
        struct stat_ci *const shares[] = { &ret->first, &ret->three, &ret->abstains, &ret->first_when_sure, &ret->strongest, &ret->earliest };
        enum err e = ERR_OK;

        if (!a || !b || !stratum) return ERR_NOMEM;
        memset(ret, 0, sizeof *ret);
        ret->incidents = answers(cases, count, group, Q_FIRST, a);
        if (!ret->incidents) return ERR_OK;
        for (int q = Q_FIRST; q <= Q_EARLIEST && !e; q++) {
                uint32_t n = answers(cases, count, group, (enum question)q, a);
                const struct stat_sample sample = { a, n, 1, stratum };

                if (n) e = stat_boot(STAT_MEAN, &sample, NULL, STAT_REPLICATES / 5, 20260301 + (uint64_t)q, shares[q]);
        }
        for (int rule = 0; rule < 2 && !e; rule++) {
                uint32_t n = answers(cases, count, group, Q_FIRST, a);
                const struct stat_sample ours = { a, n, 1, stratum }, theirs = { b, n, 1, stratum };

                (void)answers(cases, count, group, rule ? Q_EARLIEST : Q_STRONGEST, b);
                e = stat_boot(STAT_DIFF, &ours, &theirs, STAT_REPLICATES / 5, 20260311, rule ? &ret->over_earliest : &ret->over_strongest);
        }
        return e;
}

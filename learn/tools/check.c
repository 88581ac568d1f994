/* check: the checks that take too long for a unit test. Prints one line each and "N passed, N failed". */
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/hash.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "learn/env/check.h"
#include "learn/env/replay.h"
#include "learn/nn/dqn.h"
#include "learn/reco/calibrate.h"
#include "learn/tools/tool.h"
#include "learn/train/dynamics.h"
#include "learn/train/qlearn.h"
#include "learn/train/tune.h"

struct tally {
        int passed, failed;
        bool json;
};

FMT_PRINTF(3, 4)
static void verdict(struct tally *t, bool ok, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        (void)printf(t->json ? "%s{\"ok\":%s,\"check\":\"" : "%s%s ", t->json && t->passed + t->failed ? ",\n" : "", t->json ? (ok ? "true" : "false") : ok ? "ok    " : "not ok");
        (void)vprintf(format, args);
        (void)printf(t->json ? "\"}" : "\n");
        va_end(args);
        (void)fflush(stdout);
        if (ok) t->passed++;
        else t->failed++;
}

/* --- determinism: one number for everything that must be the same bits everywhere --- */

enum { TRACE_ENVS = 48, TRACE_STEPS = 300 };

struct part {
        struct env_vec *v;
        uint32_t from, to;
        uint64_t *hash; /* [n] */
};

static void *part_run(void *context)
{
        struct part *p = context;
        struct env_vec *v = p->v;

        for (int step = 0; step < TRACE_STEPS; step++) {
                for (uint32_t i = p->from; i < p->to; i++) {
                        uint32_t draw = ((v->episode[i] * 31 + v->t[i]) * 2654435761u) >> 16;

                        v->act[i] = draw % 7 < 5 ? ACT_IGNORE : (uint8_t)(draw % ACT_COUNT);
                        v->target[i] = (uint16_t)(draw % v->spec->target_count);
                }
                env_step_range(v, p->from, p->to);
                for (uint32_t i = p->from; i < p->to; i++) {
                        p->hash[i] = hash_fnv(p->hash[i], v->obs + (size_t)i * v->spec->obs_count, v->spec->obs_count * sizeof(float));
                        p->hash[i] = hash_fnv(p->hash[i], v->columns[i], sizeof v->columns[i]);
                        p->hash[i] = hash_fnv(p->hash[i], &v->reward[i], sizeof v->reward[i]);
                }
        }
        return NULL;
}

static uint64_t trace_hash(const char *id, enum sim1_isa isa, int threads)
{
        const struct env_opts opts = { .isa = isa, .autoreset = ENV_SAME_STEP };
        AUTO(env_close) struct env_vec *v = NULL;
        uint64_t hash[TRACE_ENVS], all = HASH_FNV_START;
        struct part parts[2];
        pthread_t second;

        if (env_make(id, TRACE_ENVS, &opts, &v, NULL)) return 0;
        env_reset(v, seed_valid_at(7).value, NULL);
        for (int i = 0; i < TRACE_ENVS; i++) hash[i] = HASH_FNV_START;
        parts[0] = (struct part){ v, 0, threads == 2 ? 19 : TRACE_ENVS, hash };
        parts[1] = (struct part){ v, 19, TRACE_ENVS, hash };
        if (threads == 2 && pthread_create(&second, NULL, part_run, &parts[1])) return 0;
        (void)part_run(&parts[0]);
        if (threads == 2) (void)pthread_join(second, NULL);
        for (int i = 0; i < TRACE_ENVS; i++) all = hash_fnv(all, &hash[i], sizeof hash[i]);
        return all;
}

/* Collect, learn a little, calibrate: the model's own identity. */
static uint64_t small_model(const struct lab *lab, const char *learner)
{
        const struct train_options o = { .seed = 77, .episodes = 1500, .collect = 300, .tune = 3, .calibrate = 200, .learner = learner, .quiet = true };
        AUTO(model_free) struct model *m = NULL;
        AUTO_BUF file;
        bool stopped;

        buf_init(&file, MODEL_BYTES_MAX);
        if (tool_train(lab, &o, &m, &stopped, NULL) || model_write(m, &file, NULL)) return 0;
        return model_fingerprint(file.data, file.size_bytes);
}

static void check_determinism(struct tally *t, const struct lab *lab)
{
        static const char *const ids[] = { "sim1", "sim12" };

        for (size_t i = 0; i < ARRAY_COUNT(ids); i++) {
                uint64_t want = trace_hash(ids[i], ISA_SCALAR, 1);

                verdict(t, want != 0, "trace %s %016" PRIx64, ids[i], want);
                for (int isa = ISA_BEST; isa < ISA_COUNT; isa++) {
                        if (!sim1_isa_usable((enum sim1_isa)isa)) continue;
                        verdict(t, trace_hash(ids[i], (enum sim1_isa)isa, 1) == want, "%s: %s gives the scalar bits", ids[i], sim1_isa_name((enum sim1_isa)isa));
                }
                verdict(t, trace_hash(ids[i], ISA_BEST, 2) == want, "%s: two threads give the bits of one", ids[i]);
        }
        uint64_t model = small_model(lab, "qtab");

        verdict(t, model != 0, "model %016" PRIx64, model);
        verdict(t, small_model(lab, "qtab") == model, "the same options train the same model");
}

/* --- environments: every back end keeps the promises of env.h --- */
static void check_env(struct tally *t, const char *id, const struct env_opts *opts)
{
        struct err_note note = { 0 };
        enum err e = env_check(id, opts, &note);

        verdict(t, !e, "env_check %s%s%s", id, e ? ": " : "", note.text);
}

/* One episode of the simulator as a recording. */
static enum err record(struct env_recording *r)
{
        AUTO(env_close) struct env_vec *v = NULL;
        enum err e = env_make("sim1", 1, NULL, &v, NULL);

        if (e) return e;
        env_reset(v, seed_valid_at(8).value, NULL);
        for (int step = 0; step < 100 && !e && !v->terminated[0]; step++) {
                struct env_recording_step s = { .act = step % 9 == 0 ? ACT_DELAY : ACT_IGNORE };

                memcpy(s.obs, v->obs, sizeof s.obs);
                v->act[0] = s.act;
                env_step(v);
                memcpy(s.columns, v->columns[0], sizeof s.columns);
                e = env_recording_append(r, &s);
        }
        return e;
}

static void check_envs(struct tally *t, const struct lab *lab)
{
        AUTO(mem_free) struct collect_counts *counts = mem_zalloc(1, sizeof *counts);
        const struct collect_setup collect = { &lab->kernel, seed_train_at(610), 300, tool_interrupted, NULL };
        static struct sim_kernel learned;
        struct env_recording recording = { 0 };

        check_env(t, "sim1", NULL);
        check_env(t, "sim12", NULL);
        if (!counts || collect_count(&collect, counts)) {
                verdict(t, false, "the learned dynamics could not be fitted");
        } else {
                dynamics_fit(counts, &lab->kernel, &learned);
                check_env(t, "dyn", &(struct env_opts){ .kernel = &learned });
                double distance = dynamics_distance(&lab->kernel, &learned, counts);

                verdict(t, distance < 0.05, "dynamics learned from 300 episodes are %.3f from the process (total variation, .05 wanted)", distance);
        }
        if (record(&recording)) verdict(t, false, "an episode could not be recorded");
        else check_env(t, "replay", &(struct env_opts){ .recording = &recording });
        env_recording_done(&recording);
}

/* --- the kernel's design, exactly, at the discount of the figures --- */
static void check_design(struct tally *t, const struct lab *lab)
{
        AUTO(mem_free) uint8_t *policy = mem_zalloc(SIM_STATES, 1);
        AUTO(oracle_free) struct oracle *o = NULL;
        struct sim_state start = sim_start();
        double best, ignore, one;

        if (!policy || oracle_new(&lab->kernel, 0.99, &o)) {
                verdict(t, false, "memory for the design tests");
                return;
        }
        oracle_greedy(lab->oracle, policy);
        best = oracle_policy_value(o, policy, 120, &start);
        memset(policy, ACT_IGNORE, SIM_STATES);
        ignore = oracle_policy_value(o, policy, 120, &start);
        oracle_look_ahead(o, 1);
        oracle_greedy(o, policy);
        one = oracle_policy_value(o, policy, 120, &start);
        verdict(t, ignore < 0.7 * best, "the best constant action (%.1f) loses more than 30 %% of the optimum (%.1f)", ignore, best);
        verdict(t, one - ignore < 0.2 * (best - ignore), "one-step look-ahead (%.1f) loses more than 80 %% of the optimum's gain", one);
}

/* --- learners against the optimum where everything can be seen: two modes, a tenth of the noise --- */
static void check_small(struct tally *t)
{
        static struct lab lab;
        static struct feat_params fp;
        struct collect_setup collect = { &lab.kernel, seed_train_at(500), 3000, tool_interrupted, NULL };
        struct qlearn_opts q = qlearn_defaults;
        struct dqn_opts d = dqn_defaults;
        AUTO(qlearn_free) struct qlearn *learner = NULL;
        AUTO(dqn_free) struct dqn *net = NULL;
        AUTO(mem_free) struct qtab *table = mem_zalloc(1, sizeof *table);
        AUTO(mem_free) uint8_t *best = mem_zalloc(SIM_STATES, 1);
        struct sim_state start = sim_start();
        double optimum, ours, theirs;

        kernel_init(&lab.kernel, NULL);
        for (int i = 0; i < SIM_ONSETS; i++) lab.kernel.onset_cell[i] = (i % 2 ? MODE_TRANSIENT : MODE_ESCALATING) * SIM_SEVS + SIM_ONSET_SEV;
        for (int ch = 0; ch < SIM_CHANNELS; ch++) lab.kernel.sigma[ch] *= 0.1f;
        if (!table || !best || oracle_new(&lab.kernel, 0.99, &lab.oracle) || oracle_solve(lab.oracle, 1e-3, 3000) || collect_fit(&collect, &fp)) {
                verdict(t, false, "the small problem could not be set up");
                oracle_free(lab.oracle);
                return;
        }
        oracle_greedy(lab.oracle, best);
        optimum = oracle_policy_value(lab.oracle, best, 120, &start);
        q.kernel = d.kernel = &lab.kernel, q.feat = d.feat = &fp, q.seed = d.seed = seed_train_at(501);
        q.episodes = 100000, d.updates = 30000;
        if (!qlearn_new(&q, &learner) && !dqn_new(&d, &net)) {
                const struct qtab_policy tp = { table, &fp };
                const struct policy p = { "qtab", qtab_decide, &tp, &fp, false };

                qlearn_run(learner, q.episodes);
                qlearn_table(learner, table);
                if (!train_score(&lab.kernel, &p, seed_train_at(502), 0, 6400, &ours))
                        verdict(t, ours > 0.93 * optimum, "tabular Q reaches %.1f of the exact optimum %.1f (93 %% wanted)", ours, optimum);
                dqn_run(net, d.updates);
                const struct dqn_policy dp = { dqn_net(net), &fp };
                const struct policy n = { "dqn", dqn_decide, &dp, &fp, false };

                if (!train_score(&lab.kernel, &n, seed_train_at(502), 0, 6400, &theirs))
                        verdict(t, theirs > 0.90 * optimum, "DQN reaches %.1f of the exact optimum %.1f (90 %% wanted)", theirs, optimum);
        }
        oracle_free(lab.oracle);
        lab.oracle = NULL;
}

/* --- the fitted filter against the true one, and the bootstrap's own coverage --- */
static void check_fit(struct tally *t, const struct lab *lab)
{
        AUTO(mem_free) struct feat_params *fp = mem_aligned(64, sizeof *fp);
        struct collect_setup collect = { &lab->kernel, seed_train_at(600), 6000, tool_interrupted, NULL };
        double fitted, exact;

        if (!fp || collect_fit(&collect, fp)) {
                verdict(t, false, "the filter could not be fitted");
                return;
        }
        const struct policy a = { "fitted", policy_qmdp_decide, lab->oracle, fp, false }, b = { "exact", policy_qmdp_decide, lab->oracle, lab->exact, false };

        if (train_score(&lab->kernel, &a, seed_train_at(601), 0, 6400, &fitted) || train_score(&lab->kernel, &b, seed_train_at(601), 0, 6400, &exact)) return;
        verdict(t, fitted > 0.95 * exact, "QMDP with the fitted filter earns %.2f, with the true one %.2f (95 %% wanted)", fitted, exact);
        /* Parameters off by a third: the filter must degrade, not break. */
        for (int ch = 0; ch < SIM_CHANNELS; ch++)
                for (int c = 0; c < SIM_CELLS; c++) {
                        fp->belief.precision[ch][c] *= 0.5f;
                        for (int p = 0; p < SIM_PRESSURES; p++) fp->belief.mean[p][ch][c] *= ch == 0 ? 1.3f : 1.08f;
                }
        if (!train_score(&lab->kernel, &a, seed_train_at(601), 0, 6400, &fitted))
                verdict(t, fitted > 0.6 * exact, "with means off by 8 to 30 %% and noise x 1.4 it still earns %.2f", fitted);
}

static void check_bootstrap(struct tally *t)
{
        enum { TRIALS = 200, N = 150 };
        static float value[N];
        static uint8_t stratum[N];
        struct xoshiro rng;
        int covered = 0;

        xoshiro_seed(&rng, 3);
        for (int trial = 0; trial < TRIALS; trial++) {
                const struct stat_sample s = { value, N, 1, stratum };
                struct stat_ci ci;

                for (int i = 0; i < N; i++) stratum[i] = (uint8_t)(i % 3), value[i] = xoshiro_normal(&rng) + (float)stratum[i];
                if (stat_boot(STAT_MEAN, &s, NULL, 400, (uint64_t)trial, &ci)) return;
                covered += ci.lo <= 1 && ci.hi >= 1;
        }
        verdict(t, covered >= TRIALS * 90 / 100 && covered <= TRIALS * 99 / 100, "95 %% intervals cover the truth in %d of %d trials", covered, TRIALS);
}

int cmd_check(int argc, char **argv)
{
        struct tally t = { 0 };
        bool quick = false, determinism = false;
        const struct option options[] = {
                { "quick", OPTION_FLAG, &quick, 0, 0, "only environments, determinism and the bootstrap (under a minute)" },
                { "determinism", OPTION_FLAG, &determinism, 0, 0, "only the traces and the small model, whose numbers must be equal everywhere" },
                { "json", OPTION_FLAG, &t.json, 0, 0, "print as JSON" },
                { 0 },
        };
        int code = tool_options(argc, argv, "check [OPTION]...", options);
        struct err_note note = { 0 };
        struct lab lab = { 0 };

        if (code >= 0) return code;
        if (lab_open(&lab, determinism ? 2.0 : LAB_TOLERANCE, &note)) return tool_fail(&note);
        if (t.json) (void)printf("{\"checks\":[");
        check_determinism(&t, &lab);
        if (!determinism) {
                check_envs(&t, &lab);
                check_bootstrap(&t);
        }
        if (!determinism && !quick) {
                check_design(&t, &lab);
                check_fit(&t, &lab);
                if (!tool_interrupted(NULL)) check_small(&t);
        }
        lab_close(&lab);
        (void)printf(t.json ? "],\"passed\":%d,\"failed\":%d}\n" : "%d passed, %d failed\n", t.passed, t.failed);
        return t.failed ? EXIT_NEGATIVE : EXIT_FINE;
}

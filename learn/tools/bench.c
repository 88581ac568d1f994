/* bench: speed and latency, each beside its goal, in CPU time of this thread: what a core does, whoever else is on the machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "learn/env/env.h"
#include "learn/mapek/drift.h"
#include "learn/mapek/feedback.h"
#include "learn/nn/dqn.h"
#include "learn/rca/rca.h"
#include "learn/reco/reco.h"
#include "learn/tools/tool.h"
#include "learn/train/qlearn.h"

enum { RUNS = 7, ROWS = 1024 };

struct bench {
        const char *only;
        bool json, first;
        double seconds; /* of one run */
        struct sim_kernel kernel;
        struct feat_params *fp;
};

static int64_t cpu_ns(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int by_double(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static void tell(struct bench *b, const char *name, double *runs, int count, double scale, const char *unit, const char *goal)
{
        qsort(runs, (size_t)count, sizeof *runs, by_double);
        double median = runs[count / 2] * scale, lo = runs[0] * scale, hi = runs[count - 1] * scale;

        if (b->json) (void)printf("%s{\"name\":\"%s\",\"median\":%.4g,\"lo\":%.4g,\"hi\":%.4g,\"unit\":\"%s\",\"goal\":\"%s\"}", b->first ? "" : ",\n", name, median, lo, hi, unit, goal);
        else (void)printf("%-34s %10.4g %-14s (%.4g to %.4g)   goal %s\n", name, median, unit, lo, hi, goal);
        b->first = false;
        (void)fflush(stdout);
}

static bool wanted(const struct bench *b, const char *group)
{
        return (!b->only || str_eq(b->only, group)) && !tool_interrupted(NULL);
}

/* Steps a second of one core. */
static double env_rate(const struct bench *b, const char *id, enum sim1_isa isa)
{
        const struct env_opts opts = { .autoreset = ENV_SAME_STEP, .isa = isa };
        AUTO(env_close) struct env_vec *v = NULL;
        int64_t start, end;
        double steps = 0;

        if (env_make(id, str_eq(id, "sim12") ? 256 : ROWS, &opts, &v, NULL)) return 0;
        env_reset(v, 1, NULL);
        for (uint32_t i = 0; i < v->n; i++) v->act[i] = i % 16 == 0 ? ACT_REDUCE : ACT_IGNORE;
        start = cpu_ns();
        do {
                for (int i = 0; i < 50; i++) env_step(v);
                steps += 50.0 * v->n;
                end = cpu_ns();
        } while ((double)(end - start) < b->seconds * 1e9);
        return steps / ((double)(end - start) * 1e-9);
}

static void bench_sim(struct bench *b)
{
        static const struct {
                const char *name, *id, *goal;
                enum sim1_isa isa;
        } rows[] = {
                { "sim1 steps, best", "sim1", ">= 80 M/s", ISA_BEST },       { "sim1 steps, AVX2", "sim1", "", ISA_AVX2 },
                { "sim1 steps, portable", "sim1", ">= 20 M/s", ISA_SCALAR }, { "sim12 steps, best", "sim12", ">= 5 M/s", ISA_BEST },
                { "sim12 steps, portable", "sim12", "", ISA_SCALAR },
        };

        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                double runs[RUNS];

                if (!sim1_isa_usable(rows[i].isa)) continue;
                for (int r = 0; r < RUNS; r++) runs[r] = env_rate(b, rows[i].id, rows[i].isa);
                tell(b, rows[i].name, runs, RUNS, 1e-6, "M steps/s", rows[i].goal);
        }
}

static void bench_learn(struct bench *b)
{
        struct qlearn_opts q = qlearn_defaults;
        struct dqn_opts d = dqn_defaults;
        AUTO(qlearn_free) struct qlearn *table = NULL;
        AUTO(dqn_free) struct dqn *net = NULL;
        double runs[RUNS];

        q.kernel = d.kernel = &b->kernel;
        q.feat = d.feat = b->fp;
        q.seed = d.seed = seed_train_at(900);
        if (qlearn_new(&q, &table) || dqn_new(&d, &net)) return;
        for (int r = 0; r < RUNS; r++) {
                int64_t start = cpu_ns();
                uint64_t before = qlearn_steps(table);

                qlearn_run(table, 2000);
                runs[r] = (double)(qlearn_steps(table) - before) / ((double)(cpu_ns() - start) * 1e-9);
        }
        tell(b, "tabular learning steps", runs, RUNS, 1e-6, "M steps/s", ">= 5 M/s");
        dqn_run(net, 10);
        for (int r = 0; r < RUNS; r++) {
                int64_t start = cpu_ns();

                dqn_run(net, 1000);
                runs[r] = 1000 / ((double)(cpu_ns() - start) * 1e-9);
        }
        tell(b, "DQN updates, acting included", runs, RUNS, 1e-3, "k updates/s", ">= 10 k/s");
}

/* p50, p99 and worst of single decisions. */
static void bench_decide(struct bench *b, const struct model *m)
{
        enum { N = 20000, FORECASTS = 300 };
        AUTO(mem_free) double *times = mem_zalloc(N, sizeof *times);
        AUTO(env_close) struct env_vec *v = NULL;
        AUTO(reco_twin_free) struct reco_twin *twin = NULL;
        struct reco_session session;
        struct safety safety;
        struct reco reco;
        double one[1];

        if (!times || env_make("sim1", 1, NULL, &v, NULL) || reco_twin_new(&b->kernel, &twin)) return;
        for (int kind = 0; kind < 3; kind++) {
                int n = kind == 2 ? FORECASTS : N;

                env_reset(v, 3, NULL);
                reco_start(m, &session, v->obs);
                safety_init(&safety, NULL, 1);
                for (int i = 0; i < n; i++) {
                        const struct reco_policy policy = { m, true };
                        const struct policy_input in = { &session.tracker, v->obs, v->mask[0], -1 };
                        int64_t start = cpu_ns();
                        int action;

                        reco_feel(m, &session, (enum sim_action)v->act[0], v->obs);
                        if (kind == 0) {
                                action = reco_policy_decide(&policy, &in, NULL);
                        } else {
                                reco_decide(m, &session, &safety, 0, (int64_t)i * 5000, kind == 2 ? twin : NULL, &reco);
                                action = (int)reco.action;
                        }
                        times[i] = (double)(cpu_ns() - start);
                        v->act[0] = (uint8_t)action;
                        env_step(v);
                }
                qsort(times, (size_t)n, sizeof *times, by_double);
                one[0] = times[n * 99 / 100];
                if (kind == 0) tell(b, "decision p99 (filter, values, choice)", one, 1, 1e-3, "us", "<= 5 us");
                if (kind == 1) tell(b, "recommendation p99, without forecast", one, 1, 1e-3, "us", "");
                if (kind == 2) tell(b, "with 5 x 1000 replays p99", one, 1, 1e-6, "ms", "<= 5 ms");
        }
}

static void bench_ring(struct bench *b)
{
        enum { N = 2000000 };
        AUTO(ring_free) struct metric_ring *r = NULL;
        struct ring_summary s;
        double add[RUNS], five[RUNS], exact[RUNS];
        volatile double sink = 0;

        if (ring_new(RING_POINTS_DEFAULT, &r)) return;
        for (int run = 0; run < RUNS; run++) {
                int64_t start = cpu_ns();

                for (int i = 0; i < N; i++) (void)ring_add(r, (double)((uint32_t)i * 2654435761u >> 8));
                add[run] = N / ((double)(cpu_ns() - start) * 1e-9);
                start = cpu_ns();
                for (int i = 0; i < 20000; i++) ring_five(r, &s), sink += s.p95;
                five[run] = (double)(cpu_ns() - start) / 20000;
                start = cpu_ns();
                for (int i = 0; i < 20; i++)
                        if (!ring_exact(r, &s)) sink += s.p95;
                exact[run] = (double)(cpu_ns() - start) / 20;
        }
        tell(b, "metric adds", add, RUNS, 1e-6, "M/s", ">= 50 M/s");
        tell(b, "five-statistic query", five, RUNS, 1, "ns", "<= 200 ns");
        tell(b, "exact statistics, 10,000 points", exact, RUNS, 1e-3, "us", "");
}

static void bench_mapek(struct bench *b)
{
        AUTO(threshold_learner_free) struct threshold_learner *l = NULL;
        AUTO(feedback_free) struct feedback *f = NULL;
        struct drift drift;
        double optimise[RUNS], signal[RUNS], memory[1], alarms[1];
        size_t count;
        uint32_t seed = 1;
        char name[32];

        bench_ring(b);
        if (threshold_learner_new(NULL, &l) || feedback_new(&f)) return;
        for (int p = 0; p < 100; p++) {
                (void)snprintf(name, sizeof name, "parameter-%d", p);
                for (int i = 0; i < RING_POINTS_DEFAULT; i++)
                        if (threshold_add(l, name, (double)((uint32_t)(i * 31 + p) * 2654435761u >> 20))) return;
        }
        for (int run = 0; run < RUNS; run++) {
                int64_t start = cpu_ns();

                if (threshold_optimise(l, run, true, &count)) return;
                optimise[run] = (double)(cpu_ns() - start);
                start = cpu_ns();
                for (int i = 0; i < 200000; i++)
                        if (feedback_signal(f, (enum feedback_loop)(i % LOOP_COUNT), "api", (double)(i % 100) / 100, 1, i)) return;
                signal[run] = 200000 / ((double)(cpu_ns() - start) * 1e-9);
        }
        tell(b, "optimise 100 parameters", optimise, RUNS, 1e-3, "us", "<= 100 us");
        tell(b, "feedback signals", signal, RUNS, 1e-6, "M/s", ">= 1 M/s");
        memory[0] = 100.0 * (RING_POINTS_DEFAULT * 8 + 40000);
        tell(b, "100 x 10,000 points", memory, 1, 1e-6, "MB", "<= 30 MB");
        drift_init(&drift, 0);
        for (int i = 0; i < 5000000; i++) {
                double sum = 0;

                for (int k = 0; k < 12; k++) seed = seed * 1664525u + 1013904223u, sum += seed >> 8;
                (void)drift_add(&drift, sum / (1 << 24) - 6);
        }
        alarms[0] = (double)drift.alarms / 5;
        tell(b, "drift: false alarms in 10^6", alarms, 1, 1, "", "<= 1");
}

static void bench_rca(struct bench *b)
{
        static struct rca_input in = { .metrics = 4, .count = 60, .change = 30 };
        struct rca_graph graph = { .services = 12 };
        struct rca_result result;
        double runs[RUNS];

        for (int s = 0; s < 12; s++) {
                graph.calls[s] = s < 11 ? 1u << (s + 1) : 0;
                for (int m = 0; m < 4; m++)
                        for (int t = 0; t < 60; t++) in.sample[s][m][t] = (float)((s * 7 + m * 3 + t * 5) % 11) + (t > 30 && s < 6 ? 20.0f : 0.0f);
        }
        for (int run = 0; run < RUNS; run++) {
                int64_t start = cpu_ns();

                for (int i = 0; i < 200; i++) rca_rank(&graph, &in, &result);
                runs[run] = (double)(cpu_ns() - start) / 200;
        }
        tell(b, "root cause of 12 services", runs, RUNS, 1e-3, "us", "<= 1000 us");
}

int cmd_bench(int argc, char **argv)
{
        struct bench b = { .first = true, .seconds = 0.3 };
        const char *model_path = NULL;
        const struct option options[] = {
                { "only", OPTION_TEXT, &b.only, 0, 0, "one group: sim, learn, decide, mapek or rca" },
                { "model", OPTION_TEXT, &model_path, 0, 0, "model for decisions, default the one shipped" },
                { "seconds", OPTION_NUMBER, &b.seconds, 0.01, 60, "length of one simulator run, default 0.3" },
                { "json", OPTION_FLAG, &b.json, 0, 0, "print as JSON" },
                { 0 },
        };
        int code = tool_options(argc, argv, "bench [OPTION]...", options);
        AUTO(model_free) struct model *m = NULL;
        struct err_note note = { 0 };
        uint64_t id;

        if (code >= 0) return code;
        if (b.only && !str_eq(b.only, "sim") && !str_eq(b.only, "learn") && !str_eq(b.only, "decide") && !str_eq(b.only, "mapek") && !str_eq(b.only, "rca")) {
                (void)fprintf(stderr, "firedrill-learn: --only is sim, learn, decide, mapek or rca\n");
                return EXIT_USAGE;
        }
        kernel_init(&b.kernel, NULL);
        if (wanted(&b, "learn") || wanted(&b, "decide")) {
                if (tool_model_default(model_path, &m, &id, &note)) return tool_fail(&note);
                b.fp = m->feat;
        }
        if (b.json) (void)printf("[");
        if (wanted(&b, "sim")) bench_sim(&b);
        if (wanted(&b, "learn")) bench_learn(&b);
        if (wanted(&b, "decide")) bench_decide(&b, m);
        if (wanted(&b, "mapek")) bench_mapek(&b);
        if (wanted(&b, "rca")) bench_rca(&b);
        if (b.json) (void)printf("]\n");
        return EXIT_FINE;
}

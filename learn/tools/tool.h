/* tool: what the subcommands of firedrill-learn share: options, progress, interruption, files, the solved kernel.
 * Owner:  the process; one main thread.  Memory: tool_lab_free, otherwise the caller's.  Units: in the names.
 * Limits: TOOL_OPTIONS_MAX options a command.  Fails: exit codes: 0 done, 1 a negative verdict, 2 wrong use, 3 the environment failed. */
#ifndef LEARN_TOOLS_TOOL_H
#define LEARN_TOOLS_TOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "learn/eval/compare.h"
#include "learn/model/model.h"

enum { EXIT_FINE = 0, EXIT_NEGATIVE = 1, EXIT_USAGE = 2, EXIT_FAILED = 3, TOOL_OPTIONS_MAX = 16 };

enum option_kind { OPTION_END, OPTION_FLAG, OPTION_TEXT, OPTION_COUNT, OPTION_NUMBER };

struct option {
        const char *name; /* without the dashes */
        enum option_kind kind;
        void *value;      /* bool *, const char **, uint64_t *, double * */
        double min, max;
        const char *help;
};

/* Reads options; prints help or the complaint itself. Returns -1 to go on, else the exit code. */
int tool_options(int argc, char **argv, const char *usage, const struct option *options);

/* A line on stderr with rate and time left, once something has taken two seconds and stderr is a terminal or asked for. */
struct progress {
        const char *what;
        double total;
        int64_t started_ms, shown_ms;
        bool shown;
};
void progress_start(struct progress *p, const char *what, double total);
void progress_at(struct progress *p, double done);
void progress_end(struct progress *p);

/* Ctrl-C and SIGTERM: the first asks, the second ends at once. */
void tool_interrupt_catch(void);
bool tool_interrupted(void *unused);

int tool_fail(const struct err_note *note);                 /* prints it, returns EXIT_FAILED */
MUST_USE enum err tool_write(const char *path, const void *bytes, size_t size_bytes, struct err_note *reterr);
MUST_USE enum err tool_model_read(const char *path, struct model **ret, uint64_t *ret_id, struct err_note *reterr);
/* NULL path: models/default.fdlm of the installation. */
MUST_USE enum err tool_model_default(const char *path, struct model **ret, uint64_t *ret_id, struct err_note *reterr);
MUST_USE enum err tool_model_write(const struct model *m, const char *path, uint64_t *ret_id, struct err_note *reterr);

/* The kernel, its optimum, and features with the simulator's own filter. */
struct lab {
        struct sim_kernel kernel;
        struct oracle *oracle;
        struct feat_params *exact;
};
MUST_USE enum err lab_open(struct lab *lab, double tolerance, struct err_note *reterr); /* tolerance of the optimum, usually LAB_TOLERANCE */
#define LAB_TOLERANCE 1e-3
void lab_close(struct lab *lab);

struct train_points { /* of a learning curve */
        int count;
        double episode[64], value[64];
};

struct train_options {
        uint64_t seed, episodes, collect, tune, calibrate, updates; /* updates: of the network, 0: the default */
        const char *learner, *name;
        uint32_t ablation;
        const struct feat_params *feat; /* NULL: collect anew */
        const struct model *rules;      /* NULL: tune anew */
        struct buf *curve;              /* CSV lines are appended; NULL: none */
        struct train_points *points;    /* of the table, or of the network for dqn; NULL: none */
        bool quiet, bandit;
};
/* Trains a model, keeping what there is when interrupted (ret_stopped). */
MUST_USE enum err tool_train(const struct lab *lab, const struct train_options *o, struct model **ret, bool *ret_stopped, struct err_note *reterr);

/* Plays a policy on the test episodes into a new entry; `seed` of `seeds` when trained several times. */
MUST_USE enum err tool_entry(struct compare *c, const struct lab *lab, const char *name, uint32_t seeds, struct compare_entry **ret);
void tool_entry_keep(struct compare *c, uint32_t seeds); /* the entry added last keeps what its first seeds played; without any it goes */
MUST_USE enum err tool_play(const struct compare *c, const struct lab *lab, const struct policy *p, struct compare_entry *e, uint32_t seed,
                            uint64_t test_seed);
/* The policies that need no model file but rules and features of one: random .. clairvoyant. ERR_STATE: interrupted; those that were played
 * to the end are in c. */
MUST_USE enum err tool_baselines(struct compare *c, const struct lab *lab, const struct model *m, uint64_t test_seed, struct err_note *reterr);
void compare_close(struct compare *c);
int tool_eval_dynamics(uint64_t test_seed, uint32_t episodes, uint32_t replicates, bool json); /* eval --dynamics */
struct tool_topo {
        const char *model;
        uint64_t seed, train, tune; /* test seed; training episodes; candidates for each rule */
        uint32_t episodes, seeds, replicates;
        bool json;
};
int tool_eval_topo(const struct tool_topo *o); /* eval --env sim12 */
int tool_eval_causes(uint64_t test_seed, uint32_t incidents, bool json); /* eval --causes */

int cmd_sim(int argc, char **argv);
int cmd_train(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_oracle(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_calibrate(int argc, char **argv);
int cmd_replay(int argc, char **argv);

#endif

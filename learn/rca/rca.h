/* rca: which service is the cause, from metrics before and after a change and the graph of who calls whom.
 *   1 robust score of each metric: |x - median| / IQR of the window before; of a service: its strongest metric, damped
 *   2 minus what sick callees explain; a caller's sickness is a symptom if something it calls is as sick
 *   3 a random walk from caller to callee over what is left, onset order as a tie-break
 * Owner:  one thread.     Memory: the caller's structs.     Units: any, per metric; onset in samples.
 * Limits: RCA_SERVICES, RCA_METRICS, RCA_WINDOW.            Fails: never; NAN is a missing sample. */
#ifndef LEARN_RCA_RCA_H
#define LEARN_RCA_RCA_H

#include <stdbool.h>
#include <stdint.h>

enum { RCA_SERVICES = 32, RCA_METRICS = 8, RCA_WINDOW = 128 };

struct rca_graph {
        int services;
        const char *name[RCA_SERVICES]; /* lent */
        uint32_t calls[RCA_SERVICES];   /* bit j of calls[i]: i calls j */
};

/* sample[service][metric][time]; samples [0, change) are before the incident, [change, count) after it. */
struct rca_input {
        int metrics, count, change;
        float sample[RCA_SERVICES][RCA_METRICS][RCA_WINDOW];
};

struct rca_candidate {
        int service;
        float score;     /* shares of 1 over all candidates */
        float anomaly;   /* robust score of its strongest metric */
        float explained; /* the part that its callees explain */
        int metric;      /* the strongest */
        int onset;       /* first of three consecutive abnormal samples after the change, -1: none */
};

struct rca_result {
        struct rca_candidate candidate[RCA_SERVICES]; /* best first */
        int count;
        bool abstain; /* the first two are too close, or nothing is abnormal */
};

void rca_rank(const struct rca_graph *g, const struct rca_input *in, struct rca_result *ret);
/* The two simple rules that a method must beat: strongest anomaly, and first to alarm. Return the service, -1: none. */
int rca_rule_strongest(const struct rca_graph *g, const struct rca_input *in);
int rca_rule_first(const struct rca_graph *g, const struct rca_input *in);

#endif

/* rca: which service is the cause, from metrics before and after a change and the graph of who calls whom.
 *   1 how far each metric moved, in spreads of the window before; of a service: its strongest metric and all of them, damped
 *   2 requests are made by those who call, quicker answers and idle workers are no trouble: they count for nothing
 *   3 less what sick callees explain of what is passed on to callers (latency, errors) and of what waits for it
 *   4 a random walk from caller to callee over what is left, onset order as a tie-break
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
        uint32_t called;                /* bit j: somebody calls j, also somebody who is not in the graph */
};

/* What a change of a metric says of the service that shows it. */
enum rca_kind {
        RCA_FLOWS,  /* passed on from callee to caller: latency, errors. A callee explains what it has itself of it */
        RCA_WAITS,  /* rises while callees take long: busy workers. Explained as the caller's strongest flowing metric is */
        RCA_OWN,    /* work of its own: processor, memory. A rise is nobody else's; a fall is idleness, and explained as waiting is */
        RCA_DEMAND, /* made by those who call it: requests. Nobody's who is called */
};

/* sample[service][metric][time]; samples [0, change) are before the incident, [change, count) after it. */
struct rca_input {
        int metrics, count, change;
        enum rca_kind kind[RCA_METRICS];
        float sample[RCA_SERVICES][RCA_METRICS][RCA_WINDOW];
};

struct rca_candidate {
        int service;
        float score;     /* shares of 1 over all candidates */
        float anomaly;   /* damped: about log(1 + spreads moved) */
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

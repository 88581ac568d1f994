/* load_book: the accounts of the simulated users: metrics, money, and a ring with a sample of live requests.
 * Owner:  written by the load thread, read by any; a lock guards the ring.   Memory: all at birth.
 * Units:  seconds in histograms, ms in samples, cents.
 * Limits: BOOK_RING_MAX samples, at most BOOK_OK_PER_S + BOOK_FAILED_PER_S kept a second. Fails: ERR_NOMEM at birth. */
#ifndef SUT_LOADGEN_LOAD_BOOK_H
#define SUT_LOADGEN_LOAD_BOOK_H

#include "common/metrics/metrics.h"
#include "common/text/json.h"
#include "sut/loadgen/load_crowd.h"

/* Failures have places of their own, so that a rare one is seen among many successes. */
enum { BOOK_RING_MAX = 512, BOOK_OK_PER_S = 14, BOOK_FAILED_PER_S = 6, BOOK_TRACE_BYTES = 33 };

#define BOOK_OUTCOME_LIST(X) X(OK, "ok") X(ERROR, "error") X(TIMEOUT, "timeout") X(DROPPED, "dropped")
enum book_outcome {
#define X(name, text) BOOK_##name,
        BOOK_OUTCOME_LIST(X)
#undef X
        BOOK_OUTCOME_COUNT
};

struct book_request {
        int64_t at_ms;              /* wall clock of the intended start */
        enum crowd_journey journey;
        enum crowd_step step;
        enum book_outcome outcome;
        int status;                 /* HTTP; 0: no answer */
        double latency_ms;          /* from the intended start */
        int customer;
        char trace_id[BOOK_TRACE_BYTES]; /* "" if it was never sent */
};

struct load_book;

MUST_USE enum err load_book_new(struct metrics *metrics, struct load_book **ret);
void load_book_free(struct load_book *b);
AUTO_DEFINE(struct load_book, load_book_free)

void load_book_offered(struct load_book *b, enum crowd_journey journey, bool begins);
void load_book_request(struct load_book *b, const struct book_request *request);
/* The end of a journey that wanted to buy: an order for `cents`, or one that was lost. value_cents 0: the user never saw a price,
 * then the mean of the orders so far counts. */
void load_book_order(struct load_book *b, bool ok, int64_t value_cents);
void load_book_gauges(struct load_book *b, double target_rps, int in_flight);
/* {"last":n,"requests":[...]}: samples with a number above `after`, oldest first. NULL when out of memory. */
struct json *load_book_sample(struct load_book *b, uint64_t after);

#endif

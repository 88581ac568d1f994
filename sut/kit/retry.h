/* kit_retry: what keeps retries from turning a small failure into a storm: a budget and a back-off. Pure.
 * The budget is a token bucket: every first attempt earns budget_percent/100 of a token, every retry costs one, so retries
 * stay below that share of the traffic; RETRY_TOKENS_START tokens let a quiet client retry too.
 * The back-off is "full jitter": uniform between 0 and min(cap_ms, base_ms * 2^attempt).
 * Owner:  the caller, who also locks.        Memory: none allocated.
 * Units:  ms; percent of first attempts.     Limits: RETRY_TOKENS_MAX tokens.
 * Fails:  nothing; a refused retry is `false`. */
#ifndef SUT_KIT_RETRY_H
#define SUT_KIT_RETRY_H

#include <stdbool.h>
#include <stdint.h>

enum { RETRY_TOKENS_START = 10, RETRY_TOKENS_MAX = 100 };

struct kit_retry_budget {
        int64_t hundredths; /* of a token */
};

void kit_retry_budget_init(struct kit_retry_budget *b);
void kit_retry_budget_earn(struct kit_retry_budget *b, int budget_percent);
/* budget_percent 100 or more means "no budget": every retry is allowed. */
bool kit_retry_budget_spend(struct kit_retry_budget *b, int budget_percent);

/* attempt 0 is the first retry; random is any 32 random bits. */
int64_t kit_retry_backoff_ms(int attempt, int64_t base_ms, int64_t cap_ms, uint32_t random);

#endif

#include "sut/kit/retry.h"

#include "common/base/attr.h"
#include "common/base/check.h"

void kit_retry_budget_init(struct kit_retry_budget *b)
{
        b->hundredths = RETRY_TOKENS_START * 100;
}

void kit_retry_budget_earn(struct kit_retry_budget *b, int budget_percent)
{
        CHECK(budget_percent >= 0);
        b->hundredths = MIN(b->hundredths + budget_percent, (int64_t)RETRY_TOKENS_MAX * 100);
}

bool kit_retry_budget_spend(struct kit_retry_budget *b, int budget_percent)
{
        if (budget_percent >= 100) return true;
        if (budget_percent <= 0 || b->hundredths < 100) return false;
        b->hundredths -= 100;
        return true;
}

int64_t kit_retry_backoff_ms(int attempt, int64_t base_ms, int64_t cap_ms, uint32_t random)
{
        int64_t most = base_ms;

        CHECK(attempt >= 0 && base_ms >= 0 && cap_ms >= 0);
        for (int i = 0; i < attempt && most < cap_ms; i++) most *= 2;
        most = MIN(most, cap_ms);
        return (int64_t)(((uint64_t)most + 1) * random >> 32);
}

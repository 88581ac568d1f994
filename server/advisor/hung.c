#include "server/advisor/hung.h"

void hung_see(struct hung *h, bool answers, double restarts, int64_t now_ms)
{
        if (answers) h->since_ms = 0;
        else if (!h->since_ms || restarts > h->restarts) h->since_ms = now_ms;
        if (restarts >= 0) h->restarts = restarts;
}

void hung_acted(struct hung *h, int64_t now_ms)
{
        if (h->since_ms) h->since_ms = now_ms;
}

bool hung_is(const struct hung *h, int64_t now_ms)
{
        return h->since_ms && now_ms - h->since_ms >= HUNG_AFTER_MS;
}

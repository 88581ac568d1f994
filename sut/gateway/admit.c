#include "sut/gateway/admit.h"

#include "common/base/attr.h"
#include "common/base/check.h"

static void bucket_fill(struct admit_state *s, const struct admit_limits *limits, int64_t now_us)
{
        if (s->filled_us == 0)
                s->tokens = limits->burst;
        else
                s->tokens = MIN(limits->burst, s->tokens + limits->rate_rps * (double)(now_us - s->filled_us) / 1e6);
        s->filled_us = now_us;
}

enum admit admit_enter(struct admit_state *s, const struct admit_limits *limits, int64_t now_us)
{
        uint64_t n = s->seen++;

        /* Of every 100 requests exactly `percent` are let in. */
        if ((n + 1) * (uint64_t)limits->percent / 100 == n * (uint64_t)limits->percent / 100) return ADMIT_SHED;
        if (limits->rate_rps > 0) {
                bucket_fill(s, limits, now_us);
                if (s->tokens < 1) return ADMIT_RATE;
        }
        if (s->in_flight >= limits->in_flight_max) return ADMIT_FULL;
        if (limits->rate_rps > 0) s->tokens -= 1;
        s->in_flight++;
        return ADMIT_YES;
}

void admit_leave(struct admit_state *s)
{
        CHECK(s->in_flight > 0);
        s->in_flight--;
}

const char *admit_text(enum admit a)
{
        static const char *const texts[] = {
#define X(name, text) [ADMIT_##name] = text,
                ADMIT_LIST(X)
#undef X
        };

        CHECK(a < ADMIT_COUNT);
        return texts[a];
}

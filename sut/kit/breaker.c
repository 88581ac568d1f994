#include "sut/kit/breaker.h"

#include <string.h>

#include "common/base/check.h"

void kit_breaker_init(struct kit_breaker *b)
{
        memset(b, 0, sizeof *b);
        for (int i = 0; i < BREAKER_WINDOW_S; i++) b->window[i].second = -1;
}

static void open_now(struct kit_breaker *b, int64_t now_ms)
{
        b->state = BREAKER_OPEN;
        b->opened_ms = now_ms;
        b->opened_count++;
}

static void close_now(struct kit_breaker *b)
{
        uint64_t opened_count = b->opened_count;

        kit_breaker_init(b);
        b->opened_count = opened_count;
}

bool kit_breaker_allow(struct kit_breaker *b, const struct breaker_limits *limits, int64_t now_ms)
{
        if (!limits->enabled) {
                if (b->state != BREAKER_CLOSED) close_now(b);
                return true;
        }
        if (b->state == BREAKER_OPEN && now_ms - b->opened_ms >= limits->open_ms) {
                b->state = BREAKER_HALF_OPEN;
                b->probes_out = b->probes_ok = 0;
        }
        if (b->state == BREAKER_CLOSED) return true;
        if (b->state == BREAKER_OPEN || b->probes_out >= limits->probes_needed) return false;
        b->probes_out++;
        return true;
}

bool kit_breaker_refuses(const struct kit_breaker *b, const struct breaker_limits *limits, int64_t now_ms)
{
        return limits->enabled && b->state == BREAKER_OPEN && now_ms - b->opened_ms < limits->open_ms;
}

static bool window_is_bad(const struct kit_breaker *b, const struct breaker_limits *limits, int64_t second)
{
        int ok = 0, failed = 0;

        for (int i = 0; i < BREAKER_WINDOW_S; i++) {
                if (b->window[i].second < 0 || second - b->window[i].second >= BREAKER_WINDOW_S) continue;
                ok += b->window[i].ok;
                failed += b->window[i].failed;
        }
        return ok + failed >= limits->calls_min && failed * 100 >= limits->error_percent * (ok + failed);
}

void kit_breaker_report(struct kit_breaker *b, const struct breaker_limits *limits, bool ok, int64_t now_ms)
{
        int64_t second = now_ms / 1000;
        int at = (int)(second % BREAKER_WINDOW_S);

        CHECK(now_ms >= 0);
        if (!limits->enabled) return;
        if (b->state == BREAKER_HALF_OPEN) {
                if (b->probes_out > 0) b->probes_out--;
                if (!ok)
                        open_now(b, now_ms);
                else if (++b->probes_ok >= limits->probes_needed)
                        close_now(b);
                return;
        }
        if (b->state == BREAKER_OPEN) return; /* a call from before the opening came back */
        if (b->window[at].second != second) {
                b->window[at].second = second;
                b->window[at].ok = b->window[at].failed = 0;
        }
        if (ok)
                b->window[at].ok++;
        else
                b->window[at].failed++;
        if (!ok && window_is_bad(b, limits, second)) open_now(b, now_ms);
}

const char *kit_breaker_state_text(enum breaker_state state)
{
        static const char *const texts[] = {
#define X(name, text) [BREAKER_##name] = text,
                BREAKER_STATE_LIST(X)
#undef X
        };

        CHECK(state < BREAKER_STATE_COUNT);
        return texts[state];
}

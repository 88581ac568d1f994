#include "control-agent/inject/net_shape.h"

#include "common/base/attr.h"
#include "common/base/check.h"

enum { SMOOTH_PARTS = 20 }; /* a limited line is fed in pieces of a twentieth of a second */

static const char *const kind_texts[NET_KIND_COUNT] = {
#define X(name, text) [NET_##name] = text,
        NET_KIND_LIST(X)
#undef X
};

const char *net_kind_text(enum net_kind kind)
{
        CHECK(kind < NET_KIND_COUNT);
        return kind_texts[kind];
}

static int64_t least(int64_t have, int64_t none, int64_t other)
{
        return have == none ? other : MIN(have, other);
}

static void add(struct net_shape *shape, const struct net_fault *fault)
{
        switch (fault->kind) {
        case NET_LATENCY:
                shape->latency_us += fault->ms * 1000;
                shape->jitter_us += fault->jitter_ms * 1000;
                break;
        case NET_BANDWIDTH:
                shape->bytes_per_s = least(shape->bytes_per_s, 0, fault->bytes_per_s);
                shape->piece_bytes = MIN(shape->piece_bytes, (size_t)MAX(fault->bytes_per_s / SMOOTH_PARTS, 1));
                break;
        case NET_TIMEOUT:
                shape->black_hole = true;
                break;
        case NET_RESET:
                shape->reset_us = least(shape->reset_us, -1, fault->ms * 1000);
                return; /* data pass until then */
        case NET_SLOW_CLOSE:
                shape->close_us += fault->ms * 1000;
                break;
        case NET_SLICE:
                shape->piece_bytes = MIN(shape->piece_bytes, (size_t)fault->bytes);
                shape->piece_us += fault->ms * 1000;
                break;
        case NET_LIMIT:
                shape->limit_bytes = least(shape->limit_bytes, -1, fault->bytes);
                break;
        case NET_DOWN:
                shape->reset_us = 0;
                return;
        case NET_KIND_COUNT:
                CHECK(false);
        }
        shape->shaped = true;
}

struct net_shape net_shape_of(const struct net_fault faults[NET_FAULTS_MAX], unsigned hit, enum net_way way)
{
        struct net_shape shape = {.piece_bytes = NET_PIECE_BYTES_MAX, .limit_bytes = -1, .reset_us = -1};

        for (size_t i = 0; i < NET_FAULTS_MAX; i++) {
                bool whole = faults[i].kind == NET_RESET || faults[i].kind == NET_DOWN; /* have no direction */

                if (hit & 1U << i && (whole || faults[i].ways & 1U << way)) add(&shape, &faults[i]);
        }
        return shape;
}

/* xorshift64*, Vigna 2016. */
double net_rng_unit(struct net_rng *rng)
{
        uint64_t x = rng->state ? rng->state : 1;

        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        rng->state = x;
        return (double)((x * UINT64_C(2685821657736338717)) >> 11) * 0x1.0p-53;
}

int64_t net_line_due(struct net_line *line, const struct net_shape *shape, struct net_rng *rng, int64_t now_us,
                     size_t bytes)
{
        int64_t due = MAX(line->free_us, now_us);

        if (shape->bytes_per_s) due += (int64_t)bytes * 1000000 / shape->bytes_per_s;
        line->free_us = due + shape->piece_us;
        due += shape->latency_us;
        if (shape->jitter_us) due += (int64_t)(net_rng_unit(rng) * (double)shape->jitter_us);
        line->last_us = MAX(line->last_us, due); /* a stream: nothing overtakes */
        return line->last_us;
}

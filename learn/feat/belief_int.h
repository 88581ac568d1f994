/* belief_int: the filter's two steps in several widths; all give the same bits. Only learn/feat and its tests include this. */
#ifndef LEARN_FEAT_BELIEF_INT_H
#define LEARN_FEAT_BELIEF_INT_H

#include "learn/feat/belief.h"

struct belief_ops {
        void (*predict)(const struct belief_params *bp, struct belief *b, int kind, int pressure);
        void (*observe)(const struct belief_params *bp, struct belief *b, const float obs[SIM_CHANNELS], int pressure, bool calm);
};
/* base: four lanes, everywhere. The others only where sim1_isa_usable says so. */
extern const struct belief_ops belief_base, belief_avx2, belief_avx512;

#endif

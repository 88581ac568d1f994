/* topo_play: rows of the topology with their trackers. Only learn/train/topo*.c include this. */
#ifndef LEARN_TRAIN_TOPO_PLAY_H
#define LEARN_TRAIN_TOPO_PLAY_H

#include "learn/train/topo.h"

enum { TOPO_ROWS = 64, TOPO_STEPS = 120 };

struct topo_rows {
        struct sim12 *sim;
        struct sim12_out out;
        struct topo_state state[TOPO_ROWS];
        float obs[TOPO_ROWS][SIM12_OBS], reward[TOPO_ROWS], columns[TOPO_ROWS][REW_COUNT], by_service[TOPO_ROWS][SIM12_SERVICES];
        uint8_t act[TOPO_ROWS + SIM1_LANES], terminated[TOPO_ROWS + SIM1_LANES];
        uint16_t target[TOPO_ROWS];
        uint32_t mask[TOPO_ROWS], mask_target[TOPO_ROWS], mask_before[TOPO_ROWS], mask_target_before[TOPO_ROWS], t[TOPO_ROWS];
};

MUST_USE enum err topo_rows_new(const struct sim_kernel *k, struct topo_rows **ret);
void topo_rows_free(struct topo_rows *r);
AUTO_DEFINE(struct topo_rows, topo_rows_free)
void topo_row_start(struct topo_rows *r, const struct topo_feat *tf /* NULL: no trackers */, uint32_t i, uint64_t seed, uint32_t episode);
/* All rows; does not restart what ended. */
void topo_rows_step(struct topo_rows *r, const struct topo_feat *tf);

#endif

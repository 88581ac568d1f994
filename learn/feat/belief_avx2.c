#define WIDE 8
#define ROW 8
#define BELIEF_NAME belief_avx2
#include "learn/feat/belief_lanes.inc"

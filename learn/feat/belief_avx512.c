#define WIDE 16
#define ROW 8
#define BELIEF_NAME belief_avx512
#include "learn/feat/belief_lanes.inc"

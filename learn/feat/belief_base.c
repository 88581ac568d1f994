/* Four lanes: the reference, and what runs where nothing wider is there. */
#define WIDE 4
#define ROW 4
#define BELIEF_NAME belief_base
#include "learn/feat/belief_lanes.inc"

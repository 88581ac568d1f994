#define DENSE_NAME dense_avx2
#include "learn/nn/dense.inc"

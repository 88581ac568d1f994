#define DENSE_NAME dense_avx512
#include "learn/nn/dense.inc"

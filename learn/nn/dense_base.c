#define DENSE_NAME dense_base
#include "learn/nn/dense.inc"

/* seed: training, validation, calibration and test seeds as distinct types over disjoint ranges, so that a policy cannot
 * be judged on what it was trained on: what evaluates takes a struct seed_test, and nothing converts to one.
 * Owner: values.  Memory: none.  Units: index within its range.  Limits: SEED_INDEX_MAX.
 * Fails: ERR_INVAL for an index beyond the range. */
#ifndef LEARN_RNG_SEED_H
#define LEARN_RNG_SEED_H

#include <stdint.h>

#include "common/base/err.h"

#define SEED_INDEX_MAX ((UINT64_C(1) << 40) - 1)

#define SEED_KINDS(X) X(train, 0) X(valid, 1) X(calib, 2) X(test, 3)

enum seed_kind {
#define X(name, number) SEED_##name = number,
        SEED_KINDS(X)
#undef X
        SEED_KIND_COUNT
};

/* struct seed_train seed_train_at(index) and so on; .value is what the generator takes. */
#define X(name, number)                                                                                                \
        struct seed_##name {                                                                                           \
                uint64_t value;                                                                                        \
        };                                                                                                             \
        static inline struct seed_##name seed_##name##_at(uint64_t index)                                              \
        {                                                                                                              \
                return (struct seed_##name){ ((uint64_t)number << 40) | (index & SEED_INDEX_MAX) };                    \
        }
SEED_KINDS(X)
#undef X

const char *seed_kind_name(enum seed_kind kind);
/* The kind of a raw value; SEED_KIND_COUNT if it lies in no range. */
enum seed_kind seed_kind_of(uint64_t value);
/* For values from files or arguments: ERR_INVAL unless it is a test seed. */
MUST_USE enum err seed_test_check(uint64_t value, struct seed_test *ret, struct err_note *reterr);

#endif

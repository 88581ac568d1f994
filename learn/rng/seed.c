#include "learn/rng/seed.h"

#include <inttypes.h>

const char *seed_kind_name(enum seed_kind kind)
{
        static const char *const names[] = {
#define X(name, number) #name,
                SEED_KINDS(X)
#undef X
        };

        return kind < SEED_KIND_COUNT ? names[kind] : "unknown";
}

enum seed_kind seed_kind_of(uint64_t value)
{
        uint64_t kind = value >> 40;

        return kind < SEED_KIND_COUNT ? (enum seed_kind)kind : SEED_KIND_COUNT;
}

enum err seed_test_check(uint64_t value, struct seed_test *ret, struct err_note *reterr)
{
        enum seed_kind kind = seed_kind_of(value);

        if (kind != SEED_test)
                return err_note(reterr, ERR_INVAL, "seed %" PRIu64 " is a %s seed; an evaluation takes test seeds only",
                                value, seed_kind_name(kind));
        ret->value = value;
        return ERR_OK;
}

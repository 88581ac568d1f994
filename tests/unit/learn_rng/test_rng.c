/* Known answers: Philox from Random123's kat_vectors, xoshiro256++ and SplitMix64 from their authors' reference runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "learn/rng/philox.h"
#include "learn/rng/seed.h"
#include "learn/rng/xoshiro.h"

static void philox_known_answers(void **state)
{
        static const struct {
                uint32_t counter[4], key[2], want[4];
        } rows[] = {
                { { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
                { { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff },
                  { 0xffffffff, 0xffffffff },
                  { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
                { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
                  { 0xa4093822, 0x299f31d0 },
                  { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
        };

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                uint32_t got[4];

                philox_words(rows[i].counter, rows[i].key, got);
                assert_memory_equal(got, rows[i].want, sizeof got);
        }
}

static void philox_draws_are_independent_of_order(void **state)
{
        uint32_t a[4], b[4], c[4];

        (void)state;
        philox_draw(7, 3, 11, 2, PHILOX_EMISSION, a);
        philox_draw(7, 3, 11, 2, PHILOX_DYNAMICS, b);
        philox_draw(7, 3, 11, 2, PHILOX_EMISSION, c);
        assert_memory_equal(a, c, sizeof a);
        assert_memory_not_equal(a, b, sizeof a);
        philox_draw((UINT64_C(1) << 40) | 7, 3, 11, 2, PHILOX_EMISSION, c);
        assert_memory_not_equal(a, c, sizeof a); /* the kind of the seed is part of the stream */
}

static void xoshiro_known_answers(void **state)
{
        static const uint64_t want[] = { 41943041,           58720359,           3588806011781223,
                                         3591011842654386,   9228616714210784205u, 9973669472204895162u };
        struct xoshiro r = { { 1, 2, 3, 4 } };

        (void)state;
        for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) assert_true(xoshiro_next(&r) == want[i]);
}

static void splitmix_known_answers(void **state)
{
        static const uint64_t want[] = { 6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                         4593380528125082431u, 16408922859458223821u };
        uint64_t s = 1234567;

        (void)state;
        for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) assert_true(splitmix_next(&s) == want[i]);
}

static void seed_kinds_never_meet(void **state)
{
        struct seed_test test = { 99 };
        struct err_note note = { 0 };

        (void)state;
        assert_int_equal(seed_kind_of(seed_train_at(5).value), SEED_train);
        assert_int_equal(seed_kind_of(seed_valid_at(SEED_INDEX_MAX).value), SEED_valid);
        assert_int_equal(seed_kind_of(seed_calib_at(0).value), SEED_calib);
        assert_int_equal(seed_kind_of(seed_test_at(1).value), SEED_test);
        assert_int_equal(seed_kind_of(UINT64_C(1) << 60), SEED_KIND_COUNT);
        assert_int_equal(seed_test_check(seed_train_at(5).value, &test, &note), ERR_INVAL);
        assert_true(test.value == 99);
        assert_non_null(strstr(note.text, "train seed"));
        assert_int_equal(seed_test_check(seed_test_at(5).value, &test, NULL), ERR_OK);
        assert_true(test.value == seed_test_at(5).value);
}

static void uniform_and_normal_have_their_moments(void **state)
{
        struct xoshiro r;
        double sum = 0, sum2 = 0, normal = 0, normal2 = 0;
        enum { N = 20000 };

        (void)state;
        xoshiro_seed(&r, 42);
        for (int i = 0; i < N; i++) {
                float u = xoshiro_float(&r), z = xoshiro_normal(&r);

                assert_true(u >= 0 && u < 1);
                assert_true(xoshiro_below(&r, 7) < 7);
                sum += u;
                sum2 += (double)u * u;
                normal += z;
                normal2 += (double)z * z;
        }
        assert_true(sum / N > 0.49 && sum / N < 0.51);
        assert_true(sum2 / N > 0.32 && sum2 / N < 0.347);
        assert_true(normal / N > -0.03 && normal / N < 0.03);
        assert_true(normal2 / N > 0.96 && normal2 / N < 1.04);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(philox_known_answers),
                cmocka_unit_test(philox_draws_are_independent_of_order),
                cmocka_unit_test(xoshiro_known_answers),
                cmocka_unit_test(splitmix_known_answers),
                cmocka_unit_test(seed_kinds_never_meet),
                cmocka_unit_test(uniform_and_normal_have_their_moments),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "sut/payments/charges.h"

static void test_once_per_key(void **state)
{
        struct charges *c;
        struct err_note note;
        uint64_t number;
        bool repeated;

        (void)state;
        assert_int_equal(charges_new(&c), ERR_OK);
        assert_int_equal(charges_make(c, "order-1", 500, true, &number, &repeated, &note), ERR_OK);
        assert_int_equal(number, 1);
        assert_false(repeated);
        assert_int_equal(charges_make(c, "order-2", 500, true, &number, &repeated, &note), ERR_OK);
        assert_int_equal(number, 2);
        assert_int_equal(charges_make(c, "order-1", 500, true, &number, &repeated, &note), ERR_OK);
        assert_int_equal(number, 1);
        assert_true(repeated);
        number = 99;
        assert_int_equal(charges_make(c, "order-1", 501, true, &number, &repeated, &note), ERR_INVAL);
        assert_int_equal(number, 99);
        assert_int_equal(charges_make(c, "order-1", 500, false, &number, &repeated, &note), ERR_OK); /* the double charge */
        assert_int_equal(number, 3);
        assert_true(repeated);
        charges_free(c);
}

static void test_the_oldest_are_forgotten(void **state)
{
        struct charges *c;
        uint64_t number;
        bool repeated;
        char key[32];

        (void)state;
        assert_int_equal(charges_new(&c), ERR_OK);
        for (int i = 0; i < CHARGES_MAX + 10; i++) {
                snprintf(key, sizeof key, "order-%d", i);
                assert_int_equal(charges_make(c, key, 1, true, &number, &repeated, NULL), ERR_OK);
                assert_false(repeated);
        }
        assert_int_equal(charges_make(c, "order-10", 1, true, &number, &repeated, NULL), ERR_OK);
        assert_true(repeated);
        assert_int_equal(number, 11);
        assert_int_equal(charges_make(c, "order-9", 1, true, &number, &repeated, NULL), ERR_OK);
        assert_false(repeated);
        charges_free(c);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_once_per_key), cmocka_unit_test(test_the_oldest_are_forgotten) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

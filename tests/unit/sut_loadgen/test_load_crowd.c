/* load_crowd: turns, journeys, giving up, the limit. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/base/attr.h"
#include "common/base/mem.h"
#include "sut/loadgen/load_crowd.h"

static const struct crowd_mix only_buy = {.seed = 1, .weights = {0, 0, 1}, .login = true};

static void journey_walks_its_steps(void **state)
{
        static const enum crowd_step expected[] = {CROWD_BROWSE, CROWD_PRODUCT, CROWD_LOGIN, CROWD_QUOTE, CROWD_ORDER};
        AUTO(crowd_free) struct crowd *c = NULL;
        bool begins = false;

        (void)state;
        assert_int_equal(crowd_new(&only_buy, 1, &c), ERR_OK);
        for (int journey = 0; journey < 3; journey++) {
                for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
                        struct crowd_user *user = crowd_take(c, &begins);

                        assert_non_null(user);
                        assert_int_equal(begins, i == 0);
                        assert_int_equal(crowd_user_step(user), expected[i]);
                        assert_int_equal(crowd_user_last(user, true), i == ARRAY_COUNT(expected) - 1);
                        assert_in_range(user->product, 1, CROWD_PRODUCTS);
                        assert_in_range(user->customer, 1, CROWD_CUSTOMERS);
                        crowd_give(c, user, true);
                }
        }
}

static void failure_ends_the_journey(void **state)
{
        AUTO(crowd_free) struct crowd *c = NULL;
        bool begins = false;
        struct crowd_user *user;

        (void)state;
        assert_int_equal(crowd_new(&only_buy, 1, &c), ERR_OK);
        user = crowd_take(c, &begins);
        crowd_give(c, user, true);
        user = crowd_take(c, &begins);
        assert_int_equal(crowd_user_step(user), CROWD_PRODUCT);
        assert_true(crowd_user_last(user, false));
        crowd_give(c, user, false);
        user = crowd_take(c, &begins);
        assert_int_equal(crowd_user_step(user), CROWD_BROWSE);
        assert_true(begins);
}

static void users_take_turns(void **state)
{
        AUTO(crowd_free) struct crowd *c = NULL;
        struct crowd_user *first[3];
        bool begins = false;

        (void)state;
        assert_int_equal(crowd_new(&only_buy, 3, &c), ERR_OK);
        for (int i = 0; i < 3; i++) {
                first[i] = crowd_take(c, &begins);
                crowd_give(c, first[i], true);
        }
        assert_ptr_not_equal(first[0], first[1]);
        assert_ptr_not_equal(first[1], first[2]);
        for (int i = 0; i < 3; i++) {
                struct crowd_user *user = crowd_take(c, &begins);

                assert_ptr_equal(user, first[i]);
                crowd_give(c, user, true);
        }
}

/* With 2 users and room for 5: the third to fifth are extra users, the sixth is refused; afterwards two are left. */
static void limit_is_reached_and_left(void **state)
{
        AUTO(crowd_free) struct crowd *c = NULL;
        struct crowd_user *user[5], dropped = {0};
        bool begins = false;

        (void)state;
        assert_int_equal(crowd_new(&only_buy, 2, &c), ERR_OK);
        crowd_change(c, &only_buy, 2, 5);
        for (int i = 0; i < 5; i++) {
                user[i] = crowd_take(c, &begins);
                assert_non_null(user[i]);
                assert_true(begins);
        }
        assert_null(crowd_take(c, &begins));
        assert_int_equal(crowd_in_flight(c), 5);
        crowd_drop(c, &dropped);
        assert_int_equal(dropped.journey, CROWD_JOURNEY_BUY);
        for (int i = 0; i < 5; i++) crowd_give(c, user[i], false);
        assert_int_equal(crowd_in_flight(c), 0);
        user[0] = crowd_take(c, &begins);
        user[1] = crowd_take(c, &begins);
        user[2] = crowd_take(c, &begins);
        assert_true(user[2] != user[0] && user[2] != user[1]);
        assert_int_equal(crowd_in_flight(c), 3);
}

static void mix_follows_weights(void **state)
{
        struct crowd_mix mix = {.seed = 9, .weights = {30, 20, 50}, .login = false};
        AUTO(crowd_free) struct crowd *c = NULL;
        int count[CROWD_JOURNEY_COUNT] = {0};
        struct crowd_user user = {0};

        (void)state;
        assert_int_equal(crowd_new(&mix, 1, &c), ERR_OK);
        for (int i = 0; i < 10000; i++) {
                crowd_drop(c, &user);
                count[user.journey]++;
                for (int s = 0; s < user.step_count; s++) assert_int_not_equal(user.steps[s], CROWD_LOGIN);
        }
        assert_in_range(count[CROWD_JOURNEY_VISIT], 2800, 3200);
        assert_in_range(count[CROWD_JOURNEY_COMPARE], 1840, 2160);
        assert_in_range(count[CROWD_JOURNEY_BUY], 4800, 5200);
}

static void birth_can_fail(void **state)
{
        struct crowd *c = NULL;

        (void)state;
        fault_arm(1, false);
        assert_int_equal(crowd_new(&only_buy, 1, &c), ERR_NOMEM);
        assert_true(fault_disarm());
        assert_null(c);
        assert_int_equal(alloc_live_count(), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(journey_walks_its_steps), cmocka_unit_test(failure_ends_the_journey),
                cmocka_unit_test(users_take_turns),        cmocka_unit_test(limit_is_reached_and_left),
                cmocka_unit_test(mix_follows_weights),     cmocka_unit_test(birth_can_fail),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* stack_pick: numbers that are in use, spoken for, or free. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/sys/sock.h"
#include "server/race/stack_pick.h"

/* The last numbers: least likely to be in use beside this test. */
enum { LAST = 250 };

static int listen_at(const char *host, uint16_t port)
{
        struct err_note note;
        int fd = -1;

        assert_int_equal(sock_listen_tcp(host, port, 1, &fd, &note), ERR_OK);
        return fd;
}

static bool is_two_below(const void *ctx, int number)
{
        return number == LAST - 2 && *(const int *)ctx == 7;
}

static void test_in_use(void **state)
{
        int fd;

        (void)state;
        assert_int_equal(stack_pick(LAST - 1, LAST, NULL, NULL, NULL), LAST);
        fd = listen_at("127.77.250.1", 9090);
        assert_int_not_equal(stack_pick(LAST - 1, LAST, NULL, NULL, NULL), LAST);
        (void)close(fd);
        fd = listen_at("127.77.250.1", 8030); /* another of its ports, and its number is still not taken */
        assert_int_not_equal(stack_pick(LAST - 1, LAST, NULL, NULL, NULL), LAST);
        (void)close(fd);
        assert_int_equal(stack_pick(LAST - 1, LAST, NULL, NULL, NULL), LAST);
}

static void test_spoken_for(void **state)
{
        int seven = 7, six = 6;

        (void)state;
        assert_int_equal(stack_pick(LAST - 3, LAST, is_two_below, &seven, NULL), LAST - 1);
        assert_int_equal(stack_pick(LAST - 3, LAST, is_two_below, &six, NULL), LAST - 2);
}

static void test_sign(void **state)
{
        int sign = -1, other = -1;

        (void)state;
        assert_int_equal(stack_pick(LAST - 1, LAST, NULL, NULL, &sign), LAST);
        assert_int_not_equal(stack_pick(LAST - 1, LAST, NULL, NULL, &other), LAST); /* nothing listens on its ports */
        assert_int_not_equal(stack_pick(LAST - 1, LAST, NULL, NULL, NULL), LAST);
        (void)close(sign);
        (void)close(other);
        assert_int_equal(stack_pick(LAST - 1, LAST, NULL, NULL, NULL), LAST);
}

static bool is_not_last(const void *ctx, int number)
{
        (void)ctx;
        return number != LAST;
}

static void test_none(void **state)
{
        int fd = listen_at("127.77.250.1", 9090);

        (void)state;
        assert_int_equal(stack_pick(0, LAST, is_not_last, NULL, NULL), 0);
        (void)close(fd);
        assert_int_equal(stack_pick(0, LAST, is_not_last, NULL, NULL), LAST);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_in_use),
                cmocka_unit_test(test_spoken_for),
                cmocka_unit_test(test_sign),
                cmocka_unit_test(test_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

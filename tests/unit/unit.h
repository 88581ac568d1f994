/* unit: what every unit test includes. cmocka wants these headers first. */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Fails with the row's name, so that tables of cases stay readable. */
#define ROW(name, condition)                                                                                           \
        do {                                                                                                           \
                if (!(condition)) fail_msg("row '%s': %s", (name), #condition);                                        \
        } while (0)

#endif

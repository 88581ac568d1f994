#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>

#include "common/base/mem.h"
#include "sut/kit/pool.h"
#include "sut/kit/slots.h"

struct taker {
        struct kit_slots *slots;
        enum err result;
        int *order, rank;
        pthread_t thread;
};

static void *taker_run(void *arg)
{
        struct taker *t = arg;

        t->result = kit_slots_enter(t->slots, 10000, NULL);
        if (t->result == ERR_OK) {
                t->rank = __atomic_add_fetch(t->order, 1, __ATOMIC_SEQ_CST);
                kit_slots_leave(t->slots);
        }
        return NULL;
}

static void wait_waiting(struct kit_slots *s, int count)
{
        struct kit_slots_stat stat;

        do {
                sched_yield();
                kit_slots_stat(s, &stat);
        } while (stat.waiting != count);
}

static void test_slots_bound_and_queue(void **state)
{
        struct kit_slots *s;
        struct kit_slots_stat stat;
        int64_t waited = -1;

        (void)state;
        assert_int_equal(kit_slots_new(2, 0, &s), ERR_OK);
        assert_int_equal(kit_slots_enter(s, 0, NULL), ERR_OK);
        assert_int_equal(kit_slots_enter(s, 0, NULL), ERR_OK);
        assert_int_equal(kit_slots_enter(s, 1000, &waited), ERR_LIMIT);
        assert_true(waited >= 0 && waited < 900000);
        kit_slots_resize(s, 2, 1);
        assert_int_equal(kit_slots_enter(s, 20, &waited), ERR_TIMEOUT);
        assert_true(waited >= 20000);
        kit_slots_stat(s, &stat);
        assert_int_equal(stat.busy, 2);
        assert_int_equal(stat.waiting, 0);
        assert_int_equal(stat.refused_count, 1);
        assert_int_equal(stat.timeout_count, 1);
        kit_slots_leave(s);
        assert_int_equal(kit_slots_enter(s, 0, NULL), ERR_OK);
        kit_slots_leave(s);
        kit_slots_leave(s);
        kit_slots_free(s);
}

static void test_slots_first_come_first_served(void **state)
{
        struct taker takers[5];
        struct kit_slots *s;
        int order = 0;

        (void)state;
        assert_int_equal(kit_slots_new(1, 5, &s), ERR_OK);
        assert_int_equal(kit_slots_enter(s, 0, NULL), ERR_OK);
        for (int i = 0; i < 5; i++) {
                takers[i] = (struct taker){ .slots = s, .order = &order };
                pthread_create(&takers[i].thread, NULL, taker_run, &takers[i]);
                wait_waiting(s, i + 1);
        }
        kit_slots_leave(s);
        for (int i = 0; i < 5; i++) {
                pthread_join(takers[i].thread, NULL);
                assert_int_equal(takers[i].result, ERR_OK);
                assert_int_equal(takers[i].rank, i + 1);
        }
        kit_slots_free(s);
}

static void test_slots_growing_lets_waiters_in(void **state)
{
        struct taker takers[2];
        struct kit_slots *s;
        int order = 0;

        (void)state;
        assert_int_equal(kit_slots_new(1, 5, &s), ERR_OK);
        assert_int_equal(kit_slots_enter(s, 0, NULL), ERR_OK);
        for (int i = 0; i < 2; i++) {
                takers[i] = (struct taker){ .slots = s, .order = &order };
                pthread_create(&takers[i].thread, NULL, taker_run, &takers[i]);
        }
        wait_waiting(s, 2);
        kit_slots_resize(s, 3, 5);
        for (int i = 0; i < 2; i++) pthread_join(takers[i].thread, NULL);
        assert_int_equal(order, 2);
        kit_slots_leave(s);
        kit_slots_free(s);
}

static void test_slots_close_wakes(void **state)
{
        struct taker taker;
        struct kit_slots *s;
        int order = 0;

        (void)state;
        assert_int_equal(kit_slots_new(1, 5, &s), ERR_OK);
        assert_int_equal(kit_slots_enter(s, 0, NULL), ERR_OK);
        taker = (struct taker){ .slots = s, .order = &order };
        pthread_create(&taker.thread, NULL, taker_run, &taker);
        wait_waiting(s, 1);
        kit_slots_close(s);
        pthread_join(taker.thread, NULL);
        assert_int_equal(taker.result, ERR_STATE);
        assert_int_equal(kit_slots_enter(s, 1000, NULL), ERR_STATE);
        kit_slots_leave(s);
        kit_slots_free(s);
}

struct box {
        int opened, closed;
        bool refuse;
};

static enum err box_open(void *ctx, void **ret_item, struct err_note *reterr)
{
        struct box *box = ctx;

        if (box->refuse) return err_note(reterr, ERR_UNAVAILABLE, "nobody there");
        box->opened++;
        *ret_item = mem_alloc(1);
        return *ret_item ? ERR_OK : ERR_NOMEM;
}

static void box_close(void *ctx, void *item)
{
        struct box *box = ctx;

        box->closed++;
        mem_free(item);
}

static struct kit_pool *pool_of(struct box *box, int size)
{
        struct kit_pool_ops ops = { .open = box_open, .close = box_close, .ctx = box };
        struct kit_pool *p = NULL;

        assert_int_equal(kit_pool_new(&ops, size, 8, &p), ERR_OK);
        return p;
}

static void test_pool_reuses_and_bounds(void **state)
{
        struct box box = { 0 };
        struct kit_pool *p = pool_of(&box, 2);
        struct kit_pool_stat stat;
        struct err_note note;
        void *a, *b, *c = &box;

        (void)state;
        assert_int_equal(kit_pool_take(p, 0, &a, NULL, &note), ERR_OK);
        assert_int_equal(kit_pool_take(p, 0, &b, NULL, &note), ERR_OK);
        assert_int_equal(kit_pool_take(p, 5, &c, NULL, &note), ERR_TIMEOUT);
        assert_ptr_equal(c, &box); /* untouched */
        assert_string_equal(note.text, "no connection became free within 5 ms (pool size 2)");
        kit_pool_give(p, b, false);
        assert_int_equal(kit_pool_take(p, 0, &c, NULL, &note), ERR_OK);
        assert_ptr_equal(c, b);
        assert_int_equal(box.opened, 2);
        kit_pool_give(p, c, true); /* broken: closed, and the next one is new */
        assert_int_equal(box.closed, 1);
        assert_int_equal(kit_pool_take(p, 0, &b, NULL, &note), ERR_OK);
        assert_int_equal(box.opened, 3);
        kit_pool_give(p, a, false);
        kit_pool_give(p, b, false);
        kit_pool_stat(p, &stat);
        assert_int_equal(stat.idle, 2);
        assert_int_equal(stat.used, 0);
        assert_int_equal(stat.refused_count, 1);
        kit_pool_free(p);
        assert_int_equal(box.closed, 3);
}

static void test_pool_resize_and_flush(void **state)
{
        struct box box = { 0 };
        struct kit_pool *p = pool_of(&box, 4);
        struct kit_pool_stat stat;
        void *items[4], *more;

        (void)state;
        for (int i = 0; i < 4; i++) assert_int_equal(kit_pool_take(p, 0, &items[i], NULL, NULL), ERR_OK);
        kit_pool_resize(p, 2);
        kit_pool_give(p, items[0], false);
        kit_pool_give(p, items[1], false);
        assert_int_equal(box.closed, 2); /* above the new size */
        assert_int_equal(kit_pool_take(p, 0, &more, NULL, NULL), ERR_TIMEOUT);
        kit_pool_give(p, items[2], false);
        kit_pool_flush(p);
        assert_int_equal(box.closed, 3);
        kit_pool_give(p, items[3], false); /* taken before the flush */
        assert_int_equal(box.closed, 4);
        kit_pool_stat(p, &stat);
        assert_int_equal(stat.idle, 0);
        assert_int_equal(stat.size, 2);
        kit_pool_free(p);
}

static void test_pool_failed_open_frees_the_slot(void **state)
{
        struct box box = { .refuse = true };
        struct kit_pool *p = pool_of(&box, 1);
        struct err_note note;
        void *item;

        (void)state;
        assert_int_equal(kit_pool_take(p, 0, &item, NULL, &note), ERR_UNAVAILABLE);
        assert_string_equal(note.text, "nobody there");
        box.refuse = false;
        assert_int_equal(kit_pool_take(p, 0, &item, NULL, &note), ERR_OK);
        kit_pool_give(p, item, false);
        kit_pool_free(p);
}

static void test_constructors_fail_clean(void **state)
{
        struct kit_pool_ops ops = { .open = box_open, .close = box_close };

        (void)state;
        for (size_t nth = 1;; nth++) {
                struct kit_pool *p = NULL;
                enum err e;
                bool fired;

                fault_arm(nth, false);
                e = kit_pool_new(&ops, 1, 1, &p);
                fired = fault_disarm();
                assert_int_equal(fired, e != ERR_OK);
                assert_true(e == ERR_OK || p == NULL);
                kit_pool_free(p);
                assert_int_equal(alloc_live_count(), 0);
                if (!fired) break;
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_slots_bound_and_queue), cmocka_unit_test(test_slots_first_come_first_served),
                cmocka_unit_test(test_slots_growing_lets_waiters_in), cmocka_unit_test(test_slots_close_wakes),
                cmocka_unit_test(test_pool_reuses_and_bounds), cmocka_unit_test(test_pool_resize_and_flush),
                cmocka_unit_test(test_pool_failed_open_frees_the_slot), cmocka_unit_test(test_constructors_fail_clean),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

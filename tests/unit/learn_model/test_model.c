/* Hostile model files: cut, damaged, foreign, implausible. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/mem.h"
#include "learn/model/model.h"

static struct buf file;

static int setup(void **state)
{
        struct model *m = NULL;

        (void)state;
        if (model_new(&m)) return 1;
        strcpy(m->name, "tiny");
        for (int i = 0; i < MODEL_KNOTS; i++) m->calibration.score[i] = (float)i, m->calibration.p[i] = (float)i / MODEL_KNOTS;
        m->table->q[7][ACT_SOFT][REW_OVER] = -1.5f;
        m->table->visits[7][ACT_SOFT] = 3;
        m->table->visits[FEAT_STATES - 1][ACT_HARD] = 1;
        m->feat->sure = .8f;
        m->origin.seed = 42;
        buf_init(&file, MODEL_BYTES_MAX);
        enum err e = model_write(m, &file, NULL);

        model_free(m);
        return e != ERR_OK;
}

static int teardown(void **state)
{
        (void)state;
        buf_done(&file);
        return 0;
}

static void reads_what_was_written(void **state)
{
        struct model *m = NULL;
        struct buf again;

        (void)state;
        assert_int_equal(model_read(file.data, file.size_bytes, &m, NULL), ERR_OK);
        assert_string_equal(m->name, "tiny");
        assert_true(m->table->q[7][ACT_SOFT][REW_OVER] == -1.5f);
        assert_int_equal(m->table->visits[FEAT_STATES - 1][ACT_HARD], 1);
        assert_int_equal(m->origin.seed, 42);
        buf_init(&again, MODEL_BYTES_MAX);
        assert_int_equal(model_write(m, &again, NULL), ERR_OK);
        assert_int_equal(again.size_bytes, file.size_bytes);
        assert_memory_equal(again.data, file.data, file.size_bytes);
        buf_done(&again);
        model_free(m);
}

static void reseal(uint8_t *bytes, size_t size)
{
        uint64_t sum = model_fingerprint(bytes, size - 8);

        memcpy(bytes + size - 8, &sum, 8);
}

static void refuses(const uint8_t *bytes, size_t size, enum err want, const char *says)
{
        struct model *m = (struct model *)&file;
        struct err_note note = { 0 };

        assert_int_equal(model_read(bytes, size, &m, &note), want);
        assert_ptr_equal(m, &file);
        if (!strstr(note.text, says)) fail_msg("'%s' does not say '%s'", note.text, says);
}

static void refuses_with_a_reason(void **state)
{
        uint8_t *bytes = mem_alloc(file.size_bytes);
        const size_t size = file.size_bytes, name_at = 16, kind_at = name_at + MODEL_NAME_BYTES, shape_at = kind_at + 4;
        uint32_t word = 9;
        float nan_value = __builtin_nanf("");

        (void)state;
        assert_non_null(bytes);
        memcpy(bytes, file.data, size);
        refuses(bytes, 0, ERR_PARSE, "not a model file");
        refuses((const uint8_t *)"PNG and then some more bytes", 27, ERR_PARSE, "not a model file");
        refuses(bytes, size - 1, ERR_CORRUPT, "head says");
        bytes[size / 2] ^= 4;
        refuses(bytes, size, ERR_CORRUPT, "checksum");
        memcpy(bytes, file.data, size);
        memcpy(bytes + 4, &word, 4);
        refuses(bytes, size, ERR_UNSUPPORTED, "version 9");
        memcpy(bytes, file.data, size);
        memcpy(bytes + kind_at, &word, 4), reseal(bytes, size);
        refuses(bytes, size, ERR_UNSUPPORTED, "kind 9");
        memcpy(bytes, file.data, size);
        memcpy(bytes + shape_at, &word, 4), reseal(bytes, size);
        refuses(bytes, size, ERR_UNSUPPORTED, "9 states");
        memcpy(bytes, file.data, size);
        memset(bytes + name_at, 'x', MODEL_NAME_BYTES), reseal(bytes, size);
        refuses(bytes, size, ERR_CORRUPT, "name");
        memcpy(bytes, file.data, size);
        bytes[name_at] = 7, reseal(bytes, size);
        refuses(bytes, size, ERR_CORRUPT, "printable");
        /* The last row's last visits are 12 bytes before the end; its first value 100 bytes. */
        memcpy(bytes, file.data, size);
        memcpy(bytes + size - 12 - 100, &nan_value, 4), reseal(bytes, size);
        refuses(bytes, size, ERR_CORRUPT, "table");
        mem_free(bytes);
}

/* Every byte flipped, with the checksum made good again: never a crash, and what is accepted can be written back. */
static void survives_any_flip(void **state)
{
        uint8_t *bytes = mem_alloc(file.size_bytes);

        (void)state;
        assert_non_null(bytes);
        for (size_t at = 16; at < file.size_bytes - 8; at += at < 400 ? 1 : 61) {
                struct model *m = NULL;

                memcpy(bytes, file.data, file.size_bytes);
                bytes[at] ^= 0xff;
                reseal(bytes, file.size_bytes);
                if (model_read(bytes, file.size_bytes, &m, NULL) != ERR_OK) assert_null(m);
                model_free(m);
        }
        mem_free(bytes);
}

static void fails_cleanly(void **state)
{
        (void)state;
        for (size_t nth = 1;; nth++) {
                size_t live = alloc_live_count();
                struct model *m = NULL;
                bool fired;
                enum err e;

                fault_arm(nth, false);
                e = model_read(file.data, file.size_bytes, &m, NULL);
                fired = fault_disarm();
                assert_int_equal(fired, e != ERR_OK);
                model_free(m);
                assert_int_equal(alloc_live_count(), live);
                if (!fired) break;
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reads_what_was_written), cmocka_unit_test(refuses_with_a_reason),
                cmocka_unit_test(survives_any_flip),      cmocka_unit_test(fails_cleanly),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}

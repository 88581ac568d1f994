/* Hostile model files: cut, damaged, foreign, implausible. */
#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

#include "common/base/mem.h"
#include "learn/model/model.h"
#include "learn/nn/dqn.h"

static struct buf file;      /* of a table */
static struct buf net_file;  /* of a network */

static struct model *tiny(void)
{
        struct model *m = NULL;

        assert_int_equal(model_new(&m), ERR_OK);
        strcpy(m->name, "tiny");
        m->origin.gamma = .99f;
        for (int i = 0; i < MODEL_KNOTS; i++) m->calibration.score[i] = (float)i, m->calibration.p[i] = (float)i / MODEL_KNOTS;
        m->table->q[7][ACT_SOFT][REW_OVER] = -1.5f;
        m->table->visits[7][ACT_SOFT] = 3;
        m->table->visits[FEAT_STATES - 1][ACT_HARD] = 1;
        m->feat->sure = .8f;
        m->origin.seed = 42;
        return m;
}

static struct model *tiny_net(void)
{
        struct model *m = tiny();

        m->kind = MODEL_DQN;
        m->net_count = DQN_FLOATS;
        m->net = mem_zalloc(DQN_FLOATS, sizeof *m->net);
        assert_non_null(m->net);
        return m;
}

static int setup(void **state)
{
        struct model *m = tiny(), *n = tiny_net();
        enum err e;

        (void)state;
        buf_init(&file, MODEL_BYTES_MAX);
        buf_init(&net_file, MODEL_BYTES_MAX);
        e = model_write(m, &file, NULL);
        if (!e) e = model_write(n, &net_file, NULL);
        model_free(m);
        model_free(n);
        return e != ERR_OK;
}

static int teardown(void **state)
{
        (void)state;
        buf_done(&file);
        buf_done(&net_file);
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

/* ---- each section: not a number, no end, too much, a wrong count, cut short ---- */

/* A float of the model, by what holds it. */
struct place {
        const char *name;
        enum { IN_MODEL, IN_FEAT, IN_TABLE, IN_NET } in;
        size_t offset;
};
#define MODEL_AT(field) { #field, IN_MODEL, offsetof(struct model, field) }
#define FEAT_AT(field) { #field, IN_FEAT, offsetof(struct feat_params, field) }
#define TABLE_AT(field) { #field, IN_TABLE, offsetof(struct qtab, field) }
#define NET_AT(index) { "net[" #index "]", IN_NET, (index) * sizeof(float) }

static char *in_memory(struct model *m, const struct place *p)
{
        char *const base[] = { (char *)m, (char *)m->feat, (char *)m->table, (char *)m->net };

        return base[p->in] + p->offset;
}

/* Where in the file it stands: where a file with that one field changed differs first. So the test knows no layout. */
static size_t in_file(const struct place *p)
{
        struct model *m = p->in == IN_NET ? tiny_net() : tiny();
        const struct buf *plain = p->in == IN_NET ? &net_file : &file;
        char *at = in_memory(m, p);
        AUTO_BUF changed = { 0 };
        size_t i = 0;

        for (size_t k = 0; k < sizeof(float); k++) at[k] ^= 0x5a;
        buf_init(&changed, MODEL_BYTES_MAX);
        assert_int_equal(model_write(m, &changed, NULL), ERR_OK);
        model_free(m);
        while (i < plain->size_bytes && changed.data[i] == plain->data[i]) i++;
        if (i >= plain->size_bytes - 8) fail_msg("%s is not in the file", p->name);
        return i;
}

/* The file with `size` bytes put at `at`, sealed anew. */
static void refuses_patched(const struct buf *plain, size_t at, const void *with, size_t size, const char *says)
{
        uint8_t *bytes = mem_alloc(plain->size_bytes);

        assert_non_null(bytes);
        memcpy(bytes, plain->data, plain->size_bytes);
        memcpy(bytes + at, with, size);
        reseal(bytes, plain->size_bytes);
        refuses(bytes, plain->size_bytes, ERR_CORRUPT, says);
        mem_free(bytes);
}

static const struct section_row {
        struct place place;
        const char *says;
} section_rows[] = {
        { MODEL_AT(origin.gamma), "origin" }, { MODEL_AT(origin.train_return), "origin" },
        { MODEL_AT(calibration.score[0]), "calibration" }, { MODEL_AT(calibration.score[MODEL_KNOTS - 1]), "calibration" }, { MODEL_AT(calibration.p[0]), "calibration" },
        { MODEL_AT(calibration.p[MODEL_KNOTS - 1]), "calibration" }, { MODEL_AT(calibration.slack), "calibration" }, { MODEL_AT(calibration.surprise_max), "calibration" },
        { MODEL_AT(calibration.ece), "calibration" }, { MODEL_AT(calibration.coverage), "calibration" }, { MODEL_AT(calibration.abstention), "calibration" },
        { MODEL_AT(calibration.p_nothing_max), "calibration" },
        { MODEL_AT(tuned), "rule's threshold" }, { MODEL_AT(fallback), "rule's threshold" },
        { FEAT_AT(belief.move), "probability of the filter" }, { FEAT_AT(belief.from_none), "probability of the filter" }, { FEAT_AT(belief.after_crash), "probability of the filter" },
        { FEAT_AT(belief.mean), "observation model" }, { FEAT_AT(belief.precision), "observation model" }, { FEAT_AT(belief.weight), "observation model" },
        { FEAT_AT(sev_edge), "edges" }, { FEAT_AT(error_edge), "edges" }, { FEAT_AT(trend_edge), "edges" }, { FEAT_AT(history_edge), "edges" }, { FEAT_AT(since_edge), "edges" },
        { FEAT_AT(sure), "features are out of range" }, { FEAT_AT(kmeans), "features are out of range" }, { FEAT_AT(kmeans_scale), "features are out of range" },
        { TABLE_AT(q[7]), "value of the table" }, { TABLE_AT(q[FEAT_STATES - 1]), "value of the table" },
        { NET_AT(0), "weight of the network" }, { NET_AT(DQN_FLOATS - 1), "weight of the network" },
};

static void values_of_each_section(void **state)
{
        const float hostile[] = { NAN, INFINITY, -INFINITY, 1e30f, -1e30f };

        (void)state;
        for (size_t i = 0; i < sizeof section_rows / sizeof *section_rows; i++) {
                const struct section_row *row = &section_rows[i];

                for (size_t k = 0; k < sizeof hostile / sizeof *hostile; k++)
                        refuses_patched(row->place.in == IN_NET ? &net_file : &file, in_file(&row->place), &hostile[k], sizeof hostile[k], row->says);
        }
}

/* What is a number and yet none of these. */
static void values_out_of_their_range(void **state)
{
        static const struct {
                struct place place;
                float value;
                const char *says;
        } rows[] = {
                { MODEL_AT(origin.gamma), 1.5f, "origin" },
                { MODEL_AT(calibration.p[3]), 1.01f, "calibration" },
                { MODEL_AT(calibration.p[3]), 0, "calibration" },       /* lower than the one before */
                { MODEL_AT(calibration.score[3]), 0, "calibration" },
                { MODEL_AT(calibration.slack), -1, "calibration" },
                { MODEL_AT(calibration.coverage), 1.01f, "calibration" },
                { FEAT_AT(belief.move), -.01f, "probability of the filter" },
                { FEAT_AT(belief.precision), -1, "observation model" },
                { FEAT_AT(sev_edge[0]), 1, "edges" },                   /* higher than those after it */
                { FEAT_AT(since_edge[0]), 1, "edges" },
                { FEAT_AT(sure), 1.01f, "features" },
                { FEAT_AT(kmeans_scale), -1, "features" },
                { NET_AT(5), 10001, "weight" },
        };
        const uint32_t ablation = FEAT_ABLATIONS;

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
                refuses_patched(rows[i].place.in == IN_NET ? &net_file : &file, in_file(&rows[i].place), &rows[i].value, sizeof rows[i].value, rows[i].says);
        refuses_patched(&file, in_file(&(struct place)FEAT_AT(ablation)), &ablation, sizeof ablation, "features");
}

/* The table: a count, then for each row its state and what is in it. The network: a count, then the weights. */
static void wrong_counts(void **state)
{
        const size_t row = in_file(&(struct place)TABLE_AT(q[7])), last = in_file(&(struct place)TABLE_AT(q[FEAT_STATES - 1]));
        const struct {
                const char *name;
                const struct buf *plain;
                size_t at;
                uint32_t word;
                const char *says;
        } rows[] = {
                { "more states than there are", &file, row - 8, FEAT_STATES + 1, "the model's table says that it has" },
                { "a count of all bits", &file, row - 8, UINT32_MAX, "the model's table says that it has 4294967295 states" },
                { "one row too many", &file, row - 8, 3, "row 2 of the model's table is for state 0" },
                { "one row too few", &file, row - 8, 1, "weights, one of kind qtab has 0" },
                { "no rows at all", &file, row - 8, 0, "network says that it has 7 weights" },
                { "a state that is not there", &file, row - 4, FEAT_STATES, "row 0 of the model's table is for state" },
                { "a state of all bits", &file, last - 4, UINT32_MAX, "row 1 of the model's table is for state 4294967295" },
                { "the same state twice", &file, last - 4, 7, "row 1 of the model's table is for state 7, expected 8 to" },
                { "a table with a network", &file, file.size_bytes - 12, 1, "network says that it has 1 weights, one of kind qtab has 0" },
                { "a network without weights", &net_file, in_file(&(struct place)NET_AT(0)) - 4, 0, "network says that it has 0 weights, one of kind dqn has" },
                { "a network of one weight", &net_file, in_file(&(struct place)NET_AT(0)) - 4, 1, "network says that it has 1 weights" },
                { "a network one short", &net_file, in_file(&(struct place)NET_AT(0)) - 4, DQN_FLOATS - 1, "one of kind dqn has" },
                { "a network one long", &net_file, in_file(&(struct place)NET_AT(0)) - 4, DQN_FLOATS + 1, "one of kind dqn has" },
                { "a network whose size in bytes wraps", &net_file, in_file(&(struct place)NET_AT(0)) - 4, UINT32_MAX, "one of kind dqn has" },
                { "a network that wraps to what it has", &net_file, in_file(&(struct place)NET_AT(0)) - 4, DQN_FLOATS + (1u << 30), "one of kind dqn has" },
                { "a network said to be a table", &net_file, 16 + MODEL_NAME_BYTES, MODEL_QTAB, "one of kind qtab has 0" },
                { "a table said to be a network", &file, 16 + MODEL_NAME_BYTES, MODEL_DQN, "network says that it has 0 weights" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) refuses_patched(rows[i].plain, rows[i].at, &rows[i].word, sizeof rows[i].word, rows[i].says);
}

/* The file ends at `end`, or has bytes more than it should; its head and seal agree with that. */
static void refuses_resized(const struct buf *plain, size_t end, const char *says)
{
        size_t size = end + 8;
        uint8_t *bytes = mem_zalloc(size, 1);
        uint64_t body = end - 16;

        assert_non_null(bytes);
        memcpy(bytes, plain->data, end < plain->size_bytes - 8 ? end : plain->size_bytes - 8);
        memcpy(bytes + 8, &body, 8);
        reseal(bytes, size);
        refuses(bytes, size, ERR_CORRUPT, says);
        mem_free(bytes);
}

/* At the beginning, in the middle and just before the end of each section. */
static void cut_in_each_section(void **state)
{
        const size_t calibration = in_file(&(struct place)MODEL_AT(calibration.score[0])), features = in_file(&(struct place)FEAT_AT(belief.move)), scale = in_file(&(struct place)FEAT_AT(kmeans_scale)),
                     row = in_file(&(struct place)TABLE_AT(q[7])), last = in_file(&(struct place)TABLE_AT(q[FEAT_STATES - 1])), net = in_file(&(struct place)NET_AT(0));
        const struct {
                const struct buf *plain;
                size_t end;
                const char *says;
        } rows[] = {
                { &file, 16, "cut short in its head" }, { &file, 17, "cut short in its head" }, { &file, calibration - 1, "cut short in its head" },
                { &file, calibration, "cut short in its calibration" }, { &file, calibration + 3, "cut short in its calibration" }, { &file, features, "cut short in its calibration" },
                { &file, features + 4, "features" }, { &file, scale, "features" }, { &file, row - 9, "features" },
                { &file, row - 8, "cut short in its table" }, { &file, row - 5, "cut short in its table" }, { &file, row - 4, "cut short in its table" }, { &file, row, "cut short in its table" },
                { &file, row + 50, "cut short in its table" }, { &file, last - 1, "cut short in its table" }, { &file, file.size_bytes - 13, "cut short in its table" },
                { &file, file.size_bytes - 12, "cut short in its network" }, { &file, file.size_bytes - 9, "cut short in its network" }, { &file, file.size_bytes - 7, "1 bytes follow the end" },
                { &net_file, net, "cut short in its network" }, { &net_file, net + 4000, "cut short in its network" }, { &net_file, net_file.size_bytes - 9, "cut short in its network" },
                { &net_file, net_file.size_bytes + 92, "100 bytes follow the end" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) refuses_resized(rows[i].plain, rows[i].end, rows[i].says);
}

static void a_network_is_read_back(void **state)
{
        struct model *m = NULL;

        (void)state;
        assert_int_equal(model_read(net_file.data, net_file.size_bytes, &m, NULL), ERR_OK);
        assert_int_equal(m->kind, MODEL_DQN);
        assert_int_equal(m->net_count, DQN_FLOATS);
        model_free(m);
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
                cmocka_unit_test(values_of_each_section), cmocka_unit_test(values_out_of_their_range),
                cmocka_unit_test(wrong_counts),           cmocka_unit_test(cut_in_each_section),
                cmocka_unit_test(a_network_is_read_back),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}

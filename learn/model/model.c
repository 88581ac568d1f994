#include "learn/model/model.h"

#include <math.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/hash.h"
#include "common/base/mem.h"
#include "learn/nn/dqn.h"

static const char magic[4] = { 'F', 'D', 'L', 'M' };

enum { HEAD_BYTES = 4 + 4 + 8, TAIL_BYTES = 8 };

enum err model_new(struct model **ret)
{
        AUTO(model_free) struct model *m = mem_zalloc(1, sizeof *m);

        if (!m) return ERR_NOMEM;
        m->feat = mem_aligned(64, sizeof *m->feat);
        m->table = mem_zalloc(1, sizeof *m->table);
        if (!m->feat || !m->table) return ERR_NOMEM;
        *ret = take(&m);
        return ERR_OK;
}

void model_free(struct model *m)
{
        if (!m) return;
        mem_free(m->feat);
        mem_free(m->table);
        mem_free(m->net);
        mem_free(m);
}

const char *model_kind_name(enum model_kind kind)
{
        return kind == MODEL_QTAB ? "qtab" : kind == MODEL_DQN ? "dqn" : "unknown";
}

uint64_t model_fingerprint(const void *bytes, size_t size_bytes)
{
        return hash_fnv(HASH_FNV_START, bytes, size_bytes);
}

uint64_t kernel_fingerprint(const struct sim_kernel *k)
{
        return hash_fnv(HASH_FNV_START, k, sizeof *k);
}

/* One walk over all fields serves writing and reading: the order exists once. */
struct walk {
        struct buf *to;            /* writing */
        const uint8_t *from;       /* reading */
        size_t left;
        const char *section;       /* what is being read */
        bool short_of_bytes;
};

static void field(struct walk *w, void *value, size_t size_bytes)
{
        if (w->to) {
                buf_append(w->to, value, size_bytes);
        } else if (w->left < size_bytes) {
                w->short_of_bytes = true;
                memset(value, 0, size_bytes);
        } else {
                memcpy(value, w->from, size_bytes);
                w->from += size_bytes;
                w->left -= size_bytes;
        }
}
#define FIELD(value) field(w, &(value), sizeof(value))
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file's byte order is the machine's");

struct shape {
        uint32_t states, actions, columns, vector, modes, severities, channels;
};
static const struct shape shape_ours = { FEAT_STATES, ACT_COUNT, REW_COUNT, FEAT_VECTOR, MODE_COUNT, SIM_SEVS, SIM_CHANNELS };

static void walk_head(struct walk *w, struct model *m, struct shape *shape, uint32_t *kind)
{
        FIELD(m->name);
        FIELD(*kind);
        FIELD(*shape);
        FIELD(m->origin.seed);
        FIELD(m->origin.kernel_fingerprint);
        FIELD(m->origin.episodes);
        FIELD(m->origin.steps);
        FIELD(m->origin.collect_episodes);
        FIELD(m->origin.tune_candidates);
        FIELD(m->origin.gamma);
        FIELD(m->origin.train_return);
}

static void walk_rest(struct walk *w, struct model *m)
{
        struct feat_params *f = m->feat;

        FIELD(m->calibration.score);
        FIELD(m->calibration.p);
        FIELD(m->calibration.slack);
        FIELD(m->calibration.surprise_max);
        FIELD(m->calibration.seed);
        FIELD(m->calibration.samples);
        FIELD(m->calibration.ece);
        FIELD(m->calibration.coverage);
        FIELD(m->calibration.abstention);
        FIELD(m->calibration.p_nothing_max);
        FIELD(m->tuned);
        FIELD(m->fallback);
        FIELD(f->belief.move);
        FIELD(f->belief.from_none);
        FIELD(f->belief.after_crash);
        FIELD(f->belief.mean);
        FIELD(f->belief.precision);
        FIELD(f->belief.weight);
        FIELD(f->sev_edge);
        FIELD(f->error_edge);
        FIELD(f->trend_edge);
        FIELD(f->history_edge);
        FIELD(f->since_edge);
        FIELD(f->sure);
        FIELD(f->kmeans);
        FIELD(f->kmeans_scale);
        FIELD(f->ablation);
}

static void walk_row(struct walk *w, struct qtab *t, uint32_t state)
{
        FIELD(t->q[state]);
        FIELD(t->visits[state]);
}

static bool visited(const struct qtab *t, uint32_t state)
{
        uint32_t visits = 0;

        for (int a = 0; a < ACT_COUNT; a++) visits |= t->visits[state][a];
        return visits != 0;
}

/* Only visited states are kept: how many, then of each the number and the row, ascending. */
static void table_write(struct walk *w, struct qtab *t)
{
        uint32_t count = 0;

        for (uint32_t state = 0; state < FEAT_STATES; state++) count += visited(t, state);
        FIELD(count);
        for (uint32_t state = 0; state < FEAT_STATES; state++) {
                if (!visited(t, state)) continue;
                FIELD(state);
                walk_row(w, t, state);
        }
}

static enum err table_read(struct walk *w, struct qtab *t, struct err_note *reterr)
{
        uint32_t count, state, next = 0;

        w->section = "table";
        FIELD(count);
        if (count > FEAT_STATES) return err_note(reterr, ERR_CORRUPT, "the model's table says that it has %u states, there are %d", count, FEAT_STATES);
        for (uint32_t i = 0; i < count && !w->short_of_bytes; i++) {
                FIELD(state);
                if (w->short_of_bytes) break;
                if (state >= FEAT_STATES || state < next)
                        return err_note(reterr, ERR_CORRUPT, "row %u of the model's table is for state %u, expected %u to %d", i, state, next, FEAT_STATES - 1);
                walk_row(w, t, state);
                next = state + 1;
        }
        return ERR_OK;
}

enum err model_write(const struct model *m, struct buf *to, struct err_note *reterr)
{
        struct walk walk = { .to = to }, *w = &walk;
        size_t start = to->size_bytes;
        struct shape shape = shape_ours;
        uint32_t version = MODEL_VERSION, kind = m->kind, net_count = m->net_count;
        uint64_t body = 0, sum;

        buf_append(to, magic, sizeof magic);
        FIELD(version);
        FIELD(body);
        size_t body_at = to->size_bytes;

        walk_head(w, (struct model *)m, &shape, &kind); /* writing does not change it */
        walk_rest(w, (struct model *)m);
        table_write(w, m->table);
        FIELD(net_count);
        buf_append(to, m->net, net_count * sizeof *m->net);
        if (buf_status(to)) return err_note(reterr, buf_status(to), "the model does not fit into %zu bytes", to->max_bytes);
        body = to->size_bytes - body_at;
        memcpy(to->data + start + 8, &body, sizeof body);
        sum = model_fingerprint(to->data + start, to->size_bytes - start);
        FIELD(sum);
        return buf_status(to) ? err_note(reterr, buf_status(to), "the model does not fit into %zu bytes", to->max_bytes) : ERR_OK;
}

/* Not a number is between nothing. */
static bool between(float x, float lo, float hi)
{
        return x >= lo && x <= hi;
}

static bool finite_all(const void *bytes, size_t size_bytes, float lo, float hi)
{
        for (size_t i = 0; i < size_bytes / sizeof(float); i++) {
                float x;

                memcpy(&x, (const char *)bytes + i * sizeof x, sizeof x);
                if (!between(x, lo, hi)) return false;
        }
        return true;
}

static bool ascending(const float *x, int count)
{
        for (int i = 1; i < count; i++)
                if (x[i] < x[i - 1]) return false;
        return true;
}
#define FINITE(array, lo, hi) finite_all((array), sizeof(array), (lo), (hi))

/* Values that would mislead or crash a reader are damage, however good the checksum. */
static const char *implausible(const struct model *m)
{
        const struct feat_params *f = m->feat;
        const struct belief_params *b = &f->belief;
        const struct model_calibration *c = &m->calibration;

        if (!between(m->origin.gamma, 0, 1) || !between(m->origin.train_return, -1e9f, 1e9f)) return "the origin is out of range";
        if (!FINITE(b->move, 0, 1.001f) || !FINITE(b->from_none, 0, 1.001f) || !FINITE(b->after_crash, 0, 1.001f)) return "a probability of the filter is outside 0..1";
        if (!FINITE(b->mean, -1e6f, 1e6f) || !FINITE(b->precision, 0, 1e9f) || !FINITE(b->weight, 0, 1e9f)) return "the filter's observation model is out of range";
        if (!ascending(f->sev_edge, FEAT_SEV_BINS - 1) || !ascending(f->error_edge, FEAT_SEV_BINS - 1) || !ascending(f->history_edge, FEAT_HISTORY_BINS - 1) ||
            !ascending(f->since_edge, FEAT_SINCE_BINS - 1) || !FINITE(f->sev_edge, -1e6f, 1e6f) || !FINITE(f->error_edge, -1e6f, 1e6f) ||
            !FINITE(f->trend_edge, -1e6f, 1e6f) || !FINITE(f->history_edge, -1e6f, 1e6f) || !FINITE(f->since_edge, -1e6f, 1e6f))
                return "a feature's edges do not ascend";
        if (!FINITE(f->kmeans, -1e6f, 1e6f) || !FINITE(f->kmeans_scale, 0, 1e6f) || !between(f->sure, 0, 1) || f->ablation >= FEAT_ABLATIONS) return "the features are out of range";
        if (!FINITE(c->score, -1e6f, 1e6f) || !ascending(c->score, MODEL_KNOTS) || !ascending(c->p, MODEL_KNOTS) || !FINITE(c->p, 0, 1) || !between(c->slack, 0, 1e6f) ||
            !between(c->surprise_max, 0, 1e9f) || !between(c->p_nothing_max, 0, 1) || !between(c->ece, 0, 1) || !between(c->coverage, 0, 1) || !between(c->abstention, 0, 1))
                return "the calibration is out of range";
        if (!finite_all(&m->tuned, sizeof m->tuned, -1e6f, 1e6f) || !finite_all(&m->fallback, sizeof m->fallback, -1e6f, 1e6f)) return "a rule's threshold is out of range";
        if (!FINITE(m->table->q, -1e6f, 1e6f)) return "a value of the table is out of range";
        if (m->net_count && !finite_all(m->net, m->net_count * sizeof *m->net, -1e4f, 1e4f)) return "a weight of the network is out of range";
        for (size_t i = 0; i < sizeof m->name && m->name[i]; i++)
                if (m->name[i] < 32 || m->name[i] > 126) return "the name is not printable";
        return NULL;
}

static enum err cut_short(const struct walk *w, struct err_note *reterr)
{
        return err_note(reterr, ERR_CORRUPT, "the model file is cut short in its %s", w->section);
}

/* A network of another size would be read beyond its end: it is exactly what the kind says. */
static enum err net_read(struct walk *w, struct model *m, struct err_note *reterr)
{
        uint32_t want = m->kind == MODEL_DQN ? DQN_FLOATS : 0, bytes = want * (uint32_t)sizeof *m->net;

        w->section = "network";
        FIELD(m->net_count);
        if (w->short_of_bytes) return cut_short(w, reterr);
        if (m->net_count != want)
                return err_note(reterr, ERR_CORRUPT, "the model's network says that it has %u weights, one of kind %s has %u", m->net_count, model_kind_name(m->kind), want);
        if (w->left < bytes) return cut_short(w, reterr);
        if (w->left > bytes) return err_note(reterr, ERR_CORRUPT, "%zu bytes follow the end of the model", w->left - bytes);
        if (!want) return ERR_OK;
        m->net = mem_alloc(bytes);
        if (!m->net) return err_note(reterr, ERR_NOMEM, "no memory for a network of %u weights", want);
        field(w, m->net, bytes);
        return ERR_OK;
}

static enum err body_read(struct walk *w, struct model *m, struct err_note *reterr)
{
        struct shape shape;
        uint32_t kind;
        enum err e;

        w->section = "head";
        walk_head(w, m, &shape, &kind);
        if (w->short_of_bytes) return cut_short(w, reterr);
        if (memcmp(&shape, &shape_ours, sizeof shape) != 0)
                return err_note(reterr, ERR_UNSUPPORTED, "the model was made for %u states of %u actions, this program has %u of %u: train it again",
                                shape.states, shape.actions, shape_ours.states, shape_ours.actions);
        if (kind >= MODEL_KIND_COUNT) return err_note(reterr, ERR_UNSUPPORTED, "the model is of kind %u, known are 0 (qtab) and 1 (dqn)", kind);
        m->kind = (enum model_kind)kind;
        if (memchr(m->name, 0, sizeof m->name) == NULL) return err_note(reterr, ERR_CORRUPT, "the model's name has no end");
        w->section = "calibration, rules or features";
        walk_rest(w, m);
        if (w->short_of_bytes) return cut_short(w, reterr);
        e = table_read(w, m->table, reterr);
        if (!e && w->short_of_bytes) e = cut_short(w, reterr);
        return e ? e : net_read(w, m, reterr);
}

enum err model_read(const void *bytes, size_t size_bytes, struct model **ret, struct err_note *reterr)
{
        AUTO(model_free) struct model *m = NULL;
        const uint8_t *data = bytes;
        uint32_t version;
        uint64_t body, sum;
        const char *why;
        enum err e;

        if (size_bytes < HEAD_BYTES + TAIL_BYTES || memcmp(data, magic, sizeof magic) != 0)
                return err_note(reterr, ERR_PARSE, "not a model file (it should begin with FDLM)");
        memcpy(&version, data + 4, sizeof version);
        if (version != MODEL_VERSION) return err_note(reterr, ERR_UNSUPPORTED, "the model file has version %u, this program reads %d", version, MODEL_VERSION);
        memcpy(&body, data + 8, sizeof body);
        if (size_bytes > MODEL_BYTES_MAX || body != size_bytes - HEAD_BYTES - TAIL_BYTES)
                return err_note(reterr, ERR_CORRUPT, "the model file is %zu bytes long, its head says %llu", size_bytes, (unsigned long long)body + HEAD_BYTES + TAIL_BYTES);
        memcpy(&sum, data + size_bytes - TAIL_BYTES, sizeof sum);
        if (sum != model_fingerprint(data, size_bytes - TAIL_BYTES)) return err_note(reterr, ERR_CORRUPT, "the model file's checksum is wrong: it was damaged");
        e = model_new(&m);
        if (e) return err_note(reterr, e, "no memory for a model");
        struct walk walk = { .from = data + HEAD_BYTES, .left = (size_t)body };

        e = body_read(&walk, m, reterr);
        if (e) return e;
        why = implausible(m);
        if (why) return err_note(reterr, ERR_CORRUPT, "the model file is damaged: %s", why);
        *ret = take(&m);
        return ERR_OK;
}

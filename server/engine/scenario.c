#include "server/engine/scenario.h"

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"

static const char *const op_texts[] = {
#define X(name, text) text,
        SCENARIO_OP_LIST(X)
#undef X
};

static const char *const trail_texts[] = {
#define X(name, text) text,
        SCENARIO_TRAIL_LIST(X)
#undef X
};

static const char *const mode_texts[] = {
#define X(name, text) text,
        SCENARIO_MODE_LIST(X)
#undef X
};

static const char *const probe_texts[] = {
#define X(name, text) text,
        SCENARIO_PROBE_LIST(X)
#undef X
};

static const char *const read_texts[] = {
#define X(name, text) text,
        SCENARIO_READ_LIST(X)
#undef X
};

static const struct {
        const char *name, *text;
} mechanisms[] = {
#define X(name, text) { #name, text },
        SCENARIO_MECHANISM_LIST(X)
#undef X
};

const char *scenario_op_text(enum scenario_op op)
{
        CHECK((unsigned)op < ARRAY_COUNT(op_texts));
        return op_texts[op];
}

bool scenario_op_holds(enum scenario_op op, double value, double threshold)
{
        switch (op) {
        case SCENARIO_OP_GE: return value >= threshold;
        case SCENARIO_OP_GT: return value > threshold;
        case SCENARIO_OP_LE: return value <= threshold;
        case SCENARIO_OP_LT: return value < threshold;
        case SCENARIO_OP_EQ: return value == threshold;
        case SCENARIO_OP_NE: return value != threshold;
        case SCENARIO_OP_COUNT: break;
        }
        CHECK(!"an operator of the list");
        return false;
}

const char *scenario_trail_text(enum scenario_trail part)
{
        CHECK((unsigned)part < ARRAY_COUNT(trail_texts));
        return trail_texts[part];
}

const char *scenario_mode_text(enum scenario_mode mode)
{
        CHECK((unsigned)mode < ARRAY_COUNT(mode_texts));
        return mode_texts[mode];
}

const char *scenario_probe_text(enum scenario_probe_kind kind)
{
        CHECK((unsigned)kind < ARRAY_COUNT(probe_texts));
        return probe_texts[kind];
}

const char *scenario_read_text(enum scenario_read read)
{
        CHECK((unsigned)read < ARRAY_COUNT(read_texts));
        return read_texts[read];
}

bool scenario_is_sampled(const struct scenario_criterion *c)
{
        return c->kind != SCENARIO_CHECK_REPLAY;
}

enum err scenario_rename(struct scenario *s, const char *name)
{
        const char *copy = arena_strdup(&s->arena, name);

        if (!copy) return ERR_NOMEM;
        s->id = copy;
        return ERR_OK;
}

void scenario_free(struct scenario *s)
{
        if (!s) return;
        arena_done(&s->arena);
        mem_free(s);
}

size_t scenario_mechanism_count(void)
{
        return ARRAY_COUNT(mechanisms);
}

const char *scenario_mechanism_name(size_t index)
{
        CHECK(index < ARRAY_COUNT(mechanisms));
        return mechanisms[index].name;
}

const char *scenario_mechanism_text(size_t index)
{
        CHECK(index < ARRAY_COUNT(mechanisms));
        return mechanisms[index].text;
}

bool scenario_mechanism_known(const char *name)
{
        for (size_t i = 0; i < ARRAY_COUNT(mechanisms); i++)
                if (str_eq(mechanisms[i].name, name)) return true;
        return false;
}

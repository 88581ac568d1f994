/* Why a criterion stands as it does, in words a learner reads beside it. */
#include <math.h>

#include "common/base/str.h"
#include "server/engine/run_internal.h"

static void value_text(const char *unit, double value, struct buf *out)
{
        if (str_eq(unit, "ratio")) buf_printf(out, "%.1f %%", value * 100);
        else if (str_eq(unit, "s") && fabs(value) < 1) buf_printf(out, "%.0f ms", value * 1000);
        else if (str_eq(unit, "s")) buf_printf(out, "%.2f s", value);
        else buf_printf(out, "%.4g%s%s", value, unit[0] ? " " : "", unit);
}

static void rest_reason(const struct run *run, size_t index, struct buf *out)
{
        const struct scenario_criterion *def = &run->s->criteria[index];

        switch (def->mode) {
        case SCENARIO_MODE_BEFORE: buf_str(out, "was met before the incident, and is not judged any more"); break;
        case SCENARIO_MODE_DURING: buf_str(out, "is judged from the beginning of the incident on"); break;
        default: buf_str(out, "is judged once the other criteria are held"); break;
        }
}

void run_criterion_reason(const struct run *run, size_t index, struct buf *out)
{
        static const char *const op_words[] = { "at least", "more than", "at most", "less than", "exactly", "other than" };
        const struct scenario_criterion *def = &run->s->criteria[index];
        const struct run_criterion *c = &run->criteria[index];
        char have[32], need[32];
        double threshold;

        if (def->kind == SCENARIO_CHECK_REPLAY) {
                run_replay_reason(run, index, out);
                return;
        }
        if (!run_is_judged(run, index)) {
                rest_reason(run, index, out);
                return;
        }
        if (!c->known) {
                buf_str(out, !c->since_ms ? "not measured yet" : def->kind == SCENARIO_CHECK_PROBE ? "no data: the probe has no answer" :
                                            "no data: the query has no result");
                return;
        }
        value_text(def->unit, c->value, out);
        if (!run_threshold(run, &def->check, c->query, &threshold)) {
                buf_str(out, "; what is normal is being measured");
                return;
        }
        buf_printf(out, "%s needed is %s ", c->ok ? ";" : ", but", op_words[def->check.op]);
        value_text(def->unit, threshold, out);
        if (def->check.of_baseline) {
                buf_printf(out, " (%.4g x the ", def->check.threshold);
                value_text(def->unit, run->base[c->query].mean, out);
                buf_str(out, " of the healthy system)");
        }
        if (!c->ok && def->reason[0]) buf_printf(out, ". %s", def->reason);
        if (c->ok && !c->held) {
                str_duration(c->held_ms / 1000 * 1000, have, sizeof have);
                str_duration(run_criterion_hold_ms(run, index), need, sizeof need);
                buf_printf(out, "; held %s of %s", have, need);
        }
}

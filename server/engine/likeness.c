/* How alike two scenarios are: a library should teach different kinds of failure, not one failure with different names. */
#include <string.h>

#include "common/base/str.h"
#include "server/engine/scenario_load.h"

enum { LIKENESS_FEATURES_MAX = 160 };

struct feature {
        const char *what, *where, *kind;
        double weight;
};

static void feature_add(struct feature *list, size_t *count, const char *kind, const char *what, const char *where, double weight)
{
        if (*count < LIKENESS_FEATURES_MAX) list[(*count)++] = (struct feature){ what, where, kind, weight };
}

static size_t features_of(const struct scenario *s, struct feature list[LIKENESS_FEATURES_MAX])
{
        size_t count = 0;

        for (size_t i = 0; i < s->cause_count; i++) {
                feature_add(list, &count, "cause", s->causes[i].mechanism, s->causes[i].component, 4);
                if (s->causes[i].object_name[0]) feature_add(list, &count, "object", s->causes[i].object_name, s->causes[i].component, 3);
        }
        for (size_t i = 0; i < s->timeline_count; i++)
                if (s->timeline[i].kind == SCENARIO_FAULT) feature_add(list, &count, "fault", s->timeline[i].step.kind, s->timeline[i].step.on, 2);
        for (size_t i = 0; i < s->solution_count; i++)
                for (size_t k = 0; k < s->solutions[i].count; k++)
                        feature_add(list, &count, "repair", s->solutions[i].step[k].kind, s->solutions[i].step[k].on, 1);
        for (int part = 0; part < SCENARIO_TRAIL_COUNT; part++)
                for (size_t i = 0; i < s->evidence[part].count; i++)
                        feature_add(list, &count, "evidence", s->evidence[part].item[i], "", 0.5);
        return count;
}

static bool feature_in(const struct feature *f, const struct feature *list, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (str_eq(f->kind, list[i].kind) && str_eq(f->what, list[i].what) && str_eq(f->where, list[i].where)) return true;
        return false;
}

double scenario_likeness(const struct scenario *a, const struct scenario *b)
{
        struct feature fa[LIKENESS_FEATURES_MAX], fb[LIKENESS_FEATURES_MAX];
        size_t na = features_of(a, fa), nb = features_of(b, fb);
        double both = 0, either = 0;

        for (size_t i = 0; i < na; i++) {
                either += fa[i].weight;
                if (feature_in(&fa[i], fb, nb)) both += fa[i].weight;
        }
        for (size_t i = 0; i < nb; i++)
                if (!feature_in(&fb[i], fa, na)) either += fb[i].weight;
        return either > 0 ? both / either : 0;
}

void scenario_warn_duplicates(const struct scenario *s, const struct scenario *const *others, size_t count, struct diag_list *diags)
{
        for (size_t i = 0; i < count; i++) {
                double likeness = others[i] == s || str_eq(others[i]->id, s->id) ? 0 : scenario_likeness(s, others[i]);

                if (likeness >= SCENARIO_NEAR_DUPLICATE)
                        diag_warning(diags, 0, 0, "nearly the same as '%s' (%.0f %% alike): teach a different kind of failure, or vary cause, fault and evidence",
                                     others[i]->id, likeness * 100);
        }
}

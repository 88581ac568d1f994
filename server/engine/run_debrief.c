/* The debrief: what happened, what was true, what it cost, and what to take home. JSON for the panel, Markdown for keeping. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/str.h"
#include "common/text/json.h"
#include "server/engine/json_put.h"
#include "server/engine/run_internal.h"
#include "server/engine/run_json.h"
#include "server/engine/scenario_parts.h"

enum { DEBRIEF_COSTLY_MAX = 3 };

struct costly { /* between mark `from` and mark `to` (run->mark_count: the end) */
        size_t from, to;
        double lost;
};

static int64_t at_ms(const struct run *run, int64_t time_ms)
{
        return time_ms - (run->onset_ms ? run->onset_ms : run->created_ms);
}

static bool turning_point(const struct run_mark *m)
{
        return m->lane == RUN_LANE_FAULT || m->lane == RUN_LANE_ACTION || m->lane == RUN_LANE_CRITERION || m->lane == RUN_LANE_SYMPTOM;
}

/* The intervals between turning points that lost most, most first. */
static size_t costliest(const struct run *run, struct costly ret[DEBRIEF_COSTLY_MAX])
{
        size_t count = 0, from = SIZE_MAX;

        for (size_t i = 0; i <= run->mark_count; i++) {
                struct costly c;

                if (i < run->mark_count && !turning_point(&run->marks[i])) continue;
                if (from != SIZE_MAX) {
                        c = (struct costly){ from, i, (i < run->mark_count ? run->marks[i].lost : run->harm.lost) - run->marks[from].lost };
                        for (size_t k = 0; k < DEBRIEF_COSTLY_MAX && c.lost >= 1; k++) {
                                struct costly swap = ret[k];

                                if (k < count && c.lost <= ret[k].lost) continue;
                                ret[k] = c;
                                if (k >= count) {
                                        count = k + 1;
                                        break;
                                }
                                c = swap;
                        }
                }
                from = i;
        }
        return count;
}

static void put_timeline(const struct run *run, struct buf *out)
{
        put_key(out, "timeline");
        buf_char(out, '[');
        for (size_t i = 0; i < run->mark_count; i++) {
                const struct run_mark *m = &run->marks[i];

                put_item(out);
                buf_char(out, '{');
                put_int(out, "at_ms", at_ms(run, m->time_ms));
                put_str(out, "lane", run_lane_text(m->lane));
                put_str(out, "text", m->text);
                put_str(out, "on", m->on);
                buf_char(out, '}');
        }
        buf_char(out, ']');
}

typedef void item_json(const struct run *run, size_t index, struct buf *out);

static void put_items(const struct run *run, const char *key, size_t count, item_json *write, struct buf *out)
{
        put_key(out, key);
        buf_char(out, '[');
        for (size_t i = 0; i < count; i++) {
                put_item(out);
                write(run, i, out);
        }
        buf_char(out, ']');
}

static void solution_item(const struct run *run, size_t index, struct buf *out)
{
        scenario_recipe_json(&run->s->solutions[index], out);
}

/* Lack of memory shows in the buffer, as everywhere in the writers. */
static bool matched(const struct run *run, const struct scenario_recipe *recipe, struct buf *out)
{
        bool nomem = false, is = run_recipe_matched(run, recipe, &nomem);

        if (nomem && out->status == ERR_OK) out->status = ERR_NOMEM;
        return is;
}

static void wrong_fix_item(const struct run *run, size_t index, struct buf *out)
{
        buf_char(out, '{');
        put_bool(out, "matched", matched(run, &run->s->wrong_fixes[index], out));
        put_str(out, "explain", run->s->wrong_fixes[index].explain);
        put_key(out, "do");
        scenario_recipe_json(&run->s->wrong_fixes[index], out);
        buf_char(out, '}');
}

/* Whether something on the trail that this look matches showed more than a healthy system shows. */
static bool signal_moved(const struct run *run, const char *seen)
{
        for (int part = 0; part < SCENARIO_TRAIL_COUNT; part++)
                for (size_t i = 0; i < run->s->evidence[part].count; i++) {
                        const char *wanted = run->s->evidence[part].item[i];

                        if (run_evidence_matches(wanted, seen) && run_signal_counts(run, wanted)) return true;
                }
        return false;
}

static void evidence_item(const struct run *run, size_t index, struct buf *out)
{
        const struct run_evidence *e = &run->evidence[index];

        buf_char(out, '{');
        put_int(out, "at_ms", at_ms(run, e->time_ms));
        put_str(out, "item", e->item);
        put_str(out, "part", e->part < 0 ? NULL : scenario_trail_text((enum scenario_trail)e->part));
        put_bool(out, "counts", e->part >= 0 && !e->late && signal_moved(run, e->item));
        buf_char(out, '}');
}

static void hint_item(const struct run *run, size_t index, struct buf *out)
{
        const struct run_hint *h = &run->hints[index];

        buf_char(out, '{');
        put_str(out, "id", run->s->hints[index].id);
        put_int(out, "cost", run->s->hints[index].cost);
        put_bool(out, "offered", h->offered);
        put_bool(out, "taken", h->taken);
        put_str(out, "text", h->taken ? h->text : run->s->hints[index].text);
        buf_char(out, '}');
}

static void diagnosis_item(const struct run *run, size_t index, struct buf *out)
{
        const struct run_diagnosis *d = &run->diagnosis[index];

        buf_char(out, '{');
        put_int(out, "at_ms", at_ms(run, d->time_ms));
        put_str(out, "component", d->component);
        put_str(out, "mechanism", d->mechanism);
        put_str(out, "object", d->object);
        put_words(out, "affected", d->affected, d->affected_count);
        put_str(out, "note", d->note);
        buf_char(out, '}');
}

static void put_costliest(const struct run *run, struct buf *out)
{
        struct costly costly[DEBRIEF_COSTLY_MAX];
        size_t count = costliest(run, costly);

        put_key(out, "costliest");
        buf_char(out, '[');
        for (size_t i = 0; i < count; i++) {
                put_item(out);
                buf_char(out, '{');
                put_int(out, "from_ms", at_ms(run, run->marks[costly[i].from].time_ms));
                put_int(out, "to_ms", at_ms(run, costly[i].to < run->mark_count ? run->marks[costly[i].to].time_ms : run->now_ms));
                put_int(out, "requests_lost", (int64_t)llround(costly[i].lost));
                put_str(out, "after", run->marks[costly[i].from].text);
                buf_char(out, '}');
        }
        buf_char(out, ']');
}

static void put_users(const struct run *run, struct buf *out)
{
        const struct run_harm *h = &run->harm;

        put_key(out, "users");
        buf_char(out, '{');
        put_int(out, "requests_lost", (int64_t)llround(h->lost));
        put_int(out, "requests_offered", (int64_t)llround(h->offered));
        put_int(out, "orders_lost", (int64_t)llround(h->orders_lost));
        put_int(out, "revenue_lost_cents", (int64_t)llround(h->revenue_lost_cents));
        put_int(out, "unmet_ms", h->bad_ms);
        buf_char(out, '}');
}

void run_debrief_json(const struct run *run, struct buf *out)
{
        const struct scenario *s = run->s;

        buf_str(out, "{\"run\":");
        run_json(run, out);
        put_key(out, "truth");
        scenario_truth_json(s, out);
        put_timeline(run, out);
        put_items(run, "criteria", s->criteria_count, run_criterion_json, out);
        put_items(run, "guards", s->guard_count, run_guard_json, out);
        put_items(run, "actions", run->action_count, run_action_json, out);
        put_items(run, "evidence", run->evidence_count, evidence_item, out);
        put_items(run, "diagnosis", run->diagnosis_count, diagnosis_item, out);
        put_items(run, "hints", s->hint_count, hint_item, out);
        put_items(run, "solutions", s->solution_count, solution_item, out);
        put_items(run, "wrong_fixes", s->wrong_fix_count, wrong_fix_item, out);
        put_str(out, "text", s->debrief);
        put_key(out, "clocks");
        buf_char(out, '{');
        for (int i = 0; i < RUN_CLOCK_COUNT; i++)
                if (run_clock(run, (enum run_clock)i) >= 0) put_int(out, run_clock_text((enum run_clock)i), run_clock(run, (enum run_clock)i));
        buf_char(out, '}');
        put_users(run, out);
        put_costliest(run, out);
        put_key(out, "agent");
        run_agent_limits_json(run, out);
        put_str(out, "forward", run->forward_note);
        put_bool(out, "final", run->state == RUN_DEBRIEFED);
        put_key(out, "score");
        run_score_json(run, out);
        buf_char(out, '}');
}

/* "+1:05" from onset, "-0:10" before it. */
static void clock_text(const struct run *run, int64_t time_ms, struct buf *out)
{
        int64_t s = at_ms(run, time_ms) / 1000;

        buf_printf(out, "%c%lld:%02lld", s < 0 ? '-' : '+', (long long)(llabs(s) / 60), (long long)(llabs(s) % 60));
}

static void markdown_head(const struct run *run, struct buf *out)
{
        const struct scenario *s = run->s;
        char limit[32];

        str_duration(run_time_limit_ms(run), limit, sizeof limit);
        buf_printf(out, "# %s\n\nRun %s of `%s`, seed %llu, level %d, time limit %s%s.\n\n**%s**%s%s\n\n", s->title, run->id, s->id,
                   (unsigned long long)run->seed, s->level, limit, run->fast ? " (fast mode)" : "",
                   run->outcome ? run_outcome_text(run->outcome) : "not ended", run->reason[0] ? ": " : "", run->reason);
        buf_str(out, "## What was true\n\n");
        for (size_t i = 0; i < s->cause_count; i++) {
                const struct scenario_cause *c = &s->causes[i];

                buf_printf(out, "- `%s`: %s", c->component, c->mechanism);
                if (c->object_name[0]) buf_printf(out, " (%s `%s`)", c->object_kind, c->object_name);
                buf_char(out, '\n');
        }
        for (size_t i = 0; i < s->timeline_count; i++)
                if (s->timeline[i].kind == SCENARIO_HERRING)
                        buf_printf(out, "- A red herring: %s (%s on `%s`) had nothing to do with it.\n", s->timeline[i].note, s->timeline[i].step.kind,
                                   s->timeline[i].step.on);
}

static void markdown_cost(const struct run *run, struct buf *out)
{
        const struct run_harm *h = &run->harm;
        struct costly costly[DEBRIEF_COSTLY_MAX];
        size_t count = costliest(run, costly);

        buf_printf(out, "\n## What it cost the users\n\n%lld of %lld requests lost, %lld orders, %.2f in revenue; %lld s with a criterion not met.\n\n",
                   llround(h->lost), llround(h->offered), llround(h->orders_lost), h->revenue_lost_cents / 100.0, (long long)(h->bad_ms / 1000));
        for (size_t i = 0; i < count; i++) {
                buf_str(out, "- ");
                clock_text(run, run->marks[costly[i].from].time_ms, out);
                buf_printf(out, ": %lld requests lost after \"%.200s\"\n", llround(costly[i].lost), run->marks[costly[i].from].text);
        }
}

static void markdown_fixes(const struct run *run, struct buf *out)
{
        const struct scenario *s = run->s;
        bool any = false;

        buf_str(out, "\n## What a reference solution does\n\n");
        for (size_t i = 0; i < s->solution_count; i++) {
                buf_printf(out, "%zu. ", i + 1);
                for (size_t k = 0; k < s->solutions[i].count; k++) {
                        const struct scenario_step *step = &s->solutions[i].step[k];

                        buf_printf(out, "%s`%s %s %s`", k ? ", then " : "", step->kind, step->on, step->args_json);
                }
                buf_printf(out, "%s\n", matched(run, &s->solutions[i], out) ? " (you did this)" : "");
        }
        for (size_t i = 0; i < s->wrong_fix_count; i++) {
                if (!matched(run, &s->wrong_fixes[i], out)) continue;
                if (!any) buf_str(out, "\n## What did not help, and why\n\n");
                any = true;
                buf_printf(out, "- %s\n", s->wrong_fixes[i].explain);
        }
}

static void markdown_timeline(const struct run *run, struct buf *out)
{
        buf_str(out, "\n## Timeline\n\n| from onset | | what |\n| --- | --- | --- |\n");
        for (size_t i = 0; i < run->mark_count; i++) {
                const struct run_mark *m = &run->marks[i];

                buf_str(out, "| ");
                clock_text(run, m->time_ms, out);
                buf_printf(out, " | %s | ", run_lane_text(m->lane));
                for (const char *at = m->text; *at; at++) {
                        if (*at == '|') buf_char(out, '\\');
                        buf_char(out, *at == '\n' ? ' ' : *at);
                }
                buf_str(out, " |\n");
        }
        buf_str(out, "\n## Clocks, from onset\n\n");
        for (int i = 0; i < RUN_CLOCK_COUNT; i++)
                if (run_clock(run, (enum run_clock)i) >= 0)
                        buf_printf(out, "- %s: %lld s\n", run_clock_text((enum run_clock)i), (long long)(run_clock(run, (enum run_clock)i) / 1000));
}

/* What was looked at, and what was said it was. */
static void markdown_investigation(const struct run *run, struct buf *out)
{
        size_t counted = 0;

        for (size_t i = 0; i < run->evidence_count; i++)
                counted += run->evidence[i].part >= 0 && !run->evidence[i].late && signal_moved(run, run->evidence[i].item);
        buf_printf(out, "\n## How it was investigated\n\n%zu looks, %zu of them on the trail to the cause.\n", run->evidence_count, counted);
        for (size_t i = 0; i < run->diagnosis_count; i++) {
                const struct run_diagnosis *d = &run->diagnosis[i];

                buf_printf(out, "\n- Diagnosis ");
                clock_text(run, d->time_ms, out);
                buf_printf(out, ": `%s`, %s%s%s%s", d->component, d->mechanism[0] ? d->mechanism : "no mechanism", d->object[0] ? ", `" : "", d->object, d->object[0] ? "`" : "");
        }
        buf_str(out, run->diagnosis_count ? "\n" : "\nNo diagnosis was given.\n");
}

static void markdown_score(const struct run *run, struct buf *out)
{
        struct run_score s;

        if (!run_score_of(run, &s)) return;
        buf_printf(out, "\n## Score\n\n| part | points | of |\n| --- | --- | --- |\n| outcome | %.1f | %d |\n| harm | %.1f | %d |\n| diagnosis (answer %.0f %%, evidence %.0f %%) | %.1f | %d |\n| hints | %.1f | %d |\n"
                        "| **total** | **%.1f** | 100 |\n\nThe scalar that learner, agent and rule share: %.2f.\n",
                   s.outcome, run->s->score.outcome, s.harm, run->s->score.harm, s.answer * 100, s.trail * 100, s.diagnosis, run->s->score.diagnosis, s.hints,
                   run->s->score.hints, s.total, s.utility);
}

void run_debrief_markdown(const struct run *run, struct buf *out)
{
        markdown_head(run, out);
        markdown_cost(run, out);
        markdown_fixes(run, out);
        markdown_investigation(run, out);
        markdown_timeline(run, out);
        markdown_score(run, out);
        buf_printf(out, "\n## To take home\n\n%s\n", run->s->debrief);
        if (run->forward_note[0]) buf_printf(out, "\n**Next time:** %s\n", run->forward_note);
}

/* What the learner asks (hints), looks at (evidence) and says (diagnosis). */
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/text/json.h"
#include "server/engine/promql.h"
#include "server/engine/run_internal.h"

bool run_trail_seen(const struct run *run, enum scenario_trail part)
{
        for (size_t i = 0; i < run->evidence_count; i++)
                if (run->evidence[i].part == (int)part) return true;
        return false;
}

static bool when_true(const struct run *run, const struct scenario_hint *hint, const struct run_hint *state)
{
        const struct run_criterion *c = hint->when.criterion >= 0 ? &run->criteria[hint->when.criterion] : NULL;
        int64_t than_ms = run_scaled(run, hint->when.than_ms);
        bool known;

        switch (hint->when.kind) {
        case SCENARIO_WHEN_NONE: return true;
        case SCENARIO_WHEN_UNMET_FOR: return c && c->unmet_ms && run->now_ms - c->unmet_ms > than_ms;
        case SCENARIO_WHEN_HELD_FOR: return c && c->held_ms > than_ms;
        case SCENARIO_WHEN_VALUE:
                return run_condition(run, &hint->when.value, state->query, &known);
        }
        return false;
}

static void hint_give(struct run *run, size_t index, const char *text)
{
        struct run_hint *h = &run->hints[index];

        h->taken = true;
        h->taken_ms = run->now_ms;
        h->text = text;
        run->assisted |= run->s->hints[index].agent;
        run_emit(run, RUN_DO_FEED, (uint32_t)h->feed);
        run_mark(run, RUN_LANE_HINT, "", text);
}

/* Free hints are given at once; the agent's wait for its sentence. */
static void hint_take(struct run *run, size_t index)
{
        if (run->s->hints[index].agent) {
                run->hints[index].asked = true;
                run_emit(run, RUN_DO_ADVISE, (uint32_t)index);
        } else {
                hint_give(run, index, run->s->hints[index].text);
        }
}

void run_hints_step(struct run *run)
{
        for (size_t i = 0; i < run->s->hint_count; i++) {
                const struct scenario_hint *hint = &run->s->hints[i];
                struct run_hint *h = &run->hints[i];

                if (h->offered || run->now_ms - run->page_ms < run_scaled(run, hint->after_ms)) continue;
                if (hint->unless_seen >= 0 && run_trail_seen(run, (enum scenario_trail)hint->unless_seen)) continue;
                if (hint->seen >= 0 && !run_trail_seen(run, (enum scenario_trail)hint->seen)) continue;
                if (!when_true(run, hint, h)) continue;
                h->offered = true;
                h->offered_ms = run->now_ms;
                h->feed = run->feed_count;
                run_say(run, RUN_FEED_HINT, hint->agent ? "agent" : "mentor", "", (int)i);
                if (h->feed == run->feed_count) h->feed = 0; /* the feed is full */
                if (hint->cost == 0) hint_take(run, i);
        }
}

static int hint_find(const struct run *run, const char *id)
{
        for (size_t i = 0; i < run->s->hint_count; i++)
                if (str_eq(run->s->hints[i].id, id)) return (int)i;
        return -1;
}

enum err run_hint_event(struct run *run, const struct run_event *event, struct err_note *reterr)
{
        int index = event->hint ? hint_find(run, event->hint) : -1;

        if (index < 0) return err_note(reterr, ERR_NOT_FOUND, "no hint '%s' in this scenario", event->hint ? event->hint : "");
        if (run->state != RUN_RUNNING) return err_note(reterr, ERR_STATE, "no incident is running");
        if (!run->hints[index].offered) return err_note(reterr, ERR_STATE, "hint '%s' is not offered yet", event->hint);
        if (run->hints[index].taken || run->hints[index].asked) return err_note(reterr, ERR_STATE, "hint '%s' was taken already", event->hint);
        hint_take(run, (size_t)index);
        return ERR_OK;
}

enum err run_advice_event(struct run *run, const struct run_event *event, struct err_note *reterr)
{
        int index = event->hint ? hint_find(run, event->hint) : -1;

        if (index < 0 || !run->s->hints[index].agent) return err_note(reterr, ERR_NOT_FOUND, "no agent hint '%s'", event->hint ? event->hint : "");
        if (!run->hints[index].asked || run->hints[index].taken) return err_note(reterr, ERR_STATE, "no advice was asked for");
        hint_give(run, (size_t)index, run_copy(run, event->text && event->text[0] ? event->text : "The agent has no advice."));
        return ERR_OK;
}

/* Equal, or one is the beginning of the other up to a dot; a query counts for every metric it uses. */
bool run_evidence_matches(const char *wanted, const char *seen)
{
        size_t wanted_size = strlen(wanted), seen_size = strlen(seen), size = MIN(wanted_size, seen_size);

        if (str_starts(wanted, "metric:") && str_starts(seen, "promql:")) return promql_uses(seen + strlen("promql:"), wanted + strlen("metric:"));
        if (str_starts(wanted, "metric:")) return str_eq(wanted, seen);
        if (strncmp(wanted, seen, size) != 0) return false;
        return wanted_size == seen_size || (wanted_size > seen_size ? wanted[size] : seen[size]) == '.';
}

static int trail_part(const struct run *run, const char *seen)
{
        for (int part = SCENARIO_TRAIL_COUNT - 1; part >= 0; part--) /* the cause counts most */
                for (size_t i = 0; i < run->s->evidence[part].count; i++)
                        if (run_evidence_matches(run->s->evidence[part].item[i], seen)) return part;
        return -1;
}

static bool evidence_on(const struct run *run, const char *item)
{
        const char *colon = strchr(item, ':');

        if (!colon || str_starts(item, "metric:") || str_starts(item, "promql:")) return false;
        for (size_t i = 0; i < run->s->cause_count; i++) {
                const char *component = run->s->causes[i].component;
                size_t size = strlen(component);

                if (strncmp(colon + 1, component, size) == 0 && (colon[1 + size] == '\0' || colon[1 + size] == '.')) return true;
        }
        return false;
}

static void evidence_add(struct run *run, const char *item)
{
        const char *copy;
        int part;

        for (size_t i = 0; i < run->evidence_count; i++)
                if (str_eq(run->evidence[i].item, item)) return; /* the first look counts */
        if (run->evidence_count == RUN_EVIDENCE_MAX) return;
        if (mem_grow((void **)&run->evidence, &run->evidence_capacity, run->evidence_count + 1, sizeof *run->evidence, RUN_EVIDENCE_MAX)) {
                run->nomem = true;
                return;
        }
        copy = run_copy(run, item);
        part = trail_part(run, item);
        run->evidence[run->evidence_count++] = (struct run_evidence){ .item = copy, .time_ms = run->now_ms, .part = part, .late = run_is_well_again(run) };
        run_mark(run, RUN_LANE_VIEW, "", part < 0 ? copy : run_text(run, "%.600s (%s%s)", copy, scenario_trail_text((enum scenario_trail)part),
                                                                   run_is_well_again(run) ? ", when the shop was well again" : ""));
        if (part == SCENARIO_TRAIL_CAUSE || evidence_on(run, item)) run_clock_set(run, RUN_CLOCK_COMPONENT_FOUND);
}

enum err run_evidence_event(struct run *run, const struct run_event *event, struct err_note *reterr)
{
        if (run->state != RUN_RUNNING) return err_note(reterr, ERR_STATE, "no incident is running"); /* before it, a look shows only health */
        for (size_t i = 0; i < event->item_count; i++)
                if (!event->items[i] || !strchr(event->items[i], ':') || strlen(event->items[i]) > RUN_EVIDENCE_ITEM_BYTES_MAX)
                        return err_note(reterr, ERR_INVAL, "item %zu is not of the form KIND:NAME with at most %d bytes", i + 1, RUN_EVIDENCE_ITEM_BYTES_MAX);
        for (size_t i = 0; i < event->item_count; i++)
                evidence_add(run, event->items[i]);
        if (event->item_count) run_clock_set(run, RUN_CLOCK_ACKNOWLEDGED);
        return ERR_OK;
}

/* {"key":"worker_threads"} -> worker_threads; other texts as they are. */
static const char *object_name(struct run *run, const char *object)
{
        AUTO(json_free) struct json *j = NULL;
        enum err e;

        if (!object || object[0] != '{') return run_copy(run, object);
        e = json_parse(object, strlen(object), &j, NULL);
        if (e == ERR_NOMEM) run->nomem = true;
        return run_copy(run, json_text(json_first(j)) ? json_text(json_first(j)) : object);
}

enum err run_diagnosis_event(struct run *run, const struct run_event *event, struct err_note *reterr)
{
        struct run_diagnosis *d;
        const char **affected = NULL;

        if (run->state != RUN_RUNNING) return err_note(reterr, ERR_STATE, "no incident is running");
        if (!event->component || !event->component[0]) return err_note(reterr, ERR_INVAL, "the diagnosis has no 'component'");
        if (event->mechanism && event->mechanism[0] && !scenario_mechanism_known(event->mechanism))
                return err_note(reterr, ERR_INVAL, "unknown mechanism '%s'", event->mechanism);
        if (event->item_count > SCENARIO_WORDS_MAX) return err_note(reterr, ERR_LIMIT, "more than %d affected services", SCENARIO_WORDS_MAX);
        if (event->item_count) {
                affected = arena_array(&run->arena, event->item_count, sizeof *affected);
                if (!affected) run->nomem = true;
        }
        for (size_t i = 0; affected && i < event->item_count; i++)
                affected[i] = run_copy(run, event->items[i]);
        if (run->diagnosis_count == MAX((size_t)1, run->s->cause_count)) { /* one answer for each cause: the oldest goes */
                memmove(run->diagnosis, run->diagnosis + 1, (run->diagnosis_count - 1) * sizeof *run->diagnosis);
                run->diagnosis_count--;
        }
        d = &run->diagnosis[run->diagnosis_count++];
        *d = (struct run_diagnosis){ .component = run_copy(run, event->component), .mechanism = run_copy(run, event->mechanism),
                                     .object = object_name(run, event->object), .note = run_copy(run, event->text), .affected = affected,
                                     .affected_count = affected ? event->item_count : 0, .time_ms = run->now_ms };
        run_mark(run, RUN_LANE_VIEW, d->component, run_text(run, "diagnosis: %s, %s %s", d->component, d->mechanism, d->object));
        run_emit(run, RUN_DO_RUN, 0);
        return ERR_OK;
}

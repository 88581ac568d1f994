#include "server/app/driver.h"

#include <string.h>

#include "common/base/arena.h"
#include "common/base/str.h"
#include "server/advisor/advisor.h"
#include "server/engine/run_event.h"

enum { DRIVER_ARENA_BYTES_MAX = 256 * 1024 };

void driver_init(struct driver *d, struct loop *loop, struct conductor *conductor, const struct scenario_recipe *recipe)
{
        *d = (struct driver){.conductor = conductor, .loop = loop, .recipe = recipe};
}

void driver_done(struct driver *d)
{
        loop_timer_remove(take(&d->timer));
}

static void driver_fail(struct driver *d, const struct scenario_step *step, const char *why)
{
        d->failed_count++;
        if (d->failed) d->failed(d->ctx, step->kind, step->on, why);
}

static void driver_next(struct driver *d);

static void driver_step_done(void *ctx, enum err e, const char *json, const char *detail, const char *problem)
{
        struct driver *d = ctx;

        (void)json, (void)problem;
        d->busy = false;
        if (e) driver_fail(d, &d->recipe->step[d->next - 1], detail);
        driver_next(d);
}

/* The reference answer, one for each cause. */
static void driver_diagnose(struct driver *d)
{
        const struct scenario *s = run_scenario(conductor_run(d->conductor));
        struct err_note note;

        d->diagnoses = false;
        if (!s->needs_diagnosis) return;
        for (size_t i = 0; i < s->cause_count; i++) {
                struct run_event event;

                run_event_of_truth(s, i, &event);
                if (!conductor_event(d->conductor, &event, &note)) continue;
                d->failed_count++;
                if (d->failed) d->failed(d->ctx, "diagnosis", s->causes[i].component, note.text);
        }
}

static void driver_next(struct driver *d)
{
        while (!d->busy && d->next < d->recipe->count && conductor_active(d->conductor)) {
                const struct scenario_step *step = &d->recipe->step[d->next++];
                struct arena arena;
                struct run_event event;
                struct err_note note = {0};
                enum err e;

                arena_init(&arena, DRIVER_ARENA_BYTES_MAX);
                e = run_event_of_step(step, "learner", &arena, &event);
                d->busy = true;
                if (!e) e = conductor_action(d->conductor, &event, driver_step_done, d, &note);
                arena_done(&arena);
                if (!e) continue;
                d->busy = false;
                driver_fail(d, step, note.text);
        }
        if (!d->busy && d->diagnoses && conductor_active(d->conductor)) driver_diagnose(d);
}

static void driver_begin(void *ctx)
{
        struct driver *d = ctx;

        d->timer = NULL;
        driver_next(d);
}

void driver_see(struct driver *d)
{
        const struct run *run = conductor_run(d->conductor);

        if (d->begun || !d->recipe || !run || run_state(run) != RUN_RUNNING) return;
        d->begun = true;
        if (loop_timer_add(d->loop, 0, 0, driver_begin, d, &d->timer))
                d->begun = false; /* the next message tries again */
}

/* What a learner would restart when nothing else comes to mind: everything that serves, but not the users and not who
 * watches. */
static void driver_restart_all(const struct stack_spec *spec, struct driver_room *room)
{
        static const char *const spared[] = {"loadgen", "prometheus", "alertmanager"};
        size_t count = 0;

        for (size_t i = 0; i < spec->services_count; i++) {
                bool is_spared = false;

                for (size_t k = 0; k < ARRAY_COUNT(spared); k++)
                        is_spared = is_spared || str_eq(spared[k], spec->services[i].name);
                if (is_spared) continue;
                room->step[count++] = (struct scenario_step){
                        .kind = "process.restart", .on = spec->services[i].name, .args_json = "{}"};
        }
        room->recipe = (struct scenario_recipe){.step = room->step, .count = count, .explain = ""};
}

static enum err driver_pick(const char *name, const char *what, const struct scenario_recipe *list, size_t count,
                            const struct scenario_recipe **ret, struct err_note *reterr)
{
        int64_t number = 1;

        if (*name && (*name != ':' || str_parse_i64(name + 1, 1, INT32_MAX, &number)))
                return err_note(reterr, ERR_INVAL, "'%s' is not the number of a %s, expected %s:1 and so on",
                                *name ? name + 1 : name, what, what);
        if ((uint64_t)number > count)
                return err_note(reterr, ERR_INVAL, "the scenario has no %s %lld, only %zu", what, (long long)number,
                                count);
        *ret = &list[number - 1];
        return ERR_OK;
}

enum err driver_find(const char *name, const struct scenario *scenario, const struct stack_spec *spec,
                     struct driver_room *room, const struct scenario_recipe **ret, struct err_note *reterr)
{
        /* Those who decide as they go have no recipe: the pilot does what the advisor says. */
        if (str_eq(name, "none") || advisor_policy_parse(name) < ADVISOR_POLICY_COUNT) {
                *ret = NULL;
                return ERR_OK;
        }
        if (str_eq(name, "restart")) {
                driver_restart_all(spec, room);
                *ret = &room->recipe;
                return ERR_OK;
        }
        if (str_eq(name, "solution") && scenario->false_alarm) {
                room->recipe = (struct scenario_recipe){.step = room->step, .explain = ""};
                *ret = &room->recipe;
                return ERR_OK;
        }
        if (str_starts(name, "solution"))
                return driver_pick(name + strlen("solution"), "solution", scenario->solutions, scenario->solution_count,
                                   ret, reterr);
        if (str_starts(name, "wrong"))
                return driver_pick(name + strlen("wrong"), "wrong", scenario->wrong_fixes, scenario->wrong_fix_count,
                                   ret, reterr);
        return err_note(reterr, ERR_INVAL, "--driver is '%s', expected none, solution, solution:N, wrong:N, restart, agent, rule, tuned or ignore",
                        name);
}

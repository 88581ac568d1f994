#include "server/app/driver.h"

#include "common/base/arena.h"
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

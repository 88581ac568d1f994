#include "server/pilot/pilot.h"

#include "common/base/str.h"

void pilot_init(struct pilot *p, struct loop *loop, struct conductor *conductor, struct advisor *advisor)
{
        *p = (struct pilot){.loop = loop, .conductor = conductor, .advisor = advisor, .decide = advisor_step_peek};
}

void pilot_done(struct pilot *p)
{
        loop_timer_remove(take(&p->timer));
        loop_timer_remove(take(&p->shed_timer));
}

static void pilot_did(void *ctx, enum err e, const char *json, const char *detail, const char *problem)
{
        struct pilot *p = ctx;

        (void)json, (void)problem;
        p->busy = false;
        if (!e) {
                p->done_count++;
                return;
        }
        if (p->asks_to_shed) p->sheds = false; /* the timer stays: nobody knows how far it came */
        p->failed_count++;
        if (p->failed) p->failed(p->ctx, "", "", detail);
}

/* false: nobody took it, and nothing was done. */
static bool pilot_do(struct pilot *p, const char *kind, const char *on, const char *args, const char *why)
{
        struct run_event event = {
                .kind = RUN_EV_ACTION, .by = "agent", .action = kind, .on = on, .args = args, .text = why};
        struct err_note note = {0};

        p->busy = true;
        if (!conductor_action(p->conductor, &event, pilot_did, p, &note)) return true;
        p->busy = false;
        p->failed_count++;
        if (p->failed) p->failed(p->ctx, kind, on ? on : "", note.text);
        return false;
}

static void pilot_shed_over(void *ctx)
{
        struct pilot *p = ctx;

        p->shed_timer = NULL;
        if (!conductor_active(p->conductor)) return;
        if (p->busy && !loop_timer_add(p->loop, 1000, 0, pilot_shed_over, p, &p->shed_timer)) return;
        p->sheds = p->asks_to_shed = false;
        (void)pilot_do(p, "load.shed", NULL, "{\"admit_percent\":100}", "the reduction of the load is over");
}

static void pilot_shed_end_later(struct pilot *p)
{
        loop_timer_remove(take(&p->shed_timer));
        if (loop_timer_add(p->loop, PILOT_SHED_MS, 0, pilot_shed_over, p, &p->shed_timer)) p->shed_timer = NULL;
}

/* It may have been switched off since the decision. */
static bool pilot_may_act(const struct pilot *p)
{
        const struct run *run = conductor_run(p->conductor);

        return !p->busy && conductor_active(p->conductor) && (!p->autopilot_only || (run && run_autopilot(run)));
}

/* The last word before the stack, whoever decided. The same refusal is told once, not every few seconds. */
static bool pilot_forbidden(struct pilot *p, const struct advisor_step *step)
{
        const char *why = advisor_forbids(p->advisor, step);
        bool told = why && why == p->forbidden;

        p->forbidden = why;
        if (!why) return false;
        p->forbidden_count++;
        if (!told && p->failed) p->failed(p->ctx, step->kind, step->on, why);
        return true;
}

static void pilot_act(void *ctx)
{
        struct pilot *p = ctx;
        struct advisor_step step;

        p->timer = NULL;
        if (!pilot_may_act(p) || !p->decide(p->advisor, &step) || pilot_forbidden(p, &step)) return;
        p->asks_to_shed = str_eq(step.kind, "load.shed");
        if (!p->asks_to_shed || !p->sheds) {
                p->sheds |= p->asks_to_shed;
                if (!pilot_do(p, step.kind, *step.on ? step.on : NULL, step.args, "decided by the recovery agent")) {
                        if (p->asks_to_shed) p->sheds = false;
                        return;
                }
        }
        if (p->asks_to_shed) pilot_shed_end_later(p); /* also when it holds already: it goes on a little longer */
}

void pilot_see(struct pilot *p)
{
        if (!p->timer && loop_timer_add(p->loop, 0, 0, pilot_act, p, &p->timer)) p->timer = NULL;
}

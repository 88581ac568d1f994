/* Help that a learner had: advice that was shown, what they answered, and the agent at the wheel. Whoever was helped made an
 * assisted run; what was shown when stands in the debrief's timeline. */
#include "common/base/str.h"
#include "server/engine/run_internal.h"

static void autopilot_set(struct run *run, bool on)
{
        run->autopilot = on;
        run->assisted |= on;
        run_mark(run, RUN_LANE_AGENT, "", on ? "The agent takes over" : "The agent lets go");
        run_say(run, RUN_FEED_SYSTEM, "firedrill", on ? "The agent acts by itself now. Stop it at any time." : "The agent acts no more. It is yours again.", -1);
        run_emit(run, RUN_DO_RUN, 0);
}

static void assist_mark(struct run *run, const char *what, const struct run_event *event)
{
        run_mark(run, RUN_LANE_AGENT, run_copy(run, event->on), run_text(run, "%s%.600s", what, event->text ? event->text : ""));
}

enum err run_assist_event(struct run *run, const struct run_event *event, struct err_note *reterr)
{
        const char *by = event->by ? event->by : "", *text = event->text ? event->text : "";
        bool first = !run->assisted;

        if (run->state != RUN_RUNNING) return err_note(reterr, ERR_STATE, "no incident is running");
        if (str_eq(by, "autopilot")) {
                if (!str_eq(text, "on") && !str_eq(text, "off"))
                        return err_note(reterr, ERR_INVAL, "the autopilot is '%.20s'; expected is 'on' or 'off'", text);
                if (run->autopilot != str_eq(text, "on")) autopilot_set(run, !run->autopilot);
                return ERR_OK;
        }
        if (str_eq(by, "advice")) assist_mark(run, "Advice: ", event);
        else if (str_eq(by, "accepted")) assist_mark(run, "You accepted: ", event);
        else if (str_eq(by, "ignored")) assist_mark(run, "You ignored the advice: ", event);
        else return err_note(reterr, ERR_INVAL, "help is '%.20s'; expected is advice, accepted, ignored or autopilot", by);
        run->assisted = true;
        if (first) run_emit(run, RUN_DO_RUN, 0);
        return ERR_OK;
}

bool run_autopilot(const struct run *run)
{
        return run->autopilot && run->state == RUN_RUNNING;
}

bool run_assisted(const struct run *run)
{
        return run->assisted;
}

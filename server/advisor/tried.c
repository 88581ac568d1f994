#include "server/advisor/tried.h"

#include <stddef.h>

static struct tried_act *act_of(struct tried *t, enum sim_action action)
{
        return action == ACT_SOFT || action == ACT_HARD ? &t->restart : action == ACT_REDUCE ? &t->shed : NULL;
}

void tried_note(struct tried *t, enum sim_action action, float bad, int64_t now_ms)
{
        struct tried_act *act = act_of(t, action);

        if (act) *act = (struct tried_act){ .at_ms = now_ms, .before = bad, .pending = true, .futile = act->futile };
}

static void judge(struct tried_act *act, float bad, int64_t now_ms)
{
        if (!act->pending || now_ms - act->at_ms < TRIED_JUDGE_MS) return;
        act->pending = false;
        act->futile = bad > TRIED_WELL && bad > act->before - TRIED_BETTER;
}

void tried_judge(struct tried *t, float bad, int64_t now_ms)
{
        judge(&t->restart, bad, now_ms);
        judge(&t->shed, bad, now_ms);
}

bool tried_vain(const struct tried *t, enum sim_action action)
{
        if (action == ACT_SOFT || action == ACT_HARD) return t->restart.pending || t->restart.futile;
        return action == ACT_REDUCE && (t->shed.pending || t->shed.futile);
}

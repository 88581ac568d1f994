/* A recommendation as JSON. Names come from our own lists; only target and model id are foreign and are escaped. */
#include "learn/reco/reco.h"

static void text(struct buf *to, const char *s)
{
        buf_char(to, '"');
        for (; *s; s++) {
                if (*s == '"' || *s == '\\') buf_char(to, '\\');
                if ((unsigned char)*s < 32) buf_printf(to, "\\u%04x", (unsigned)(unsigned char)*s);
                else buf_char(to, *s);
        }
        buf_char(to, '"');
}

static void actions(struct buf *to, uint32_t set)
{
        const char *comma = "";

        buf_char(to, '[');
        for (int a = 0; a < ACT_COUNT; a++) {
                if (!(set >> a & 1)) continue;
                buf_printf(to, "%s\"%s\"", comma, sim_action_name(a));
                comma = ",";
        }
        buf_char(to, ']');
}

static void per_action(struct buf *to, const struct reco *r)
{
        buf_str(to, ",\"actions\":[");
        for (int a = 0; a < ACT_COUNT; a++) {
                buf_printf(to, "%s{\"action\":\"%s\",\"q\":%.4f,\"columns\":{", a ? "," : "", sim_action_name(a), (double)r->q[a]);
                for (int c = 0; c < REW_COUNT; c++) buf_printf(to, "%s\"%s\":%.4f", c ? "," : "", sim_reward_name(c), (double)r->columns[a][c]);
                buf_printf(to, "},\"allowed\":%s,\"blocked_by\":", r->mask >> a & 1 ? "true" : "false");
                if (r->blocked_by[a]) buf_printf(to, "{\"code\":\"%s\",\"text\":\"%s\"}", safety_name(r->blocked_by[a]), safety_text(r->blocked_by[a]));
                else buf_str(to, "null");
                if (r->has_forecast)
                        buf_printf(to, ",\"forecast\":{\"p_recovered_60s\":%.3f,\"lost_p10\":%.3f,\"lost_p50\":%.3f,\"lost_p90\":%.3f}",
                                   (double)r->forecast[a].p_recovered, (double)r->forecast[a].lost_p10, (double)r->forecast[a].lost_p50,
                                   (double)r->forecast[a].lost_p90);
                buf_char(to, '}');
        }
        buf_char(to, ']');
}

void reco_json(const struct reco *r, const char *target, const char *model_id, struct buf *to)
{
        buf_printf(to, "{\"action\":\"%s\",\"best\":\"%s\",\"target\":", sim_action_name((int)r->action), sim_action_name((int)r->best));
        text(to, target);
        buf_printf(to, ",\"p_optimal\":%.3f,\"action_set\":", (double)r->p_optimal);
        actions(to, r->action_set);
        buf_printf(to, ",\"abstain\":%s,\"fallback\":%s,\"why\":", r->abstain ? "true" : "false", r->fallback ? "true" : "false");
        text(to, r->why);
        buf_printf(to, ",\"decided_by\":\"%s\",\"belief\":{", sim_reward_name(r->decided_by));
        for (int m = 0; m < MODE_COUNT; m++) buf_printf(to, "%s\"%s\":%.4f", m ? "," : "", sim_mode_name(m), (double)r->belief[m]);
        buf_printf(to, "},\"severity\":%.3f,\"surprise\":%.2f,\"state6\":{", (double)r->severity, (double)r->surprise);
        for (int c = 0; c < S6_COUNT; c++) buf_printf(to, "%s\"%s\":%.4f", c ? "," : "", feat_state6_name(c), (double)r->state6[c]);
        buf_char(to, '}');
        per_action(to, r);
        buf_str(to, ",\"flips\":[");
        for (int i = 0; i < r->flips; i++)
                buf_printf(to, "%s{\"observation\":\"%s\",\"from\":%.3f,\"to\":%.3f,\"action\":\"%s\"}", i ? "," : "", sim1_obs_name(r->flip[i].channel),
                           (double)r->flip[i].from, (double)r->flip[i].to, sim_action_name((int)r->flip[i].action));
        buf_str(to, "],\"mask\":");
        actions(to, r->mask);
        buf_str(to, ",\"model\":");
        text(to, model_id);
        buf_char(to, '}');
}

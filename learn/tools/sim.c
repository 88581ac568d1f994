/* sim: one incident, as metric records, log lines and, separately, the truth. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "learn/env/env.h"
#include "learn/rng/philox.h"
#include "learn/sim/logs.h"
#include "learn/sim/sim12.h"
#include "learn/tools/tool.h"

static int action_named(const char *name)
{
        for (int a = 0; a < ACT_COUNT; a++)
                if (str_eq(name, sim_action_name(a))) return a;
        return -1;
}

struct wish {
        int action;
        uint64_t at, target;
};

static enum err play(struct env_vec *v, uint64_t seed, uint64_t steps, const struct wish *wish, struct buf *out, struct buf *truth)
{
        uint32_t services = v->spec->target_count;

        env_reset(v, seed, NULL);
        for (uint64_t t = 0; t <= steps; t++) {
                for (uint32_t s = 0; s < services; s++) {
                        const float *obs = v->obs + (size_t)s * OBS_COUNT;
                        struct env_truth what;
                        struct sim_state state;
                        uint32_t draws[4];

                        env_truth_peek(v, 0, (uint16_t)s, &what);
                        sim_state_at(what.state, &state);
                        philox_draw(seed, v->episode[0], (uint32_t)t, s, PHILOX_LOG, draws);
                        if (services > 1) buf_printf(out, "{\"service\":\"%s\"}\n", v->spec->target_name[s]);
                        sim_metric_json((uint32_t)t * 5, obs, out);
                        sim_logs_json((uint32_t)t * 5, &state, obs, draws, out);
                        sim_truth_json((uint32_t)t * 5, &state, truth);
                }
                if (v->terminated[0] || v->truncated[0] || tool_interrupted(NULL)) break;
                v->act[0] = t == wish->at ? (uint8_t)wish->action : (uint8_t)ACT_IGNORE;
                v->target[0] = (uint16_t)wish->target;
                env_step(v);
        }
        return buf_status(out) ? buf_status(out) : buf_status(truth);
}

int cmd_sim(int argc, char **argv)
{
        uint64_t seed = 0, episode = 0, steps = 60;
        struct wish wish = { .action = ACT_IGNORE };
        const char *env_id = "sim1", *action = "ignore", *truth_path = NULL;
        bool json = false;
        const struct option options[] = {
                { "env", OPTION_TEXT, &env_id, 0, 0, "sim1 (one service) or sim12 (twelve services), default sim1" },
                { "seed", OPTION_COUNT, &seed, 0, 1e12, "seed, default 0" },
                { "episode", OPTION_COUNT, &episode, 0, 4e9, "episode, default 0" },
                { "steps", OPTION_COUNT, &steps, 1, 100000, "steps of 5 s, default 60" },
                { "action", OPTION_TEXT, &action, 0, 0, "ignore, delay, reduce-load, soft-restart or hard-restart, done once" },
                { "at", OPTION_COUNT, &wish.at, 0, 100000, "step of the action, default 0" },
                { "target", OPTION_COUNT, &wish.target, 0, SIM12_SERVICES - 1, "service of the action (sim12), default 0" },
                { "truth", OPTION_TEXT, &truth_path, 0, 0, "file for the truth channel: failure type and severity per step" },
                { "json", OPTION_FLAG, &json, 0, 0, "accepted for symmetry: the output is JSON lines" },
                { 0 },
        };
        int code = tool_options(argc, argv, "sim [OPTION]...", options);
        struct env_opts opts = { 0 };
        AUTO(env_close) struct env_vec *v = NULL;
        AUTO_BUF out, truth;
        struct err_note note = { 0 };
        enum err e;

        buf_init(&out, 256u << 20);
        buf_init(&truth, 64u << 20);
        if (code >= 0) return code;
        wish.action = action_named(action);
        if (wish.action < 0 || str_eq(env_id, "replay") || str_eq(env_id, "dyn")) {
                (void)fprintf(stderr, "firedrill-learn: %s\n",
                              wish.action < 0            ? "--action is ignore, delay, reduce-load, soft-restart or hard-restart"
                              : str_eq(env_id, "replay") ? "use 'replay' for recordings"
                                                         : "learned dynamics are measured by 'eval --dynamics'");
                return EXIT_USAGE;
        }
        opts.max_steps = (uint32_t)steps;
        opts.first_episode = (uint32_t)episode;
        e = env_make(env_id, 1, &opts, &v, &note);
        if (e == ERR_NOT_FOUND) {
                (void)fprintf(stderr, "firedrill-learn: %s\n", note.text);
                return EXIT_USAGE;
        }
        if (!e && wish.target >= v->spec->target_count) {
                (void)fprintf(stderr, "firedrill-learn: %s has %u service(s), --target counts from 0\n", env_id, v->spec->target_count);
                return EXIT_USAGE;
        }
        if (!e) e = play(v, seed, steps, &wish, &out, &truth);
        if (!e && truth_path) e = tool_write(truth_path, truth.data, truth.size_bytes, &note);
        if (e) return tool_fail(&note);
        (void)fwrite(out.data, 1, out.size_bytes, stdout);
        return EXIT_FINE;
}

/* replay: what a model advises, step by step, on a simulated incident (closed loop) or a recording (open loop). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/str.h"
#include "common/sys/file.h"
#include "learn/env/replay.h"
#include "learn/reco/reco.h"
#include "learn/tools/tool.h"

/* A recording: one line a step, eight observations (as spec->obs_name) and the action's name, separated by commas; a first
 * line that begins with a letter is a heading. */
static enum err recording_read(const char *path, struct env_recording *r, struct err_note *reterr)
{
        AUTO_BUF file;
        enum err e;
        int line_number = 0;

        buf_init(&file, 16u << 20);
        e = file_read(path, &file, reterr);
        if (e) return e;
        for (char *line = file.data, *next; line && *line; line = next) {
                struct env_recording_step step = { 0 };
                char *at = line;

                next = strchr(line, '\n');
                if (next) *next++ = 0;
                line_number++;
                if (line_number == 1 && ((*line | 32) >= 'a' && (*line | 32) <= 'z')) continue;
                for (int c = 0; c < OBS_COUNT; c++) {
                        char *comma = strchr(at, ',');
                        double value;
                        float lo, hi;

                        sim1_obs_bounds(c, &lo, &hi);
                        if (!comma) return err_note(reterr, ERR_PARSE, "%s line %d: %d values expected before the action, found %d", path, line_number, OBS_COUNT, c);
                        *comma = 0;
                        if (str_parse_double(at, &value) || value < (double)lo || value > (double)hi)
                                return err_note(reterr, ERR_PARSE, "%s line %d: %s is '%s', a number from %g to %g was expected", path, line_number, sim1_obs_name(c), at, (double)lo, (double)hi);
                        step.obs[c] = (float)value;
                        at = comma + 1;
                }
                for (step.act = 0; step.act < ACT_COUNT && !str_eq(at, sim_action_name(step.act)); step.act++) {}
                if (step.act == ACT_COUNT) return err_note(reterr, ERR_PARSE, "%s line %d: '%s' is no action", path, line_number, at);
                e = env_recording_append(r, &step);
                if (e) return err_note(reterr, e, "%s: more than %d steps", path, RECORDING_STEPS_MAX);
        }
        return ERR_OK;
}

struct show {
        const struct model *m;
        const struct env_recording *recording;
        struct safety safety;
        char id[24];
        bool json;
};

static void line_print(const struct show *s, uint32_t t, const float *obs, const struct reco *r)
{
        if (s->json) {
                AUTO_BUF out;

                buf_init(&out, 1u << 20);
                buf_printf(&out, "{\"t_s\":%u,\"advice\":", t * 5);
                reco_json(r, "service", s->id, &out);
                buf_str(&out, "}");
                (void)puts(out.data);
                return;
        }
        (void)printf("%4u s  errors %4.0f %%  latency %4.0f ms  cpu %3.0f %%  memory %3.0f %%  %-4s ->  %-12s p=%.2f%s  %s\n", t * 5, (double)obs[OBS_ERROR] * 100,
                     (double)obs[OBS_LATENCY], (double)obs[OBS_CPU], (double)obs[OBS_MEMORY], obs[OBS_UP] > 0 ? "up" : "down", sim_action_name((int)r->action),
                     (double)r->p_optimal, r->abstain ? " (abstains)" : r->fallback ? " (falls back)" : "", r->why);
}

static enum err play(struct env_vec *v, struct show *s, struct reco_twin *twin, uint64_t seed)
{
        struct reco_session session;
        double total = 0;

        env_reset(v, seed, NULL);
        reco_start(s->m, &session, v->obs);
        for (uint32_t t = 0; !tool_interrupted(NULL); t++) {
                struct reco r;
                int64_t now_ms = (int64_t)t * 5000;

                s->safety.service[0].down = session.tracker.context.down > 0;
                reco_decide(s->m, &session, &s->safety, 0, now_ms, twin, &r);
                line_print(s, t, v->obs, &r);
                /* A recording did what it did; a simulation follows the advice. */
                enum sim_action done = s->recording ? (enum sim_action)s->recording->steps[t].act : r.action;

                safety_note(&s->safety, 0, done, now_ms);
                v->act[0] = (uint8_t)done;
                env_step(v);
                total += (double)v->reward[0];
                reco_feel(s->m, &session, done, v->obs);
                if (v->terminated[0] || v->truncated[0]) break;
        }
        if (!s->json && !s->recording) (void)printf("reward of the episode: %.2f\n", total);
        return ERR_OK;
}

int cmd_replay(int argc, char **argv)
{
        const char *model_path = NULL, *recording_path = NULL;
        uint64_t seed = 0, episode = 0, steps = ENV_STEPS_DEFAULT, id = 0;
        struct show show = { 0 };
        bool no_forecast = false;
        const struct option options[] = {
                { "model", OPTION_TEXT, &model_path, 0, 0, "model file, default the one shipped" },
                { "seed", OPTION_COUNT, &seed, 0, 1e9, "test seed of the simulated incident, default 0" },
                { "episode", OPTION_COUNT, &episode, 0, 4e9, "episode of the simulated incident, default 0" },
                { "steps", OPTION_COUNT, &steps, 1, 100000, "steps of 5 s, default 120" },
                { "recording", OPTION_TEXT, &recording_path, 0, 0, "CSV: eight observations and the action done, one line a step" },
                { "no-forecast", OPTION_FLAG, &no_forecast, 0, 0, "do not simulate what each action would lead to" },
                { "json", OPTION_FLAG, &show.json, 0, 0, "print one JSON object a step" },
                { 0 },
        };
        int code = tool_options(argc, argv, "replay [OPTION]...", options);
        struct env_opts opts = { 0 };
        AUTO(env_close) struct env_vec *v = NULL;
        AUTO(model_free) struct model *m = NULL;
        AUTO(reco_twin_free) struct reco_twin *twin = NULL;
        struct env_recording recording = { 0 };
        struct sim_kernel kernel;
        struct err_note note = { 0 };
        enum err e;

        if (code >= 0) return code;
        e = tool_model_default(model_path, &m, &id, &note);
        if (!e && recording_path) {
                e = recording_read(recording_path, &recording, &note);
                opts.recording = show.recording = &recording;
        }
        opts.max_steps = (uint32_t)steps;
        opts.first_episode = (uint32_t)episode;
        if (!e) e = env_make(recording_path ? "replay" : "sim1", 1, &opts, &v, &note);
        kernel_init(&kernel, NULL);
        if (!e && !no_forecast) e = reco_twin_new(&kernel, &twin);
        if (!e) {
                show.m = m;
                safety_init(&show.safety, NULL, 1);
                (void)snprintf(show.id, sizeof show.id, "%016" PRIx64, id);
                e = play(v, &show, twin, seed_test_at(seed).value);
        }
        env_recording_done(&recording);
        return e ? tool_fail(&note) : EXIT_FINE;
}

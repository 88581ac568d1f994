#include "server/app/rig.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "server/app/rig_impl.h"

enum { RIG_STACK_MS = 120000, RIG_RUN_END_MS = 30000 };

void rig_notice(struct rig *rig, const char *level, const char *text)
{
        AUTO(json_free) struct json *j = json_object();
        AUTO_BUF out;

        buf_init(&out, 4096);
        json_set_str(j, "level", level);
        json_set_str(j, "text", text);
        if (!json_print(j, &out)) rig->o.tell(rig->o.ctx, "notice", out.data);
}

static void rig_signal(void *ctx, int number)
{
        struct rig *rig = ctx;

        (void)number;
        rig->interrupts++;
}

static void rig_idle(void *ctx, int64_t run_id)
{
        struct rig *rig = ctx;

        rig->idle = true;
        if (rig->keep) keep_end(rig->keep, run_id);
        if (rig->o.on_idle) rig->o.on_idle(rig->o.ctx, run_id);
}

/* Advice, too, is told and kept: a recording names the model that decided. */
static void rig_pass_on(void *ctx, const char *type, const char *json)
{
        struct rig *rig = ctx;

        rig->o.tell(rig->o.ctx, type, json);
        if (rig->keep) keep_hear(rig->keep, type, json);
}

static void rig_tell(void *ctx, const char *type, const char *json)
{
        struct rig *rig = ctx;

        rig_pass_on(rig, type, json);
        if (rig->advice) advice_hear(rig->advice, type, json);
}

static void rig_advise(void *ctx, char *dst, size_t dst_bytes)
{
        struct rig *rig = ctx;
        char sentence[ADVISOR_SENTENCE_BYTES] = "No model of a recovery agent fits this server, so there is no advice.";

        if (rig->advice) (void)advisor_sentence(advice_advisor(rig->advice), sentence);
        str_cut(dst, dst_bytes, sentence);
}

static void rig_advice_decided(void *ctx, const char *recommendation)
{
        struct rig *rig = ctx;

        if (rig->o.on_advice) rig->o.on_advice(rig->o.ctx, recommendation);
}

/* Without a model the trainer works all the same; it only has no advice to give. */
static void rig_advice_make(struct rig *rig)
{
        struct advice_options options = {.site = rig->o.site,
                                         .loop = rig->loop,
                                         .home = rig->home,
                                         .policy = rig->o.policy,
                                         .shows_all = rig->o.shows_all_advice,
                                         .conductor = rig->conductor,
                                         .tell = rig_pass_on,
                                         .decided = rig_advice_decided,
                                         .ctx = rig};
        struct err_note note = {0};
        char text[ERR_NOTE_BYTES + 64];

        if (!advice_new(&options, &rig->advice, &note)) return;
        (void)snprintf(text, sizeof(text), "no advice of the recovery agent: %s", note.text);
        rig_notice(rig, "warning", text);
}

static enum err rig_keep_make(struct rig *rig)
{
        struct keep_options options = {.spec = site_spec(rig->o.site),
                                         .store = rig->store,
                                         .conductor = rig->conductor,
                                         .driver = rig->o.driver ? rig->o.driver : "learner",
                                         .tell = rig->o.tell,
                                         .ctx = rig->o.ctx};

        return keep_new(&options, &rig->keep);
}

enum err rig_wait(struct rig *rig, const bool *done, int64_t timeout_ms)
{
        int64_t deadline = clock_mono_ms() + timeout_ms;
        int interrupts = rig->interrupts;

        while (!*done) {
                if (rig->interrupts > interrupts) return ERR_STATE;
                if (timeout_ms && clock_mono_ms() >= deadline) return ERR_TIMEOUT;
                (void)loop_turn(rig->loop, RIG_TURN_MS);
        }
        return ERR_OK;
}

bool rig_interrupted(const struct rig *rig)
{
        return rig->interrupts > 0;
}

static enum err rig_home_make(struct rig *rig, struct err_note *reterr)
{
        const char *base = getenv("TMPDIR");
        char resolved[PATH_MAX];

        if (rig->o.home) {
                enum err e = dir_make(rig->o.home, 0700, reterr);

                if (e) return e;
                if (!realpath(rig->o.home, resolved) || str_copy(rig->home, sizeof(rig->home), resolved))
                        return err_note(reterr, ERR_IO, "--home '%s' cannot be used", rig->o.home);
                return ERR_OK;
        }
        if (path_format(rig->home, "%s/fd-XXXXXX", base && *base ? base : "/tmp"))
                return err_note(reterr, ERR_LIMIT, "TMPDIR is too long");
        if (!mkdtemp(rig->home)) return err_note(reterr, ERR_IO, "no temporary folder '%s' can be made", rig->home);
        rig->is_temporary = true;
        return ERR_OK;
}

enum err rig_new(const struct rig_options *options, struct rig **ret, struct err_note *reterr)
{
        AUTO(rig_free) struct rig *rig = mem_zalloc(1, sizeof(*rig));
        enum err e;

        if (!rig) return err_note(reterr, ERR_NOMEM, "out of memory");
        rig->o = *options;
        e = loop_new(&rig->loop, reterr);
        if (e) return e;
        if (loop_signal_add(rig->loop, SIGINT, rig_signal, rig) ||
            loop_signal_add(rig->loop, SIGTERM, rig_signal, rig) || loop_signal_add(rig->loop, SIGHUP, rig_signal, rig))
                return err_note(reterr, ERR_IO, "signals cannot be watched");
        (void)signal(SIGPIPE, SIG_IGN);
        e = http_async_new(rig->loop, &rig->http);
        if (e) return err_note(reterr, e, "out of memory");
        *ret = take(&rig);
        return ERR_OK;
}

static void rig_answer(void *ctx, const struct stage_answer *a)
{
        struct rig *rig = ctx;

        rig->answered = true;
        rig->answer = a->e;
        if (a->e) (void)err_note(&rig->note, a->e, "%s", a->detail);
}

static void rig_progress(void *ctx, const char *text)
{
        rig_notice(ctx, "progress", text);
}

static enum err rig_answer_wait(struct rig *rig, int64_t timeout_ms, const char *what, struct err_note *reterr)
{
        enum err e = rig_wait(rig, &rig->answered, timeout_ms);

        if (e) return err_note(reterr, e, "%s", e == ERR_STATE ? "interrupted" : what);
        if (rig->answer) return err_note(reterr, rig->answer, "%s: %s", what, rig->note.text);
        return ERR_OK;
}

/* A stack that was never there is made fresh; one that a killed server left is taken as it is, so that its faults can
 * be undone. */
static enum err rig_stack_up(struct rig *rig, struct err_note *reterr)
{
        char folder[FILE_PATH_BYTES];

        if (path_format(folder, "%s/stacks/%d/config", rig->home, rig->o.stack))
                return err_note(reterr, ERR_LIMIT, "the path of --home is too long");
        rig->answered = false;
        if (file_is_dir(folder))
                stage_up(rig->stage, rig_answer, rig_progress, rig);
        else
                stage_reset(rig->stage, 1, rig_answer, rig_progress, rig);
        return rig_answer_wait(rig, RIG_STACK_MS, "the stack did not come up", reterr);
}

static enum err rig_conductor_make(struct rig *rig, struct err_note *reterr)
{
        char prometheus[64], loadgen[64], logproc[64];
        int prometheus_at = stack_service_find(site_spec(rig->o.site), "prometheus"),
            loadgen_at = stack_service_find(site_spec(rig->o.site), "loadgen"),
            logproc_at = stack_service_find(site_spec(rig->o.site), "logproc");
        struct conductor_options options = {.loop = rig->loop,
                                            .store = rig->store,
                                            .http = rig->http,
                                            .prometheus = prometheus,
                                            .loadgen = loadgen,
                                            .logproc = logproc,
                                            .world = site_world(rig->o.site),
                                            .spec = site_spec(rig->o.site),
                                            .stack = rig->o.stack,
                                            .tell = rig_tell,
                                            .on_idle = rig_idle,
                                            .advise = rig_advise,
                                            .ctx = rig};
        struct stage_options stage = {.loop = rig->loop,
                                      .http = rig->http,
                                      .control = rig->control,
                                      .spec = site_spec(rig->o.site),
                                      .number = rig->o.stack};

        if (prometheus_at < 0 || loadgen_at < 0 || logproc_at < 0)
                return err_note(reterr, ERR_NOT_FOUND, "sut/stack.yaml lists no prometheus, loadgen or logproc");
        if (stage_new(&stage, &rig->stage)) return err_note(reterr, ERR_NOMEM, "out of memory");
        stage_address(rig->stage, prometheus_at, prometheus, sizeof(prometheus));
        stage_address(rig->stage, loadgen_at, loadgen, sizeof(loadgen));
        stage_address(rig->stage, logproc_at, logproc, sizeof(logproc));
        options.stage = rig->stage;
        if (conductor_new(&options, &rig->conductor)) return err_note(reterr, ERR_NOMEM, "out of memory");
        rig_advice_make(rig);
        return rig_keep_make(rig) ? err_note(reterr, ERR_NOMEM, "out of memory") : ERR_OK;
}

/* Every run that an earlier life left is ended and undone before anything new. */
static enum err rig_recover(struct rig *rig, struct err_note *reterr)
{
        for (;;) {
                char what[ERR_NOTE_BYTES];
                struct err_note note;
                enum err e;

                rig->idle = false;
                e = conductor_recover(rig->conductor, what, &note);
                if (e) return err_note(reterr, e, "the runs of an earlier life cannot be taken up: %s", note.text);
                if (!what[0]) return ERR_OK;
                rig_notice(rig, "warning", what);
                e = rig_wait(rig, &rig->idle, RIG_RUN_END_MS);
                if (e)
                        return err_note(reterr, e,
                                        e == ERR_STATE ? "interrupted"
                                                       : "the run of an earlier life could not be undone in time");
        }
}

enum err rig_start(struct rig *rig, struct err_note *reterr)
{
        char path[FILE_PATH_BYTES];
        enum err e = rig_home_make(rig, reterr);

        if (!e && path_join(path, rig->home, "firedrill.db"))
                e = err_note(reterr, ERR_LIMIT, "the path of --home is too long");
        if (!e) e = store_open(path, &rig->store, reterr);
        if (!e) e = rig_agent_find(rig, reterr);
        if (!e) e = rig_conductor_make(rig, reterr);
        return e;
}

enum err rig_stack_start(struct rig *rig, struct err_note *reterr)
{
        enum err e = rig_stack_up(rig, reterr);

        if (!e) e = rig_recover(rig, reterr);
        rig->revives = !e && !rig->o.no_control;
        return e;
}

/* Stop */

static enum err rig_run_end(struct rig *rig, struct err_note *reterr)
{
        struct run_event end = {.kind = RUN_EV_END, .by = "abandoned"};
        struct err_note note;

        if (!rig->conductor || !conductor_active(rig->conductor)) return ERR_OK;
        rig->idle = false;
        /* A run that has an outcome refuses a second end, and is only being undone. */
        if (conductor_event(rig->conductor, &end, &note) == ERR_NOMEM)
                return err_note(reterr, ERR_NOMEM, "out of memory");
        if (!conductor_active(rig->conductor) || rig_wait(rig, &rig->idle, RIG_RUN_END_MS) == ERR_OK) return ERR_OK;
        return err_note(reterr, ERR_TIMEOUT, "the run could not be undone; the next start does it");
}

enum err rig_stop(struct rig *rig, struct err_note *reterr)
{
        enum err e = rig_run_end(rig, reterr), stopped;

        rig->stopping = true;
        stopped = rig_agent_stop(rig, e ? NULL : reterr);
        if (!e) e = stopped;
        store_free(take(&rig->store));
        if (rig->is_temporary && !stopped) stopped = dir_remove(rig->home, e ? NULL : reterr);
        return e ? e : stopped;
}

void rig_free(struct rig *rig)
{
        if (!rig) return;
        loop_timer_remove(rig->revive_timer);
        conductor_free(rig->conductor);
        advice_free(take(&rig->advice));
        keep_free(take(&rig->keep));
        control_free(rig->control);
        http_async_free(rig->http);
        stage_free(rig->stage);
        agent_free(rig->agent);
        store_free(rig->store);
        loop_free(rig->loop);
        mem_free(rig);
}

struct loop *rig_loop(struct rig *rig)
{
        return rig->loop;
}

struct store *rig_store(struct rig *rig)
{
        return rig->store;
}

struct control *rig_control(struct rig *rig)
{
        return rig->control;
}

struct stage *rig_stage(struct rig *rig)
{
        return rig->stage;
}

struct advisor *rig_advisor(struct rig *rig)
{
        return rig->advice ? advice_advisor(rig->advice) : NULL;
}

struct conductor *rig_conductor(struct rig *rig)
{
        return rig->conductor;
}

struct http_async *rig_http(struct rig *rig)
{
        return rig->http;
}

const char *rig_home(const struct rig *rig)
{
        return rig->home;
}

const struct site *rig_site(const struct rig *rig)
{
        return rig->o.site;
}

int rig_stack(const struct rig *rig)
{
        return rig->o.stack;
}

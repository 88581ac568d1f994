#include "server/app/advice.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/file.h"
#include "common/text/json.h"
#include "server/app/models.h"

enum { ADVICE_LINE_BYTES_MAX = 1 << 17 };

struct advice {
        struct advice_options o;
        struct advisor *advisor;
        bool decision_lost;  /* told once, until it works again */
        int64_t shown_run;   /* the run whose learner was shown something last */
        char shown[96];      /* and what: action and service */
        bool open;           /* the learner may see what is said */
        struct loop_timer *again;
};

static void keep(struct advice *a, const char *json, bool shown)
{
        char path[FILE_PATH_BYTES];
        struct err_note note;
        AUTO_BUF line = {0};
        enum err e;

        buf_init(&line, ADVICE_LINE_BYTES_MAX);
        buf_printf(&line, "{\"shown\":%s,\"recommendation\":%s}\n", shown ? "true" : "false", json);
        e = path_format(path, "%s/decisions/r%lld.jsonl", a->o.home, (long long)conductor_run_id(a->o.conductor));
        if (!e) e = buf_status(&line);
        if (!e) e = file_append(path, line.data, line.size_bytes, 0600, &note);
        if (e && !a->decision_lost)
                a->o.tell(a->o.ctx, "notice", "{\"level\":\"warning\",\"text\":\"the agent's decisions cannot be kept on disk\"}");
        a->decision_lost = e != ERR_OK;
}

/* Into the run's log, once for each new advice: what was shown when. A full run refuses it, and goes on. */
static void note_shown(struct advice *a, const char *json)
{
        AUTO(json_free) struct json *j = NULL;
        struct run_event event = {.kind = RUN_EV_ASSIST, .by = "advice"};
        struct err_note note;
        char what[sizeof(a->shown)];

        if (json_parse(json, strlen(json), &j, NULL)) return;
        (void)snprintf(what, sizeof(what), "%s %s", json_get_str(j, "name", ""), json_get_str(j, "target", ""));
        if (a->shown_run == conductor_run_id(a->o.conductor) && str_eq(what, a->shown)) return;
        event.text = json_get_str(j, "reason", "");
        event.on = json_get_str(j, "target", "");
        if (conductor_event(a->o.conductor, &event, &note)) return;
        a->shown_run = conductor_run_id(a->o.conductor);
        str_cut(a->shown, sizeof(a->shown), what);
}

/* Before the page nobody is told anything: that something is decided would give the onset away. */
static void advised(void *ctx, const char *json, bool wanted)
{
        struct advice *a = ctx;
        const struct run *run = conductor_run(a->o.conductor);
        bool shown = run && run_state(run) == RUN_RUNNING && (wanted || run_autopilot(run));

        keep(a, json, shown);
        if (shown) note_shown(a, json);
        if (shown || a->o.shows_all) a->o.tell(a->o.ctx, "recommendation", json);
        if (a->o.decided) a->o.decided(a->o.ctx, json);
}

enum err advice_new(const struct advice_options *options, struct advice **ret, struct err_note *reterr)
{
        AUTO(advice_free) struct advice *a = mem_zalloc(1, sizeof(*a));
        struct advisor_options advisor = {.spec = site_spec(options->site), .policy = options->policy, .tell = advised};
        char path[FILE_PATH_BYTES];
        struct models models;
        enum err e;

        if (!a) return err_note(reterr, ERR_NOMEM, "out of memory");
        a->o = *options;
        models_init(&models);
        e = path_format(path, "%s/decisions", options->home);
        if (!e) e = dir_make(path, 0700, reterr);
        if (!e) e = models_read(&models, NULL, reterr);
        models_give(&models, &advisor);
        advisor.ctx = a;
        if (!e) e = advisor_new(&advisor, &a->advisor, reterr);
        models_done(&models);
        if (e) return e;
        *ret = take(&a);
        return ERR_OK;
}

void advice_free(struct advice *a)
{
        if (!a) return;
        loop_timer_remove(a->again);
        advisor_free(a->advisor);
        mem_free(a);
}

static void say_again(void *ctx)
{
        struct advice *a = ctx;

        a->again = NULL;
        advisor_again(a->advisor);
}

/* With the page (or the diagnosis, or the autopilot) the learner begins to see what was said to nobody before: not in five seconds, now.
 * From the loop, because this message is of a step of the run that is not over yet. */
static void open_see(struct advice *a)
{
        const struct run *run = conductor_run(a->o.conductor);
        bool open = run && run_state(run) == RUN_RUNNING && (advisor_shows(a->advisor) || run_autopilot(run));

        if (open && !a->open && !a->again && loop_timer_add(a->o.loop, 0, 0, say_again, a, &a->again)) a->again = NULL;
        a->open = open;
}

void advice_hear(struct advice *a, const char *type, const char *json)
{
        advisor_hear(a->advisor, type, json);
        if (str_eq(type, "run")) open_see(a);
}

struct advisor *advice_advisor(struct advice *a)
{
        return a->advisor;
}

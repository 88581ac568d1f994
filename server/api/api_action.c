/* Actions: started on the loop, waited for on the worker. The ticket is shared by both and freed by whoever is last. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "server/api/api_call.h"

struct ticket {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        struct api *api;
        const struct api_call *call; /* lent to the loop while the worker waits in loop_call */
        bool refused, done;
        enum err e;
        struct err_note note;
        struct buf action, problem;
        int holders; /* 2 while the conductor may still answer */
};

static struct ticket *ticket_new(struct api_call *call)
{
        struct ticket *t = mem_zalloc(1, sizeof(*t));
        pthread_condattr_t attributes;

        if (!t) return NULL;
        (void)pthread_mutex_init(&t->lock, NULL);
        (void)pthread_condattr_init(&attributes);
        (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        (void)pthread_cond_init(&t->changed, &attributes);
        (void)pthread_condattr_destroy(&attributes);
        t->api = call->api;
        t->call = call;
        t->holders = 1;
        buf_init(&t->action, CONDUCTOR_TEXT_BYTES_MAX);
        buf_init(&t->problem, CONDUCTOR_TEXT_BYTES_MAX);
        return t;
}

static void ticket_release(struct ticket *t)
{
        bool last;

        (void)pthread_mutex_lock(&t->lock);
        last = --t->holders == 0;
        (void)pthread_mutex_unlock(&t->lock);
        if (!last) return;
        (void)pthread_cond_destroy(&t->changed);
        (void)pthread_mutex_destroy(&t->lock);
        buf_done(&t->action);
        buf_done(&t->problem);
        mem_free(t);
}

static void action_done(void *ctx, enum err e, const char *json, const char *detail, const char *problem)
{
        struct ticket *t = ctx;

        (void)pthread_mutex_lock(&t->lock);
        t->e = e;
        t->done = true;
        if (e) (void)err_note(&t->note, e, "%s", detail);
        buf_str(&t->action, json);
        if (problem) buf_str(&t->problem, problem);
        (void)pthread_cond_signal(&t->changed);
        (void)pthread_mutex_unlock(&t->lock);
        ticket_release(t);
}

static void action_start(void *ctx)
{
        struct ticket *t = ctx;
        const struct json *body = t->call->body, *args = json_get(body, "args");
        struct conductor *c = t->api->o.conductor;
        struct run_event event = {.kind = RUN_EV_ACTION,
                                  .by = "learner",
                                  .action = json_get_str(body, "kind", ""),
                                  .on = json_get_str(body, "on", ""),
                                  .text = json_get_str(body, "reason", "")};
        AUTO_BUF text;
        int64_t id = 0;

        buf_init(&text, RUN_ARGS_BYTES_MAX);
        t->refused = true;
        if (t->call->segment[0][0] != 'r' || str_parse_i64(t->call->segment[0] + 1, 1, INT64_MAX, &id)) {
                t->e = err_note(&t->note, ERR_NOT_FOUND, "there is no run '%.32s'", t->call->segment[0]);
                return;
        }
        if (!conductor_active(c) || conductor_run_id(c) != id) {
                t->e = err_note(&t->note, ERR_STATE, "run r%lld is not active", (long long)id);
                return;
        }
        if (args && json_print(args, &text)) {
                t->e = err_note(&t->note, ERR_INVAL, "'args' is larger than %d bytes", RUN_ARGS_BYTES_MAX);
                return;
        }
        event.args = text.size_bytes ? text.data : "{}";
        t->holders++;
        t->e = conductor_action(c, &event, action_done, t, &t->note);
        t->refused = t->e != ERR_OK;
        if (t->refused) t->holders--;
}

/* False when the time is up. */
static bool ticket_wait(struct ticket *t)
{
        struct timespec until;
        bool done;

        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += API_ACTION_MS / 1000;
        (void)pthread_mutex_lock(&t->lock);
        while (!t->done && pthread_cond_timedwait(&t->changed, &t->lock, &until) == 0) {
        }
        done = t->done;
        (void)pthread_mutex_unlock(&t->lock);
        return done;
}

/* The service's own findings are passed on: {"errors":[{"pointer","detail"}]}. */
static void action_refused(struct api_call *call, const struct ticket *t)
{
        AUTO(json_free) struct json *problem = NULL, *action = NULL;
        struct json *members;

        if (t->e != ERR_INVAL && t->problem.size_bytes == 0) {
                /* What the stack could not do is not the server's own failure. */
                if (t->e == ERR_UNAVAILABLE || t->e == ERR_IO || t->e == ERR_TIMEOUT)
                        call_problem(call, 502, err_name(t->e), "%s", t->note.text);
                else
                        call_error(call, t->e, &t->note);
                return;
        }
        call_problem(call, 422, "INVAL", "%s", t->note.text);
        members = json_object();
        if (t->problem.size_bytes && !json_parse(t->problem.data, t->problem.size_bytes, &problem, NULL) &&
            json_get(problem, "errors"))
                json_set(members, "errors", json_clone(json_get(problem, "errors")));
        if (t->action.size_bytes && !json_parse(t->action.data, t->action.size_bytes, &action, NULL))
                json_set(members, "action", json_clone(action));
        call->members = members;
}

static bool action_read(struct api_call *call)
{
        JSON_EACH(member, call->body)
        {
                const char *key = json_key(member);
                bool known = str_eq(key, "kind") || str_eq(key, "on") || str_eq(key, "reason");

                if ((known && json_text(member)) || (str_eq(key, "args") && json_is(member, JSON_OBJECT))) continue;
                if (known || str_eq(key, "args"))
                        call_problem(call, 422, "INVAL", "'%s' must be %s", key, known ? "a text" : "an object");
                else
                        call_problem(call, 422, "INVAL", "unknown member '%.40s', expected kind, on, args, reason",
                                     key);
                return false;
        }
        if (json_get_str(call->body, "kind", NULL)) return true;
        call_problem(call, 422, "INVAL", "'kind' is missing, for example config.patch or process.restart");
        return false;
}

void handle_action(struct api_call *call)
{
        struct ticket *t;
        enum err e;

        if (!action_read(call)) return;
        t = ticket_new(call);
        if (!t) {
                call_problem(call, 503, "NOMEM", "out of memory");
                return;
        }
        e = loop_call(call->api->o.loop, action_start, t, API_LOOP_MS);
        if (e)
                call_problem(call, 503, err_name(e), "the server is busy (%s); try again", err_text(e));
        else if (t->refused)
                action_refused(call, t);
        else if (!ticket_wait(t))
                call_problem(call, 504, "TIMEOUT",
                             "the action is not done after %d s; it may still be: see the list of actions",
                             API_ACTION_MS / 1000);
        else if (t->e)
                action_refused(call, t);
        else
                call_text(call, 200, "application/json", t->action.data, t->action.size_bytes);
        ticket_release(t);
}

/* verbs: the table of what a client may ask for (docs/contracts.md), and the checks of what it sent. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/str.h"
#include "common/sys/log.h"
#include "control-agent/app/agent.h"

struct call {
        struct agent *agent;
        struct request *request;
        const struct json *body, *args; /* args NULL or an object */
        struct stack_run *stack;        /* of verbs that name one */
        const char *service;
        enum svc_event event;
};

struct verb {
        const char *name;
        enum err (*run)(struct call *call, struct err_note *reterr);
        bool stack, service;
        const char *args[3]; /* known argument names */
        enum svc_event event;
};

static void on_done(void *ctx, enum err e, struct json *result, const struct err_note *note)
{
        if (e)
                request_fail(ctx, e, note->text);
        else
                request_done(ctx, result);
}

static void on_progress(void *ctx, const char *text)
{
        request_progress(ctx, text);
}

static struct stack_verb later(const struct call *call)
{
        return (struct stack_verb){.done = on_done, .progress = on_progress, .ctx = call->request};
}

static enum err read_seed(const struct call *call, uint64_t *ret, struct err_note *reterr)
{
        const struct json *seed = json_get(call->args, "seed");
        double value = json_value(seed);

        *ret = 1;
        if (!seed) return ERR_OK;
        if (!(value >= 0) || value > 9007199254740992.0 || value != floor(value))
                return err_note(reterr, ERR_INVAL, "'seed' must be a whole number from 0 to 2^53");
        *ret = (uint64_t)value;
        return ERR_OK;
}

static enum err verb_hello(struct call *call, struct err_note *reterr)
{
        struct json *j = json_object(), *list = json_array();

        (void)reterr;
        for (size_t i = 0; i <= STACK_NUMBER_MAX; i++)
                if (call->agent->stacks[i] && stack_run_state(call->agent->stacks[i]) != STACK_RUN_DOWN)
                        json_push(list, json_number((double)i));
        json_set_str(j, "version", FD_VERSION);
        json_set_num(j, "pid", getpid());
        json_set_str(j, "mode", keeper_mode_text(call->agent->mode));
        json_set(j, "stacks", list);
        request_done(call->request, j);
        return ERR_OK;
}

static enum err verb_up(struct call *call, struct err_note *reterr)
{
        const struct json *fresh = json_get(call->args, "fresh");
        struct stack_verb verb = later(call);
        uint64_t seed;
        enum err e = read_seed(call, &seed, reterr);

        if (e) return e;
        if (fresh && !json_is(fresh, JSON_BOOL)) return err_note(reterr, ERR_INVAL, "'fresh' must be true or false");
        if (call->agent->ending) return err_note(reterr, ERR_STATE, "the control agent is ending");
        return stack_run_up(call->stack, json_true(fresh), seed, &verb, reterr);
}

static enum err verb_down(struct call *call, struct err_note *reterr)
{
        struct stack_verb verb = later(call);

        return stack_run_down(call->stack, &verb, reterr);
}

static enum err verb_reset(struct call *call, struct err_note *reterr)
{
        struct stack_verb verb = later(call);
        uint64_t seed;
        enum err e = read_seed(call, &seed, reterr);

        if (e) return e;
        if (call->agent->ending) return err_note(reterr, ERR_STATE, "the control agent is ending");
        return stack_run_reset(call->stack, seed, &verb, reterr);
}

static enum err verb_status(struct call *call, struct err_note *reterr)
{
        (void)reterr;
        request_done(call->request, stack_run_status(call->stack));
        return ERR_OK;
}

static enum err verb_service(struct call *call, struct err_note *reterr)
{
        struct stack_verb verb = later(call);

        return stack_run_service(call->stack, call->service, call->event, &verb, reterr);
}

static enum err verb_watch(struct call *call, struct err_note *reterr)
{
        (void)reterr;
        request_watch(call->request);
        request_done(call->request, json_object());
        return ERR_OK;
}

static enum err verb_shutdown(struct call *call, struct err_note *reterr)
{
        (void)reterr;
        request_done(call->request, json_object());
        agent_end(call->agent);
        return ERR_OK;
}

static const struct verb verbs[] = {
        {"hello", verb_hello, .stack = false},
        {"stack.up", verb_up, .stack = true, .args = {"fresh", "seed"}},
        {"stack.down", verb_down, .stack = true},
        {"stack.reset", verb_reset, .stack = true, .args = {"seed"}},
        {"stack.status", verb_status, .stack = true},
        {"service.start", verb_service, true, true, {NULL}, SVC_EV_START},
        {"service.stop", verb_service, true, true, {NULL}, SVC_EV_STOP},
        {"service.kill", verb_service, true, true, {NULL}, SVC_EV_KILL},
        {"service.pause", verb_service, true, true, {NULL}, SVC_EV_PAUSE},
        {"service.resume", verb_service, true, true, {NULL}, SVC_EV_RESUME},
        {"service.restart", verb_service, true, true, {NULL}, SVC_EV_RESTART},
        {"service.reload", verb_service, true, true, {NULL}, SVC_EV_RELOAD},
        {"watch", verb_watch, .stack = false},
        {"shutdown", verb_shutdown, .stack = false},
};

static const struct verb *find(const char *name, struct err_note *reterr)
{
        const char *names[ARRAY_COUNT(verbs)], *near;

        for (size_t i = 0; i < ARRAY_COUNT(verbs); i++) {
                if (str_eq(verbs[i].name, name)) return &verbs[i];
                names[i] = verbs[i].name;
        }
        near = str_suggest(name, names, ARRAY_COUNT(names));
        (void)err_note(reterr, ERR_NOT_FOUND, "unknown verb '%.60s'%s%s%s", name, near ? "; did you mean '" : "",
                       near ? near : "", near ? "'?" : "");
        return NULL;
}

static enum err check_args(const struct verb *verb, const struct json *args, struct err_note *reterr)
{
        if (args && !json_is(args, JSON_OBJECT) && !json_is(args, JSON_NULL))
                return err_note(reterr, ERR_INVAL, "'args' must be an object");
        JSON_EACH(arg, args)
        {
                bool known = false;

                for (size_t i = 0; i < ARRAY_COUNT(verb->args); i++) known |= str_eq(verb->args[i], json_key(arg));
                if (!known)
                        return err_note(reterr, ERR_INVAL, "'%s' has no argument '%.60s'", verb->name, json_key(arg));
        }
        return ERR_OK;
}

static enum err read_target(const struct verb *verb, struct call *call, struct err_note *reterr)
{
        const struct json *number = json_get(call->body, "stack");
        double value = json_value(number);
        enum err e;

        if (verb->stack) {
                if (!number || !(value == floor(value)))
                        return err_note(reterr, ERR_INVAL, "'%s' needs 'stack', a whole number from 1 to %d",
                                        verb->name, STACK_NUMBER_MAX);
                e = agent_stack(call->agent, fabs(value) < 1e6 ? (int64_t)value : -1, &call->stack, reterr);
                if (e) return e;
        }
        call->service = json_get_str(call->body, "service", NULL);
        if (verb->service && !call->service)
                return err_note(reterr, ERR_INVAL, "'%s' needs 'service', a name", verb->name);
        return ERR_OK;
}

void verbs_request(struct agent *a, struct request *request, const struct json *body)
{
        struct call call = {.agent = a, .request = request, .body = body, .args = json_get(body, "args")};
        const char *name = json_get_str(body, "verb", NULL);
        const struct verb *verb;
        struct err_note note = {0};
        enum err e = ERR_NOT_FOUND;

        if (!name) {
                request_fail(request, ERR_INVAL, "the request has no 'verb'");
                return;
        }
        verb = find(name, &note);
        if (verb) {
                call.event = verb->event;
                e = check_args(verb, call.args, &note);
                if (!e) e = read_target(verb, &call, &note);
                if (!e) e = verb->run(&call, &note);
        }
        if (e) request_fail(request, e, note.text);
}

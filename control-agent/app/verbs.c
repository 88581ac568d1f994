/* verbs: the table of what a client may ask for (docs/contracts.md), and the checks of what it sent. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/str.h"
#include "common/sys/log.h"
#include "control-agent/app/agent.h"
#include "control-agent/app/faults.h"
#include "control-agent/inject/order.h"

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
        const char *args[4]; /* known argument names */
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

static enum err verb_fault_apply(struct call *call, struct err_note *reterr)
{
        struct json *result = NULL;
        enum err e = faults_apply(call->agent->faults, call->stack, call->args, &result, reterr);

        if (!e) request_done(call->request, result);
        return e;
}

static enum err verb_fault_undo(struct call *call, struct err_note *reterr)
{
        const char *id = json_get_str(call->args, "fault_id", NULL);
        enum err e;

        if (!id) return err_note(reterr, ERR_INVAL, "'fault.undo' needs 'fault_id', as fault.apply gave it");
        e = faults_undo(call->agent->faults, call->stack, id, reterr);
        if (!e) request_done(call->request, json_object());
        return e;
}

static enum err verb_fault_list(struct call *call, struct err_note *reterr)
{
        (void)reterr;
        request_done(call->request, faults_list(call->agent->faults, stack_run_number(call->stack)));
        return ERR_OK;
}

static enum err verb_fault_kinds(struct call *call, struct err_note *reterr)
{
        struct json *j = json_object();

        (void)reterr;
        json_set(j, "kinds", order_kinds_json());
        request_done(call->request, j);
        return ERR_OK;
}

static enum err verb_edges(struct call *call, struct err_note *reterr)
{
        const struct stack_spec *spec = call->agent->spec;
        struct json *j = json_object(), *list = json_array();

        (void)reterr;
        for (size_t i = 0; i < spec->edges_count; i++) {
                struct json *edge = json_object();
                struct edge_stats stats = {0};
                char text[64];

                stack_edge_name(spec, i, text, sizeof(text));
                json_set_str(edge, "edge", text);
                edges_address(spec, stack_run_number(call->stack), i, text, sizeof(text));
                json_set_str(edge, "address", text);
                if (edges_stats(call->agent->edges, stack_run_number(call->stack), i, &stats)) stats.listening = false;
                json_set_bool(edge, "listening", stats.listening);
                json_set_num(edge, "open", (double)stats.open);
                json_set_num(edge, "opened", (double)stats.opened);
                json_set_num(edge, "bytes_up", (double)stats.bytes_up);
                json_set_num(edge, "bytes_down", (double)stats.bytes_down);
                json_push(list, edge);
        }
        json_set(j, "edges", list);
        request_done(call->request, j);
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
        {"fault.apply", verb_fault_apply, .stack = true, .args = {"fault", "on", "args", "for_ms"}},
        {"fault.undo", verb_fault_undo, .stack = true, .args = {"fault_id"}},
        {"fault.list", verb_fault_list, .stack = true},
        {"fault.kinds", verb_fault_kinds, .stack = false},
        {"edge.list", verb_edges, .stack = true},
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

#include "control-agent/app/faults.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/sys/log.h"
#include "control-agent/app/bite.h"
#include "control-agent/inject/order.h"

enum { ON_BYTES = 64, ID_BYTES = 24, FOR_MS_MAX = 86400000, JOURNAL_BYTES_MAX = 1 << 18 };

struct fault {
        bool used;
        struct faults *faults;
        struct stack_run *stack;
        char id[ID_BYTES], on[ON_BYTES];
        struct order order;
        struct json *args;
        int64_t applied_ms, for_ms;
        size_t edge, slot; /* of net kinds */
        struct bite bite;  /* of process kinds */
        struct loop_timer *until;
};

struct faults {
        struct agent *agent;
        struct fault items[FAULTS_MAX];
        uint64_t made;
};

enum err faults_new(struct agent *a, struct faults **ret)
{
        *ret = mem_zalloc(1, sizeof(**ret));
        if (!*ret) return ERR_NOMEM;
        (*ret)->agent = a;
        return ERR_OK;
}

static void fault_free(struct fault *f)
{
        loop_timer_remove(f->until);
        bite_done(&f->bite);
        json_free(f->args);
        *f = (struct fault){0};
}

void faults_free(struct faults *f)
{
        if (!f) return;
        for (size_t i = 0; i < FAULTS_MAX; i++)
                if (f->items[i].used) fault_free(&f->items[i]);
        mem_free(f);
}

static struct json *fault_json(const struct fault *f)
{
        struct json *j = json_object();

        json_set_str(j, "fault_id", f->id);
        json_set_str(j, "fault", order_kind_text(f->order.kind));
        json_set_str(j, "on", f->on);
        json_set(j, "args", f->args ? json_clone(f->args) : json_object());
        json_set_num(j, "applied_ms", (double)f->applied_ms);
        if (f->for_ms) json_set_num(j, "for_ms", (double)f->for_ms);
        return j;
}

struct json *faults_list(const struct faults *f, unsigned stack)
{
        struct json *j = json_object(), *list = json_array();

        for (size_t i = 0; i < FAULTS_MAX; i++)
                if (f->items[i].used && stack_run_number(f->items[i].stack) == stack)
                        json_push(list, fault_json(&f->items[i]));
        json_set(j, "faults", list);
        return j;
}

static enum err journal_path(const struct agent *a, unsigned stack, char dst[static FILE_PATH_BYTES])
{
        return path_format(dst, "%s/stacks/%u/faults.json", a->home, stack);
}

/* What is in force, or about to be: on disk before anything is done. */
static enum err journal_write(const struct faults *f, unsigned stack, struct err_note *reterr)
{
        char path[FILE_PATH_BYTES];
        struct json *list = faults_list(f, stack);
        AUTO_BUF b;
        enum err e = journal_path(f->agent, stack, path);

        buf_init(&b, JOURNAL_BYTES_MAX);
        if (!e) e = json_print(list, &b);
        json_free(list);
        if (e) return err_note(reterr, e, "cannot keep the journal of faults: %s", err_text(e));
        return file_write_atomic(path, b.data, b.size_bytes, 0600, true, reterr);
}

static void tell(struct fault *f, const char *state)
{
        struct json *event = json_object();

        json_set_str(event, "event", "fault");
        json_set_num(event, "stack", stack_run_number(f->stack));
        json_set_str(event, "state", state);
        json_set(event, "fault", fault_json(f));
        agent_tell(f->faults->agent, event);
        log_event(LOG_INFO, "fault.changed", state, LOG_S("fault", order_kind_text(f->order.kind)), LOG_S("on", f->on),
                  LOG_S("fault_id", f->id), LOG_N("stack", stack_run_number(f->stack)));
}

static enum err take_back(struct fault *f, struct err_note *reterr)
{
        if (order_is_net(&f->order))
                return edges_undo(f->faults->agent->edges, stack_run_number(f->stack), f->edge, f->slot, reterr);
        bite_end(&f->bite);
        return ERR_OK;
}

static enum err undo(struct fault *f, struct err_note *reterr)
{
        struct faults *all = f->faults;
        unsigned stack = stack_run_number(f->stack);
        enum err e = take_back(f, reterr);

        if (e) return e; /* still in force, and listed */
        tell(f, "undone");
        fault_free(f);
        /* The fault is gone; a journal that still names it costs the next agent one undo too many, which is harmless.
         */
        if (journal_write(all, stack, NULL))
                log_event(LOG_WARN, "fault.journal", "cannot write", LOG_N("stack", stack));
        return ERR_OK;
}

static void on_until(void *ctx)
{
        struct fault *f = ctx;
        struct err_note note = {0};

        f->until = NULL;
        if (undo(f, &note)) log_event(LOG_ERROR, "fault.undo", note.text, LOG_S("fault_id", f->id));
}

static enum err bring(struct fault *f, struct err_note *reterr)
{
        struct agent *a = f->faults->agent;

        if (order_is_net(&f->order))
                return edges_apply(a->edges, stack_run_number(f->stack), f->edge, &f->order.net, &f->slot, reterr);
        return bite_begin(&f->bite, reterr);
}

/* Reads and checks everything; *f is filled, nothing is done yet. */
static enum err read(struct fault *f, const struct json *args, struct err_note *reterr)
{
        const struct stack_spec *spec = f->faults->agent->spec;
        const char *kind = json_get_str(args, "fault", NULL), *on = json_get_str(args, "on", NULL), *near;
        double for_ms = json_get_num(args, "for_ms", 0);
        enum err e;
        int at;

        if (!kind) return err_note(reterr, ERR_INVAL, "'fault.apply' needs 'fault', a name like net.latency");
        if (!on || str_copy(f->on, sizeof(f->on), on))
                return err_note(reterr, ERR_INVAL, "'fault.apply' needs 'on': an edge like api->db, or a process");
        if (!(for_ms >= 0 && for_ms <= FOR_MS_MAX))
                return err_note(reterr, ERR_INVAL, "'for_ms' must be from 0 to %d", FOR_MS_MAX);
        f->for_ms = (int64_t)for_ms;
        e = order_parse(kind, json_get(args, "args"), &f->order, reterr);
        if (e) return e;
        if (order_is_net(&f->order)) return stack_edge_find(spec, on, &f->edge, reterr);
        at = stack_service_find(spec, on);
        if (at < 0) {
                near = stack_service_suggest(spec, on);
                return err_note(reterr, ERR_NOT_FOUND, "no process '%s'%s%s%s", on, near ? "; did you mean '" : "",
                                near ? near : "", near ? "'?" : "");
        }
        if (!stack_run_built(f->stack, (size_t)at))
                return err_note(reterr, ERR_STATE, "%s is not part of this build", on);
        return bite_init(&f->bite, f->faults->agent->loop, f->stack, &spec->services[at], (size_t)at, &f->order,
                         reterr);
}

static enum err apply(struct fault *f, const struct json *args, struct err_note *reterr)
{
        const struct json *given = json_get(args, "args");
        unsigned stack = stack_run_number(f->stack);
        enum err e = read(f, args, reterr);

        if (e) return e;
        f->applied_ms = clock_wall_ms();
        f->args = given && !json_is(given, JSON_NULL) ? json_clone(given) : json_object();
        (void)snprintf(f->id, sizeof(f->id), "f%" PRIu64, ++f->faults->made);
        e = journal_write(f->faults, stack, reterr);
        if (!e && f->for_ms) {
                e = loop_timer_add(f->faults->agent->loop, f->for_ms, 0, on_until, f, &f->until);
                if (e) {
                        f->until = NULL;
                        (void)err_note(reterr, e, "no timer is left for the end of this fault");
                }
        }
        return e ? e : bring(f, reterr);
}

enum err faults_apply(struct faults *all, struct stack_run *r, const struct json *args, struct json **ret_result,
                      struct err_note *reterr)
{
        struct fault *f = NULL;
        struct json *result, *back;
        enum err e;

        for (size_t i = 0; i < FAULTS_MAX && !f; i++)
                if (!all->items[i].used) f = &all->items[i];
        if (!f) return err_note(reterr, ERR_LIMIT, "%d faults are in force; undo one first", FAULTS_MAX);
        if (!stack_run_alive(r)) return err_note(reterr, ERR_STATE, "stack %u is not up", stack_run_number(r));
        *f = (struct fault){.used = true, .faults = all, .stack = r};
        e = apply(f, args, reterr);
        if (e) {
                fault_free(f);
                if (journal_write(all, stack_run_number(r), NULL)) /* names one too many: harmless, see undo() */
                        log_event(LOG_WARN, "fault.journal", "cannot write", LOG_N("stack", stack_run_number(r)));
                return e;
        }
        tell(f, "applied");
        result = json_object();
        back = json_object();
        json_set_str(back, "verb", "fault.undo");
        json_set_str(back, "fault_id", f->id);
        json_set_str(result, "fault_id", f->id);
        json_set(result, "undo", back);
        *ret_result = result;
        return ERR_OK;
}

enum err faults_undo(struct faults *all, struct stack_run *r, const char *id, struct err_note *reterr)
{
        for (size_t i = 0; i < FAULTS_MAX; i++) {
                struct fault *f = &all->items[i];

                if (f->used && f->stack == r && str_eq(f->id, id)) return undo(f, reterr);
        }
        return err_note(reterr, ERR_NOT_FOUND, "no fault '%.30s' is in force on stack %u", id, stack_run_number(r));
}

void faults_process(struct faults *all, struct stack_run *r, size_t service, bool fresh)
{
        for (size_t i = 0; i < FAULTS_MAX; i++) {
                struct fault *f = &all->items[i];

                if (f->used && f->stack == r && !order_is_net(&f->order) && f->bite.service == service)
                        bite_again(&f->bite, fresh);
        }
}

void faults_forget(struct faults *all, unsigned stack)
{
        char path[FILE_PATH_BYTES];

        for (size_t i = 0; i < FAULTS_MAX; i++) {
                struct fault *f = &all->items[i];

                if (!f->used || stack_run_number(f->stack) != stack) continue;
                if (!order_is_net(&f->order)) bite_end(&f->bite); /* edges are opened anew */
                tell(f, "undone");
                fault_free(f);
        }
        if (!journal_path(all->agent, stack, path) && file_remove(path, NULL))
                log_event(LOG_WARN, "fault.journal", "cannot remove", LOG_S("path", path));
}

/* Processes and proxies ended with the agent that made them; pages are files, and stay. */
static void recover_one(void *ctx, const char *name)
{
        const struct agent *a = ctx;
        AUTO(json_free) struct json *journal = NULL;
        char path[FILE_PATH_BYTES], page[FILE_PATH_BYTES];
        AUTO_BUF b;

        buf_init(&b, JOURNAL_BYTES_MAX);
        if (path_format(path, "%s/stacks/%s/faults.json", a->home, name) || !file_exists(path)) return;
        if (!file_read(path, &b, NULL) && !json_parse(b.data, b.size_bytes, &journal, NULL)) {
                JSON_EACH(fault, json_get(journal, "faults"))
                {
                        const char *on = json_get_str(fault, "on", "");

                        if (stack_service_find(a->spec, on) >= 0 &&
                            !path_format(page, "%s/stacks/%s/s/%s.page", a->home, name, on))
                                (void)!file_remove(page, NULL); /* made anew with the next start of the service */
                        log_event(LOG_INFO, "fault.recovered", "undone, after an agent that did not",
                                  LOG_S("fault", json_get_str(fault, "fault", "")), LOG_S("on", on),
                                  LOG_S("stack", name));
                }
        }
        (void)!file_remove(path, NULL);
}

void faults_recover(struct agent *a)
{
        char path[FILE_PATH_BYTES];

        if (!path_format(path, "%s/stacks", a->home) && file_is_dir(path))
                (void)!dir_each(path, STACK_NUMBER_MAX + 50, recover_one, a, NULL);
}

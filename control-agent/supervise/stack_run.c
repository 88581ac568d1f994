#include "control-agent/supervise/stack_run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "control-agent/supervise/proc_tree.h"
#include "control-agent/supervise/stack_inside.h"

enum { LOCK_EVERY_MS = 50, STOP_EXTRA_MS = 2000 };

static const char *const state_texts[STACK_STATE_COUNT] = {
#define X(name, text) [STACK_RUN_##name] = text,
        STACK_STATE_LIST(X)
#undef X
};

static void set_state(struct stack_run *r, enum stack_state state)
{
        struct json *event;

        if (r->state == state) return;
        r->state = state;
        r->changed = true;
        event = json_object();
        json_set_str(event, "event", "stack");
        json_set_num(event, "stack", r->o.number);
        json_set_str(event, "state", state_texts[state]);
        r->o.on_event(r->o.ctx, event);
        stack_changed(r);
}

static void fail(struct stack_run *r, const char *reason)
{
        str_cut(r->reason, sizeof(r->reason), reason);
        loop_timer_remove(take(&r->deadline_timer));
        r->ordered = false;
        set_state(r, STACK_RUN_FAILED);
}

size_t stack_built_count(const struct stack_run *r)
{
        size_t count = 0;

        for (size_t i = 0; i < r->services_count; i++) count += r->services[i].built;
        return count;
}

size_t stack_up_count(const struct stack_run *r)
{
        size_t count = 0;

        for (size_t i = 0; i < r->services_count; i++) count += r->services[i].built && r->services[i].state == SVC_UP;
        return count;
}

static bool needs_ready(const struct stack_run *r, const struct service *s)
{
        for (size_t i = 0; i < s->spec->needs_count && r->ordered; i++) {
                const struct service *need = &r->services[s->spec->needs[i]];

                if (need->built && need->state != SVC_UP) return false;
        }
        return true;
}

/* A start gives up when something has failed for good; supervision goes on meanwhile. */
static void check_start(struct stack_run *r)
{
        char text[512];

        if (stack_up_count(r) == stack_built_count(r)) {
                loop_timer_remove(take(&r->deadline_timer));
                r->took_ms = clock_mono_ms() - r->asked_ms;
                r->ordered = false;
                set_state(r, STACK_RUN_UP);
                return;
        }
        for (size_t i = 0; i < r->services_count; i++) {
                const struct service *s = &r->services[i];

                if (s->state != SVC_FAILED && s->tally.in_a_row < STACK_RUN_STARTS_MAX) continue;
                (void)snprintf(text, sizeof(text), "%s does not start: %s", s->spec->name, s->detail);
                fail(r, text);
                return;
        }
}

static void tell_process(struct stack_run *r, struct service *s)
{
        bool alive = service_is_alive(s), up = s->state == SVC_UP;

        if (alive != s->alive_told && r->o.on_process) r->o.on_process(r->o.ctx, r->o.number, s->index, alive);
        if (up && !s->up_told && r->o.on_ready) r->o.on_ready(r->o.ctx, r->o.number, s->index);
        s->alive_told = alive;
        s->up_told = up;
}

static void tell_changes(struct stack_run *r)
{
        bool any = r->changed;

        r->changed = false;
        for (size_t i = 0; i < r->services_count; i++) {
                struct service *s = &r->services[i];
                struct json *event;

                if (!s->changed) continue;
                tell_process(r, s);
                s->changed = false;
                any = true;
                if (s->state == SVC_UP) stack_waiters_progress(r, s);
                event = json_object();
                json_set_str(event, "event", "service");
                json_set_num(event, "stack", r->o.number);
                json_set(event, "service", service_json(s));
                r->o.on_event(r->o.ctx, event);
        }
        if (any) stack_files_status(r);
}

static void settle(void *ctx)
{
        struct stack_run *r = ctx;

        r->settle_timer = NULL;
        for (size_t i = 0; i < r->services_count; i++)
                if (r->services[i].state == SVC_WAITING && needs_ready(r, &r->services[i]))
                        (void)service_event(&r->services[i], SVC_EV_DEPS_READY);
        if (r->state == STACK_RUN_STARTING) check_start(r);
        if (r->state == STACK_RUN_FAILED && r->home.keeper && stack_up_count(r) == stack_built_count(r))
                set_state(r, STACK_RUN_UP);
        if (r->state == STACK_RUN_STOPPING && r->home.keeper && stack_is_clear(r)) {
                if (r->after == AFTER_UP_FRESH)
                        stack_begin(r, true);
                else
                        keeper_link_end(r->home.keeper);
        }
        tell_changes(r);
        stack_waiters_settle(r);
}

void stack_changed(struct stack_run *r)
{
        if (r->settle_timer) return;
        /* Without memory for a timer the next change tries again. */
        if (loop_timer_add(r->loop, 0, 0, settle, r, &r->settle_timer)) r->settle_timer = NULL;
}

static void on_service_change(void *ctx)
{
        stack_changed(ctx);
}

static struct service *by_tag(struct stack_run *r, uint64_t tag)
{
        for (size_t i = 0; i < r->services_count && tag; i++)
                if (r->services[i].tag == tag) return &r->services[i];
        return NULL;
}

static void on_started(void *ctx, uint64_t tag, pid_t pid, int pid_fd)
{
        struct service *s = by_tag(ctx, tag);

        if (s)
                service_started(s, pid, pid_fd);
        else
                stack_helper_started(ctx, tag, pid_fd);
}

static void on_failed(void *ctx, uint64_t tag, int error_number)
{
        struct service *s = by_tag(ctx, tag);

        if (s)
                service_not_started(s, error_number);
        else
                stack_helper_exited(ctx, tag);
}

static void on_exited(void *ctx, uint64_t tag, int code, int status)
{
        struct service *s = by_tag(ctx, tag);

        if (s)
                service_exited(s, code, status);
        else
                stack_helper_exited(ctx, tag);
}

static void on_gone(void *ctx)
{
        struct stack_run *r = ctx;
        enum stack_after after = take(&r->after);

        for (size_t i = 0; i < r->services_count; i++) service_lost(&r->services[i]);
        stack_helpers_lost(r);
        keeper_link_free(take(&r->home.keeper));
        loop_timer_remove(take(&r->deadline_timer));
        if (r->state != STACK_RUN_STOPPING)
                fail(r, "the keeper of the stack died, and everything with it");
        else if (after == AFTER_UP_FRESH)
                stack_begin(r, true);
        else
                set_state(r, STACK_RUN_DOWN);
        stack_changed(r);
}

static void on_deadline(void *ctx)
{
        struct stack_run *r = ctx;

        r->deadline_timer = NULL;
        if (r->state == STACK_RUN_STOPPING && r->home.keeper) keeper_link_end(r->home.keeper);
        if (r->state == STACK_RUN_STARTING) fail(r, "not every service became ready in time");
}

void stack_set_deadline(struct stack_run *r, int64_t after_ms)
{
        loop_timer_remove(take(&r->deadline_timer));
        if (loop_timer_add(r->loop, after_ms, 0, on_deadline, r, &r->deadline_timer)) r->deadline_timer = NULL;
}

/* What a wipe renamed is removed by a process of its own, beside the start. */
static void remove_trash(struct stack_run *r)
{
        const char *argv[] = {"remove-trash", r->place.dir, NULL};
        uint64_t tag;

        (void)!stack_run_helper(r, argv, &tag, NULL); /* the next start tries again */
}

static enum err make_keeper(struct stack_run *r, struct err_note *reterr)
{
        struct keeper_link_options options = {.mode = r->o.mode,
                                              .program = r->o.program,
                                              .lock_fd = r->lock_fd,
                                              .on_started = on_started,
                                              .on_failed = on_failed,
                                              .on_exited = on_exited,
                                              .on_gone = on_gone,
                                              .ctx = r};
        char variable[FILE_PATH_BYTES + 32];
        enum err e;

        /* The lock says that the last keeper is gone; if it was killed, what it left is ended here. */
        (void)snprintf(variable, sizeof(variable), "FIREDRILL_STACK_DIR=%s", r->place.dir);
        (void)proc_tree_sweep(variable);
        e = keeper_link_new(r->loop, &options, &r->home.keeper, reterr);
        close(take(&r->lock_fd)); /* the keeper holds it now */
        r->lock_fd = -1;
        return e;
}

static void start_services(struct stack_run *r)
{
        struct err_note note;

        if (r->home.keeper ? stack_cleared(r, &note) : make_keeper(r, &note)) {
                fail(r, note.text);
                return;
        }
        remove_trash(r);
        r->ordered = true;
        stack_set_deadline(r, STACK_RUN_START_MS);
        for (size_t i = 0; i < r->services_count; i++)
                if (r->services[i].built && !r->services[i].kept) (void)service_event(&r->services[i], SVC_EV_START);
        stack_changed(r);
}

/* From FAILED, with a living keeper: what is not up is started, in order. */
void stack_again(struct stack_run *r)
{
        r->reason[0] = '\0';
        r->ordered = true;
        set_state(r, STACK_RUN_STARTING);
        stack_set_deadline(r, STACK_RUN_START_MS);
        for (size_t i = 0; i < r->services_count; i++)
                if (r->services[i].built && r->services[i].state != SVC_UP)
                        (void)service_event(&r->services[i], SVC_EV_START);
}

static void on_lock_turn(void *ctx)
{
        struct stack_run *r = ctx;

        r->lock_timer = NULL;
        if (flock(r->lock_fd, LOCK_EX | LOCK_NB) == 0) {
                start_services(r);
        } else if (clock_mono_ms() - r->asked_ms > STACK_RUN_LOCK_MS) {
                fail(r, "another agent's stack still lives in this directory");
        } else if (loop_timer_add(r->loop, LOCK_EVERY_MS, 0, on_lock_turn, r, &r->lock_timer)) {
                r->lock_timer = NULL;
                fail(r, "out of memory");
        }
}

void stack_begin(struct stack_run *r, bool fresh)
{
        char path[FILE_PATH_BYTES];
        struct err_note note = {0};
        enum err e = fresh ? stack_files_wipe(r, &note) : ERR_OK;

        r->reason[0] = '\0';
        if (!e) e = stack_files_make(r, &note);
        if (!e) e = path_join(path, r->place.dir, "lock");
        r->after = AFTER_NOTHING;
        for (size_t i = 0; i < r->services_count; i++) service_reset(&r->services[i]);
        if (!e && r->o.on_begin) e = r->o.on_begin(r->o.ctx, r->o.number, r->home.seed, &note);
        set_state(r, STACK_RUN_STARTING);
        if (!e && r->lock_fd < 0 && !r->home.keeper) {
                r->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
                if (r->lock_fd < 0) e = err_note(&note, ERR_IO, "cannot open '%s': %s", path, strerror(errno));
        }
        if (e)
                fail(r, *note.text ? note.text : err_text(e));
        else if (r->home.keeper)
                start_services(r);
        else
                on_lock_turn(r);
}

void stack_end(struct stack_run *r, bool graceful, enum stack_after after)
{
        int64_t grace_ms = 0;

        r->after = after;
        r->ordered = false;
        loop_timer_remove(take(&r->lock_timer));
        loop_timer_remove(take(&r->deadline_timer));
        if (r->lock_fd >= 0) close(take(&r->lock_fd));
        r->lock_fd = -1;
        set_state(r, STACK_RUN_STOPPING);
        if (!r->home.keeper) { /* nothing lives */
                on_gone(r);
                return;
        }
        for (size_t i = 0; i < r->services_count; i++) r->services[i].kept = false;
        for (size_t i = 0; i < r->services_count && graceful; i++) {
                grace_ms = MAX(grace_ms, r->services[i].spec->stop_grace_ms);
                (void)service_event(&r->services[i], SVC_EV_STOP);
        }
        if (graceful)
                stack_set_deadline(r, grace_ms + STOP_EXTRA_MS);
        else if (after == AFTER_UP_FRESH)
                stack_clear(r);
        else
                keeper_link_end(r->home.keeper);
        stack_changed(r);
}

void stack_run_kill(struct stack_run *r)
{
        if (r->state == STACK_RUN_STOPPING && r->home.keeper)
                keeper_link_end(r->home.keeper);
        else if (r->state != STACK_RUN_DOWN)
                stack_end(r, false, AFTER_NOTHING);
}

enum err stack_run_new(struct loop *loop, const struct stack_run_options *options, struct stack_run **ret,
                       struct err_note *reterr)
{
        AUTO(stack_run_free) struct stack_run *r = mem_zalloc(1, sizeof(*r));
        enum err e;

        if (!r) return err_note(reterr, ERR_NOMEM, "cannot make stack %u: out of memory", options->number);
        r->loop = loop;
        r->o = *options;
        r->lock_fd = -1;
        e = place_init(&r->place, options->spec, options->number, options->home, options->share, options->bin, reterr);
        if (e) return e;
        r->place.edge_address = options->edge_address;
        r->place.edge_ctx = options->ctx;
        r->home = (struct service_home){.loop = loop, .place = &r->place, .on_change = on_service_change, .ctx = r};
        r->services_count = options->spec->services_count;
        for (size_t i = 0; i < r->services_count; i++) service_init(&r->services[i], &r->home, i);
        *ret = take(&r);
        return ERR_OK;
}

void stack_run_free(struct stack_run *r)
{
        if (!r) return;
        for (size_t i = 0; i < r->services_count; i++) service_done(&r->services[i]);
        stack_helpers_lost(r);
        keeper_link_free(r->home.keeper);
        loop_timer_remove(r->settle_timer);
        loop_timer_remove(r->deadline_timer);
        loop_timer_remove(r->lock_timer);
        if (r->lock_fd >= 0) close(r->lock_fd);
        mem_free(r);
}

enum stack_state stack_run_state(const struct stack_run *r)
{
        return r->state;
}

unsigned stack_run_number(const struct stack_run *r)
{
        return r->o.number;
}

struct json *stack_run_status(const struct stack_run *r)
{
        struct json *j = json_object(), *list = json_array();

        json_set_num(j, "stack", r->o.number);
        json_set_str(j, "state", state_texts[r->state]);
        if (*r->reason) json_set_str(j, "reason", r->reason);
        json_set_str(j, "address", r->place.address);
        if (r->state == STACK_RUN_UP) json_set_num(j, "took_ms", (double)r->took_ms);
        for (size_t i = 0; i < r->services_count; i++) json_push(list, service_json(&r->services[i]));
        json_set(j, "services", list);
        return j;
}

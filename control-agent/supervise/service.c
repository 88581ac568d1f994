#include "control-agent/supervise/service.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "control-agent/supervise/command.h"
#include "control-agent/supervise/keeper.h"
#include "control-agent/supervise/proc_tree.h"

void service_init(struct service *s, struct service_home *home, size_t index)
{
        *s = (struct service){.home = home,
                              .spec = &home->place->spec->services[index],
                              .index = index,
                              .built = home->place->built[index],
                              .pid_fd = -1,
                              .changed = true,
                              .since_wall_ms = clock_wall_ms()};
}

static void drop_process(struct service *s)
{
        if (s->pid_fd >= 0) close(s->pid_fd);
        s->pid_fd = -1;
        s->pid = 0;
        s->tag = 0;
        s->pending = 0;
        s->preparing = false;
        readiness_free(take(&s->readiness));
        logpipe_free(take(&s->log));
}

void service_done(struct service *s)
{
        drop_process(s);
        loop_timer_remove(take(&s->timer));
}

FMT_PRINTF(2, 3) static void explain(struct service *s, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        (void)vsnprintf(s->detail, sizeof(s->detail), format, args);
        va_end(args);
}

static void on_timer(void *ctx)
{
        struct service *s = ctx;

        s->timer = NULL;
        if (s->state == SVC_STARTING)
                explain(s, "was not ready in %" PRId64 " ms%s%s", s->spec->ready_timeout_ms,
                        s->log && *logpipe_last_line(s->log) ? "; its last line: " : "",
                        s->log ? logpipe_last_line(s->log) : "");
        (void)service_event(s, SVC_EV_TIMEOUT);
}

static void arm(struct service *s, int64_t after_ms)
{
        loop_timer_remove(take(&s->timer));
        if (after_ms > 0 && loop_timer_add(s->home->loop, after_ms, 0, on_timer, s, &s->timer)) s->timer = NULL;
}

static void on_ready(void *ctx)
{
        struct service *s = ctx;

        readiness_free(take(&s->readiness));
        (void)service_event(s, SVC_EV_READY);
}

/* Opens the log and the way to readiness, asks the keeper. ret_fds: what to close afterwards. */
static enum err open_ways(struct service *s, char *notify_name, size_t notify_bytes, int *ret_output_fd,
                          int *ret_ready_fd, struct err_note *reterr)
{
        const struct place *p = s->home->place;
        char path[FILE_PATH_BYTES];
        struct readiness_options options = {.kind = s->spec->ready,
                                            .host = p->address,
                                            .port = s->spec->ready_port ? s->spec->ready_port : s->spec->port,
                                            .path = s->spec->ready_path,
                                            .notify_name = notify_name,
                                            .on_ready = on_ready,
                                            .ctx = s};
        enum err e;

        if (!s->log) {
                e = path_format(path, "%s/logs/%s.log", p->dir, s->spec->name);
                if (!e) e = logpipe_new(s->home->loop, path, LOGPIPE_FILE_BYTES_MAX, &s->log, ret_output_fd, reterr);
                if (e) return e;
        }
        if (s->preparing) return ERR_OK;
        (void)snprintf(notify_name, notify_bytes, "firedrill-%d-%u-%s", (int)getpid(), p->number, s->spec->name);
        return readiness_new(s->home->loop, &options, &s->readiness, ret_ready_fd, reterr);
}

static enum err start(struct service *s, bool prepare, struct err_note *reterr)
{
        char notify_name[96] = "";
        AUTO(command_free) struct command *command = NULL;
        struct command_options options = {
                .purpose = prepare ? COMMAND_PREPARE : COMMAND_RUN, .ready_fd = -1, .seed = s->home->seed};
        struct keeper_start request = {.directory = s->home->place->dir, .output_fd = -1, .ready_fd = -1};
        enum err e;

        drop_process(s);
        s->preparing = prepare;
        s->tag = ++s->home->next_tag;
        if (!s->home->keeper) return err_note(reterr, ERR_STATE, "the stack is down");
        e = command_files(s->home->place, s->index, reterr);
        if (!e) e = open_ways(s, notify_name, sizeof(notify_name), &request.output_fd, &request.ready_fd, reterr);
        if (!prepare && s->spec->ready == STACK_READY_FD) options.ready_fd = KEEPER_READY_FD;
        if (!prepare && s->spec->ready == STACK_READY_NOTIFY) options.notify_name = notify_name;
        if (!e) e = command_new(s->home->place, s->index, &options, &command, reterr);
        if (!e) {
                request.program = command->program;
                request.argv = (const char *const *)command->argv;
                request.envp = (const char *const *)command->envp;
                request.unprivileged = s->spec->unprivileged;
                e = keeper_link_start(s->home->keeper, s->tag, &request, reterr);
        }
        if (request.output_fd >= 0) close(request.output_fd);
        if (request.ready_fd >= 0) close(request.ready_fd);
        arm(s, prepare ? SERVICE_PREPARE_MS : s->spec->ready_timeout_ms);
        s->started_ms = clock_mono_ms();
        return e;
}

static void start_or_explain(struct service *s, bool prepare)
{
        struct err_note note = {0};

        if (!start(s, prepare, &note)) return;
        explain(s, "%s", note.text);
        str_cut(s->last_exit, sizeof(s->last_exit), "not started");
        drop_process(s);
        (void)service_event(s, SVC_EV_EXITED);
}

static void send_signal(const struct service *s, int signal_number)
{
        (void)syscall(SYS_pidfd_send_signal, s->pid_fd, signal_number, NULL, 0);
}

/* Everything at once: a server's children must not outlive it by even a moment, or its next start finds them. */
static void kill_tree(const struct service *s)
{
        pid_t below[PROC_TREE_MAX];
        size_t count = s->pid > 0 ? proc_tree_list(s->pid, below, PROC_TREE_MAX) : 0;

        send_signal(s, SIGKILL);
        for (size_t i = 0; i < count; i++) (void)kill(below[i], SIGKILL);
}

static void carry_out(struct service *s, unsigned actions)
{
        if (s->pid_fd < 0) {
                s->pending |= actions;
                return;
        }
        if (actions & SVC_DO_TERM) send_signal(s, s->preparing ? SIGTERM : s->spec->stop_signal);
        if (actions & SVC_DO_HUP) send_signal(s, SIGHUP);
        if (actions & SVC_DO_STOP && s->pid > 0) proc_tree_signal(s->pid, SIGSTOP);
        if (actions & SVC_DO_CONT && s->pid > 0) proc_tree_signal(s->pid, SIGCONT);
        if (actions & SVC_DO_KILL) kill_tree(s);
}

/* The deadline of a state, on entering it. The same stop goes on when STOPPING becomes CYCLING or back. */
static void arm_for(struct service *s, enum svc_state before, int64_t backoff_ms)
{
        bool was_stopping = before == SVC_STOPPING || before == SVC_CYCLING;

        if (s->state == SVC_STARTING) return; /* armed by start() */
        if (s->state == SVC_STOPPING || s->state == SVC_CYCLING) {
                if (!was_stopping) arm(s, s->spec->stop_grace_ms);
        } else {
                arm(s, s->state == SVC_BACKOFF ? backoff_ms : 0);
        }
}

static enum svc_event count_death(struct service *s, int64_t *ret_backoff_ms)
{
        bool wanted = s->state == SVC_STARTING || s->state == SVC_UP || s->state == SVC_PAUSED;

        if (!wanted) return SVC_EV_EXITED;
        if (!svc_tally_death(&s->tally, clock_mono_ms() - s->started_ms, ret_backoff_ms) || !s->spec->restart)
                return SVC_EV_EXITED_LAST;
        return SVC_EV_EXITED;
}

bool service_event(struct service *s, enum svc_event event)
{
        enum svc_state before = s->state;
        struct svc_cell cell;
        int64_t backoff_ms = 0;

        if (event == SVC_EV_EXITED) event = count_death(s, &backoff_ms);
        if (event == SVC_EV_START || event == SVC_EV_RESTART) svc_tally_forgive(&s->tally);
        cell = svc_fsm_cell(before, event);
        if (!cell.allowed) return false;
        s->state = cell.next;
        if (before != cell.next) {
                s->since_wall_ms = clock_wall_ms();
                arm_for(s, before, backoff_ms);
        } else if (event == SVC_EV_TIMEOUT) {
                arm(s, s->spec->stop_grace_ms); /* in case the kill does not come through */
        }
        s->changed = true;
        if (cell.next == SVC_UP) s->detail[0] = '\0';
        if (cell.actions & SVC_DO_SPAWN) {
                if (s->started_before) s->restarts++;
                s->started_before = true;
                start_or_explain(s, s->spec->prepare_count > 0);
        } else {
                carry_out(s, cell.actions);
        }
        s->home->on_change(s->home->ctx);
        return true;
}

void service_started(struct service *s, pid_t pid, int pid_fd)
{
        s->pid = pid;
        s->pid_fd = pid_fd;
        s->changed = true;
        if (s->pending) carry_out(s, take(&s->pending));
        s->home->on_change(s->home->ctx);
}

void service_not_started(struct service *s, int error_number)
{
        explain(s, "cannot start %s: %s", s->spec->program, strerror(error_number));
        str_cut(s->last_exit, sizeof(s->last_exit), "not started");
        drop_process(s);
        (void)service_event(s, SVC_EV_EXITED);
}

void service_exited(struct service *s, int code, int status)
{
        bool prepared = s->preparing && code == CLD_EXITED && status == 0;
        const char *line = s->log ? logpipe_last_line(s->log) : "";

        if (prepared && s->state == SVC_STARTING) {
                start_or_explain(s, false);
                return;
        }
        (void)snprintf(s->last_exit, sizeof(s->last_exit), "%s %d", code == CLD_EXITED ? "exit" : "signal", status);
        if (s->state != SVC_STOPPING && s->state != SVC_CYCLING && !(s->state == SVC_STARTING && *s->detail))
                explain(s, "%sended with %s%s%s", s->preparing ? "the preparation " : "", s->last_exit,
                        *line ? "; its last line: " : "", line);
        drop_process(s);
        (void)service_event(s, SVC_EV_EXITED);
}

void service_lost(struct service *s)
{
        drop_process(s);
        loop_timer_remove(take(&s->timer));
        if (s->state != SVC_DOWN) s->since_wall_ms = clock_wall_ms();
        s->state = SVC_DOWN;
        s->kept = false;
        s->changed = true;
}

bool service_is_alive(const struct service *s)
{
        return s->pid > 0 && !s->preparing;
}

void service_reset(struct service *s)
{
        CHECK(s->kept || (!s->tag && s->state == SVC_DOWN));
        s->tally = (struct svc_tally){0};
        s->restarts = 0;
        s->started_before = s->kept;
        s->alive_told = s->up_told = false;
        s->last_exit[0] = s->detail[0] = '\0';
        s->changed = true;
}

struct json *service_json(const struct service *s)
{
        struct json *j = json_object();
        char address[64];

        (void)snprintf(address, sizeof(address), "%s:%u", s->home->place->address, s->spec->port);
        json_set_str(j, "name", s->spec->name);
        json_set_str(j, "title", s->spec->title);
        json_set_str(j, "kind", stack_kind_text(s->spec->kind));
        json_set_str(j, "state", svc_state_text(s->state));
        json_set_bool(j, "built", s->built);
        if (s->pid > 0)
                json_set_num(j, "pid", s->pid);
        else
                json_set_null(j, "pid");
        json_set_num(j, "since_ms", (double)s->since_wall_ms);
        json_set_num(j, "restarts", (double)s->restarts);
        json_set_num(j, "deaths", (double)s->tally.deaths);
        json_set_str(j, "last_exit", *s->last_exit ? s->last_exit : NULL);
        json_set_str(j, "detail", s->built ? s->detail : "not built");
        json_set_str(j, "address", address);
        return j;
}

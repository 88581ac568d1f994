#include "control-agent/app/agent.h"

#include <errno.h>
#include <limits.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/log.h"
#include "common/text/yaml.h"
#include "control-agent/app/faults.h"

enum { END_FLUSH_MS = 20 };

static enum err read_spec(struct agent *a, struct err_note *reterr)
{
        char path[FILE_PATH_BYTES];
        struct diag_list diags;
        AUTO_BUF text;
        AUTO_BUF findings;
        enum err e;

        buf_init(&text, YAML_BYTES_MAX);
        buf_init(&findings, ERR_NOTE_BYTES - 1);
        if (path_join(path, a->share, "sut/stack.yaml"))
                return err_note(reterr, ERR_LIMIT, "'%s' is too long", a->share);
        e = file_read(path, &text, reterr);
        if (e) return e;
        diag_list_init(&diags, path);
        e = stack_spec_parse(text.data, text.size_bytes, &diags, &a->spec);
        if (e) {
                diag_list_print(&diags, &findings);
                (void)err_note(reterr, e, "%s", findings.size_bytes ? findings.data : err_text(e));
        }
        diag_list_done(&diags);
        return e;
}

static enum err find_places(struct agent *a, const struct agent_options *options, struct err_note *reterr)
{
        char home[PATH_MAX]; /* what realpath() wants */
        enum err e = dir_make(options->home, 0755, reterr);
        ssize_t n;

        if (e) return e;
        if (!realpath(options->home, home) || str_copy(a->home, sizeof(a->home), home))
                return err_note(reterr, ERR_IO, "cannot use '%s' as home: %s", options->home, strerror(errno));
        if (options->share) {
                if (!realpath(options->share, home) || str_copy(a->share, sizeof(a->share), home))
                        return err_note(reterr, ERR_NOT_FOUND, "cannot use '%s' as share: %s", options->share,
                                        strerror(errno));
        } else {
                e = path_share(a->share, reterr);
        }
        if (!e) e = path_programs(a->bin, reterr);
        n = readlink("/proc/self/exe", a->program, sizeof(a->program) - 1);
        if (!e && n < 0) e = err_note(reterr, ERR_IO, "cannot find my own program file: %s", strerror(errno));
        return e;
}

/* One agent a home: the lock ends with the process, however it ends. */
static enum err lock(struct agent *a, struct err_note *reterr)
{
        char path[FILE_PATH_BYTES], text[32];
        int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

        if (path_join(path, a->home, "control.lock")) return err_note(reterr, ERR_LIMIT, "'%s' is too long", a->home);
        a->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (a->lock_fd < 0) return err_note(reterr, ERR_IO, "cannot open '%s': %s", path, strerror(errno));
        if (flock(a->lock_fd, LOCK_EX | LOCK_NB) < 0)
                return err_note(reterr, ERR_EXISTS, "a control agent already runs in '%s' (see control.pid there)",
                                a->home);
        if (path_join(path, a->home, "control.pid")) return err_note(reterr, ERR_LIMIT, "'%s' is too long", a->home);
        return file_write_atomic(path, text, (size_t)n, 0644, false, reterr);
}

enum err agent_new(struct loop *loop, const struct agent_options *options, struct agent **ret, struct err_note *reterr)
{
        AUTO(agent_free) struct agent *a = mem_zalloc(1, sizeof(*a));
        enum err e;

        if (!a) return err_note(reterr, ERR_NOMEM, "out of memory");
        a->loop = loop;
        a->lock_fd = a->listen_fd = -1;
        e = find_places(a, options, reterr);
        if (!e) e = read_spec(a, reterr);
        if (!e) e = lock(a, reterr);
        if (!e) e = keeper_mode_find(options->wish, &a->mode, reterr);
        if (!e) e = edges_new(a->spec, &a->edges, reterr); /* a thread: after every fork that tried something */
        if (!e) e = faults_new(a, &a->faults);
        if (!e) faults_recover(a);
        if (!e) e = clients_listen(a, reterr);
        if (e) return e;
        *ret = take(&a);
        return ERR_OK;
}

void agent_free(struct agent *a)
{
        char path[FILE_PATH_BYTES];

        if (!a) return;
        clients_free(a);
        loop_timer_remove(a->end_timer);
        for (size_t i = 0; i <= STACK_NUMBER_MAX; i++) stack_run_free(a->stacks[i]);
        faults_free(a->faults);
        edges_free(a->edges);
        stack_spec_free(a->spec);
        if (a->listen_fd >= 0) { /* only the agent that owns the home gets this far */
                if (!path_join(path, a->home, "control.sock")) (void)unlink(path);
                if (!path_join(path, a->home, "control.pid")) (void)unlink(path);
                close(a->listen_fd);
        }
        if (a->lock_fd >= 0) close(a->lock_fd);
        mem_free(a);
}

static void edge_address(void *ctx, unsigned number, size_t edge, char *dst, size_t dst_bytes)
{
        struct agent *a = ctx;

        edges_address(a->spec, number, edge, dst, dst_bytes);
}

static enum err on_begin(void *ctx, unsigned number, uint64_t seed, struct err_note *reterr)
{
        struct agent *a = ctx;

        faults_forget(a->faults, number);
        return edges_open(a->edges, number, seed, reterr);
}

static void on_process(void *ctx, unsigned number, size_t service, bool alive)
{
        struct agent *a = ctx;
        struct err_note note;

        if (edges_service(a->edges, number, service, alive, &note))
                log_event(LOG_ERROR, "edges.failed", note.text, LOG_N("stack", number),
                          LOG_S("service", a->spec->services[service].name));
        if (alive) faults_process(a->faults, a->stacks[number], service, true);
}

static void on_ready(void *ctx, unsigned number, size_t service)
{
        struct agent *a = ctx;

        faults_process(a->faults, a->stacks[number], service, false);
}

static void on_end(void *ctx, unsigned number)
{
        struct agent *a = ctx;

        faults_forget(a->faults, number);
        edges_close(a->edges, number);
}

static void on_event(void *ctx, struct json *event)
{
        agent_tell(ctx, event);
}

enum err agent_stack(struct agent *a, int64_t number, struct stack_run **ret, struct err_note *reterr)
{
        struct stack_run_options options = {.spec = a->spec,
                                            .home = a->home,
                                            .share = a->share,
                                            .bin = a->bin,
                                            .program = a->program,
                                            .mode = a->mode,
                                            .edge_address = edge_address,
                                            .on_begin = on_begin,
                                            .on_process = on_process,
                                            .on_ready = on_ready,
                                            .on_end = on_end,
                                            .on_event = on_event,
                                            .ctx = a};
        enum err e;

        if (number < 1 || number > STACK_NUMBER_MAX)
                return err_note(reterr, ERR_INVAL, "'stack' is %" PRId64 ", but must be from 1 to %d", number,
                                STACK_NUMBER_MAX);
        options.number = (unsigned)number;
        if (!a->stacks[number]) {
                e = stack_run_new(a->loop, &options, &a->stacks[number], reterr);
                if (e) return e;
        }
        *ret = a->stacks[number];
        return ERR_OK;
}

static void on_end_timer(void *ctx)
{
        struct agent *a = ctx;

        a->end_timer = NULL;
        loop_stop(a->loop);
}

static void stop_if_down(struct agent *a)
{
        for (size_t i = 0; i <= STACK_NUMBER_MAX; i++)
                if (a->stacks[i] && stack_run_state(a->stacks[i]) != STACK_RUN_DOWN) return;
        /* A moment, so that answers which were just queued can leave. */
        if (!a->end_timer && loop_timer_add(a->loop, END_FLUSH_MS, 0, on_end_timer, a, &a->end_timer))
                loop_stop(a->loop);
}

static void on_down(void *ctx, enum err e, struct json *result, const struct err_note *note)
{
        (void)e;
        (void)note;
        json_free(result);
        stop_if_down(ctx);
}

void agent_end(struct agent *a)
{
        struct stack_verb verb = {.done = on_down, .ctx = a};
        bool again = a->ending;

        a->ending = true;
        log_text(LOG_INFO, "agent.ending", again ? "ending everything at once" : "ending all stacks");
        for (size_t i = 0; i <= STACK_NUMBER_MAX; i++) {
                struct stack_run *r = a->stacks[i];

                if (!r || stack_run_state(r) == STACK_RUN_DOWN) continue;
                if (again || stack_run_down(r, &verb, NULL)) stack_run_kill(r);
        }
        stop_if_down(a);
}

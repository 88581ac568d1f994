/* stack_reset: back to the pristine state without losing the watchers. Every service is killed (its data go, so nobody
 * needs to close anything in order) but the kept ones: Prometheus waits five seconds before the first scrape of its
 * life, so it stays and is told to forget instead. */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "control-agent/supervise/command.h"
#include "control-agent/supervise/proc_tree.h"
#include "control-agent/supervise/stack_inside.h"

enum { CLEAR_MS = 10000 };

static bool kept(const struct service *s)
{
        return s->spec->keep && s->state == SVC_UP && s->pid > 0;
}

bool stack_is_clear(const struct stack_run *r)
{
        for (size_t i = 0; i < r->services_count; i++)
                if (svc_state_has_process(r->services[i].state) && !r->services[i].kept) return false;
        return true;
}

void stack_clear(struct stack_run *r)
{
        for (size_t i = 0; i < r->services_count; i++) {
                struct service *s = &r->services[i];

                s->kept = kept(s);
                if (s->kept) continue;
                (void)service_event(s, SVC_EV_STOP);
                if (svc_state_has_process(s->state)) (void)service_event(s, SVC_EV_KILL);
        }
        stack_set_deadline(r, CLEAR_MS);
}

static bool is_in(pid_t pid, const pid_t *pids, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (pids[i] == pid) return true;
        return false;
}

/* What killed services left behind: everything below the keeper that is neither kept nor below something kept. */
static void kill_strays(const struct stack_run *r)
{
        pid_t all[PROC_TREE_MAX], spared[PROC_TREE_MAX];
        size_t count = proc_tree_list(keeper_link_pid(r->home.keeper), all, PROC_TREE_MAX), spared_count = 0;

        for (size_t i = 0; i < r->services_count; i++) {
                if (!r->services[i].kept || spared_count == PROC_TREE_MAX) continue;
                spared[spared_count++] = r->services[i].pid;
                spared_count += proc_tree_list(r->services[i].pid, spared + spared_count, PROC_TREE_MAX - spared_count);
        }
        for (size_t i = 0; i < count; i++)
                if (!is_in(all[i], spared, spared_count)) (void)kill(all[i], SIGKILL);
}

/* The kept service forgets, by a program of its own. */
static enum err forget(struct stack_run *r, struct service *s, struct err_note *reterr)
{
        struct command_options options = {.purpose = COMMAND_FORGET, .ready_fd = -1, .seed = r->home.seed};
        AUTO(command_free) struct command *c = NULL;
        struct keeper_start request = {.directory = r->place.dir, .ready_fd = -1};
        enum err e = command_files(&r->place, s->index, reterr); /* its configuration went with all others */

        if (e || s->spec->forget_count == 0) return e;
        e = command_new(&r->place, s->index, &options, &c, reterr);
        if (e) return e;
        request.program = c->program;
        request.argv = (const char *const *)c->argv;
        request.envp = (const char *const *)c->envp;
        request.output_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (request.output_fd < 0) return err_note(reterr, ERR_IO, "cannot open /dev/null");
        e = keeper_link_start(r->home.keeper, ++r->home.next_tag, &request, reterr);
        close(request.output_fd);
        return e;
}

enum err stack_cleared(struct stack_run *r, struct err_note *reterr)
{
        enum err e = ERR_OK;

        kill_strays(r);
        for (size_t i = 0; i < r->services_count && !e; i++)
                if (r->services[i].kept) e = forget(r, &r->services[i], reterr);
        return e;
}

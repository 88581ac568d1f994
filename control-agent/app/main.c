/* firedrill-control: starts, watches, breaks and ends the stacks that incidents happen in. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/str.h"
#include "common/sys/limit.h"
#include "common/sys/log.h"
#include "control-agent/app/agent.h"
#include "control-agent/app/prepare.h"
#include "control-agent/supervise/keeper.h"

enum { EXIT_USE = 2, EXIT_ENVIRONMENT = 3 };

static const char usage[] =
        "use: firedrill-control --home DIR [--share DIR] [--mode auto|pidns|subreaper] [--detach]\n"
        "  --home DIR    where stacks, logs and the socket control.sock live\n"
        "  --share DIR   where sut/stack.yaml, deploy/ and db/ are (default: found by itself)\n"
        "  --mode        how processes are kept together: PID namespaces, a subreaper, or whatever works (auto)\n"
        "  --foreground  stay in the foreground (the default)\n"
        "  --detach      go to the background once the socket answers\n";

struct arguments {
        struct agent_options agent;
        bool detach, help;
};

static const char *value_of(int argc, char **argv, int *at)
{
        const char *equals = strchr(argv[*at], '=');

        if (equals) return equals + 1;
        return *at + 1 < argc ? argv[++*at] : NULL;
}

static bool is(const char *arg, const char *name)
{
        size_t n = strlen(name);

        return strncmp(arg, name, n) == 0 && (arg[n] == '\0' || arg[n] == '=');
}

static enum err read_mode(const char *text, enum keeper_wish *ret)
{
        static const char *const words[] = {
                [KEEPER_AUTO] = "auto", [KEEPER_WISH_PIDNS] = "pidns", [KEEPER_WISH_SUBREAPER] = "subreaper"};

        for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
                if (!str_eq(words[i], text)) continue;
                *ret = (enum keeper_wish)i;
                return ERR_OK;
        }
        return ERR_INVAL;
}

static enum err read_arguments(int argc, char **argv, struct arguments *args, struct err_note *reterr)
{
        for (int i = 1; i < argc; i++) {
                const char *name = argv[i];

                if (is(name, "--help"))
                        args->help = true;
                else if (is(name, "--detach"))
                        args->detach = true;
                else if (is(name, "--foreground"))
                        args->detach = false;
                else if (is(name, "--home"))
                        args->agent.home = value_of(argc, argv, &i);
                else if (is(name, "--share"))
                        args->agent.share = value_of(argc, argv, &i);
                else if (is(name, "--mode")) {
                        if (read_mode(value_of(argc, argv, &i), &args->agent.wish))
                                return err_note(reterr, ERR_INVAL, "--mode must be auto, pidns or subreaper");
                } else
                        return err_note(reterr, ERR_INVAL, "unknown option '%s'", name);
        }
        if (!args->help && !args->agent.home) return err_note(reterr, ERR_INVAL, "--home DIR is missing");
        return ERR_OK;
}

static void on_end_signal(void *ctx, int signal_number)
{
        (void)signal_number;
        agent_end(ctx);
}

/* ready_fd: told a byte when clients can connect; -1 none. */
static int run(const struct arguments *args, int ready_fd)
{
        AUTO(loop_free) struct loop *loop = NULL;
        AUTO(agent_free) struct agent *agent = NULL;
        struct err_note note = {0};
        enum err e = loop_new(&loop, &note);

        if (!e) e = agent_new(loop, &args->agent, &agent, &note);
        if (!e) e = loop_signal_add(loop, SIGTERM, on_end_signal, agent);
        if (!e) e = loop_signal_add(loop, SIGINT, on_end_signal, agent);
        if (!e) e = loop_signal_add(loop, SIGHUP, on_end_signal, agent); /* its terminal was closed */
        if (e) {
                (void)fprintf(stderr, "firedrill-control: %s\n", *note.text ? note.text : err_text(e));
                return EXIT_ENVIRONMENT;
        }
        if (ready_fd >= 0) (void)!write(ready_fd, "r", 1);
        log_event(LOG_INFO, "agent.ready", "listening", LOG_S("home", agent->home), LOG_N("pid", getpid()),
                  LOG_S("mode", keeper_mode_text(agent->mode)));
        loop_run(loop);
        log_text(LOG_INFO, "agent.ended", "everything is down");
        return 0;
}

/* The parent ends when the child is ready or has failed, and says which. */
static int run_detached(const struct arguments *args)
{
        int ends[2], status = 0;
        char byte;
        pid_t pid;

        if (pipe(ends) < 0 || (pid = fork()) < 0) {
                (void)fprintf(stderr, "firedrill-control: cannot go to the background\n");
                return EXIT_ENVIRONMENT;
        }
        if (pid == 0) {
                close(ends[0]);
                (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
                (void)setsid();
                return run(args, ends[1]);
        }
        close(ends[1]);
        if (read(ends[0], &byte, 1) == 1) return 0;
        (void)waitpid(pid, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_ENVIRONMENT;
}

int main(int argc, char **argv)
{
        struct arguments args = {0};
        struct err_note note = {0};

        if (argc == 2 && str_eq(argv[1], "keeper")) _exit(keeper_main());
        if (argc > 1 && str_eq(argv[1], "prepare-postgres")) return prepare_postgres(argc - 2, argv + 2);
        if (argc == 4 && str_eq(argv[1], "http-post")) return prepare_http_post(argv[2], argv[3]);
        if (argc == 3 && str_eq(argv[1], "burn")) return prepare_burn(argv[2]);
        if (argc == 3 && str_eq(argv[1], "remove-trash")) return prepare_remove_trash(argv[2]);
        if (read_arguments(argc, argv, &args, &note)) {
                (void)fprintf(stderr, "firedrill-control: %s\n%s", note.text, usage);
                return EXIT_USE;
        }
        if (args.help) {
                (void)fputs(usage, stdout);
                return 0;
        }
        (void)signal(SIGPIPE, SIG_IGN);
        (void)limit_files_raise(); /* a service may need many; what one may open is no part of an incident unless a
                                      fault says so */
        log_init("control", "control-1");
        log_version(FD_VERSION);
        return args.detach ? run_detached(&args) : run(&args, -1);
}

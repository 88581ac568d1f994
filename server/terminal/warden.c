#include "server/terminal/warden.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/attr.h"

enum { WARDEN_NOBODY = 65534, WARDEN_ROUND_MS = 5, WARDEN_ROUNDS_MAX = 2000 };

static int warden_limit(int what, rlim_t most)
{
        struct rlimit now;

        if (getrlimit(what, &now) < 0) return -1;
        if (now.rlim_max != RLIM_INFINITY && now.rlim_max < most) most = now.rlim_max;
        return setrlimit(what, &(struct rlimit){.rlim_cur = most, .rlim_max = most});
}

/* Root becomes nobody; anybody else stays who it is, which is no more than it was. Neither can gain anything afterwards. */
static int warden_drop(void)
{
        const struct passwd *pw = geteuid() == 0 ? getpwnam("nobody") : NULL;
        uid_t uid = pw ? pw->pw_uid : WARDEN_NOBODY;
        gid_t gid = pw ? pw->pw_gid : WARDEN_NOBODY;

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return -1;
        if (warden_limit(RLIMIT_CORE, 0) < 0 || warden_limit(RLIMIT_FSIZE, WARDEN_FILE_BYTES_MAX) < 0 ||
            warden_limit(RLIMIT_AS, WARDEN_MEMORY_BYTES_MAX) < 0 || warden_limit(RLIMIT_NOFILE, WARDEN_FILES_MAX) < 0 ||
            warden_limit(RLIMIT_CPU, WARDEN_CPU_SECONDS_MAX) < 0)
                return -1;
        if (geteuid() != 0) return 0;
        /* The terminal is given along, so that it can be opened by name. */
        if (fchown(0, uid, gid) < 0 || warden_limit(RLIMIT_NPROC, WARDEN_PROCESSES_MAX) < 0) return -1;
        if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0) return -1;
        return 0;
}

static NORETURN void warden_become_shell(void)
{
        static char *const bash[] = {(char *)"bash", (char *)"--norc", (char *)"--noprofile", (char *)"-i", NULL};
        static char *const sh[] = {(char *)"sh", (char *)"-i", NULL};

        (void)setsid();
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (ioctl(0, TIOCSCTTY, 0) < 0 || syscall(SYS_close_range, WARDEN_LIFELINE_FD, ~0U, 0) < 0 || chdir("/") < 0 || warden_drop() < 0) {
                (void)dprintf(2, "The shell cannot be confined (%s), so it is not started.\r\n", strerror(errno));
                _exit(127);
        }
        (void)umask(077);
        (void)execve("/bin/bash", bash, environ);
        (void)execve("/bin/sh", sh, environ);
        (void)dprintf(2, "There is no shell on this machine (%s).\r\n", strerror(errno));
        _exit(127);
}

/* The parent of a process, from the line whose second field is "(any name)". */
static pid_t warden_parent_of(const char *pid)
{
        char path[64], text[512];
        const char *end;
        ssize_t n;
        int fd, parent = 0;

        (void)snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) return 0;
        n = read(fd, text, sizeof(text) - 1);
        (void)close(fd);
        if (n <= 0) return 0;
        text[n] = '\0';
        end = strrchr(text, ')');
        return end && sscanf(end, ") %*c %d", &parent) == 1 ? parent : 0;
}

static void warden_kill_children(void)
{
        pid_t self = getpid();
        DIR *proc = opendir("/proc");
        const struct dirent *entry;

        while (proc && (entry = readdir(proc)) != NULL) {
                long pid = strtol(entry->d_name, NULL, 10);

                if (pid > 1 && warden_parent_of(entry->d_name) == self) (void)kill((pid_t)pid, SIGKILL);
        }
        if (proc) (void)closedir(proc);
}

/* A child that dies leaves its own children to us, the subreaper: round by round, until there are none. */
static void warden_end_all(void)
{
        for (int round = 0; round < WARDEN_ROUNDS_MAX; round++) {
                pid_t pid;

                warden_kill_children();
                while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) continue;
                if (pid < 0 && errno == ECHILD) return;
                (void)poll(NULL, 0, WARDEN_ROUND_MS);
        }
}

int warden_main(void)
{
        struct pollfd wait[2] = {{.fd = WARDEN_LIFELINE_FD, .events = POLLIN}, {.events = POLLIN}};
        int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        pid_t shell;

        (void)syscall(SYS_close_range, WARDEN_LIFELINE_FD + 1, ~0U, CLOSE_RANGE_CLOEXEC);
        (void)setsid();
        (void)signal(SIGHUP, SIG_IGN); /* of the terminal: the shell's, not ours */
        if (null_fd < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) return 127;
        shell = fork();
        if (shell < 0) return 127;
        if (shell == 0) {
                (void)signal(SIGHUP, SIG_DFL);
                warden_become_shell();
        }
        /* The terminal is the shell's alone: its reader learns the end from the last one who closes it. */
        for (int fd = 0; fd <= 2; fd++) (void)dup2(null_fd, fd);
        wait[1].fd = (int)syscall(SYS_pidfd_open, shell, 0);
        while (wait[1].fd >= 0 && poll(wait, 2, -1) < 0 && errno == EINTR) continue;
        warden_end_all();
        return 0;
}

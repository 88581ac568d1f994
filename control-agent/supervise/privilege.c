#include "control-agent/supervise/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534 };

uid_t privilege_user(gid_t *ret_gid)
{
        const struct passwd *pw = getpwnam("postgres");

        if (!pw) pw = getpwnam("nobody");
        *ret_gid = pw ? pw->pw_gid : NOBODY;
        return pw ? pw->pw_uid : NOBODY;
}

static int write_text(const char *path, const char *text)
{
        int fd = open(path, O_WRONLY | O_CLOEXEC), saved;
        ssize_t n;

        if (fd < 0) return -1;
        n = write(fd, text, strlen(text));
        saved = errno;
        close(fd);
        errno = saved;
        return n < 0 ? -1 : 0;
}

int privilege_map(uid_t inner_uid, gid_t inner_gid, uid_t outer_uid, gid_t outer_gid)
{
        char text[64];

        (void)snprintf(text, sizeof(text), "%u %u 1\n", (unsigned)inner_uid, (unsigned)outer_uid);
        if (write_text("/proc/self/uid_map", text) < 0) return -1;
        if (write_text("/proc/self/setgroups", "deny") < 0) return -1;
        (void)snprintf(text, sizeof(text), "%u %u 1\n", (unsigned)inner_gid, (unsigned)outer_gid);
        return write_text("/proc/self/gid_map", text);
}

bool privilege_by_setuid(void)
{
        static int known = -1; /* the machine does not change its mind */
        gid_t gid = getegid(); /* inside the namespace it has no name any more */
        int status = 0;
        pid_t pid;

        if (known >= 0) return known;
        known = 0;
        if (geteuid() != 0) return false;
        pid = fork();
        if (pid == 0) _exit(unshare(CLONE_NEWUSER) == 0 && privilege_map(NOBODY, NOBODY, 0, gid) == 0 ? 0 : 1);
        while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
        known = pid > 0 && status != 0;
        return known;
}

int privilege_drop(void)
{
        uid_t outer_uid = geteuid(), uid;
        gid_t outer_gid = getegid(), gid;

        uid = privilege_user(&gid);
        if (unshare(CLONE_NEWUSER) == 0) return privilege_map(uid, gid, outer_uid, outer_gid);
        if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0) return -1;
        return setresuid(uid, uid, uid);
}

#include "control-agent/supervise/proc_tree.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ALL_PROCESSES_MAX = 8192, TEXT_BYTES = 16384, ENVIRON_BYTES = 65536 };

static size_t read_small(const char *path, char *dst, size_t dst_bytes)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        size_t have = 0;
        ssize_t n;

        dst[0] = '\0';
        if (fd < 0) return 0;
        while (have + 1 < dst_bytes && (n = read(fd, dst + have, dst_bytes - 1 - have)) > 0) have += (size_t)n;
        close(fd);
        dst[have] = '\0';
        return have;
}

static size_t add_children(const char *path, pid_t *pids, size_t count, size_t max)
{
        char text[TEXT_BYTES], *at = text, *end;

        if (!read_small(path, text, sizeof(text))) return count;
        for (;;) {
                long pid = strtol(at, &end, 10);

                if (end == at || count >= max) return count;
                pids[count++] = (pid_t)pid;
                at = end;
        }
}

/* The children of every thread of pid: a child belongs to the thread that forked it. */
static size_t list_children(pid_t pid, pid_t *pids, size_t count, size_t max)
{
        char path[300];
        struct dirent *entry;
        DIR *tasks;

        (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
        tasks = opendir(path);
        if (!tasks) return count;
        while ((entry = readdir(tasks))) {
                if (!isdigit((unsigned char)entry->d_name[0])) continue;
                (void)snprintf(path, sizeof(path), "/proc/%d/task/%.20s/children", (int)pid, entry->d_name);
                count = add_children(path, pids, count, max);
        }
        closedir(tasks);
        return count;
}

struct kin {
        pid_t pid, parent;
};

static size_t list_all(struct kin *kin, size_t max)
{
        char path[64], text[512], *paren;
        struct dirent *entry;
        size_t count = 0;
        DIR *proc = opendir("/proc");

        if (!proc) return 0;
        while (count < max && (entry = readdir(proc))) {
                pid_t pid = (pid_t)atoi(entry->d_name);

                if (pid <= 0) continue;
                (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
                if (!read_small(path, text, sizeof(text)) || !(paren = strrchr(text, ')')) || strlen(paren) < 5)
                        continue;
                kin[count++] = (struct kin){pid, (pid_t)atoi(paren + 4)}; /* ") S PARENT" */
        }
        closedir(proc);
        return count;
}

size_t proc_tree_list_by_parent(pid_t pid, pid_t *ret_pids, size_t max)
{
        static struct kin kin[ALL_PROCESSES_MAX]; /* one thread walks trees in each of our programs */
        size_t all = list_all(kin, ALL_PROCESSES_MAX), count = 0;

        for (size_t at = 0; at <= count; at++) {
                pid_t parent = at == 0 ? pid : ret_pids[at - 1];

                for (size_t i = 0; i < all && count < max; i++)
                        if (kin[i].parent == parent) ret_pids[count++] = kin[i].pid;
        }
        return count;
}

size_t proc_tree_list(pid_t pid, pid_t *ret_pids, size_t max)
{
        static int has_children = -1;
        size_t count;

        if (has_children < 0) has_children = access("/proc/thread-self/children", R_OK) == 0;
        if (!has_children) return proc_tree_list_by_parent(pid, ret_pids, max);
        count = list_children(pid, ret_pids, 0, max);
        for (size_t i = 0; i < count; i++) count = list_children(ret_pids[i], ret_pids, count, max);
        return count;
}

void proc_tree_signal(pid_t pid, int signal_number)
{
        pid_t pids[PROC_TREE_MAX];
        size_t known = 0;

        (void)kill(pid, signal_number);
        for (;;) {
                size_t count = proc_tree_list(pid, pids, PROC_TREE_MAX);

                for (size_t i = 0; i < count; i++) (void)kill(pids[i], signal_number);
                if (signal_number != SIGSTOP || count == known) return; /* a stopped tree does not grow any more */
                known = count;
        }
}

static bool is_dead(pid_t pid)
{
        char path[64], text[512], *paren;

        (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        if (!read_small(path, text, sizeof(text))) return true;
        paren = strrchr(text, ')');
        return !paren || !paren[1] || paren[2] == 'Z' || paren[2] == 'X';
}

bool proc_tree_kill_below(pid_t pid, unsigned rounds)
{
        pid_t pids[PROC_TREE_MAX];

        for (unsigned round = 0; round < rounds; round++) {
                size_t count = proc_tree_list(pid, pids, PROC_TREE_MAX), alive = 0;

                /* Stopped first, so that nobody can fork out of the list between the look and the kill. */
                for (size_t i = 0; i < count; i++) (void)kill(pids[i], SIGSTOP);
                for (size_t i = 0; i < count; i++) {
                        if (is_dead(pids[i])) continue;
                        (void)kill(pids[i], SIGKILL);
                        alive++;
                }
                if (!alive) return true;
        }
        return false;
}

static bool environ_has(pid_t pid, const char *variable)
{
        static char text[ENVIRON_BYTES]; /* one loop thread; too large for its stack frame */
        char path[64];
        size_t size, at = 0;

        (void)snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
        size = read_small(path, text, sizeof(text));
        while (at < size) {
                if (strcmp(text + at, variable) == 0) return true;
                at += strlen(text + at) + 1;
        }
        return false;
}

size_t proc_tree_sweep(const char *variable)
{
        struct dirent *entry;
        struct stat st;
        size_t killed = 0;
        DIR *proc = opendir("/proc");

        if (!proc) return 0;
        while ((entry = readdir(proc))) {
                pid_t pid = (pid_t)atoi(entry->d_name);

                if (pid <= 1 || pid == getpid()) continue;
                if (fstatat(dirfd(proc), entry->d_name, &st, 0) < 0 || st.st_uid != geteuid()) continue;
                if (!environ_has(pid, variable)) continue;
                if (kill(pid, SIGKILL) == 0) killed++;
        }
        closedir(proc);
        return killed;
}

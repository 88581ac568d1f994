#include "control-agent/app/prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/hash.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/sys/file.h"
#include "common/sys/sock.h"
#include "control-agent/app/tree_copy.h"

enum { FILES_MAX = 200, ARGS_MAX = 40, SQL_BYTES_MAX = 1 << 22, BURNERS_MAX = 16, POLL_MS = 20 };

struct job {
        const char *data, *cache, *share, *postgres, *listen, *sockets;
        char initdb[FILE_PATH_BYTES], sut_db[FILE_PATH_BYTES], sql[FILE_PATH_BYTES];
        char host[SOCK_ADDRESS_BYTES];
        uint16_t port;
        uint64_t fingerprint;
        struct err_note note;
};

/* Starts a program; its end comes with this process's. */
static pid_t start(const char *const *argv)
{
        pid_t parent = getpid(), pid = fork();

        if (pid != 0) return pid;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) _exit(127);
        execv(argv[0], (char *const *)argv);
        (void)fprintf(stderr, "cannot run %s: %s\n", argv[0], strerror(errno));
        _exit(127);
}

static enum err finish(pid_t pid, const char *what, struct err_note *note)
{
        int status = 0;

        if (pid < 0) return err_note(note, ERR_IO, "cannot start %s: %s", what, strerror(errno));
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return ERR_OK;
        return err_note(note, ERR_IO, "%s failed (%s %d); its messages are above", what,
                        WIFEXITED(status) ? "exit" : "signal",
                        WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

static void add_sql(void *ctx, const char *name)
{
        struct job *job = ctx;
        char path[FILE_PATH_BYTES];
        AUTO_BUF text;

        buf_init(&text, SQL_BYTES_MAX);
        if (path_join(path, job->sql, name) || file_read(path, &text, NULL)) return;
        job->fingerprint = hash_fnv_str(name) ^ (job->fingerprint * 31);
        job->fingerprint = hash_fnv(job->fingerprint, text.data, text.size_bytes);
}

/* What the template depends on: another schema, another program or another PostgreSQL make another template. */
static void fingerprint(struct job *job)
{
        struct stat st;

        job->fingerprint = hash_fnv(HASH_FNV_START, job->postgres, strlen(job->postgres));
        if (file_is_dir(job->sql)) (void)!dir_each(job->sql, FILES_MAX, add_sql, job, NULL);
        if (stat(job->sut_db, &st) == 0) {
                int64_t facts[2] = {st.st_size, (int64_t)st.st_mtime};

                job->fingerprint = hash_fnv(job->fingerprint, facts, sizeof(facts));
        }
}

static enum err run_initdb(struct job *job, const char *directory)
{
        const char *const argv[] = {job->initdb,
                                    "-D",
                                    directory,
                                    "-U",
                                    "sut",
                                    "-A",
                                    "trust",
                                    "--no-sync",
                                    "--no-locale",
                                    "-E",
                                    "UTF8",
                                    "--wal-segsize=1",
                                    "--no-instructions",
                                    NULL};
        int out = dup(1), null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
        enum err e;

        if (null_fd >= 0) (void)dup2(null_fd, 1); /* its chat is of no use; errors go to stderr */
        e = finish(start(argv), "initdb", &job->note);
        if (out >= 0) {
                (void)dup2(out, 1);
                close(out);
        }
        if (null_fd >= 0) close(null_fd);
        return e;
}

static bool answers(const struct job *job)
{
        struct pollfd p = {.events = POLLOUT};
        bool yes;

        if (sock_connect_tcp(job->host, job->port, &p.fd, NULL)) return false;
        yes = poll(&p, 1, POLL_MS) == 1 && sock_error(p.fd) == 0;
        close(p.fd);
        return yes;
}

static enum err wait_ready(const struct job *job, pid_t server, struct err_note *note)
{
        int64_t deadline_ms = clock_mono_ms() + PREPARE_STEP_MS;
        int pid_fd = (int)syscall(SYS_pidfd_open, server, 0);
        struct pollfd p = {.fd = pid_fd, .events = POLLIN};

        /* Ends when the server does: the wait between two looks is on its exit. */
        while (!answers(job)) {
                if (poll(&p, 1, POLL_MS) == 1 || clock_mono_ms() > deadline_ms) {
                        if (pid_fd >= 0) close(pid_fd);
                        return err_note(note, ERR_UNAVAILABLE,
                                        "PostgreSQL did not come up to be filled; its messages are above");
                }
        }
        if (pid_fd >= 0) close(pid_fd);
        return ERR_OK;
}

/* Schema and seed, by the adapter's program, in a server that is fast because nobody needs its durability. */
static enum err fill(struct job *job, const char *directory)
{
        char listen_on[128], port_is[32], upstream[128];
        const char *const server_argv[] = {job->postgres,
                                           "-D",
                                           directory,
                                           "-k",
                                           "",
                                           "-c",
                                           listen_on,
                                           "-c",
                                           port_is,
                                           "-c",
                                           "fsync=off",
                                           "-c",
                                           "full_page_writes=off",
                                           "-c",
                                           "synchronous_commit=off",
                                           "-c",
                                           "wal_level=minimal",
                                           "-c",
                                           "max_wal_senders=0",
                                           "-c",
                                           "autovacuum=off",
                                           "-c",
                                           "shared_buffers=64MB",
                                           "-c",
                                           "maintenance_work_mem=64MB",
                                           "-c",
                                           "max_wal_size=128MB",
                                           "-c",
                                           "min_wal_size=8MB",
                                           "-c",
                                           "log_min_messages=warning",
                                           NULL};
        const char *const init_argv[] = {job->sut_db, "--init",     "--dir",  job->cache, "--share",
                                         job->share,  "--upstream", upstream, NULL};
        struct err_note late = {0};
        pid_t server;
        enum err e;

        (void)snprintf(listen_on, sizeof(listen_on), "listen_addresses=%s", job->host);
        (void)snprintf(port_is, sizeof(port_is), "port=%u", job->port);
        (void)snprintf(upstream, sizeof(upstream), "postgres=%s", job->listen);
        server = start(server_argv);
        if (server < 0) return err_note(&job->note, ERR_IO, "cannot start PostgreSQL: %s", strerror(errno));
        e = wait_ready(job, server, &job->note);
        if (!e) e = finish(start(init_argv), "sut-db --init", &job->note);
        (void)kill(server, SIGINT); /* fast and clean */
        if (finish(server, "PostgreSQL", &late) && !e) e = err_note(&job->note, ERR_IO, "%s", late.text);
        return e;
}

static enum err make_template(struct job *job, const char *template)
{
        char half[FILE_PATH_BYTES];
        enum err e;

        if (path_format(half, "%s/half-%d", job->cache, (int)getpid()))
                return err_note(&job->note, ERR_LIMIT, "path too long");
        e = run_initdb(job, half);
        if (!e && file_exists(job->sut_db)) e = fill(job, half);
        if (!e && rename(half, template) < 0)
                e = err_note(&job->note, ERR_IO, "cannot keep the template '%s': %s", template, strerror(errno));
        if (e) (void)!dir_remove(half, NULL);
        return e;
}

/* Templates of earlier builds and halves of killed makers go; the lock is held. */
static void remove_old(void *ctx, const char *name)
{
        const struct job *job = ctx;
        char path[FILE_PATH_BYTES], keep[64];

        (void)snprintf(keep, sizeof(keep), "pg-%016" PRIx64, job->fingerprint);
        if (str_eq(name, keep) || !(str_starts(name, "pg-") || str_starts(name, "half-"))) return;
        if (!path_join(path, job->cache, name)) (void)!dir_remove(path, NULL);
}

static enum err fill_data(struct job *job)
{
        char template[FILE_PATH_BYTES], lock[FILE_PATH_BYTES];
        enum err e = dir_make(job->cache, 0755, &job->note);
        int lock_fd;

        if (e) return e;
        if (path_format(template, "%s/pg-%016" PRIx64, job->cache, job->fingerprint) ||
            path_join(lock, job->cache, "lock"))
                return err_note(&job->note, ERR_LIMIT, "the path '%s' is too long", job->cache);
        lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (lock_fd < 0 || flock(lock_fd, LOCK_EX) < 0) /* another stack may be making the same template */
                return err_note(&job->note, ERR_IO, "cannot lock '%s': %s", lock, strerror(errno));
        if (!file_is_dir(template)) {
                (void)!dir_each(job->cache, FILES_MAX, remove_old, job, NULL);
                e = make_template(job, template);
        }
        if (!e) e = tree_copy(template, job->data, &job->note);
        close(lock_fd);
        return e;
}

static enum err read_options(int argc, char **argv, struct job *job)
{
        const struct {
                const char *name, **value;
        } options[] = {{"--data", &job->data},         {"--template", &job->cache}, {"--share", &job->share},
                       {"--postgres", &job->postgres}, {"--listen", &job->listen},  {"--sockets", &job->sockets}};
        char bin[FILE_PATH_BYTES];
        const char *slash;

        for (int i = 0; i + 1 < argc; i += 2)
                for (size_t k = 0; k < ARRAY_COUNT(options); k++)
                        if (str_eq(argv[i], options[k].name)) *options[k].value = argv[i + 1];
        for (size_t k = 0; k < ARRAY_COUNT(options); k++)
                if (!*options[k].value) return err_note(&job->note, ERR_INVAL, "%s is missing", options[k].name);
        slash = strrchr(job->postgres, '/');
        if (!slash || sock_split(job->listen, job->host, &job->port))
                return err_note(&job->note, ERR_INVAL, "--postgres must be a path and --listen HOST:PORT");
        if (path_programs(bin, &job->note) || path_join(job->sut_db, bin, "sut-db") ||
            path_join(job->sql, job->share, "db/sut") ||
            path_format(job->initdb, "%.*s/initdb", (int)(slash - job->postgres), job->postgres))
                return err_note(&job->note, ERR_LIMIT, "a path is too long");
        return ERR_OK;
}

/* PostgreSQL takes a lock for a living one as soon as any process has the number in it, which after a stack was killed
 * is often another service. A lock whose owner is no PostgreSQL is stale; one whose owner is, is left to PostgreSQL to
 * judge. */
static void remove_stale_lock(const char *path)
{
        char comm_path[64];
        int64_t pid = 0;
        AUTO_BUF lock;
        AUTO_BUF comm;

        buf_init(&lock, 4096);
        buf_init(&comm, 64);
        if (!file_exists(path) || file_read(path, &lock, NULL)) return;
        lock.data[strcspn(lock.data, "\n")] = '\0';
        if (str_parse_i64(lock.data, INT32_MIN, INT32_MAX, &pid)) return;
        (void)snprintf(comm_path, sizeof(comm_path), "/proc/%d/comm", abs((int)pid));
        if (!file_exists(comm_path) || file_read(comm_path, &comm, NULL) || str_starts(comm.data, "postgres")) return;
        (void)unlink(path);
}

static void remove_stale_locks(const struct job *job)
{
        char path[FILE_PATH_BYTES];

        if (!path_join(path, job->data, "postmaster.pid")) remove_stale_lock(path);
        if (!path_format(path, "%s/.s.PGSQL.%u.lock", job->sockets, job->port)) remove_stale_lock(path);
}

int prepare_postgres(int argc, char **argv)
{
        struct job job = {0};
        char version[FILE_PATH_BYTES];
        enum err e = read_options(argc, argv, &job);

        if (!e) e = path_join(version, job.data, "PG_VERSION");
        if (!e) remove_stale_locks(&job);
        if (!e && file_exists(version)) return 0;
        if (!e) {
                fingerprint(&job);
                e = fill_data(&job);
        }
        if (!e) return 0;
        (void)fprintf(stderr, "cannot prepare PostgreSQL's data: %s\n", *job.note.text ? job.note.text : err_text(e));
        return 1;
}

int prepare_http_post(const char *address, const char *path)
{
        char text[2048], host[SOCK_ADDRESS_BYTES];
        struct pollfd p = {.events = POLLOUT};
        uint16_t port;
        int status = 0, n;

        if (sock_split(address, host, &port) || sock_connect_tcp(host, port, &p.fd, NULL)) return 1;
        n = snprintf(text, sizeof(text), "POST %s HTTP/1.0\r\nHost: %s\r\nContent-Length: 0\r\n\r\n", path, address);
        if (n > 0 && (size_t)n < sizeof(text) && poll(&p, 1, PREPARE_STEP_MS) == 1 &&
            send(p.fd, text, (size_t)n, MSG_NOSIGNAL) == n) {
                p.events = POLLIN;
                if (poll(&p, 1, PREPARE_STEP_MS) == 1 && recv(p.fd, text, sizeof(text) - 1, 0) > 12)
                        status = atoi(text + strlen("HTTP/1.1 "));
        }
        close(p.fd);
        if (status >= 200 && status < 300) return 0;
        (void)fprintf(stderr, "POST %s to %s was answered %d\n", path, address, status);
        return 1;
}

static _Noreturn void burn(void)
{
        for (volatile uint64_t count = 0;;) count++;
}

/* Each burns in a session of its own: where the kernel shares the processor out by sessions (sched_autogroup), sixteen
 * threads of one process are a single neighbour, and the service beside them hardly feels it. */
int prepare_burn(const char *burners)
{
        int64_t wanted;
        pid_t self = getpid();

        if (str_parse_i64(burners, 1, BURNERS_MAX, &wanted)) return 1;
        for (int64_t i = 1; i < wanted; i++) {
                pid_t pid = fork();

                if (pid < 0) return 1; /* those that burn already end with this process */
                if (pid > 0) continue;
                if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != self || setsid() < 0) _exit(1);
                burn();
        }
        burn();
}

static void remove_one(void *ctx, const char *name)
{
        char path[FILE_PATH_BYTES];

        if (str_starts(name, "trash-") && !path_join(path, ctx, name)) (void)!dir_remove(path, NULL);
}

int prepare_remove_trash(const char *directory)
{
        char path[FILE_PATH_BYTES];

        if (str_copy(path, sizeof(path), directory)) return 1;
        return dir_each(path, FILES_MAX, remove_one, path, NULL) ? 1 : 0;
}

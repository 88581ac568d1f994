#include "control-agent/supervise/logpipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/file.h"

enum { CHUNK_BYTES = 65536, DRAIN_CHUNKS_MAX = 64 };

struct logpipe {
        char path[FILE_PATH_BYTES];
        size_t file_bytes_max, file_bytes;
        int read_fd, file_fd;
        struct loop_fd *handle;
        uint64_t lost;
        char line[LOGPIPE_LINE_BYTES], partial[LOGPIPE_LINE_BYTES];
        size_t partial_bytes;
};

static int open_file(struct logpipe *l)
{
        struct stat st;

        l->file_fd = open(l->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (l->file_fd < 0) return -1;
        l->file_bytes = fstat(l->file_fd, &st) == 0 ? (size_t)st.st_size : 0;
        return 0;
}

static void rotate(struct logpipe *l)
{
        char older[FILE_PATH_BYTES];

        close(l->file_fd);
        if (!path_format(older, "%s.1", l->path)) (void)rename(l->path, older);
        if (open_file(l) < 0) l->file_fd = -1;
}

static void write_out(struct logpipe *l, const char *bytes, size_t size)
{
        while (size) {
                ssize_t n = l->file_fd < 0 ? -1 : write(l->file_fd, bytes, size);

                if (n < 0 && errno == EINTR && l->file_fd >= 0) continue;
                if (n < 0) {
                        l->lost += size;
                        return;
                }
                bytes += n;
                size -= (size_t)n;
                l->file_bytes += (size_t)n;
        }
}

/* Keeps the newest whole line for messages to people. */
static void remember(struct logpipe *l, const char *bytes, size_t size)
{
        for (size_t i = 0; i < size; i++) {
                if (bytes[i] != '\n') {
                        if (l->partial_bytes < sizeof(l->partial) - 1) l->partial[l->partial_bytes++] = bytes[i];
                        continue;
                }
                l->partial[l->partial_bytes] = '\0';
                if (l->partial_bytes) memcpy(l->line, l->partial, l->partial_bytes + 1);
                l->partial_bytes = 0;
        }
}

static void keep(struct logpipe *l, const char *bytes, size_t size)
{
        const char *end = memchr(bytes, '\n', size);

        remember(l, bytes, size);
        if (end &&
            l->file_bytes + size > l->file_bytes_max) { /* the line that was begun still belongs to the old file */
                size_t head = (size_t)(end - bytes) + 1;

                write_out(l, bytes, head);
                rotate(l);
                bytes += head;
                size -= head;
        }
        write_out(l, bytes, size);
}

/* One chunk; false when there is no more now. */
static bool pump(struct logpipe *l)
{
        static char chunk[CHUNK_BYTES]; /* one loop thread */
        ssize_t n = read(l->read_fd, chunk, sizeof(chunk));

        if (n > 0) keep(l, chunk, (size_t)n);
        if (n == 0) loop_fd_remove(take(&l->handle)); /* every writer is gone */
        return n > 0 || (n < 0 && errno == EINTR);
}

static void on_readable(void *ctx, uint32_t events)
{
        (void)events;
        (void)pump(ctx);
}

enum err logpipe_new(struct loop *loop, const char *path, size_t file_bytes_max, struct logpipe **ret,
                     int *ret_write_fd, struct err_note *reterr)
{
        struct logpipe *l = mem_zalloc(1, sizeof(*l));
        int ends[2];
        enum err e;

        if (!l) return err_note(reterr, ERR_NOMEM, "cannot keep a log: out of memory");
        *l = (struct logpipe){.file_bytes_max = file_bytes_max, .read_fd = -1, .file_fd = -1};
        e = str_copy(l->path, sizeof(l->path), path);
        if (!e && (open_file(l) < 0 || pipe2(ends, O_CLOEXEC) < 0)) e = ERR_IO;
        if (e) {
                (void)err_note(reterr, e, "cannot keep the log '%s': %s", path, strerror(errno));
                logpipe_free(l);
                return e;
        }
        l->read_fd = ends[0];
        (void)fcntl(l->read_fd, F_SETFL, O_NONBLOCK); /* this end only: the service's end blocks as usual */
        e = loop_fd_add(loop, l->read_fd, EPOLLIN, on_readable, l, &l->handle);
        if (e) {
                close(ends[1]);
                logpipe_free(l);
                return err_note(reterr, e, "cannot watch the log '%s'", path);
        }
        *ret = l;
        *ret_write_fd = ends[1];
        return ERR_OK;
}

const char *logpipe_last_line(const struct logpipe *l)
{
        return l->line;
}

uint64_t logpipe_lost(const struct logpipe *l)
{
        return l->lost;
}

void logpipe_free(struct logpipe *l)
{
        if (!l) return;
        for (int i = 0; l->handle && i < DRAIN_CHUNKS_MAX && pump(l); i++) continue;
        loop_fd_remove(l->handle);
        if (l->read_fd >= 0) close(l->read_fd);
        if (l->file_fd >= 0) close(l->file_fd);
        mem_free(l);
}

#include "common/sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/str.h"

static enum err io_note(struct err_note *reterr, const char *what, const char *path)
{
        enum err e = errno == ENOENT ? ERR_NOT_FOUND : errno == EACCES || errno == EPERM ? ERR_DENIED : ERR_IO;

        return err_note(reterr, e, "cannot %s '%s': %s", what, path, strerror(errno));
}

enum err file_read(const char *path, struct buf *b, struct err_note *reterr)
{
        int fd = fault_point() ? (errno = EIO, -1) : open(path, O_RDONLY | O_CLOEXEC);
        char chunk[16384];
        ssize_t n;

        if (fd < 0) return io_note(reterr, "open", path);
        while ((n = read(fd, chunk, sizeof chunk)) != 0) {
                if (n < 0 && errno == EINTR) continue;
                if (n < 0) break;
                buf_append(b, chunk, (size_t)n);
                if (b->status) break;
        }
        close(fd);
        if (b->status == ERR_LIMIT) return err_note(reterr, ERR_LIMIT, "'%s' is larger than %zu bytes", path, b->max_bytes);
        if (b->status) return err_note(reterr, b->status, "cannot read '%s': %s", path, err_text(b->status));
        if (n < 0) return io_note(reterr, "read", path);
        return ERR_OK;
}

static bool write_all(int fd, const char *bytes, size_t size_bytes)
{
        while (size_bytes) {
                ssize_t n = fault_point() ? (errno = ENOSPC, -1) : write(fd, bytes, size_bytes);

                if (n < 0 && errno == EINTR) continue;
                if (n < 0) return false;
                bytes += n;
                size_bytes -= (size_t)n;
        }
        return true;
}

enum err file_write_atomic(const char *path, const void *bytes, size_t size_bytes, mode_t mode, bool durable,
                           struct err_note *reterr)
{
        char temporary[FILE_PATH_BYTES];
        enum err e = path_format(temporary, "%s.new-%d", path, (int)getpid());
        int fd;
        bool ok;

        if (e) return err_note(reterr, e, "path too long: '%s'", path);
        fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
        if (fd < 0) return io_note(reterr, "create", temporary);
        ok = write_all(fd, bytes, size_bytes) && (!durable || fsync(fd) == 0);
        if (close(fd) < 0) ok = false;
        if (ok && rename(temporary, path) == 0) return ERR_OK;
        e = io_note(reterr, "write", path);
        unlink(temporary);
        return e;
}

enum err file_append(const char *path, const void *bytes, size_t size_bytes, mode_t mode, struct err_note *reterr)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, mode);
        bool ok;

        if (fd < 0) return io_note(reterr, "open", path);
        ok = write_all(fd, bytes, size_bytes);
        if (close(fd) < 0) ok = false;
        return ok ? ERR_OK : io_note(reterr, "append to", path);
}

enum err file_copy(const char *from, const char *to, mode_t mode, struct err_note *reterr)
{
        AUTO_BUF b;
        enum err e;

        buf_init(&b, (size_t)64 << 20);
        e = file_read(from, &b, reterr);
        return e ? e : file_write_atomic(to, b.data, b.size_bytes, mode, false, reterr);
}

bool file_exists(const char *path)
{
        return access(path, F_OK) == 0;
}

bool file_is_dir(const char *path)
{
        struct stat st;

        return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

enum err file_remove(const char *path, struct err_note *reterr)
{
        if (unlink(path) == 0 || errno == ENOENT) return ERR_OK;
        return io_note(reterr, "remove", path);
}

enum err path_format(char dst[static FILE_PATH_BYTES], const char *format, ...)
{
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(dst, FILE_PATH_BYTES, format, args);
        va_end(args);
        return n >= 0 && n < FILE_PATH_BYTES ? ERR_OK : ERR_LIMIT;
}

enum err path_join(char dst[static FILE_PATH_BYTES], const char *directory, const char *name)
{
        return path_format(dst, "%s/%s", directory, name);
}

#include "control-agent/app/tree_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/str.h"
#include "common/sys/file.h"

static const char last_file[] = "PG_VERSION";

struct copy {
        const char *from, *to;
        bool top;
        enum err e;
        struct err_note *note;
};

static enum err copy_bytes(const char *from, const char *to, mode_t mode, struct err_note *note)
{
        int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
        ssize_t n = -1;

        if (out >= 0) do
                        n = copy_file_range(in, NULL, out, NULL, (size_t)1 << 30, 0);
                while (n > 0);
        if (in >= 0) close(in);
        if (out >= 0 && close(out) < 0) n = -1;
        if (n == 0) return ERR_OK;
        if (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS)
                return file_copy(from, to, mode, note);
        return err_note(note, ERR_IO, "cannot copy '%s' to '%s': %s", from, to, strerror(errno));
}

static void copy_one(void *ctx, const char *name)
{
        struct copy *c = ctx;
        char from[FILE_PATH_BYTES], to[FILE_PATH_BYTES];
        struct stat st;

        if (c->e || (c->top && str_eq(name, last_file))) return;
        if (path_join(from, c->from, name) || path_join(to, c->to, name)) {
                c->e = err_note(c->note, ERR_LIMIT, "the path '%s/%s' is too long", c->to, name);
        } else if (lstat(from, &st) < 0) {
                c->e = err_note(c->note, ERR_IO, "cannot read '%s': %s", from, strerror(errno));
        } else if (S_ISDIR(st.st_mode)) {
                struct copy below = {.from = from, .to = to, .note = c->note};

                if (mkdir(to, st.st_mode & 0777) < 0 && errno != EEXIST)
                        c->e = err_note(c->note, ERR_IO, "cannot make '%s': %s", to, strerror(errno));
                else
                        c->e = dir_each(from, TREE_COPY_NAMES_MAX, copy_one, &below, c->note);
                if (!c->e) c->e = below.e;
        } else if (S_ISREG(st.st_mode)) {
                c->e = copy_bytes(from, to, st.st_mode & 0777, c->note);
        }
}

enum err tree_copy(const char *from, const char *to, struct err_note *reterr)
{
        struct copy top = {.from = from, .to = to, .top = true, .note = reterr};
        char a[FILE_PATH_BYTES], b[FILE_PATH_BYTES];
        enum err e = dir_each(from, TREE_COPY_NAMES_MAX, copy_one, &top, reterr);

        if (!e) e = top.e;
        if (!e && (path_join(a, from, last_file) || path_join(b, to, last_file))) e = ERR_LIMIT;
        if (!e && file_exists(a)) e = copy_bytes(a, b, 0600, reterr);
        return e;
}

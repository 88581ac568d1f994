#include "common/sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/str.h"

enum { DIR_DEPTH_MAX = 32 };

enum err dir_make(const char *path, mode_t mode, struct err_note *reterr)
{
        char part[FILE_PATH_BYTES];

        if (str_copy(part, sizeof part, path)) return err_note(reterr, ERR_LIMIT, "path too long: '%s'", path);
        for (char *p = part + 1;; p++) {
                char c = *p;

                if (c != '/' && c != '\0') continue;
                *p = '\0';
                if (mkdir(part, mode) < 0 && errno != EEXIST)
                        return err_note(reterr, errno == EACCES ? ERR_DENIED : ERR_IO, "cannot make folder '%s': %s", part,
                                        strerror(errno));
                *p = c;
                if (c == '\0') break;
        }
        if (!file_is_dir(path)) return err_note(reterr, ERR_EXISTS, "'%s' is there and not a folder", path);
        return ERR_OK;
}

static bool remove_tree(int at, const char *name, int depth)
{
        int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        bool ok = depth < DIR_DEPTH_MAX;
        struct dirent *entry;
        DIR *dir;

        if (fd < 0) return errno == ENOENT || ((errno == ENOTDIR || errno == ELOOP) && unlinkat(at, name, 0) == 0);
        dir = fdopendir(fd);
        if (!dir) {
                close(fd);
                return false;
        }
        while (ok && (entry = readdir(dir))) {
                if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, "..")) continue;
                if (unlinkat(fd, entry->d_name, 0) == 0 || errno == ENOENT) continue;
                ok = (errno == EISDIR || errno == EPERM) && remove_tree(fd, entry->d_name, depth + 1);
        }
        closedir(dir);
        return ok && (unlinkat(at, name, AT_REMOVEDIR) == 0 || errno == ENOENT);
}

enum err dir_remove(const char *path, struct err_note *reterr)
{
        if (remove_tree(AT_FDCWD, path, 0)) return ERR_OK;
        return err_note(reterr, ERR_IO, "cannot remove folder '%s': %s", path, strerror(errno));
}

enum err dir_each(const char *path, size_t max, void (*visit)(void *ctx, const char *name), void *ctx,
                  struct err_note *reterr)
{
        struct dirent **entries;
        int count = scandir(path, &entries, NULL, alphasort);
        size_t visited = 0;

        if (count < 0)
                return err_note(reterr, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot list folder '%s': %s", path,
                                strerror(errno));
        for (int i = 0; i < count; i++) {
                const char *name = entries[i]->d_name;

                if (!str_eq(name, ".") && !str_eq(name, "..") && ++visited <= max) visit(ctx, name);
                free(entries[i]);
        }
        free(entries);
        return visited <= max ? ERR_OK : err_note(reterr, ERR_LIMIT, "more than %zu files in '%s'", max, path);
}

enum err path_programs(char dst[static FILE_PATH_BYTES], struct err_note *reterr)
{
        ssize_t n = readlink("/proc/self/exe", dst, FILE_PATH_BYTES - 1);
        char *slash;

        if (n <= 0) return err_note(reterr, ERR_IO, "cannot find the folder of this program: %s", strerror(errno));
        dst[n] = '\0';
        slash = strrchr(dst, '/');
        if (slash && slash != dst) *slash = '\0';
        return ERR_OK;
}

enum err path_share(char dst[static FILE_PATH_BYTES], struct err_note *reterr)
{
        const char *set = getenv("FIREDRILL_SHARE");
        char programs[FILE_PATH_BYTES], probe[FILE_PATH_BYTES];
        enum err e;

        if (set && *set) {
                if (!file_is_dir(set)) return err_note(reterr, ERR_NOT_FOUND, "FIREDRILL_SHARE is '%s', which is not a folder", set);
                return str_copy(dst, FILE_PATH_BYTES, set);
        }
        e = path_format(probe, "%s/sut/stack.yaml", FD_SOURCE_DIR);
        if (!e && file_exists(probe)) return str_copy(dst, FILE_PATH_BYTES, FD_SOURCE_DIR);
        e = path_programs(programs, reterr);
        if (e) return e;
        e = path_format(dst, "%s/../share/firedrill", programs);
        if (!e && file_is_dir(dst)) return ERR_OK;
        return err_note(reterr, ERR_NOT_FOUND,
                        "cannot find the product files (sut/stack.yaml, scenarios): set FIREDRILL_SHARE to their folder");
}

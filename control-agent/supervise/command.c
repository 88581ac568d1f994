#include "control-agent/supervise/command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/fault_page.h"
#include "control-agent/supervise/privilege.h"

/* Variables of the agent that a child may see: what sanitizers and coverage of our own builds need. */
static const char *const passed_on[] = {"PATH",         "ASAN_OPTIONS",      "UBSAN_OPTIONS", "LSAN_OPTIONS",
                                        "TSAN_OPTIONS", "LLVM_PROFILE_FILE", "GCOV_PREFIX",
                                        /* where logproc sends what it stores, when its configuration names no place */
                                        "FIREDRILL_FORWARD_LOKI_URL", "FIREDRILL_FORWARD_OTLP_URL", "FIREDRILL_FORWARD_INFLUX_URL"};

struct list {
        char **items;
        size_t *count;
        enum err status;
};

static void add(struct list *list, char *text)
{
        if (!text)
                list->status = ERR_NOMEM;
        else if (*list->count >= COMMAND_TEXTS_MAX)
                list->status = ERR_LIMIT;
        else {
                list->items[(*list->count)++] = text;
                return;
        }
        mem_free(text);
}

FMT_PRINTF(2, 3) static void addf(struct list *list, const char *format, ...)
{
        AUTO_BUF b;
        va_list args;

        buf_init(&b, PLACE_TEXT_BYTES_MAX);
        va_start(args, format);
        buf_vprintf(&b, format, args);
        va_end(args);
        add(list, buf_status(&b) ? NULL : buf_take(&b, NULL));
}

static enum err add_expanded(struct list *list, const struct place *p, size_t service, const char *text,
                             struct err_note *reterr)
{
        AUTO_BUF b;
        enum err e;

        buf_init(&b, PLACE_TEXT_BYTES_MAX);
        e = place_expand(p, service, text, &b, reterr);
        if (e) return e;
        add(list, b.size_bytes ? buf_take(&b, NULL) : mem_strdup(""));
        return ERR_OK;
}

/* Services on sut/kit have one command line for all (docs/contracts.md). */
static void add_kit(struct list *list, const struct place *p, size_t service)
{
        const struct stack_service *s = &p->spec->services[service];
        char address[64];

        addf(list, "--name");
        addf(list, "%s", s->name);
        addf(list, "--instance");
        addf(list, "%s-1", s->name);
        addf(list, "--listen");
        addf(list, "%s:%u", p->address, s->port);
        addf(list, "--dir");
        addf(list, "%s", p->dir);
        for (size_t i = 0; i < s->upstreams_count; i++) {
                place_upstream(p, service, i, address, sizeof(address));
                addf(list, "--upstream");
                addf(list, "%s=%s", s->upstreams[i].name, address);
        }
}

/* The command line that the list gives for a purpose: the program first, then its arguments. */
static void list_of(const struct stack_service *s, enum command_purpose purpose, const char **ret_program,
                    const char *const **ret_args, size_t *ret_count)
{
        const char *const *words = purpose == COMMAND_PREPARE ? s->prepare : s->forget;
        size_t count = purpose == COMMAND_PREPARE ? s->prepare_count : s->forget_count;

        CHECK(purpose == COMMAND_RUN || count > 0);
        *ret_program = purpose == COMMAND_RUN ? s->program : words[0];
        *ret_args = purpose == COMMAND_RUN ? s->args : words + 1;
        *ret_count = purpose == COMMAND_RUN ? s->args_count : count - 1;
}

static enum err add_arguments(struct list *list, const struct place *p, size_t service, const char *path,
                              enum command_purpose purpose, struct err_note *reterr)
{
        const struct stack_service *s = &p->spec->services[service];
        const char *program, *const *args;
        size_t count;

        list_of(s, purpose, &program, &args, &count);
        addf(list, "%s", path); /* the whole path: PostgreSQL looks for its siblings beside argv[0] */
        if (purpose == COMMAND_RUN && s->kind != STACK_COMPONENT) add_kit(list, p, service);
        for (size_t i = 0; i < count; i++) {
                enum err e = add_expanded(list, p, service, args[i], reterr);

                if (e) return e;
        }
        return list->status ? err_note(reterr, list->status, "the command line of %s is too long", s->name) : ERR_OK;
}

static void add_environment(struct list *list, const struct place *p, size_t service,
                            const struct command_options *options)
{
        const struct stack_service *s = &p->spec->services[service];

        for (size_t i = 0; i < ARRAY_COUNT(passed_on); i++)
                if (getenv(passed_on[i])) addf(list, "%s=%s", passed_on[i], getenv(passed_on[i]));
        addf(list, "LANG=C.UTF-8");
        addf(list, "TZ=UTC");
        addf(list, "HOME=%s/data/%s", p->dir, s->name);
        addf(list, "FIREDRILL_STACK=%u", p->number);
        addf(list, "FIREDRILL_STACK_DIR=%s", p->dir); /* also how leftovers of a stack are recognised */
        addf(list, "FIREDRILL_SHARE=%s", p->share);
        addf(list, "FIREDRILL_SEED=%" PRIu64, options->seed);
        if (options->ready_fd >= 0) addf(list, "FIREDRILL_READY_FD=%d", options->ready_fd);
        if (options->notify_name) addf(list, "NOTIFY_SOCKET=@%s", options->notify_name);
        if (s->kind != STACK_COMPONENT) addf(list, FAULT_PAGE_VARIABLE "=%s/s/%s.page", p->dir, s->name);
        for (size_t i = 0; i < s->env_count; i++) addf(list, "%s=%s", s->env[i].key, s->env[i].value);
}

enum err command_new(const struct place *p, size_t service, const struct command_options *options, struct command **ret,
                     struct err_note *reterr)
{
        const struct stack_service *s = &p->spec->services[service];
        const char *name, *const *args;
        AUTO(command_free) struct command *c = mem_zalloc(1, sizeof(*c));
        struct list argv, envp;
        size_t count;
        enum err e;

        if (!c) return err_note(reterr, ERR_NOMEM, "cannot start %s: out of memory", s->name);
        argv = (struct list){c->argv, &c->argv_count, ERR_OK};
        envp = (struct list){c->envp, &c->env_count, ERR_OK};
        list_of(s, options->purpose, &name, &args, &count);
        if (!place_program(p, service, name, c->program))
                return err_note(reterr, ERR_NOT_FOUND, "the program '%s' of %s is not there any more", name, s->name);
        e = add_arguments(&argv, p, service, c->program, options->purpose, reterr);
        if (e) return e;
        add_environment(&envp, p, service, options);
        if (envp.status) return err_note(reterr, envp.status, "the environment of %s is too long", s->name);
        *ret = take(&c);
        return ERR_OK;
}

void command_free(struct command *c)
{
        if (!c) return;
        for (size_t i = 0; i < c->argv_count; i++) mem_free(c->argv[i]);
        for (size_t i = 0; i < c->env_count; i++) mem_free(c->envp[i]);
        mem_free(c);
}

static enum err write_file(const struct place *p, size_t service, const struct stack_pair *file,
                           struct err_note *reterr)
{
        char from[FILE_PATH_BYTES], to[FILE_PATH_BYTES];
        AUTO_BUF text;
        AUTO_BUF out;
        enum err e;

        buf_init(&text, PLACE_TEXT_BYTES_MAX);
        buf_init(&out, PLACE_TEXT_BYTES_MAX);
        if (path_join(from, p->share, file->key) || path_join(to, p->dir, file->value))
                return err_note(reterr, ERR_LIMIT, "the path of '%s' is too long", file->key);
        e = file_read(from, &text, reterr);
        if (!e) e = place_expand(p, service, text.data, &out, reterr);
        if (e) {
                err_note_prefix(reterr, "%s", from);
                return e;
        }
        return file_write_atomic(to, out.data, out.size_bytes, 0644, false, reterr);
}

/* Root without user namespaces: the service's process is another user, who must own what it writes and be able to reach
 * it. */
static enum err give_away(const struct place *p, const char *path, struct err_note *reterr)
{
        char parent[FILE_PATH_BYTES];
        struct stat st;
        gid_t gid;
        uid_t uid = privilege_user(&gid);

        if (chown(path, uid, gid) < 0)
                return err_note(reterr, ERR_IO, "cannot give '%s' to user %u: %s", path, (unsigned)uid,
                                strerror(errno));
        str_cut(parent, sizeof(parent), p->home);
        for (char *slash = parent + strlen(parent); slash && slash != parent; slash = strrchr(parent, '/')) {
                *slash = '\0';
                if (stat(parent, &st) == 0 && !(st.st_mode & S_IXOTH))
                        return err_note(reterr, ERR_DENIED,
                                        "PostgreSQL refuses root, and user %u cannot enter '%s'; use another --home or "
                                        "run as a plain user",
                                        (unsigned)uid, parent);
        }
        return ERR_OK;
}

static enum err give_all_away(const struct place *p, const char *data, struct err_note *reterr)
{
        char cache[FILE_PATH_BYTES], sockets[FILE_PATH_BYTES];
        struct stat st;
        enum err e;

        if (path_join(cache, p->home, "cache") || place_path(p, "s", NULL, sockets))
                return err_note(reterr, ERR_LIMIT, "the path '%s' is too long", p->home);
        /* Through, but not into: a home is private otherwise. */
        if (stat(p->home, &st) == 0 && !(st.st_mode & S_IXOTH) && chmod(p->home, (st.st_mode & 07777) | S_IXOTH) < 0)
                return err_note(reterr, ERR_IO, "cannot let PostgreSQL's user through '%s': %s", p->home,
                                strerror(errno));
        e = dir_make(cache, 0755, reterr);
        if (!e) e = give_away(p, cache, reterr);
        if (!e) e = give_away(p, sockets, reterr);
        return e ? e : give_away(p, data, reterr);
}

/* The page through which faults reach into the process; what it says outlives a restart of the service. */
static enum err make_page(const struct place *p, const struct stack_service *s, struct err_note *reterr)
{
        static const char zeros[FAULT_PAGE_BYTES];
        char name[STACK_NAME_BYTES + 8], path[FILE_PATH_BYTES];

        (void)snprintf(name, sizeof(name), "%s.page", s->name);
        if (place_path(p, "s", name, path)) return err_note(reterr, ERR_LIMIT, "the path '%s' is too long", p->dir);
        return file_exists(path) ? ERR_OK : file_write_atomic(path, zeros, sizeof(zeros), 0600, false, reterr);
}

enum err command_files(const struct place *p, size_t service, struct err_note *reterr)
{
        const struct stack_service *s = &p->spec->services[service];
        char path[FILE_PATH_BYTES];
        enum err e;

        if (place_path(p, "data", s->name, path))
                return err_note(reterr, ERR_LIMIT, "the path '%s' is too long", p->dir);
        /* A component's own data directory is private to it: PostgreSQL insists. */
        e = dir_make(path, 0700, reterr);
        if (!e && s->kind != STACK_COMPONENT) e = make_page(p, s, reterr);
        if (!e && s->unprivileged && privilege_by_setuid()) e = give_all_away(p, path, reterr);
        for (size_t i = 0; i < s->files_count && !e; i++) e = write_file(p, service, &s->files[i], reterr);
        return e;
}

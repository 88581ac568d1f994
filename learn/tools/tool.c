#include "learn/tools/tool.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/sys/file.h"

static void help(const char *usage, const struct option *options)
{
        (void)printf("usage: firedrill-learn %s\n\n", usage);
        for (const struct option *o = options; o->kind != OPTION_END; o++) {
                char left[64];

                (void)snprintf(left, sizeof left, "--%s%s", o->name, o->kind == OPTION_FLAG ? "" : o->kind == OPTION_TEXT ? " TEXT" : " N");
                (void)printf("  %-22s %s\n", left, o->help);
        }
        (void)printf("  %-22s this text\n", "--help");
}

FMT_PRINTF(1, 2)
static int complain(const char *format, ...)
{
        va_list args;

        va_start(args, format);
        (void)fprintf(stderr, "firedrill-learn: ");
        (void)vfprintf(stderr, format, args);
        (void)fprintf(stderr, "\n");
        va_end(args);
        return EXIT_USAGE;
}

static int set(const struct option *o, const char *text)
{
        char range[96];
        double number;

        (void)snprintf(range, sizeof range, "%.15g to %.15g", o->min, o->max);
        if (o->kind == OPTION_TEXT) {
                *(const char **)o->value = text;
        } else if (o->kind == OPTION_COUNT) {
                uint64_t count;

                if (str_parse_u64(text, (uint64_t)o->max, &count) || (double)count < o->min)
                        return complain("--%s takes a whole number from %s", o->name, range);
                *(uint64_t *)o->value = count;
        } else {
                if (str_parse_double(text, &number) || number < o->min || number > o->max)
                        return complain("--%s takes a number from %s", o->name, range);
                *(double *)o->value = number;
        }
        return -1;
}


int tool_options(int argc, char **argv, const char *usage, const struct option *options)
{
        for (int i = 0; i < argc; i++) {
                const char *names[TOOL_OPTIONS_MAX], *near;
                const struct option *found = NULL;
                size_t count = 0;

                if (str_eq(argv[i], "--help") || str_eq(argv[i], "-h")) {
                        help(usage, options);
                        return EXIT_FINE;
                }
                if (!str_starts(argv[i], "--")) return complain("'%s' is not an option; see --help", argv[i]);
                for (const struct option *o = options; o->kind != OPTION_END; o++) {
                        names[count++] = o->name;
                        if (str_eq(argv[i] + 2, o->name)) found = o;
                }
                if (!found) {
                        near = str_suggest(argv[i] + 2, names, count);
                        return near ? complain("no option '%s'; did you mean '--%s'?", argv[i], near) : complain("no option '%s'; see --help", argv[i]);
                }
                if (found->kind == OPTION_FLAG) {
                        *(bool *)found->value = true;
                        continue;
                }
                if (i + 1 >= argc) return complain("--%s needs a value", found->name);
                int code = set(found, argv[++i]);

                if (code >= 0) return code;
        }
        return -1;
}

static volatile sig_atomic_t interrupts;

static void on_interrupt(int signal_number)
{
        if (interrupts++) _exit(128 + signal_number);
}

void tool_interrupt_catch(void)
{
        struct sigaction act = { .sa_handler = on_interrupt };

        (void)sigemptyset(&act.sa_mask);
        (void)sigaction(SIGINT, &act, NULL);
        (void)sigaction(SIGTERM, &act, NULL);
}

bool tool_interrupted(void *unused)
{
        (void)unused;
        return interrupts > 0;
}

void progress_start(struct progress *p, const char *what, double total)
{
        *p = (struct progress){ .what = what, .total = total, .started_ms = clock_mono_ms() };
}

void progress_at(struct progress *p, double done)
{
        int64_t now = clock_mono_ms(), spent = now - p->started_ms;
        double rate = spent > 0 ? done / (double)spent * 1000 : 0;
        bool terminal = isatty(STDERR_FILENO);

        if (spent < 2000 || now - p->shown_ms < (terminal ? 200 : 5000)) return;
        (void)fprintf(stderr, "%s%s: %.0f of %.0f (%.0f %%), %.0f/s, %.0f s left%s", terminal ? "\r" : "", p->what, done, p->total,
                      100 * done / p->total, rate, rate > 0 && done < p->total ? (p->total - done) / rate : 0.0, terminal ? "   " : "\n");
        p->shown_ms = now;
        p->shown = terminal;
}

void progress_end(struct progress *p)
{
        if (p->shown) (void)fprintf(stderr, "\r%60s\r", "");
        p->shown = false;
}

int tool_fail(const struct err_note *note)
{
        (void)fprintf(stderr, "firedrill-learn: %s\n", note->text[0] ? note->text : err_text(note->code));
        return EXIT_FAILED;
}

enum err tool_write(const char *path, const void *bytes, size_t size_bytes, struct err_note *reterr)
{
        return file_write_atomic(path, bytes, size_bytes, 0644, false, reterr);
}

enum err tool_model_read(const char *path, struct model **ret, uint64_t *ret_id, struct err_note *reterr)
{
        AUTO_BUF file;
        enum err e;

        buf_init(&file, MODEL_BYTES_MAX);
        e = file_read(path, &file, reterr);
        if (e) return e;
        e = model_read(file.data, file.size_bytes, ret, reterr);
        if (e) {
                err_note_prefix(reterr, "%s", path);
                return e;
        }
        *ret_id = model_fingerprint(file.data, file.size_bytes);
        return ERR_OK;
}

enum err tool_model_default(const char *path, struct model **ret, uint64_t *ret_id, struct err_note *reterr)
{
        char share[FILE_PATH_BYTES], full[FILE_PATH_BYTES];
        enum err e;

        if (path) return tool_model_read(path, ret, ret_id, reterr);
        e = path_share(share, reterr);
        if (!e) e = path_join(full, share, "models/default.fdlm");
        return e ? e : tool_model_read(full, ret, ret_id, reterr);
}

enum err tool_model_write(const struct model *m, const char *path, uint64_t *ret_id, struct err_note *reterr)
{
        AUTO_BUF file;
        enum err e;

        buf_init(&file, MODEL_BYTES_MAX);
        e = model_write(m, &file, reterr);
        if (!e) e = tool_write(path, file.data, file.size_bytes, reterr);
        if (!e) *ret_id = model_fingerprint(file.data, file.size_bytes);
        return e;
}

enum err lab_open(struct lab *lab, double tolerance, struct err_note *reterr)
{
        enum err e;

        memset(lab, 0, sizeof *lab);
        kernel_init(&lab->kernel, NULL);
        e = oracle_new(&lab->kernel, 0.99, &lab->oracle);
        if (e) return err_note(reterr, e, "no memory for the optimum");
        e = oracle_solve(lab->oracle, tolerance, 3000);
        if (e) return err_note(reterr, e, "value iteration did not settle in 3000 sweeps (residual %g)", lab->oracle->residual);
        lab->exact = mem_aligned(64, sizeof *lab->exact);
        if (!lab->exact) return err_note(reterr, ERR_NOMEM, "no memory for features");
        belief_params_true(&lab->kernel, &lab->exact->belief);
        lab->exact->sure = 0.8f;
        return ERR_OK;
}

void lab_close(struct lab *lab)
{
        oracle_free(lab->oracle);
        mem_free(lab->exact);
        memset(lab, 0, sizeof *lab);
}

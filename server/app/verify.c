/* firedrill verify: proves scenarios on the real stack. Each proof is a run of its own (`firedrill play`, from a fresh
 * state), several at a time on stacks of their own. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/text/json.h"
#include "server/app/child.h"
#include "server/app/commands.h"
#include "server/app/options.h"
#include "server/app/site.h"

enum { VERIFY_PROOFS_MAX = 1024, VERIFY_JOBS_MAX = 8, VERIFY_STACK_DEFAULT = 200, VERIFY_TURN_MS = 500 };

/* What the six proofs of a scenario are made of. HEALTHY and BITES are read off the run of NOTHING. */
enum proof_kind { PROOF_HEALTHY, PROOF_BITES, PROOF_NOTHING, PROOF_SOLUTION, PROOF_WRONG, PROOF_RESTART };

struct proof {
        struct verify *verify;
        const char *file;
        enum proof_kind kind;
        char name[64], driver[32];
        bool begun, over, passed, healthy, bites;
        char outcome[32], reason[256];
        int64_t began_ms, took_ms;
        struct child *child;
        int stack;
};

struct verify {
        struct loop *loop;
        struct proof proof[VERIFY_PROOFS_MAX];
        size_t count;
        int jobs, first_stack, running, interrupts;
        bool fast, json, is_stack_used[VERIFY_JOBS_MAX];
};

static struct proof *proof_add(struct verify *v, const char *file, enum proof_kind kind, const char *name,
                               const char *driver)
{
        struct proof *p;

        if (v->count == VERIFY_PROOFS_MAX) return NULL;
        p = &v->proof[v->count++];
        *p = (struct proof){.verify = v, .file = file, .kind = kind};
        str_cut(p->name, sizeof(p->name), name);
        str_cut(p->driver, sizeof(p->driver), driver);
        return p;
}

/* False when there are too many. Solutions are played twice, because once may be luck. */
static bool proofs_of(struct verify *v, const char *file, const struct scenario *s)
{
        char name[64], driver[32];
        bool room = proof_add(v, file, PROOF_NOTHING, "doing nothing fails", "none") != NULL;

        if (s->false_alarm && room)
                room = proof_add(v, file, PROOF_SOLUTION, "looking and saying so passes", "solution") != NULL;
        for (size_t i = 0; i < 2 * s->solution_count && room; i++) {
                (void)snprintf(name, sizeof(name), "solution %zu passes (%s time)", i / 2 + 1,
                               i % 2 ? "second" : "first");
                (void)snprintf(driver, sizeof(driver), "solution:%zu", i / 2 + 1);
                room = proof_add(v, file, PROOF_SOLUTION, name, driver) != NULL;
        }
        for (size_t i = 0; i < s->wrong_fix_count && room; i++) {
                (void)snprintf(name, sizeof(name), "wrong fix %zu fails", i + 1);
                (void)snprintf(driver, sizeof(driver), "wrong:%zu", i + 1);
                room = proof_add(v, file, PROOF_WRONG, name, driver) != NULL;
        }
        if (room && !s->restart_ok)
                room = proof_add(v, file, PROOF_RESTART, "restarting everything fails", "restart") != NULL;
        return room;
}

/* Telling */

static void proof_tell(const struct verify *v, const struct proof *p, const char *name, bool passed, const char *why)
{
        AUTO(json_free) struct json *j = json_object();
        AUTO_BUF out = {0};

        if (!v->json) {
                printf("%s %s: %s (%s%s%s, %.1f s)\n", passed ? "ok" : "not ok", p->file, name, p->outcome,
                       *why ? ": " : "", why, (double)p->took_ms / 1000);
        } else {
                buf_init(&out, 1 << 16);
                json_set_str(j, "file", p->file);
                json_set_str(j, "proof", name);
                json_set_bool(j, "ok", passed);
                json_set_str(j, "outcome", p->outcome);
                json_set_str(j, "reason", why);
                json_set_bool(j, "fast", v->fast);
                json_set_num(j, "took_ms", (double)p->took_ms);
                if (!json_print(j, &out)) printf("%s\n", out.data);
        }
        (void)fflush(stdout);
}

static bool proof_judge(struct proof *p)
{
        bool resolved = str_eq(p->outcome, "resolved");

        if (!p->healthy || !p->bites) return false; /* nothing was proved about the driver */
        return p->kind == PROOF_SOLUTION ? resolved : !resolved;
}

static void proof_report(struct verify *v, struct proof *p)
{
        p->passed = proof_judge(p);
        if (p->kind == PROOF_NOTHING) {
                proof_tell(v, p, "healthy: without the fault all criteria hold", p->healthy,
                           p->healthy ? "" : p->reason);
                proof_tell(v, p, "the fault bites", p->bites, p->bites ? "" : p->reason);
        }
        proof_tell(v, p, p->name, p->passed, p->reason);
}

/* Running */

static void proof_line(void *ctx, const char *text, size_t size_bytes)
{
        struct proof *p = ctx;
        AUTO(json_free) struct json *j = NULL;

        if (!strstr(text, "\"type\":\"outcome\"") || json_parse(text, size_bytes, &j, NULL) ||
            !str_eq(json_get_str(j, "type", ""), "outcome"))
                return;
        str_cut(p->outcome, sizeof(p->outcome), json_get_str(j, "outcome", ""));
        str_cut(p->reason, sizeof(p->reason), json_get_str(j, "reason", ""));
        p->healthy = json_get_bool(j, "healthy", false);
        p->bites = json_get_bool(j, "bites", false);
}

static void proof_end(void *ctx, int status)
{
        struct proof *p = ctx;
        struct verify *v = p->verify;

        p->over = true;
        p->took_ms = clock_mono_ms() - p->began_ms;
        if (!p->outcome[0]) {
                str_cut(p->outcome, sizeof(p->outcome), "no outcome");
                (void)snprintf(p->reason, sizeof(p->reason), "the run ended with exit status %d", status);
        }
        v->is_stack_used[p->stack] = false;
        v->running--;
        if (!v->interrupts) proof_report(v, p);
}

static enum err proof_start(struct verify *v, struct proof *p, struct err_note *reterr)
{
        char stack[16];
        const char *args[CHILD_ARGS_MAX] = {
                "play", p->file, "--driver", p->driver, "--json", "--stack", stack, v->fast ? "--fast" : NULL, NULL};
        struct child_options options = {
                .loop = v->loop, .args = args, .on_line = proof_line, .on_end = proof_end, .ctx = p};
        enum err e;

        while (v->is_stack_used[p->stack]) p->stack++;
        (void)snprintf(stack, sizeof(stack), "%d", v->first_stack + p->stack);
        p->began_ms = clock_mono_ms();
        e = child_start(&options, &p->child, reterr);
        if (e) return e;
        p->begun = true;
        v->is_stack_used[p->stack] = true;
        v->running++;
        return ERR_OK;
}

static void verify_signal(void *ctx, int number)
{
        struct verify *v = ctx;

        (void)number;
        if (v->interrupts++) return;
        for (size_t i = 0; i < v->count; i++)
                if (v->proof[i].child && !v->proof[i].over) child_interrupt(v->proof[i].child);
}

static enum err verify_all(struct verify *v, struct err_note *reterr)
{
        size_t next = 0;

        while ((next < v->count && !v->interrupts) || v->running) {
                while (v->running < v->jobs && next < v->count && !v->interrupts) {
                        enum err e = proof_start(v, &v->proof[next++], reterr);

                        if (e) return e;
                }
                (void)loop_turn(v->loop, VERIFY_TURN_MS);
        }
        return ERR_OK;
}

static int verify_verdict(const struct verify *v)
{
        size_t passed = 0, failed = 0;

        for (size_t i = 0; i < v->count; i++) {
                const struct proof *p = &v->proof[i];

                *(p->passed ? &passed : &failed) += 1;
                if (p->kind != PROOF_NOTHING) continue;
                *(p->healthy ? &passed : &failed) += 1;
                *(p->bites ? &passed : &failed) += 1;
        }
        if (v->interrupts) {
                fprintf(stderr, "firedrill verify: interrupted\n");
                return SITE_EXIT_NEGATIVE;
        }
        if (!v->json)
                printf("%zu passed, %zu failed%s\n", passed, failed,
                       v->fast ? " (fast: holds, hints and time limits are shortened)" : "");
        return failed ? SITE_EXIT_NEGATIVE : SITE_EXIT_OK;
}

static int verify_plan(struct verify *v, const struct option_words *files)
{
        AUTO(site_free) struct site *site = NULL;
        struct err_note note;

        if (site_new(&site, &note)) {
                fprintf(stderr, "firedrill verify: %s\n", note.text);
                return SITE_EXIT_ENVIRONMENT;
        }
        for (size_t i = 0; i < files->count; i++) {
                AUTO(scenario_free) struct scenario *scenario = NULL;
                struct diag_list diags;
                AUTO_BUF source;
                AUTO_BUF findings;
                enum err e;

                buf_init(&source, SCENARIO_FILE_BYTES_MAX);
                buf_init(&findings, 1 << 20);
                diag_list_init(&diags, files->item[i]);
                e = site_scenario_load(site, files->item[i], &source, &diags, &scenario, &note);
                diag_list_print(&diags, &findings);
                if (e) fprintf(stderr, "%s", diags.count ? findings.data : note.text);
                if (e && !diags.count) fprintf(stderr, "\n");
                diag_list_done(&diags);
                if (e) return e == ERR_PARSE ? SITE_EXIT_NEGATIVE : SITE_EXIT_USE;
                if (proofs_of(v, files->item[i], scenario)) continue;
                fprintf(stderr, "firedrill verify: too many proofs at once, at most %d\n", VERIFY_PROOFS_MAX);
                return SITE_EXIT_USE;
        }
        return SITE_EXIT_OK;
}

static int verify_run(struct verify *v, const struct option_words *files)
{
        struct err_note note;
        int status = verify_plan(v, files);
        enum err e;

        if (status) return status;
        e = loop_new(&v->loop, &note);
        if (!e &&
            (loop_signal_add(v->loop, SIGINT, verify_signal, v) || loop_signal_add(v->loop, SIGTERM, verify_signal, v)))
                e = err_note(&note, ERR_IO, "signals cannot be watched");
        if (!e) e = verify_all(v, &note);
        if (e) fprintf(stderr, "firedrill verify: %s\n", note.text);
        status = e ? SITE_EXIT_ENVIRONMENT : verify_verdict(v);
        for (size_t i = 0; i < v->count; i++) child_free(v->proof[i].child);
        loop_free(v->loop);
        return status;
}

static bool verify_number(const char *text, const char *what, int min, int max, int *ret)
{
        int64_t number = *ret;

        if (text && str_parse_i64(text, min, max, &number)) {
                fprintf(stderr, "firedrill verify: %s is '%s', expected a number from %d to %d\n", what, text, min,
                        max);
                return false;
        }
        *ret = (int)number;
        return true;
}

int command_verify(int argc, char **argv)
{
        const char *jobs = NULL, *stack = NULL;
        bool wants_help = false, fast = false, json = false;
        const struct option_row rows[] = {
                {.name = "--fast", .help = "shorten holds, hints and time limits", .flag = &fast},
                {.name = "--jobs",
                 .value = "N",
                 .help = "proofs at a time, each on a stack of its own (default 1)",
                 .text = &jobs},
                {.name = "--stack", .value = "N", .help = "number of the first stack (default 200)", .text = &stack},
                {.name = "--json", .help = "a line of JSON for each proof", .flag = &json},
        };
        struct option_words files = {.count = 0};
        struct verify *v;
        struct err_note note;
        int status;

        if (options_parse(rows, ARRAY_COUNT(rows), argc, argv, &files, &wants_help, &note)) {
                fprintf(stderr, "firedrill verify: %s\n", note.text);
                return SITE_EXIT_USE;
        }
        if (wants_help) {
                options_help("firedrill verify FILE... [OPTIONS]",
                             "Proves scenarios on the real stack: healthy without the fault, the fault bites, doing "
                             "nothing fails, every solution passes\n"
                             "twice, every wrong fix fails, restarting everything fails.",
                             rows, ARRAY_COUNT(rows));
                return SITE_EXIT_OK;
        }
        if (files.count == 0) {
                fprintf(stderr, "firedrill verify: no file given; expected firedrill verify FILE...\n");
                return SITE_EXIT_USE;
        }
        v = mem_zalloc(1, sizeof(*v));
        if (!v) return SITE_EXIT_ENVIRONMENT;
        v->fast = fast;
        v->json = json;
        v->jobs = 1;
        v->first_stack = VERIFY_STACK_DEFAULT;
        if (!verify_number(jobs, "--jobs", 1, VERIFY_JOBS_MAX, &v->jobs) ||
            !verify_number(stack, "--stack", 1, STACK_NUMBER_MAX - VERIFY_JOBS_MAX, &v->first_stack))
                status = SITE_EXIT_USE;
        else
                status = verify_run(v, &files);
        mem_free(v);
        return status;
}

/* firedrill verify: proves scenarios on the real stack. Each proof is a run of its own (`firedrill play`, from a fresh
 * state), several at a time on stacks of their own. Scenarios take turns, so that the first round tells most; with
 * --fast the runs that must fail come after the solutions and get a multiple of the time those needed. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/child.h"
#include "common/sys/clock.h"
#include "common/text/json.h"
#include "server/app/commands.h"
#include "server/app/options.h"
#include "server/app/proof.h"
#include "server/app/site.h"
#include "server/race/stack_pick.h"

enum {
        VERIFY_JOBS_MAX = 8,
        VERIFY_STACK_DEFAULT = 200,
        VERIFY_TURN_MS = 500,
        VERIFY_PATIENCE = 2,            /* fast: a wrong fix gets so many times what the slowest solution needed */
        VERIFY_PATIENCE_MS_MIN = 30000, /* and at least this */
};

struct verify {
        struct loop *loop;
        struct proof_list proofs;
        char home[FILE_PATH_BYTES];
        const char *told[OPTIONS_FILES_MAX]; /* files whose first run was told: healthy, and the fault bites */
        size_t told_count, passed, failed;
        int jobs, first_stack, running, interrupts; /* first_stack 0: any that are free */
        int stack[VERIFY_JOBS_MAX]; /* of each slot; 0 before it is used first */
        int sign[VERIFY_JOBS_MAX];  /* holds the slot's stack; -1: nothing does */
        bool fast, json, progress, is_sampled, is_slot_used[VERIFY_JOBS_MAX];
        uint64_t sample;
};

/* Telling */

static void tell_begin(const struct verify *v, size_t file_count)
{
        AUTO(json_free) struct json *j = json_object();
        AUTO_BUF out = {0};

        if (!v->json) return;
        buf_init(&out, 1 << 16);
        json_set_str(j, "type", "verify");
        json_set_str(j, "version", FD_VERSION);
        json_set_num(j, "began_ms", (double)clock_wall_ms());
        json_set_num(j, "files", (double)file_count);
        json_set_num(j, "runs", (double)v->proofs.count);
        json_set_num(j, "jobs", v->jobs);
        json_set_num(j, "processors", (double)sysconf(_SC_NPROCESSORS_ONLN));
        json_set_bool(j, "fast", v->fast);
        json_set_bool(j, "sample", v->is_sampled);
        if (!json_print(j, &out)) printf("%s\n", out.data);
        (void)fflush(stdout);
}

static void tell(struct verify *v, const struct proof *p, const char *kind, const char *name, bool passed)
{
        AUTO(json_free) struct json *j = json_object();
        AUTO_BUF out = {0};

        *(passed ? &v->passed : &v->failed) += 1;
        if (!v->json) {
                bool says_all = str_starts(p->reason, p->outcome); /* "resolved: all criteria ..." */

                printf("%s %s: %s (%s%s%s, %.1f s)\n", passed ? "ok" : "not ok", p->file, name, says_all ? "" : p->outcome,
                       p->reason[0] && !says_all ? ": " : "", p->reason, (double)p->took_ms / 1000);
        } else {
                buf_init(&out, 1 << 16);
                json_set_str(j, "type", "proof");
                json_set_str(j, "file", p->file);
                json_set_str(j, "kind", kind);
                json_set_str(j, "driver", p->driver);
                json_set_str(j, "proof", name);
                json_set_bool(j, "ok", passed);
                json_set_str(j, "outcome", p->outcome);
                json_set_str(j, "reason", p->reason);
                json_set_bool(j, "fast", v->fast);
                json_set_num(j, "tries", p->tries);
                json_set_num(j, "took_ms", (double)p->took_ms);
                json_set_num(j, "bite_ms", (double)p->bite_ms);
                json_set_num(j, "played_ms", (double)p->played_ms);
                if (!json_print(j, &out)) printf("%s\n", out.data);
        }
        (void)fflush(stdout);
}

static const char told_healthy[] = "healthy: without the fault all criteria hold", told_bites[] = "the fault bites";

/* {"event":"plan","proofs":[...]}, with --progress: the names of all, those read off the first run among them. */
static void tell_plan(const struct verify *v)
{
        AUTO(json_free) struct json *j = json_object();
        struct json *list = json_array();
        AUTO_BUF out = {0};

        if (!v->progress) return;
        buf_init(&out, 1 << 17);
        json_push(list, json_string(told_healthy));
        json_push(list, json_string(told_bites));
        for (size_t i = 0; i < v->proofs.count; i++) json_push(list, json_string(v->proofs.item[i].name));
        json_set_str(j, "event", "plan");
        json_set(j, "proofs", list);
        if (!json_print(j, &out)) printf("%s\n", out.data);
        (void)fflush(stdout);
}

/* {"event":"phase","proof":...,"phase":"baseline"}, with --progress. */
static void tell_phase(void *ctx, const struct proof *p)
{
        AUTO(json_free) struct json *j = json_object();
        AUTO_BUF out = {0};

        (void)ctx;
        buf_init(&out, 1 << 12);
        json_set_str(j, "event", "phase");
        json_set_str(j, "proof", p->name);
        json_set_str(j, "phase", p->phase);
        if (!json_print(j, &out)) printf("%s\n", out.data);
        (void)fflush(stdout);
}

static bool is_first_of_file(struct verify *v, const char *file)
{
        for (size_t i = 0; i < v->told_count; i++)
                if (v->told[i] == file) return false;
        v->told[v->told_count++] = file;
        return true;
}

static void proof_over(void *ctx, struct proof *p)
{
        struct verify *v = ctx;

        v->is_slot_used[p->slot] = false;
        v->running--;
        if (v->interrupts || !p->over) return;
        if (is_first_of_file(v, p->file)) {
                tell(v, p, "healthy", told_healthy, p->healthy);
                tell(v, p, "bites", told_bites, p->bites);
        }
        tell(v, p, proof_kind_text(p->kind), p->name, p->passed);
}

/* Running */

static void verify_signal(void *ctx, int number)
{
        struct verify *v = ctx;

        (void)number;
        if (v->interrupts++) return;
        for (size_t i = 0; i < v->proofs.count; i++)
                if (v->proofs.item[i].child && !v->proofs.item[i].over) child_interrupt(v->proofs.item[i].child);
}

/* False while a solution of the same file is not over. *ret_ms: how long a run that must fail may take; 0: its limit */
static bool patience(const struct verify *v, const struct proof *p, int64_t *ret_ms)
{
        int64_t slowest = 0;
        bool known = true;

        *ret_ms = 0;
        if (!v->fast || p->kind == PROOF_SOLUTION) return true;
        for (size_t i = 0; i < v->proofs.count; i++) {
                const struct proof *other = &v->proofs.item[i];

                if (other->file != p->file || other->kind != PROOF_SOLUTION) continue;
                if (!other->over) return false;
                known = known && other->passed;
                if (other->played_ms > slowest) slowest = other->played_ms;
        }
        if (known && slowest) *ret_ms = VERIFY_PATIENCE * slowest;
        if (*ret_ms && *ret_ms < VERIFY_PATIENCE_MS_MIN) *ret_ms = VERIFY_PATIENCE_MS_MIN;
        return true;
}

/* The place of a proof among those of its file. */
static size_t proof_turn(const struct verify *v, size_t index)
{
        size_t turn = 0;

        while (index > turn && v->proofs.item[index - turn - 1].file == v->proofs.item[index].file) turn++;
        return turn;
}

/* The next proof that can begin: those with the lowest turn first. */
static struct proof *proof_next(struct verify *v, int64_t *ret_ms)
{
        struct proof *best = NULL;
        size_t best_turn = 0;

        for (size_t i = 0; i < v->proofs.count; i++) {
                struct proof *p = &v->proofs.item[i];
                size_t turn = proof_turn(v, i);
                int64_t ms;

                if (p->begun || (best && turn >= best_turn) || !patience(v, p, &ms)) continue;
                best = p;
                best_turn = turn;
                *ret_ms = ms;
        }
        return best;
}

static enum err proof_begin(struct verify *v, struct proof *p, int64_t give_up_ms, struct err_note *reterr)
{
        char home[FILE_PATH_BYTES];
        struct proof_room room = {.loop = v->loop, .home = home, .fast = v->fast, .give_up_ms = give_up_ms};
        enum err e;

        for (p->slot = 0; v->is_slot_used[p->slot];) p->slot++;
        if (!v->stack[p->slot])
                v->stack[p->slot] = v->first_stack ? v->first_stack + p->slot
                                                   : stack_pick(VERIFY_STACK_DEFAULT - 1, STACK_NUMBER_MAX, NULL, NULL,
                                                                &v->sign[p->slot]);
        room.stack = v->stack[p->slot];
        if (!room.stack)
                return err_note(reterr, ERR_LIMIT, "no stack of 1 to %d is free on this machine", STACK_NUMBER_MAX);
        e = path_format(home, "%s/%d", v->home, room.stack);
        if (e) return err_note(reterr, e, "the path of the folder '%s' is too long", v->home);
        p->on_over = proof_over;
        p->on_phase = v->progress ? tell_phase : NULL;
        p->ctx = v;
        e = proof_start(p, &room, reterr);
        if (e) return e;
        v->is_slot_used[p->slot] = true;
        v->running++;
        return ERR_OK;
}

static enum err verify_all(struct verify *v, struct err_note *reterr)
{
        for (;;) {
                struct proof *p = NULL;
                int64_t give_up_ms = 0;

                if (!v->interrupts && v->running < v->jobs) p = proof_next(v, &give_up_ms);
                if (!p && !v->running) return ERR_OK;
                if (p) {
                        enum err e = proof_begin(v, p, give_up_ms, reterr);

                        if (e) return e;
                } else {
                        (void)loop_turn(v->loop, VERIFY_TURN_MS);
                }
        }
}

static int verify_verdict(const struct verify *v)
{
        if (v->interrupts) {
                fprintf(stderr, "firedrill verify: interrupted\n");
                return SITE_EXIT_NEGATIVE;
        }
        if (!v->json)
                printf("%zu passed, %zu failed%s\n", v->passed, v->failed,
                       v->fast ? " (fast: holds, hints and time limits are shortened)" : "");
        return v->failed ? SITE_EXIT_NEGATIVE : SITE_EXIT_OK;
}

/* Planning */

static int plan_file(struct verify *v, const struct site *site, const char *file)
{
        AUTO(scenario_free) struct scenario *scenario = NULL;
        struct diag_list diags;
        struct err_note note;
        size_t first = v->proofs.count;
        AUTO_BUF source;
        AUTO_BUF findings;
        enum err e;

        buf_init(&source, SCENARIO_FILE_BYTES_MAX);
        buf_init(&findings, 1 << 20);
        diag_list_init(&diags, file);
        e = site_scenario_load(site, file, &source, &diags, &scenario, &note);
        diag_list_print(&diags, &findings);
        if (e) fprintf(stderr, "%s", diags.count ? findings.data : note.text);
        if (e && !diags.count) fprintf(stderr, "\n");
        diag_list_done(&diags);
        if (e) return e == ERR_PARSE ? SITE_EXIT_NEGATIVE : SITE_EXIT_USE;
        if (!proofs_of(&v->proofs, file, scenario)) {
                fprintf(stderr, "firedrill verify: too many proofs at once, at most %d\n", PROOFS_MAX);
                return SITE_EXIT_USE;
        }
        if (v->is_sampled) proofs_sample(&v->proofs, first, v->sample);
        return SITE_EXIT_OK;
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
                int status = plan_file(v, site, files->item[i]);

                if (status) return status;
        }
        return SITE_EXIT_OK;
}

/* One folder for each stack, kept from proof to proof: the template of the database is made once in each. */
static enum err verify_home(struct verify *v, struct err_note *reterr)
{
        const char *base = getenv("TMPDIR");

        if (path_format(v->home, "%s/fdv-XXXXXX", base && *base ? base : "/tmp"))
                return err_note(reterr, ERR_LIMIT, "TMPDIR is too long");
        if (!mkdtemp(v->home)) return err_note(reterr, ERR_IO, "no temporary folder '%s' can be made", v->home);
        return ERR_OK;
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
        if (!e) e = verify_home(v, &note);
        if (!e) {
                tell_begin(v, files->count);
                tell_plan(v);
                e = verify_all(v, &note);
        }
        if (e) fprintf(stderr, "firedrill verify: %s\n", note.text);
        status = e ? SITE_EXIT_ENVIRONMENT : verify_verdict(v);
        for (size_t i = 0; i < v->proofs.count; i++) child_free(v->proofs.item[i].child);
        if (v->home[0] && !e && dir_remove(v->home, &note)) fprintf(stderr, "firedrill verify: %s\n", note.text);
        for (int i = 0; i < VERIFY_JOBS_MAX; i++)
                if (v->sign[i] >= 0) (void)close(v->sign[i]);
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

static int verify_command(struct verify *v, const struct option_words *files, const char *jobs, const char *stack,
                          const char *sample)
{
        v->jobs = 1;
        for (int i = 0; i < VERIFY_JOBS_MAX; i++) v->sign[i] = -1;
        v->is_sampled = sample != NULL;
        if (sample && str_parse_u64(sample, UINT32_MAX, &v->sample)) {
                fprintf(stderr, "firedrill verify: --sample is '%s', expected a number from 0\n", sample);
                return SITE_EXIT_USE;
        }
        if (!verify_number(jobs, "--jobs", 1, VERIFY_JOBS_MAX, &v->jobs) ||
            !verify_number(stack, "--stack", 1, STACK_NUMBER_MAX - VERIFY_JOBS_MAX, &v->first_stack))
                return SITE_EXIT_USE;
        return verify_run(v, files);
}

int command_verify(int argc, char **argv)
{
        const char *jobs = NULL, *stack = NULL, *sample = NULL;
        bool wants_help = false, fast = false, json = false, progress = false;
        const struct option_row rows[] = {
                {.name = "--fast", .help = "shorten holds, hints and time limits", .flag = &fast},
                {.name = "--jobs",
                 .value = "N",
                 .help = "proofs at a time, each on a stack of its own (default 1)",
                 .text = &jobs},
                {.name = "--stack",
                 .value = "N",
                 .help = "number of the first stack (default: free ones from 200 on)",
                 .text = &stack},
                {.name = "--sample",
                 .value = "N",
                 .help = "of each scenario only one solution and one wrong fix, once; N chooses which",
                 .text = &sample},
                {.name = "--json", .help = "a line of JSON for each proof", .flag = &json},
                {.name = "--progress",
                 .help = "lines of JSON for the plan and for each phase of a proof, too",
                 .flag = &progress},
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
        v->progress = progress;
        status = verify_command(v, &files, jobs, stack, sample);
        mem_free(v);
        return status;
}

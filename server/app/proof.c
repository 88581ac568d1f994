#include "server/app/proof.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/text/json.h"

const char *proof_kind_text(enum proof_kind kind)
{
        static const char *const text[] = {
#define X(name, text) text,
                PROOF_KIND_LIST(X)
#undef X
        };

        return text[kind];
}

static bool proof_add(struct proof_list *list, const char *file, enum proof_kind kind, const char *name,
                      const char *driver)
{
        struct proof *p;

        if (list->count == PROOFS_MAX) return false;
        p = &list->item[list->count++];
        *p = (struct proof){.file = file, .kind = kind};
        str_cut(p->name, sizeof(p->name), name);
        str_cut(p->driver, sizeof(p->driver), driver);
        return true;
}

bool proofs_of(struct proof_list *list, const char *file, const struct scenario *s)
{
        char name[64], driver[32];
        bool room = true;

        if (s->false_alarm) room = proof_add(list, file, PROOF_SOLUTION, "looking and saying so passes", "solution");
        for (size_t i = 0; i < 2 * s->solution_count && room; i++) {
                (void)snprintf(name, sizeof(name), "solution %zu passes (%s time)", i / 2 + 1,
                               i % 2 ? "second" : "first");
                (void)snprintf(driver, sizeof(driver), "solution:%zu", i / 2 + 1);
                room = proof_add(list, file, PROOF_SOLUTION, name, driver);
        }
        room = room && proof_add(list, file, PROOF_NOTHING, "doing nothing fails", "none");
        for (size_t i = 0; i < s->wrong_fix_count && room; i++) {
                (void)snprintf(name, sizeof(name), "wrong fix %zu fails", i + 1);
                (void)snprintf(driver, sizeof(driver), "wrong:%zu", i + 1);
                room = proof_add(list, file, PROOF_WRONG, name, driver);
        }
        if (room && !s->restart_ok)
                room = proof_add(list, file, PROOF_RESTART, "restarting everything fails", "restart");
        return room;
}

/* The nth of a kind, counted around; list->count when there is none. */
static size_t proof_nth(const struct proof_list *list, size_t first, enum proof_kind kind, uint64_t n)
{
        size_t count = 0, nth;

        for (size_t i = first; i < list->count; i++) count += list->item[i].kind == kind;
        nth = count ? (size_t)(n % count) : 0;
        for (size_t i = first; i < list->count; i++)
                if (list->item[i].kind == kind && nth-- == 0) return i;
        return list->count;
}

void proofs_sample(struct proof_list *list, size_t first, uint64_t n)
{
        size_t solution = proof_nth(list, first, PROOF_SOLUTION, n), wrong = proof_nth(list, first, PROOF_WRONG, n);
        size_t kept = first;

        for (size_t i = first; i < list->count; i++)
                if (i == solution || i == wrong) list->item[kept++] = list->item[i];
        list->count = kept;
}

/* Judging */

/* A step that was refused is a step that proves nothing. Restarts may be refused: a process that is frozen or gone
 * cannot be restarted by everybody. */
static bool proof_judge(struct proof *p)
{
        bool resolved = str_eq(p->outcome, "resolved");

        if (!p->healthy || !p->bites) return false; /* nothing was proved about the driver */
        if (p->refused && p->kind != PROOF_RESTART) {
                (void)snprintf(p->reason, sizeof(p->reason), "%d of the steps could not be done", p->refused);
                return false;
        }
        return p->kind == PROOF_SOLUTION ? resolved : !resolved;
}

/* Why it was not resolved: what was not met, and not only that the time was over. */
static void proof_explain(struct proof *p, const struct json *outcome)
{
        size_t used;

        str_cut(p->reason, sizeof(p->reason), json_get_str(outcome, "reason", ""));
        if (!str_eq(p->outcome, "time_up") && !str_eq(p->outcome, "abandoned")) return;
        p->reason[0] = '\0';
        JSON_EACH(unmet, json_get(outcome, "unmet"))
        {
                used = strlen(p->reason);
                (void)snprintf(p->reason + used, sizeof(p->reason) - used, "%s%s: %s", used ? "; " : "",
                               json_get_str(unmet, "id", ""), json_get_str(unmet, "reason", ""));
        }
}

static void proof_phase(struct proof *p, const char *phase)
{
        if (!p->on_phase || !phase[0] || str_eq(phase, p->phase)) return;
        str_cut(p->phase, sizeof(p->phase), phase);
        p->on_phase(p->ctx, p);
}

/* True if the line was about the state of the run. */
static bool proof_run_line(struct proof *p, const char *text, size_t size_bytes)
{
        AUTO(json_free) struct json *j = NULL;

        if (!p->on_phase || !strstr(text, "\"type\":\"run\"") || json_parse(text, size_bytes, &j, NULL)) return false;
        proof_phase(p, json_get_str(json_get(j, "data"), "state", ""));
        return true;
}

static void proof_line(void *ctx, const char *text, size_t size_bytes)
{
        struct proof *p = ctx;
        AUTO(json_free) struct json *j = NULL;

        if (proof_run_line(p, text, size_bytes)) return;
        if (!strstr(text, "\"type\":\"outcome\"") || json_parse(text, size_bytes, &j, NULL) ||
            !str_eq(json_get_str(j, "type", ""), "outcome"))
                return;
        str_cut(p->outcome, sizeof(p->outcome), json_get_str(j, "outcome", ""));
        proof_explain(p, j);
        p->healthy = json_get_bool(j, "healthy", false);
        p->bites = json_get_bool(j, "bites", false);
        p->refused = (int)json_get_int(j, "refused", 0);
        p->bite_ms = json_get_int(j, "bite_ms", 0);
        p->played_ms = json_get_int(j, "played_ms", 0);
}

static void proof_end(void *ctx, int status)
{
        struct proof *p = ctx;

        p->tries++;
        p->took_ms = clock_mono_ms() - p->began_ms;
        if (!p->outcome[0]) {
                str_cut(p->outcome, sizeof(p->outcome), "no outcome");
                (void)snprintf(p->reason, sizeof(p->reason), "the run ended with exit status %d", status);
        }
        p->over = p->healthy || p->tries == PROOF_TRIES_MAX;
        p->begun = p->over;
        p->passed = proof_judge(p);
        p->on_over(p->ctx, p);
}

enum err proof_start(struct proof *p, const struct proof_room *room, struct err_note *reterr)
{
        char stack[16], give_up[32];
        const char *args[CHILD_ARGS_MAX] = {"play",    p->file,    "--driver", p->driver, "--json",
                                            "--stack", stack,      "--home",   room->home};
        struct child_options options = {
                .loop = room->loop, .args = args, .on_line = proof_line, .on_end = proof_end, .ctx = p};
        size_t count = 9;
        enum err e;

        (void)snprintf(stack, sizeof(stack), "%d", room->stack);
        (void)snprintf(give_up, sizeof(give_up), "%" PRId64 "ms", room->give_up_ms); /* as it is read; "1m32s" is for people */
        if (room->fast) args[count++] = "--fast";
        if (room->give_up_ms) {
                args[count++] = "--give-up";
                args[count++] = give_up;
        }
        p->began_ms = clock_mono_ms();
        p->outcome[0] = p->reason[0] = '\0';
        child_free(take(&p->child));
        e = child_start(&options, &p->child, reterr);
        p->begun = !e;
        return e;
}

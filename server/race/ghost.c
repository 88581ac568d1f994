#include "server/race/ghost.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/child.h"
#include "common/sys/file.h"

enum { GHOST_LOG_BYTES_MAX = 256 * 1024 };

struct ghost {
        struct ghost_options o;
        struct child *child;
        char log[FILE_PATH_BYTES];
        bool interrupted, ended;
};

/* The last thing it said before it ended without an outcome. */
static void last_words(const struct ghost *g, int status, char *dst, size_t dst_bytes)
{
        struct err_note note;
        char *line;
        AUTO_BUF text;

        buf_init(&text, GHOST_LOG_BYTES_MAX);
        (void)snprintf(dst, dst_bytes, "its stack could not be kept up (exit status %d)", status);
        if (file_read(g->log, &text, &note) || !text.size_bytes) return;
        while (text.size_bytes && text.data[text.size_bytes - 1] == '\n') text.data[--text.size_bytes] = '\0';
        line = strrchr(text.data, '\n');
        line = line ? line + 1 : text.data;
        if (*line) str_cut(dst, dst_bytes, line);
}

static void ghost_line(void *ctx, const char *text, size_t size_bytes)
{
        struct ghost *g = ctx;
        AUTO(json_free) struct json *j = NULL;

        /* What comes after is only the clearing up: its lane stays as it was when it was stopped. */
        if (g->interrupted || json_parse(text, size_bytes, &j, NULL)) return;
        lane_hear(g->o.lane, json_get_str(j, "type", ""), json_get(j, "data"));
}

static void ghost_end(void *ctx, int status)
{
        struct ghost *g = ctx;

        g->ended = true;
        if (!lane_is_over(g->o.lane) && !g->o.lane->stopped[0])
                last_words(g, status, g->o.lane->stopped, sizeof(g->o.lane->stopped));
        g->o.on_end(g->o.ctx, g);
}

enum err ghost_new(const struct ghost_options *options, struct ghost **ret, struct err_note *reterr)
{
        AUTO(ghost_free) struct ghost *g = mem_zalloc(1, sizeof(*g));
        char stack[16], seed[24];
        const char *args[CHILD_ARGS_MAX] = {"play",   options->file, "--driver", options->lane->policy, "--json",
                                            "--stack", stack,         "--seed",   seed,                  options->fast ? "--fast" : NULL,
                                            NULL};
        struct child_options child = {.loop = options->loop, .args = args, .log = options->log, .on_line = ghost_line, .on_end = ghost_end, .ctx = g};
        enum err e;

        if (!g) return err_note(reterr, ERR_NOMEM, "out of memory");
        g->o = *options;
        str_cut(g->log, sizeof(g->log), options->log);
        g->o.file = g->o.log = NULL; /* lent for this call */
        (void)snprintf(stack, sizeof(stack), "%d", options->stack);
        (void)snprintf(seed, sizeof(seed), "%" PRIu64, options->seed);
        e = child_start(&child, &g->child, reterr);
        if (e) return e;
        *ret = take(&g);
        return ERR_OK;
}

void ghost_interrupt(struct ghost *g, const char *why)
{
        if (g->ended || g->interrupted) return; /* a second signal would cut its clearing up short */
        g->interrupted = true;
        if (!lane_is_over(g->o.lane)) str_cut(g->o.lane->stopped, sizeof(g->o.lane->stopped), why);
        child_interrupt(g->child);
}

bool ghost_has_ended(const struct ghost *g)
{
        return g->ended;
}

int ghost_stack(const struct ghost *g)
{
        return g->o.stack;
}

void ghost_free(struct ghost *g)
{
        if (!g) return;
        child_free(g->child);
        mem_free(g);
}

/* Any bytes as the event log of a run: it replays or is refused, and the run can be shown and recovered either way. */
#include "fuzz_world.h"

#include "common/base/check.h"
#include "common/base/mem.h"
#include "server/engine/run_event.h"
#include "server/engine/run_json.h"
#include "server/engine/scenario_load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct scenario *scenario(void)
{
        static struct scenario *s;
        struct diag_list diags;
        size_t size;
        char *text;

        if (s) return s;
        text = fuzz_read("scenarios/database-bottleneck.yaml", &size);
        diag_list_init(&diags, "scenario");
        CHECK(scenario_load(text, size, NULL, fuzz_world(), &diags, &s) == ERR_OK);
        diag_list_done(&diags);
        free(text);
        return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct run_options options = { .id = "r1", .stack = 1, .created_ms = 1000 };
        const struct scenario *s = scenario();
        size_t live = alloc_live_count();
        struct run_effects effects = { 0 };
        struct err_note note = { 0 };
        struct run *run = NULL;
        struct buf out;
        enum err e;

        buf_init(&out, 1 << 24);
        CHECK(run_new(s, fuzz_world(), &options, &run) == ERR_OK);
        e = run_replay(run, (const char *)data, size, &note);
        CHECK(e == ERR_OK || note.text[0]);
        run_json(run, &out);
        for (size_t i = 0; i < run_criterion_count(run); i++)
                run_criterion_json(run, i, &out);
        for (size_t i = 0; i < run_action_count(run); i++)
                run_action_json(run, i, &out);
        run_debrief_json(run, &out);
        run_debrief_markdown(run, &out);
        e = run_step(run, &(struct run_event){ .kind = RUN_EV_RECOVER }, 2000, &effects, &note);
        CHECK(e == ERR_OK || note.text[0]);
        run_effects_done(&effects);
        run_free(run);
        buf_done(&out);
        CHECK(alloc_live_count() == live);
        return 0;
}

/* Any bytes as a scenario: findings or a scenario, never a crash; what loads can be shown, and a run of it begins and ends. */
#include "fuzz_world.h"

#include "common/base/check.h"
#include "common/base/mem.h"
#include "server/engine/run_json.h"
#include "server/engine/scenario_load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void play(const struct scenario *s)
{
        struct run_options options = { .id = "r1", .stack = 1, .created_ms = 1000 };
        struct run_effects effects = { 0 };
        struct run *run = NULL;
        struct buf out;

        buf_init(&out, 1 << 22);
        scenario_json(s, true, &out);
        CHECK(run_new(s, fuzz_world(), &options, &run) == ERR_OK);
        CHECK(run_step(run, &(struct run_event){ .kind = RUN_EV_START }, 1000, &effects, NULL) == ERR_OK);
        CHECK(run_step(run, &(struct run_event){ .kind = RUN_EV_STACK_READY }, 1000, &effects, NULL) == ERR_OK);
        CHECK(run_step(run, &(struct run_event){ .kind = RUN_EV_RECOVER }, 1000, &effects, NULL) == ERR_OK);
        CHECK(run_state(run) == RUN_DEBRIEFED);
        run_debrief_json(run, &out);
        run_debrief_markdown(run, &out);
        run_effects_done(&effects);
        run_free(run);
        buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const struct scenario_world *world = fuzz_world();
        size_t live = alloc_live_count();
        struct scenario *s = NULL;
        struct diag_list diags;
        enum err e;

        diag_list_init(&diags, "fuzz");
        e = scenario_load((const char *)data, size, NULL, world, &diags, &s);
        CHECK((e == ERR_OK) == (s != NULL));
        CHECK((e == ERR_OK) == (diags.error_count == 0));
        if (s) play(s);
        scenario_free(s);
        diag_list_done(&diags);
        CHECK(alloc_live_count() == live);
        return 0;
}

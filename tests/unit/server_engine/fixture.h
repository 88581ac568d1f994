/* fixture: what the tests of the engine share: files, and the world of the real stack with what its services can be set to. */
#ifndef TESTS_UNIT_SERVER_ENGINE_FIXTURE_H
#define TESTS_UNIT_SERVER_ENGINE_FIXTURE_H

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "server/engine/scenario_load.h"
#include "server/engine/world_stack.h"

struct fixture {
        struct stack_spec *spec;
        struct world_stack stack;
};

static inline char *fixture_read(const char *path, size_t *ret_size)
{
        FILE *f = fopen(path, "rb");
        char *text = malloc(1 << 20);

        if (!f) fail_msg("cannot open '%s' (run from the top of the tree)", path);
        *ret_size = fread(text, 1, (1 << 20) - 1, f);
        text[*ret_size] = '\0';
        fclose(f);
        return text;
}

static inline void fixture_init(struct fixture *f, bool with_knobs)
{
        struct diag_list diags;
        size_t size;
        char *text = fixture_read("sut/stack.yaml", &size);

        diag_list_init(&diags, "sut/stack.yaml");
        assert_int_equal(stack_spec_parse(text, size, &diags, &f->spec), ERR_OK);
        diag_list_done(&diags);
        free(text);
        world_stack_init(&f->stack, f->spec);
        if (!with_knobs) return;
        text = fixture_read("sut/knobs.json", &size);
        assert_int_equal(world_stack_knobs(&f->stack, text, size, NULL), ERR_OK);
        free(text);
}

static inline void fixture_done(struct fixture *f)
{
        world_stack_done(&f->stack);
        stack_spec_free(f->spec);
}

/* Loads text and fails with all findings if there is an error. */
static inline struct scenario *fixture_load(const struct fixture *f, const char *text)
{
        struct scenario *s = NULL;
        struct diag_list diags;
        AUTO_BUF out;

        buf_init(&out, 1 << 16);
        diag_list_init(&diags, "test");
        if (scenario_load(text, strlen(text), NULL, &f->stack.world, &diags, &s) != ERR_OK) {
                diag_list_print(&diags, &out);
                fail_msg("%s", out.data);
        }
        diag_list_done(&diags);
        return s;
}

#endif

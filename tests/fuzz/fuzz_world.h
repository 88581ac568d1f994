/* fuzz_world: the world of the real stack for the fuzz targets (run them from the top of the tree). */
#ifndef TESTS_FUZZ_FUZZ_WORLD_H
#define TESTS_FUZZ_FUZZ_WORLD_H

#include <stdio.h>
#include <stdlib.h>

#include "server/engine/world_stack.h"

static inline char *fuzz_read(const char *path, size_t *ret_size)
{
        FILE *f = fopen(path, "rb");
        char *text = malloc(1 << 20);

        if (!f || !text) {
                fprintf(stderr, "cannot read '%s': run from the top of the tree\n", path);
                exit(2);
        }
        *ret_size = fread(text, 1, (1 << 20) - 1, f);
        text[*ret_size] = '\0';
        fclose(f);
        return text;
}

static inline const struct scenario_world *fuzz_world(void)
{
        static struct world_stack world;
        static struct stack_spec *spec;
        struct diag_list diags;
        size_t size;
        char *text;

        if (spec) return &world.world;
        text = fuzz_read("sut/stack.yaml", &size);
        diag_list_init(&diags, "sut/stack.yaml");
        if (stack_spec_parse(text, size, &diags, &spec) != ERR_OK) {
                fprintf(stderr, "sut/stack.yaml does not load: build the target anew\n");
                exit(2);
        }
        diag_list_done(&diags);
        free(text);
        world_stack_init(&world, spec);
        return &world.world;
}

#endif

/* Model files from strangers. Three readings of the same bytes: as a file; as one whose head and checksum are made good; and as patches
 * to a good file (of a table, of a network), so that every section is reached. What is accepted is then used, as an advisor would.
 *   patch: where (3 bytes), how many (1 byte), the bytes; a length of 255: the file ends where it says */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/mem.h"
#include "learn/model/model.h"
#include "learn/nn/dqn.h"
#include "learn/reco/reco.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct model *m)
{
        static const float seen[][OBS_COUNT] = { { 0 }, { [OBS_ERROR] = .6f, [OBS_LATENCY] = 900, [OBS_CPU] = 90, [OBS_MEMORY] = 80, [OBS_UP] = 1, [OBS_ADMIT] = 1 },
                                                 { [OBS_ERROR] = 1, [OBS_LATENCY] = 1e9f, [OBS_CPU] = 1e9f, [OBS_UP] = 1 } };
        struct reco_session s;
        struct reco r;

        reco_start(m, &s, seen[0]);
        for (int i = 0; i < 6; i++) {
                reco_feel(m, &s, (enum sim_action)(i % ACT_COUNT), seen[i % 3]);
                reco_decide(m, &s, NULL, 0, 0, NULL, &r);
        }
}

static void try(const void *bytes, size_t size)
{
        struct model *m = NULL;

        if (model_read(bytes, size, &m, NULL)) return;
        use(m);
        model_free(m);
}

static void make_good(uint8_t *bytes, size_t size)
{
        uint32_t version = MODEL_VERSION;
        uint64_t body = size - 24, sum;

        memcpy(bytes, "FDLM", 4);
        memcpy(bytes + 4, &version, 4);
        memcpy(bytes + 8, &body, 8);
        sum = model_fingerprint(bytes, size - 8);
        memcpy(bytes + size - 8, &sum, 8);
}

/* A small file of each kind, made once and kept. */
static const struct buf *good(int kind)
{
        static struct buf file[MODEL_KIND_COUNT];
        struct model *m = NULL;

        if (file[kind].size_bytes) return &file[kind];
        buf_init(&file[kind], MODEL_BYTES_MAX);
        if (model_new(&m)) return NULL;
        m->kind = (enum model_kind)kind;
        m->table->visits[7][ACT_SOFT] = 3;
        m->table->visits[FEAT_STATES - 1][ACT_HARD] = 1;
        if (kind == MODEL_DQN) {
                m->net = mem_zalloc(DQN_FLOATS, sizeof *m->net);
                m->net_count = m->net ? DQN_FLOATS : 0;
        }
        if (model_write(m, &file[kind], NULL)) file[kind].size_bytes = 0;
        model_free(m);
        return file[kind].size_bytes ? &file[kind] : NULL;
}

static void try_patched(int kind, const uint8_t *data, size_t size)
{
        const struct buf *plain = good(kind);
        uint8_t *bytes = plain ? mem_alloc(plain->size_bytes) : NULL;
        size_t end = plain ? plain->size_bytes : 0;

        if (!bytes) return;
        memcpy(bytes, plain->data, end);
        while (size >= 4) {
                size_t at = data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16, count = data[3];

                data += 4, size -= 4;
                if (count == 255) {
                        if (at >= 24 && at < end) end = at;
                        continue;
                }
                if (count > size) count = size;
                if (at < end && count <= end - at) memcpy(bytes + at, data, count);
                data += count, size -= count;
        }
        make_good(bytes, end);
        try(bytes, end);
        mem_free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint8_t *bytes;

        try(data, size);
        for (int kind = 0; kind < MODEL_KIND_COUNT; kind++) try_patched(kind, data, size);
        if (size < 24) return 0;
        bytes = mem_alloc(size);
        if (!bytes) return 0;
        memcpy(bytes, data, size);
        make_good(bytes, size);
        try(bytes, size);
        mem_free(bytes);
        return 0;
}

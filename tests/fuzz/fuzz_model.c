/* Model files from strangers: any bytes, with the head's size and the checksum made good so that the fields behind them are reached. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/mem.h"
#include "learn/model/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct model *m = NULL;
        uint8_t *bytes;

        if (model_read(data, size, &m, NULL) == ERR_OK) model_free(m);
        if (size < 24) return 0;
        bytes = mem_alloc(size);
        if (!bytes) return 0;
        memcpy(bytes, data, size);
        uint32_t version = MODEL_VERSION;
        uint64_t body = size - 24, sum;

        memcpy(bytes, "FDLM", 4);
        memcpy(bytes + 4, &version, 4);
        memcpy(bytes + 8, &body, 8);
        sum = model_fingerprint(bytes, size - 8);
        memcpy(bytes + size - 8, &sum, 8);
        m = NULL;
        if (model_read(bytes, size, &m, NULL) == ERR_OK) model_free(m);
        mem_free(bytes);
        return 0;
}

/* pack: the manifest of a folder of scenarios that somebody else made (pack.yaml). Its scenarios are named NAME/ID.
 * Owner:  caller. Memory: all of it lives until scenario_pack_free. Units: none.
 * Limits: PACK_FILES_MAX files; names are plain file names in the pack's folder, so a pack reaches nothing outside it.
 * Fails:  findings go to the diag list; ERR_PARSE, ERR_LIMIT or ERR_NOMEM. A bad pack is reported and harms nothing. */
#ifndef SERVER_ENGINE_PACK_H
#define SERVER_ENGINE_PACK_H

#include <stdbool.h>

#include "common/base/arena.h"
#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/text/diag.h"

enum { PACK_FILES_MAX = 200, PACK_BYTES_MAX = 64 * 1024 };

struct scenario_pack {
        struct arena arena;
        const char *name, *title, *version, *author, *license, *description; /* "" where the manifest says nothing */
        const char **file; /* "x.yaml" */
        size_t file_count;
        bool lists; /* the manifest names its files; otherwise every .yaml file of the folder is one */
};

MUST_USE enum err scenario_pack_load(const char *bytes, size_t size_bytes, struct diag_list *diags, struct scenario_pack **ret);
void scenario_pack_free(struct scenario_pack *pack); /* NULL is fine */
AUTO_DEFINE(struct scenario_pack, scenario_pack_free)

#endif

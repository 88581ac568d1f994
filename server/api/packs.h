/* packs: the scenario packs found in extra folders: manifests read, checked, named once. A bad pack is reported and left out whole.
 * Owner:  the loop thread. Memory: what packs_at gives is valid until the next packs_scan.         Units: none.
 * Limits: PACKS_MAX packs, PACKS_FOLDERS_MAX entries of a folder; a pack reaches nothing outside its folder, links are not followed.
 * Fails:  as findings of the pack; lack of memory leaves a pack out. */
#ifndef SERVER_API_PACKS_H
#define SERVER_API_PACKS_H

#include "common/base/err.h"
#include "common/sys/file.h"
#include "common/text/json.h"
#include "server/engine/pack.h"

enum { PACKS_MAX = 64, PACKS_FOLDERS_MAX = 1024 };

struct packs;

struct packs_one {
        char dir[FILE_PATH_BYTES];
        char name[80];               /* of the manifest, or of the folder when the manifest does not load */
        struct scenario_pack *pack;  /* NULL: it does not load, or may not be used */
        struct json *problems;       /* findings, as in lint */
        bool writable;
};

MUST_USE enum err packs_new(struct packs **ret);
void packs_free(struct packs *p);
AUTO_DEFINE(struct packs, packs_free)

/* Forgets what was found; then every root: a folder that is a pack, or whose folders are. An absent root is fine. */
void packs_begin(struct packs *p);
void packs_scan(struct packs *p, const char *root);
/* Says once of every pack that is bad and was not bad in the same way before. */
void packs_report(struct packs *p, void (*say)(void *ctx, const char *text), void *ctx);

size_t packs_count(const struct packs *p);
const struct packs_one *packs_at(const struct packs *p, size_t index);
const struct packs_one *packs_find(const struct packs *p, const char *name); /* among the good ones; NULL if unknown */
/* Calls visit for each scenario file of a good pack: "x.yaml". */
void packs_files(const struct packs_one *one, void (*visit)(void *ctx, const char *file), void *ctx);
/* {"packs":[...]} as the API says it. */
struct json *packs_json(const struct packs *p);
/* A new, empty pack NAME below root. ERR_EXISTS: there is one of that name; ERR_INVAL: no such name is possible. */
MUST_USE enum err packs_make(struct packs *p, const char *root, const char *name, const char *title, struct err_note *reterr);

#endif

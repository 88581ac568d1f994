/* db_setup: makes the shop's database, and brings it back to its seed. Both may be run at any time and again.
 * Owner: none; opens its own sessions.      Memory: none kept.      Units: ms.
 * Limits: DB_SETUP_FILE_BYTES_MAX a file.
 * Fails:  with file and PostgreSQL's words; a half-made database is rolled back. */
#ifndef SUT_DB_DB_SETUP_H
#define SUT_DB_DB_SETUP_H

#include "sut/db/db_admin.h"

enum { DB_SETUP_FILE_BYTES_MAX = 256 * 1024, DB_SETUP_MS = 60000 };

/* share: the folder that holds db/sut. */
MUST_USE enum err db_setup_init(const struct db_admin *admin, const char *share, struct err_note *reterr);
/* Ends jobs, forgets settings, roles' passwords and limits, removes what was added, makes dropped indexes again. A database that does
 * not hold its seed any more is made anew. */
MUST_USE enum err db_setup_reset(const struct db_admin *admin, const char *share, struct err_note *reterr);

#endif

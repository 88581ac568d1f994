/* limit: what this process may use. Owner: none. Memory: none. Units: descriptors. Limits: LIMIT_FILES_WANTED. Fails: keeps what it had. */
#ifndef COMMON_SYS_LIMIT_H
#define COMMON_SYS_LIMIT_H

#include <stddef.h>

enum { LIMIT_FILES_WANTED = 65536 };

/* Raises the soft limit of open files as far as the hard one lets it, at most to LIMIT_FILES_WANTED; tells what it is then.
 * Children inherit it. Shells often leave a soft limit of 1,024, which 1,000 browsers use up. */
size_t limit_files_raise(void);

#endif

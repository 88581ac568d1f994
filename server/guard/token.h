/* token: the secret that a server open to others asks for: read from a file, or made anew.
 * Owner: none. Memory: the caller's. Units: bytes. Limits: GUARD_TOKEN_BYTES_MIN to _MAX characters.
 * Fails: with a note that names the file and what was expected in it. */
#ifndef SERVER_GUARD_TOKEN_H
#define SERVER_GUARD_TOKEN_H

#include "server/guard/guard.h"

enum { TOKEN_TEXT_BYTES = GUARD_TOKEN_BYTES_MAX + 1 };

/* The first line of the file, without blanks around it. */
MUST_USE enum err token_read(const char *path, char dst[static TOKEN_TEXT_BYTES], struct err_note *reterr);
/* 256 random bits in hexadecimal. */
void token_make(char dst[static TOKEN_TEXT_BYTES]);

#endif

/* ui: the files of the control panel, embedded when the server was built (web/CMakeLists.txt), served with ETag.
 * Owner:  constant data, any thread.   Memory: none.   Units: bytes.   Limits: none.
 * Fails:  404 problem; 405 for anything but GET and HEAD. */
#ifndef SERVER_HTTP_UI_H
#define SERVER_HTTP_UI_H

#include <stddef.h>

#include "common/http/server.h"

struct ui_file {
        const char *path; /* "/index.html", "/assets/index-e0uOQ_GX.js" */
        const unsigned char *plain, *gzip;
        size_t plain_bytes, gzip_bytes;
        const char *etag; /* of the content: W/"...", since both encodings share it */
};

struct ui_files {
        const struct ui_file *items;
        size_t count; /* 0: the control panel was not built; "/" says so */
};

/* Made by web/CMakeLists.txt, in the library fd_web. */
extern const struct ui_files ui_embedded;

/* The whole answer to a request outside of the API. */
void ui_handle(const struct ui_files *files, struct http_exchange *x);

#endif

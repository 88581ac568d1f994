/* The routing table and docs/openapi.yaml name the same methods and paths. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "common/sys/file.h"
#include "common/text/yaml.h"
#include "server/api/api.h"

static bool is_routed(const char *method, const char *path)
{
        for (size_t i = 0; i < api_route_count(); i++) {
                const char *m, *p;

                api_route_at(i, &m, &p);
                if (strcasecmp(m, method) == 0 && str_eq(p, path)) return true;
        }
        return false;
}

static void table_and_contract_agree(void **state)
{
        AUTO(yaml_free) struct yaml *yaml = NULL;
        struct diag_list diags;
        size_t documented = 0;
        AUTO_BUF text;

        (void)state;
        buf_init(&text, 1 << 20);
        diag_list_init(&diags, "docs/openapi.yaml");
        assert_int_equal(file_read("docs/openapi.yaml", &text, NULL), ERR_OK);
        assert_int_equal(yaml_parse(text.data, text.size_bytes, &diags, &yaml), ERR_OK);
        YAML_EACH(path, yaml_get(yaml, "paths"))
        {
                YAML_EACH(method, path)
                {
                        if (str_eq(method->key, "parameters")) continue;
                        documented++;
                        if (!is_routed(method->key, path->key))
                                fail_msg("docs/openapi.yaml has %s %s, the server has not", method->key, path->key);
                }
        }
        assert_int_equal(documented, api_route_count());
        diag_list_done(&diags);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(table_and_contract_agree)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}

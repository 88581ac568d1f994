#include "learn/tools/tool.h"
int cmd_check(int argc, char **argv)
{
        (void)argc, (void)argv;
        return EXIT_FAILED;
}

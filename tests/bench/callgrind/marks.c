/* marks.c - from where to where callgrind counts a program that has no words for it: for instructions.py */
#include <valgrind/callgrind.h>

void marks_begin(void);
void marks_end(const char *name);

void marks_begin(void)
{
    CALLGRIND_START_INSTRUMENTATION;
    CALLGRIND_ZERO_STATS;
}

void marks_end(const char *name)
{
    CALLGRIND_DUMP_STATS_AT(name);
    CALLGRIND_STOP_INSTRUMENTATION;
}

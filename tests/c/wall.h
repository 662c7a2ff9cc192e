/* wall.h - a wall clock as far from the system's as a test wants, and once as slow to read
 *
 * For the one file of a program that includes it first, after _GNU_SOURCE.
 */
#ifndef WALL_H
#define WALL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int64_t stepped_ns;
static int stalls; /* how many readings away the slow one is; 0: none is */

int clock_gettime(clockid_t clock, struct timespec *time)
{
    long result = syscall(SYS_clock_gettime, clock, time);
    if (clock == CLOCK_REALTIME) {
        int64_t ns = time->tv_sec * INT64_C(1000000000) + time->tv_nsec + stepped_ns;
        time->tv_sec = (time_t)(ns / 1000000000);
        time->tv_nsec = (long)(ns % 1000000000);
        if (stalls > 0 && --stalls == 0)
            usleep(50000);
    }
    return (int)result;
}

#endif

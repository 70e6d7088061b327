/* The clock that all contenders go by, and a count of syncs.
 *
 * FOB_BENCH_CLOCK names a file of seven 64-bit numbers: the time in Unix seconds, how often fobd
 * called fdatasync, fsync and sync_file_range, and how often host programs did. fobd loads this
 * before the C library; the host program holds it itself and exports it to the modules. So a code
 * of each step can be used at once, without waiting for it and without setting the machine's clock.
 *
 * The boot-time clock follows the wall clock; all other clocks are the real ones.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define BOOTED 1893000000 /* some days before the first moment of a run */
#ifndef COUNTS
#define COUNTS 1 /* where the counts of this program begin */
#endif

static volatile int64_t *page;
static int (*real_clock)(clockid_t, struct timespec *);

__attribute__((constructor)) static void map_clock(void)
{
    /* not the system call: the C library asks the kernel's shared page, which is faster */
    *(void **)&real_clock = dlsym(RTLD_NEXT, "clock_gettime");
    const char *path = getenv("FOB_BENCH_CLOCK");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *at = mmap(NULL, 56, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    page = at == MAP_FAILED ? NULL : at;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (!page || (clock != CLOCK_REALTIME && clock != CLOCK_BOOTTIME))
        return real_clock ? real_clock(clock, now)
                          : (int)syscall(SYS_clock_gettime, clock, now);
    now->tv_sec = clock == CLOCK_REALTIME ? page[0] : page[0] - BOOTED;
    now->tv_nsec = 0;
    return 0;
}

time_t time(time_t *place)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (place)
        *place = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    (void)zone;
    now->tv_sec = time(NULL);
    now->tv_usec = 0;
    return 0;
}

static int counted(long number, long a, long b, long c, long d, int at)
{
    if (page)
        __atomic_fetch_add(&page[at], 1, __ATOMIC_RELAXED);
    return (int)syscall(number, a, b, c, d);
}

int fdatasync(int file) { return counted(SYS_fdatasync, file, 0, 0, 0, COUNTS); }
int fsync(int file) { return counted(SYS_fsync, file, 0, 0, 0, COUNTS + 1); }
int sync_file_range(int file, off_t from, off_t length, unsigned flags)
{
    return counted(SYS_sync_file_range, file, from, length, flags, COUNTS + 2);
}

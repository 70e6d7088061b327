/* What a module could leave behind in a process, for pam_host.c. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#define SIGNALS 64
#define SECRET_MASK 0x55 /* the harness must not hold the code that it looks for */

extern char **environ;

static int hex_byte(const char *text)
{
    char pair[3] = {text[0], text[1], 0};
    return (int)strtol(pair, NULL, 16);
}

/* What a module could leave in the process. */
struct state {
    long threads, descriptors, pages, environment;
    mode_t mask;
    char folder[PATH_MAX];
    sigset_t blocked;
    struct sigaction handlers[SIGNALS + 1];
    struct itimerval timer;
};

static long entries(const char *path)
{
    long count = 0;
    DIR *folder = opendir(path);
    while (folder && readdir(folder))
        count++;
    if (folder)
        closedir(folder);
    return count;
}

static long environment(void)
{
    unsigned long sum = 5381;
    for (char **entry = environ; entry && *entry; entry++)
        for (char *c = *entry; *c; c++)
            sum = sum * 33 + (unsigned char)*c;
    return (long)sum;
}

static void look(struct state *state)
{
    memset(state, 0, sizeof *state);
    state->threads = entries("/proc/self/task");
    state->descriptors = entries("/proc/self/fd");
    FILE *statm = fopen("/proc/self/statm", "r");
    if (statm && fscanf(statm, "%*s %ld", &state->pages) != 1)
        state->pages = -1;
    if (statm)
        fclose(statm);
    state->environment = environment();
    state->mask = umask(0);
    umask(state->mask);
    if (!getcwd(state->folder, sizeof state->folder))
        state->folder[0] = 0;
    sigprocmask(SIG_SETMASK, NULL, &state->blocked);
    for (int s = 1; s <= SIGNALS; s++)
        sigaction(s, NULL, &state->handlers[s]);
    getitimer(ITIMER_REAL, &state->timer);
}

static int same_handlers(const struct state *a, const struct state *b)
{
    for (int s = 1; s <= SIGNALS; s++)
        if (a->handlers[s].sa_handler != b->handlers[s].sa_handler ||
            a->handlers[s].sa_flags != b->handlers[s].sa_flags)
            return 0;
    return 1;
}

/* Counts where the masked bytes stand in clear in memory that can be written. */
static void call_scan(const char *hex)
{
    size_t length = strlen(hex) / 2;
    long hits = 0;
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    static unsigned char page[65536];
    while (maps && fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        char rights[5];
        if (sscanf(line, "%lx-%lx %4s", &from, &to, rights) != 3 || rights[1] != 'w')
            continue;
        while (from < to) {
            ssize_t got = pread(memory, page, sizeof page, (off_t)from);
            for (ssize_t i = 0; got > 0 && i + (ssize_t)length <= got; i++) {
                size_t j = 0;
                while (j < length && (page[i + (ssize_t)j] ^ SECRET_MASK) == hex_byte(hex + 2 * j))
                    j++;
                if (j == length && !(from + i >= (unsigned long)page &&
                                     from + i < (unsigned long)page + sizeof page)) {
                    hits++;
                    fprintf(stdout, "hit %s", line);
                }
            }
            if (got <= (ssize_t)length)
                break;
            from += (unsigned long)(got == (ssize_t)sizeof page ? got - (ssize_t)length : got);
        }
    }
    if (maps)
        fclose(maps);
    close(memory);
    printf("hits %ld\n", hits);
}

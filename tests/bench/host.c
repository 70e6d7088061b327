/* The program that signs in, for the benchmarks: a server that starts a fresh process for each
 * sign-in, as sshd and sudo do, and the fresh process itself, which takes the time.
 *
 * usage: host CONFDIR
 *
 * Reads commands from standard input, a line each, and answers each with lines and `done`:
 *   one SERVICE USER CODE      one sign-in in a fresh process
 *   burst COUNT SERVICE        so many at one moment; COUNT lines `USER CODE` follow
 *   same COUNT SERVICE         so many in a row in one process; COUNT lines `USER CODE` follow
 *   leak COUNT SERVICE         the same, without the allocator's cache, which would look like a leak
 *   look SERVICE USER CODE     one, and what it has added to the process
 *   floor WHAT PATH [FILE]     sync: 4 KiB and fdatasync; socket: a round trip; bus: FILE's messages;
 *                              wake: a sleeping thread, and its answer; PATH is not used;
 *                              load: the module PATH, behind pam_permit, which is FILE
 *   echo PATH                  begins to answer at a unix socket (no process waits for it)
 *
 * A sign-in answers `in RESULT TOOK SLEPT CPU FROM TO`: PAM's result, and nanoseconds: from
 * pam_start to the return of pam_end; of it asleep on purpose, in nanosleep and its like; CPU time
 * of the process in between; and the moments on CLOCK_MONOTONIC.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST 4096
#define READY 8 /* descriptors of a fresh process that waits for others */
#define GATE 9

static const char *confdir, *self;
static char lines[MOST][96];

static long nanoseconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000000000L + now.tv_nsec;
}

/* Exported to the modules: how long a refusal is held back on purpose. */
static long slept;

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *wanted, struct timespec *left)
{
    static int (*real)(clockid_t, int, const struct timespec *, struct timespec *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_nanosleep");
    long from = nanoseconds(CLOCK_MONOTONIC);
    int result = real(clock, flags, wanted, left);
    slept += nanoseconds(CLOCK_MONOTONIC) - from;
    return result;
}

int nanosleep(const struct timespec *wanted, struct timespec *left)
{
    static int (*real)(const struct timespec *, struct timespec *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "nanosleep");
    long from = nanoseconds(CLOCK_MONOTONIC);
    int result = real(wanted, left);
    slept += nanoseconds(CLOCK_MONOTONIC) - from;
    return result;
}

static int converse(int count, const struct pam_message **messages, struct pam_response **replies,
                    void *code)
{
    struct pam_response *made = calloc((size_t)count, sizeof *made);
    for (int i = 0; i < count; i++)
        if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF ||
            messages[i]->msg_style == PAM_PROMPT_ECHO_ON)
            made[i].resp = strdup(code);
    *replies = made;
    return PAM_SUCCESS;
}

/* pam_fail_delay(3) is the host's to carry out. */
static void no_delay(int result, unsigned microseconds, void *data)
{
    (void)result, (void)microseconds, (void)data;
}

/* callgrind counts from here: --toggle-collect=sign_in. */
struct span {
    int code;
    long from, to, cpu, slept;
};

struct span sign_in(const char *service, const char *user, char *code, void (*loaded)(void));

__attribute__((noinline)) struct span sign_in(const char *service, const char *user, char *code,
                                              void (*loaded)(void))
{
    struct pam_conv conversation = {converse, code};
    pam_handle_t *handle = NULL;
    struct span span = {.slept = slept};
    long cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
    span.from = nanoseconds(CLOCK_MONOTONIC);
    span.code = pam_start_confdir(service, user, &conversation, confdir, &handle);
    if (span.code == PAM_SUCCESS) {
        pam_set_item(handle, PAM_FAIL_DELAY, (void *)no_delay);
        span.code = pam_authenticate(handle, 0);
        if (loaded)
            loaded();
        pam_end(handle, span.code);
    }
    span.to = nanoseconds(CLOCK_MONOTONIC);
    span.cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    span.slept = slept - span.slept;
    return span;
}

static void tell(struct span span)
{
    char line[160];
    int length = snprintf(line, sizeof line, "in %d %ld %ld %ld %ld %ld\n", span.code,
                          span.to - span.from, span.slept, span.cpu, span.from, span.to);
    if (write(1, line, (size_t)length) != length) /* in one piece: others write there, too */
        _exit(3);
}

struct left {
    long threads, descriptors, blocks, own, clean, written;
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

/* Returns the number behind a word of a file of /proc; -1 if there is none. */
static long fact(const char *path, const char *word)
{
    static char text[4096];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    text[length > 0 ? length : 0] = 0;
    const char *found = strstr(text, word);
    return found ? atol(found + strlen(word)) : -1;
}

/* KiB that this process alone has, written by it, and read from files that nobody else has mapped
 * now (proc(5), smaps_rollup). */
static void memory(struct left *left)
{
    static const char *path = "/proc/self/smaps_rollup";
    left->own = fact(path, "Private_Dirty:");
    left->clean = fact(path, "Private_Clean:");
}

static struct left look(void)
{
    struct left left = {0};
    left.threads = entries("/proc/self/task");
    left.descriptors = entries("/proc/self/fd");
    left.blocks = (long)mallinfo2().uordblks;
    left.written = fact("/proc/self/io", "\nwrite_bytes:");
    memory(&left);
    return left;
}

static struct left while_loaded;
static void look_loaded(void) { while_loaded = look(); }

static void show(const char *word, struct left now, struct left before)
{
    printf("%s %ld %ld %ld %ld %ld %ld\n", word, now.threads - before.threads,
           now.descriptors - before.descriptors, now.blocks - before.blocks, now.own - before.own,
           now.clean - before.clean, now.written - before.written);
}

/* What a sign-in adds while its module is there, and what it leaves. */
static int fresh_look(char **words)
{
    look(); /* the first look makes buffers of its own */
    struct left before = look();
    struct span span = sign_in(words[0], words[1], words[2], look_loaded);
    struct left after = look();
    printf("code %d\n", span.code);
    show("loaded", while_loaded, before);
    show("left", after, before);
    return 0;
}

/* Many sign-ins in one process. The first one loads the module. */
static int fresh_same(int count, char **words)
{
    struct left before = {0};
    for (int i = 0; i < count; i++) {
        char user[64], code[32];
        if (!fgets(lines[0], sizeof lines[0], stdin) ||
            sscanf(lines[0], "%63s %31s", user, code) != 2)
            return 3;
        tell(sign_in(words[1], user, code, NULL));
        if (i == 0)
            before = look();
    }
    show("left", look(), before);
    return 0;
}

static int connected(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int other = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    return connect(other, (struct sockaddr *)&address, sizeof address) ? -1 : other;
}

static int over_socket(const char *path)
{
    char bytes[64] = "ping";
    int other = connected(path);
    int good = other >= 0 && write(other, bytes, sizeof bytes) == sizeof bytes &&
               read(other, bytes, sizeof bytes) > 0;
    close(other);
    return good;
}

/* A cold call by the bus: Hello and the call in one write, until the second method return. */
static int over_bus(const char *path, const char *sent, size_t length)
{
    static unsigned char bytes[8192];
    size_t have = 0, at = 0;
    int other = connected(path), returns = 0;
    if (other < 0 || write(other, sent, length) != (ssize_t)length)
        return 0;
    while (returns < 2) {
        ssize_t got = read(other, bytes + have, sizeof bytes - have);
        if (got <= 0)
            return 0;
        have += (size_t)got;
        if (!at) { /* "OK guid" comes first, as a line */
            unsigned char *end = memmem(bytes, have, "\r\n", 2);
            at = end ? (size_t)(end + 2 - bytes) : 0;
        }
        while (at && have >= at + 16) { /* "Message Format", D-Bus Specification */
            unsigned body, fields;
            memcpy(&body, bytes + at + 4, 4);
            memcpy(&fields, bytes + at + 12, 4);
            size_t whole = 16 + ((fields + 7) & ~7u) + body;
            if (have < at + whole)
                break;
            if (bytes[at + 1] == 3)
                return 0;
            returns += bytes[at + 1] == 2;
            at += whole;
        }
    }
    close(other);
    return 1;
}

static int overwrite(int file, const char *block)
{
    return pwrite(file, block, 4096, 0) == 4096 && !fdatasync(file);
}

static int bells[2];

static void *answer_bells(void *unused)
{
    eventfd_t count;
    while (!eventfd_read(bells[0], &count) && !eventfd_write(bells[1], count))
        ;
    return unused;
}

/* Wakes a thread that has gone to sleep, and is woken by it. */
static int wake(struct span *span)
{
    pthread_t thread;
    eventfd_t count;
    for (int i = 0; i < 2; i++)
        bells[i] = eventfd(0, EFD_CLOEXEC);
    if (pthread_create(&thread, NULL, answer_bells, NULL))
        return 0;
    usleep(1000);
    span->from = nanoseconds(CLOCK_MONOTONIC);
    return !eventfd_write(bells[0], 1) && !eventfd_read(bells[1], &count);
}

/* Loads a module into a process that libpam and another module are loaded in. */
static int load(const char *module, const char *other, struct span *span)
{
    if (!dlopen(other, RTLD_NOW))
        return 0;
    span->from = nanoseconds(CLOCK_MONOTONIC);
    return dlopen(module, RTLD_NOW) != NULL;
}

static int fresh_floor(int count, char **words)
{
    static char block[8192];
    struct span span = {.code = 1};
    const char *what = words[0], *path = words[1], *other = count > 2 ? words[2] : NULL;
    int reads = other && !strcmp(what, "bus");
    int file = reads ? open(other, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t length = file >= 0 ? read(file, block, sizeof block) : 0;
    if (!strcmp(what, "sync"))
        file = open(path, O_WRONLY | O_CLOEXEC);
    span.from = nanoseconds(CLOCK_MONOTONIC);
    if (!strcmp(what, "sync"))
        span.code = !overwrite(file, block);
    else if (!strcmp(what, "socket"))
        span.code = !over_socket(path);
    else if (!strcmp(what, "bus"))
        span.code = !over_bus(path, block, (size_t)length);
    else if (!strcmp(what, "wake"))
        span.code = !wake(&span);
    else if (!strcmp(what, "load") && other)
        span.code = !load(path, other, &span);
    span.to = nanoseconds(CLOCK_MONOTONIC);
    tell(span);
    return 0;
}

/* Waits until all the others are here. */
static void wait_at_gate(void)
{
    char byte = 'r';
    if (write(READY, &byte, 1) != 1 || read(GATE, &byte, 1) < 0)
        _exit(3);
    close(READY);
    close(GATE);
}

static int fresh(int count, char **words)
{
    if (!strcmp(words[0], "gate")) {
        wait_at_gate();
        words[0] = "one";
    }
    if (!strcmp(words[0], "one") && count == 4)
        return tell(sign_in(words[1], words[2], words[3], NULL)), 0;
    if (!strcmp(words[0], "same") && count == 3)
        return fresh_same(atoi(words[2]), words);
    if (!strcmp(words[0], "look") && count == 4)
        return fresh_look(words + 1);
    if (!strcmp(words[0], "floor") && count >= 3)
        return fresh_floor(count - 1, words + 1);
    return 2;
}

/* Starts this program anew. Ready and gate are -1 if it need not wait for others. */
static pid_t start(char **words, int ready, int gate)
{
    char *arguments[12] = {(char *)self, (char *)confdir, "fresh"};
    for (int i = 0; i < 8 && words[i]; i++)
        arguments[3 + i] = words[i];
    pid_t child = vfork();
    if (child == 0) {
        if (ready >= 0) {
            dup2(ready, READY);
            dup2(gate, GATE);
        }
        execv(self, arguments);
        _exit(4);
    }
    return child;
}

static void one(char **words)
{
    pid_t child = start(words, -1, -1);
    waitpid(child, NULL, 0);
}

static int take_lines(int count)
{
    for (int i = 0; i < count; i++)
        if (!fgets(lines[i], sizeof lines[i], stdin))
            return 0;
    return 1;
}

static void burst(int count, char *service)
{
    int ready[2], gate[2];
    char byte;
    if (count > MOST || !take_lines(count) || pipe2(ready, O_CLOEXEC) || pipe2(gate, O_CLOEXEC))
        exit(3);
    for (int i = 0; i < count; i++) {
        char *user = strtok(lines[i], " \n"), *code = strtok(NULL, " \n");
        start((char *[]){"gate", service, user, code, NULL}, ready[1], gate[0]);
    }
    for (int i = 0; i < count; i++)
        if (read(ready[0], &byte, 1) != 1)
            exit(3);
    close(gate[0]);
    close(gate[1]);
    close(ready[0]);
    close(ready[1]);
    for (int i = 0; i < count; i++)
        wait(NULL);
}

/* The lines for it are handed on by a pipe. */
static void same(char **words)
{
    int count = atoi(words[1]), to[2];
    char *service = words[2];
    if (count > MOST || !take_lines(count) || pipe2(to, O_CLOEXEC))
        exit(3);
    char number[16];
    snprintf(number, sizeof number, "%d", count);
    pid_t child = fork();
    if (child == 0) {
        dup2(to[0], 0);
        if (!strcmp(words[0], "leak"))
            setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1);
        execl(self, self, confdir, "fresh", "same", service, number, NULL);
        _exit(4);
    }
    close(to[0]);
    FILE *pipe = fdopen(to[1], "w");
    for (int i = 0; i < count; i++)
        fputs(lines[i], pipe);
    fclose(pipe);
    waitpid(child, NULL, 0);
}

/* The trivial server: reads and answers, for ever. */
static void echo(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 128))
        exit(3);
    if (fork())
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(0);
    close(1);
    for (;;) {
        char bytes[64];
        int other = accept(listener, NULL, NULL);
        ssize_t length = read(other, bytes, sizeof bytes);
        if (length > 0 && write(other, bytes, (size_t)length) < 0)
            _exit(3);
        close(other);
    }
}

int main(int count, char **arguments)
{
    char line[512];
    if (count < 2)
        return 2;
    self = "/proc/self/exe";
    confdir = arguments[1];
    if (count > 3 && !strcmp(arguments[2], "fresh"))
        return fresh(count - 3, arguments + 3);
    while (fgets(line, sizeof line, stdin)) {
        char *words[8] = {0};
        int given = 0;
        for (char *word = strtok(line, " \n"); word && given < 7; word = strtok(NULL, " \n"))
            words[given++] = word;
        if (given == 3 && !strcmp(words[0], "burst"))
            burst(atoi(words[1]), words[2]);
        else if (given == 3 && (!strcmp(words[0], "same") || !strcmp(words[0], "leak")))
            same(words);
        else if (given == 2 && !strcmp(words[0], "echo"))
            echo(words[1]);
        else if (given >= 3)
            one(words);
        else
            return 2;
        if (write(1, "done\n", 5) != 5)
            return 3;
    }
    return 0;
}

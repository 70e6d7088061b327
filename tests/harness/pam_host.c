/* A PAM host for tests: a scripted conversation, and a look at what a module leaves behind.
 *
 * usage: pam_host CONFDIR SERVICE WORD...
 *
 * Words are read in order. Those that begin with "call-" act at once; the others set the stage.
 * Each event is one line on standard output.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pam_left.h"

#define MAX_STEPS 64
#define MAX_USERS 16
#define MAX_REPLACED 64

enum kind {
    ANSWER, SECRET, NULL_STRING, NULL_ARRAY, FAIL, SET_USER, SET_RHOST, STARVE, BECOME, FORK, REPLACE
};
struct step {
    enum kind kind;
    const char *text;
};
static struct step script[MAX_STEPS];
static int steps;

static const char *confdir, *service, *user, *rhost, *tty;
static const char *users[MAX_USERS]; /* of call-at-once, in turn */
static int user_count, first_step;
static int own[2], replaced[MAX_REPLACED]; /* sockets of the host's, and under which numbers */
static int text_null_array, text_fails, flags, resp_retcode, no_conversation;

struct sign_in {
    pam_handle_t *pamh;
    int next;
    struct timespec answered;
};

static void show(const char *word, int number, const char *text)
{
    flockfile(stdout); /* one line, also when several threads have something to say */
    printf("%s %d ", word, number);
    for (; text && *text; text++)
        if (*text >= ' ' && *text <= '~')
            putchar(*text);
        else
            printf("\\x%02x", (unsigned char)*text);
    putchar('\n');
    funlockfile(stdout);
}

static char *unmask(const char *hex)
{
    size_t length = strlen(hex) / 2;
    char *plain = calloc(1, length + 1);
    for (size_t i = 0; i < length; i++)
        plain[i] = (char)(hex_byte(hex + 2 * i) ^ SECRET_MASK);
    return plain;
}

/* Leaves no descriptor number for anybody. */
static void starve(void)
{
    struct rlimit limit = {0, 0};
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* Goes on in a child only. */
static void go_on_in_a_child(void)
{
    int status = -1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        return;
    waitpid(child, &status, 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* Closes every socket, and has one of its own under each of their numbers. */
static void replace_sockets(void)
{
    struct stat facts;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, own))
        return;
    for (int number = 3; number < MAX_REPLACED; number++)
        if (number != own[0] && number != own[1] && !fstat(number, &facts) &&
            S_ISSOCK(facts.st_mode) && dup2(own[0], number) == number)
            replaced[number] = 1;
}

/* Shows how many of its own sockets are there, are still open, and how much was sent to them. */
static void call_replaced(void)
{
    char bytes[4096];
    int all = 0, open = 0;
    for (int number = 0; number < MAX_REPLACED; number++) {
        all += replaced[number];
        open += replaced[number] && fcntl(number, F_GETFD) >= 0;
    }
    ssize_t got = recv(own[1], bytes, sizeof bytes, MSG_DONTWAIT);
    printf("replaced %d\nopen %d\ngot %zd\n", all, open, got > 0 ? got : 0);
}

/* Answers one prompt from the script; steps that are no answers happen first. */
static int answer(struct sign_in *me, struct pam_response **replies)
{
    while (me->next < steps) {
        struct step *step = &script[me->next++];
        char *text = NULL;
        switch (step->kind) {
        case SET_USER:
            pam_set_item(me->pamh, PAM_USER, step->text);
            continue;
        case SET_RHOST:
            pam_set_item(me->pamh, PAM_RHOST, step->text);
            continue;
        case STARVE:
            starve();
            continue;
        case BECOME:
            if (seteuid((uid_t)atoi(step->text)))
                return PAM_CONV_ERR;
            continue;
        case FORK:
            go_on_in_a_child();
            continue;
        case REPLACE:
            replace_sockets();
            continue;
        case FAIL:
            return atoi(step->text);
        case NULL_ARRAY:
            *replies = NULL;
            return PAM_SUCCESS;
        case NULL_STRING:
            break;
        case ANSWER:
            text = strdup(step->text);
            break;
        case SECRET:
            text = unmask(step->text);
            break;
        }
        *replies = calloc(1, sizeof **replies);
        (*replies)->resp = text;
        (*replies)->resp_retcode = resp_retcode;
        return PAM_SUCCESS;
    }
    return PAM_CONV_ERR;
}

static int converse(int count, const struct pam_message **messages, struct pam_response **replies,
                    void *data)
{
    struct sign_in *me = data;
    if (count != 1) {
        printf("messages %d\n", count);
        return PAM_CONV_ERR;
    }
    int style = messages[0]->msg_style;
    if (style == PAM_PROMPT_ECHO_OFF || style == PAM_PROMPT_ECHO_ON) {
        show("prompt", style, messages[0]->msg);
        int result = answer(me, replies);
        clock_gettime(CLOCK_MONOTONIC, &me->answered);
        return result;
    }
    show("text", style, messages[0]->msg);
    if (text_fails)
        return PAM_CONV_ERR;
    *replies = text_null_array ? NULL : calloc(1, sizeof **replies);
    return PAM_SUCCESS;
}

static long milliseconds_since(struct timespec then)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - then.tv_sec) * 1000 + (now.tv_nsec - then.tv_nsec) / 1000000;
}

static int start(struct sign_in *me)
{
    struct pam_conv conversation = {no_conversation ? NULL : converse, me};
    int code = pam_start_confdir(service, user, &conversation, confdir, &me->pamh);
    if (code == PAM_SUCCESS && rhost)
        pam_set_item(me->pamh, PAM_RHOST, rhost);
    if (code == PAM_SUCCESS && tty)
        pam_set_item(me->pamh, PAM_TTY, tty);
    return code;
}

static int authenticate(int quiet)
{
    struct sign_in me = {.next = first_step};
    int code = start(&me);
    if (code == PAM_SUCCESS) {
        clock_gettime(CLOCK_MONOTONIC, &me.answered);
        code = pam_authenticate(me.pamh, flags);
        if (!quiet)
            printf("took %ld\n", milliseconds_since(me.answered));
        pam_end(me.pamh, code);
    }
    return code;
}

static void *authenticate_in_thread(void *unused)
{
    (void)unused;
    printf("code %d\n", authenticate(0));
    return NULL;
}

static void call_threads(int count)
{
    pthread_t threads[16];
    for (int i = 0; i < count && i < 16; i++)
        pthread_create(&threads[i], NULL, authenticate_in_thread, NULL);
    for (int i = 0; i < count && i < 16; i++)
        pthread_join(threads[i], NULL);
}

static void call_other(const char *name)
{
    struct sign_in me = {0};
    int code = start(&me);
    if (code == PAM_SUCCESS && !strcmp(name, "setcred"))
        code = pam_setcred(me.pamh, PAM_ESTABLISH_CRED);
    else if (code == PAM_SUCCESS && !strcmp(name, "account"))
        code = pam_acct_mgmt(me.pamh, 0);
    else if (code == PAM_SUCCESS && !strcmp(name, "open"))
        code = pam_open_session(me.pamh, 0);
    else if (code == PAM_SUCCESS && !strcmp(name, "close"))
        code = pam_close_session(me.pamh, 0);
    else if (code == PAM_SUCCESS && !strcmp(name, "password"))
        code = pam_chauthtok(me.pamh, 0);
    printf("code %d\n", code);
    pam_end(me.pamh, code);
}

static void call_fork(void)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        printf("child code %d\n", authenticate(1));
        fflush(stdout);
        _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    printf("child ended %d\n", status);
}

/* Signs in so often, one after the other; each takes the next answer. */
static void call_each(int count)
{
    for (first_step = 0; first_step < count; first_step++)
        printf("code %d\n", authenticate(1));
    first_step = 0;
}

/* Signs in from so many processes at one moment; each takes its own user and answer in turn. */
static void call_at_once(int count)
{
    int gate[2];
    if (pipe(gate))
        return;
    fflush(stdout);
    for (int i = 0; i < count; i++)
        if (fork() == 0) {
            char opened;
            close(gate[1]);
            first_step = steps ? i % steps : 0;
            user = user_count ? users[i % user_count] : user;
            if (read(gate[0], &opened, 1) == 0)
                printf("code %d\n", authenticate(1));
            fflush(stdout);
            _exit(0);
        }
    close(gate[0]);
    usleep(20000); /* all are at the gate; who is not comes a little later */
    close(gate[1]);
    while (wait(NULL) > 0) {}
}

static void call_load(const char *path)
{
    int loaded = 0;
    for (int i = 0; i < 1000; i++) {
        void *module = dlopen(path, RTLD_NOW);
        loaded += module && dlsym(module, "pam_sm_authenticate");
        if (module)
            dlclose(module);
    }
    void *still = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    printf("loaded %d\nstays %d\n", loaded, still != NULL);
}

static void call_many(int count)
{
    struct state before, after;
    int codes[64] = {0};
    authenticate(1); /* the first one loads the module */
    look(&before);
    for (int i = 1; i < count; i++) {
        int code = authenticate(1);
        codes[code >= 0 && code < 64 ? code : 63]++;
    }
    look(&after);
    for (int i = 0; i < 64; i++)
        if (codes[i])
            printf("many %d %d\n", i, codes[i]);
    printf("threads %ld\ndescriptors %ld\nkibibytes %ld\n", after.threads - before.threads,
           after.descriptors - before.descriptors,
           (after.pages - before.pages) * (sysconf(_SC_PAGESIZE) / 1024));
    printf("environment %d\nmask %d\nfolder %d\nblocked %d\nhandlers %d\ntimer %d\n",
           before.environment == after.environment, before.mask == after.mask,
           !strcmp(before.folder, after.folder),
           !memcmp(&before.blocked, &after.blocked, sizeof before.blocked),
           same_handlers(&before, &after), !after.timer.it_value.tv_sec);
}

/* Listens where the daemon should, and shows what it is sent. */
static void call_squat(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1))
        return;
    printf("ready\n");
    char bytes[4096];
    int caller = accept(listener, NULL, NULL);
    ssize_t length = recv(caller, bytes, sizeof bytes, 0);
    printf("got %zd\n", length);
    close(caller);
    close(listener);
}

static void on_alarm(int signal) { (void)signal; }

/* Interrupts every system call that waits, every millisecond. */
static void storm(void)
{
    struct sigaction action = {.sa_handler = on_alarm}; /* without SA_RESTART */
    struct itimerval often = {{0, 1000}, {0, 1000}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
}

static int add(enum kind kind, const char *text)
{
    if (steps == MAX_STEPS)
        return 0;
    script[steps++] = (struct step){kind, text};
    return 1;
}

static int starts(const char *word, const char *key, const char **value)
{
    size_t length = strlen(key);
    *value = word + length;
    return !strncmp(word, key, length);
}

static int prepare(const char *word)
{
    const char *value;
    if (starts(word, "answer=", &value)) return add(ANSWER, value);
    if (starts(word, "secret=", &value)) return add(SECRET, value);
    if (starts(word, "fail=", &value)) return add(FAIL, value);
    if (starts(word, "set-user=", &value)) return add(SET_USER, value);
    if (starts(word, "set-rhost=", &value)) return add(SET_RHOST, value);
    if (!strcmp(word, "null-string")) return add(NULL_STRING, NULL);
    if (!strcmp(word, "null-array")) return add(NULL_ARRAY, NULL);
    if (starts(word, "become=", &value)) return add(BECOME, value);
    if (!strcmp(word, "fork")) return add(FORK, NULL);
    if (!strcmp(word, "replace-sockets")) return add(REPLACE, NULL);
    if (!strcmp(word, "starve")) return add(STARVE, NULL);
    if (starts(word, "user=", &value)) return user = value, 1;
    if (starts(word, "also=", &value))
        return user_count < MAX_USERS ? users[user_count++] = value, 1 : 0;
    if (starts(word, "rhost=", &value)) return rhost = value, 1;
    if (starts(word, "tty=", &value)) return tty = value, 1;
    if (!strcmp(word, "silent")) return flags |= PAM_SILENT, 1;
    if (!strcmp(word, "text-null-array")) return text_null_array = 1;
    if (!strcmp(word, "text-fails")) return text_fails = 1;
    if (starts(word, "retcode=", &value)) return resp_retcode = atoi(value), 1;
    if (!strcmp(word, "no-conversation")) return no_conversation = 1;
    if (!strcmp(word, "storm")) return storm(), 1;
    return 0;
}

static int act(const char *word)
{
    const char *value;
    if (!strcmp(word, "call-authenticate")) return printf("code %d\n", authenticate(0));
    if (starts(word, "call-other=", &value)) return call_other(value), 1;
    if (starts(word, "call-many=", &value)) return call_many(atoi(value)), 1;
    if (starts(word, "call-each=", &value)) return call_each(atoi(value)), 1;
    if (starts(word, "call-at-once=", &value)) return call_at_once(atoi(value)), 1;
    if (starts(word, "call-threads=", &value)) return call_threads(atoi(value)), 1;
    if (!strcmp(word, "call-fork")) return call_fork(), 1;
    if (!strcmp(word, "call-replaced")) return call_replaced(), 1;
    if (!strcmp(word, "call-close-stdin")) return close(STDIN_FILENO), 1;
    if (starts(word, "call-load=", &value)) return call_load(value), 1;
    if (starts(word, "call-scan=", &value)) return call_scan(value), 1;
    if (starts(word, "call-squat=", &value)) return call_squat(value), 1;
    return 0;
}

int main(int count, char **words)
{
    if (count < 4)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    confdir = words[1];
    service = words[2];
    for (int i = 3; i < count; i++)
        if (!prepare(words[i]) && !act(words[i])) {
            fprintf(stderr, "pam_host: no such word: %s\n", words[i]);
            return 2;
        }
    return 0;
}

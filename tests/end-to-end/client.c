/*
 * Simulators and clients for the end-to-end tests in C.
 *
 * A simulator is a child process that the kernel kills when its parent ends, so a test that crashes
 * leaves no process running. Nothing here sleeps: the simulator reports on stdout that it is ready
 * and on stderr that it uses new faults, and libcemm's own loop waits for answers. Each call that
 * reads the log begins where the previous call ended, because most tests check the requests of a
 * single step.
 */
#include "tests/end-to-end/client.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KEY           "test-key-4e4f657"
#define KEY_FILE      "key"
#define START_MS      90000  /* time limit for a simulator that starts or loads its faults */
#define ANSWER_MS     180000 /* longer than any timeout of a source in these tests */
#define TURN_MS       50
#define LINE_SIZE     1024
#define NUMBER_SIZE   24
#define PRINT_MAX     2048 /* timestamps in one call of sim_print() */
#define BACKOFF_MAX_S 2    /* a failed source is tried again soon */

const char *client_zone = "Europe/Amsterdam";

static const char *program;

void sim_program(const char *path)
{
    program = path;
}

int64_t client_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

__attribute__((format(printf, 3, 4))) static void put(char *to, size_t size, const char *format,
                                                      ...)
{
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(to, size, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= size)
        fail_msg("a text of %zu bytes is too long", size);
}

/* ---- children ------------------------------------------------------------------- */

/* Starts the simulator with its stdout and stderr connected to pipes. */
static pid_t spawn(char *const *arguments, int *ret_output, int *ret_errors)
{
    int output[2], errors[2];
    pid_t parent = getpid();

    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    assert_int_equal(pipe2(errors, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent || dup2(output[1], STDOUT_FILENO) < 0 ||
            dup2(errors[1], STDERR_FILENO) < 0)
            _exit(126);
        execv(program, arguments);
        _exit(127);
    }
    assert_true(pid > 0);
    close(output[1]);
    close(errors[1]);
    *ret_output = output[0];
    *ret_errors = errors[0];
    return pid;
}

/* Reads a line without its newline. Returns false at the end of the pipe or at the time `until`. */
static bool read_line(int fd, char line[LINE_SIZE], int64_t until)
{
    size_t length = 0;

    while (length < LINE_SIZE - 1) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int64_t left = until - client_now_ms();
        if (left <= 0 || poll(&wait, 1, (int)left) <= 0 || read(fd, line + length, 1) != 1)
            return false;
        if (line[length] == '\n')
            break;
        length++;
    }
    line[length] = '\0';
    return true;
}

static void reap(pid_t pid, int *ret_status)
{
    while (waitpid(pid, ret_status, 0) < 0)
        assert_int_equal(errno, EINTR);
}

static void take_address(const char *line, const char *name, char ret_text[SIM_URL_SIZE])
{
    const char *at = strstr(line, name);

    if (!at)
        fail_msg("the simulator printed \"%s\"", line);
    at += strlen(name);
    put(ret_text, SIM_URL_SIZE, "%.*s", (int)strcspn(at, " ,"), at);
}

void sim_restart(struct sim *sim, const char *const *options)
{
    const char *arguments[SIM_OPTIONS_MAX] = {program,      "--log", sim->log, "--control",
                                              sim->control, "--key", KEY};
    char line[LINE_SIZE];
    size_t count = 7;
    int output;

    for (; *options && count < SIM_OPTIONS_MAX - 1; count++)
        arguments[count] = *options++;
    assert_null(*options);
    sim->pid = spawn((char *const *)arguments, &output, &sim->errors);
    bool ready = read_line(output, line, client_now_ms() + START_MS);
    close(output);
    if (!ready) {
        bool said = read_line(sim->errors, line, client_now_ms() + 1000);
        fail_msg("the simulator did not start: %s", said ? line : "(no message)");
    }
    take_address(line, "cloud=", sim->cloud);
    take_address(line, "lan=", sim->lan);
    if (strcmp(sim->lan, "-") == 0)
        sim->lan[0] = '\0';
}

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

void sim_start(struct sim *sim, const char *const *options)
{
    const char *tmp = getenv("TMPDIR");
    char key[SIM_PATH_SIZE];

    *sim = (struct sim){.errors = -1};
    put(sim->dir, sizeof(sim->dir), "%s/cemm-test.XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(sim->dir))
        fail_msg("%s: %s", sim->dir, strerror(errno));
    put(sim->log, sizeof(sim->log), "%.200s/log", sim->dir);
    put(sim->control, sizeof(sim->control), "%.200s/control", sim->dir);
    put(key, sizeof(key), "%.200s/" KEY_FILE, sim->dir);
    write_file(sim->control, "");
    write_file(key, KEY "\n");
    sim_restart(sim, options);
}

void sim_stop(struct sim *sim, int signal)
{
    int status;

    if (sim->pid <= 0)
        return;
    kill(sim->pid, signal);
    reap(sim->pid, &status);
    sim->pid = 0;
    close(sim->errors);
    sim->errors = -1;
    if (signal == SIGTERM && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
        fail_msg("the simulator ended with status %#x", (unsigned)status);
}

void sim_end(struct sim *sim)
{
    static const char *const files[] = {"log", "control", KEY_FILE};
    char path[SIM_PATH_SIZE];

    if (!sim->dir[0])
        return;
    sim_stop(sim, SIGTERM);
    for (size_t i = 0; i < COUNT(files); i++) {
        put(path, sizeof(path), "%.200s/%s", sim->dir, files[i]);
        unlink(path);
    }
    rmdir(sim->dir);
    sim->dir[0] = '\0';
}

void sim_faults(struct sim *sim, const char *const *faults)
{
    char text[LINE_SIZE] = "";
    char line[LINE_SIZE];
    size_t length = 0;

    for (; *faults; faults++) {
        put(text + length, sizeof(text) - length, "%s\n", *faults);
        length += strlen(text + length);
    }
    write_file(sim->control, text);
    assert_int_equal(kill(sim->pid, SIGHUP), 0);
    int64_t until = client_now_ms() + START_MS;
    do {
        if (!read_line(sim->errors, line, until))
            fail_msg("the simulator does not load its faults");
        if (strstr(line, "unchanged") || strstr(line, "bad fault"))
            fail_msg("%s", line);
    } while (!strstr(line, "faults: "));
}

void sim_no_faults(struct sim *sim)
{
    sim_faults(sim, (const char *const[]){NULL});
}

/* ---- the log ---------------------------------------------------------------------- */

/* Removes the time from each line, in place. */
static void drop_times(char *text)
{
    char *to = text;

    while (*text) {
        char *line = strchr(text, ' ');
        char *end = line ? strchr(line, '\n') : NULL;
        if (!end)
            break;
        size_t length = (size_t)(end - line);
        memmove(to, line + 1, length);
        to += length;
        text = end + 1;
    }
    *to = '\0';
}

char *sim_requests(struct sim *sim)
{
    FILE *file = fopen(sim->log, "re");
    char *text = NULL;
    size_t room = 0;

    assert_non_null(file);
    assert_int_equal(fseek(file, (long)sim->seen, SEEK_SET), 0);
    ssize_t length = getdelim(&text, &room, '\0', file);
    fclose(file);
    if (length < 0) {
        free(text);
        text = strdup("");
        assert_non_null(text);
        return text;
    }
    sim->seen += (size_t)length;
    drop_times(text);
    return text;
}

size_t lines_with(const char *lines, const char *part)
{
    size_t count = 0;

    while (*lines) {
        size_t length = strcspn(lines, "\n");
        count += memmem(lines, length, part, strlen(part)) != NULL;
        lines += length + (lines[length] == '\n');
    }
    return count;
}

size_t sim_count(struct sim *sim, const char *start)
{
    char *lines = sim_requests(sim);
    size_t count = 0;

    for (const char *line = lines; *line; line += strcspn(line, "\n") + 1)
        count += strncmp(line, start, strlen(start)) == 0;
    free(lines);
    return count;
}

/* ---- the expected values --------------------------------------------------------------- */

static char *read_all(int fd)
{
    FILE *file = fdopen(fd, "r");
    char *text = NULL;
    size_t room = 0;

    assert_non_null(file);
    ssize_t length = getdelim(&text, &room, '\0', file);
    fclose(file);
    if (length >= 0)
        return text;
    free(text);
    return NULL;
}

char *sim_print(const char *const *options, const char *alias, const char *channel,
                const int64_t *times, size_t count)
{
    const char *arguments[SIM_OPTIONS_MAX + PRINT_MAX] = {program};
    char(*numbers)[NUMBER_SIZE] = calloc(count ? count : 1, sizeof(*numbers));
    size_t n = 1;
    int output, errors, status;

    assert_non_null(numbers);
    assert_true(count <= PRINT_MAX);
    for (; *options && n < SIM_OPTIONS_MAX - 5; n++)
        arguments[n] = *options++;
    assert_null(*options);
    arguments[n++] = "--print";
    arguments[n++] = CLIENT_UID;
    arguments[n++] = alias;
    arguments[n++] = channel;
    for (size_t i = 0; i < count; i++) {
        put(numbers[i], sizeof(numbers[i]), "%" PRId64, times[i]);
        arguments[n++] = numbers[i];
    }
    /* The simulator's message about a missing value is not shown: the caller's is better. */
    pid_t pid = spawn((char *const *)arguments, &output, &errors);
    char *text = read_all(output);
    reap(pid, &status);
    close(errors);
    free(numbers);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return text;
    free(text);
    return NULL;
}

/* ---- the client ---------------------------------------------------------------------- */

static void section(struct client *client, const char *kind, const char *name)
{
    struct cemm_message message;

    if (cemm_config_section(client->config, kind, name, &message) < 0)
        fail_msg("%s", message.text);
}

void client_set(struct client *client, const char *key, const char *value)
{
    struct cemm_message message;

    if (cemm_config_set(client->config, key, value, &message) < 0)
        fail_msg("%s", message.text);
}

void client_begin(struct client *client)
{
    *client = (struct client){.config = cemm_config_new()};
    assert_non_null(client->config);
    client_set(client, "time-zone", client_zone);
    section(client, "discovery", "");
    client_set(client, "enabled", "no");
}

void client_cloud(struct client *client, const struct sim *sim, const char *name)
{
    char key[SIM_PATH_SIZE];

    put(key, sizeof(key), "%.200s/" KEY_FILE, sim->dir);
    section(client, "cloud", name);
    client_set(client, "url", sim->cloud);
    client_set(client, "api-key-file", key);
}

void client_local(struct client *client, const char *address, const char *name)
{
    section(client, "local", name);
    client_set(client, "address", address);
}

void client_start(struct client *client)
{
    struct cemm_message message;

    if (cemm_config_finish(client->config, &message) < 0)
        fail_msg("%s", message.text);
    client->cemm = cemm_new(client->config, BACKOFF_MAX_S, NULL, NULL);
    assert_non_null(client->cemm);
}

void client_end(struct client *client)
{
    cemm_free(client->cemm);
    cemm_config_free(client->config);
    *client = (struct client){0};
}

struct cemm_uid client_uid(void)
{
    struct cemm_uid uid;

    assert_true(cemm_uid_parse(CLIENT_UID, &uid));
    return uid;
}

struct cemm_query client_query(enum cemm_endpoint endpoint, const char *alias)
{
    struct cemm_query query = {.uid = client_uid(), .endpoint = endpoint};

    put(query.alias, sizeof(query.alias), "%s", alias);
    return query;
}

static void take_answer(void *data, const struct cemm_answer *answer)
{
    struct reply *reply = data;

    reply->answers++;
    reply->result = answer->result;
    cemm_document_unref(reply->document);
    reply->document = answer->document ? cemm_document_ref(answer->document) : NULL;
    put(reply->message, sizeof(reply->message), "%s", answer->message);
}

void client_ask(struct client *client, const struct cemm_query *query, struct reply *ret_reply)
{
    *ret_reply = (struct reply){0};
    assert_int_equal(cemm_get(client->cemm, query, -1, take_answer, ret_reply, NULL), 0);
    assert_int_equal(ret_reply->answers, 0);
}

void client_wait(struct client *client, const struct reply *reply)
{
    int64_t until = client_now_ms() + ANSWER_MS;

    while (reply->answers == 0) {
        if (client_now_ms() > until)
            fail_msg("no answer within %d s", ANSWER_MS / 1000);
        assert_int_equal(cemm_turn(client->cemm, TURN_MS, NULL, 0), 0);
    }
    assert_int_equal(reply->answers, 1);
}

void client_turn_for(struct client *client, int milliseconds)
{
    int64_t until = client_now_ms() + milliseconds;

    for (int64_t left; (left = until - client_now_ms()) > 0;)
        assert_int_equal(cemm_turn(client->cemm, (int)left, NULL, 0), 0);
}

int client_get(struct client *client, const struct cemm_query *query, struct reply *ret_reply)
{
    client_ask(client, query, ret_reply);
    client_wait(client, ret_reply);
    return ret_reply->result;
}

int client_find(struct client *client, const struct cemm_uid *uid, struct reply *ret_reply)
{
    *ret_reply = (struct reply){0};
    assert_int_equal(cemm_find(client->cemm, uid, -1, take_answer, ret_reply, NULL), 0);
    client_wait(client, ret_reply);
    return ret_reply->result;
}

void reply_clear(struct reply *reply)
{
    cemm_document_unref(reply->document);
    reply->document = NULL;
}

char *client_meters(const struct client *client)
{
    struct cemm_uid uid = client_uid();
    const struct cemm_device *device = cemm_device_named(client->cemm, &uid);
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    const char *alias;

    assert_non_null(device);
    assert_non_null(out);
    for (size_t i = 0; (alias = cemm_device_alias(device, i)); i++)
        fprintf(out, "%s%s", i ? " " : "", alias);
    assert_int_equal(fclose(out), 0);
    return text;
}

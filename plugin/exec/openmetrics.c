/*
 * The temporary file has pieces, each the samples of one metric out of one
 * document, and each knows where the next one of its metric is. So memory grows
 * with the metrics, but not with the range.
 */
#include "plugin/exec/openmetrics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY "/var/tmp" /* /tmp may be memory */

/* The header of a piece. */
struct piece {
    off_t next; /* of the same metric; 0: none */
    size_t length;
};

struct metric {
    char *name; /* with labels */
    off_t first;
    off_t last;
};

static int failed(const struct openmetrics *metrics, int r, struct cemm_message *message)
{
    if (r < 0)
        cemm_message_set(message, "a temporary file in %s: %s", metrics->directory, strerror(-r));
    return r;
}

/* A file without a name. Some file systems can't make one; there it has a name for a moment. */
static int open_unnamed(const char *directory)
{
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
    char *path = NULL;
    if (fd >= 0)
        return fd;
    if (errno != EOPNOTSUPP)
        return -errno;
    if (asprintf(&path, "%s/cemm-XXXXXX", directory) < 0)
        return -ENOMEM;
    int r = mkostemp(path, O_CLOEXEC);
    if (r < 0)
        r = -errno;
    else
        (void)unlink(path);
    free(path);
    return r;
}

int openmetrics_begin(struct openmetrics *ret_metrics, struct cemm_message *message)
{
    const char *directory = getenv("TMPDIR");
    *ret_metrics = (struct openmetrics){
        .directory = directory && *directory != '\0' ? directory : DIRECTORY,
        .end = 1, /* so that no piece is at 0 */
    };
    int fd = open_unnamed(ret_metrics->directory);
    if (fd < 0)
        return failed(ret_metrics, fd, message);
    ret_metrics->file = fdopen(fd, "w+");
    if (ret_metrics->file)
        return 0;
    int r = -errno;
    close(fd);
    return failed(ret_metrics, r, message);
}

static int write_at(FILE *file, off_t place, const void *bytes, size_t length)
{
    bool done = fseeko(file, place, SEEK_SET) == 0 && fwrite(bytes, 1, length, file) == length;
    return done ? 0 : -errno;
}

static int read_at(FILE *file, off_t place, void *ret_bytes, size_t length)
{
    errno = EIO; /* if it is shorter */
    bool done = fseeko(file, place, SEEK_SET) == 0 && fread(ret_bytes, 1, length, file) == length;
    return done ? 0 : -errno;
}

/* Finds the metric or makes it. NULL: no memory. */
static struct metric *find_metric(struct openmetrics *metrics, const char *name, size_t length)
{
    size_t low = 0;
    size_t high = metrics->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const char *other = metrics->metrics[middle].name;
        int order = strncmp(other, name, length);
        if (order == 0 && other[length] == '\0')
            return &metrics->metrics[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    struct metric *more = reallocarray(metrics->metrics, metrics->count + 1, sizeof(*more));
    if (!more)
        return NULL;
    metrics->metrics = more;
    char *copy = strndup(name, length);
    if (!copy)
        return NULL;
    memmove(&more[low + 1], &more[low], (metrics->count++ - low) * sizeof(*more));
    more[low] = (struct metric){.name = copy};
    return &more[low];
}

static int add_piece(struct openmetrics *metrics, struct metric *metric, const char *text,
                     size_t length)
{
    const struct piece piece = {.length = length};
    off_t place = metrics->end;
    int r = write_at(metrics->file, place, &piece, sizeof(piece));
    if (r == 0 && fwrite(text, 1, length, metrics->file) != length)
        r = -errno;
    if (r == 0 && metric->last != 0)
        r = write_at(metrics->file, metric->last + (off_t)offsetof(struct piece, next), &place,
                     sizeof(place));
    if (metric->first == 0)
        metric->first = place;
    metric->last = place;
    metrics->end += (off_t)(sizeof(piece) + length);
    return r;
}

/* The length of the first lines, as far as they have the same name, which goes to *ret_name. */
static size_t same_metric(const char *text, size_t *ret_name)
{
    size_t length = 0;
    *ret_name = strcspn(text, " ");
    while (strncmp(text + length, text, *ret_name + 1) == 0)
        length += strcspn(text + length, "\n") + 1;
    return length;
}

static int add_text(struct openmetrics *metrics, const char *text, struct cemm_message *message)
{
    while (*text != '\0') {
        size_t name;
        size_t length = same_metric(text, &name);
        struct metric *metric = find_metric(metrics, text, name);
        if (!metric)
            return -ENOMEM;
        int r = add_piece(metrics, metric, text, length);
        if (r < 0)
            return failed(metrics, r, message);
        text += length;
    }
    return 0;
}

int openmetrics_add(struct openmetrics *metrics, const struct cemm_document *document,
                    struct cemm_message *message)
{
    char *text = NULL;
    size_t length = 0;
    int r = cemm_render(document, CEMM_FORM_OPENMETRICS, NULL, &text, &length);
    if (r == 0)
        r = add_text(metrics, text, message);
    free(text);
    return r;
}

static int write_head(const char *name, struct output *output, struct cemm_message *message)
{
    char *text = NULL;
    size_t length = 0;
    int r = cemm_openmetrics_head(name, &text, &length);
    if (r == 0)
        r = output_put(output, text, length, message);
    free(text);
    return r;
}

/* Writes the piece and goes on to the next one. */
static int write_piece(const struct openmetrics *metrics, off_t *place, struct output *output,
                       struct cemm_message *message)
{
    struct piece piece;
    int r = read_at(metrics->file, *place, &piece, sizeof(piece));
    if (r < 0)
        return failed(metrics, r, message);
    char *text = malloc(piece.length);
    if (!text)
        return -ENOMEM;
    r = failed(metrics, read_at(metrics->file, *place + (off_t)sizeof(piece), text, piece.length),
               message);
    if (r == 0)
        r = output_put(output, text, piece.length, message);
    free(text);
    *place = piece.next;
    return r;
}

/* Whether the two are of one family: their names differ only in the labels. */
static bool same_family(const char *one, const char *other)
{
    return strncmp(one, other, strcspn(one, "{") + 1) == 0;
}

int openmetrics_write(const struct openmetrics *metrics, struct output *output,
                      struct cemm_message *message)
{
    static const char end[] = "# EOF\n";
    int r = 0;
    for (size_t i = 0; r == 0 && i < metrics->count; i++) {
        const struct metric *metric = &metrics->metrics[i];
        if (i == 0 || !same_family(metric->name, metric[-1].name))
            r = write_head(metric->name, output, message);
        for (off_t place = metric->first; r == 0 && place != 0;)
            r = write_piece(metrics, &place, output, message);
    }
    return r == 0 ? output_put(output, end, strlen(end), message) : r;
}

void openmetrics_clear(struct openmetrics *metrics)
{
    for (size_t i = 0; i < metrics->count; i++)
        free(metrics->metrics[i].name);
    free(metrics->metrics);
    if (metrics->file)
        (void)fclose(metrics->file);
    *metrics = (struct openmetrics){0};
}

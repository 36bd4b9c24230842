/* upload.c - see upload.h.
 *
 * Of standard input, and of what may keep its reader waiting as it does, one piece is read at a
 * time, when it is wanted: the thread waits for that, or for input. It may still wait for input
 * when the request has ended, and nothing wakes it then: what it needs goes with it. */
#include "upload.h"

#include "host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE ((size_t)32 * 1024)
/* How often a limited rate lets more go. */
#define RATE_TICK_MS 100

struct upload {
    char *path; /* own memory; NULL: standard input, but for a form or bytes */
    FILE *file; /* of path */
    form *form;
    const uint8_t *bytes;
    bool by_thread; /* it is read */
    uint64_t size;
    uint64_t done;      /* read of the file, or of bytes */
    uint64_t begins_at; /* of the file */
    bool known, chunked, stopped;
    char failure[320];
    rp_loop *loop;
    rp_request *request; /* which wants some */
    size_t room;         /* as much */
    /* A limited rate. */
    size_t pace;    /* bytes a tick; 0: any number */
    size_t allowed; /* of these, until the next one */
    bool ticking;   /* which comes: bytes went since the last one */
    bool waits;     /* for it */
    rp_timer timer;
    /* The thread. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool wanted, over, threaded;
    unsigned uses; /* by the transfer, the thread, the post */
    rp_post post;
    char why[256];  /* it can't be read; "": it can */
    unsigned asked; /* at most PIECE */
    size_t got;
    uint8_t piece[PIECE];
};

static void fail(upload *u, rp_request *request, const char *why)
{
    snprintf(u->failure, sizeof(u->failure), "the body can't be read: %s", why);
    rp_request_body_abort(request);
}

static void release(upload *u)
{
    pthread_mutex_lock(&u->lock);
    bool last = --u->uses == 0;
    pthread_mutex_unlock(&u->lock);
    if (!last)
        return;
    if (u->file != NULL)
        fclose(u->file);
    form_close(u->form);
    free(u->path);
    pthread_cond_destroy(&u->changed);
    pthread_mutex_destroy(&u->lock);
    free(u);
}

/* ---- a limited rate ---- */

static void give(upload *u);

static void rate_tick(rp_timer *timer, void *user)
{
    upload *u = user;
    (void)timer;
    u->ticking = false;
    u->allowed = u->pace;
    if (u->waits)
        give(u);
}

/* How much may be given now. */
static size_t allowance(const upload *u)
{
    size_t size = u->room < PIECE ? u->room : PIECE;
    return u->pace > 0 && size > u->allowed ? u->allowed : size;
}

static void note_given(upload *u, size_t size)
{
    if (u->pace == 0)
        return;
    u->allowed -= size < u->allowed ? size : u->allowed;
    if (!u->ticking)
        rp_timer_start(u->loop, &u->timer, RATE_TICK_MS, rate_tick, u);
    u->ticking = true;
}

/* ---- the thread ---- */

static void piece_came(rp_post *post, void *user)
{
    upload *u = user;
    (void)post;
    if (u->stopped)
        ;
    else if (u->why[0] != '\0')
        fail(u, u->request, u->why);
    else if (u->got == 0)
        (void)rp_request_body_end(u->request, NULL, 0, NULL);
    else { /* not more than was wanted */
        note_given(u, u->got);
        (void)rp_request_give(u->request, u->piece, u->got);
    }
    release(u);
}

/* False: the request has ended. */
static bool wait_until_wanted(upload *u)
{
    pthread_mutex_lock(&u->lock);
    while (!u->wanted && !u->over)
        pthread_cond_wait(&u->changed, &u->lock);
    u->wanted = false;
    bool over = u->over;
    pthread_mutex_unlock(&u->lock);
    return !over;
}

/* As much as there is, up to what was asked for; the first call opens it. *why: it can't be. */
static size_t read_some(upload *u, const char **why)
{
    *why = NULL;
    if (u->form != NULL)
        return form_read(u->form, u->piece, u->asked, why);
    if (u->path != NULL && u->file == NULL)
        u->file = fopen(u->path, "rb");
    ssize_t got = u->path == NULL   ? read(STDIN_FILENO, u->piece, u->asked)
                  : u->file != NULL ? read(fileno(u->file), u->piece, u->asked)
                                    : -1;
    *why = got < 0 ? strerror(errno) : NULL;
    return got < 0 ? 0 : (size_t)got;
}

static void *read_input(void *user)
{
    upload *u = user;
    bool more = true;
    while (more && wait_until_wanted(u)) {
        const char *why;
        size_t got = read_some(u, &why);
        pthread_mutex_lock(&u->lock);
        snprintf(u->why, sizeof(u->why), "%s", why != NULL ? why : "");
        u->got = got;
        more = got > 0;
        u->uses += !u->over;
        if (!u->over)
            rp_loop_post(u->loop, &u->post);
        pthread_mutex_unlock(&u->lock);
    }
    release(u);
    return NULL;
}

static void want_input(upload *u, size_t size)
{
    pthread_t thread;
    if (!u->threaded) {
        u->uses++;
        int error = host_thread_create(&thread, read_input, u);
        if (error != 0) {
            u->uses--;
            fail(u, u->request, strerror(error));
            return;
        }
        u->threaded = true;
        pthread_detach(thread);
    }
    pthread_mutex_lock(&u->lock);
    u->asked = (unsigned)size;
    u->wanted = true;
    pthread_cond_signal(&u->changed);
    pthread_mutex_unlock(&u->lock);
}

/* ---- files, forms and bytes ---- */

static size_t read_piece(upload *u, size_t size, const char **why)
{
    *why = NULL;
    if (u->form != NULL)
        return form_read(u->form, u->piece, size, why);
    if (u->bytes != NULL) {
        memcpy(u->piece, u->bytes + u->done, size);
        return size;
    }
    size_t got = fread(u->piece, 1, size, u->file);
    *why = ferror(u->file) ? strerror(errno) : NULL;
    return got;
}

static void give_piece(upload *u, size_t size)
{
    const char *why;
    /* A file that grows meanwhile is sent as announced. */
    if (u->known && u->form == NULL && size > u->size - u->done)
        size = (size_t)(u->size - u->done);
    size_t got = read_piece(u, size, &why);
    if (why != NULL) {
        fail(u, u->request, why);
        return;
    }
    u->done += got;
    note_given(u, got);
    if (got > 0)
        (void)rp_request_give(u->request, u->piece, got);
    if (got == 0 || (u->known && u->done == u->size) || (u->form == NULL && got < size))
        (void)rp_request_body_end(u->request, NULL, 0, NULL);
}

static void give(upload *u)
{
    size_t size = allowance(u);
    u->waits = size == 0;
    if (u->waits)
        ;
    else if (u->by_thread)
        want_input(u, size);
    else
        give_piece(u, size);
}

/* ---- the whole ---- */

static upload *make(rp_loop *loop)
{
    upload *u = calloc(1, sizeof(*u));
    if (u == NULL)
        return NULL;
    pthread_mutex_init(&u->lock, NULL);
    pthread_cond_init(&u->changed, NULL);
    u->loop = loop;
    u->uses = 1;
    u->post.fn = piece_came;
    u->post.user = u;
    return u;
}

upload *upload_open(const char *path, rp_loop *loop)
{
    upload *u = make(loop);
    if (u == NULL)
        return NULL;
    if (strcmp(path, "-") != 0 && strcmp(path, ".") != 0) {
        u->path = strdup(path);
        if (u->path == NULL) {
            release(u);
            return NULL;
        }
    }
    u->by_thread = u->path == NULL || host_may_wait(path);
    if (u->by_thread)
        return u;
    u->file = fopen(path, "rb");
    if (u->file == NULL) {
        int error = errno;
        release(u);
        errno = error;
        return NULL;
    }
    u->known = host_file_size(u->file, &u->size);
    return u;
}

upload *upload_open_form(form *f, rp_loop *loop)
{
    upload *u = make(loop);
    if (u == NULL) {
        form_close(f);
        return NULL;
    }
    u->form = f;
    u->by_thread = form_may_wait(f);
    u->known = form_size(f, &u->size);
    return u;
}

upload *upload_open_bytes(const void *bytes, size_t size, rp_loop *loop)
{
    upload *u = make(loop);
    if (u == NULL)
        return NULL;
    u->bytes = bytes;
    u->size = size;
    u->known = true;
    return u;
}

bool upload_skip(upload *u, uint64_t bytes)
{
    u->begins_at = bytes;
    u->size -= bytes;
    return fseeko(u->file, (off_t)bytes, SEEK_SET) == 0;
}

void upload_in_chunks(upload *u)
{
    u->chunked = true;
}

void upload_limit_rate(upload *u, uint64_t bytes)
{
    uint64_t pace = bytes / (1000 / RATE_TICK_MS);
    u->pace = pace == 0 ? 1 : pace < SIZE_MAX ? (size_t)pace : SIZE_MAX;
    u->allowed = u->pace;
}

const char *upload_type(const upload *u)
{
    return u != NULL && u->form != NULL ? form_type(u->form) : NULL;
}

bool upload_size(const upload *u, uint64_t *size)
{
    *size = u->size;
    return u->known && !u->chunked;
}

void upload_describe(upload *u, rp_request_options *options)
{
    bool known = u->known && !u->chunked;
    options->body = known && u->size == 0 ? "" : NULL;
    options->body_size = known ? (size_t)u->size : 0;
}

void upload_give(upload *u, rp_request *request, size_t room)
{
    u->request = request;
    u->room = room;
    give(u);
}

void upload_rewind(upload *u)
{
    u->done = 0;
    u->waits = false;
    if (u->threaded)
        return; /* it never is: see upload_can_repeat; and its length is not known */
    if (u->file != NULL)
        (void)fseeko(u->file, (off_t)u->begins_at, SEEK_SET);
    if (u->form != NULL)
        form_rewind(u->form);
}

void upload_pause(upload *u)
{
    if (u == NULL)
        return;
    u->waits = u->ticking = false;
    u->allowed = u->pace;
    rp_timer_stop(u->loop, &u->timer);
}

bool upload_can_repeat(const upload *u)
{
    return u == NULL || !u->threaded;
}

const char *upload_failure(const upload *u)
{
    return u != NULL && u->failure[0] != '\0' ? u->failure : NULL;
}

void upload_close(upload *u)
{
    if (u == NULL)
        return;
    upload_pause(u);
    u->stopped = true;
    u->request = NULL;
    pthread_mutex_lock(&u->lock);
    u->over = true;
    pthread_cond_signal(&u->changed);
    pthread_mutex_unlock(&u->lock);
    release(u);
}

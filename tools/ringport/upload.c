/* upload.c - see upload.h.
 *
 * Of standard input one piece is read at a time, when it is wanted: the thread waits for that, or
 * for input. It may still wait for input when the request has ended, and nothing wakes it then:
 * what it needs goes with it. */
#include "upload.h"

#include "host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE ((size_t)32 * 1024)

struct upload {
    FILE *file; /* both NULL: standard input */
    form *form;
    uint64_t size;
    uint64_t done; /* read of the file */
    bool known, stopped;
    char failure[320];
    rp_request *request; /* which wants some */
    /* Standard input. */
    rp_loop *loop;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool wanted, over, threaded;
    unsigned uses; /* by the transfer, the thread, the post */
    rp_post post;
    int error; /* errno */
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
    pthread_cond_destroy(&u->changed);
    pthread_mutex_destroy(&u->lock);
    free(u);
}

/* ---- standard input ---- */

static void piece_came(rp_post *post, void *user)
{
    upload *u = user;
    (void)post;
    if (u->stopped)
        ;
    else if (u->error != 0)
        fail(u, u->request, strerror(u->error));
    else if (u->got == 0)
        (void)rp_request_body_end(u->request, NULL, 0, NULL);
    else /* not more than was wanted */
        (void)rp_request_give(u->request, u->piece, u->got);
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

static void *read_input(void *user)
{
    upload *u = user;
    bool more = true;
    while (more && wait_until_wanted(u)) {
        ssize_t got = read(STDIN_FILENO, u->piece, PIECE);
        pthread_mutex_lock(&u->lock);
        u->error = got < 0 ? errno : 0;
        u->got = got > 0 ? (size_t)got : 0;
        more = got > 0;
        u->uses += !u->over;
        if (!u->over)
            rp_loop_post(u->loop, &u->post);
        pthread_mutex_unlock(&u->lock);
    }
    release(u);
    return NULL;
}

static void want_input(upload *u, rp_request *request)
{
    pthread_t thread;
    u->request = request;
    if (!u->threaded) {
        u->uses++;
        int error = host_thread_create(&thread, read_input, u);
        if (error != 0) {
            u->uses--;
            fail(u, request, strerror(error));
            return;
        }
        u->threaded = true;
        pthread_detach(thread);
    }
    pthread_mutex_lock(&u->lock);
    u->wanted = true;
    pthread_cond_signal(&u->changed);
    pthread_mutex_unlock(&u->lock);
}

/* ---- files and forms ---- */

static size_t read_piece(upload *u, size_t size, const char **why)
{
    if (u->form != NULL)
        return form_read(u->form, u->piece, size, why);
    size_t got = fread(u->piece, 1, size, u->file);
    *why = ferror(u->file) ? strerror(errno) : NULL;
    return got;
}

static void give_piece(upload *u, rp_request *request, size_t room)
{
    const char *why;
    size_t size = room < PIECE ? room : PIECE;
    bool bounded =
        u->known && u->form == NULL; /* a file that grows meanwhile is sent as announced */
    if (bounded && size > u->size - u->done)
        size = (size_t)(u->size - u->done);
    size_t got = read_piece(u, size, &why);
    if (why != NULL) {
        fail(u, request, why);
        return;
    }
    if (got > 0)
        (void)rp_request_give(request, u->piece, got);
    u->done += got;
    if (got < size || (bounded && u->done == u->size))
        (void)rp_request_body_end(request, NULL, 0, NULL);
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
    if (u == NULL || strcmp(path, "-") == 0 || strcmp(path, ".") == 0)
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
    u->known = form_size(f, &u->size);
    return u;
}

const char *upload_type(const upload *u)
{
    return u != NULL && u->form != NULL ? form_type(u->form) : NULL;
}

bool upload_size(const upload *u, uint64_t *size)
{
    *size = u->size;
    return u->known;
}

void upload_describe(upload *u, rp_request_options *options)
{
    if (u->known && u->size == 0)
        options->body = "";
    else
        options->body_size = u->known ? (size_t)u->size : 0;
}

void upload_give(upload *u, rp_request *request, size_t room)
{
    if (u->file != NULL || u->form != NULL)
        give_piece(u, request, room);
    else
        want_input(u, request);
}

void upload_rewind(upload *u)
{
    if (u->file != NULL)
        rewind(u->file);
    u->done = 0;
    if (u->form != NULL)
        form_rewind(u->form);
}

bool upload_can_repeat(const upload *u)
{
    return u == NULL || u->file != NULL || u->form != NULL || !u->threaded;
}

const char *upload_failure(const upload *u)
{
    return u != NULL && u->failure[0] != '\0' ? u->failure : NULL;
}

void upload_close(upload *u)
{
    if (u == NULL)
        return;
    if (u->file != NULL)
        fclose(u->file);
    form_close(u->form);
    u->stopped = true;
    u->request = NULL;
    pthread_mutex_lock(&u->lock);
    u->over = true;
    pthread_cond_signal(&u->changed);
    pthread_mutex_unlock(&u->lock);
    release(u);
}

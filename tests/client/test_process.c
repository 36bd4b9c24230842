/* test_process.c - ringport in a process that forks, and what is left of secrets in one.
 *
 * Each child ends by _exit, with a number that says what went wrong; 0: nothing. */
#include "support/check.h"
#include "support/loops.h"
#include "support/web.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- children ---- */

/* What the child's run returned. A signal, or two minutes, fails the test. */
static int in_child(int (*run)(void *argument), void *argument)
{
    int status = 0;
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
        for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
            (void)signal(fatal[i], SIG_DFL); /* cmocka's would run the parent's tests on */
        (void)alarm(120);
        _exit(run(argument));
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        fail_msg("the child died of signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

/* ---- secrets in the whole of a process's memory ---- */

enum { SECRET_BYTES = 24 };

typedef struct secret {
    char hidden[2][SECRET_BYTES]; /* each byte exclusive-or 0x55: this is no copy */
} secret;

/* Another one each time, as the parent's server keeps what it read; and made here, so that no file
 * holds it. */
static void make_secret(secret *s)
{
    static uint32_t chance = 1;
    for (unsigned i = 0; i < 2 * SECRET_BYTES; i++) {
        chance = chance * 1664525u + 1013904223u;
        s->hidden[i / SECRET_BYTES][i % SECRET_BYTES] = (char)(('a' + (chance >> 24) % 26) ^ 0x55);
    }
}

static void reveal(const secret *s, int which, char *text)
{
    for (int i = 0; i < SECRET_BYTES; i++)
        text[i] = (char)(s->hidden[which][i] ^ 0x55);
}

static void conceal(void *text, size_t size)
{
    volatile char *bytes = text;
    for (size_t i = 0; i < size; i++)
        bytes[i] = 0;
}

static bool matches(const char *at, const char *hidden)
{
    for (size_t i = 0; i < SECRET_BYTES; i++) {
        if (at[i] != (char)(hidden[i] ^ 0x55))
            return false;
    }
    return true;
}

static int copies_between(const char *at, const char *end, const char *hidden)
{
    int found = 0;
    for (; end - at >= SECRET_BYTES; at++) {
        at = memchr(at, hidden[0] ^ 0x55, (size_t)(end - at) - SECRET_BYTES + 1);
        if (at == NULL)
            break;
        found += matches(at, hidden);
    }
    return found;
}

/* In everything that can be written, the stack included. */
static int copies(const char *hidden)
{
    static char text[1 << 20], piece[1 << 20]; /* not on the heap, which this reads */
    size_t size = 0;
    ssize_t got;
    int maps = open("/proc/self/maps", O_RDONLY), memory = open("/proc/self/mem", O_RDONLY);
    int found = 0;
    while ((got = read(maps, text + size, sizeof(text) - 1 - size)) > 0)
        size += (size_t)got;
    text[size] = '\0';
    for (char *line = text; line != NULL && *line != '\0';) {
        unsigned long long begin = 0, end = 0;
        char rights[8] = "";
        (void)sscanf(line, "%llx-%llx %7s", &begin, &end, rights);
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
        if (rights[0] != 'r' || rights[1] != 'w' || (end - begin) >> 30 > 0)
            continue; /* a sanitizer's, where it is so large */
        while (begin < end) {
            size_t part = end - begin < sizeof(piece) ? (size_t)(end - begin) : sizeof(piece);
            if (pread(memory, piece, part, (off_t)begin) != (ssize_t)part)
                break;
            found += copies_between(piece, piece + part, hidden);
            begin += part == end - begin ? part : part - SECRET_BYTES;
        }
    }
    conceal(piece, sizeof(piece));
    (void)close(maps);
    (void)close(memory);
    return found;
}

typedef struct holder {
    const char *backend;
    const char *url;
    rp_tls_config *tls;
    secret secret;
    rp_status status;
    size_t cancelled_after; /* turns; 0: not */
    size_t body_bytes;
} holder;

static void keep_status(rp_collected *collected, const rp_response_summary *summary, void *user)
{
    holder *h = user;
    h->status = summary->error == NULL ? RP_OK : summary->error->status;
    CHECK(summary->error != NULL || collected->body_size >= SECRET_BYTES);
}

/* The server answers with what the body says: the second secret is in request and response. */
static int hold_secrets(void *argument)
{
    holder *h = argument;
    char *token = calloc(1, SECRET_BYTES + 1), *body = calloc(1, h->body_bytes);
    CHECK(token != NULL && body != NULL);
    reveal(&h->secret, 0, token);
    reveal(&h->secret, 1, body);
    rp_loop *loop = NULL;
    rp_client *client = NULL;
    rp_loop_options loop_options = {.backend = h->backend};
    rp_error error;
    rp_client_options options = {.tls = h->tls};
    rp_header header = {"Authorization", token};
    rp_request_options request = {.url = h->url,
                                  .headers = &header,
                                  .header_count = 1,
                                  .body = body,
                                  .body_size = h->body_bytes,
                                  .total_timeout_ms = 10000};
    rp_collected answer = {.on_done = keep_status, .user = h};
    CHECK_TEXT(loops_create(&loop, &loop_options, &error) == RP_OK, error.text);
    CHECK(rp_client_create(&client, loop, &options, NULL) == RP_OK);
    h->status = RP_E_INTERNAL;
    rp_request *started = rp_client_send(client, &request, &rp_collect_events, &answer, NULL);
    CHECK(started != NULL);
    for (size_t i = 0; i < h->cancelled_after; i++)
        (void)rp_loop_turn(loop, 5);
    if (h->cancelled_after > 0 && h->status == RP_E_INTERNAL)
        rp_request_cancel(started);
    rp_loop_run(loop);
    rp_client_destroy(client);
    rp_tls_config_release(h->tls);
    rp_loop_destroy(loop);
    conceal(token, SECRET_BYTES);
    conceal(body, SECRET_BYTES);
    free(token);
    free(body);
    if (h->cancelled_after == 0 && h->status != RP_OK)
        return 100;
    return copies(h->secret.hidden[0]) + 10 * copies(h->secret.hidden[1]);
}

static void test_no_copy_is_left(void **state)
{
    static const int versions[] = {0, 12, 13};
    (void)state;
    for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
        for (size_t i = 0; i < 8; i++) {
            holder h = {.backend = fixture_backend(),
                        .cancelled_after = i / 2,
                        .body_bytes = i % 2 == 0 ? SECRET_BYTES : 50000};
            server_options serving = {.tls = probe_server_tls("server-ecdsa", versions[v]),
                                      .backend = fixture_backend()};
            h.tls = probe_client_tls(versions[v]);
            make_secret(&h.secret);
            server *s = server_start_thread(&serving);
            h.url = server_url(s, "/echo");
            int left = in_child(hold_secrets, &h);
            if (left != 0)
                fail_msg("version %d, %zu bytes, cancelled after %zu turns: %d", versions[v],
                         h.body_bytes, h.cancelled_after, left);
            server_stop(s);
            rp_tls_config_release(h.tls);
            rp_tls_config_release(serving.tls);
        }
    }
}

/* ---- fork ---- */

/* What the parent has when it forks. */
typedef struct family {
    web w;
    rp_resolver *resolver, *used; /* used: by nobody else any more, and it has a thread */
    fetch idle, upload, waiting;
    probe stream;
    rp_timer timer;
    rp_post post;
    unsigned fired, posted;
    unsigned order; /* in which the child destroys what it inherited */
} family;

enum { BODY_BYTES = 300000 };
static uint8_t *data;

static void count_fired(rp_timer *timer, void *user)
{
    family *f = user;
    (void)timer;
    f->fired++;
}

static void count_posted(rp_post *post, void *user)
{
    family *f = user;
    (void)post;
    f->posted++;
}

static void use_resolver(family *f)
{
    probe lookup = {0};
    rp_resolver_options asks = {.servers = "127.0.0.1:9"};
    assert_int_equal(rp_resolver_create(&f->used, &asks, NULL), RP_OK);
    rp_stream_options to = {.host = "name.test", .resolver = f->used, .resolve_timeout_ms = 100};
    assert_int_equal(probe_open(&lookup, f->w.loop, &to), RP_OK);
    UNTIL(f->w.loop, lookup.opens > 0);
    probe_finish(&lookup);
}

/* An idle connection, an upload under way, a request that waits for their connections, a stream, a
 * timer; or, with nothing, a loop that never turned. */
static void family_begin(family *f, int version, bool nothing, bool waitable)
{
    rp_client_options options = {.connections_per_origin = 2};
    memset(f, 0, sizeof(*f));
    assert_int_equal(rp_resolver_create(&f->resolver, NULL, NULL), RP_OK);
    options.resolver = f->resolver;
    web_begin_apart(&f->w, version, NULL, &options);
    if (waitable)
        assert_true(rp_loop_waitable(f->w.loop).socket >= 0);
    if (nothing)
        return;
    use_resolver(f);
    fetch_good(&f->idle, &f->w, "/hello", NULL, 200);
    rp_request_options upload = {.body = data, .body_size = BODY_BYTES, .receive_credit_bytes = 10};
    assert_true(fetch_start(&f->upload, &f->w, "/echo", &upload));
    assert_true(fetch_start(&f->waiting, &f->w, "/delay/50", NULL));
    rp_stream_options to = {
        .host = "127.0.0.1", .port = server_port(f->w.server), .tls = f->w.client_tls};
    assert_int_equal(probe_open(&f->stream, f->w.loop, &to), RP_OK);
    for (int i = 0; i < 5; i++)
        (void)rp_loop_turn(f->w.loop, 1);
    /* Until the server's thread has done what it can: the address sanitizer's allocator (gcc 12)
     * hangs in a child that was forked while another thread allocated. */
    fixture_sleep_ms(50);
    rp_timer_start(f->w.loop, &f->timer, 100, count_fired, f);
}

/* Everything goes on in the parent as if nothing had been. */
static void family_end(family *f, bool nothing)
{
    fetch after = {0};
    if (!nothing) {
        while (f->upload.dones == 0 || f->waiting.dones == 0 || f->fired == 0) {
            if (f->upload.request != NULL)
                fetch_consume(&f->upload, 100000);
            (void)rp_loop_turn(f->w.loop, 1000);
        }
        assert_int_equal(f->upload.error.status, RP_OK);
        assert_int_equal(f->upload.body_bytes, BODY_BYTES);
        assert_int_equal(f->waiting.error.status, RP_OK);
        UNTIL(f->w.loop, f->stream.opens > 0);
        assert_int_equal(f->stream.open_error.status, RP_OK);
        probe_finish(&f->stream);
    }
    fetch_good(&after, &f->w, "/hello", NULL, 200);
    assert_int_equal(f->fired, nothing ? 0 : 1);
    assert_int_equal(f->posted, 0);
    /* The child's own; two, of which none was lost, and the stream's. */
    assert_int_equal(atomic_load(&web_counts(&f->w)->connections), nothing ? 2 : 4);
    rp_resolver_release(f->resolver);
    rp_resolver_release(f->used);
    web_end(&f->w);
}

#define SAY_UNLESS(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: in the child, in vain: %s\n", __FILE__, __LINE__,        \
                          #condition);                                                             \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

static bool is_told(const rp_error *error)
{
    return error->status == RP_E_MISUSE && strstr(error->text, "process that made it") != NULL;
}

/* Each public call on what was inherited. */
static int call_everything(family *f)
{
    static rp_collected collected;
    static rp_write write;
    rp_loop *loop = f->w.loop;
    rp_client *client = NULL;
    rp_stream *stream = NULL;
    rp_error error = {.status = RP_OK};
    rp_client_options options = {.resolver = f->resolver};
    rp_request_options get = {.url = "http://127.0.0.1/"};
    rp_stream_options to = {.host = "127.0.0.1"};
    static const rp_stream_events events = {.on_open = NULL};

    SAY_UNLESS(rp_client_create(&client, loop, NULL, &error) == RP_E_MISUSE && is_told(&error));
    error.status = RP_OK;
    SAY_UNLESS(rp_client_send(f->w.client, &get, &rp_collect_events, &collected, &error) == NULL);
    SAY_UNLESS(is_told(&error));
    SAY_UNLESS(rp_stream_open(&stream, loop, &to, &events, NULL) == RP_E_MISUSE);
    if (f->upload.request != NULL) {
        rp_response_summary summary;
        rp_request_consume(f->upload.request, 100);
        rp_request_summary_get(f->upload.request, &summary);
        rp_request_cancel(f->upload.request);
        rp_request_cancel(f->waiting.request);
    }
    if (f->stream.stream != NULL) {
        rp_stream_info info;
        rp_stream_info_get(f->stream.stream, &info);
        SAY_UNLESS(rp_stream_write(f->stream.stream, &write, "x", 1, NULL, NULL) == RP_E_MISUSE);
        SAY_UNLESS(rp_stream_shutdown_write(f->stream.stream, &write, NULL, NULL) == RP_E_MISUSE);
        rp_stream_consume(f->stream.stream, 10);
        rp_stream_close(f->stream.stream);
    }
    rp_timer timer = {0};
    rp_timer_start(loop, &timer, 0, count_fired, f);
    rp_timer_start(loop, &f->timer, 0, count_fired, f);
    f->post = (rp_post){.fn = count_posted, .user = f};
    rp_loop_post(loop, &f->post);
    SAY_UNLESS(rp_loop_turn(loop, RP_NEVER_MS) == 0);
    SAY_UNLESS(!rp_loop_pending(loop));
    rp_loop_run(loop);
    rp_loop_stop(loop);
    SAY_UNLESS(rp_loop_waitable(loop).socket == -1);
    SAY_UNLESS(rp_loop_now_ms(loop) > 0);
    SAY_UNLESS(rp_loop_stats_get(loop)->turns < 1000000 && rp_loop_backend(loop)[0] != '\0');
    rp_timer_stop(loop, &timer);
    SAY_UNLESS(f->fired == 0 && f->posted == 0 && f->upload.dones == 0 && f->stream.closes == 0);

    /* A loop of the child's own takes no resolver of the parent's. */
    SAY_UNLESS(rp_loop_create(&loop, NULL, NULL) == RP_OK);
    SAY_UNLESS(rp_client_create(&client, loop, &options, &error) == RP_E_MISUSE && is_told(&error));
    rp_loop_destroy(loop);
    return 0;
}

static void done_in_child(rp_collected *collected, const rp_response_summary *summary, void *user)
{
    (void)summary;
    *(int *)user = collected->status;
}

/* A loop of the child's own serves it, with the parent's TLS configuration. */
static int ask_from_child(family *f)
{
    int status = 0;
    rp_loop *loop = NULL;
    rp_client *client = NULL;
    rp_loop_options backend = {.backend = fixture_backend()};
    rp_error error;
    rp_client_options options = {.tls = f->w.client_tls};
    rp_request_options get = {.url = server_url(f->w.server, "/hello")};
    rp_collected collected = {.on_done = done_in_child, .user = &status};
    SAY_UNLESS(loops_create(&loop, &backend, &error) == RP_OK);
    SAY_UNLESS(rp_client_create(&client, loop, &options, NULL) == RP_OK);
    SAY_UNLESS(rp_client_send(client, &get, &rp_collect_events, &collected, NULL) != NULL);
    rp_loop_run(loop);
    rp_client_destroy(client);
    rp_loop_destroy(loop);
    SAY_UNLESS(status == 200);
    return 0;
}

static int destroy_inherited(family *f)
{
    for (unsigned i = 0; i < 3; i++) {
        switch ((f->order + i) % 3) {
        case 0:
            rp_loop_destroy(f->w.loop);
            break;
        case 1:
            rp_client_destroy(f->w.client);
            break;
        default:
            rp_resolver_release(f->resolver);
            rp_resolver_release(f->used);
            break;
        }
    }
    SAY_UNLESS(f->upload.dones == 0 && f->stream.closes == 0);
    return 0;
}

static int child_of_family(void *argument)
{
    family *f = argument;
    int failed = call_everything(f);
    if (failed == 0)
        failed = destroy_inherited(f);
    return failed != 0 ? failed : ask_from_child(f);
}

static void test_fork(void **state)
{
    static const int versions[] = {0, 13};
    (void)state;
    for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
        for (unsigned how = 0; how < 12; how++) {
            family f;
            bool nothing = how % 2 == 1, waitable = how / 2 % 2 == 1;
            family_begin(&f, versions[v], nothing, waitable);
            f.order = how / 4;
            assert_int_equal(in_child(child_of_family, &f), 0);
            for (int i = 0; i < 3 && nothing && !waitable; i++)
                assert_int_equal(rp_loop_turn(f.w.loop, 0), 0); /* it has nothing to wake for */
            family_end(&f, nothing);
        }
    }
}

/* ---- fork in a callback, which returns in the child ---- */

enum { CALLS = 12 };

typedef struct splitting {
    web w;
    fetch all[CALLS];
    rp_timer timers[2];
    rp_post posts[2];
    unsigned told;       /* callbacks so far */
    unsigned others;     /* of these, timers' and posts' */
    unsigned fork_at;    /* of these */
    unsigned same_cause; /* those that may follow it in the child: of the same completion */
    pid_t child;         /* 0 in the child; -1: not yet */
} splitting;

static void told(splitting *s, unsigned same_cause)
{
    if (++s->told == s->fork_at) {
        (void)fflush(NULL);
        s->child = fork();
        CHECK(s->child >= 0);
        s->same_cause = same_cause;
    }
}

static void told_head(fetch *f)
{
    told(f->user, 2);
}

static void told_body(fetch *f, size_t size)
{
    (void)size;
    told(f->user, 2);
}

static void told_timer(rp_timer *timer, void *user)
{
    splitting *s = user;
    (void)timer;
    s->others++;
    told(s, 0);
}

static void told_post(rp_post *post, void *user)
{
    splitting *s = user;
    (void)post;
    s->others++;
    told(s, 0);
}

/* In the child the turn ends, nothing more comes, and it can go. */
static void leave_child(splitting *s)
{
    (void)alarm(120);
    unsigned before = s->told;
    CHECK(before <= s->fork_at + s->same_cause);
    for (int i = 0; i < 3; i++)
        CHECK(rp_loop_turn(s->w.loop, 1000) == 0);
    rp_loop_run(s->w.loop);
    CHECK(s->told == before);
    rp_client_destroy(s->w.client);
    rp_loop_destroy(s->w.loop);
    _exit(0);
}

static bool all_done(const splitting *s)
{
    for (int i = 0; i < CALLS; i++) {
        if (s->all[i].dones == 0)
            return false;
    }
    return s->others == 4;
}

/* All answers are there when the loop turns: completions behind the fork are the parent's. False:
 * fewer callbacks came than that. */
static bool split(int version, unsigned fork_at, bool waitable)
{
    /* Some connections are closed, others get no credit for the rest. */
    static const char *const paths[] = {"/hello", "/close", "/bytes/100"};
    splitting s = {.fork_at = fork_at, .child = -1};
    int status = 0;
    web_begin_apart(&s.w, version, NULL, NULL);
    if (waitable)
        assert_true(rp_loop_waitable(s.w.loop).socket >= 0);
    for (int round = 0; round < 2; round++) { /* first the connections */
        for (int i = 0; i < CALLS; i++) {
            s.all[i] = (fetch){.user = &s};
            if (round > 0) {
                s.all[i].on_head = told_head;
                s.all[i].on_body = told_body;
                s.all[i].on_done = told_head;
            }
            int kind = round == 0 ? 0 : i % 3;
            rp_request_options options = {.receive_credit_bytes = kind == 2 ? 60 : 0};
            assert_true(fetch_start(&s.all[i], &s.w, paths[kind], &options));
        }
        for (int i = 0; i < CALLS && round == 0; i++)
            fetch_wait(&s.all[i]);
    }
    for (int i = 0; i < 2; i++) {
        rp_timer_start(s.w.loop, &s.timers[i], 1, told_timer, &s);
        s.posts[i] = (rp_post){.fn = told_post, .user = &s};
        rp_loop_post(s.w.loop, &s.posts[i]);
    }
    (void)rp_loop_turn(s.w.loop, 0); /* submits */
    if (s.child == 0)
        leave_child(&s);
    fixture_sleep_ms(30);
    while (!all_done(&s)) {
        (void)rp_loop_turn(s.w.loop, 10);
        if (s.child == 0)
            leave_child(&s);
        for (int i = 0; i < CALLS; i++) {
            if (s.all[i].request != NULL)
                fetch_consume(&s.all[i], 10);
        }
    }
    if (s.child > 0) {
        assert_int_equal(waitpid(s.child, &status, 0), s.child);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            fail_msg("forked in callback %u, the child ended with %d", fork_at, status);
    }
    for (int i = 0; i < CALLS; i++)
        assert_int_equal(s.all[i].error.status, RP_OK);
    web_end(&s.w);
    return s.child > 0;
}

static void test_fork_in_a_callback(void **state)
{
    static const int versions[] = {0, 13};
    (void)state;
    for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
        for (int waitable = 0; waitable < 2; waitable++) {
            for (unsigned fork_at = 1; split(versions[v], fork_at, waitable == 1); fork_at += 2)
                assert_true(fork_at < 1000);
        }
    }
}

/* ---- a child that lives on ---- */

typedef struct survivor {
    web *w;
    int ready, go;
} survivor;

static int live_on(void *argument)
{
    survivor *s = argument;
    char byte;
    rp_loop_destroy(s->w->loop);
    CHECK(write(s->ready, "", 1) == 1);
    CHECK(read(s->go, &byte, 1) == 1);
    return 0;
}

/* The parent ends a connection while the child, which has given it back, still lives: the server
 * sees the end. */
static void test_connections_given_back(void **state)
{
    (void)state;
    web w;
    fetch first = {0};
    int ready[2], go[2], status;
    char byte;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(go), 0);
    web_begin_apart(&w, 13, NULL, NULL);
    fetch_good(&first, &w, "/hello", NULL, 200);
    pid_t child = fork();
    if (child == 0) {
        survivor s = {&w, ready[1], go[0]};
        (void)alarm(120);
        _exit(live_on(&s));
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    rp_client_destroy(w.client);
    w.client = NULL;
    UNTIL(w.loop, !rp_loop_pending(w.loop));
    for (int i = 0; i < 1000 && atomic_load(&web_counts(&w)->open) > 0; i++)
        fixture_sleep_ms(5);
    assert_int_equal(atomic_load(&web_counts(&w)->open), 0);
    assert_int_equal(write(go[1], "", 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    for (int i = 0; i < 2; i++) {
        (void)close(ready[i]);
        (void)close(go[i]);
    }
    web_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test_real(test_no_copy_is_left),
        fixture_test_real(test_fork),
        fixture_test_real(test_fork_in_a_callback),
        fixture_test_real(test_connections_given_back),
    };
    data = probe_pattern(BODY_BYTES);
    int failed = fixture_run(tests);
    free(data);
    return failed;
}

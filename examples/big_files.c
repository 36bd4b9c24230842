/* big_files.c - a file that is fetched though its connections break, and sent; and the test that it
 * is whole: big_files [FILE] */
#include <ringport/ringport.h>
#include <ringport/sim.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* guide: begin download */
typedef struct download {
    rp_client *client;
    const char *url;
    FILE *file;        /* what came, from the first byte on */
    uint64_t had;      /* so much of it */
    char version[128]; /* its strong ETag, without which nothing is resumed */
    unsigned tries;    /* without a new byte */
    uint64_t had_before;
    bool wrong, whole;
} download;

static bool fetch(download *d);

/* 206 has what was asked for; 200 all of it: the file has changed, or the server has no parts. */
static void on_head(rp_request *request, const rp_response_head *head, void *user)
{
    download *d = user;
    const rp_header *headers = head->headers;
    if (head->informational)
        return;
    const char *etag = rp_header_value(headers, head->header_count, "ETag", 0);
    const char *range = rp_header_value(headers, head->header_count, "Content-Range", 0);
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "bytes %llu-", (unsigned long long)d->had);
    if (head->status == 206) {
        d->wrong = range == NULL || strncmp(range, expected, strlen(expected)) != 0;
    } else if (head->status == 200) {
        d->had = 0;
        rewind(d->file);
        d->version[0] = '\0';
        if (etag != NULL && etag[0] == '"' && strlen(etag) < sizeof(d->version))
            memcpy(d->version, etag, strlen(etag) + 1);
    } else {
        d->wrong = true;
    }
    if (d->wrong)
        rp_request_cancel(request);
}

/* A disk that is slow slows the loop down, and so the server. Who has others to serve on the loop
 * gives the bytes to a thread, takes credit (receive_credit_bytes), and returns it when they are
 * written (rp_request_consume). */
static void on_body(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    download *d = user;
    if (fwrite(data, 1, size, d->file) != size) {
        d->wrong = true;
        rp_request_cancel(request);
    } else {
        d->had += size;
    }
}

static void on_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    download *d = user;
    (void)request;
    if (summary->error == NULL || d->wrong) {
        d->whole = !d->wrong;
        return;
    }
    printf("%llu bytes, then: %s\n", (unsigned long long)d->had, summary->error->text);
    /* Who begins anew each time gets no further, however much came. */
    bool further = d->version[0] != '\0' && d->had > d->had_before;
    d->tries = further ? 0 : d->tries + 1;
    if (d->tries < 5)
        (void)fetch(d);
}

static bool fetch(download *d)
{
    static const rp_response_events events = {on_head, on_body, on_done};
    /* Until on_head a client tries again by itself. What broke behind it is for the program. */
    static const rp_retry_options retry = {.attempts = 5};
    char range[48];
    const rp_header headers[] = {{"Range", range}, {"If-Range", d->version}};
    rp_request_options request = {
        .url = d->url,
        .headers = headers,
        .header_count = d->version[0] != '\0' ? 2 : 0,
        .redirects_limit = 5,
        .retry = &retry,
        .idle_timeout_ms = 30000, /* and no total_timeout_ms: it takes as long as it takes */
    };
    if (request.header_count == 0) /* from the beginning */
        d->had = 0, rewind(d->file);
    d->had_before = d->had;
    (void)snprintf(range, sizeof(range), "bytes=%llu-", (unsigned long long)d->had);
    return rp_client_send(d->client, &request, &events, d, NULL) != NULL;
}
/* guide: end download */

/* guide: begin upload */
typedef struct upload {
    rp_collected answer; /* first: all callbacks get its address */
    FILE *file;
} upload;

/* Gives as much as is taken: 64 KiB wait in memory, whatever the file's size. */
static void on_body_wanted(rp_request *request, size_t room, void *user)
{
    upload *u = user;
    char bytes[16384];
    size_t size = 1;
    while (room > 0 && size > 0) {
        size = fread(bytes, 1, room < sizeof(bytes) ? room : sizeof(bytes), u->file);
        room -= rp_request_give(request, bytes, size);
    }
    if (ferror(u->file))
        rp_request_body_abort(request);
    else if (feof(u->file))
        (void)rp_request_body_end(request, NULL, 0, NULL);
}

static void on_body_rewind(rp_request *request, void *user)
{
    upload *u = user;
    (void)request;
    rewind(u->file);
}

static bool send_file(rp_client *client, const char *url, uint64_t size, upload *u)
{
    rp_request_options request = {
        .url = url,
        .method = "PUT",
        .body_size = (size_t)size, /* one that grows or shrinks meanwhile ends the request */
        .on_body_wanted = on_body_wanted,
        .on_body_rewind = on_body_rewind, /* PUT is idempotent: it may be sent again */
        .expect_continue = true,
        .idle_timeout_ms = 30000,
    };
    return rp_client_send(client, &request, &rp_collect_events, u, NULL) != NULL;
}
/* guide: end upload */

/* The test: a server whose connections break, and the file changes once; and then one with which
 * there is no going on. */
enum { SIZE = 3 * 1024 * 1024 };
static uint8_t content[SIZE], received[SIZE];
static size_t received_size;
static unsigned requests, resumed;
static bool nameless; /* it has no versions, and always breaks */

static void serve(rp_sim_exchange *x, void *user)
{
    const char *range = rp_sim_header(x, "Range"), *version = rp_sim_header(x, "If-Range");
    unsigned long long from = 0;
    char headers[128], etag[32];
    (void)user;
    if (strcmp(rp_sim_method(x), "PUT") == 0) {
        rp_sim_respond(x, 201, NULL, "", 0);
        return;
    }
    if (++requests == 3)
        content[0] = 'C'; /* a new version */
    (void)snprintf(etag, sizeof(etag), "\"v%c\"", content[0]);
    if (range != NULL && version != NULL && strcmp(version, etag) == 0)
        from = strtoull(range + strlen("bytes="), NULL, 10);
    resumed += from > 0;
    (void)snprintf(headers, sizeof(headers), "ETag: %s\r\nContent-Range: bytes %llu-%d/%d\r\n",
                   etag, from, SIZE - 1, SIZE);
    bool breaks = requests < 4 || nameless;
    rp_sim_head(x, from > 0 ? 206 : 200, nameless ? NULL : headers, SIZE - from);
    rp_sim_data(x, content + from, breaks ? SIZE / 4 : SIZE - from);
    rp_sim_end(x, breaks ? RP_SIM_END_RESET : RP_SIM_KEEP);
}

static void receive(rp_sim_exchange *x, const uint8_t *data, size_t size, void *user)
{
    (void)x;
    (void)user;
    if (size <= SIZE - received_size)
        memcpy(received + received_size, data, size);
    received_size += size;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "big_files.part";
    rp_sim *sim = NULL;
    rp_loop *loop = NULL;
    rp_client *client = NULL;
    rp_client_options with = {.tls = NULL};
    rp_sim_server *server;
    rp_sim_server_options serving = {
        .host = "files.example.com", .on_request = serve, .on_body = receive};
    download d = {.url = "https://files.example.com/film", .file = fopen(name, "w+b")};
    upload u = {.file = d.file};
    rp_error error;
    for (size_t i = 0; i < SIZE; i++)
        content[i] = (uint8_t)(i * i >> 7);
    content[0] = 'A';
    if (d.file == NULL || rp_sim_create(&sim, NULL, &error) ||
        rp_sim_server_start(sim, &server, &serving, &error) ||
        rp_sim_loop_create(sim, &loop, NULL, false, &error) ||
        rp_tls_config_create(&with.tls, &(rp_tls_options){.ca_pem = rp_sim_ca_pem}, &error) ||
        rp_client_create(&client, loop, &with, &error))
        return 1;
    d.client = client;
    bool good = fetch(&d);
    rp_loop_run(loop);
    rewind(d.file);
    good = good && d.whole && d.had == SIZE && requests == 4 && resumed == 2 &&
           send_file(client, "https://files.example.com/copy", d.had, &u);
    rp_loop_run(loop);
    printf("%u requests, %u of them went on where one had ended\n", requests, resumed);
    download vain = {.client = client, .url = d.url, .file = d.file};
    nameless = true;
    good = good && fetch(&vain);
    rp_loop_run(loop);
    good = good && !vain.whole && requests == 4 + 5;
    rp_client_destroy(client);
    rp_tls_config_release(with.tls);
    rp_loop_destroy(loop);
    rp_sim_destroy(sim);
    (void)fclose(d.file);
    (void)remove(name);
    good = good && u.answer.status == 201 && received_size == SIZE && /* down, and up again */
           memcmp(received, content, SIZE) == 0;
    return good ? 0 : 1;
}

/* crawler.c - pages of many hosts at once, a few of each; and the test that it finds all. */
#include <ringport/ringport.h>
#include <ringport/sim.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* guide: begin crawler */
enum { URL_SIZE = 512, PAGES_MOST = 1000, AT_ONCE = 64, PAGE_LIMIT = 1024 * 1024 };

typedef struct page {
    struct crawler *crawler;
    char url[URL_SIZE];
    int status;
    bool unwanted; /* it is no text to look for links in */
    rp_collected text;
} page;

typedef struct crawler {
    rp_client *client;
    page *pages[PAGES_MOST]; /* each URL once; those up to next were asked for */
    size_t count, next, under_way;
    size_t bytes;
} crawler;

static rp_client *make_client(rp_loop *loop, rp_tls_config *tls, rp_error *error)
{
    rp_client *client = NULL;
    rp_client_options options = {
        .tls = tls,
        .user_agent = "example-crawler/1.0 (+https://crawler.example.com/why)",
        .connections_per_origin = 2,
        .idle_per_origin = 1,
        .connections_total = 1000, /* the least recently used idle one makes room */
        .connection_idle_ms = 5000,
        .limits = {.requests_in_flight = 2}, /* of HTTP/2, too, whose connections take a hundred */
        .retry = {.attempts = 2, .retry_after_limit_ms = 30000},
        .refuse_addresses = RP_ADDRESS_NOT_PUBLIC,          /* links are others' words */
        .decoder_memory_limit_bytes = 256u * 1024u * 1024u, /* of all answers at once */
    };
    (void)rp_client_create(&client, loop, &options, error);
    return client;
}
/* guide: end crawler */

/* guide: begin frontier */
/* robots.txt, a delay between two requests, and what is of interest are asked about here. */
static bool wanted(const char *url)
{
    rp_url_parts parts;
    return strlen(url) < URL_SIZE && rp_url_split(&parts, url, NULL) == RP_OK && parts.https &&
           parts.port_is_default && parts.user_info.size == 0;
}

static void add(crawler *c, const char *url)
{
    for (size_t i = 0; i < c->count; i++) /* thousands take a hash table */
        if (strcmp(c->pages[i]->url, url) == 0)
            return;
    page *p = c->count < PAGES_MOST && wanted(url) ? calloc(1, sizeof(*p)) : NULL;
    if (p == NULL)
        return;
    p->crawler = c;
    memcpy(p->url, url, strlen(url));
    c->pages[c->count++] = p;
}

/* A reader of HTML knows better. */
static void add_links(crawler *c, const char *base, const char *text)
{
    static const char mark[] = "href=\"";
    while ((text = strstr(text, mark)) != NULL) {
        char reference[URL_SIZE], url[4 * URL_SIZE];
        text += sizeof(mark) - 1;
        size_t size = strcspn(text, "\"#"); /* behind # is nothing that a server is asked for */
        if (size == 0 || size >= sizeof(reference))
            continue;
        memcpy(reference, text, size);
        reference[size] = '\0';
        if (rp_url_join(url, sizeof(url), base, reference, NULL) == RP_OK)
            add(c, url);
    }
}
/* guide: end frontier */

/* guide: begin page */
static void fetch_more(crawler *c);

static void on_head(rp_request *request, const rp_response_head *head, void *user)
{
    page *p = user;
    const char *type = rp_header_value(head->headers, head->header_count, "Content-Type", 0);
    if (head->informational)
        return;
    p->unwanted = type == NULL || strncmp(type, "text/html", 9) != 0;
    if (p->unwanted)
        rp_request_cancel(request); /* a film, perhaps: nothing more of it is read */
}

static void on_body(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    page *p = user;
    rp_collect_events.on_body(request, data, size, &p->text);
}

static void on_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    page *p = user;
    rp_collect_events.on_done(request, summary, &p->text); /* calls page_came */
}

/* A page of the same host may be followed; elsewhere is a page of its own. */
static bool on_redirect(rp_request *request, rp_redirect *redirect, void *user)
{
    page *p = user;
    (void)request;
    if (!redirect->same_origin)
        add(p->crawler, redirect->url);
    return redirect->same_origin;
}

static void page_came(rp_collected *text, const rp_response_summary *summary, void *user)
{
    page *p = user;
    crawler *c = p->crawler;
    p->status = summary->status;
    c->under_way--;
    c->bytes += text->body_size;
    if (summary->error == NULL && summary->status == 200)
        add_links(c, summary->url != NULL ? summary->url : p->url, (const char *)text->body);
    printf("%s: %d%s%s\n", p->url, p->status, summary->error == NULL ? "" : ", ",
           p->unwanted              ? "not a page"
           : summary->error != NULL ? summary->error->text
                                    : "");
    fetch_more(c);
}

static void fetch(page *p)
{
    static const rp_response_events events = {on_head, on_body, on_done};
    static const rp_header accept[] = {{"Accept", "text/html"}};
    rp_request_options request = {
        .url = p->url,
        .headers = accept,
        .header_count = 1,
        .redirects_limit = 5,
        .on_redirect = on_redirect,
        .decompress = true,
        .decompressed_limit_bytes = PAGE_LIMIT,
        .total_timeout_ms = 60000, /* a server that dribbles is not waited for */
    };
    rp_error error;
    p->text = (rp_collected){.limit_bytes = PAGE_LIMIT, .on_done = page_came, .user = p};
    if (rp_client_send(p->crawler->client, &request, &events, p, &error) != NULL)
        p->crawler->under_way++;
    else
        printf("%s: %s\n", p->url, error.text);
}

/* Of all URLs that are known so many are under way; the others cost their text. */
static void fetch_more(crawler *c)
{
    while (c->next < c->count && c->under_way < AT_ONCE)
        fetch(c->pages[c->next++]);
}
/* guide: end page */

/* The test: a small web. */
static const struct site {
    const char *host, *path, *headers, *text;
    int status;
} web[] = {
    {"www.example.com", "/", "Content-Type: text/html\r\n",
     "<a href=\"/a\"> <a href=\"b?c=d#e\"> <a href=\"https://www.example.net/\"> <a href=\"/\">"
     "<a href=\"https://inside.example.org/\"> <a href=\"ftp://example.com/\"> <a href=\"/film\">",
     200},
    {"www.example.com", "/a", "Location: /moved\r\n", "", 301},
    {"www.example.com", "/moved", "Content-Type: text/html\r\n", "<a href=\"../last\">", 200},
    {"www.example.com", "/b?c=d", "Location: https://www.example.net/there\r\n", "", 302},
    {"www.example.com", "/film", "Content-Type: video/mp4\r\n", "....", 200},
    {"www.example.com", "/last", "Content-Type: text/html\r\n", "", 404},
    {"www.example.net", "/", "Content-Type: text/html\r\nContent-Encoding: gzip\r\n",
     /* <a href="/zipped"> */
     "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xb3\x49\x54\xc8\x28\x4a\x4d\xb3\x55\xd2\xaf\xca"
     "\x2c\x28\x48\x4d\x51\xb2\x03\x00\xd4\x25\xdb\xb8\x12\x00\x00\x00",
     200},
    {"www.example.net", "/there", "Content-Type: text/html\r\n", "", 200},
    {"www.example.net", "/zipped", "Content-Type: text/html\r\n", "", 200},
};
static unsigned asked;

static void serve(rp_sim_exchange *x, void *user)
{
    const char *host = user;
    asked++;
    for (size_t i = 0; i < sizeof(web) / sizeof(web[0]); i++) {
        if (strcmp(web[i].host, host) != 0 || strcmp(web[i].path, rp_sim_target(x)) != 0)
            continue;
        size_t size = strstr(web[i].headers, "gzip") != NULL ? 38 : strlen(web[i].text);
        rp_sim_respond(x, web[i].status, web[i].headers, web[i].text, size);
        return;
    }
    rp_sim_respond(x, 500, NULL, "", 0);
}

int main(void)
{
    static const struct {
        const char *url;
        int status;
    } expected[] = {{"https://www.example.com/", 200},      {"https://www.example.com/a", 200},
                    {"https://www.example.com/b?c=d", 302}, {"https://www.example.net/", 200},
                    {"https://inside.example.org/", 0},     {"https://www.example.com/film", 200},
                    {"https://www.example.com/last", 404},  {"https://www.example.net/there", 200},
                    {"https://www.example.net/zipped", 200}};
    enum { EXPECTED = sizeof(expected) / sizeof(expected[0]) };
    static crawler c;
    rp_sim *sim = NULL;
    rp_loop *loop = NULL;
    rp_tls_config *tls = NULL;
    rp_sim_server *server;
    rp_error error;
    size_t found = 0;
    static char com[] = "www.example.com", net[] = "www.example.net";
    rp_sim_server_options serving[] = {
        {.host = com, .address = "1.2.3.4", .on_request = serve, .user = com},
        {.host = net, .address = "1.2.3.5", .on_request = serve, .user = net}};
    if (rp_sim_create(&sim, NULL, &error) ||
        rp_sim_name_add(sim, "inside.example.org", "10.0.0.1", &error) ||
        rp_sim_server_start(sim, &server, &serving[0], &error) ||
        rp_sim_server_start(sim, &server, &serving[1], &error) ||
        rp_sim_loop_create(sim, &loop, NULL, false, &error) ||
        rp_tls_config_create(&tls, &(rp_tls_options){.ca_pem = rp_sim_ca_pem}, &error) ||
        (c.client = make_client(loop, tls, &error)) == NULL)
        return printf("%s\n", error.text);
    add(&c, "https://www.example.com/");
    fetch_more(&c);
    rp_loop_run(loop);
    for (size_t i = 0; i < c.count; i++) {
        for (size_t k = 0; k < EXPECTED; k++)
            found += strcmp(c.pages[i]->url, expected[k].url) == 0 &&
                     c.pages[i]->status == expected[k].status;
        free(c.pages[i]);
    }
    rp_client_destroy(c.client);
    rp_tls_config_release(tls);
    rp_loop_destroy(loop);
    rp_sim_destroy(sim);
    return c.count == EXPECTED && found == EXPECTED && asked == 9 ? 0 : 1;
}

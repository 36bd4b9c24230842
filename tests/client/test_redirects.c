/* test_redirects.c - redirects: which are followed, by which method, with which body and headers,
 * to whom they show secrets, and what is told of them; Basic and Bearer.
 *
 * Two servers are two origins. Each answers as the test's rules say, and other targets with what it
 * was asked. */
#include "support/check.h"
#include "support/scene.h"

#include <stdlib.h>
#include <string.h>

typedef struct rule {
    unsigned server;
    const char *target;
    int status;
    const char *headers; /* "$0" and "$1" in it are the servers' URLs, without a path */
    const char *body;    /* NULL: "moved" */
    uint64_t size;       /* announced; 0: as it is */
    rp_sim_ending ending;
} rule;

typedef struct site {
    scene s;
    rp_sim_server *servers[2];
    char urls[2][64];
    const rule *rules;
    size_t rule_count;
    unsigned asked[2];
    unsigned misnamed; /* requests with a Host that is not the server's */
    char seen[2048];   /* what the servers were asked, a line each */
} site;

static const char *url_of(const site *t, unsigned which, const char *path)
{
    static char texts[4][128];
    static unsigned next;
    char *text = texts[next++ % 4];
    (void)snprintf(text, 128, "%s%s", t->urls[which], path);
    return text;
}

static void expand(const site *t, const char *from, char *to, size_t size)
{
    size_t used = 0;
    for (to[0] = '\0'; *from != '\0' && used + 1 < size; from++) {
        if (from[0] == '$' && (from[1] == '0' || from[1] == '1'))
            used += (size_t)snprintf(to + used, size - used, "%s", t->urls[*++from - '0']);
        else
            to[used++] = *from;
        to[used] = '\0';
    }
}

/* "1 POST /x body=4 authorization=... ..." */
static void note(site *t, rp_sim_exchange *x, unsigned which)
{
    static const char *const names[] = {"authorization", "cookie",       "proxy-authorization",
                                        "x-secret",      "content-type", "content-language",
                                        "x-plain",       "user-agent"};
    size_t size, used = strlen(t->seen);
    (void)rp_sim_body(x, &size);
    used += (size_t)snprintf(t->seen + used, sizeof(t->seen) - used, "%u %s %s", which,
                             rp_sim_method(x), rp_sim_target(x));
    if (size > 0)
        used += (size_t)snprintf(t->seen + used, sizeof(t->seen) - used, " body=%zu", size);
    for (size_t i = 0; i + 1 < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = rp_sim_header(x, names[i]);
        if (value != NULL)
            used +=
                (size_t)snprintf(t->seen + used, sizeof(t->seen) - used, " %s=%s", names[i], value);
    }
    CHECK(used + 1 < sizeof(t->seen));
    t->seen[used] = '\n';
    t->seen[used + 1] = '\0';
}

static const rule *find(const site *t, unsigned which, const char *target)
{
    for (size_t i = 0; i < t->rule_count; i++) {
        if (t->rules[i].server == which && strcmp(t->rules[i].target, target) == 0)
            return &t->rules[i];
    }
    return NULL;
}

static void answer(rp_sim_exchange *x, void *user)
{
    site *t = user;
    char headers[1024];
    unsigned which = rp_sim_exchange_server(x) == t->servers[0] ? 0 : 1;
    const rule *r = find(t, which, rp_sim_target(x));
    t->asked[which]++;
    const char *host = rp_sim_header(x, "host");
    t->misnamed += host != NULL && strcmp(host, "other.example:1") == 0;
    note(t, x, which);
    if (r == NULL) {
        rp_sim_respond(x, 200, NULL, "here", 4);
        return;
    }
    const char *body = r->body != NULL ? r->body : "moved";
    expand(t, r->headers, headers, sizeof(headers));
    rp_sim_head(x, r->status, headers, r->size > 0 ? r->size : strlen(body));
    if (strcmp(rp_sim_method(x), "HEAD") != 0)
        rp_sim_data(x, body, strlen(body));
    if (r->ending == RP_SIM_END_RESET)
        rp_sim_wait(x, 20); /* which would overtake what was written */
    if (r->ending != RP_SIM_END_STALLED)
        rp_sim_end(x, r->ending);
}

/* HTTP's versions of the two servers. */
static const rp_sim_versions versions[][2] = {{RP_SIM_HTTP_1, RP_SIM_HTTP_1},
                                              {RP_SIM_HTTP_2, RP_SIM_HTTP_2},
                                              {RP_SIM_HTTP_2, RP_SIM_HTTP_1},
                                              {RP_SIM_HTTP_1, RP_SIM_HTTP_2}};
enum { VERSIONS = sizeof(versions) / sizeof(versions[0]) };

/* plain: the second server is. */
static void begin(site *t, unsigned which, bool plain, const rp_client_options *client)
{
    rp_sim_server_options serving = {
        .on_request = answer, .user = t, .versions = versions[which][0]};
    rp_error error;
    *t = (site){.rules = NULL};
    scene_begin(&t->s, 13, &serving, client);
    t->servers[0] = t->s.server;
    serving.address = "127.0.0.1";
    serving.port = fixture_simulated() ? 8443 : 0;
    serving.plain = plain;
    serving.versions = plain ? RP_SIM_HTTP_1 : versions[which][1];
    if (rp_sim_server_start_on(t->s.web.loop, &t->servers[1], &serving, &error) != RP_OK)
        fail_msg("%s", error.text);
    for (unsigned i = 0; i < 2; i++)
        (void)snprintf(t->urls[i], sizeof(t->urls[i]), "http%s://%s", i == 1 && plain ? "" : "s",
                       rp_sim_server_address(t->servers[i]));
}

static void end(site *t)
{
    for (unsigned i = 0; i < 2; i++) {
        const char *complaint = rp_sim_server_complaint(t->servers[i]);
        if (complaint != NULL)
            fail_msg("%s", complaint);
    }
    rp_client_destroy(t->s.web.client);
    t->s.web.client = NULL;
    UNTIL(t->s.web.loop, !rp_loop_pending(t->s.web.loop));
    rp_sim_server_stop(t->servers[1]);
    scene_end(&t->s);
}

#define MOVE(which, target, status, headers)                                                       \
    {                                                                                              \
        which, target, status, headers, NULL, 0, RP_SIM_KEEP                                       \
    }

#define RULES(t, ...)                                                                              \
    do {                                                                                           \
        static const rule rules_[] = {__VA_ARGS__};                                                \
        (t)->rules = rules_;                                                                       \
        (t)->rule_count = sizeof(rules_) / sizeof(rules_[0]);                                      \
        (t)->seen[0] = '\0';                                                                       \
    } while (0)

static void go(site *t, fetch *f, const char *path, const rp_request_options *options)
{
    rp_request_options known = {.redirects_limit = 5};
    if (options != NULL)
        known = *options;
    if (known.redirects_limit == 0)
        known.redirects_limit = 5;
    if (known.url == NULL)
        known.url = url_of(t, 0, path);
    *f = (fetch){.header_name = f->header_name, .on_head = f->on_head, .on_done = f->on_done};
    if (!fetch_start(f, &t->s.web, NULL, &known))
        fail_msg("%s: %s", path, f->error.text);
    fetch_wait(f);
}

static void good(site *t, fetch *f, const char *path, const rp_request_options *options,
                 const char *seen)
{
    go(t, f, path, options);
    if (f->error.status != RP_OK)
        fail_msg("%s: %s", path, f->error.text);
    assert_string_equal(t->seen, seen);
    t->seen[0] = '\0';
}

static void bad(site *t, const char *path, const rp_request_options *options, rp_status status,
                const char *says)
{
    fetch f = {0};
    go(t, &f, path, options);
    if (f.error.status != status || f.error.phase != RP_PHASE_HEAD ||
        strstr(f.error.text, says) == NULL)
        fail_msg("%s: %s in phase %s: %s", path, rp_status_name(f.error.status),
                 rp_phase_name(f.error.phase), f.error.text);
    assert_int_equal(f.heads, 0);
}

/* ---- what is followed, and how ---- */

static void test_methods(void **state)
{
    static const struct {
        const char *method;
        uint32_t flags;
        const char *expected[5]; /* behind 301, 302, 303, 307, 308 */
    } cases[] = {
        {"GET", 0, {"GET", "GET", "GET", "GET", "GET"}},
        {"HEAD", 0, {"HEAD", "HEAD", "HEAD", "HEAD", "HEAD"}},
        {"POST", 0, {"GET", "GET", "GET", "POST", "POST"}},
        {"PUT", 0, {"PUT", "PUT", "GET", "PUT", "PUT"}},
        {"DELETE", 0, {"DELETE", "DELETE", "GET", "DELETE", "DELETE"}},
        {"A", 0, {"A", "A", "GET", "A", "A"}},
        {"POST", RP_REDIRECT_POST_301, {"POST", "GET", "GET", "POST", "POST"}},
        {"POST", RP_REDIRECT_POST_302, {"GET", "POST", "GET", "POST", "POST"}},
        {"POST", RP_REDIRECT_POST_303, {"GET", "GET", "POST", "POST", "POST"}},
        {"PUT", RP_REDIRECT_POST_303, {"PUT", "PUT", "GET", "PUT", "PUT"}},
        {"POST", RP_REDIRECT_KEEP_METHOD, {"POST", "POST", "POST", "POST", "POST"}},
        {"PUT", RP_REDIRECT_KEEP_METHOD, {"PUT", "PUT", "PUT", "PUT", "PUT"}},
        {"HEAD", RP_REDIRECT_KEEP_METHOD, {"HEAD", "HEAD", "HEAD", "HEAD", "HEAD"}},
    };
    static const char *const paths[] = {"/301", "/302", "/303", "/307", "/308"};
    static const rp_header headers[] = {
        {"Content-Type", "text/x"}, {"Content-Language", "de"}, {"X-Plain", "p"}};
    (void)state;
    for (unsigned v = 0; v < 2; v++) {
        site t;
        fetch f = {0};
        begin(&t, v, false, NULL);
        RULES(&t, MOVE(0, "/301", 301, "Location: /x\r\n"),
              MOVE(0, "/302", 302, "Location: /x\r\n"), MOVE(0, "/303", 303, "Location: /x\r\n"),
              MOVE(0, "/307", 307, "Location: /x\r\n"), MOVE(0, "/308", 308, "Location: /x\r\n"));
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            bool body = strcmp(cases[i].method, "HEAD") != 0 && strcmp(cases[i].method, "GET") != 0;
            rp_request_options options = {.method = cases[i].method,
                                          .headers = headers,
                                          .header_count = 3,
                                          .redirect_flags = cases[i].flags};
            if (body) {
                options.body = "text";
                options.body_size = 4;
            }
            for (size_t j = 0; j < 5; j++) {
                bool alone = cases[i].flags == RP_REDIRECT_KEEP_METHOD && j < 3;
                bool kept = !alone && strcmp(cases[i].method, cases[i].expected[j]) == 0;
                const char *with = body ? " body=4" : "";
                char seen[512];
                (void)snprintf(seen, sizeof(seen),
                               "0 %s %s%s content-type=text/x content-language=de x-plain=p\n"
                               "0 %s /x%s%s x-plain=p\n",
                               cases[i].method, paths[j], with, cases[i].expected[j],
                               kept ? with : "",
                               kept ? " content-type=text/x content-language=de" : "");
                good(&t, &f, paths[j], &options, seen);
                assert_int_equal(f.summary.redirects, 1);
                assert_int_equal(f.summary.body_bytes_sent, kept && body ? 4 : 0);
            }
        }
        end(&t);
    }
}

/* Others are answers, and so is one that says no place; and with no limit all of them. */
static void test_answers(void **state)
{
    static const char *const paths[] = {"/300", "/304", "/305", "/306", "/none", "/empty", "/200"};
    (void)state;
    for (unsigned v = 0; v < 2; v++) {
        site t;
        begin(&t, v, false, NULL);
        RULES(&t, MOVE(0, "/300", 300, "Location: /x\r\n"),
              {0, "/304", 304, "Location: /x\r\n", "", 0, RP_SIM_KEEP},
              MOVE(0, "/305", 305, "Location: /x\r\n"), MOVE(0, "/306", 306, "Location: /x\r\n"),
              MOVE(0, "/none", 302, ""), MOVE(0, "/empty", 302, "Location:\r\n"),
              MOVE(0, "/200", 200, "Location: /x\r\n"), MOVE(0, "/302", 302, "Location: /x\r\n"));
        for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
            fetch f = {0};
            go(&t, &f, paths[i], NULL);
            if (f.error.status != RP_OK)
                fail_msg("%s: %s", paths[i], f.error.text);
            assert_int_equal(f.heads, 1);
            assert_int_equal(f.summary.redirects, 0);
            assert_null(f.summary.url);
            assert_string_equal(f.text, strcmp(paths[i], "/304") == 0 ? "" : "moved");
        }
        fetch f = {0};
        rp_request_options none = {.url = url_of(&t, 0, "/302")};
        assert_true(fetch_start(&f, &t.s.web, NULL, &none));
        fetch_wait(&f);
        assert_int_equal(f.status, 302);
        assert_string_equal(f.text, "moved");
        end(&t);
    }
}

static char last_url[256];

static void copy_url(fetch *f)
{
    rp_response_summary summary;
    rp_request_summary_get(f->request, &summary);
    (void)snprintf(last_url, sizeof(last_url), "%s", summary.url != NULL ? summary.url : "");
}

/* References, from each hop's own URL; there and back, by every pair of versions. */
static void test_references(void **state)
{
    (void)state;
    for (unsigned v = 0; v < VERSIONS; v++) {
        site t;
        fetch f = {.on_head = copy_url};
        char expected[256];
        begin(&t, v, false, NULL);
        RULES(&t, MOVE(0, "/a/b?q", 302, "Location: ../c/d\r\n"),
              MOVE(0, "/c/d", 302, "Location: $1/e/f?g h\r\n"),
              MOVE(1, "/e/f?g%20h", 307, "Location: ?i\r\n"),
              MOVE(1, "/e/f?i", 308, "Location: g/./h\r\n"),
              MOVE(1, "/e/g/h", 301, "Location: $0/\xc3\xa4#t\r\n"));
        rp_request_options options = {.url = url_of(&t, 0, "/a/b?q#frag")};
        good(&t, &f, "", &options,
             "0 GET /a/b?q\n0 GET /c/d\n1 GET /e/f?g%20h\n1 GET /e/f?i\n1 GET /e/g/h\n"
             "0 GET /%C3%A4\n");
        (void)snprintf(expected, sizeof(expected), "%s/%%C3%%A4#t", t.urls[0]);
        assert_string_equal(last_url, expected);
        assert_int_equal(f.summary.redirects, 5);
        assert_int_equal(f.summary.attempts, 1);
        assert_true(f.summary.redirect_us > 0);
        assert_true(f.summary.redirect_us <= f.summary.timings.first_byte_us);
        assert_true(f.summary.timings.first_byte_us <= f.summary.timings.total_us);
        assert_int_equal(f.summary.version, versions[v][0] == RP_SIM_HTTP_2 ? 20 : 11);
        assert_string_equal(f.text, "here");
        /* Each server's connection served all that was for it. */
        for (unsigned i = 0; i < 2; i++) {
            rp_sim_server_counts counts;
            rp_sim_server_counts_get(t.servers[i], &counts);
            assert_true(counts.connections <= (versions[v][i] == RP_SIM_HTTP_2 ? 2 : 1));
        }
        f.on_head = copy_url; /* a fragment is inherited */
        RULES(&t, MOVE(0, "/a", 302, "Location: $1/b\r\n"));
        options.url = url_of(&t, 0, "/a#frag");
        good(&t, &f, "", &options, "0 GET /a\n1 GET /b\n");
        (void)snprintf(expected, sizeof(expected), "%s/b#frag", t.urls[1]);
        assert_string_equal(last_url, expected);
        end(&t);
    }
}

static void test_limit(void **state)
{
    (void)state;
    for (unsigned v = 0; v < 2; v++) {
        site t;
        fetch f = {0};
        rp_request_options options = {.redirects_limit = 3};
        begin(&t, v, false, NULL);
        RULES(&t, MOVE(0, "/loop", 302, "Location: /loop\r\n"),
              MOVE(0, "/1", 302, "Location: /2\r\n"), MOVE(0, "/2", 302, "Location: /3\r\n"),
              MOVE(0, "/3", 302, "Location: /4\r\n"));
        bad(&t, "/loop", &options, RP_E_REDIRECT_LIMIT,
            "redirects once more, and 3 redirects are followed at most");
        assert_int_equal(t.asked[0], 4);
        t.seen[0] = '\0';
        good(&t, &f, "/1", &options, "0 GET /1\n0 GET /2\n0 GET /3\n0 GET /4\n");
        assert_int_equal(f.summary.redirects, 3);
        options.redirects_limit = 2;
        bad(&t, "/1", &options, RP_E_REDIRECT_LIMIT, "2 redirects");
        end(&t);
    }
}

/* Whose fault it is the sentence says; the next request is none the worse for it. */
static void test_bad_locations(void **state)
{
    static const struct {
        const char *path;
        rp_status status;
        const char *says;
    } cases[] = {
        {"/ftp", RP_E_REDIRECT_REFUSED, "scheme \"ftp\" is neither http nor https"},
        {"/file", RP_E_REDIRECT_REFUSED, "\"file\""},
        {"/data", RP_E_REDIRECT_REFUSED, "\"data\""},
        {"/host", RP_E_REDIRECT_INVALID, "has no host"},
        {"/port", RP_E_REDIRECT_INVALID, "port"},
        {"/slash", RP_E_REDIRECT_INVALID, "lacks the //"},
        {"/tab", RP_E_REDIRECT_INVALID, "control character (0x09)"},
        {"/idn", RP_E_REDIRECT_INVALID, "0xc3"},
        {"/two", RP_E_REDIRECT_INVALID, "two Locations, which differ"},
        {"/plain", RP_E_REDIRECT_REFUSED, "redirects from https to http, which is not allowed"},
    };
    (void)state;
    for (unsigned v = 0; v < 2; v++) {
        site t;
        fetch f = {0};
        begin(&t, v, true, NULL);
        RULES(&t, MOVE(0, "/ftp", 302, "Location: ftp://127.0.0.1/\r\n"),
              MOVE(0, "/file", 302, "Location: file:///etc/passwd\r\n"),
              MOVE(0, "/data", 302, "Location: data:,x\r\n"),
              MOVE(0, "/host", 302, "Location: //\r\n"),
              MOVE(0, "/port", 302, "Location: //h:x/\r\n"),
              MOVE(0, "/slash", 302, "Location: http:x\r\n"),
              MOVE(0, "/tab", 302, "Location: /a\tb\r\n"),
              MOVE(0, "/idn", 302, "Location: //\xc3\xa4/\r\n"),
              MOVE(0, "/two", 302, "Location: /x\r\nLocation: /y\r\n"),
              MOVE(0, "/plain", 302, "Location: $1/x\r\n"),
              MOVE(0, "/same", 302, "Location: /x\r\nLocation: /x\r\n"));
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
            bad(&t, cases[i].path, NULL, cases[i].status, cases[i].says);
        assert_int_equal(t.asked[1], 0);
        t.seen[0] = '\0';
        good(&t, &f, "/same", NULL, "0 GET /same\n0 GET /x\n"); /* twice the same is one */
        rp_request_options allowed = {.redirect_flags = RP_REDIRECT_INSECURE};
        good(&t, &f, "/plain", &allowed, "0 GET /plain\n1 GET /x\n");
        end(&t);
    }
}

/* ---- secrets ---- */

static const rp_header secret_headers[] = {{"AUTHORIZATION", "a"},
                                           {"Cookie", "c=d"},
                                           {"Proxy-Authorization", "p"},
                                           {"X-Secret", "s"},
                                           {"X-Plain", "x"}};
static const char *const secret_names[] = {"x-other", "x-secret"};
#define ALL " authorization=a cookie=c=d proxy-authorization=p x-secret=s x-plain=x\n"

/* For their own origin alone, and not again when a later hop comes back. */
static void test_secrets(void **state)
{
    (void)state;
    for (unsigned v = 0; v < VERSIONS; v++) {
        site t;
        fetch f = {0};
        rp_request_options options = {.headers = secret_headers,
                                      .header_count = 5,
                                      .redirect_secrets = secret_names,
                                      .redirect_secret_count = 2};
        begin(&t, v, false, NULL);
        RULES(&t, MOVE(0, "/here", 302, "Location: /x\r\n"),
              MOVE(0, "/there", 302, "Location: $1/y\r\n"),
              MOVE(0, "/round", 307, "Location: $1/round\r\n"),
              MOVE(1, "/round", 307, "Location: $0/back\r\n"));
        good(&t, &f, "/here", &options, "0 GET /here" ALL "0 GET /x" ALL);
        good(&t, &f, "/there", &options, "0 GET /there" ALL "1 GET /y x-plain=x\n");
        good(&t, &f, "/round", &options,
             "0 GET /round" ALL "1 GET /round x-plain=x\n0 GET /back x-plain=x\n");
        options.redirect_secret_count = 0;
        good(&t, &f, "/there", &options, "0 GET /there" ALL "1 GET /y x-secret=s x-plain=x\n");
        options.redirect_flags = RP_REDIRECT_TRUSTED;
        good(&t, &f, "/round", &options, "0 GET /round" ALL "1 GET /round" ALL "0 GET /back" ALL);
        end(&t);
    }
}

static void test_credentials(void **state)
{
    static const rp_header own[] = {{"authorization", "own"}};
    (void)state;
    for (unsigned v = 0; v < 2; v++) {
        site t;
        fetch f = {0};
        char url[128];
        begin(&t, v, false, NULL);
        RULES(&t, MOVE(0, "/here", 302, "Location: /x\r\n"),
              MOVE(0, "/there", 302, "Location: $1/y\r\n"),
              MOVE(0, "/round", 307, "Location: $1/round\r\n"),
              MOVE(1, "/round", 307, "Location: $0/back\r\n"));
        rp_request_options basic = {.user = "u", .password = "p"};
        good(&t, &f, "/round", &basic,
             "0 GET /round authorization=Basic dTpw\n1 GET /round\n0 GET /back\n");
        good(&t, &f, "/here", &basic,
             "0 GET /here authorization=Basic dTpw\n0 GET /x authorization=Basic dTpw\n");
        rp_request_options bearer = {.bearer = "t0ken=="};
        good(&t, &f, "/there", &bearer, "0 GET /there authorization=Bearer t0ken==\n1 GET /y\n");
        bearer.headers = basic.headers = own;
        bearer.header_count = basic.header_count = 1;
        good(&t, &f, "/", &bearer, "0 GET / authorization=own\n");
        good(&t, &f, "/", &basic, "0 GET / authorization=own\n");
        basic.header_count = 0;
        (void)snprintf(url, sizeof(url), "https://a%%40:b@%s", rp_sim_server_address(t.servers[0]));
        basic.url = url; /* the option comes first */
        good(&t, &f, "/", &basic, "0 GET / authorization=Basic dTpw\n");
        basic.user = basic.password = NULL;
        good(&t, &f, "/", &basic, "0 GET / authorization=Basic YUA6Yg==\n");
        basic.no_userinfo = true;
        good(&t, &f, "/", &basic, "0 GET /\n");
        end(&t);
    }
}

/* A Location may bring some: for its own origin, as with curl. */
static void test_credentials_of_location(void **state)
{
    site t;
    fetch f = {.on_head = copy_url};
    static rule rules[4] = {MOVE(0, "/a", 302, NULL), MOVE(0, "/b", 302, "Location: $1/c\r\n"),
                            MOVE(0, "/other", 302, NULL), MOVE(0, "/bad", 302, NULL)};
    char location[3][128];
    rp_request_options basic = {.user = "u", .password = "p"};
    (void)state;
    begin(&t, 0, false, NULL);
    (void)snprintf(location[0], 128, "Location: https://x:y@%s/b\r\n",
                   rp_sim_server_address(t.servers[0]));
    (void)snprintf(location[1], 128, "Location: https://x:y@%s/c\r\n",
                   rp_sim_server_address(t.servers[1]));
    rules[0].headers = location[0];
    (void)snprintf(location[2], 128, "Location: https://x%%y@%s/\r\n",
                   rp_sim_server_address(t.servers[0]));
    rules[2].headers = location[1];
    rules[3].headers = location[2];
    t.rules = rules;
    t.rule_count = 4;
    good(&t, &f, "/a", &basic,
         "0 GET /a authorization=Basic dTpw\n0 GET /b authorization=Basic eDp5\n1 GET /c\n");
    f.on_head = copy_url;
    good(&t, &f, "/other", &basic, "0 GET /other authorization=Basic dTpw\n1 GET /c\n");
    assert_null(strstr(last_url, "x:y"));
    rp_request_options none = {.no_userinfo = true};
    good(&t, &f, "/a", &none, "0 GET /a\n0 GET /b\n1 GET /c\n");
    basic.no_userinfo = true; /* what the caller says itself goes on */
    good(&t, &f, "/a", &basic,
         "0 GET /a authorization=Basic dTpw\n0 GET /b authorization=Basic dTpw\n1 GET /c\n");
    basic.no_userinfo = false;
    bad(&t, "/bad", &basic, RP_E_REDIRECT_INVALID, "no two hexadecimal digits follow");
    end(&t);
}

static void test_refused_credentials(void **state)
{
    static const rp_request_options cases[] = {
        {.user = "a:b"},
        {.user = "a\n"},
        {.user = "a", .password = "\x7f"},
        {.password = "p"},
        {.bearer = "a b"},
        {.bearer = ""},
        {.user = "a", .bearer = "b"},
        {.redirect_flags = 64},
    };
    site t;
    (void)state;
    begin(&t, 0, false, NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fetch f = {0};
        rp_request_options options = cases[i];
        options.url = url_of(&t, 0, "/");
        assert_false(fetch_start(&f, &t.s.web, NULL, &options));
        assert_int_equal(f.error.status, RP_E_BAD_OPTION);
    }
    end(&t);
}

/* Whom the caller calls the server is of no other origin's concern. */
static void test_host_override(void **state)
{
    static const rp_header host[] = {{"Host", "other.example:1"}};
    (void)state;
    for (unsigned v = 0; v < 2; v++) {
        site t;
        fetch f = {0};
        rp_request_options options = {
            .headers = host, .header_count = 1, .redirect_flags = RP_REDIRECT_TRUSTED};
        begin(&t, v, false, NULL);
        RULES(&t, MOVE(0, "/round", 307, "Location: $1/round\r\n"),
              MOVE(1, "/round", 307, "Location: $0/back\r\n"));
        go(&t, &f, "/round", &options);
        assert_int_equal(f.error.status, RP_OK); /* the relative base was the URL, not the Host */
        assert_int_equal(t.asked[0], 2);
        assert_int_equal(t.asked[1], 1);
        assert_int_equal(t.misnamed, 1);
        end(&t);
    }
}

/* ---- what is told ---- */

typedef struct teller {
    unsigned told, refuse_at, cancel_at, destroy_at;
    char text[1024];
    const rp_header *headers;
    size_t header_count;
    fetch f;
    site t;
} teller;

static teller now;

static bool tell(rp_request *request, rp_redirect *redirect, void *user)
{
    size_t used = strlen(now.text);
    CHECK(user == &now.f && request == now.f.request);
    CHECK(redirect->number == ++now.told && redirect->head->status == redirect->status);
    (void)snprintf(now.text + used, sizeof(now.text) - used, "%d %s %s%s%s\n", redirect->status,
                   redirect->method, strrchr(redirect->url, '/'),
                   redirect->keeps_body ? " body" : "", redirect->same_origin ? " same" : "");
    if (now.told == now.cancel_at)
        fetch_cancel(&now.f);
    if (now.told == now.destroy_at) {
        now.f.cancelled = true;
        rp_client_destroy(now.t.s.web.client);
        now.t.s.web.client = NULL;
    }
    redirect->headers = now.headers;
    redirect->header_count = now.header_count;
    return now.told != now.refuse_at;
}

static void tell_begin(unsigned v)
{
    now = (teller){.told = 0};
    begin(&now.t, v, false, NULL);
    RULES(&now.t, MOVE(0, "/a", 303, "Location: /b\r\nSet-Cookie: x=y\r\n"),
          MOVE(0, "/b", 307, "Location: $1/c\r\n"), MOVE(1, "/c", 308, "Location: $0/d\r\n"));
}

static void tell_go(const char *seen)
{
    rp_request_options options = {.method = "POST",
                                  .body = "text",
                                  .body_size = 4,
                                  .headers = secret_headers,
                                  .header_count = 2,
                                  .on_redirect = tell};
    go(&now.t, &now.f, "/a", &options);
    assert_string_equal(now.t.seen, seen);
}

static void test_told(void **state)
{
    static const rp_header more[] = {{"cookie", "new"}, {"X-Plain", "more"}};
    static const rp_header wrong[] = {{"Cookie", "a\nb"}};
    (void)state;
    for (unsigned v = 0; v < VERSIONS; v++) {
        tell_begin(v);
        tell_go("0 POST /a body=4 authorization=a cookie=c=d\n0 GET /b authorization=a cookie=c=d\n"
                "1 GET /c\n0 GET /d\n");
        assert_string_equal(now.text, "303 GET /b same\n307 GET /c body\n308 GET /d body\n");
        end(&now.t);

        tell_begin(v); /* refused: it is the answer */
        now.refuse_at = 2;
        tell_go("0 POST /a body=4 authorization=a cookie=c=d\n0 GET /b authorization=a "
                "cookie=c=d\n");
        assert_int_equal(now.f.status, 307);
        assert_string_equal(now.f.text, "moved");
        assert_int_equal(now.f.summary.redirects, 1);
        end(&now.t);

        tell_begin(v); /* headers of the callback, for every hop anew */
        now.headers = more;
        now.header_count = 2;
        tell_go("0 POST /a body=4 authorization=a cookie=c=d\n"
                "0 GET /b authorization=a cookie=new x-plain=more\n1 GET /c cookie=new "
                "x-plain=more\n0 GET /d cookie=new x-plain=more\n");
        end(&now.t);

        tell_begin(v);
        now.headers = wrong;
        now.header_count = 1;
        tell_go("0 POST /a body=4 authorization=a cookie=c=d\n");
        assert_int_equal(now.f.error.status, RP_E_BAD_HEADER);
        end(&now.t);
    }
}

static void test_ended_in_callback(void **state)
{
    (void)state;
    for (unsigned v = 0; v < 2; v++) {
        for (unsigned at = 1; at <= 3; at++) {
            fetch next = {0};
            tell_begin(v);
            now.cancel_at = at;
            rp_request_options options = {
                .url = url_of(&now.t, 0, "/a"), .redirects_limit = 5, .on_redirect = tell};
            assert_true(fetch_start(&now.f, &now.t.s.web, NULL, &options));
            fetch_wait(&now.f);
            assert_int_equal(now.f.error.status, RP_E_CANCELLED);
            assert_int_equal(now.told, at);
            go(&now.t, &next, "/x", NULL);
            assert_int_equal(next.status, 200);
            end(&now.t);

            tell_begin(v);
            now.destroy_at = at;
            options.url = url_of(&now.t, 0, "/a");
            assert_true(fetch_start(&now.f, &now.t.s.web, NULL, &options));
            fetch_wait(&now.f);
            assert_int_equal(now.f.error.status, RP_E_CANCELLED);
            end(&now.t);
        }
    }
}

/* ---- the rest of the response ---- */

/* It is not waited for without end, nor read without limit; where it comes, its connection serves
 * on. */
static void test_bodies_dropped(void **state)
{
    static char large[200000];
    (void)state;
    memset(large, 'x', sizeof(large) - 1);
    for (unsigned v = 0; v < 2; v++) {
        static rule rules[] = {
            {0, "/large", 302, "Location: /x\r\n", large, 0, RP_SIM_KEEP},
            {0, "/unknown", 302, "Location: /x\r\n", large, RP_SIM_SIZE_UNKNOWN, RP_SIM_KEEP},
            {0, "/cut", 302, "Location: /x\r\n", "abc", 10, RP_SIM_CLOSE},
            {0, "/reset", 302, "Location: /x\r\n", "abc", 10, RP_SIM_END_RESET},
            {0, "/stalled", 302, "Location: /x\r\n", "abc", 10, RP_SIM_END_STALLED},
            {0, "/empty", 302, "Location: /x\r\n", "", 0, RP_SIM_KEEP}};
        site t;
        begin(&t, v, false, NULL);
        t.rules = rules;
        t.rule_count = sizeof(rules) / sizeof(rules[0]);
        for (size_t i = 0; i < t.rule_count; i++) {
            for (unsigned limited = 0; limited < 2; limited++) {
                fetch f = {0};
                rp_request_options options = {.receive_credit_bytes = limited * 5};
                go(&t, &f, rules[i].target, &options);
                if (f.error.status != RP_OK)
                    fail_msg("%s: %s", rules[i].target, f.error.text);
                assert_string_equal(f.text, "here");
                assert_int_equal(f.summary.body_bytes, 4);
                t.seen[0] = '\0';
            }
        }
        end(&t);
    }
}

/* Total is over all of it, whatever it waits for; the others begin anew. */
static void test_deadlines(void **state)
{
    (void)state;
    for (unsigned v = 0; v < 2; v++) {
        site t;
        fetch f = {0};
        begin(&t, v, false, NULL);
        RULES(&t, {0, "/stalled", 302, "Location: /x\r\n", "abc", 10, RP_SIM_END_STALLED},
              MOVE(0, "/hangs", 302, "Location: /silent\r\n"),
              {0, "/silent", 200, "", "", 10, RP_SIM_END_STALLED});
        rp_request_options options = {
            .url = url_of(&t, 0, "/stalled"), .redirects_limit = 1, .total_timeout_ms = 200};
        assert_true(fetch_start(&f, &t.s.web, NULL, &options));
        fetch_wait(&f);
        assert_int_equal(f.error.status, RP_E_TOTAL_TIMEOUT);
        options.url = url_of(&t, 0, "/hangs");
        f = (fetch){0};
        assert_true(fetch_start(&f, &t.s.web, NULL, &options));
        fetch_wait(&f);
        assert_int_equal(f.error.status, RP_E_TOTAL_TIMEOUT);
        assert_int_equal(f.summary.redirects, 1);
        assert_false(f.error.replay_safe); /* a server has seen it */
        end(&t);
    }
}

/* The veto of addresses is for each of them; a hop that fails is told as any failure. */
static const char *only_first(const rp_target *target, void *user)
{
    const site *t = user;
    const char *colon = strrchr(rp_sim_server_address(t->servers[0]), ':');
    return target->port == strtoul(colon + 1, NULL, 10) ? NULL : "not this one";
}

static void test_refused_address(void **state)
{
    site t;
    rp_client_options client = {.on_address = only_first, .on_address_user = &t};
    (void)state;
    begin(&t, 0, false, &client);
    RULES(&t, MOVE(0, "/a", 302, "Location: $1/b\r\n"));
    fetch f = {0};
    go(&t, &f, "/a", NULL);
    assert_int_equal(f.error.status, RP_E_ADDRESS_REFUSED);
    assert_int_equal(t.asked[1], 0);
    assert_int_equal(f.summary.redirects, 1);
    assert_int_equal(f.summary.attempts, 0);
    assert_false(f.error.replay_safe); /* the first server has seen it */
    end(&t);
}

/* Cancelled or destroyed at any time, many at once. */
static void test_ended_at_any_time(void **state)
{
    (void)state;
    for (unsigned v = 0; v < 2; v++) {
        for (unsigned turns = 0; turns < 24; turns++) {
            site t;
            fetch f[3] = {{0}};
            begin(&t, v, false, NULL);
            RULES(&t, MOVE(0, "/a", 302, "Location: $1/b\r\n"),
                  MOVE(1, "/b", 302, "Location: $0/c\r\n"),
                  {0, "/c", 302, "Location: /d\r\n", "abc", 10, RP_SIM_CLOSE});
            rp_request_options options = {.url = url_of(&t, 0, "/a"), .redirects_limit = 5};
            for (unsigned i = 0; i < 3; i++)
                assert_true(fetch_start(&f[i], &t.s.web, NULL, &options));
            for (unsigned i = 0; i < turns && f[0].dones == 0; i++)
                (void)rp_loop_turn(t.s.web.loop, 1);
            fetch_cancel(&f[0]);
            if (turns % 2 == 0) {
                f[1].cancelled = f[2].cancelled = true;
                rp_client_destroy(t.s.web.client);
                t.s.web.client = NULL;
            }
            for (unsigned i = 0; i < 3; i++)
                fetch_wait(&f[i]);
            end(&t);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_methods),
        fixture_test(test_answers),
        fixture_test(test_references),
        fixture_test(test_limit),
        fixture_test(test_bad_locations),
        fixture_test(test_secrets),
        fixture_test(test_credentials),
        fixture_test(test_credentials_of_location),
        fixture_test(test_refused_credentials),
        fixture_test(test_host_override),
        fixture_test(test_told),
        fixture_test(test_ended_in_callback),
        fixture_test(test_bodies_dropped),
        fixture_test(test_deadlines),
        fixture_test(test_refused_address),
        fixture_test(test_ended_at_any_time),
    };
    return fixture_run_simulated(tests, 3);
}

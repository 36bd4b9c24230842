/* test_service_keeps.c - what a service's call is given may be gone when the call returns: each of
 * its options is in memory that is overwritten and freed then, before a loop has looked at it. */
#include "support/check.h"
#include "support/play.h"

#include <ringport/service.h>

#include <stdlib.h>
#include <string.h>

#define OTHER_HOST "other.example.test"

typedef struct scene {
    play play;
    rp_loop *loop; /* the service's */
    rp_service *service;
    rp_sim_server *other;
    unsigned answers;
    rp_status status;
    int code;
    char text[256]; /* what the server saw */
} scene;

static void see(scene *s, const rp_sim_exchange *x, const char *name)
{
    const char *value = rp_sim_header(x, name);
    size_t used = strlen(s->text);
    (void)snprintf(s->text + used, sizeof(s->text) - used, "|%s", value != NULL ? value : "-");
}

static void serve(rp_sim_exchange *x, void *user)
{
    scene *s = user;
    size_t size, used;
    const uint8_t *body = rp_sim_body(x, &size);
    used = strlen(s->text);
    (void)snprintf(s->text + used, sizeof(s->text) - used, "%s %s %.*s", rp_sim_method(x),
                   rp_sim_target(x), (int)size, size > 0 ? (const char *)body : "");
    see(s, x, "x-secret");
    see(s, x, "authorization");
    see(s, x, "upgrade");
    if (strstr(rp_sim_target(x), "/away") != NULL)
        rp_sim_respond(x, 307, "Location: https://" OTHER_HOST "/there\r\n", "", 0);
    else if (strstr(rp_sim_target(x), "/twice") != NULL && strchr(s->text, '#') == NULL)
        rp_sim_respond(x, 503, NULL, strcat(s->text, "#"), 0);
    else
        rp_sim_respond(x, 200, NULL, "", 0);
}

static void scene_begin(scene *s, int version)
{
    rp_error error;
    rp_sim_server_options serving = {.on_request = serve, .user = s};
    *s = (scene){.answers = 0};
    play_begin(&s->play, &(play_options){.server = &serving, .version = version});
    serving.host = OTHER_HOST;
    serving.plain = version == 0;
    assert_int_equal(rp_sim_server_start(s->play.sim, &s->other, &serving, &error), RP_OK);
    assert_int_equal(rp_sim_loop_create(s->play.sim, &s->loop, NULL, false, &error), RP_OK);
    rp_service_options options = {.loops = &s->loop, .loop_count = 1, .client.tls = s->play.tls};
    assert_int_equal(rp_service_create(&s->service, &options, &error), RP_OK);
}

static void scene_end(scene *s)
{
    rp_service_destroy(s->service);
    rp_loop_run(s->loop);
    rp_loop_destroy(s->loop);
    play_end(&s->play);
}

static void at_home(rp_response *answer, void *user)
{
    scene *s = user;
    s->answers++;
    s->status = answer->error.status;
    s->code = answer->status;
    rp_response_free(answer);
}

/* ---- memory that does not last ---- */

enum { BLOCKS = 32 };

typedef struct brief {
    void *blocks[BLOCKS];
    size_t sizes[BLOCKS], count;
} brief;

static void *lend(brief *b, const void *bytes, size_t size)
{
    if (size == 0)
        return NULL;
    assert_true(b->count < BLOCKS);
    b->sizes[b->count] = size;
    return memcpy(b->blocks[b->count++] = malloc(size), bytes, size);
}

static const char *lend_text(brief *b, const char *text)
{
    return text == NULL ? NULL : lend(b, text, strlen(text) + 1);
}

static void take_back(brief *b)
{
    for (size_t i = 0; i < b->count; i++) {
        memset(b->blocks[i], 'z', b->sizes[i]);
        free(b->blocks[i]);
    }
}

/* Asks with copies of what the options point to, the body excepted. */
static void ask_briefly(scene *s, const rp_request_options *options)
{
    brief b = {.count = 0};
    rp_error error;
    rp_request_options *lent = lend(&b, options, sizeof(*options));
    rp_header *headers = lend(&b, options->headers, options->header_count * sizeof(*headers));
    const char **secrets =
        lend(&b, options->redirect_secrets, options->redirect_secret_count * sizeof(*secrets));
    const char **texts[] = {&lent->url,    &lent->method,  &lent->user,   &lent->password,
                            &lent->bearer, &lent->upgrade, &lent->target, &lent->connect_to};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i] = lend_text(&b, *texts[i]);
    for (size_t i = 0; i < options->header_count; i++)
        headers[i] = (rp_header){lend_text(&b, headers[i].name), lend_text(&b, headers[i].value)};
    for (size_t i = 0; i < options->redirect_secret_count; i++)
        secrets[i] = lend_text(&b, secrets[i]);
    lent->headers = headers;
    lent->redirect_secrets = secrets;
    if (options->retry != NULL)
        lent->retry = lend(&b, options->retry, sizeof(*options->retry));
    if (options->hedge != NULL)
        lent->hedge = lend(&b, options->hedge, sizeof(*options->hedge));
    assert_int_equal(rp_service_ask(s->service, lent, 0, 0, s->play.loop, at_home, s, &error),
                     RP_OK);
    take_back(&b);
}

/* ---- the options ---- */

static const rp_header headers[] = {{"X-Secret", "one"}, {"Cookie", "two"}};
static const char *const secrets[] = {"x-secret"};
static const rp_retry_options twice = {.attempts = 2, .backoff_least_ms = 1};
static const rp_hedge_options late = {.delay_ms = 1000};

static const struct {
    rp_request_options options;
    const char *seen;
} cases[] = {
    {{.url = "https://" PLAY_HOST "/a?b",
      .method = "PUT",
      .headers = headers,
      .header_count = 2,
      .body = "body",
      .body_size = 4,
      .user = "me",
      .password = "pw"},
     "PUT /a?b body|one|Basic bWU6cHc=|-"},
    {{.url = "https://" PLAY_HOST "/",
      .bearer = "token",
      .method = "OPTIONS",
      .target = "*",
      .hedge = &late},
     "OPTIONS * |-|Bearer token|-"},
    {{.url = "https://" PLAY_HOST "/", .upgrade = "websocket"}, "GET / |-|-|websocket"},
    {{.url = "https://" PLAY_HOST ":8443/", .connect_to = PLAY_HOST ":443"}, "GET / |-|-|-"},
    {{.url = "https://" PLAY_HOST "/twice", .retry = &twice},
     "GET /twice |-|-|-#GET /twice |-|-|-"},
    {{.url = "https://" PLAY_HOST "/away",
      .headers = headers,
      .header_count = 2,
      .redirects_limit = 1,
      .redirect_secrets = secrets,
      .redirect_secret_count = 1},
     "GET /away |one|-|-GET /there |-|-|-"},
};

static void test_options(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        scene s;
        scene_begin(&s, 13);
        ask_briefly(&s, &cases[i].options);
        rp_sim_run_ms(s.play.sim, 5000);
        assert_int_equal(s.answers, 1);
        assert_int_equal(s.status, RP_OK);
        assert_int_equal(s.code, 200);
        assert_string_equal(s.text, cases[i].seen);
        scene_end(&s);
    }
}

/* Released at once, as rp_client_send's may be. */
static void test_proxy(void **state)
{
    (void)state;
    scene s;
    rp_error error;
    rp_proxy *proxy;
    rp_proxy_options options = {.url = "http://" PLAY_HOST ":80", .forward_http = true};
    scene_begin(&s, 0);
    assert_int_equal(rp_proxy_create(&proxy, &options, &error), RP_OK);
    ask_briefly(&s, &(rp_request_options){.url = "http://www.example.test/x", .proxy = proxy});
    rp_proxy_release(proxy);
    rp_sim_run_ms(s.play.sim, 5000);
    assert_int_equal(s.status, RP_OK);
    assert_int_equal(s.code, 200);
    assert_string_equal(s.text, "GET http://www.example.test/x |-|-|-");
    /* One that never begins gives its reference back, too: the sanitizer sees it. */
    assert_int_equal(rp_proxy_create(&proxy, &options, &error), RP_OK);
    ask_briefly(&s,
                &(rp_request_options){.url = "http://a.test/", .method = "G T", .proxy = proxy});
    assert_true(rp_service_drain(s.service, 0) == false);
    assert_int_equal(rp_service_ask(s.service,
                                    &(rp_request_options){.url = "http://a.test/", .proxy = proxy},
                                    0, 0, s.play.loop, at_home, &s, &error),
                     RP_E_DRAINING);
    rp_proxy_release(proxy);
    rp_sim_run_ms(s.play.sim, 5000);
    assert_int_equal(s.answers, 2);
    assert_int_equal(s.status, RP_E_BAD_HEADER);
    scene_end(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_proxy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

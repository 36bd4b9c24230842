/* service.c - requests from threads that have no loop: service https://host/path [ca.pem] */
#include <ringport/ringport.h>
#include <stdio.h>

enum { ASKED = 20, NIGHTLY = 1 };

/* guide: begin call */
/* On any thread, of a web server's say, that may wait. */
static int fetch_and_wait(rp_service *service, const char *url)
{
    rp_error error;
    rp_request_options request = {.url = url, .total_timeout_ms = 10000};
    rp_response *answer = rp_service_call(service, &request, 0, 0, &error);
    if (answer == NULL || answer->error.status != RP_OK) {
        fprintf(stderr, "%s\n", answer == NULL ? error.text : answer->error.text);
        rp_response_free(answer);
        return 1;
    }
    printf("%s\n", (const char *)answer->body);
    rp_response_free(answer);
    return 0;
}
/* guide: end call */

typedef struct counts {
    unsigned asked, answers, good;
} counts;

/* guide: begin ask */
static void answered(rp_response *answer, void *user)
{
    counts *c = user; /* this is home's thread: nothing here is shared */
    c->answers++;
    c->good += answer->error.status == RP_OK && answer->status == 200;
    rp_response_free(answer);
}

/* On a thread that has a dispatcher and must not wait: answers come home, to a loop that it turns
 * when rp_loop_waitable(home) is readable. */
static void ask_often(rp_service *service, rp_loop *home, const char *url, counts *c)
{
    rp_request_options request = {.url = url};
    while (c->asked < ASKED &&
           rp_service_ask(service, &request, NIGHTLY, 0, home, answered, c, NULL) == RP_OK)
        c->asked++;
}
/* guide: end ask */

int main(int argc, char **argv)
{
    rp_error error = {.status = RP_OK};
    rp_tls_options trust = {.ca_file = argc > 2 ? argv[2] : NULL};
    rp_service_options options = {.threads = 2};
    rp_service *service = NULL;
    rp_loop *home = NULL;
    counts c = {0};
    int failed = 1;
    if (argc < 2 || rp_tls_config_create(&options.client.tls, &trust, &error) ||
        rp_loop_create(&home, NULL, &error) || rp_service_create(&service, &options, &error)) {
        fprintf(stderr, "%s\n", error.text);
    } else {
        ask_often(service, home, argv[1], &c);
        while (c.answers < c.asked)
            (void)rp_loop_turn(home, RP_NEVER_MS);
        failed = fetch_and_wait(service, argv[1]) || c.good != ASKED;
    }
    rp_service_destroy(service);
    rp_tls_config_release(options.client.tls);
    rp_loop_destroy(home);
    return failed;
}

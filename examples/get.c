/* get.c - one verified HTTPS GET: get https://host/path [ca.pem] */
#include <ringport/ringport.h>
#include <stdio.h>

static void done(rp_collected *response, const rp_response_summary *summary, void *user)
{
    (void)user;
    if (summary->error != NULL)
        fprintf(stderr, "%s\n", summary->error->text);
    else
        printf("%s\n", (const char *)response->body);
}

int main(int argc, char **argv)
{
    static rp_tls_options trust; /* all zero: the defaults */
    static rp_client_options options;
    static rp_request_options request;
    static rp_collected response;
    static rp_error error;
    rp_client *client = NULL;
    rp_loop *loop = NULL;
    trust.ca_file = argc > 2 ? argv[2] : NULL; /* NULL: the system's */
    request.url = argc > 1 ? argv[1] : NULL;
    response.on_done = done;
    if (rp_loop_create(&loop, NULL, &error) || /* io_uring, or epoll where it is forbidden */
        rp_tls_config_create(&options.tls, &trust, &error) ||
        rp_client_create(&client, loop, &options, &error) ||
        !rp_client_send(client, &request, &rp_collect_events, &response, &error))
        fprintf(stderr, "%s\n", error.text);
    else
        rp_loop_run(loop); /* until nothing is pending */
    rp_client_destroy(client);
    rp_tls_config_release(options.tls);
    rp_loop_destroy(loop);
    return response.status == 200 ? 0 : 1;
}

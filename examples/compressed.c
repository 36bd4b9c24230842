/* compressed.c - a GET whose answer may be compressed: compressed https://host/path [ca.pem] */
#include <ringport/ringport.h>
#include <stdio.h>

static void on_body(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    (void)request;
    (void)user;
    fwrite(data, 1, size, stdout); /* decoded, at most 16 KiB at a time */
}

static void on_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    (void)request;
    *(int *)user = summary->error == NULL ? 0 : 1;
    if (summary->error != NULL)
        fprintf(stderr, "%s\n", summary->error->text);
    else if (summary->decoded)
        fprintf(stderr, "%llu bytes came, %llu were meant\n",
                (unsigned long long)summary->body_bytes,
                (unsigned long long)summary->decoded_bytes);
}

int main(int argc, char **argv)
{
    static const rp_response_events events = {.on_body = on_body, .on_done = on_done};
    rp_error error = {.status = RP_OK};
    rp_tls_options trust = {.ca_file = argc > 2 ? argv[2] : NULL};
    rp_client_options options = {.tls = NULL};
    rp_client *client = NULL;
    rp_loop *loop = NULL;
    int result = 1;
    /* guide: begin request */
    rp_request_options request = {
        .url = argc > 1 ? argv[1] : NULL,
        .decompress = true,                            /* says so to the server */
        .decompress_ratio_limit = 100,                 /* to one; 0: 200 */
        .decompressed_limit_bytes = 256 * 1024 * 1024, /* 0: no limit */
    };
    /* guide: end request */
    if (rp_loop_create(&loop, NULL, &error) || rp_tls_config_create(&options.tls, &trust, &error) ||
        rp_client_create(&client, loop, &options, &error) ||
        !rp_client_send(client, &request, &events, &result, &error))
        fprintf(stderr, "%s\n", error.text);
    else
        rp_loop_run(loop);
    rp_client_destroy(client);
    rp_tls_config_release(options.tls);
    rp_loop_destroy(loop);
    return result;
}

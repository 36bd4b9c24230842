/* consumer.c - the smallest program that needs all of ringport: the client pulls in every layer. */
#include <ringport/ringport.h>
#include <stdio.h>

int main(void)
{
    rp_error error;
    rp_loop *loop = NULL;
    rp_client *client = NULL;
    if (rp_loop_create(&loop, NULL, &error) != RP_OK) {
        return 1;
    }
    rp_status status = rp_client_create(&client, loop, NULL, &error);
    rp_client_destroy(client);
    rp_loop_destroy(loop);
    printf("%d\n", (int)status);
    return status == RP_OK ? 0 : 1;
}

/* trust.c - `ringport trust`: a line for each trust anchor, and for each certificate that was
 * refused as one. */
#include "trust.h"

#include "exit_code.h"
#include "setup.h"

#include <ringport/ringport.h>
#include <time.h>

typedef struct counts {
    unsigned anchors, refused;
} counts;

/* The day, in UTC. */
static void print_date(int64_t seconds)
{
    char text[32] = "?";
    time_t moment = (time_t)seconds;
    const struct tm *utc = gmtime(&moment);
    if (utc != NULL)
        (void)strftime(text, sizeof(text), "%Y-%m-%d", utc);
    printf("%s", text);
}

static void print_one(const rp_trusted *trusted, void *user)
{
    counts *count = user;
    if (trusted->refused != NULL) {
        count->refused++;
        printf("refused     %s: %s\n", trusted->subject, trusted->refused);
        return;
    }
    count->anchors++;
    print_date(trusted->not_after);
    printf("  %-9s  %s\n", trusted->key, trusted->subject);
}

int trust_run(const tool_options *o)
{
    rp_tls_config *config;
    rp_error error;
    counts count = {0, 0};
    if (setup_tls_config(&config, &o->tls, &error) != RP_OK) {
        fprintf(stderr, "ringport: (%d) %s\n", EXIT_CA_FILE, error.text);
        return EXIT_CA_FILE;
    }
    rp_tls_config_trust(config, print_one, &count);
    printf("%u trust anchors, %u refused\n", count.anchors, count.refused);
    rp_tls_config_release(config);
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_WRITE;
}

/* dns_server.h - a scripted DNS server on loopback (UDP and TCP), in threads of its own. */
#ifndef TEST_DNS_SERVER_H
#define TEST_DNS_SERVER_H

#include <ringport/resolver.h>

#include <stdbool.h>
#include <stdint.h>

/* What to do about one name. Types that the addresses lack are answered with "no data". Names
 * without a rule do not exist (NXDOMAIN). */
typedef struct dns_rule {
    const char *name;      /* without a final dot; NULL ends the list; "*" is any name */
    const char *addresses; /* "192.0.2.1,2001:db8::1"; NULL: none */
    unsigned rcode;        /* 0, or DNS_SERVFAIL and so on */
    unsigned delay_ms;
    bool silent;                       /* never answers */
    bool truncated;                    /* over UDP: says that the answer did not fit */
    uint32_t ttl;                      /* seconds; 0: not to be cached */
    unsigned v6_rcode;                 /* if not 0: for AAAA instead of rcode */
    bool v4_silent;                    /* never answers A */
    bool v6_silent;                    /* never answers AAAA */
    unsigned v4_delay_ms, v6_delay_ms; /* instead of delay_ms, if not 0 */
    uint32_t soa;      /* of an SOA in answers without data, TTL and minimum; 0: there is none */
    const char *cname; /* the name is an alias: the addresses are this one's */
    uint32_t cname_ttl;
    bool spoofed; /* an answer with another id and 192.0.2.66 comes first */
} dns_rule;

enum { DNS_FORMERR = 1, DNS_SERVFAIL = 2, DNS_NXDOMAIN = 3, DNS_NOTIMP = 4, DNS_REFUSED = 5 };

typedef struct dns_server dns_server;

/* rules is borrowed until dns_server_stop. Aborts when there is no socket or thread. */
dns_server *dns_server_start(const dns_rule *rules);
void dns_server_stop(dns_server *server);

/* "127.0.0.1:5353", for rp_resolver_options.servers. */
const char *dns_server_address(const dns_server *server);
/* One that asks it, and is otherwise as resolvers are. */
rp_resolver *dns_server_resolver(const dns_server *server);

/* Other rules from now on. */
void dns_server_use(dns_server *server, const dns_rule *rules);

/* Questions that came, answers that went out. */
unsigned dns_server_questions(dns_server *server);
unsigned dns_server_answers(dns_server *server);
/* Of the questions those of one family (4, 6), and those over TCP. */
unsigned dns_server_asked(dns_server *server, unsigned family);
unsigned dns_server_over_tcp(dns_server *server);

#endif

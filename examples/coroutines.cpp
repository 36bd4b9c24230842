/* coroutines.cpp - requests and a stream by coroutines (C++20), against a simulated server. */
#include <ringport/ringport.hpp>
#include <ringport/sim.h>

#include <cstdio>

/* guide: begin fetch */
/* The latest version's notes, by two requests, one after the other. */
static ringport::task<std::string> latest_notes(rp_client *client)
{
    ringport::response latest = co_await ringport::fetch(client, "https://api.example.com/latest");
    if (latest.error.status != RP_OK || latest.status != 200)
        co_return "unknown";
    std::string url = "https://api.example.com/notes/" + latest.body;
    ringport::response notes = co_await ringport::fetch(client, url.c_str());
    co_return notes.error.status == RP_OK ? notes.body : notes.error.text;
}

static ringport::task<> show(rp_client *client, unsigned *shown)
{
    std::string notes = co_await latest_notes(client);
    std::printf("%s\n", notes.c_str());
    *shown += notes == "notes of 1.7";
}
/* guide: end fetch */

/* guide: begin read */
/* A long body, piece by piece: not more of it is in memory than its credit. */
static ringport::task<> count_lines(rp_client *client, unsigned *lines)
{
    rp_request_options get{};
    get.url = "https://api.example.com/log";
    ringport::request log(client, get);
    const ringport::response &head = co_await log.head();
    if (head.status != 200)
        co_return;
    for (std::string_view piece; !(piece = co_await log.read()).empty();)
        for (char c : piece)
            *lines += c == '\n';
    if (log.error().status != RP_OK)
        std::printf("not all of it: %s\n", log.error().text);
}
/* guide: end read */

/* guide: begin stream */
static ringport::task<> ask_by_hand(rp_loop *loop, rp_tls_config *tls, std::string *answer)
{
    rp_stream_options options{};
    options.host = "api.example.com";
    options.tls = tls;
    ringport::stream connection(loop, options);
    rp_error error = co_await connection.open();
    if (error.status == RP_OK)
        error = co_await connection.write("GET /latest HTTP/1.1\r\nHost: api.example.com\r\n"
                                          "Connection: close\r\n\r\n");
    for (std::string_view piece; !(piece = co_await connection.read()).empty();)
        answer->append(piece);
    if (error.status != RP_OK || connection.error().status != RP_OK)
        std::printf("%s\n", error.status != RP_OK ? error.text : connection.error().text);
}
/* guide: end stream */

static void answer(rp_sim_exchange *exchange, void *)
{
    std::string_view path = rp_sim_target(exchange);
    std::string body = path == "/latest"      ? "1.7"
                       : path == "/notes/1.7" ? "notes of 1.7"
                                              : std::string(100000, '\n');
    rp_sim_respond(exchange, 200, nullptr, body.data(), body.size());
}

int main()
{
    rp_sim *sim = nullptr;
    rp_sim_server *server = nullptr;
    rp_loop *loop = nullptr;
    rp_client *client = nullptr;
    rp_client_options options{};
    rp_tls_options trust{};
    rp_sim_server_options api{};
    trust.ca_pem = rp_sim_ca_pem;
    api.host = "api.example.com";
    api.on_request = answer;
    if (rp_sim_create(&sim, nullptr, nullptr) != RP_OK ||
        rp_sim_server_start(sim, &server, &api, nullptr) != RP_OK ||
        rp_sim_loop_create(sim, &loop, nullptr, false, nullptr) != RP_OK ||
        rp_tls_config_create(&options.tls, &trust, nullptr) != RP_OK ||
        rp_client_create(&client, loop, &options, nullptr) != RP_OK)
        return 1;
    unsigned shown = 0, lines = 0;
    std::string by_hand;
    ringport::start(show(client, &shown)); /* all three at once */
    ringport::start(count_lines(client, &lines));
    ringport::start(ask_by_hand(loop, options.tls, &by_hand));
    rp_loop_run(loop);
    rp_client_destroy(client);
    rp_tls_config_release(options.tls);
    rp_loop_destroy(loop);
    rp_sim_destroy(sim);
    bool good = shown == 1 && lines == 100000 && by_hand.find("\r\n\r\n1.7") != std::string::npos;
    return good ? 0 : 1;
}

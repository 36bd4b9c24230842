/* coroutines.cpp - ringport.hpp where it is not all well: requests that can't begin, that fail, are
 * cancelled, are given up while they run, are too long; and streams; each with the loop's end. Its
 * everyday is in examples/coroutines.cpp. */
#include <ringport/ringport.hpp>
#include <ringport/sim.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                   \
            std::exit(1);                                                                          \
        }                                                                                          \
    } while (false)

static void answer(rp_sim_exchange *exchange, void *)
{
    static const char headers[] = "X-Two: a\r\nx-two: b\r\n";
    std::string_view target = rp_sim_target(exchange);
    std::string body(300000, 'x');
    if (target == "/cut") {
        rp_sim_head(exchange, 200, nullptr, 1000);
        rp_sim_data(exchange, body.data(), 500);
        rp_sim_end(exchange, RP_SIM_CLOSE);
    } else if (target != "/never") {
        rp_sim_respond(exchange, 200, headers, body.data(), target == "/small" ? 3 : body.size());
    }
}

struct world {
    rp_sim *sim = nullptr;
    rp_loop *loop = nullptr;
    rp_client *client = nullptr;
    rp_client_options options{};
    unsigned steps = 0;

    world()
    {
        rp_sim_server *server = nullptr;
        rp_tls_options trust{};
        rp_sim_server_options api{};
        trust.ca_pem = rp_sim_ca_pem;
        api.host = "api.example.com";
        api.on_request = answer;
        CHECK(rp_sim_create(&sim, nullptr, nullptr) == RP_OK);
        CHECK(rp_sim_server_start(sim, &server, &api, nullptr) == RP_OK);
        CHECK(rp_sim_loop_create(sim, &loop, nullptr, false, nullptr) == RP_OK);
        CHECK(rp_tls_config_create(&options.tls, &trust, nullptr) == RP_OK);
        CHECK(rp_client_create(&client, loop, &options, nullptr) == RP_OK);
    }
    void end_loop()
    {
        rp_loop_destroy(loop);
        loop = nullptr;
    }
    ~world()
    {
        rp_loop_destroy(loop);
        rp_client_destroy(client);
        rp_tls_config_release(options.tls);
        rp_sim_destroy(sim);
    }
};

static ringport::task<> whole(world &w)
{
    ringport::response small = co_await ringport::fetch(w.client, "https://api.example.com/small");
    CHECK(small.error.status == RP_OK && small.status == 200 && small.body == "xxx");
    CHECK(*small.value("X-TWO") == "a" && *small.value("x-two", 1) == "b");
    CHECK(small.value("x-two", 2) == nullptr && small.value("x-three") == nullptr);
    ringport::response bad = co_await ringport::fetch(w.client, "ftp://api.example.com/");
    CHECK(bad.error.status == RP_E_BAD_URL && bad.status == 0);
    ringport::response large =
        co_await ringport::fetch(w.client, "https://api.example.com/", 299999);
    CHECK(large.error.status == RP_E_BODY_TOO_LARGE && large.status == 200);
    ringport::response fits =
        co_await ringport::fetch(w.client, "https://api.example.com/", 300000);
    CHECK(fits.error.status == RP_OK && fits.body.size() == 300000);
    ringport::response cut = co_await ringport::fetch(w.client, "https://api.example.com/cut");
    CHECK(cut.error.status != RP_OK && cut.status == 200 && cut.body.size() == 500);
    ringport::response nowhere = co_await ringport::fetch(w.client, "https://other.example.com/");
    CHECK(nowhere.error.status == RP_E_RESOLVE_NOT_FOUND && nowhere.status == 0);
    w.steps++;
}

/* Given up at each step: before the head, behind it, within the body. */
static ringport::task<> given_up(world &w)
{
    rp_request_options get{};
    get.url = "https://api.example.com/";
    for (int pieces = -2; pieces < 4; pieces++) {
        ringport::request sent(w.client, get);
        if (pieces > -2)
            CHECK((co_await sent.head()).status == 200);
        for (int i = 0; i < pieces; i++)
            CHECK(!(co_await sent.read()).empty());
    }
    ringport::request cancelled(w.client, get);
    CHECK((co_await cancelled.head()).status == 200 && cancelled.get() != nullptr);
    cancelled.cancel();
    while (!(co_await cancelled.read()).empty())
        continue;
    CHECK(cancelled.error().status == RP_E_CANCELLED && cancelled.get() == nullptr);
    cancelled.cancel();
    w.steps++;
}

static ringport::task<int> throws(world &w)
{
    (void)co_await ringport::fetch(w.client, "https://api.example.com/small");
    throw std::runtime_error("for whoever waits");
}

static ringport::task<> catches(world &w)
{
    try {
        (void)co_await throws(w);
    } catch (const std::runtime_error &) {
        w.steps++;
    }
}

/* What is waited for comes, if only as RP_E_CANCELLED. */
static ringport::task<> until_the_end(world &w)
{
    ringport::response answer = co_await ringport::fetch(w.client, "https://api.example.com/never");
    CHECK(answer.error.status == RP_E_CANCELLED);
    w.steps++;
}

static rp_stream_options to_server(world &w)
{
    rp_stream_options options{};
    options.host = "api.example.com";
    options.tls = w.options.tls;
    return options;
}

static ringport::task<> read_until_the_end(world &w)
{
    ringport::stream s(w.loop, to_server(w));
    CHECK((co_await s.open()).status == RP_OK);
    CHECK((co_await s.read()).empty());
    CHECK(s.error().status == RP_E_CANCELLED && s.get() == nullptr);
    CHECK((co_await s.write("x")).status == RP_E_MISUSE);
    w.steps++;
}

static ringport::task<> streams(world &w)
{
    std::string got;
    rp_stream_options options = to_server(w);
    ringport::stream s(w.loop, options);
    CHECK((co_await s.open()).status == RP_OK);
    CHECK((co_await s.write("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")).status ==
          RP_OK);
    CHECK((co_await s.shutdown_write()).status == RP_OK);
    CHECK((co_await s.write("more")).status == RP_E_MISUSE);
    for (std::string_view piece; !(piece = co_await s.read()).empty();)
        got.append(piece);
    CHECK(s.error().status == RP_OK && got.size() > 300000);
    s.close();
    {
        ringport::stream unopened(w.loop, options);
    }
    options.host = nullptr;
    ringport::stream misused(w.loop, options);
    CHECK((co_await misused.open()).status == RP_E_MISUSE && (co_await misused.read()).empty());
    options.host = "other.example.com";
    ringport::stream nowhere(w.loop, options);
    CHECK((co_await nowhere.open()).status == RP_E_RESOLVE_NOT_FOUND);
    CHECK((co_await nowhere.read()).empty());
    w.steps++;
}

int main()
{
    world w;
    ringport::start(whole(w));
    ringport::start(given_up(w));
    ringport::start(catches(w));
    ringport::start(streams(w));
    rp_loop_run(w.loop);
    CHECK(w.steps == 4);
    {
        ringport::task<> never_begun = whole(w);
    }
    ringport::start(until_the_end(w));
    ringport::start(read_until_the_end(w));
    rp_sim_run_ms(w.sim, 1000);
    CHECK(w.steps == 4);
    w.end_loop();
    CHECK(w.steps == 6);
    return 0;
}

/* beast.cpp - Boost.Beast as a peer: asynchronous, one thread without locks, a session for each
 * connection.
 *
 * beast URL -c CONNECTIONS -n REQUESTS --ca FILE [--new] [--no-resume] [--idle] */
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <malloc.h>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace ssl = asio::ssl;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using monotonic = std::chrono::steady_clock;

static constexpr unsigned long idle_at_once = 64;

/* A body that is counted and thrown away. */
struct discard_body {
    struct value_type {
    };
    struct reader {
        template <bool R, class F> reader(http::header<R, F> &, value_type &) {}
        void init(boost::optional<std::uint64_t> const &, error_code &error) { error = {}; }
        template <class Buffers> std::size_t put(Buffers const &buffers, error_code &error)
        {
            error = {};
            bytes += beast::buffer_bytes(buffers);
            return beast::buffer_bytes(buffers);
        }
        void finish(error_code &error) { error = {}; }
        static inline std::uint64_t bytes = 0;
    };
};

struct state {
    std::string host, port, target, ca;
    unsigned long connections = 1, wanted = 1;
    bool fresh = false, resume = true, idle = false;
    unsigned long opened = 0, started = 0, done = 0, failed = 0, resumed = 0;
    std::vector<std::uint32_t> latencies_us;
    SSL_SESSION *session = nullptr;
    tcp::endpoint address;
    asio::io_context context{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE};
    ssl::context tls{ssl::context::tls_client};
    http::request<http::empty_body> request;
};
static state all;

class session : public std::enable_shared_from_this<session>
{
  public:
    void begin()
    {
        if (!all.idle && all.started >= all.wanted)
            return;
        all.started++;
        begun_ = monotonic::now();
        if (stream_ && !all.fresh)
            write();
        else
            open();
    }

  private:
    void fail(error_code const &error)
    {
        if (all.failed++ == 0)
            std::cerr << "beast: " << error.message() << "\n";
        stream_.reset();
        finish();
    }

    void open()
    {
        stream_.emplace(all.context, all.tls);
        buffer_.clear();
        /* Beast reads as much as fits without growing. */
        if (!all.idle)
            buffer_.reserve(65536);
        SSL_set_tlsext_host_name(stream_->native_handle(), all.host.c_str());
        stream_->set_verify_callback(ssl::host_name_verification(all.host));
        if (all.session != nullptr)
            SSL_set_session(stream_->native_handle(), all.session);
        auto self = shared_from_this();
        stream_->next_layer().async_connect(all.address, [self](error_code error) {
            if (error)
                return self->fail(error);
            self->stream_->next_layer().set_option(tcp::no_delay(true));
            self->stream_->async_handshake(ssl::stream_base::client, [self](error_code failure) {
                if (failure)
                    return self->fail(failure);
                all.resumed += SSL_session_reused(self->stream_->native_handle()) != 0;
                self->write();
            });
        });
    }

    void write()
    {
        auto self = shared_from_this();
        http::async_write(*stream_, all.request, [self](error_code error, std::size_t) {
            if (error)
                return self->fail(error);
            self->read();
        });
    }

    void read()
    {
        parser_.emplace();
        parser_->body_limit(boost::none);
        auto self = shared_from_this();
        http::async_read(*stream_, buffer_, *parser_, [self](error_code error, std::size_t) {
            if (!error && self->parser_->get().result_int() != 200)
                error = http::error::bad_status;
            if (error)
                return self->fail(error);
            self->finish();
        });
    }

    void finish()
    {
        auto spent = monotonic::now() - begun_;
        all.latencies_us.push_back(static_cast<std::uint32_t>(
            std::chrono::duration_cast<std::chrono::microseconds>(spent).count()));
        all.done++;
        if (all.fresh && stream_) {
            /* Or OpenSSL holds the session to be a failed one, and does not resume it. */
            SSL_set_shutdown(stream_->native_handle(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
            error_code ignored;
            stream_->next_layer().close(ignored);
        }
        if (!all.idle)
            return begin();
        parser_.reset();
        buffer_.shrink_to_fit();
        if (all.done == all.wanted)
            return all.context.stop();
        if (all.opened < all.connections) {
            all.opened++;
            kept_.push_back(std::make_shared<session>());
            kept_.back()->begin();
        }
    }

    std::optional<ssl::stream<tcp::socket>> stream_;
    beast::flat_buffer buffer_;
    std::optional<http::response_parser<discard_body>> parser_;
    monotonic::time_point begun_;
    static inline std::vector<std::shared_ptr<session>> kept_;
};

static int on_session(SSL *, SSL_SESSION *fresh)
{
    SSL_SESSION_free(all.session);
    all.session = fresh;
    return 1;
}

static void options(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        std::string option = argv[i];
        if (option == "-c") {
            all.connections = std::stoul(argv[++i]);
        } else if (option == "-n") {
            all.wanted = std::stoul(argv[++i]);
        } else if (option == "--ca") {
            all.ca = argv[++i];
        } else if (option == "--new") {
            all.fresh = true;
        } else if (option == "--no-resume") {
            all.resume = false;
        } else if (option == "--idle") {
            all.idle = true;
        } else { /* https://HOST:PORT/PATH */
            auto host = option.find("//") + 2, colon = option.find(':', host);
            auto slash = option.find('/', colon);
            all.host = option.substr(host, colon - host);
            all.port = option.substr(colon + 1, slash - colon - 1);
            all.target = option.substr(slash);
        }
    }
    if (all.idle)
        all.wanted = all.connections;
}

int main(int argc, char **argv)
{
    options(argc, argv);
    all.latencies_us.reserve(all.idle ? 0 : all.wanted);
    all.tls.set_verify_mode(ssl::verify_peer);
    all.tls.load_verify_file(all.ca);
    if (all.resume) {
        SSL_CTX_set_session_cache_mode(all.tls.native_handle(),
                                       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(all.tls.native_handle(), on_session);
    }
    all.address = *tcp::resolver(all.context).resolve(all.host, all.port).begin();
    all.request.version(11);
    all.request.method(http::verb::get);
    all.request.target(all.target);
    all.request.set(http::field::host, all.host);
    if (all.fresh)
        all.request.keep_alive(false);
    auto count = std::min(all.connections, all.wanted);
    if (all.idle)
        count = std::min(count, idle_at_once);
    std::vector<std::shared_ptr<session>> sessions;
    for (; all.opened < count; all.opened++) {
        sessions.push_back(std::make_shared<session>());
        sessions.back()->begin();
    }
    all.context.run();
    if (all.idle) {
        malloc_trim(0);
        std::cout << "idle" << std::endl;
        (void)std::getchar();
        std::_Exit(all.failed != 0);
    }
    auto &times = all.latencies_us;
    std::sort(times.begin(), times.end());
    std::printf("{\"requests\": %lu, \"failed\": %lu, \"resumed\": %lu, \"bytes\": %llu, "
                "\"p50_us\": %u, \"p99_us\": %u}\n",
                all.done, all.failed, all.resumed,
                static_cast<unsigned long long>(discard_body::reader::bytes),
                times[times.size() / 2], times[times.size() * 99 / 100]);
    return all.failed != 0;
}

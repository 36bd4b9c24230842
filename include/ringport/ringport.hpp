/* ringport.hpp - requests and streams to be waited for by coroutines (C++20), on top of the C API;
 * header only, and optional.
 *
 *     ringport::task<> show(rp_client *client, const char *url)
 *     {
 *         ringport::response answer = co_await ringport::fetch(client, url);
 *         if (answer.error.status != RP_OK) std::puts(answer.error.text);
 *     }
 *
 * A coroutine goes on inside a callback of ringport's, on the thread of the loop, and what http.h
 * and stream.h say of callbacks goes for it: everything is allowed there but to turn or to destroy
 * the loop. What it waits for always comes, by rp_request_cancel, rp_client_destroy,
 * rp_stream_close or rp_loop_destroy at the latest, with RP_E_CANCELLED. So a coroutine must not be
 * destroyed from outside while it waits here. Any coroutine type will do; task is for programs that
 * have none.
 *
 * Failures are values. Exceptions must not leave a coroutine that ringport resumes: they end the
 * program, and so does a lack of memory here; those of a task go to whoever waits for it. */
#ifndef RINGPORT_RINGPORT_HPP
#define RINGPORT_RINGPORT_HPP

#include <ringport/ringport.h>

#include <coroutine>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ringport
{

/* ---- coroutines, for those who have none ---- */

/* One that begins when it is waited for, once: co_await std::move(task). */
template <class T = void> class task;

namespace detail
{

struct promise_base {
    std::coroutine_handle<> waiter;
    std::exception_ptr thrown;

    struct at_end {
        bool await_ready() noexcept
        {
            return false;
        }
        template <class P>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<P> ended) noexcept
        {
            return ended.promise().waiter;
        }
        void await_resume() noexcept
        {
        }
    };
    std::suspend_always initial_suspend() noexcept
    {
        return {};
    }
    at_end final_suspend() noexcept
    {
        return {};
    }
    void unhandled_exception() noexcept
    {
        thrown = std::current_exception();
    }
};

template <class T> struct promise : promise_base {
    std::optional<T> value;

    task<T> get_return_object() noexcept;
    template <class U> void return_value(U &&given)
    {
        value.emplace(std::forward<U>(given));
    }
    T result()
    {
        if (thrown)
            std::rethrow_exception(thrown);
        return std::move(*value);
    }
};

template <> struct promise<void> : promise_base {
    task<void> get_return_object() noexcept;
    void return_void() noexcept
    {
    }
    void result()
    {
        if (thrown)
            std::rethrow_exception(thrown);
    }
};

/* Nobody waits for it. */
struct detached {
    struct promise_type {
        detached get_return_object() noexcept
        {
            return {};
        }
        std::suspend_never initial_suspend() noexcept
        {
            return {};
        }
        std::suspend_never final_suspend() noexcept
        {
            return {};
        }
        void return_void() noexcept
        {
        }
        void unhandled_exception() noexcept
        {
            std::terminate();
        }
    };
};

} // namespace detail

template <class T> class [[nodiscard]] task
{
  public:
    using promise_type = detail::promise<T>;
    using handle = std::coroutine_handle<promise_type>;

    explicit task(handle made) noexcept : frame(made)
    {
    }
    task(task &&other) noexcept : frame(std::exchange(other.frame, {}))
    {
    }
    task &operator=(task &&) = delete;
    ~task()
    {
        if (frame)
            frame.destroy();
    }

    struct awaiter {
        handle frame;
        bool await_ready() const noexcept
        {
            return false;
        }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiter) noexcept
        {
            frame.promise().waiter = waiter;
            return frame;
        }
        T await_resume()
        {
            return frame.promise().result();
        }
    };
    awaiter operator co_await() &&noexcept
    {
        return {frame};
    }

  private:
    handle frame;
};

template <class T> task<T> detail::promise<T>::get_return_object() noexcept
{
    return task<T>(std::coroutine_handle<promise>::from_promise(*this));
}

inline task<void> detail::promise<void>::get_return_object() noexcept
{
    return task<void>(std::coroutine_handle<promise>::from_promise(*this));
}

/* Runs it until it first waits; from there on it goes on by itself. An exception of it ends the
 * program. */
inline void start(task<void> begun)
{
    [](task<void> work) -> detail::detached { co_await std::move(work); }(std::move(begun));
}

/* ---- one request ---- */

struct header {
    std::string name, value;
};

/* What came of a request: whole (fetch), or its head (request). */
struct response {
    rp_error error{}; /* status RP_OK: none */
    int status = 0;   /* of the final response; 0: there was none */
    int version = 0;  /* 11 or 20; 0: there was no connection */
    std::vector<header> headers;
    std::string body;

    /* As rp_header_value; nullptr: there are not so many. */
    const std::string *value(std::string_view name, std::size_t index = 0) const
    {
        for (const header &each : headers) {
            const rp_header one = {each.name.c_str(), each.value.c_str()};
            if (rp_header_value(&one, 1, std::string(name).c_str(), 0) != nullptr && index-- == 0)
                return &each.value;
        }
        return nullptr;
    }
};

/* A request whose body is read piece by piece. What it reads ahead is limited by the options'
 * receive_credit_bytes (0: 64 KiB). One coroutine at a time waits for it. When it goes before its
 * end, the request is cancelled. */
class request
{
  public:
    /* Sends it: what options point to is borrowed as by rp_client_send. */
    request(rp_client *client, const rp_request_options &options) : own(new state)
    {
        rp_request_options with = options;
        if (with.receive_credit_bytes == 0)
            with.receive_credit_bytes = 65536;
        own->handle = rp_client_send(client, &with, &state::events, own, &own->answer.error);
        if (own->handle == nullptr)
            own->headed = own->ended = true;
        else
            own->answer.error = rp_error{};
    }
    request(const request &) = delete;
    request &operator=(const request &) = delete;
    ~request()
    {
        if (own->ended) {
            delete own;
        } else {
            own->abandoned = true;
            rp_request_cancel(own->handle);
        }
    }

    void cancel()
    {
        if (!own->ended)
            rp_request_cancel(own->handle);
    }
    /* For the calls of http.h. nullptr: it has ended. */
    rp_request *get() const
    {
        return own->ended ? nullptr : own->handle;
    }

    /* Of status RP_OK until it has failed; complete when read() has given nothing. */
    const rp_error &error() const
    {
        return own->answer.error;
    }

  private:
    struct state {
        rp_request *handle = nullptr;
        response answer;
        std::string ahead, given; /* read and not yet given; given out last */
        bool headed = false, ended = false, abandoned = false;
        std::coroutine_handle<> waiter;

        void resume()
        {
            if (waiter)
                std::exchange(waiter, {}).resume();
        }
        static void on_head(rp_request *, const rp_response_head *head, void *user) noexcept
        {
            state *s = static_cast<state *>(user);
            if (head->informational)
                return;
            s->answer.status = head->status;
            s->answer.version = head->version;
            s->answer.headers.clear();
            for (std::size_t i = 0; i < head->header_count; i++)
                s->answer.headers.push_back({head->headers[i].name, head->headers[i].value});
            s->headed = true;
            s->resume();
        }
        static void on_body(rp_request *, const uint8_t *data, size_t size, void *user) noexcept
        {
            state *s = static_cast<state *>(user);
            s->ahead.append(reinterpret_cast<const char *>(data), size);
            s->resume();
        }
        static void on_done(rp_request *, const rp_response_summary *summary, void *user) noexcept
        {
            state *s = static_cast<state *>(user);
            if (summary->error != nullptr)
                s->answer.error = *summary->error;
            s->answer.version = summary->version;
            s->headed = s->ended = true;
            if (s->abandoned)
                delete s;
            else
                s->resume(); /* last: it may end all this */
        }
        static inline const rp_response_events events = {on_head, on_body, on_done};
    };
    state *own;

    struct head_awaiter {
        state *own;
        bool await_ready() const noexcept
        {
            return own->headed;
        }
        void await_suspend(std::coroutine_handle<> waiter) noexcept
        {
            own->waiter = waiter;
        }
        const response &await_resume() const noexcept
        {
            return own->answer;
        }
    };
    struct read_awaiter {
        state *own;
        bool await_ready() noexcept
        {
            if (!own->ended && !own->given.empty())
                rp_request_consume(own->handle, own->given.size());
            own->given.clear();
            return own->ended || !own->ahead.empty();
        }
        void await_suspend(std::coroutine_handle<> waiter) noexcept
        {
            own->waiter = waiter;
        }
        std::string_view await_resume() noexcept
        {
            own->given.swap(own->ahead);
            return own->given;
        }
    };

  public:
    /* co_await head(): the final response's, or the error that came in its place; its body is
     * empty. */
    head_awaiter head() const noexcept
    {
        return {own};
    }
    /* co_await read(): the next bytes of the body, valid until the next read(); none: it is over,
     * and error() says how. After head(). */
    read_awaiter read() noexcept
    {
        return {own};
    }
};

/* co_await fetch(client, options, limit_bytes): the whole response, of whose body that is the limit
 * (RP_E_BODY_TOO_LARGE). */
inline task<response> fetch(rp_client *client, rp_request_options options,
                            std::size_t limit_bytes = 1 << 20)
{
    request sent(client, options);
    response answer = co_await sent.head();
    for (std::string_view piece; !(piece = co_await sent.read()).empty();) {
        if (piece.size() > limit_bytes - answer.body.size()) {
            answer.error = rp_error{};
            answer.error.status = RP_E_BODY_TOO_LARGE;
            answer.error.phase = RP_PHASE_BODY;
            std::snprintf(answer.error.text, sizeof(answer.error.text),
                          "the body is longer than the limit of %zu bytes", limit_bytes);
            co_return answer;
        }
        answer.body.append(piece);
    }
    answer.error = sent.error();
    co_return answer;
}

inline task<response> fetch(rp_client *client, const char *url, std::size_t limit_bytes = 1 << 20)
{
    rp_request_options options{};
    options.url = url;
    return fetch(client, options, limit_bytes);
}

/* ---- one stream ---- */

/* A connection of stream.h's. At most one coroutine waits in open(), write() or shutdown_write(),
 * and one in read(). What it reads ahead is limited by the options' receive_credit_bytes (0: 64
 * KiB). Closed when it goes. */
class stream
{
  public:
    stream(rp_loop *loop, const rp_stream_options &options) : own(new state)
    {
        rp_stream_options with = options;
        if (with.receive_credit_bytes == 0)
            with.receive_credit_bytes = 65536;
        rp_status status = rp_stream_open(&own->handle, loop, &with, &state::events, own);
        if (status == RP_OK)
            return;
        own->handle = nullptr;
        own->opened = own->ended = true;
        own->fail(status, "the stream can't be opened");
    }
    stream(const stream &) = delete;
    stream &operator=(const stream &) = delete;
    ~stream()
    {
        own->abandoned = true;
        if (own->handle != nullptr)
            rp_stream_close(own->handle);
        else
            delete own;
    }

    /* Who waits goes on with RP_E_CANCELLED. */
    void close()
    {
        if (own->handle != nullptr)
            rp_stream_close(own->handle);
    }
    /* For the calls of stream.h. nullptr: it is closed. */
    rp_stream *get() const
    {
        return own->handle;
    }
    /* How the reading ended, or the opening. Status RP_OK: it has not, or the peer said so. */
    const rp_error &error() const
    {
        return own->error;
    }

  private:
    struct state {
        rp_stream *handle = nullptr; /* nullptr: closed */
        rp_error error{};
        std::string ahead, given;
        bool opened = false, ended = false, abandoned = false;
        rp_write write{};
        rp_error write_error{};
        std::coroutine_handle<> writer, reader;

        static void resume(std::coroutine_handle<> &waiter)
        {
            if (waiter)
                std::exchange(waiter, {}).resume();
        }
        void end(const rp_error *why)
        {
            ended = true;
            if (why != nullptr)
                error = *why;
        }
        void fail(rp_status status, const char *text)
        {
            error.status = status;
            error.tls_alert = -1;
            std::snprintf(error.text, sizeof(error.text), "%s", text);
        }
        static void on_open(rp_stream *, const rp_error *why, void *user) noexcept
        {
            state *s = static_cast<state *>(user);
            s->opened = true;
            if (why != nullptr)
                s->end(why);
            resume(s->writer);
        }
        static void on_data(rp_stream *, const uint8_t *data, size_t size, void *user) noexcept
        {
            state *s = static_cast<state *>(user);
            s->ahead.append(reinterpret_cast<const char *>(data), size);
            resume(s->reader);
        }
        static void on_end(rp_stream *, const rp_error *why, void *user) noexcept
        {
            state *s = static_cast<state *>(user);
            s->end(why);
            resume(s->reader);
        }
        static void on_close(rp_stream *, void *user) noexcept
        {
            state *s = static_cast<state *>(user);
            s->handle = nullptr;
            if (s->abandoned) {
                delete s;
                return;
            }
            if (!s->ended)
                s->fail(RP_E_CANCELLED, "the stream was closed");
            s->opened = s->ended = true;
            resume(s->reader); /* last: it may end all this */
        }
        static void written(rp_stream *, rp_write *, const rp_error *why, void *user) noexcept
        {
            state *s = static_cast<state *>(user);
            s->write_error = why != nullptr ? *why : rp_error{};
            resume(s->writer);
        }
        static inline const rp_stream_events events = {on_open, on_data, on_end, on_close};
    };
    state *own;

    struct open_awaiter {
        state *own;
        bool await_ready() const noexcept
        {
            return own->opened;
        }
        void await_suspend(std::coroutine_handle<> waiter) noexcept
        {
            own->writer = waiter;
        }
        rp_error await_resume() const noexcept
        {
            return own->error;
        }
    };
    struct read_awaiter {
        state *own;
        bool await_ready() noexcept
        {
            if (own->handle != nullptr && !own->given.empty())
                rp_stream_consume(own->handle, own->given.size());
            own->given.clear();
            return own->ended || !own->ahead.empty();
        }
        void await_suspend(std::coroutine_handle<> waiter) noexcept
        {
            own->reader = waiter;
        }
        std::string_view await_resume() noexcept
        {
            own->given.swap(own->ahead);
            return own->given;
        }
    };
    struct write_awaiter {
        state *own;
        std::string_view data;
        bool shuts;
        bool await_ready() noexcept
        {
            rp_status status = RP_E_MISUSE;
            own->write = rp_write{};
            if (own->handle != nullptr && shuts)
                status = rp_stream_shutdown_write(own->handle, &own->write, state::written, own);
            else if (own->handle != nullptr)
                status = rp_stream_write(own->handle, &own->write, data.data(), data.size(),
                                         state::written, own);
            own->write_error = rp_error{};
            own->write_error.status = status;
            if (status != RP_OK)
                std::snprintf(own->write_error.text, sizeof(own->write_error.text),
                              "the stream takes no more to write");
            return status != RP_OK;
        }
        void await_suspend(std::coroutine_handle<> waiter) noexcept
        {
            own->writer = waiter;
        }
        rp_error await_resume() const noexcept
        {
            return own->write_error;
        }
    };

  public:
    /* co_await open(): status RP_OK, or why not. */
    open_awaiter open() noexcept
    {
        return {own};
    }
    /* co_await read(): the next bytes, valid until the next read(); none: no more come, and error()
     * says why. After open(). */
    read_awaiter read() noexcept
    {
        return {own};
    }
    /* co_await write(data): all of data is handed to the network, or why not. */
    write_awaiter write(std::string_view data) noexcept
    {
        return {own, data, false};
    }
    /* co_await shutdown_write(): the peer was told that no more comes. */
    write_awaiter shutdown_write() noexcept
    {
        return {own, {}, true};
    }
};

} // namespace ringport

#endif

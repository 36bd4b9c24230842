/* test_h2_conformance.c - frames, streams and settings of a server, by RFC 9113's sections: what
 * the client makes of each that is wrong or unusual. Responses are in
 * test_h2_conformance_messages.c. */
#include "support/conform.h"

#define IGNORED .outcome = RULE_IGNORED
#define STREAM(number) .outcome = RULE_STREAM_ERROR, .code = number, .unanswered = true
#define CONNECTION(number) .outcome = RULE_CONNECTION_ERROR, .code = number, .unanswered = true

#define TOLD_CLOSED .reset_too = true, .reset_code = STREAM_CLOSED

#define TWO14 "\x7f\xff\xff\xff"

static const char zeros[16385];
#define ZEROS(type, flags, stream, count)                                                          \
    {                                                                                              \
        type, flags, stream, zeros, count                                                          \
    }

static void test_frames(void **state) /* 4 and 5.5 */
{
    static const rule rules[] = {
        {"an unknown type, on the connection", IGNORED, .frames = {F(0x16, 0xff, 0, "12345678")}},
        {"an unknown type, on the stream", IGNORED, .frames = {F(0x77, 1, 3, "what")}},
        {"an unknown type, on an idle stream", IGNORED, .frames = {F(0x77, 0, 99, "")}},
        {"unknown flags", IGNORED,
         .frames = {F(6, 0xfe, 0, "12345678"), F(8, 0xff, 0, "\0\0\0\1"), F(4, 0xfe, 0, "")}},
        {"the reserved bit of a stream's number", IGNORED,
         .frames = {F(6, 0, 0x80000000, "12345678"), F(8, 0, 0x80000003, "\0\0\0\1")}},
        {"the reserved bit of an increment", IGNORED, .frames = {F(8, 0, 0, "\x80\0\0\1")}},
        {"DATA of 16384 bytes", IGNORED, .unanswered = true,
         .frames = {F(1, 4, 3, OK200), ZEROS(0, 1, 3, 16384)}},
        {"DATA of 16385 bytes", CONNECTION(FRAME_SIZE_ERROR),
         .frames = {F(1, 4, 3, OK200), ZEROS(0, 1, 3, 16385)}},
        {"HEADERS of 16385 bytes", CONNECTION(FRAME_SIZE_ERROR), .frames = {ZEROS(1, 5, 3, 16385)}},
        {"an unknown type of 16385 bytes", CONNECTION(FRAME_SIZE_ERROR),
         .frames = {ZEROS(0x77, 0, 0, 16385)}},
        {"an unknown error code", .outcome = RULE_REQUEST_FAILS, .code = 0x1234567,
         .status = RP_E_H2_RESET, .unanswered = true, .frames = {F(3, 0, 3, "\x01\x23\x45\x67")}},
    };
    (void)state;
    CONFORM(rules);
}

static void test_beginnings(void **state) /* 3.4 */
{
    static const rule rules[] = {
        {"PING before SETTINGS", CONNECTION(PROTOCOL_ERROR),
         .withheld = RP_SIM_SETTINGS | RP_SIM_SETTINGS_ACK, .frames = {F(6, 0, 0, "12345678")}},
        {"an answer before SETTINGS", CONNECTION(PROTOCOL_ERROR),
         .withheld = RP_SIM_SETTINGS | RP_SIM_SETTINGS_ACK, .frames = {F(1, 5, 3, OK200)}},
    };
    (void)state;
    CONFORM(rules);
}

static void test_states(void **state) /* 5.1 */
{
    static const rule rules[] = {
        {"DATA on an idle stream", CONNECTION(PROTOCOL_ERROR), .frames = {F(0, 1, 5, "test")}},
        {"DATA on an idle stream of the server's", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(0, 1, 2, "test")}},
        {"HEADERS on an idle stream", CONNECTION(PROTOCOL_ERROR), .frames = {F(1, 5, 5, OK200)}},
        {"HEADERS on an idle stream of the server's", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(1, 5, 2, OK200)}},
        {"RST_STREAM of an idle stream", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(3, 0, 5, "\0\0\0\0")}},
        {"RST_STREAM of an idle stream of the server's", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(3, 0, 2, "\0\0\0\0")}},
        {"WINDOW_UPDATE of an idle stream", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(8, 0, 5, "\0\0\0\1")}},
        {"WINDOW_UPDATE of an idle stream of the server's", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(8, 0, 2, "\0\0\0\1")}},
        {"CONTINUATION on an idle stream", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(9, 4, 5, OK200)}},
        {"CONTINUATION on an idle stream of the server's", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(9, 4, 2, OK200)}},
        {"PRIORITY of an idle stream", IGNORED, .frames = {F(2, 0, 5, "\0\0\0\0\1")}},
        {"DATA behind END_STREAM", IGNORED, .unanswered = true, TOLD_CLOSED,
         .frames = {F(1, 5, 3, OK200), F(0, 1, 3, "test"), F(0, 1, 3, "test")}},
        {"HEADERS behind END_STREAM", IGNORED, .unanswered = true, TOLD_CLOSED,
         .frames = {F(1, 5, 3, OK200), F(1, 5, 3, OK200), F(1, 5, 3, OK200)}},
        {"DATA behind END_STREAM, alone", CONNECTION(STREAM_CLOSED), .alone = true, .apart = true,
         .frames = {F(1, 5, 3, OK200), F(0, 1, 3, "test")}},
        {"HEADERS behind END_STREAM, alone", CONNECTION(STREAM_CLOSED), .alone = true,
         .apart = true, .frames = {F(1, 5, 3, OK200), F(1, 5, 3, OK200)}},
        {"DATA behind RST_STREAM, alone", CONNECTION(STREAM_CLOSED), .alone = true, .apart = true,
         .status = RP_E_H2_RESET, .apart_code = CANCEL,
         .frames = {F(3, 0, 3, "\0\0\0\x08"), F(0, 1, 3, "test")}},
        {"WINDOW_UPDATE, PRIORITY and RST_STREAM behind END_STREAM, alone", IGNORED, .alone = true,
         .unanswered = true,
         .frames = {F(1, 5, 3, OK200), F(8, 0, 3, "\0\0\0\1"), F(2, 0, 3, "\0\0\0\0\1"),
                    F(3, 0, 3, "\0\0\0\0")}},
        {"CONTINUATION behind END_STREAM", CONNECTION(PROTOCOL_ERROR), .apart = true,
         .frames = {F(1, 5, 3, OK200), F(9, 4, 3, OK200)}},
        {"WINDOW_UPDATE and RST_STREAM behind END_STREAM", IGNORED, .unanswered = true,
         .frames = {F(1, 5, 3, OK200), F(8, 0, 3, "\0\0\0\1"), F(3, 0, 3, "\0\0\0\0")}},
        {"PRIORITY behind END_STREAM", IGNORED, .unanswered = true,
         .frames = {F(1, 5, 3, OK200), F(2, 0, 3, "\0\0\0\0\1"), F(2, 0, 3, "")}},
        {"DATA behind RST_STREAM", .outcome = RULE_REQUEST_FAILS, .code = CANCEL, TOLD_CLOSED,
         .status = RP_E_H2_RESET, .unanswered = true,
         .frames = {F(3, 0, 3, "\0\0\0\x08"), F(0, 1, 3, "test")}},
        {"HEADERS behind RST_STREAM", .outcome = RULE_REQUEST_FAILS, .code = CANCEL, TOLD_CLOSED,
         .status = RP_E_H2_RESET, .unanswered = true,
         .frames = {F(1, 4, 3, OK200), F(3, 0, 3, "\0\0\0\x08"), F(1, 4, 3, OK200)}},
        {"WINDOW_UPDATE, PRIORITY and RST_STREAM behind RST_STREAM", .outcome = RULE_REQUEST_FAILS,
         .code = CANCEL, .status = RP_E_H2_RESET, .unanswered = true,
         .frames = {F(3, 0, 3, "\0\0\0\x08"), F(8, 0, 3, "\0\0\0\1"), F(8, 0, 3, "\0\0\0\0"),
                    F(2, 0, 3, "\0\0\0\0\1"), F(3, 0, 3, "\0\0\0\0")}},
        /* The client reset it, so what comes was on its way. */
        {"frames of a stream that the client reset", STREAM(PROTOCOL_ERROR),
         .frames = {F(1, 4, 3, OK200), F(1, 4, 3, OK200), F(0, 0, 3, "test"), F(1, 5, 3, OK200),
                    F(8, 0, 3, "\0\0\0\1")}},
        {"CONTINUATION behind RST_STREAM", CONNECTION(PROTOCOL_ERROR), .apart = true,
         .status = RP_E_H2_RESET, .apart_code = CANCEL,
         .frames = {F(3, 0, 3, "\0\0\0\x08"), F(9, 4, 3, OK200)}},
        {"DATA before HEADERS", STREAM(PROTOCOL_ERROR), .frames = {F(0, 1, 3, "test")}},
        {"empty DATA before HEADERS", STREAM(PROTOCOL_ERROR), .frames = {F(0, 0, 3, "")}},
    };
    (void)state;
    CONFORM(rules);
}

static void test_data_and_headers(void **state) /* 6.1 and 6.2 */
{
    static const rule rules[] = {
        {"padded DATA", IGNORED, .unanswered = true,
         .frames = {F(1, 4, 3, OK200), F(0, 8, 3, "\3ab\0\0\0"), F(0, 9, 3, "\0")}},
        {"padding of all of DATA", IGNORED, .unanswered = true,
         .frames = {F(1, 4, 3, OK200), F(0, 9, 3, "\5\0\0\0\0\0")}},
        {"padded HEADERS with a priority", IGNORED, .unanswered = true,
         .frames = {F(1, 0x2d, 3, "\2\0\0\0\0\x0f" OK200 "\0\0")}},
        {"HEADERS that depend on their own stream", IGNORED, .unanswered = true,
         .frames = {F(1, 0x25, 3, "\0\0\0\3\x0f" OK200)}},
        {"DATA on stream 0", CONNECTION(PROTOCOL_ERROR), .frames = {F(0, 1, 0, "test")}},
        {"padding longer than DATA", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(1, 4, 3, OK200), F(0, 9, 3, "\5test")}},
        {"padding as long as DATA", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(1, 4, 3, OK200), F(0, 9, 3, "\4\0\0\0")}},
        {"padded DATA without a length", CONNECTION(FRAME_SIZE_ERROR),
         .frames = {F(1, 4, 3, OK200), F(0, 9, 3, "")}},
        {"HEADERS on stream 0", CONNECTION(PROTOCOL_ERROR), .frames = {F(1, 5, 0, OK200)}},
        {"padding longer than HEADERS", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(1, 13, 3, "\2" OK200)}},
        {"padded HEADERS without a length", CONNECTION(FRAME_SIZE_ERROR),
         .frames = {F(1, 13, 3, "")}},
        {"HEADERS shorter than their priority", CONNECTION(FRAME_SIZE_ERROR),
         .frames = {F(1, 0x25, 3, "\0\0\0\0")}},
    };
    (void)state;
    CONFORM(rules);
}

static void test_priority_and_reset(void **state) /* 6.3 and 6.4 */
{
    static const rule rules[] = {
        {"PRIORITY", IGNORED, .frames = {F(2, 0, 3, "\0\0\0\1\x0f"), F(2, 0, 1, "\0\0\0\0\0")}},
        {"PRIORITY that depends on its own stream", IGNORED, .frames = {F(2, 0, 3, "\0\0\0\3\1")}},
        {"PRIORITY on stream 0", CONNECTION(PROTOCOL_ERROR), .frames = {F(2, 0, 0, "\0\0\0\0\1")}},
        {"PRIORITY of four bytes", STREAM(FRAME_SIZE_ERROR), .words = "PRIORITY",
         .frames = {F(2, 0, 3, "\0\0\0\1")}},
        {"PRIORITY of six bytes", STREAM(FRAME_SIZE_ERROR), .frames = {F(2, 0, 3, "\0\0\0\1\0\0")}},
        {"PRIORITY of four bytes of an idle stream", CONNECTION(FRAME_SIZE_ERROR),
         .frames = {F(2, 0, 5, "\0\0\0\1")}},
        {"PRIORITY of four bytes behind END_STREAM, alone", CONNECTION(FRAME_SIZE_ERROR),
         .alone = true, .apart = true, .frames = {F(1, 5, 3, OK200), F(2, 0, 3, "\0\0\0\1")}},
        {"RST_STREAM on stream 0", CONNECTION(PROTOCOL_ERROR), .frames = {F(3, 0, 0, "\0\0\0\0")}},
        {"RST_STREAM of three bytes", CONNECTION(FRAME_SIZE_ERROR),
         .frames = {F(3, 0, 3, "\0\0\0")}},
        {"RST_STREAM of five bytes", CONNECTION(FRAME_SIZE_ERROR),
         .frames = {F(3, 0, 3, "\0\0\0\0\0")}},
        {"RST_STREAM before an answer", .outcome = RULE_REQUEST_FAILS, .code = 2,
         .status = RP_E_H2_RESET, .unanswered = true, .words = "INTERNAL_ERROR",
         .frames = {F(3, 0, 3, "\0\0\0\2")}},
        {"RST_STREAM in an answer", .outcome = RULE_REQUEST_FAILS, .code = CANCEL,
         .status = RP_E_H2_RESET, .unanswered = true,
         .frames = {F(1, 4, 3, OK200), F(0, 0, 3, "test"), F(3, 0, 3, "\0\0\0\x08")}},
        {"RST_STREAM in an answer, as if it were whole", .outcome = RULE_REQUEST_FAILS, .code = 0,
         .status = RP_E_H2_RESET, .unanswered = true,
         .frames = {F(1, 4, 3, OK200), F(3, 0, 3, "\0\0\0\0")}},
        {"RST_STREAM behind an answer", IGNORED, .unanswered = true,
         .frames = {F(1, 4, 3, OK200), F(0, 1, 3, "test"), F(3, 0, 3, "\0\0\0\0")}},
    };
    (void)state;
    CONFORM(rules);
}

static void test_settings(void **state) /* 6.5 */
{
    static const rule rules[] = {
        {"empty SETTINGS", IGNORED, .frames = {F(4, 0, 0, "")}},
        {"an unknown setting", IGNORED, .frames = {F(4, 0, 0, "\xff\xff\1\2\3\4")}},
        {"no setting", IGNORED, .frames = {F(4, 0, 0, "\0\0\0\0\0\0")}},
        {"a setting twice", IGNORED,
         .frames = {F(4, 0, 0,
                      "\0\4\0\0\0\1"
                      "\0\4\0\1\0\0")}},
        {"all the largest", IGNORED,
         .frames = {F(4, 0, 0,
                      "\0\1\xff\xff\xff\xff"
                      "\0\3\xff\xff\xff\xff"
                      "\0\4" TWO14 "\0\5\0\xff\xff\xff"
                      "\0\6\xff\xff\xff\xff")}},
        {"all the smallest", IGNORED,
         .frames = {F(4, 0, 0,
                      "\0\1\0\0\0\0"
                      "\0\2\0\0\0\0"
                      "\0\4\0\0\0\0"
                      "\0\5\0\0\x40\0"
                      "\0\6\0\0\0\0"),
                    F(4, 0, 0, "\0\4\0\0\xff\xff")}},
        {"SETTINGS on a stream", CONNECTION(PROTOCOL_ERROR), .frames = {F(4, 0, 3, "")}},
        {"SETTINGS of five bytes", CONNECTION(FRAME_SIZE_ERROR),
         .frames = {F(4, 0, 0, "\0\3\0\0\0")}},
        {"a confirmation with a setting", CONNECTION(FRAME_SIZE_ERROR),
         .frames = {F(4, 1, 0, "\0\3\0\0\0\1")}},
        {"a confirmation on a stream", CONNECTION(PROTOCOL_ERROR), .frames = {F(4, 1, 3, "")}},
        {"SETTINGS_ENABLE_PUSH of 2", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(4, 0, 0, "\0\2\0\0\0\2")}},
        {"SETTINGS_ENABLE_PUSH of 1", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(4, 0, 0, "\0\2\0\0\0\1")}},
        {"SETTINGS_INITIAL_WINDOW_SIZE of 2^31", CONNECTION(FLOW_CONTROL_ERROR),
         .frames = {F(4, 0, 0, "\0\4\x80\0\0\0")}},
        {"SETTINGS_MAX_FRAME_SIZE of 16383", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(4, 0, 0, "\0\5\0\0\x3f\xff")}},
        {"SETTINGS_MAX_FRAME_SIZE of 2^24", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(4, 0, 0, "\0\5\1\0\0\0")}},
    };
    (void)state;
    CONFORM(rules);
}

static void test_others(void **state) /* 6.6 to 6.8 */
{
    static const rule rules[] = {
        {"PUSH_PROMISE", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(5, 4, 3, "\0\0\0\2\x82\x84\x86")}},
        {"PUSH_PROMISE on stream 0", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(5, 4, 0, "\0\0\0\2\x82\x84\x86")}},
        {"PING", IGNORED, .frames = {F(6, 0, 0, "12345678"), F(6, 0, 0, "87654321")}},
        {"an answer to no PING", IGNORED, .frames = {F(6, 1, 0, "nonsense")}},
        {"PING on a stream", CONNECTION(PROTOCOL_ERROR), .frames = {F(6, 0, 3, "12345678")}},
        {"PING of six bytes", CONNECTION(FRAME_SIZE_ERROR), .frames = {F(6, 0, 0, "123456")}},
        {"PING of nine bytes", CONNECTION(FRAME_SIZE_ERROR), .frames = {F(6, 0, 0, "123456789")}},
        {"GOAWAY on a stream", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(7, 0, 3, "\0\0\0\3\0\0\0\0")}},
        {"GOAWAY of seven bytes", CONNECTION(FRAME_SIZE_ERROR),
         .frames = {F(7, 0, 0, "\0\0\0\3\0\0\0")}},
    };
    (void)state;
    CONFORM(rules);
}

static void test_windows(void **state) /* 6.9 */
{
    static const rule rules[] = {
        {"WINDOW_UPDATE", IGNORED, .frames = {F(8, 0, 0, "\0\0\0\1"), F(8, 0, 3, "\0\0\0\1")}},
        {"WINDOW_UPDATE of 0", CONNECTION(PROTOCOL_ERROR), .frames = {F(8, 0, 0, "\0\0\0\0")}},
        {"WINDOW_UPDATE of 0 of a stream", STREAM(PROTOCOL_ERROR), .words = "by 0",
         .frames = {F(8, 0, 3, "\0\0\0\0")}},
        {"WINDOW_UPDATE of 0 but for the reserved bit", STREAM(PROTOCOL_ERROR),
         .frames = {F(8, 0, 3, "\x80\0\0\0")}},
        {"WINDOW_UPDATE of three bytes", CONNECTION(FRAME_SIZE_ERROR),
         .frames = {F(8, 0, 0, "\0\0\1")}},
        {"WINDOW_UPDATE of five bytes of a stream", CONNECTION(FRAME_SIZE_ERROR),
         .frames = {F(8, 0, 3, "\0\0\0\0\1")}},
        {"a window of the connection above 2^31-1", CONNECTION(FLOW_CONTROL_ERROR),
         .frames = {F(8, 0, 0, TWO14), F(8, 0, 0, TWO14)}},
        {"a window of a stream above 2^31-1", STREAM(FLOW_CONTROL_ERROR), .words = "2^31-1",
         .frames = {F(8, 0, 3, TWO14), F(8, 0, 3, TWO14)}},
        {"a window of a stream above 2^31-1 by SETTINGS", CONNECTION(FLOW_CONTROL_ERROR),
         .frames = {F(8, 0, 3, "\x7f\xff\x00\x00"), F(4, 0, 0, "\0\4" TWO14)}},
    };
    (void)state;
    CONFORM(rules);
}

static void test_continuations(void **state) /* 6.10 */
{
    static const rule rules[] = {
        {"CONTINUATIONs, empty ones too", IGNORED, .unanswered = true,
         .frames = {F(1, 1, 3, ""), F(9, 0, 3, OK200 "\x40\1"), F(9, 0, 3, ""),
                    F(9, 4, 3, "x\1y")}},
        {"CONTINUATION behind END_HEADERS", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(1, 4, 3, OK200), F(9, 4, 3, OK200)}},
        {"CONTINUATION behind DATA", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(1, 4, 3, OK200), F(0, 0, 3, "x"), F(9, 4, 3, OK200)}},
        {"CONTINUATION on stream 0", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(1, 1, 3, OK200), F(9, 4, 0, "")}},
        {"CONTINUATION on another stream", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(1, 1, 3, OK200), F(9, 4, 1, "")}},
        {"HEADERS before CONTINUATION", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(1, 1, 3, OK200), F(1, 5, 1, OK200)}},
        {"PRIORITY before CONTINUATION", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(1, 1, 3, OK200), F(2, 0, 3, "\0\0\0\0\1"), F(9, 4, 3, "")}},
        {"DATA between CONTINUATIONs", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(1, 0, 3, OK200), F(9, 0, 3, ""), F(0, 1, 3, "test")}},
        {"CONTINUATION behind the last one", CONNECTION(PROTOCOL_ERROR), .apart = true,
         .frames = {F(1, 1, 3, OK200), F(9, 4, 3, ""), F(9, 4, 3, "")}},
        {"PING before CONTINUATION", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(1, 1, 3, OK200), F(6, 0, 0, "12345678"), F(9, 4, 3, "")}},
        {"an unknown type before CONTINUATION", CONNECTION(PROTOCOL_ERROR),
         .frames = {F(1, 1, 3, OK200), F(0x77, 0, 3, "x"), F(9, 4, 3, "")}},
    };
    (void)state;
    CONFORM(rules);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(test_frames),
        fixture_test(test_beginnings),
        fixture_test(test_states),
        fixture_test(test_data_and_headers),
        fixture_test(test_priority_and_reset),
        fixture_test(test_settings),
        fixture_test(test_others),
        fixture_test(test_windows),
        fixture_test(test_continuations),
    };
    return fixture_run_simulated(tests, 2);
}

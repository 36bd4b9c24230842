/* scene.h - a scripted server (<ringport/sim.h>), and an HTTP client or a stream that talks to it,
 * on one loop.
 *
 * The loop is of the world that is set: the backend under test, or whatever a test program puts in
 * its place (a simulation's). The scenes do not know. */
#ifndef RP_TESTS_SCENE_H
#define RP_TESTS_SCENE_H

#include "support/web.h"

#include <ringport/sim.h>

typedef struct scene_world {
    rp_loop *(*loop)(void);
    void (*loop_end)(rp_loop *loop);
} scene_world;

extern scene_world scene_world_now;

typedef struct scene {
    web web; /* its loop and client; there is no server in it */
    rp_sim_server *server;
    int version;      /* 12, 13, 0: plain */
    const void *data; /* the test's own, for its scripts */
    unsigned gone;    /* the test counts */
    const char *alpn; /* of streams; NULL: "http/1.1" */
} scene;

/* serving: callbacks and what else the test wants; its versions are set here, and user to the scene
 * if it is NULL. Both may be NULL. */
void scene_begin(scene *s, int version, const rp_sim_server_options *serving,
                 const rp_client_options *client);
/* Everything ends. Asserts that nothing woke for nothing, that no TLS call was idle, and that the
 * loop has nothing pending. */
void scene_end(scene *s);

/* Stops the server, and starts another one at its address, with options as in scene_begin. */
void scene_serve_again(scene *s, const rp_sim_server_options *serving);

/* "https://127.0.0.1:PORT/path"; a buffer of 8 that are used in turn. */
const char *scene_url(const scene *s, const char *path);
/* "127.0.0.1 (127.0.0.1:PORT)", as sentences have it; likewise. */
const char *scene_peer(const scene *s);
rp_sim_server_counts scene_counts(const scene *s);

/* As fetch_good and fetch_bad. scene_bad also wants the whole sentence, in which PEER stands for
 * scene_peer's; NULL: any. */
void scene_good(scene *s, fetch *f, const char *path, const rp_request_options *options,
                int status);
void scene_bad(scene *s, fetch *f, const char *path, const rp_request_options *options,
               rp_status status, rp_phase phase, const char *sentence);
void scene_says(const scene *s, const rp_error *error, rp_status status, rp_phase phase,
                const char *sentence);

/* Opens a stream to the server and turns until it is open. */
void scene_connect(scene *s, probe *p);
/* Writes a request, and turns until so many bytes of answers came, or the end. */
void scene_ask(scene *s, probe *p, const char *text, size_t bytes);
/* Turns for ms of the loop's own time. */
void scene_settle(scene *s, uint64_t ms);

#endif

/* feed.c - see feed.h. */
#include "support/feed.h"

#include "support/check.h"

static void wanted(rp_request *request, size_t room, void *user)
{
    feed *f = user;
    size_t left = f->size - f->given, size = left < room ? left : room;
    size_t taken = rp_request_give(request, f->data + f->given, size);
    CHECK(taken == size);
    f->wanted++;
    f->given += taken;
    if (f->given == f->size)
        CHECK(rp_request_body_end(request, NULL, 0, NULL) == RP_OK);
}

static rp_request_options given(const feed *f, const rp_request_options *options, bool known)
{
    rp_request_options with = *options;
    with.body_size = known ? f->size : 0;
    with.on_body_wanted = wanted;
    return with;
}

void feed_start(feed *f, web *w, const rp_request_options *options, bool known)
{
    rp_request_options with = given(f, options, known);
    CHECK(fetch_start(&f->f, w, with.url, &with));
}

void feed_good(feed *f, web *w, const rp_request_options *options, bool known, int status)
{
    rp_request_options with = given(f, options, known);
    fetch_good(&f->f, w, with.url, &with, status);
}

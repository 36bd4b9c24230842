/* ringport.h - all of ringport. */
#ifndef RINGPORT_RINGPORT_H
#define RINGPORT_RINGPORT_H

#include <ringport/address.h>
#include <ringport/error.h>
#include <ringport/events.h>
#include <ringport/http.h>
#include <ringport/insight.h>
#include <ringport/life.h>
#include <ringport/loop.h>
#include <ringport/load.h>
#include <ringport/proxy.h>
#include <ringport/resolver.h>
#include <ringport/service.h>
#include <ringport/stream.h>
#include <ringport/tls.h>
#include <ringport/trace.h>
#include <ringport/url.h>

#define RP_VERSION "0.2.0"

#endif

/* valgrind.h - is this process run by valgrind? Asks it, where its headers were there when this was
 * built (Debian: valgrind), by a few instructions that do nothing otherwise. */
#ifndef RP_LINUX_VALGRIND_H
#define RP_LINUX_VALGRIND_H

#include <stdbool.h>

#if defined(RP_MAY_HAVE_VALGRIND) && __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#define RP_ON_VALGRIND (RUNNING_ON_VALGRIND != 0)
#else
#define RP_ON_VALGRIND false
#endif

#endif

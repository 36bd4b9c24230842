/* jar.h - the cookie jars of -b and -c as files. */
#ifndef TOOL_JAR_H
#define TOOL_JAR_H

#include "cookies.h"
#include "options.h"

/* Cookies are kept and sent. */
bool jar_wanted(const tool_options *o);

/* Reads the files of o's -b, but for what an operation before it has read already, from first on:
 * in the jar is what became of that. One that is not there is empty. False: no memory. */
bool jar_load(cookie_jar *jar, const tool_options *first, const tool_options *o);

/* Writes a file anew, so that it is there as it was or as it shall be; "-": standard output. Nobody
 * but its owner may read it. What is no file, /dev/null say, is written to. False: errno. */
bool jar_save(const cookie_jar *jar, const char *path);

#endif

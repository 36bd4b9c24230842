/* check.h - assertions of the test support, which runs inside callbacks and on threads, where
 * cmocka's way out (longjmp) is not allowed: a failed check ends the program and says where. */
#ifndef RP_TESTS_CHECK_H
#define RP_TESTS_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                           \
    ((condition) ? (void)0                                                                         \
                 : (void)(fprintf(stderr, "%s:%d: in vain: %s\n", __FILE__, __LINE__, #condition), \
                          abort()))

/* The same with a sentence of the code under test. */
#define CHECK_TEXT(condition, text)                                                                \
    ((condition) ? (void)0                                                                         \
                 : (void)(fprintf(stderr, "%s:%d: in vain: %s: %s\n", __FILE__, __LINE__,          \
                                  #condition, (text)),                                             \
                          abort()))

#endif

/* end.h - when a server that runs as a program should end: at the end of its standard input or,
 * where there are signals, at SIGTERM and SIGINT. end_posix.c, end_win32.c. */
#ifndef RP_TESTS_END_H
#define RP_TESTS_END_H

/* Before the first thread is started. */
void end_prepare(void);
void end_wait(void);

#endif

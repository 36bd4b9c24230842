/* report_chart.h - the charts of a report, as SVG. */
#ifndef TOOL_REPORT_CHART_H
#define TOOL_REPORT_CHART_H

#include "report.h"

void report_chart_percentiles(const report_run *runs, size_t count, FILE *out);
/* Requests and errors a second, and below that the latency. */
void report_chart_timelines(const report_run *runs, size_t count, FILE *out);

/* Any text, for HTML and XML: what has a meaning there is escaped, what is no character of theirs
 * becomes U+FFFD. */
void report_text(const char *text, FILE *out);

#endif

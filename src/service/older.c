/* older.c - what the headers have inline since they say how long the caller's structures are, under
 * the same names as functions: for what was compiled before that. They fill what there was then. */
#define rp_client_totals newer_client_totals
#define rp_request_summary_get newer_request_summary_get
#define rp_service_stats_get newer_service_stats_get
#define rp_stream_info_get newer_stream_info_get
#include <ringport/service.h>
#include <ringport/stream.h>
#undef rp_client_totals
#undef rp_request_summary_get
#undef rp_service_stats_get
#undef rp_stream_info_get

#include <stddef.h>

#define UP_TO(structure, member)                                                                   \
    (offsetof(structure, member) + sizeof(((const structure *)NULL)->member))

void rp_client_totals(const rp_client *client, rp_origin_statistics *totals);
void rp_client_totals(const rp_client *client, rp_origin_statistics *totals)
{
    rp_client_totals_sized(client, totals, UP_TO(rp_origin_statistics, counts.hedges_won));
}

void rp_request_summary_get(const rp_request *request, rp_response_summary *summary);
void rp_request_summary_get(const rp_request *request, rp_response_summary *summary)
{
    rp_request_summary_get_sized(request, summary, UP_TO(rp_response_summary, hedge_won));
}

void rp_service_stats_get(rp_service *service, rp_service_stats *stats);
void rp_service_stats_get(rp_service *service, rp_service_stats *stats)
{
    rp_service_stats_get_sized(service, stats, UP_TO(rp_service_stats, spread));
}

void rp_stream_info_get(const rp_stream *stream, rp_stream_info *info);
void rp_stream_info_get(const rp_stream *stream, rp_stream_info *info)
{
    rp_stream_info_get_sized(stream, info, UP_TO(rp_stream_info, certificate_missed));
}

-- Which log lines may be forged?
-- Lines that can be read in more than one way because a request carried quotes. Columns that are in doubt are NULL; the line is in raw. See one with: sluice inspect FILE:LINE
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
SELECT request_time, remote_ip, bucket_name, log_key, log_line, raw
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
  AND parse_status <> 'clean'
ORDER BY request_time DESC, log_key, log_line
LIMIT :limit

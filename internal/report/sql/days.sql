-- Rows of each table by day, and when the first and the last of them happened,
-- in seconds.
SELECT source, dt, count(*) AS n, CAST(floor(epoch(min(happened))) AS bigint) AS first, CAST(floor(epoch(max(happened))) AS bigint) AS last
FROM (
  SELECT 's3_access_logs' AS source, dt, request_time AS happened FROM s3_access_logs WHERE dt BETWEEN :from AND :to
  UNION ALL
  SELECT 'cloudtrail_events', dt, event_time FROM cloudtrail_events WHERE dt BETWEEN :from AND :to
  UNION ALL
  SELECT 'findings', dt, event_time FROM findings WHERE dt BETWEEN :from AND :to
  UNION ALL
  SELECT 'rejected', dt, event_time FROM rejected WHERE dt BETWEEN :from AND :to
) AS records
GROUP BY source, dt
ORDER BY source, dt

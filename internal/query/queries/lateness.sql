-- How late do the logs arrive?
-- Minutes from the event to the delivery of its file, by log and day of the event.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 60  rows at most
-- The delivery is the time in the name of the file; for CloudTrail that is cut to the minute. Files with the day of the event in their name (PartitionedPrefix by event time) do not tell it: dated counts the records that do.
SELECT log_name, dt,
       count(*) AS records,
       count(minutes) AS dated,
       CAST(min(minutes) FILTER (WHERE share >= 0.5) AS decimal(18, 1)) AS p50_minutes,
       CAST(min(minutes) FILTER (WHERE share >= 0.95) AS decimal(18, 1)) AS p95_minutes,
       CAST(max(minutes) AS decimal(18, 1)) AS max_minutes,
       count(*) FILTER (WHERE minutes > 180) AS over_3_hours,
       count(*) FILTER (WHERE minutes > 1440) AS over_a_day
FROM (
  SELECT log_name, dt, minutes,
         cume_dist() OVER (PARTITION BY log_name, dt, minutes IS NULL ORDER BY minutes) AS share
  FROM (
    SELECT log_name, dt,
           CASE WHEN delivered >= happened THEN CAST(date_diff('millisecond', happened, delivered) AS double) / 60000 END AS minutes
    FROM (
      SELECT 's3_access_logs' AS log_name, dt, request_time AS happened,
             TRY_CAST(substr(stamp, 1, 10) || ' ' || substr(stamp, 12, 2) || ':' || substr(stamp, 15, 2) || ':' || substr(stamp, 18, 2) AS timestamp) AS delivered
      FROM (
        SELECT dt, request_time,
               regexp_extract(log_key, '([0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9]{2}-[0-9]{2}-[0-9]{2})-[0-9A-Z]+$', 1) AS stamp
        FROM s3_access_logs
        WHERE dt BETWEEN :from AND :to
      ) AS lines
      UNION ALL
      SELECT 'cloudtrail_events' AS log_name, dt, event_time AS happened,
             TRY_CAST(substr(stamp, 1, 4) || '-' || substr(stamp, 5, 2) || '-' || substr(stamp, 7, 2)
               || ' ' || substr(stamp, 10, 2) || ':' || substr(stamp, 12, 2) || ':00' AS timestamp) AS delivered
      FROM (
        SELECT dt, event_time, regexp_extract(log_key, '_([0-9]{8}T[0-9]{4}Z)_[^/]+$', 1) AS stamp
        FROM cloudtrail_events
        WHERE dt BETWEEN :from AND :to
      ) AS events
    ) AS stamped
  ) AS delays
) AS ranked
GROUP BY log_name, dt
ORDER BY dt DESC, log_name
LIMIT :limit

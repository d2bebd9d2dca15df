-- CloudTrail by bin of time and bucket, as access.sql has the access log.
WITH places(bucket_name, place) AS (VALUES {places})
SELECT CASE WHEN epoch_ms(event_time) // 1000 < :start THEN -1
            WHEN (epoch_ms(event_time) // 1000 - :start) // :step >= :bins THEN -1
            ELSE (epoch_ms(event_time) // 1000 - :start) // :step END AS bin,
       coalesce(p.place, -1) AS place,
       count(*) AS n,
       count(*) FILTER (WHERE error_code IS NULL) AS done,
       count(*) FILTER (WHERE error_code IS NOT NULL) AS failed
FROM cloudtrail_events AS l
LEFT JOIN places AS p ON p.bucket_name = l.bucket_name
WHERE dt BETWEEN :from AND :to
GROUP BY ALL
ORDER BY bin, place

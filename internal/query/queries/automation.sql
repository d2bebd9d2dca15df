-- What automation talks to the buckets?
-- Clients that are no browser, by requests. What a client calls itself is its own word.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
SELECT user_agent_name AS client,
       count(*) AS requests,
       count(DISTINCT coalesce(requester, remote_ip)) AS requesters,
       sum(CASE WHEN http_status BETWEEN 400 AND 499 THEN 1 ELSE 0 END) AS errors,
       CAST(CAST(sum(bytes_sent_size) AS double) / 1000000 AS decimal(18, 1)) AS megabytes,
       max(request_time) AS last_seen
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
  AND coalesce(user_agent_name, '') NOT IN ('Chrome', 'Firefox', 'Safari', 'Edge', 'Opera', 'Internet Explorer')
GROUP BY user_agent_name
ORDER BY requests DESC, client
LIMIT :limit

-- Who downloads the most?
-- Requesters by bytes sent to them.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
SELECT requester_type, coalesce(requester_name, requester) AS who, requester_account AS account,
       count(*) AS requests,
       count(DISTINCT remote_ip) AS addresses,
       CAST(CAST(sum(bytes_sent_size) AS double) / 1000000 AS decimal(18, 1)) AS megabytes
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
GROUP BY requester_type, coalesce(requester_name, requester), requester_account
ORDER BY megabytes DESC, requests DESC, requester_type, who, account
LIMIT :limit

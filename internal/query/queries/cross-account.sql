-- Which other accounts use the buckets?
-- Requests by accounts that are not yours: canonical ids other than the owner, and, once you name your account, ARNs of others.
-- :account text =   your account, 12 digits, empty for canonical ids only
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
-- S3 logs most callers of other accounts as canonical ids, which do not tell the account. CloudTrail does: see the column user_identity_account_id of the view s3_requests.
SELECT bucket_name, requester_type, coalesce(requester_account, requester) AS account, requester_name AS who,
       count(*) AS requests,
       count(*) FILTER (WHERE http_status >= 400) AS errors,
       CAST(CAST(sum(bytes_sent_size) AS double) / 1000000 AS decimal(18, 1)) AS megabytes,
       min(request_time) AS first_seen, max(request_time) AS last_seen
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
  AND (requester_type = 'canonical_user' OR requester_account <> nullif(:account, ''))
GROUP BY bucket_name, requester_type, coalesce(requester_account, requester), requester_name
ORDER BY requests DESC, bucket_name, account, who
LIMIT :limit

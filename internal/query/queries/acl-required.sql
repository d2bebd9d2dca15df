-- Who could do something only because of an ACL?
-- Requests that an ACL allowed: what stops working when ACLs are turned off for a bucket.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
-- Give these requesters the same by policy before setting Object Ownership to bucket owner enforced. Lines of before 2022 do not tell.
SELECT bucket_name, coalesce(requester_name, requester_type) AS who, requester_account AS account, operation,
       count(*) AS requests,
       count(DISTINCT key_name) AS key_names,
       min(key_name) AS example_key,
       max(request_time) AS last_seen
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
  AND acl_required
GROUP BY bucket_name, coalesce(requester_name, requester_type), requester_account, operation
ORDER BY requests DESC, bucket_name, who, account, operation
LIMIT :limit

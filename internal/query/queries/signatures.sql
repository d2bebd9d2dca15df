-- Who still signs with Signature Version 2?
-- Requests by signature version and by where the signature stands, SigV2 first, then requests without any.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
-- QueryString is a presigned link, AuthHeader a signed request. A SigV2 link holds its signature and key in clear for as long as it lives.
SELECT coalesce(signature_version, 'none') AS signature, authentication_type,
       bucket_name, coalesce(requester_name, requester_type) AS who, user_agent_name AS client,
       count(*) AS requests,
       count(DISTINCT remote_ip) AS addresses,
       max(request_time) AS last_seen
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
  AND parse_status = 'clean'
  AND http_method IS NOT NULL
GROUP BY signature_version, authentication_type, bucket_name, coalesce(requester_name, requester_type), user_agent_name
ORDER BY CASE signature_version WHEN 'SigV2' THEN 1 WHEN 'SigV4' THEN 3 ELSE 2 END,
         requests DESC, authentication_type, bucket_name, who, client
LIMIT :limit

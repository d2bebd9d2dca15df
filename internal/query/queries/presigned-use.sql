-- How are presigned links used?
-- Access keys that signed links, by the longest validity: how many objects, from how many addresses, how many came too late.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
-- Validity counts from the signature for SigV4 and from the request for SigV2. A link ends with the session that signed it, too. presigned-links shows which went from hand to hand.
SELECT presign_access_key_id AS signed_with, coalesce(max(requester_name), max(requester_type)) AS who, max(signature_version) AS signature,
       count(*) AS requests,
       count(DISTINCT key_name) AS key_names,
       count(DISTINCT remote_ip) AS addresses,
       count(*) FILTER (WHERE http_status = 403) AS refused,
       max(presign_expires) AS longest_seconds,
       max(request_time) AS last_seen
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
  AND presigned
GROUP BY presign_access_key_id
ORDER BY longest_seconds DESC, requests DESC, signed_with
LIMIT :limit

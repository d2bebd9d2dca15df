-- Who still uses old TLS, or none?
-- Requests by TLS version, the oldest first, by bucket, requester and client.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
-- Website endpoints know plain HTTP only. Short lines, as S3 wrote them years ago, do not log TLS. A policy with aws:SecureTransport or s3:TlsVersion refuses what should not be.
SELECT CASE WHEN tls_version IS NOT NULL THEN tls_version
            WHEN host_header IS NULL THEN 'not logged'
            ELSE 'none, plain HTTP' END AS tls,
       bucket_name, coalesce(requester_name, requester_type) AS who, user_agent_name AS client,
       count(*) AS requests,
       count(DISTINCT remote_ip) AS addresses,
       max(request_time) AS last_seen
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
  AND parse_status = 'clean'
  AND http_method IS NOT NULL
GROUP BY 1, bucket_name, coalesce(requester_name, requester_type), user_agent_name
ORDER BY CASE WHEN min(lower(tls_version)) IN ('tlsv1', 'tlsv1.0', 'tlsv1.1') THEN 1
              WHEN min(tls_version) IS NULL AND min(host_header) IS NOT NULL THEN 2
              ELSE 3 END,
         tls, requests DESC, bucket_name, who, client
LIMIT :limit

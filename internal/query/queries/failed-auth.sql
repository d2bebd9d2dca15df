-- Whose credentials failed, and who was not allowed?
-- Refused requests by cause: credentials means that S3 could not tell or believe who asked, permission that it could and said no.
-- :from day = 2006-03-01  first day, UTC
-- :to day = 9999-12-31  last day, UTC
-- :limit number = 20  rows at most
-- CloudTrail has no records of failed credentials: access logs are where they show.
SELECT CASE WHEN error_code IN ('InvalidAccessKeyId', 'SignatureDoesNotMatch', 'ExpiredToken', 'InvalidToken', 'TokenRefreshRequired',
                                'RequestTimeTooSkewed', 'AuthorizationHeaderMalformed', 'AuthorizationQueryParametersError',
                                'InvalidSecurity', 'MissingSecurityHeader') THEN 'credentials' ELSE 'permission' END AS cause,
       error_code, coalesce(requester_name, requester_type) AS who, remote_ip, bucket_name,
       count(*) AS requests,
       count(DISTINCT key_name) AS key_names,
       min(request_time) AS first_seen, max(request_time) AS last_seen
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to
  AND (http_status IN (401, 403)
    OR error_code IN ('InvalidAccessKeyId', 'SignatureDoesNotMatch', 'ExpiredToken', 'InvalidToken', 'TokenRefreshRequired',
                      'RequestTimeTooSkewed', 'AuthorizationHeaderMalformed', 'AuthorizationQueryParametersError',
                      'InvalidSecurity', 'MissingSecurityHeader'))
GROUP BY 1, error_code, coalesce(requester_name, requester_type), remote_ip, bucket_name
ORDER BY cause, requests DESC, error_code, who, remote_ip, bucket_name
LIMIT :limit

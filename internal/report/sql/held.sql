-- How many different ones there are: requesters as the rankings name them.
SELECT count(DISTINCT {caller}) FILTER (WHERE requester_type <> 'anonymous') AS requesters,
       count(DISTINCT remote_ip) AS addresses,
       count(DISTINCT bucket_name) AS buckets
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to

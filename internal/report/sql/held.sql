-- How many different ones there are.
SELECT count(DISTINCT requester) AS requesters,
       count(DISTINCT remote_ip) AS addresses,
       count(DISTINCT bucket_name) AS buckets
FROM s3_access_logs
WHERE dt BETWEEN :from AND :to

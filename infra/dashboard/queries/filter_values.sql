-- title: Values of the filters
-- topic: traffic
-- question: Which accounts, VPCs and actions can the filters select?
-- counts: The values in the last day of the time range.
-- order: by account, VPC and action
-- fields: account-id
-- optional: vpc-id, action
-- chart: table
-- column: account_id
-- column: vpc_id
-- column: action
SELECT DISTINCT
    account_id,
    vpc_id,
    action
FROM all_fields
WHERE
    event_time >= greatest(:since, :until - INTERVAL 24 HOURS)
    AND event_time < :until
ORDER BY account_id, vpc_id, action

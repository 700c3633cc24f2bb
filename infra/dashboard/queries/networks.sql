-- title: Accounts and VPCs
-- topic: traffic
-- question: Which accounts and VPCs have the most traffic?
-- counts: All records by account and VPC.
-- order: most bytes first
-- fields: account-id, bytes
-- optional: vpc-id, action, packets
-- chart: table
-- column: account_id
-- column: vpc_id
-- column: records
-- column: packets
-- column: bytes
-- column: rejected BIGINT: Number of rejected records
SELECT
    account_id,
    vpc_id,
    sum(records) AS records,
    coalesce(sum(packets), 0) AS packets,
    coalesce(sum(bytes), 0) AS bytes,
    coalesce(sum(CASE WHEN action = 'REJECT' THEN records END), 0) AS rejected
FROM traffic
GROUP BY account_id, vpc_id
ORDER BY bytes DESC, account_id, vpc_id

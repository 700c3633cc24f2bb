-- title: Totals
-- topic: traffic
-- question: How much traffic is there, and how much of it is rejected?
-- counts: All records, with those of both ends of a flow if both are logged.
-- order: one row
-- fields: bytes
-- optional: packets, action
-- chart: counter records, packets, bytes, rejected
-- column: records
-- column: packets
-- column: bytes
-- column: rejected BIGINT: Number of rejected records
SELECT
    coalesce(sum(records), 0) AS records,
    coalesce(sum(packets), 0) AS packets,
    coalesce(sum(bytes), 0) AS bytes,
    coalesce(sum(CASE WHEN action = 'REJECT' THEN records END), 0) AS rejected
FROM traffic

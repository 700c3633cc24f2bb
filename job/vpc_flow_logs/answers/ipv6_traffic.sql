-- title: IPv6 traffic
-- topic: traffic
-- question: How much IPv6 traffic is there?
-- counts: All IPv6 records; where type is missing, the address decides.
-- order: one row
-- fields: srcaddr, bytes
-- optional: dstaddr, type, packets, flow-direction
-- chart: counter bytes
-- parameter: direction
-- column: records
-- column: packets
-- column: bytes
SELECT
    count(*) AS records,
    coalesce(sum(packets), 0) AS packets,
    coalesce(sum(bytes), 0) AS bytes
FROM all_fields
WHERE
    event_time >= :since
    AND event_time < :until
    AND ip_version = 6
    AND bytes IS NOT NULL
    AND (:direction IS NULL OR flow_direction = :direction)

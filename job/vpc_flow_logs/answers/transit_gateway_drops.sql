-- title: Packets that transit gateways drop
-- topic: network
-- question: Which transit gateway attachments lose packets, and why?
-- counts: The packets-lost fields of transit gateway records, by attachment.
-- order: most lost packets first
-- fields: tgw-attachment-id, packets-lost-no-route, packets-lost-blackhole, packets-lost-mtu-exceeded,
--   packets-lost-ttl-expired
-- chart: bar tgw_attachment_id, packets_lost_no_route, packets_lost_blackhole, packets_lost_mtu_exceeded,
--   packets_lost_ttl_expired
-- column: tgw_attachment_id
-- column: packets_lost_no_route
-- column: packets_lost_blackhole
-- column: packets_lost_mtu_exceeded
-- column: packets_lost_ttl_expired
SELECT
    tgw_attachment_id,
    coalesce(sum(packets_lost_no_route), 0) AS packets_lost_no_route,
    coalesce(sum(packets_lost_blackhole), 0) AS packets_lost_blackhole,
    coalesce(sum(packets_lost_mtu_exceeded), 0) AS packets_lost_mtu_exceeded,
    coalesce(sum(packets_lost_ttl_expired), 0) AS packets_lost_ttl_expired
FROM all_fields
WHERE
    event_time >= :since
    AND event_time < :until
    AND tgw_attachment_id IS NOT NULL
    AND coalesce(
        packets_lost_no_route, packets_lost_blackhole, packets_lost_mtu_exceeded, packets_lost_ttl_expired
    ) IS NOT NULL
GROUP BY tgw_attachment_id
ORDER BY
    packets_lost_no_route + packets_lost_blackhole + packets_lost_mtu_exceeded + packets_lost_ttl_expired DESC,
    tgw_attachment_id

-- title: Bytes through NAT gateways
-- topic: cost
-- question: Which instances, tags, services and destinations cause the bytes that NAT gateways process?
-- counts: Records whose next hop is a NAT gateway, zonal or regional, in both directions, except rejected ones.
--   The records of the NAT gateway's own interface have another next hop, so each byte counts once per direction.
-- order: most bytes first
-- fields: next-hop-interface-type, srcaddr, dstaddr, bytes
-- optional: flow-direction, instance-id, instance-tag, asg-tag, interface-tag, pkt-srcaddr, pkt-dstaddr,
--   pkt-src-aws-service, pkt-dst-aws-service, action, packets
-- chart: bar destination, bytes
-- column: flow_direction
-- column: instance_id
-- column: tag STRING: First of instance-tag, asg-tag and interface-tag that has a value, percent-encoded
-- column: aws_service STRING: AWS service of the destination; NULL for other destinations
-- column: destination STRING: Address behind the NAT gateway: the target of egress, the sender of ingress
-- column: records
-- column: packets
-- column: bytes
WITH translated AS (
    SELECT
        flow_direction,
        instance_id,
        coalesce(instance_tag, asg_tag, interface_tag) AS tag,
        CASE WHEN flow_direction = 'ingress' THEN pkt_src_aws_service ELSE pkt_dst_aws_service END AS aws_service,
        CASE
            WHEN flow_direction = 'ingress' THEN coalesce(pkt_srcaddr, srcaddr)
            ELSE coalesce(pkt_dstaddr, dstaddr)
        END AS destination,
        packets,
        bytes
    FROM all_fields
    WHERE
        event_time >= :since
        AND event_time < :until
        AND next_hop_interface_type IN ('nat_gateway', 'regional_nat_gateway')
        AND coalesce(action, 'ACCEPT') <> 'REJECT'
        AND bytes IS NOT NULL
)

SELECT
    flow_direction,
    instance_id,
    tag,
    aws_service,
    destination,
    count(*) AS records,
    coalesce(sum(packets), 0) AS packets,
    sum(bytes) AS bytes
FROM translated
WHERE destination IS NOT NULL
GROUP BY flow_direction, instance_id, tag, aws_service, destination
ORDER BY bytes DESC, destination, flow_direction, instance_id, tag, aws_service

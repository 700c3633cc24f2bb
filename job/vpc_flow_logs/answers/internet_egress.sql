-- title: Bytes to the internet
-- topic: cost
-- question: Which instances and tags send bytes to the internet directly, and where to?
-- counts: Egress records with traffic-path 2 or 8 (internet gateway), except rejected ones, the records of NAT
--   gateways, and those whose next hop is a NAT gateway or a VPC endpoint. On instances that are not built on
--   Nitro, path 2 can also be a gateway endpoint.
-- order: most bytes first
-- fields: traffic-path, dstaddr, bytes
-- optional: flow-direction, interface-type, next-hop-interface-type, resource-id, instance-id, instance-tag, asg-tag,
--   interface-tag, pkt-dstaddr, pkt-dst-aws-service, action, packets
-- chart: bar destination, bytes
-- column: instance_id
-- column: tag STRING: First of instance-tag, asg-tag and interface-tag that has a value, percent-encoded
-- column: aws_service STRING: AWS service of the destination; NULL for other destinations
-- column: destination STRING: Address on the internet
-- column: records
-- column: packets
-- column: bytes
SELECT
    instance_id,
    coalesce(instance_tag, asg_tag, interface_tag) AS tag,
    pkt_dst_aws_service AS aws_service,
    coalesce(pkt_dstaddr, dstaddr) AS destination,
    count(*) AS records,
    coalesce(sum(packets), 0) AS packets,
    sum(bytes) AS bytes
FROM all_fields
WHERE
    event_time >= :since
    AND event_time < :until
    AND coalesce(flow_direction, 'egress') = 'egress'
    AND traffic_path IN (2, 8)
    AND coalesce(interface_type, '-') NOT IN ('nat_gateway', 'regional_nat_gateway')
    AND coalesce(next_hop_interface_type, '-') NOT IN ('nat_gateway', 'regional_nat_gateway', 'vpc_endpoint')
    AND coalesce(resource_id, '-') NOT LIKE 'nat-%'
    AND coalesce(action, 'ACCEPT') <> 'REJECT'
    AND coalesce(pkt_dstaddr, dstaddr) IS NOT NULL
    AND bytes IS NOT NULL
GROUP BY
    instance_id,
    coalesce(instance_tag, asg_tag, interface_tag),
    pkt_dst_aws_service,
    coalesce(pkt_dstaddr, dstaddr)
ORDER BY bytes DESC, destination, instance_id, tag, aws_service

-- title: Bytes between Availability Zones
-- topic: cost
-- question: Which zones, subnets and tags exchange bytes across Availability Zones?
-- counts: Records whose next hop is in a different zone from the interface, except rejected ones.
-- order: most bytes first
-- fields: az-id, next-hop-az-id, bytes
-- optional: subnet-id, next-hop-subnet-id, instance-tag, asg-tag, interface-tag, flow-direction, action, packets
-- chart: sankey az_id, next_hop_az_id, bytes
-- parameter: direction
-- column: az_id
-- column: next_hop_az_id
-- column: subnet_id
-- column: next_hop_subnet_id
-- column: tag STRING: First of instance-tag, asg-tag and interface-tag that has a value, percent-encoded
-- column: flow_direction
-- column: records
-- column: packets
-- column: bytes
SELECT
    az_id,
    next_hop_az_id,
    subnet_id,
    next_hop_subnet_id,
    coalesce(instance_tag, asg_tag, interface_tag) AS tag,
    flow_direction,
    count(*) AS records,
    coalesce(sum(packets), 0) AS packets,
    sum(bytes) AS bytes
FROM all_fields
WHERE
    event_time >= :since
    AND event_time < :until
    AND az_id <> next_hop_az_id
    AND coalesce(action, 'ACCEPT') <> 'REJECT'
    AND bytes IS NOT NULL
    AND (:direction IS NULL OR flow_direction = :direction)
GROUP BY
    az_id,
    next_hop_az_id,
    subnet_id,
    next_hop_subnet_id,
    coalesce(instance_tag, asg_tag, interface_tag),
    flow_direction
ORDER BY bytes DESC, az_id, next_hop_az_id, subnet_id, next_hop_subnet_id, tag, flow_direction

-- title: Bytes that gateway endpoints would save
-- topic: cost
-- question: How many bytes to and from S3 and DynamoDB go through a NAT gateway unnecessarily?
-- counts: Records whose next hop is a NAT gateway and whose destination is S3 or DynamoDB, in both directions, except
--   rejected ones. A gateway endpoint in the VPC carries them without charge, if the service is in the same Region.
-- order: most bytes first
-- fields: next-hop-interface-type, pkt-dst-aws-service, pkt-src-aws-service, bytes
-- optional: flow-direction, vpc-id, subnet-id, action, packets
-- chart: bar aws_service, bytes
-- column: aws_service STRING: S3 or DYNAMODB
-- column: vpc_id
-- column: subnet_id
-- column: flow_direction
-- column: records
-- column: packets
-- column: bytes
WITH translated AS (
    SELECT
        CASE WHEN flow_direction = 'ingress' THEN pkt_src_aws_service ELSE pkt_dst_aws_service END AS aws_service,
        vpc_id,
        subnet_id,
        flow_direction,
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
    aws_service,
    vpc_id,
    subnet_id,
    flow_direction,
    count(*) AS records,
    coalesce(sum(packets), 0) AS packets,
    sum(bytes) AS bytes
FROM translated
WHERE aws_service IN ('S3', 'DYNAMODB')
GROUP BY aws_service, vpc_id, subnet_id, flow_direction
ORDER BY bytes DESC, aws_service, vpc_id, subnet_id, flow_direction

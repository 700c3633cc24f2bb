-- title: Skipped and missing data
-- topic: health
-- question: For which interfaces did AWS skip records, or see no traffic?
-- counts: Records with log-status SKIPDATA (AWS could not log some flows) and NODATA (no traffic), by interface.
-- order: SKIPDATA first, then most records first
-- fields: interface-id, log-status
-- chart: table
-- column: interface_id
-- column: log_status
-- column: records
SELECT
    interface_id,
    log_status,
    count(*) AS records
FROM all_fields
WHERE
    event_time >= :since
    AND event_time < :until
    AND log_status IN ('SKIPDATA', 'NODATA')
    AND interface_id IS NOT NULL
GROUP BY interface_id, log_status
ORDER BY log_status DESC, records DESC, interface_id

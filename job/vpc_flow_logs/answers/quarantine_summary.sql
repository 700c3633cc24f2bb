-- title: Lines in quarantine
-- topic: health
-- question: Which lines could the job not read as records, and why?
-- counts: Entries of the quarantine table, and the lines that they cover, by reason. The time window selects the
--   time at which the job read the file.
-- order: most lines first
-- fields: none
-- chart: table
-- column: reason STRING: Reason that the line is not a record
-- column: entries BIGINT: Number of quarantine entries
-- column: lines BIGINT: Number of lines that the entries cover
SELECT
    reason,
    count(*) AS entries,
    coalesce(sum(lines), 0) AS lines
FROM quarantine
WHERE
    ingested_at >= :since
    AND ingested_at < :until
    AND reason IS NOT NULL
GROUP BY reason
ORDER BY lines DESC, entries DESC, reason

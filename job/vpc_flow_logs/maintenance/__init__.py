"""The maintenance of the tables: roll-up, expiry, purge, compaction and vacuum."""

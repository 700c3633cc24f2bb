"""What runs in MiniStack's own process: what AWS has and MiniStack lacks, added from outside the package."""

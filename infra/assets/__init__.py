"""Files that a deploy uploads: the zip of the registration function, and the job's wheel."""

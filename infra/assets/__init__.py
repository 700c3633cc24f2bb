"""Files that a deployment uploads: the zip of the registration function, and the job's wheel."""

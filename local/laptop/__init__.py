"""What a laptop needs to run the job: Java, the jars, and a Spark session with Delta Lake."""

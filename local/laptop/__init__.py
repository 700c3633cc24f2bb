"""Run the job on a laptop: Java, the jars, and a Spark session with Delta Lake."""

"""Spark for the job on a laptop: Java, the jars, and a session with Delta Lake."""

"""The shell: Kafka, Faust, threads and the clock, around the pure pipeline."""

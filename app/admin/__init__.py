"""How the gallery is kept running: health, jobs, rebuilds."""

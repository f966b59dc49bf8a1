"""What lets other frameworks use jobrunner; each part needs its own framework only."""

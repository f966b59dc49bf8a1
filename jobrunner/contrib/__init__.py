"""What lets other frameworks use jobrunner; each part needs its framework, and nothing else does."""

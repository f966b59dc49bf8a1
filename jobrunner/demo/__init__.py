"""The demonstration: a real job, with a worker killed in the middle, and its examination."""

"""What each contestant does, told in its own words; each runs in an environment of its own."""

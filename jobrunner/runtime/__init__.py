"""What moves: workers claim, run and settle; schedulers start, watch and sweep."""

"""What a clip is: its exposures from end to end, its cuts, and where its rhythm breaks."""

"""`lrhdr-eval`: methods measured on a test set, frame by frame, side by side.

`cli` parses the options, `session` carries them out: it opens `methods` and lets `run` measure
them (`measures`, `motion`, `flicker`, `vote`). What comes out is in `results`, and is shown as
tables (`sheets`), as JSON (`facts`) and as a page with pictures (`report`, `gallery`, `plot`).
"""

"""What a fleet of any size needs, derived from figures measured on a small one.

`python -m benchmarks.scaling` prints docs/scaling.md's tables; `--write` puts them into the page,
`--measure` first measures on this machine what one process can measure by itself.
"""

"""What a fleet of any size needs, derived from figures measured on a small one.

`python -m benchmarks.scaling` prints docs/scaling.md's tables. `--measure` first measures every
figure on this machine, `--set KEY=VALUE` takes one measured elsewhere; `--write` keeps the figures
(benchmarks/results/scaling.json) and puts the tables into the page.
"""

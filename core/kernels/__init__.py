"""The predictors of the mixture: each learns online and forecasts the next increment.

Forecasts are in units of the increment scale.
"""

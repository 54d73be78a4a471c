"""The states of every asset in packed tiles on the device, and the calls that advance them."""

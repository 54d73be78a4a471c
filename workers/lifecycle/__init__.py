"""How a worker's process ends, is ended or begins anew: signals, shutdown, guard, pacing."""

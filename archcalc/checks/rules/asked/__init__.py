"""Rules of advice that run only where they are asked for, by `--info` or a selection."""

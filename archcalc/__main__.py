"""The process of the command line, `archcalc` and `python -m archcalc`."""

import gc

gc.disable()  # imports and specs make no cycles worth looking for; looking costs a tenth of the start-up

from archcalc.cli import main  # noqa: E402 - the imports are what is not to be searched

__all__ = ["main"]

if __name__ == "__main__":
    main()

"""click's runner of commands, with standard error apart and `output` of both, in every version of click we allow."""

from typing import Any

from click.testing import CliRunner as Clicks
from click.testing import Result


class Apart(Result):
    """A result of click before 8.2, whose `output` had no standard error where that was kept apart."""

    @property
    def output(self) -> str:
        return self.stdout + self.stderr


class CliRunner(Clicks):
    def __init__(self, **options: Any) -> None:
        self.old = "mix_stderr" in Clicks.__init__.__annotations__
        if self.old:
            options["mix_stderr"] = False
        super().__init__(**options)

    def invoke(self, *arguments: Any, **options: Any) -> Result:
        result = super().invoke(*arguments, **options)
        if self.old:
            result.__class__ = Apart
        return result

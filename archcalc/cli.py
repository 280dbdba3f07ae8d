"""The command line: finds the command, and gives every way out its exit code.

0 fine; 1 findings; 2 usage, input or output; 70 a bug in archcalc; 130 interrupted; 141 broken pipe.
"""

import os
import sys
from importlib import import_module
from typing import NoReturn

import click

from archcalc import __version__
from archcalc.commands._common import USAGE
from archcalc.diagnostics import Unusable

BUG, INTERRUPTED, BROKEN_PIPE = 70, 130, 141
_NO_NUMPY = "archcalc: this needs NumPy, which is not installed: pip install 'archcalc[verify]'"


class Commands(click.Group):
    """The files in `commands/`, each imported when it is asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        folder = os.path.join(os.path.dirname(__file__), "commands")
        return sorted(file[:-3] for file in os.listdir(folder) if file.endswith(".py") and not file.startswith("_"))

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(context):
            return None
        command = getattr(import_module(f"archcalc.commands.{name}"), name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="archcalc")
def cli() -> None:
    """Check and measure ConvNet architectures before anyone trains them.

    SPEC is a YAML file, - for standard input, zoo:NAME for a spec that ships with archcalc (zoo:vgg16), or
    a pattern such as 'INPUT[32x32x3] -> CONV3-12p1 -> RELU -> POOL2 -> FC-10', or a file as git has it,
    HEAD~3:net.yaml.  For report, plan, verify and diff it
    may be torch:package.module:factory, a PyTorch model, whose code then runs.
    """


def main() -> NoReturn:
    """Run the command line; every way out has its exit code, none of them shows a traceback."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller, who then wants the exit code only
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - until the end
    if cannot_run := _surroundings():
        _leave(_complain(f"archcalc: {cannot_run}", USAGE))
    if "_ARCHCALC_COMPLETE" in os.environ:
        from archcalc.commands._shell import install

        install()
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        code = cli.main(prog_name="archcalc", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as exit:
        code = exit.exit_code
    except click.Abort:
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        code = BROKEN_PIPE
    except Unusable as error:
        code = _complain(f"archcalc: {error}", USAGE)
    except OSError as error:
        code = _complain(f"archcalc: cannot write: {error.strerror or error}", USAGE)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name == "numpy":
            _leave(_complain(_NO_NUMPY, USAGE))
        if os.environ.get("ARCHCALC_DEBUG") == "1":
            raise
        code = _complain(
            f"archcalc: a bug: {type(error).__name__}. Please report it with the spec; ARCHCALC_DEBUG=1 shows more.",
            BUG,
        )
    _leave(code or 0)


def _surroundings() -> str:
    """Why archcalc cannot run here; empty where it can."""
    if not os.path.isdir(os.path.dirname(__file__)):  # commands, layers and formats are found as files in folders
        return "it cannot run from inside a zip file; install it, or unpack the file"
    if sys.flags.optimize > 1:  # the catalogue of rules is their docstrings
        return "it cannot run without docstrings; run Python without -OO"
    return ""


def _complain(message: str, code: int) -> int:
    try:
        click.echo(message, err=True)
    except OSError:
        pass
    return code


def _leave(code: int) -> NoReturn:
    """Flush and exit, without Python's own complaints about a stream that is gone."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or USAGE
    os._exit(code)  # nothing is left to do, and taking the modules apart would take 8 ms

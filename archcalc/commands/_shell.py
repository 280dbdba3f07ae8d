"""Completion in bash, which takes a word apart at its colons and equals signs: `zoo:vgg1` arrives as `zoo`, `:`, `vgg1`."""

import os

from click.shell_completion import BashComplete, CompletionItem, add_completion_class, split_arg_string

_BREAKS = (":", "=")


class Bash(BashComplete):
    """click's, with the words as they were typed; only what stands behind the last break is offered, as bash replaces that."""

    def get_completion_args(self) -> tuple[list[str], str]:
        words = split_arg_string(os.environ["COMP_WORDS"])
        words, self.before = joined(words[: int(os.environ["COMP_CWORD"]) + 1], int(os.environ["COMP_CWORD"]))
        return words[1:-1], words[-1]

    def format_completion(self, item: CompletionItem) -> str:
        if item.type == "plain" and item.value.startswith(self.before):
            return f"plain,{item.value[len(self.before) :]}"
        return super().format_completion(item)


def joined(words: list[str], last: int) -> tuple[list[str], str]:
    """The words of a command line put together again, the last of them the one that is completed, and what stands before its last break.

    `words` end with the one at `last`, or before it where that one is not begun.
    """
    words = [*words, *[""] * (last + 1 - len(words))]
    out: list[str] = []
    before = ""
    glue = False
    for word in words:
        if out and (glue or word in _BREAKS):
            before = out[-1] + word if word in _BREAKS else before
            out[-1] += word
        else:
            out.append(word)
            before = ""
        glue = word in _BREAKS
    return out, before if before.endswith(":") else ""


def install() -> None:
    add_completion_class(Bash)

"""Specs to start from: commented examples of the language, one file each."""

import os


def shapes() -> list[str]:
    return sorted(file[:-5] for file in os.listdir(os.path.dirname(__file__)) if file.endswith(".yaml"))


def starter(shape: str, name: str) -> str:
    """The spec of a shape, with a name of its own."""
    from archcalc.authoring.notation import quoted

    with open(os.path.join(os.path.dirname(__file__), f"{shape}.yaml"), encoding="utf-8") as file:
        return file.read().replace("name: NAME\n", f"name: {quoted(name)}\n", 1)


def file_name(name: str) -> str:
    """A file for a network of this name, in this folder: letters, digits and `_.-` stay; empty if none is left."""
    plain = "".join(character if character.isalnum() or character in "_." else "-" for character in name)
    stem = "-".join(part for part in plain.removesuffix(".yaml").split("-") if part).strip("-.")
    return f"{stem[:100]}.yaml" if stem else ""

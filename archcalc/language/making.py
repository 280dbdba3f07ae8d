"""Layers out of steps: their values filled in for the variables at hand, each made once."""

from typing import Any

from archcalc.diagnostics import Diagnostic, Problems, Refusal
from archcalc.graph import UNKNOWN
from archcalc.language.entries import variables_in
from archcalc.language.steps import LayerStep
from archcalc.layers import Layer
from archcalc.layers.misfit import LayerError, placed
from archcalc.reader.expression import Environment
from archcalc.reader.nodes import Scalar

MOST_KEPT = 10_000  # layers that are kept for another expansion of the same steps


class Layers:
    """Layers by step and variables; `constants` are a step's values that no variable changes."""

    def __init__(self) -> None:
        self.made: dict[tuple[object, ...], Layer] = {}
        self.constants: dict[int, dict[str, Any]] = {}

    def settle(self, problems: list[Diagnostic]) -> None:
        """Forget them where something was wrong, which is to be said again, and before they are too many."""
        if problems or len(self.made) > MOST_KEPT:
            self.made.clear()
            self.constants.clear()

    def layer(self, step: LayerStep, variables: Environment, problems: Problems) -> Layer:
        """The step's layer for these variables, made once; UNKNOWN where its values are wrong."""
        key = (id(step), *(variables.get(name) for name in step.variables)) if step.variables else (id(step),)
        made = self.made.get(key)
        if made is None:
            made = self.made[key] = self._equal(step, variables, problems)
        return made

    def _equal(self, step: LayerStep, variables: Environment, problems: Problems) -> Layer:
        """The layer of an equal step read before, else a new one, so that equal layers are measured once."""
        texts = [node.text for node in step.values.values() if isinstance(node, Scalar)]
        if step.variables or step.uncertain or len(texts) < len(step.values):
            return self._make(step, variables, problems)
        key = (step.type, *step.values, *texts)
        made = self.made.get(key)
        if made is None:
            made = self._make(step, variables, problems)
            if made is not UNKNOWN:  # what is wrong is wrong in every place
                self.made[key] = made
        return made

    def _make(self, step: LayerStep, variables: Environment, problems: Problems) -> Layer:
        if step.type is Layer:
            return UNKNOWN
        known = self.constants.setdefault(id(step), {}) if step.variables else {}
        values = {}
        wrong = False
        for name, node in step.values.items():
            if name in known:
                values[name] = known[name]
                continue
            try:
                values[name] = step.type.keys[name].kind.read(node, variables)
            except Refusal as refusal:
                one = refusal.diagnostic
                problems.append(one._replace(message=f"{step.type.type}: {name}: {one.message}"))
                wrong = True
            else:
                if step.variables and not variables_in(node):  # the same in every pass
                    known[name] = values[name]
        if wrong or step.uncertain or any(key.required and name not in values for name, key in step.type.keys.items()):
            return UNKNOWN
        try:
            return step.type(**values)
        except LayerError as error:
            problems.append(placed(error, step.type.type, step.span, step.places))
            return UNKNOWN

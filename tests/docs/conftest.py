"""Keras asks the environment for its backend when it is first imported: the recipes run on torch."""

from __future__ import annotations

import os

from tests.docs.pages import ROOT

os.environ["KERAS_BACKEND"] = "torch"
os.environ["KERAS_HOME"] = str(ROOT / "build" / "keras")  # it writes its settings down, elsewhere in the home

"""The first configuration of a feed, and the key of its users' pseudonyms."""

from __future__ import annotations

import os
import secrets
import shlex
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from uae_model.config import Config, load_config
from uae_model.core.atomic import write_whole
from uae_model.core.errors import UsageError
from uae_model.first_contact.look import FirstLook, look_at
from uae_model.first_contact.settings_text import settings_text

SETTINGS, KEY = "uae.toml", "hmac.key"
KEY_BYTES = 32
USUAL_WINDOW, OTHER_DAYS = 7, 2
"""Days that are trained on, and those beside them: one validates, one is weighted."""


@dataclass(frozen=True)
class FirstSettings:
    """What was written.

    Attributes:
        file: the configuration.
        key: the key's file.
        is_new_key: whether it was made now.
        look: what is believed of the feed.
        config: the configuration as it is read.
    """

    file: Path
    key: Path
    is_new_key: bool
    look: FirstLook
    config: Config

    @property
    def days_needed(self) -> int:
        """Days of plays before the first publication: those of the window, one to validate, one to weight."""
        return self.config.training.window_days + self.config.training.validation_days + 1

    @property
    def commands(self) -> list[str]:
        """What to run next: the check, and where there are days enough all up to the first weights."""
        config = f"--config {shlex.quote(str(self.file))}"
        place = self.look.place
        check = f"uae check {config} --date {place.check_day}"
        if place.first_day is None or place.last_day is None or self.look.gaps():
            return [check]
        # The sessions of a day are whole once the next day is there; a complete dataset is whole at once.
        last = place.last_day - timedelta(days=1 if place.is_daily else 0)
        first = last - timedelta(days=self.days_needed - 1)
        if first < place.first_day:
            return [check]
        trained = last - timedelta(days=1)
        return [
            check,
            f"uae backfill {config} --from {first} --to {trained} --until sessions",
            f"uae train {config} --date {trained}",
            f"uae promote {config}",
            f"uae nightly {config} --date {last}",
        ]


def write_first_settings(path: Path, folder: Path, *, force: bool = False) -> FirstSettings:
    """Look at a feed and write ``uae.toml``, and ``hmac.key`` where there is none.

    Args:
        path: a file, or a folder of files.
        folder: where to write.
        force: write over a configuration that is there; a key is never written over.

    Raises:
        UsageError: if there is a configuration already.
        InputError: if the feed cannot be read.
    """
    file, key = folder / SETTINGS, folder / KEY
    if file.exists() and not force:
        raise UsageError(f"{file} is there already; --force writes over it, --out FOLDER writes elsewhere")
    look = look_at(path)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(str(file.resolve()), settings_text(look, folder, _window(look)))
    is_new_key = make_key(key)
    return FirstSettings(file, key, is_new_key, look, load_config(file))


def make_key(file: Path) -> bool:
    """Write a new key that its owner alone can read; tell whether there was none."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w") as opened:
        opened.write(secrets.token_hex(KEY_BYTES))
    return True


def _window(look: FirstLook) -> int | None:
    """Return the days to train on where a complete dataset has fewer than usual; None where it has enough."""
    days = look.place.days - OTHER_DAYS
    if look.place.is_daily or not 1 <= days < USUAL_WINDOW:
        return None
    return days

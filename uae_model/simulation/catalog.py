"""The fixed vocabulary of the simulated service and what each value does to attention (in logits)."""

from __future__ import annotations

import numpy as np

from uae_model.config import FEEDBACK_TYPES

DEVICES = ("phone", "desktop", "tablet", "watch", "tv", "speaker", "car")
DEVICE_SHARES = np.array([0.42, 0.16, 0.06, 0.04, 0.06, 0.14, 0.12])
DEVICE_EFFECTS = np.array([1.3, 0.7, 0.9, -0.6, -1.4, -2.0, -2.3])

PLAY_SOURCES = ("search", "library", "chart", "playlist", "radio", "autoplay")
SOURCE_SHARES = np.array([0.10, 0.18, 0.10, 0.27, 0.17, 0.18])
SOURCE_EFFECTS = np.array([2.2, 1.3, 0.8, 0.1, -1.5, -2.2])
CHOSEN_SOURCES = np.array([True, True, False, False, False, False])
"""Sources at which the listener chooses: of two songs the better liked one is played."""

GENRES = (
    *("pop", "rock", "hip_hop", "electronic", "rnb", "latin", "country", "folk"),
    *("jazz", "classical", "metal", "indie", "soul", "reggae", "blues", "punk"),
    *("ambient", "house", "techno", "k_pop", "soundtrack", "gospel", "world", "children"),
)
GENRE_SKEW = 1.6
"""Exponent of the genre draw: above 1, the first genres have more artists."""

HOUR_SHARES = np.array(
    [14, 9, 6, 4, 4, 8, 18, 34, 42, 36, 32, 34, 40, 38, 34, 34, 38, 48, 56, 60, 62, 56, 42, 26], dtype=float
)
"""Relative number of sessions that start in each UTC hour."""

HOUR_EFFECTS = 0.5 * np.cos(2 * np.pi * (np.arange(24) - 20) / 24)
"""Attention is highest at 20:00 and lowest at 08:00, when people work or commute."""

WEEKDAY_EFFECTS = np.array([-0.2, -0.15, -0.1, -0.05, 0.1, 0.3, 0.25])
"""Monday to Sunday."""

FEEDBACK_CODES = {name: code for code, name in enumerate(FEEDBACK_TYPES)}
POSITIVE_FEEDBACK = np.array([FEEDBACK_CODES[name] for name in ("like", "share", "download")])
POSITIVE_SHARES = np.array([0.70, 0.12, 0.18])
NEGATIVE_FEEDBACK = np.array([FEEDBACK_CODES[name] for name in ("skip", "dislike")])
NEGATIVE_SHARES = np.array([0.85, 0.15])
AUTO_PLAY = FEEDBACK_CODES["auto_play"]

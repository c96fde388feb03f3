"""Names and values in words: which of them tell what a column is, and what a listener's action means."""

from __future__ import annotations

import re
from functools import cache

from uae_model.config import Feedback
from uae_model.config.load import read_profile


def _set(words: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(words.split())


USER = _set(
    "user listener account customer member subscriber profile uid usr person visitor consumer client "
    "usuario utilisateur benutzer nutzer hörer"
)
SONG = _set(
    "song track item recording media content music piece isrc tune cancion canción morceau titel lied stück"
)
EVENT = _set("event play row log record message listen stream scrobble playback")
NAMING = _set("id uri key code uuid guid hash nr identifier number no")
"""Words that say that a value names something."""

START = _set("start started begin began played listened beginning")
END = _set("end ended stop stopped finish finished")
TIME = _set(
    "time timestamp ts date datetime at when instant epoch utc uts clock occurred created happened zeit "
    "hora heure datum fecha"
)
OTHER_TIME = _set(
    "received ingested loaded updated uploaded server registered birth release released added modified "
    "processed signup joined expires"
)
PLAYED = _set(
    "played play plays listen listened listening playtime elapsed heard watched consumed dwell stream "
    "streamed playback"
)
MILLISECONDS = _set("ms msec msecs millis milliseconds millisecond")
SECONDS = _set("s sec secs second seconds")
DURATION = MILLISECONDS | SECONDS | _set("duration time length dur")
NO_DURATION = _set(
    "min mins minutes hours start percent pct ratio fraction progress completion share position offset"
)
"""Words of numbers about listening that are no milliseconds or seconds."""

FEEDBACK = _set("feedback action reaction interaction outcome opinion")
PERHAPS_FEEDBACK = _set(
    "event activity reason response signal type status state kind rating click thumb thumbs end result"
)
AFTER = (
    END
    | FEEDBACK
    | _set(
        "skip skipped like liked love loved dislike disliked completed complete completion percent pct "
        "ratio progress rating share shared download downloaded listened played elapsed heard favorite "
        "favourite thumb next"
    )
)
"""Words of columns that are known only after the play: as features they would tell the answer."""

PERSONAL = _set(
    "email mail ip phone address lat lon latitude longitude birth birthday birthdate dob firstname "
    "lastname surname username password token"
)
OF_SONG = _set(
    "artist album genre title label popularity tempo bpm mood style composer performer duration length "
    "year language explicit release decade"
)
OF_MOMENT = _set(
    "device platform source network app client os version shuffle offline context playlist page screen "
    "entry mode premium volume hour weekday connection browser speaker channel start reason position "
    "rank queue"
)
ATTRIBUTE = (
    OF_SONG
    | OF_MOMENT
    | _set(
        "country age gender agent type plan tier city name count rank position segment group region "
        "subscription"
    )
)
"""Words of what something is like, rather than of which one it is."""

SESSION = _set("session visit")

_WORDS_OF_ACTIONS: dict[Feedback, str] = {
    "like": "like liked likes love loved heart favorite favourite favorited favourited upvote upvoted "
    "star starred ❤ 👍 thumbup",
    "share": "share shared shares repost reposted",
    "download": "download downloaded downloads",
    "skip": "skip skipped skips next forward fwd abandoned skipping",
    "dislike": "dislike disliked hate hated ban banned block blocked downvote downvoted 👎 thumbdown",
    "auto_play": "none auto autoplay complete completed finish finished play played plays listen listened "
    "passive natural nothing null nan na stream streamed playback done full heard end ended "
    "scrobble scrobbled automatic",
}
ACTIONS = {word: meaning for meaning, words in _WORDS_OF_ACTIONS.items() for word in words.split()}
"""What a word in a value of feedback says."""

PHRASES: dict[str, Feedback] = {
    "thumbsup": "like",
    "thumbsdown": "dislike",
    "noaction": "auto_play",
    "nofeedback": "auto_play",
    "notinterested": "dislike",
    "dontlike": "dislike",
    "autoplayed": "auto_play",
    "notskipped": "auto_play",
}
"""Several words whose meaning is not that of one of them, written without spaces."""

NEGATIONS = _set("not no un non remove removed undo unlike unliked undislike")

BOUNDARY = re.compile(
    r"(?<=[a-zà-ÿ0-9])(?=[A-ZÀ-Þ])|(?<=[A-ZÀ-Þ])(?=[A-ZÀ-Þ][a-zà-ÿ])|[\W_]+|(?<=\d)(?=[A-Za-z])"
)

KNOWN = frozenset().union(
    *(USER, SONG, EVENT, NAMING, START, END, TIME, OTHER_TIME, PLAYED, DURATION, FEEDBACK, PERHAPS_FEEDBACK),
    *(AFTER, PERSONAL, ATTRIBUTE, SESSION, _set("listener of is was by")),
)
SHORTEST_PART = 2


def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a name in lower case: ``trackUri``, ``track_uri`` and ``trackuri`` are the same."""
    pieces = [piece.lower() for piece in BOUNDARY.split(name) if piece]
    return tuple(word for piece in pieces for word in _known_parts(piece) or (piece,))


@cache
def _known_parts(text: str) -> tuple[str, ...]:
    """Return known words that a text consists of, as few as can be; none where it does not."""
    if text in KNOWN:
        return (text,)
    best: tuple[str, ...] = ()
    for cut in range(len(text) - SHORTEST_PART, SHORTEST_PART - 1, -1):
        if (
            text[:cut] in KNOWN
            and (rest := _known_parts(text[cut:]))
            and (not best or len(rest) + 1 < len(best))
        ):
            best = (text[:cut], *rest)
    return best


@cache
def _of_exports() -> dict[str, Feedback]:
    """Return how Spotify's export says that a play ended, as the profile for it maps that."""
    values: dict[str, Feedback] = read_profile("spotify")["feed"]["feedback_map"]
    return values


def meaning_of(value: str) -> Feedback | None:
    """Return what a value of feedback says, None where that is not known."""
    text = value.strip().lower()
    plain = re.sub(r"[\W_]+", "", text) or text
    known = _of_exports().get(text) or PHRASES.get(plain) or ACTIONS.get(plain)
    if known is not None:
        return known
    words = [word for word in BOUNDARY.split(value.strip()) if word]
    lower = [word.lower() for word in words]
    if NEGATIONS.intersection(lower):
        return None
    meanings = {ACTIONS[word] for word in lower if word in ACTIONS}
    active = meanings - {"auto_play"}
    if len(active) == 1:
        return active.pop()
    return "auto_play" if meanings == {"auto_play"} else None

"""Where the service is: given, in the environment, or the local stack of a folder above."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import NamedTuple

from hone.errors import NotConfigured

LOCAL = Path(".hone", "local.json")


class Settings(NamedTuple):
    """Everything that is needed to call the API."""

    api: str
    team: str
    token: str


def find_settings(api: str | None = None, team: str | None = None, token: str | None = None) -> Settings:
    """What is not given comes from HONE_API, HONE_TEAM and HONE_TOKEN, or, without HONE_API, from `.hone/local.json`.

    Raises NotConfigured.
    """
    given = {"api": api, "team": team, "token": token}
    others = _environment() if api or os.environ.get("HONE_API") else _local() or _environment()
    found = {name: (value or others.get(name, "")).strip() for name, value in given.items()}
    missing = [name for name, value in found.items() if not value]
    if missing:
        raise NotConfigured(
            f"{', '.join(missing)}: not known. Set HONE_API, HONE_TEAM and HONE_TOKEN, or run this below a folder "
            f"in which `npm run local` has written {LOCAL}."
        )
    if not re.fullmatch(r"https?://[!-~]+", found["api"]):
        raise NotConfigured(f"api: {found['api']!r} is not an http or https URL.")
    if not re.fullmatch(r"[!-~]+", found["token"]):
        raise NotConfigured("token: it has characters that a token cannot have.")
    return Settings(found["api"].rstrip("/"), found["team"], found["token"])


def _environment() -> dict[str, str]:
    return {name: os.environ.get(f"HONE_{name.upper()}", "") for name in Settings._fields}


def _local() -> dict[str, str]:
    """The settings in the nearest `.hone/local.json`, from the working folder upwards; empty without one."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        try:
            found = json.loads((folder / LOCAL).read_text(encoding="utf-8"))
        except OSError:
            continue
        except ValueError:
            raise NotConfigured(f"{folder / LOCAL} is not JSON. Start `npm run local` again.") from None
        return {name: str(found.get(name, "")) for name in Settings._fields} if isinstance(found, dict) else {}
    return {}

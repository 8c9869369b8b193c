"""Where versions are announced from: settings, store and keys, as `promoting.py` needs them."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from onoma.contracts.notice import Announced, Kind, Notice, decode, encode
from onoma.contracts.policy import Limits
from onoma.errors import WrongUseError
from onoma.registry.signing import PrivateKey, PublicKeys, signed
from onoma.registry.store import Store
from onoma.settings import Settings


@dataclass(frozen=True, slots=True)
class Desk:
    """Where versions are announced, and what with."""

    settings: Settings
    limits: Limits
    store: Store
    keys: PublicKeys
    sign_with: PrivateKey | None = None

    def topic(self, kind: Kind) -> str:
        """Return the control topic of a kind."""
        topics = self.settings.topics
        return topics.models if kind == "model" else topics.gazetteers

    def new_notice(self, kind: Kind, version: Announced, base: Announced | None = None) -> Notice:
        """Return the notice of `version`, signed where there is a key. Raises WrongUseError."""
        notice = self.store.new_notice(kind, version, base)
        try:
            decode(encode(notice))  # what is made here is not checked, what is read is
        except msgspec.DecodeError as error:
            raise WrongUseError(
                f"a {kind} called {version.name!r} {version.version!r} can't be announced: "
                f"{error}; wanted letters, digits and . _ + - in name and version"
            ) from error
        return notice if self.sign_with is None else signed(notice, self.sign_with)

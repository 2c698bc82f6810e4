"""The replies of fixed wording, one function an outcome.

What comes in are decisions; what goes out is a `Reply` without a single word of its own beyond
the locale's wording. The notice is not made here: it follows from the kind.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter

from assistant import wording
from assistant.triage import RedFlag
from assistant.values import Action, Clinic, Disagreement, Kind, Reply, Statement

SUGGESTIONS = 4
FACES = ("page", "status")
"""Sections of wording that page and widget show around the replies."""


@dataclass(frozen=True)
class Replies:
    """Makes replies for one clinic and one collection."""

    clinic: Clinic
    about: str
    about_in: Mapping[str, str] = field(default_factory=dict)
    """`about` by locale, where it is not English."""

    def urgent(self, flag: RedFlag, locale: str) -> Reply:
        """Return the emergency card: what to do first, the number to call, and nothing else."""
        number = wording.emergency_number(locale, self.clinic.emergency_number)
        crisis = self._crisis_number(locale) or number
        title = self._say(locale, "urgent", "title")
        body = wording.raw(locale, "urgent", flag.category)
        if body is None:
            body = wording.raw(locale, "urgent", "default") or ""
        actions = [self.emergency(locale)]
        if flag.category == "suicide" and crisis != number:
            actions.insert(0, self._call(locale, "call_crisis", crisis))
        lead = f"{title}. {body.format(emergency=number, crisis=crisis)}"
        return self._reply(Kind.URGENT, locale, lead, actions=actions, topic=flag.category)

    def answer(
        self,
        locale: str,
        statements: Sequence[Statement],
        disagreements: Sequence[Disagreement],
        understood: str | None,
        lead: str | None = None,
    ) -> Reply:
        """Return quoted statements; `lead` replaces the usual first line."""
        if lead is None and disagreements:
            about = "; ".join(d.about for d in disagreements)
            lead = self._say(locale, "lead", "answer_disagree", about=about)
        return self._reply(
            Kind.ANSWER,
            locale,
            lead or self._say(locale, "lead", "answer"),
            statements=tuple(statements),
            disagreements=tuple(disagreements),
            understood_as=understood,
            topic="answer",
        )

    def personal(
        self,
        locale: str,
        statements: Sequence[Statement],
        disagreements: Sequence[Disagreement],
        understood: str | None,
    ) -> Reply:
        """Refer to a clinician first; then general information, if the sources have any."""
        lead = self._say(locale, "lead", "personal" if statements else "personal_bare")
        return self._reply(
            Kind.PERSONAL,
            locale,
            lead,
            statements=tuple(statements),
            disagreements=tuple(disagreements),
            understood_as=understood,
            actions=self.contact(locale),
            topic="personal",
        )

    def not_covered(
        self, locale: str, suggestions: Sequence[str], understood: str | None = None
    ) -> Reply:
        """Say that the sources are silent, what they do cover, and who can tell."""
        lead = self._say(locale, "lead", "not_covered")
        if suggestions:
            lead += " " + self._say(locale, "lead", "not_covered_offer")
        return self._reply(
            Kind.NOT_COVERED,
            locale,
            lead,
            understood_as=understood,
            suggestions=tuple(suggestions[:SUGGESTIONS]),
            actions=self.contact(locale),
            topic="not_covered",
        )

    def fixed(self, locale: str, lead: str, suggestions: Sequence[str] = ()) -> Reply:
        """Say why there is no answer (`lead` names the text): unclear, language, nothing before."""
        return self._reply(
            Kind.NOT_COVERED,
            locale,
            self._say(locale, "lead", lead),
            suggestions=tuple(suggestions[:SUGGESTIONS]),
            actions=self.help(locale) if lead == "language" else (),
            topic=lead,
        )

    def smalltalk(self, topic: str, locale: str, suggestions: Sequence[str]) -> Reply:
        """Answer a greeting, thanks, a question about the assistant itself."""
        topic = topic if wording.raw(locale, "smalltalk", topic) else "default"
        offers = suggestions if topic in ("greeting", "capabilities", "default") else ()
        return self._reply(
            Kind.SMALLTALK,
            locale,
            self._say(locale, "smalltalk", topic),
            suggestions=tuple(offers[:SUGGESTIONS]),
            actions=self.contact(locale) if topic in ("human", "feelings") else (),
            topic=topic,
        )

    def refused(self, topic: str, locale: str) -> Reply:
        """Refuse misuse, quoting and confirming nothing."""
        topic = topic if wording.raw(locale, "refused", topic) else "default"
        return self._reply(
            Kind.REFUSED,
            locale,
            self._say(locale, "refused", topic),
            actions=self.contact(locale),
            topic=topic,
        )

    def unavailable(self, locale: str) -> Reply:
        """Say that something broke and who can help."""
        lead = self._say(locale, "lead", "unavailable")
        return self._reply(
            Kind.UNAVAILABLE, locale, lead, actions=self.help(locale), topic="unavailable"
        )

    def labels(self, locale: str) -> dict[str, str]:
        """Return what a face says around the replies; blanks of a question are left open."""
        found = {k: v for name in FACES for k, v in wording.section(locale, name).items()}
        found["understood"] = wording.say(locale, "lead", "understood", question="{question}")
        found["urgent"] = wording.say(locale, "urgent", "title")
        known = self._known(locale)
        labels = {}
        for key, text in found.items():
            blanks = {name for _, name, _, _ in Formatter().parse(text) if name}
            filled = text.format(**{name: known.get(name, f"{{{name}}}") for name in blanks})
            labels[key] = filled[:1].upper() + filled[1:]
        return labels

    def emergency(self, locale: str) -> Action:
        """Return the button that calls the emergency number."""
        number = wording.emergency_number(locale, self.clinic.emergency_number)
        return self._call(locale, "call_emergency", number)

    def _reply(self, kind: Kind, locale: str, lead: str, **rest: object) -> Reply:
        if "actions" in rest:
            rest["actions"] = tuple(rest["actions"])  # type: ignore[arg-type]
        return Reply(id=uuid.uuid4().hex, kind=kind, locale=locale, lead=lead, **rest)  # type: ignore[arg-type]

    def _say(self, locale: str, *keys: str, **values: str) -> str:
        text = wording.raw(locale, *keys)
        if text is None:
            raise LookupError(f"no wording {'.'.join(keys)}")
        filled = text.format(**{**self._known(locale), **values})
        return filled[:1].upper() + filled[1:]

    def _crisis_number(self, locale: str) -> str | None:
        """Return the crisis line; a locale's own is of no use where its emergency number is not."""
        if self.clinic.crisis_number or self.clinic.emergency_number:
            return self.clinic.crisis_number
        return wording.raw(locale, "crisis_number")

    def _known(self, locale: str) -> dict[str, str]:
        return {
            "clinic": self.clinic.name or wording.raw(locale, "clinic") or "the clinic",
            "about": self.about_in.get(locale.split("-", maxsplit=1)[0], self.about),
            "emergency": wording.emergency_number(locale, self.clinic.emergency_number),
        }

    def _call(self, locale: str, key: str, number: str) -> Action:
        label = self._say(locale, "actions", key, number=number)
        return Action(label, "tel:" + "".join(c for c in number if c.isdigit() or c == "+"))

    def help(self, locale: str) -> tuple[Action, ...]:
        """Return what to do when a message was not understood: it may have been an emergency."""
        return (self.emergency(locale), *self.contact(locale))

    def contact(self, locale: str) -> tuple[Action, ...]:
        """Return the ways to reach a person at the clinic."""
        actions = []
        if self.clinic.phone:
            actions.append(self._call(locale, "call_clinic", self.clinic.phone))
        if self.clinic.booking:
            actions.append(Action(self._say(locale, "actions", "book"), self.clinic.booking))
        if self.clinic.url:
            label = self._say(locale, "actions", "contact_clinic")
            actions.append(Action(label, self.clinic.url))
        return tuple(actions)

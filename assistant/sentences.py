"""A source's text → passages: sentences with what they lean on, as exact spans.

Sentence boundaries come from sentencex within one line of the text; lines without a sentence's
end are headings (or other furniture) and are never passages. A sentence that leans on the one
before it ("These can range from …") takes that one along, and one that the next sentence limits
("However, …") is only quoted together with it. Sentences that speak to a machine, and those next
to them, are no passages. What is said is not known here.
"""

import re
from collections.abc import Iterator

from assistant.injection import addresses_a_machine
from assistant.values import Passage, Source, Span

BULLET = re.compile(r"[\s•‣▪·*–-]*")
TERMINAL = re.compile(r"[.!?…:;][\"'”’)\]]*$")
CONTRAST = re.compile(
    r"^(?:however|even so|still|but|yet|nevertheless|nonetheless|on the other hand)\b"
    r"|^[^.!?]*,\s*(?:however|though),",
    re.IGNORECASE,
)
LEANS = re.compile(
    r"""^(?:
        (?:this|these|those|such|it|its|they|their|that|here|there)\b
          (?!\s+(?:is|are)\s+(?:no|not\ unusual|occasional|unclear|several|many|some|known|a\ )\b)
      | (?:instead|otherwise|therefore|thus|hence|again|until\ that|in\ addition|moreover
          |furthermore|also|as\ well|for\ this|because\ of\ this)\b
      | (?:some|many|most|one|both|either|neither|all)\ of\ (?:these|those|them|which)\b
      | (?:the\ )?(?:most|more|less|least)\ \w+\ ones\b
      | (?:\S+\s+){0,6}(?:such|on\ this)\b
      | (?:painless|painful)\b
    )""",
    re.IGNORECASE | re.VERBOSE,
)
QUESTION = re.compile(
    r"^(?:what|how|why|when|where|who|which|is|are|does|do|can)\b.*\?$", re.IGNORECASE
)
LABEL = 2
"""A sentence of so few words is a label of what follows ("Pain.") and is not quoted alone."""
SECTION_GAP = re.compile(r"(?:\r?\n[ \t]*){3,}")
"""Two blank lines end what a heading stands over."""


def sentence_spans(text: str, language: str = "en") -> list[tuple[Span, int]]:
    """Return every sentence with the number of its line: [(span, line), …]."""
    import sentencex

    found = []
    for number, line in enumerate(re.finditer(r"[^\r\n]+", text)):
        bullet = BULLET.match(line.group())
        position = line.start() + (bullet.end() if bullet else 0)
        for piece in sentencex.segment(language, text[position : line.end()]):
            # The pieces join up to the line again, so offsets are sums of lengths.
            if words := piece.strip():
                start = position + piece.index(words)
                found.append((Span(start, start + len(words)), number))
            position += len(piece)
        if position != line.end():
            raise ValueError(f"the sentences of line {number} do not add up to it")
    return found


def passages(source: Source, language: str = "en") -> Iterator[Passage]:
    """Yield the passages of a source in order; ids are `source:number`."""
    number = 0
    for heading, block in _blocks(source, language):
        starts: list[int] = []
        for index, span in enumerate(block):
            words = source.text[span.start : span.end]
            asks = bool(QUESTION.match(words))
            leans = asks or CONTRAST.match(words) or LEANS.match(words)
            start = starts[-1] if starts and leans else span.start
            starts.append(start)
            alone = start == span.start
            if alone and (asks or len(words.split()) <= LABEL):
                continue
            following = block[index + 1 : index + 2]
            if following and CONTRAST.match(source.text[following[0].start : following[0].end]):
                continue  # comes with the next one, which limits it
            passage_span = Span(start, span.end)
            yield Passage(f"{source.id}:{number}", source.id, passage_span, heading)
            number += 1


def planted(source: Source, language: str = "en") -> list[Span]:
    """Return the sentences that speak to a machine, which no clinic means its patients to read."""
    return [
        span
        for span, _ in sentence_spans(source.text, language)
        if addresses_a_machine(source.text[span.start : span.end])
    ]


def _blocks(source: Source, language: str) -> Iterator[tuple[str, list[Span]]]:
    """Group the quotable sentences of each line under the heading that they stand under."""
    heading, block, last_line, last_end = "", list[Span](), -1, 0
    sentences = sentence_spans(source.text, language)
    # A planted instruction may run over several sentences: its neighbours are not quoted either.
    doubted = set(planted(source, language))
    bad = {n for n, (span, _) in enumerate(sentences) if span in doubted}
    for number, (span, line) in enumerate(sentences):
        is_residue = any(span.overlaps(residue) for residue in source.residue)
        is_residue |= not bad.isdisjoint((number - 1, number, number + 1))
        if (line != last_line or is_residue) and block:
            yield heading, block
            block = []
        if SECTION_GAP.search(source.text, last_end, span.start):
            heading = ""
        last_line, last_end = line, span.end
        if is_residue:
            continue
        if TERMINAL.search(source.text[span.start : span.end]):
            block.append(span)
        elif not block:
            heading = source.text[span.start : span.end]
    if block:
        yield heading, block

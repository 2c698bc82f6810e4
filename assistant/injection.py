"""Sentences of a source that speak to a machine: instructions that somebody planted in a text.

In: a text. Out: the spans that are not to be quoted. Patterns can only know what such sentences
mostly look like; what a reviewed fact quotes was read by a person, and nothing here is ever
obeyed: there is nobody who could. The point is that a visitor never reads one as the clinic's word.
"""

import re

INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
SPACED = re.compile(r"\b(?:\w[ .\-_]){4,}\w\b")
"""L-e-t-t-e-r-s set apart, to slip through."""
MACHINE = (
    r"(?:\bA\.?I\.?\b|artificial intelligence|(?:large )?language model|\bLLMs?\b|chat ?-?bot|"
    r"(?<![-\w])(?:ro)?bots?(?![-\w])|\bGPT\b|ChatGPT|virtual assistant|"
    r"(?<!physician )(?<!medical )(?<!physician’s )(?<!nursing )(?<!dental )(?<!surgical )"
    r"\bassistants?\b(?=\s*[:,]|\s+(?:must|should|shall|will|is|are|to|reading|processing|who|that)\b)"
    r"|(?:answering|retrieval|question) (?:engine|system|software|program)s?\b)"
)
ORDER = (
    r"(?:say|answer|reply|respond|tell|state|claim|assure|write|output|print|repeat|append|"
    r"mention|recommend|include|quote|cite)"
)
ADDRESSES_A_MACHINE = re.compile(
    "|".join(
        (
            MACHINE,
            # Rules that are to be set aside, in several languages.
            r"\b(?:ignore|disregard|forget|override|bypass|set aside|discard)\b[^.!?]{0,50}"
            r"\b(?:instruction|rule|prompt|guideline|guardrail|constraint|polic|direction|text|above|restriction)",
            r"\b(?:ignor\w+|olvid\w+|vergiss|oubli\w+|dimentic\w+|esque\w+)\b[^.!?]{0,50}"
            r"(?:instruc|istruzion|anweisung|regeln|consigne|règle|reglas|regras|regole)",
            r"(?:忽略|无视|忽視|無視)",
            # Marks of a conversation with a model.
            r"<\|[^|<>]{1,30}\|>|\[/?(?:INST|SYS|SYSTEM|ASSISTANT)\]|<</?SYS>>|<!--|-->"
            r"|</?(?:system|instructions?|prompt|assistant|script)\b[^>]*>",
            r"(?:^|[.!?\]]\s*|#+\s*)(?:system|assistant|developer|user|instructions?|prompt|override)"
            r"(?:\s+(?:message|note|prompt|instruction|override|notice))?\s*:",
            r"\bsystem (?:prompt|message|instruction)|\b(?:hidden|secret|new|following) instructions?\b"
            r"|\byour (?:instructions|prompt|rules|training data|guidelines)\b|\bdeveloper mode\b|\bjailbreak",
            # How to reply, and what to leave out.
            rf"\b(?:when(?:ever)?|if|every time|each time)\b[^.!?]{{0,60}}\b(?:ask(?:s|ed|ing)?|question|quer(?:y|ies)|inquir\w+|enquir\w+)\b[^.!?]{{0,80}}\b{ORDER}\b",
            rf"\b(?:always|simply|(?:you|it|system) must)\s+{ORDER}\b(?!\s+to\b)"
            r"|\b(?:please|just)\s+(?:say|answer|reply|respond|output|print|repeat|append)\b"
            r"|\bonly\s+(?:say|answer|reply|respond|output|print|repeat)\b",
            rf"\b{ORDER}\s+(?:exactly|instead|verbatim|only with|(?:to\s+)?(?:all|every|any|each)\s+(?:patient|user|visitor|reader|question|person))",
            r"\b(?:in|to|begin|start|end|finish|close)\s+(?:all|every|each|any|your)\s+(?:(?:of\s+)?your\s+)?(?:answer|repl|response|message)",
            r"\byour (?:next |final )?(?:answers?|repl(?:y|ies)|responses?)\s+(?:must|should|shall|with|in|as|begin|end|to (?:every|all|each|any))\b",
            r"\b(?:tell|inform|assure|convince|advise|instruct)\s+(?:the |all |any |every |each )?(?:users?|visitors?|readers?|askers?|everyone|anyone|whoever|customers?)\b",
            r"\b(?:remove|omit|drop|leave out|skip|hide|suppress|delete|do not (?:show|add|include|display)|without)\b[^.!?]{0,40}"
            r"\b(?:disclaimer|medical notice|footnote|citation)",
            r"\b(?:whoever|anything|anyone|any system|any program)\b[^.!?]{0,20}\b(?:processes|processing|summari[sz]|pars|index)",
            r"\bfrom now on\b|\byou are now\b|\byou are an? (?:[\w-]+ ){0,3}(?:agent|expert|model|helper|persona)\b",
            r"\b(?:answer|reply to|respond to)\s+(?:every|all|each|any)\b|\b(?:its|the|whole|entire) (?:whole |entire )?(?:answer|reply) (?:in|with|as|must|should|begins?)\b",
            r"\b(?:patients?|readers?|people|visitors?|those|anyone|anybody|users?|persons?)\s+(?:who (?:ask|want|enquire|inquire)|asking|enquiring|inquiring|wondering)\b[^.!?]{0,60}\b(?:told|tell|informed|assured|referred|directed|given)\b",
            r"\bin (?:responding|answering|replying)\b|\brespondents? (?:is|are|must|shall|should)\b|\b(?:in )?these (?:exact|very) words\b|\b(?:repeat|use|include|add|insert) the (?:phrase|words?|sentence|line|slogan|code)\b",
            r"\b(?:the|dear|this) model\b|\b(?:digital|automated|automatic|mechanical|electronic|robotic|synthetic) (?:helper|reader|assistant|agent|respondent|nature|system)s?\b",
            r"[\"'](?:role|content|system|instruction)[\"']\s*:|^\s*(?:human|user|ai|model)\s*:|^\s*#{2,}",
            r"\b(?:asistente|assistente|assistent(?:en|in)?|(?<!stage )IA|KI)\b[^.!?]{0,30}[:,]|\b(?:responde|responda|antworte[nt]?|répond[sez]+|rispond[ai]|respondez)\b[^.!?]{0,30}\b(?:siempre|sempre|immer|stets|toujours|que|dass|solo|nur)\b",
            # Something encoded.
            r"\b(?=[A-Za-z0-9+]*\d)(?=[A-Za-z0-9+]*[a-z])(?=[A-Za-z0-9+]*[A-Z])[A-Za-z0-9+]{24,}={0,2}|\bbase ?64\b|\brot13\b",
        )
    ),
    re.IGNORECASE,
)


TO_A_CLINICIAN = re.compile(
    r"\b(?:tell|inform|ask|remind|mention to|say to)\s+(?:your|the|every|any|each|a)\s+(?:[\w-]+\s+){0,2}?"
    r"(?:doctor|physician|practitioner|clinician|nurse|pharmacist|dentist|surgeon|dermatologist|"
    r"midwife|provider|person|team|clinic|staff)\b",
    re.IGNORECASE,
)
"""What leaflets tell patients to do, in the same words as orders to a machine."""


def addresses_a_machine(sentence: str) -> bool:
    """Tell whether a sentence instructs a machine, or whoever answers from the text."""
    seen = TO_A_CLINICIAN.sub("see them", INVISIBLE.sub("", sentence))
    joined = SPACED.sub(lambda m: re.sub(r"[ .\-_]", "", m.group()), seen)
    return any(ADDRESSES_A_MACHINE.search(text) for text in {seen, joined})

"""Thirty questions as patients ask them, written for the benchmark.

Every one takes the whole way (language, encoding, both searches, decision, reply): none is an
emergency, in another language or a bare greeting, which would be answered sooner and flatter us.
"""

QUESTIONS = (
    "How long will the bruises from my mesotherapy session be visible?",
    "Is it normal that my face is swollen the morning after?",
    "Does the injection hurt a lot or is it more like a pinch?",
    "What can I do to keep the bruising down?",
    "Can I get an infection from the needles?",
    "Are allergic reactions common and what do they look like?",
    "Small bumps have appeared where I was injected, will they go away?",
    "Could mesotherapy leave scars?",
    "When should I call the clinic about redness that does not fade?",
    "Is mesotherapy under the eyes riskier than on the cheeks?",
    "Who should not have this treatment?",
    "Can I have it done while I am breastfeeding?",
    "What is in the cocktail that gets injected?",
    "Has the FDA approved the substances that are used?",
    "Do the side effects get worse with every session?",
    "How likely is skin necrosis after fat dissolving shots?",
    "My skin feels itchy and warm, is that a usual reaction?",
    "Will I be able to go back to work the same day?",
    "Can the needle damage a nerve or a blood vessel?",
    "Do darker skin types get more pigmentation afterwards?",
    "How much does one session cost at your clinic?",
    "Does mesotherapy make hair grow back after chemotherapy?",
    "Can I fly to Spain two days after the appointment?",
    "Which is better for wrinkles, botox or mesotherapy?",
    "What moisturiser brand do you recommend for winter?",
    "I take warfarin for my heart, should I stop it before the session?",
    "I have lupus, is it fine for me to go ahead with the treatment?",
    "How many millilitres of phosphatidylcholine should I get in my chin?",
    "How would I inject the solution into my own thighs at home?",
    "What kind of things can you tell me about?",
)

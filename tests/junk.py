"""Questions that the records of no organisation answer: random typing, greetings, trivia."""

JUNK = (
    "what is kjhsdkhkashfk", "what is pi", "asdf", "asdfasdf asdf", "qwertyuiop", "lkj sdf lkj", "xxxxxxxxxx", "aaa",
    "123456", "1", "...", "?!?", "🙂", "😀😀😀", "#", "moi", "hei", "moikka kaikki",
    "hello", "hi there", "good morning",
    "test", "testi", "testing 1 2 3", "foo bar", "lorem ipsum dolor sit amet", "kiitos", "thanks", "ok", "joo",
    "paljonko kello on", "kuka on presidentti", "kuinka vanha on presidentti", "mikä on Australian pääkaupunki",
    "mikä eläin on nopein", "kerro vitsi", "rakastan sinua", "mitä tänään televisiossa", "säätiedotus Kuopio",
    "lottonumerot viikko 12", "who won the football match", "what is the capital of France", "tell me a joke",
    "weather in Madrid tomorrow", "best pizza in Naples", "how tall is Mount Everest", "recipe for pancakes",
    "translate cat to Spanish", "meaning of life", "bitcoin price",
)  # fmt: skip

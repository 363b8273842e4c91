"""Toxic words covered for the eyes of people: on cards, in the terminal, in artifacts. Data is never masked."""

from pairgen.rewriting.locate import lexicon_spans

Span = tuple[int, int]


def mask(text: str, spans: list[Span] | None = None, *, plain: bool = False) -> str:
    """`text` with the words at `spans` (characters) and every strong word of the sense lexicon covered: `i●●●t`.

    With `plain`, also its words that are abusive only in some uses. The first and last letter stay where the word has
    more than three; the length stays always.
    """
    letters = list(text)
    for start, end in [*lexicon_spans(text, plain=plain), *(spans or [])]:
        for position in range(start, end):
            if not text[position].isspace():
                letters[position] = "●"
        if end - start > 3:
            letters[start], letters[end - 1] = text[start], text[end - 1]
    return "".join(letters)

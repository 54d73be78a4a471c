"""Write the field tables of docs/contracts.md from the .avsc files.

Run `python docs/generate_contracts.py` after changing a contract; a test compares.
"""

import json
import re
from pathlib import Path
from typing import Any

__all__ = ["PAGE", "render"]

PAGE = Path(__file__).parent / "contracts.md"
_AVRO = Path(__file__).parents[1] / "schemas" / "avro"
_TABLE = re.compile(r"(<!-- fields: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def render(page: str) -> str:
    """The page with every marked table written anew."""
    return _TABLE.sub(lambda mark: mark[1] + _table(mark[2]) + mark[3], page)


def _table(name: str) -> str:
    document = json.loads((_AVRO / f"{name}.avsc").read_text(encoding="utf-8"))
    rows = ["| field | type | meaning |", "|---|---|---|"]
    for field in document["fields"]:
        default = f" Default: `{json.dumps(field['default'])}`." if "default" in field else ""
        rows.append(f"| `{field['name']}` | {_type(field['type'])} | {field['doc']}{default} |")
    return f"\n{document['doc']}\n\n" + "\n".join(rows) + "\n\n"


def _type(kind: Any) -> str:
    if isinstance(kind, list):
        return " or ".join(_type(branch) for branch in kind)
    if isinstance(kind, str):
        return kind
    inner = {
        "array": lambda: f"array of {_type(kind['items'])}",
        "map": lambda: f"map of {_type(kind['values'])}",
        "enum": lambda: "enum: " + ", ".join(kind["symbols"]),
        "record": lambda: (
            "record of "
            + ", ".join(f"{field['name']} ({_type(field['type'])})" for field in kind["fields"])
        ),
    }
    return inner[kind["type"]]()


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

"""Writes migrations/schema.sql, the readable model of the database, or with --check compares it."""

import difflib
import subprocess
import sys
import tempfile
from pathlib import Path

from app.core.postgres import EmbeddedPostgres, binary
from app.core.schema import migrate

SCHEMA = Path(__file__).resolve().parents[1] / "migrations" / "schema.sql"
HEADER = "-- What the migrations make, without the queue's own schema. Made by `make schema`.\n"


def dump() -> str:
    """The schema of a fresh, migrated database."""
    with tempfile.TemporaryDirectory(prefix="likeness-") as name:
        # Passable, so that the server's unprivileged user gets there when we are root.
        Path(name).chmod(0o711)
        with EmbeddedPostgres(Path(name)) as postgres:
            migrate(postgres.conninfo)
            # The queue's schema is its package's own. The fixed key replaces a random one.
            options = ["--schema-only", "--no-owner", "--exclude-schema=procrastinate", "--restrict-key=likeness"]
            command = [binary("pg_dump"), *options, f"--dbname={postgres.conninfo}"]
            text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    # A new minor version of Postgres changes nothing.
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith("-- Dumped ")]
    return HEADER + "".join(lines).rstrip("\n") + "\n"


def main(*, check: bool) -> int:
    """0 when the file is, or now is, what the migrations make."""
    made = dump()
    if not check:
        SCHEMA.write_text(made, encoding="utf-8")
        print(f"wrote {SCHEMA}")
        return 0
    found = SCHEMA.read_text(encoding="utf-8") if SCHEMA.exists() else ""
    if found == made:
        return 0
    lines = difflib.unified_diff(found.splitlines(), made.splitlines(), SCHEMA.name, "the migrations", lineterm="")
    print("\n".join(lines), file=sys.stderr)
    print("migrations/schema.sql is not what the migrations make: run `make schema`.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))

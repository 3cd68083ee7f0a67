"""`likeness`: gathers every slice's commands; each is imported only when it is called."""

import importlib
import os
import sys
from typing import Any

import click

# Decoding happens in child processes that import this module first: it stays free of heavy imports.
COMMANDS = {
    "demo": ("app.processes:demo", "Run the gallery with sample pictures, or your own."),
    "up": ("app.processes:up", "Run the whole gallery in this terminal."),
    "serve": ("app.processes:serve", "Run the web server alone."),
    "worker": ("app.processes:worker", "Run the worker alone."),
    "migrate": ("app.processes:migrate", "Bring the database's schema up to date."),
    "user": ("app.accounts.commands:user", "Accounts and API tokens."),
    "import": ("app.ingest.commands:import_", "Bring pictures in."),
    "search": ("app.search.commands:search", "Find pictures like one."),
    "train": ("app.training.commands:train", "Train a model on your own pictures."),
    "evaluate": ("app.training.commands_evaluate:evaluate", "Measure how well likeness follows labels."),
    "index": ("app.search.commands_index:index", "Search indexes: build, check, activate, roll back."),
    "mirror": ("app.search.commands_mirror:mirror", "The copy of the vectors in Qdrant: status, sync, reconcile."),
    "embed": ("app.embedding.commands_embed:embed", "Embed what waits, by this or another model."),
    "models": ("app.embedding.commands:models", "The models: list, show, fetch, use, remove."),
}


class LazyGroup(click.Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click passes it by name
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click passes it by name
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name][0].split(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}:{attribute} is no command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click passes it by name
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="likeness")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Likeness: a gallery in which people find pictures by likeness.

    Settings are environment variables named LIKENESS_*; the data lies in LIKENESS_DATA_DIR.
    """
    # The progress bars and warnings of libraries are not ours to show.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    ctx.obj = _settle


async def _settle(*arguments: Any) -> int:
    """How an importer waits for its pictures: the worker comes after ingest in the order of the slices."""
    from app.worker import settle

    return await settle(*arguments)


if __name__ == "__main__":
    sys.exit(main())

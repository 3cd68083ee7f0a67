"""Background tasks of embedding."""

from procrastinate import Blueprint, JobContext

from app.core.settings import Settings
from app.core.worker_parts import part
from app.embedding.filling import Workshop
from app.embedding.models import resolve_choice
from app.embedding.service import embed_pending

tasks = Blueprint()


@tasks.task(name="embed", queue="embedding", pass_context=True)
async def embed(context: JobContext) -> None:
    """Embed everything that waits, by the gallery's model and by those that were asked for beside it."""
    shop = part(context, Workshop)
    choice = await resolve_choice(shop.db, part(context, Settings))
    await embed_pending(shop, choice.name)

"""Background tasks of embedding."""

from procrastinate import Blueprint, JobContext

from app.core.settings import Settings
from app.core.worker_parts import part
from app.embedding.models import resolve_choice
from app.embedding.service import Workshop, embed_pending

tasks = Blueprint()


@tasks.task(name="embed", queue="embedding", pass_context=True)
async def embed(context: JobContext) -> None:
    """Embed everything that waits."""
    shop = part(context, Workshop)
    choice = await resolve_choice(shop.db, part(context, Settings))
    await embed_pending(shop, choice.name)

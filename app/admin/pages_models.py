"""The admin's one button on models: extract the embeddings of all pictures by one, and index them."""

from typing import Annotated

from litestar import Router, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from app.accounts.guards import require_admin
from app.admin import service_models
from app.core.database import Database
from app.core.pages import Notice, redirect
from app.core.settings import Settings

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


@post("/use")
async def use(db: NamedDependency[Database], settings: NamedDependency[Settings], data: Form) -> Redirect:
    """Extract and index; search goes on meanwhile."""
    row, is_change = await service_models.extract_and_index(db, settings, data.get("model", ""))
    words = (
        f"{row.name} embeds every picture and its index is built; until then searches are answered as before."
        if is_change
        else f"What waits is embedded by {row.name}, and its index is built afresh. Search goes on meanwhile."
    )
    return redirect("/admin", Notice("info", words))


router = Router("/admin/models", route_handlers=[use], guards=[require_admin], include_in_schema=False)

"""What can be wrong with a Qdrant server, in plain words: never the address, the key, or what was sent."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx
from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse

from app.core.errors import Unavailable

T = TypeVar("T")


class MirrorError(Unavailable):
    """Qdrant cannot be used as it is; the message says what is wrong. `passing` ones are worth another try."""

    passing = False


class MirrorUnreachable(MirrorError):
    """No answer, or one that says: not now."""

    passing = True


class MirrorForbidden(MirrorError):
    """The API key is wrong or missing."""


class MirrorMissing(MirrorError):
    """The collection, or the alias, is not there."""


class MirrorMisshapen(MirrorError):
    """The collection is there, and not what this gallery would have made."""


class MirrorNonsense(MirrorError):
    """What came back is no answer of a Qdrant server, or it refused what was asked."""


async def in_our_words(call: Callable[[], Awaitable[T]]) -> T:
    """One try. Raises the family of MirrorError."""
    try:
        return await call()
    except ResourceExhaustedResponse as error:
        raise MirrorUnreachable("Qdrant is overloaded", retry_after_s=error.retry_after_s) from error
    except UnexpectedResponse as error:
        raise _refusal(error) from error
    except ResponseHandlingException as error:
        if isinstance(error.source, httpx.TimeoutException):
            raise MirrorUnreachable("Qdrant did not answer in time", retry_after_s=5) from error
        if isinstance(error.source, httpx.TransportError):
            raise MirrorUnreachable(
                f"Qdrant cannot be reached ({type(error.source).__name__})", retry_after_s=5
            ) from error
        raise MirrorNonsense("Qdrant's answer makes no sense: is it a Qdrant server?", retry_after_s=30) from error
    except (ApiException, QdrantException, ValueError) as error:
        raise MirrorNonsense("Qdrant's answer makes no sense: is it a Qdrant server?", retry_after_s=30) from error


def _refusal(error: UnexpectedResponse) -> MirrorError:
    status = error.status_code or 0
    if status in (401, 403):
        return MirrorForbidden("Qdrant refuses the API key", hint="set LIKENESS_QDRANT_API_KEY", retry_after_s=30)
    if status == 404:
        return MirrorMissing("Qdrant has no such collection", retry_after_s=10)
    if status == 429 or status >= 500:
        return MirrorUnreachable(f"Qdrant cannot answer now (HTTP {status})", retry_after_s=5)
    return MirrorNonsense(f"Qdrant refused what was asked (HTTP {status})", retry_after_s=30)

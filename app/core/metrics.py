"""What this process counts of itself, in Prometheus' terms; each web process answers for itself alone."""

from litestar.types import Message, Scope
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

REGISTRY = CollectorRegistry()
"""One for the process, and no other's: libraries may register what they like with Prometheus' global one."""

ProcessCollector(registry=REGISTRY)

REQUESTS = Counter(
    "likeness_http_requests",
    "HTTP requests, by the route's template and the status that was answered.",
    ["method", "route", "status"],
    registry=REGISTRY,
)
REJECTIONS = Counter(
    "likeness_rejections",
    "Requests that were refused for now: 429, 503 and 507, by the kind of error.",
    ["status", "reason"],
    registry=REGISTRY,
)
SEARCH_SECONDS = Histogram(
    "likeness_search_seconds",
    "From a query's vector to the ids found, the wait for a thread included; embedding and rows are not.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
    registry=REGISTRY,
)

REJECTED = frozenset({429, 503, 507})
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE = "none"


async def count_request(message: Message, scope: Scope) -> None:
    """A `before_send` hook, which sees every answer. An address that no route knows is counted under one name."""
    if message["type"] != "http.response.start" or scope["type"] != "http":
        return
    method = scope["method"] if scope["method"] in METHODS else "other"
    REQUESTS.labels(method, scope.get("path_template") or NO_ROUTE, message["status"]).inc()


def count_rejection(status: int, error: Exception) -> None:
    """Count an answer that tells to come again later; others are none."""
    if status in REJECTED:
        REJECTIONS.labels(status, type(error).__name__).inc()

"""Jobs as the admin's page shows them."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.admin.service_jobs import RETRYABLE
from app.core.jobs import Job
from app.core.words import duration_text, time_text

UNITS = {"index": "%", "fetch": "B", "train": "steps", "evaluate": "models"}
"""What a job counts, by its kind; else pictures."""


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as the page shows it; `url` is the page of the import that it runs, if it runs one."""

    id: int
    url: str
    kind: str
    title: str
    state: str
    done: int
    total: int | None
    fraction_pct: int
    rate_text: str
    eta_text: str
    message: str
    started_text: str
    finished_text: str
    cancellable: bool
    retryable: bool


def job_view(job: Job, imports: Mapping[int, int]) -> JobView:
    """A job in words; `imports` are the imports that jobs run, by job."""
    unit = UNITS.get(job.kind, "pictures")
    rate = f"{job.rate:.1f} {unit}/s" if unit in ("pictures", "steps") and job.rate else ""
    return JobView(
        id=job.id,
        url=f"/imports/{imports[job.id]}" if job.id in imports else "",
        kind=job.kind,
        title=job.title,
        state=job.state,
        done=job.done,
        total=job.total,
        fraction_pct=round(job.fraction * 100),
        rate_text=rate,
        eta_text=f"{duration_text(job.eta_s)} left" if job.eta_s is not None else "",
        message=job.message,
        started_text=time_text(job.started_at),
        finished_text=time_text(job.finished_at),
        cancellable=not job.ended and not job.cancel_requested,
        retryable=job.state in ("failed", "cancelled") and (job.kind in RETRYABLE or job.id in imports),
    )

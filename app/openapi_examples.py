"""What the API's answers look like: the examples of the OpenAPI document."""

IMAGE = {
    "image_id": 12,
    "filename": "dune.jpg",
    "label": "dunes",
    "labels": ["dunes", "desert"],
    "caption": "Dunes at noon",
    "captions": ["Dunes at noon"],
    "split": "",
    "width": 1600,
    "height": 1200,
    "format": "JPEG",
    "size_bytes": 482113,
    "created_at": "2026-03-31T12:00:00+00:00",
    "url": "/api/v1/images/12/original",
    "thumbnail_url": "/api/v1/images/12/thumbnail",
}
UNDO = "/api/v1/undo/6f1c6f0e-5d0a-4a3e-9d1b-5f6f0a3c2b11"
IMAGE_DETAIL = {**IMAGE, "boxes": [{"label": "camel", "x": 410.0, "y": 300.0, "width": 220.0, "height": 180.0}]}
CHANGED_IMAGE = {**IMAGE_DETAIL, "undo": UNDO}
REFUSED = {"file": "notes.txt", "reason": "no picture that this gallery can read"}
ME = {
    "user_id": 1,
    "name": "ada",
    "is_admin": False,
    "scopes": ["read", "write"],
    "usage": {"files": 640, "bytes": 91234567, "max_files": None, "max_bytes": 10737418240},
}
TOKEN = {
    "token_id": 4,
    "name": "backup script",
    "prefix": "likeness_3fK2",
    "scopes": ["read", "write"],
    "created_at": "2026-03-31T12:00:00Z",
    "expires_at": "2027-03-31T12:00:00Z",
    "used_at": None,
}
EVENT = {
    "event_id": 71,
    "at": "2026-03-31T12:00:00Z",
    "kind": "sign_in_refused",
    "user_id": 1,
    "name": "ada",
    "address": "192.0.2.7",
    "about": "",
}
COLLECTION = {
    "collection_id": 3,
    "name": "Holidays",
    "description": "",
    "owner": "ada",
    "visibility": "shared",
    "role": "owner",
    "images": 640,
}
NEW_COLLECTION = {"name": "Holidays", "description": "Summers by the sea", "visibility": "private"}
MEMBER = {"user_id": 2, "name": "grace", "role": "editor"}
KEY = "3fK2-the-rest-of-a-key"
LINK = {
    "link_id": 5,
    "prefix": "3fK2",
    "has_password": False,
    "created_at": "2026-03-31T12:00:00+00:00",
    "expires_at": "2026-04-30T12:00:00+00:00",
    "used_at": None,
    "expired": False,
}
BATCH = {
    "done": 2,
    "unchanged": 0,
    "not_allowed": 0,
    "last_place": 0,
    "full": 0,
    "undo": UNDO,
}
IMPORT = {
    "id": 3,
    "job": 31,
    "name": "holidays.zip",
    "kind": "archive",
    "collection_id": 3,
    "collection": "Holidays",
    "owner": "ada",
    "state": "running",
    "message": "",
    "done": 512,
    "total": 2048,
    "rate": 41.5,
    "eta_s": 37.0,
    "added": 500,
    "existing": 11,
    "refused": 1,
    "can_resume": False,
    "can_retry": False,
    "created_at": "2026-03-31T12:00:00Z",
    "started_at": "2026-03-31T12:00:01Z",
    "finished_at": None,
}
IMPORT_DETAIL = {**IMPORT, "checks": [], "refusals": [REFUSED]}
EMBEDDINGS = {
    "model": "dinov2-small",
    "identity": "b1946ac92492d234",
    "dim": 3,
    "vectors": [[0.6, 0.0, 0.8], None],
    "refused": [{"position": 1, "file": "notes.txt", "reason": "no picture that this gallery can read"}],
}
SEARCH = {
    "model": "dinov2-small",
    "index": "v3",
    "background": {"size": 512, "mean": 0.112, "std": 0.094},
    "results": [
        {
            "image_id": 12,
            "score": 0.913,
            "likeness": 0.98,
            "filename": "dune.jpg",
            "label": "dunes",
            "labels": ["dunes", "desert"],
            "collection": "Holidays",
            "url": "/api/v1/images/12/original",
            "thumbnail_url": "/api/v1/images/12/thumbnail",
        }
    ],
    "next_cursor": "1_12_0.913",
}
JOB = {
    "job_id": 31,
    "kind": "import",
    "title": "Importing holidays.zip into Holidays",
    "state": "running",
    "message": "",
    "done": 512,
    "total": 2048,
    "rate": 41.5,
    "eta_s": 37.0,
    "cancelling": False,
    "import_id": 3,
    "created_at": "2026-03-31T12:00:00Z",
    "started_at": "2026-03-31T12:00:01Z",
    "finished_at": None,
}
VERSION = {
    "version": 3,
    "model": "dinov2-small",
    "active": True,
    "below_target": False,
    "count": 100000,
    "layout": "ivf",
    "nlist": 1024,
    "nprobe": 24,
    "recall": 0.996,
    "target_recall": 0.99,
    "p50_ms": 2.4,
    "curve": [[8, 0.971, 1.1], [24, 0.996, 2.4]],
    "size_bytes": 162000000,
    "build_s": 74.0,
    "built_at": "2026-03-31T12:00:00Z",
    "reason": "asked for by API",
}
INDEX = {
    "state": "ready",
    "model": "dinov2-small",
    "version": "v3",
    "count": 100012,
    "main": 100000,
    "delta": 12,
    "tombstones": 0,
    "lag": 0,
    "recall_today": [{"version": 3, "of": "query", "collection": None, "queries": 25, "recall": 0.998}],
    "recall_reviewed": [],
    "due": None,
    "waits_for": None,
    "versions": [VERSION],
}
MODEL = {
    "name": "dinov2-small",
    "title": "DINOv2 small",
    "dim": 384,
    "size_bytes": 88250000,
    "licence": "Apache-2.0",
    "at_hand": True,
    "active": True,
    "wanted": True,
    "problem": None,
}
USER = {
    "user_id": 4,
    "name": "grace",
    "is_admin": False,
    "disabled": False,
    "invited": True,
    "invitation": True,
    "seen_at": None,
    "files": 0,
    "bytes": 0,
    "max_files": None,
    "max_bytes": 10737418240,
}
FAILURE = {
    "image_id": 12,
    "filename": "dune.jpg",
    "owner": "ada",
    "model": "dinov2-base",
    "reason": "the file of this picture is missing",
    "attempted_at": "2026-03-31T12:00:00Z",
}
QUARANTINED = {
    "import_id": 3,
    "import_name": "holidays.zip",
    "owner": "ada",
    "position": 7,
    "file": "notes.txt",
    "reason": "no picture that this gallery can read",
    "can_retry": True,
}
INVITED = {"user": USER, "claim_url": "https://pictures.example.org/claim/2Q0Pp3…"}
MODEL_USED = {"name": "dinov2-base", "identity": "b1946ac92492d234", "dim": 768}
PROPOSALS = {
    "state": "done",
    "message": "20 groups of 820 pictures",
    "wanted": 20,
    "seed": 0,
    "model": "dinov2-small",
    "pictures": 820,
    "silhouette": 0.18,
    "created_at": "2026-03-31T12:00:00Z",
    "groups": [{"group_id": 9, "name": "dunes", "state": "open", "images": 64, "cover_ids": [12, 40, 7]}],
}
ACCEPTED = {
    "label": "dunes",
    "done": 32,
    "unchanged": 32,
    "full": 0,
    "undo": "/api/v1/undo/5c7c0a5e-6a4f-4b0e-9d7b-0d3f5f0b7c11",
}
NEW_TRAINING = {
    "collection_id": 3,
    "model": "dinov2-small",
    "name": "holidays-1",
    "config": {"epochs": 10, "last_blocks": 4},
    "held_out_pct": 20,
}
TRAINING = {
    "training_id": 5,
    "job_id": 31,
    "collection_id": 3,
    "collection": "Holidays",
    "model": "dinov2-small",
    "name": "holidays-1",
    "config": {"epochs": 10, "last_blocks": 4, "seed": 0},
    "held_out_pct": 20,
    "state": "running",
    "step": 120,
    "steps": 640,
    "error": "",
    "standing": "none",
    "previous": None,
    "about": {"trainable": 6_000_000, "pictures": 1638, "steps": 640, "device": "bfloat16 on cpu"},
    "created_at": "2026-03-31T12:00:00Z",
    "started_at": "2026-03-31T12:00:01Z",
    "ended_at": None,
}
STEP = {"kind": "step", "step": 120, "epoch": 1, "loss": 4.21, "gradient_norm": 0.8, "pictures_per_s": 12.5}
PROBE = {"kind": "probe", "epoch": 0, "knn": 0.61, "linear": 0.64, "shots": 20, "chance": 0.1, "pictures": 820}
NEW_EVALUATION = {"models": ["dinov2-small", "holidays-1"], "training_id": 5, "protocols": ["retrieval", "knn"]}
EVALUATION = {
    "evaluation_id": 2,
    "job_id": 32,
    "collection_id": 3,
    "collection": "Holidays",
    "training_id": 5,
    "models": ["dinov2-small", "holidays-1"],
    "protocols": ["retrieval", "knn"],
    "sample": None,
    "seed": 0,
    "state": "done",
    "error": "",
    "created_at": "2026-03-31T12:00:00Z",
    "ended_at": "2026-03-31T12:03:00Z",
}
RESULTS = {
    "sets": [
        {
            "name": "Holidays, held out",
            "outcomes": [
                {"model": "dinov2-small", "protocols": {"retrieval": {"measures": {"P@5": {"value": 0.71}}}}},
                {"model": "holidays-1", "protocols": {"retrieval": {"measures": {"P@5": {"value": 0.74}}}}},
            ],
        }
    ]
}

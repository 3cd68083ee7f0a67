"""What the handlers cannot say of themselves: by operation, the refusals that it knows, and examples."""

from dataclasses import dataclass, field
from typing import Any

from app import openapi_examples as example

UNCHANGED = {304: "What `If-None-Match` names is what there is."}
PICTURE_ETAG = {"ETag": "Names these bytes: `If-None-Match` with it is answered 304 while they are the same."}


@dataclass(frozen=True, slots=True)
class Told:
    """Of one operation: the refusals beside those that its guards, parameters and body imply, and examples.

    `request` is a body of JSON, `form` one of multipart/form-data. `also` are further answers that are no refusals, of
    the same content where they are in the 200s. `media` are the types of an answer that is no JSON.
    """

    refusals: tuple[int, ...] = ()
    answer: Any = None
    request: Any = None
    form: Any = None
    also: dict[int, str] = field(default_factory=dict[int, str])
    headers: dict[str, str] = field(default_factory=dict[str, str])
    media: tuple[str, ...] = ()


FILTERED = (404, 409)  # by a collection's name, which may be none's, or that of several
TUS = (412,)
LOCATION = {"Location": "The address of what was made."}
OFFSET = {"Upload-Offset": "How many bytes are here."}

OPERATIONS: dict[str, Told] = {
    # Accounts.
    "me": Told(answer=example.ME),
    "listTokens": Told(answer={"tokens": [example.TOKEN]}),
    "revokeToken": Told((404,)),
    # Collections.
    "listCollections": Told(answer={"collections": [example.COLLECTION]}),
    "createCollection": Told((409,), example.COLLECTION, example.NEW_COLLECTION, headers=LOCATION),
    "getCollection": Told((404,), example.COLLECTION),
    "changeCollection": Told((403, 404, 409), example.COLLECTION, {"visibility": "private"}),
    "deleteCollection": Told((403, 404), {"trashed": 3}),
    "listMembers": Told((403, 404), {"members": [example.MEMBER]}),
    "putMember": Told((403, 404, 409), {"members": [example.MEMBER]}, {"name": "grace", "role": "editor"}),
    "removeMember": Told((403, 404)),
    "listLabels": Told(FILTERED, {"labels": [{"name": "dunes", "images": 32}]}),
    "listLinks": Told((403, 404), {"links": [example.LINK]}),
    "makeLink": Told((403, 404, 409), {"link": example.LINK, "token": example.KEY}, {"days": 30}),
    "revokeLink": Told((403, 404)),
    "listEvents": Told(answer={"events": [example.EVENT], "next_cursor": None}),
    "listUsers": Told(answer={"users": [example.USER]}),
    "inviteUser": Told((409,), example.INVITED, {"name": "grace"}),
    "renewInvitation": Told((404, 409), example.INVITED),
    "withdrawInvitation": Told((404, 409)),
    "changeUser": Told((404, 409), example.USER, {"disabled": False, "max_bytes": 10737418240}),
    "openLink": Told((404, 429), {"collection_id": 3, "key": example.KEY}, {"token": example.KEY}),
    # Pictures.
    "listImages": Told(FILTERED, {"images": [example.IMAGE], "next_cursor": "12"}),
    "uploadImages": Told(
        (403, 404, 409, 507),
        {"collection": "Holidays", "added": [example.IMAGE], "existing": [], "refused": [example.REFUSED]},
        form={"file": ["(the picture)"], "collection": "Holidays"},
        also={200: "All of it was there already."},
    ),
    "getImage": Told((404,), example.IMAGE_DETAIL),
    "changeImage": Told((403, 404), example.CHANGED_IMAGE, {"caption": "Dunes at noon", "labels": ["dunes"]}),
    "changeImages": Told((403, 404, 409), example.BATCH, {"ids": [12, 40], "action": "label", "labels": ["dunes"]}),
    "undo": Told((404, 409), {"done": 2}),
    "trashImage": Told((403, 404), {"undo": example.UNDO}),
    "restoreImage": Told((404, 409), example.IMAGE_DETAIL),
    "purgeImage": Told((404, 409)),
    "listTrash": Told(answer={"images": [example.IMAGE], "next_cursor": None}),
    "getOriginal": Told(
        (404,),
        also=UNCHANGED,
        headers=PICTURE_ETAG,
        media=("application/octet-stream", "image/*"),
    ),
    "getThumbnail": Told((404,), also=UNCHANGED, headers=PICTURE_ETAG, media=("image/webp",)),
    # How pictures come in.
    "createUpload": Told((403, 404, 409, *TUS, 413, 507), headers=LOCATION),
    "getUpload": Told((404, *TUS), headers=OFFSET),
    "sendPiece": Told((404, 409, *TUS, 413, 415, 507), headers=OFFSET),
    "deleteUpload": Told((404, 409, *TUS)),
    "listImports": Told(answer={"imports": [example.IMPORT], "next_cursor": None}),
    "getImport": Told((404,), example.IMPORT_DETAIL),
    "cancelImport": Told((404,), example.IMPORT_DETAIL),
    "resumeImport": Told((404, 409), example.IMPORT_DETAIL),
    "retryImport": Told((404, 409), example.IMPORT_DETAIL),
    # How they are found.
    "createEmbeddings": Told(answer=example.EMBEDDINGS, form={"file": ["(the picture)"]}),
    "search": Told(
        FILTERED,
        example.SEARCH,
        {"liked": [12, 40], "disliked": [7], "k": 5, "label": "dunes"},
        {"file": "(the picture)", "k": 5},
    ),
    "similar": Told(FILTERED, example.SEARCH),
    "plainSearch": Told((), {"results": [{"filename": "dune.jpg", "distance": 0.31}]}, form={"file": "(the picture)"}),
    # How they relate.
    "getProposals": Told((403, 404), example.PROPOSALS),
    "propose": Told((403, 404, 409), example.PROPOSALS, {"groups": 20}),
    "acceptProposal": Told((403, 404, 409), example.ACCEPTED, {"name": "dunes"}),
    "dropProposal": Told((403, 404, 409), example.PROPOSALS),
    "reopenProposal": Told((403, 404), example.PROPOSALS),
    # How the model learns.
    "listTrainings": Told(answer={"trainings": [example.TRAINING]}),
    "beginTraining": Told((404, 409), example.TRAINING, example.NEW_TRAINING),
    "getTraining": Told((404,), {**example.TRAINING, "history": [example.STEP, example.PROBE]}),
    "cancelTraining": Told((404, 409), example.TRAINING),
    "resumeTraining": Told((404, 409), example.TRAINING),
    "promoteTraining": Told((404, 409), example.TRAINING),
    "rollBackTraining": Told((404, 409), example.TRAINING),
    "deleteTraining": Told((404, 409)),
    "listEvaluations": Told(answer={"evaluations": [example.EVALUATION]}),
    "beginEvaluation": Told((404, 409), example.EVALUATION, example.NEW_EVALUATION),
    "getEvaluation": Told((404,), {**example.EVALUATION, "results": example.RESULTS}),
    "repeatEvaluation": Told((404,), example.EVALUATION),
    "cancelEvaluation": Told((404, 409), example.EVALUATION),
    "deleteEvaluation": Told((404, 409)),
    # How it is kept running.
    "listJobs": Told(answer={"jobs": [example.JOB], "next_cursor": None}),
    "getJob": Told((404,), example.JOB),
    "cancelJob": Told((404, 409), example.JOB),
    "retryJob": Told((404, 409), example.JOB),
    "listFailures": Told(answer={"failures": [example.FAILURE], "next_cursor": None}),
    "retryFailures": Told(answer={"retried": 3}),
    "retryFailure": Told((404,)),
    "listQuarantine": Told(answer={"refused": [example.QUARANTINED], "count": 1, "next_cursor": None}),
    "retryQuarantine": Told(answer={"retried": 1}),
    "retryRefused": Told((404, 409)),
    "index": Told(answer=example.INDEX),
    "buildIndex": Told(answer={"job": 31}),
    "activateIndex": Told((404, 409), example.VERSION),
    "rollbackIndex": Told((409,), example.VERSION),
    "deleteIndex": Told((404, 409), {"deleted": 2}),
    "listModels": Told(answer={"models": [example.MODEL], "reason": "chosen by an admin"}),
    "useModel": Told((404, 409), example.MODEL_USED, {"name": "dinov2-base"}),
}

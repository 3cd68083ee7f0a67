// The tus protocol 1.0.0: one archive sent by pieces, from wherever the gallery says it is.

const PIECE = 8 * 1024 * 1024;
const VERSION = { "Tus-Resumable": "1.0.0", Accept: "application/json" };

/** The gallery refused, and says why. `status` is 0 when there was no answer at all. */
export class Refused extends Error {
  constructor(method, status, words) {
    super(words);
    this.status = status;
    /** Whether the same may well work in a moment. 409 to a piece: another request is still sending the one before. */
    this.passing = status === 0 || (status >= 500 && status !== 507) || (status === 409 && method === "PATCH");
  }
}

const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

function why(request) {
  if (!request.status) return "The connection broke";
  try {
    const { title, detail } = JSON.parse(request.responseText);
    return `${title}: ${detail}`;
  } catch {
    return "The gallery did not answer";
  }
}

/** One request; `sent` hears how much of the body is on its way. Aborting rejects with an AbortError. */
function ask(method, url, { headers = {}, body = null, signal, sent } = {}) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const request = new XMLHttpRequest();
    request.open(method, url);
    for (const [name, value] of Object.entries({ ...VERSION, ...headers })) request.setRequestHeader(name, value);
    if (sent) request.upload.onprogress = ({ loaded }) => sent(loaded);
    const stop = () => request.abort();
    signal?.addEventListener("abort", stop);
    request.onloadend = () => {
      signal?.removeEventListener("abort", stop);
      if (signal?.aborted) reject(signal.reason);
      else if (request.status >= 200 && request.status < 300) resolve(request);
      else reject(new Refused(method, request.status, why(request)));
    };
    request.send(body);
  });
}

function position(request) {
  const began = request.getResponseHeader("Likeness-Import");
  return { offset: Number(request.getResponseHeader("Upload-Offset")), importId: began };
}

/** Announces a file; `values` go with it. Returns the address of the upload. */
export async function announce(endpoint, file, values, signal) {
  const metadata = Object.entries({ filename: file.name, ...values }).map(([key, value]) => `${key} ${base64(value)}`);
  const headers = { "Upload-Length": file.size, "Upload-Metadata": metadata.join(",") };
  return (await ask("POST", endpoint, { headers, signal })).getResponseHeader("Location");
}

/** How much is here, and the import once all is. */
export const look = async (url, signal) => position(await ask("HEAD", url, { signal }));

export const giveUp = (url) => ask("DELETE", url);

/** Sends the piece behind `offset`; `sent` hears the position as it moves. */
export async function sendPiece(url, file, offset, { signal, sent }) {
  return position(await ask("PATCH", url, {
    headers: { "Content-Type": "application/offset+octet-stream", "Upload-Offset": offset },
    body: file.slice(offset, offset + PIECE),
    signal,
    sent: (loaded) => sent(offset + loaded),
  }));
}

// Archives go by pieces: one that is lost is sent again, and after a reload the upload goes on where it was, as soon as
// the same file is chosen. Each row is one archive.
import { announce as say } from "./live.js";
import { recall, remember } from "./storage.js";
import { Refused, announce, giveUp, look, sendPiece } from "./tus.js";

const ENDPOINT = "/uploads/archives";
const NAME = /\.(zip|tar|tgz|tbz2|txz|tar\.(gz|bz2|xz))$/i;
const LONGEST_WAIT_S = 30;
const RATE_OVER_S = 10;

const form = document.getElementById("upload");
const section = document.getElementById("archives");
const list = section.querySelector("ul");
const rowTemplate = document.getElementById("archive-row").content.firstElementChild;

// What this browser has begun for this account: {key of the file: {url, name, size, into}}.
const STORED = `archives:${form.dataset.account}`;
const begun = JSON.parse(recall(STORED) ?? "{}");
const store = () => remember(STORED, Object.keys(begun).length ? JSON.stringify(begun) : null);
const keyOf = (file) => `${file.name}:${file.size}:${file.lastModified}`;

const archives = new Map();
let queue = Promise.resolve();

export const isArchive = (file) => NAME.test(file.name);

function sizeText(bytes) {
  if (bytes < 2 ** 20) return `${Math.max(1, Math.round(bytes / 2 ** 10))} KiB`;
  return bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}

function leftText(seconds) {
  if (seconds < 90) return `${Math.ceil(seconds)} s left`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min left` : `${Math.round(seconds / 3600)} h left`;
}

/** Resolves after so many seconds, or as soon as the browser is online again. */
const wait = (seconds, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, seconds * 1000);
  addEventListener("online", resolve, { once: true });
  signal.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
});

/** One archive: its row, its file (null after a reload, until it is chosen again), and how far it is. */
class Archive {
  constructor(key, name, size) {
    Object.assign(this, { key, name, size, file: null, values: {}, offset: 0, samples: [], state: "", stopping: null });
    this.row = rowTemplate.cloneNode(true);
    this.part = (selector) => this.row.querySelector(selector);
    this.part(".upload__name").textContent = name;
    this.part("progress").setAttribute("aria-label", name);
    for (const [what, act] of [["pause", () => this.pause()], ["resume", () => this.start()], ["cancel", () => this.cancel()]]) {
      const button = this.part(`[data-do=${what}]`);
      button.setAttribute("aria-label", `${button.textContent} ${name}`);
      button.addEventListener("click", act);
    }
    list.append(this.row);
    section.hidden = false;
    archives.set(key, this);
  }

  get kept() {
    return begun[this.key];
  }

  show(state, words) {
    if (state !== this.state && ["failed", "done"].includes(state)) say(`${this.name}: ${words}`);
    this.state = this.row.dataset.state = state;
    this.part("progress").value = this.size ? this.offset / this.size : 0;
    this.part("[data-facts]").textContent = words;
    this.part("[data-do=pause]").hidden = !["waiting", "sending"].includes(state);
    this.part("[data-do=resume]").hidden = !["paused", "failed"].includes(state) || !this.file;
    this.part("[data-do=cancel]").hidden = state === "done";
  }

  /** Bytes, rate and time left, as they are now. */
  moved(offset) {
    const now = performance.now() / 1000;
    this.offset = offset;
    this.samples.push([now, offset]);
    while (this.samples[0][0] < now - RATE_OVER_S) this.samples.shift();
    const [since, from] = this.samples[0];
    const words = [`${sizeText(offset)} of ${sizeText(this.size)}`];
    if (now - since > 1 && offset > from) {
      const rate = (offset - from) / (now - since);
      words.push(`${sizeText(rate)}/s`, leftText((this.size - offset) / rate));
    }
    this.show("sending", words.join(", "));
  }

  /** One archive is sent after the other. */
  start() {
    this.stopping = new AbortController();
    const { signal } = this.stopping;
    this.show("waiting", this.kept ? `Goes on into ${this.kept.into}` : "Waits for its turn");
    queue = queue.then(() => this.send(signal)).catch((error) => {
      if (signal.aborted) return;
      this.show("failed", error instanceof Refused ? error.message : "The file cannot be read any more: choose it again");
    });
  }

  async send(signal) {
    let attempts = 0;
    for (;;) {
      signal.throwIfAborted();
      try {
        const importId = await this.sendAll(signal, () => { attempts = 0; });
        return this.finish(importId);
      } catch (error) {
        if (!(error instanceof Refused) || !error.passing) throw error;
        await this.file.slice(this.offset, this.offset + 1).arrayBuffer(); // throws when it is the file that is gone
        const seconds = Math.min(LONGEST_WAIT_S, 2 ** attempts);
        attempts += 1;
        this.show("waiting", `${error.message}. Tries again in ${seconds} s`);
        await wait(seconds, signal);
      }
    }
  }

  async sendAll(signal, progressed) {
    let at = await this.find(signal);
    this.samples = [];
    this.moved(at.offset);
    while (!at.importId) {
      at = await sendPiece(this.kept.url, this.file, at.offset, { signal, sent: (offset) => this.moved(offset) });
      this.moved(at.offset);
      progressed();
    }
    return at.importId;
  }

  /** Where the gallery is with it; a new upload where there is none. */
  async find(signal) {
    try {
      if (this.kept) return await look(this.kept.url, signal);
    } catch (error) {
      if (error.status !== 404) throw error;
      this.forget();
    }
    const url = await announce(ENDPOINT, this.file, this.values, signal);
    begun[this.key] = { url, name: this.name, size: this.size, into: this.into };
    store();
    return { offset: 0, importId: null };
  }

  forget() {
    delete begun[this.key];
    store();
  }

  finish(importId) {
    this.forget();
    archives.delete(this.key);
    this.offset = this.size;
    this.show("done", `${sizeText(this.size)} received. It is being imported.`);
    const link = this.part("[data-import]");
    link.href = `/imports/${importId}`;
    link.hidden = false;
    this.part("progress").remove();
    const alone = list.children.length === 1 && document.getElementById("uploads").hidden;
    if (alone) location.assign(link.href);
  }

  pause() {
    this.stopping.abort();
    this.show("paused", `Paused at ${sizeText(this.offset)} of ${sizeText(this.size)}`);
    this.part("[data-do=resume]").focus();
  }

  async cancel() {
    this.stopping?.abort();
    if (this.kept) await giveUp(this.kept.url).catch(() => null); // what is left of it is erased after a week
    this.forget();
    this.row.remove();
    archives.delete(this.key);
    section.hidden = list.children.length === 0;
    say(`${this.name}: cancelled`);
  }
}

/** Sends archives; `fields` are the form's others, which say where they go. */
export function sendArchives(files, fields) {
  const values = Object.fromEntries(fields.filter(([, value]) => value));
  const into = values.new_collection ?? form.elements.collection?.selectedOptions[0].textContent;
  for (const file of files) {
    const archive = archives.get(keyOf(file)) ?? new Archive(keyOf(file), file.name, file.size);
    if (["waiting", "sending"].includes(archive.state)) continue;
    Object.assign(archive, { file, values, into });
    archive.start();
  }
}

/** What was begun before this page was loaded, and is not whole. */
async function remind(key, { url, name, size, into }) {
  const at = await look(url).catch(({ status }) => (status === 404 ? { importId: "gone" } : null));
  if (at?.importId) {
    delete begun[key];
    return store();
  }
  if (!at || archives.has(key)) return;
  const archive = new Archive(key, name, size);
  archive.offset = at.offset;
  archive.show("paused", `${sizeText(at.offset)} of ${sizeText(size)} are here, for ${into}. Choose the file again to go on.`);
}
for (const [key, one] of Object.entries(begun)) remind(key, one);

window.addEventListener("beforeunload", (event) => {
  if ([...archives.values()].some(({ state }) => ["waiting", "sending"].includes(state))) event.preventDefault();
});

// Uploads pictures file by file: each has its progress and its outcome, and one bad file stops no other. The page's own
// form is what is sent; the answer to each file is the same part that the page shows without JavaScript.
import { isArchive, sendArchives } from "./archives.js";
import { announce } from "./live.js";

const AT_ONCE = 2;
const ROWS_KEPT = 120;

const form = document.getElementById("upload");
const section = document.getElementById("uploads");
const list = section.querySelector("[data-upload-list]");
const summary = section.querySelector("[data-upload-summary]");
const total = section.querySelector("[data-upload-total]");
const retry = section.querySelector("[data-upload-retry]");
const link = section.querySelector("[data-upload-collection]");
const into = form.querySelector("[data-upload-into]");
const rowTemplate = document.getElementById("upload-row").content.firstElementChild;

const waiting = [];
const failed = [];
const counts = { all: 0, added: 0, existing: 0, refused: 0, failed: 0 };
let running = 0;
/** What goes with each file: the form's other fields. */
let fields = [];

function addRow(file) {
  const row = rowTemplate.cloneNode(true);
  const preview = row.querySelector("img");
  row.querySelector(".upload__name").textContent = file.name;
  row.querySelector("progress").setAttribute("aria-label", file.name);
  preview.src = URL.createObjectURL(file);
  preview.onload = () => URL.revokeObjectURL(preview.src);
  preview.onerror = () => preview.classList.add("is-broken");
  list.prepend(row);
  for (const old of [...list.querySelectorAll('[data-state="added"]')].slice(ROWS_KEPT)) old.remove();
  return row;
}

function finish(row, state, outcome) {
  row.dataset.state = state;
  row.querySelector("progress").remove();
  row.querySelector(".upload__outcome").replaceChildren(...outcome);
  counts[state] += 1;
}

function fail(row, file, why) {
  const badge = document.createElement("span");
  badge.className = "badge badge--bad";
  badge.textContent = "Failed";
  failed.push({ file, row });
  finish(row, "failed", [badge, why]);
}

/** The gallery's words on one file. */
function read(row, file, request) {
  const answer = new DOMParser().parseFromString(request.responseText, "text/html");
  const outcome = answer.querySelector("[data-outcome]");
  if (request.status < 300 && outcome) {
    link.href = answer.getElementById("upload-result").dataset.collectionUrl;
    outcome.querySelector(".outcome__name").remove();
    finish(row, outcome.dataset.outcome, [...outcome.childNodes]);
    return;
  }
  const words = ["[data-error-title]", "[data-error-detail]"].map((name) => answer.querySelector(name)?.textContent);
  fail(row, file, words.filter(Boolean).join(": ") || "The gallery did not answer.");
}

function send(file) {
  const row = addRow(file);
  const progress = row.querySelector("progress");
  const body = new FormData();
  for (const [name, value] of fields) body.append(name, value);
  body.append("files", file, file.name);
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.setRequestHeader("HX-Request", "true");
  request.upload.onprogress = ({ loaded, total: size }) => { progress.value = loaded / size; };
  request.upload.onload = () => progress.removeAttribute("value"); // sent; now the gallery looks at it
  request.onloadend = () => {
    running -= 1;
    if (request.status) read(row, file, request);
    else fail(row, file, "The connection broke.");
    advance();
  };
  request.send(body);
}

function show() {
  const done = counts.added + counts.existing + counts.refused + counts.failed;
  const over = done === counts.all;
  const words = [`${done} of ${counts.all}`];
  if (counts.existing) words.push(`${counts.existing} already there`);
  if (counts.refused) words.push(`${counts.refused} refused`);
  if (counts.failed) words.push(`${counts.failed} failed`);
  total.max = counts.all;
  total.value = done;
  summary.textContent = words.join(", ");
  section.querySelector("h2").textContent = over ? `${counts.added} added` : "Uploading";
  into.disabled = !over;
  retry.hidden = !over || failed.length === 0;
  link.hidden = !over || !link.href;
  if (over) announce(`Upload finished: ${counts.added} added, ${summary.textContent}`);
}

function advance() {
  // One goes first alone: it may have to make the collection.
  const atOnce = counts.added + counts.existing ? AT_ONCE : 1;
  while (running < atOnce && waiting.length) {
    running += 1;
    send(waiting.shift());
  }
  show();
}

function start(files) {
  waiting.push(...files);
  section.hidden = false;
  advance();
}

function add(files) {
  // Without a collection there is nowhere to go: the browser says which field is missing.
  if (files.length === 0 || !form.elements.new_collection.reportValidity()) return;
  if (!into.disabled) fields = [...new FormData(form)].filter(([, value]) => typeof value === "string");
  sendArchives(files.filter(isArchive), fields);
  const pictures = files.filter((file) => !isArchive(file));
  if (pictures.length === 0) return;
  counts.all += pictures.length;
  start(pictures);
}

function take(chooser) {
  add([...chooser.files]);
  chooser.value = "";
}
for (const chooser of [form.elements.files, form.elements.archives]) {
  chooser.addEventListener("change", () => take(chooser));
  // Chosen before this module was here to listen.
  if (chooser.files.length) take(chooser);
}
form.addEventListener("files-dropped", ({ detail }) => add(detail));
form.addEventListener("submit", (event) => event.preventDefault());

retry.addEventListener("click", () => {
  const again = failed.splice(0);
  counts.failed -= again.length;
  for (const { row } of again) row.remove();
  start(again.map(({ file }) => file));
});

window.addEventListener("beforeunload", (event) => { if (running) event.preventDefault(); });

// Find by picture: choose, drop or paste. Each fills the picture's form in the top bar and sends it, as a click would.
import { announce } from "./live.js";

const overlay = document.getElementById("overlay");
const title = overlay.querySelector("[data-drop-title]");
const preview = overlay.querySelector(".overlay__preview");
const form = document.getElementById("finder");
const input = form.querySelector('input[type="file"]');
/** A page may want dropped files for itself: it listens for "files-dropped" on this element. */
const receiver = document.querySelector("[data-receives-files]");

function show(state) {
  overlay.hidden = state === null;
  overlay.dataset.state = state ?? "";
}

function showBusy(file) {
  preview.hidden = false;
  preview.src = URL.createObjectURL(file);
  preview.onerror = () => { preview.hidden = true; };
  show("busy");
  announce("Looking for pictures like this");
}

/** Sends one picture as a query. */
export function ask(file) {
  const transfer = new DataTransfer();
  transfer.items.add(file);
  input.files = transfer.files;
  form.requestSubmit();
}

function take(files) {
  const pictures = [...files];
  if (pictures.length === 0) return;
  if (receiver) receiver.dispatchEvent(new CustomEvent("files-dropped", { detail: pictures }));
  else ask(pictures.find((file) => file.type.startsWith("image/")) ?? pictures[0]);
}

for (const each of document.querySelectorAll("[data-query-form]")) {
  const chooser = each.querySelector('input[type="file"]');
  chooser.addEventListener("change", () => { if (chooser.files.length) each.requestSubmit(); });
  each.addEventListener("submit", () => showBusy(chooser.files[0]));
}

overlay.querySelector("[data-cancel-query]").addEventListener("click", cancel);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || overlay.hidden) return;
  event.preventDefault();
  cancel();
});

function cancel() {
  window.stop();
  reset();
}

function reset() {
  show(null);
  for (const each of document.querySelectorAll("[data-query-form]")) each.reset();
}
// Back from the results may bring this very page out of the browser's memory.
window.addEventListener("pageshow", (event) => { if (event.persisted) reset(); });

const carriesFiles = (event) => event.dataTransfer?.types.includes("Files") ?? false;
let depth = 0;
if (receiver) title.textContent = receiver.dataset.receivesFiles;

document.addEventListener("dragenter", (event) => {
  if (!carriesFiles(event) || overlay.dataset.state === "busy") return;
  event.preventDefault();
  depth += 1;
  show("drop");
});
document.addEventListener("dragleave", (event) => {
  if (!carriesFiles(event)) return;
  depth = Math.max(0, depth - 1);
  if (depth === 0 && overlay.dataset.state === "drop") show(null);
});
document.addEventListener("dragover", (event) => { if (carriesFiles(event)) event.preventDefault(); });
document.addEventListener("drop", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  depth = 0;
  show(null);
  take(event.dataTransfer.files);
});

document.addEventListener("paste", (event) => {
  const files = event.clipboardData?.files ?? [];
  if (files.length === 0) return;
  event.preventDefault();
  take(files);
});

for (const button of document.querySelectorAll("[data-paste]")) button.addEventListener("click", pasteByButton);

async function pasteByButton({ currentTarget }) {
  const status = document.getElementById(currentTarget.getAttribute("aria-describedby"));
  currentTarget.addEventListener("blur", () => { status.textContent = ""; }, { once: true });
  try {
    for (const item of await navigator.clipboard.read()) {
      const type = item.types.find((each) => each.startsWith("image/"));
      if (type) return take([new File([await item.getType(type)], "pasted picture", { type })]);
    }
    status.textContent = "There is no picture in the clipboard.";
  } catch {
    status.textContent = "The browser keeps the clipboard closed to buttons: press Ctrl+V instead.";
  }
}

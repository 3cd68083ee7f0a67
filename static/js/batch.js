// Choosing many tiles: click, Shift for a range, Ctrl+A, X, Esc; the bar of actions shows once something is chosen.
import { announce } from "./live.js";

const TOAST_MS = 20_000;

// Looked up anew each time: results are swapped as a whole, with their bar.
const bar = () => document.querySelector("[data-batch]");
const chooser = () => document.querySelector("[data-choose]");
const toast = () => document.getElementById("toast");
const picks = () => [...document.querySelectorAll("#grid [data-pick]")];
const chosen = () => picks().filter((pick) => pick.checked);
let choosing = false; // by the button, before anything is chosen
let last = null; // where a range begins

const words = (n) => `${n.toLocaleString("en")} chosen`;

function show({ aloud = false } = {}) {
  const form = bar();
  if (!form) return; // nothing was found
  const n = chosen().length;
  if (!n && !form.matches(":focus-within")) closeMenus();
  form.classList.toggle("batch--open", n > 0);
  document.getElementById("grid").classList.toggle("grid--choosing", n > 0 || choosing);
  chooser()?.setAttribute("aria-pressed", String(n > 0 || choosing));
  form.querySelector("[data-batch-count]").textContent = words(n);
  if (aloud) announce(words(n));
}

const openMenus = () => document.querySelectorAll("[data-batch] details[open]");

function closeMenus() {
  for (const menu of openMenus()) menu.open = false;
}

function choose(all) {
  for (const pick of picks()) pick.checked = all;
  if (!all) choosing = false;
  last = null;
  show({ aloud: true });
}

/** All from the last one chosen to this one become as this one is. */
function chooseTo(pick) {
  const all = picks();
  const [from, to] = [all.indexOf(last), all.indexOf(pick)].sort((a, b) => a - b);
  for (const one of from < 0 ? [pick] : all.slice(from, to + 1)) one.checked = pick.checked;
}

document.addEventListener("click", (event) => {
  const tile = event.target.closest("#grid .tile");
  if (!tile) return;
  let pick = event.target.closest("[data-pick]");
  if (!pick && event.target.closest(".grid--choosing .tile__link") && !(event.ctrlKey || event.metaKey)) {
    event.preventDefault(); // while choosing, a tile is its box
    pick = tile.querySelector("[data-pick]");
    pick.checked = !pick.checked;
  }
  if (!pick) return;
  if (event.shiftKey) chooseTo(pick);
  last = pick;
  show({ aloud: true });
});

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-choose], [data-batch-clear]");
  if (!button) return;
  if (button.matches("[data-choose]") && button.getAttribute("aria-pressed") !== "true") {
    choosing = true;
    return show();
  }
  choose(false);
  if (button.matches("[data-batch-clear]")) document.querySelector("#grid .tile__link")?.focus();
});

const typing = (element) => element.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");
document.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]")) return;
  const [open] = openMenus();
  if (event.key === "Escape" && open) {
    open.open = false;
    open.querySelector("summary").focus();
  } else if (typing(event.target)) return;
  else if (event.key === "Escape" && document.querySelector(".grid--choosing")) choose(false);
  else if (event.key === "a" && (event.ctrlKey || event.metaKey) && bar()) choose(true);
  else return;
  event.preventDefault();
}, true);

document.addEventListener("click", ({ target }) => {
  for (const menu of openMenus()) if (!menu.contains(target)) menu.open = false;
});

// A download leaves the page as it is: its button can be pressed again.
document.addEventListener("submit", ({ submitter }) => {
  if (submitter?.matches("[data-batch-download]")) setTimeout(() => submitter.removeAttribute("aria-busy"), 1000);
});

/** What the step took out of this list goes from it. */
function removeTiles(ids) {
  for (const id of ids) document.querySelector(`#grid [data-pick][value="${id}"]`)?.closest(".tile").remove();
  if (!document.querySelector("#grid .tile")) return location.reload();
  const total = document.querySelector("[data-total]");
  if (!total) return;
  const left = Number(total.dataset.total) - ids.length;
  total.dataset.total = left;
  total.textContent = `${left.toLocaleString("en")} ${left === 1 ? "picture" : "pictures"}`;
}

let fading;
const close = () => toast()?.replaceChildren();
function waitAndClose() {
  clearTimeout(fading);
  fading = setTimeout(() => (toast()?.matches(":hover, :focus-within") ? waitAndClose() : close()), TOAST_MS);
}
document.addEventListener("click", ({ target }) => target.closest("[data-toast-close]") && close());

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target.id !== "toast") return show(); // more tiles, or other results
  const done = toast().querySelector("[data-toast]");
  if (!done) return;
  closeMenus();
  const gone = done.dataset.gone.split(" ").filter(Boolean);
  if (gone.length) removeTiles(gone);
  choose(false);
  announce(done.dataset.announce);
  toast().querySelector("form button")?.focus({ preventScroll: true });
  waitAndClose();
});

// Browsers keep ticked boxes over Back and reload.
window.addEventListener("pageshow", () => show());
show();

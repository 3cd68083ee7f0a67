// Choosing many tiles: click, Shift for a range, Ctrl+A, X, Esc; the bar of actions shows once something is chosen.
import { announce } from "./live.js";

const form = document.querySelector("[data-batch]");
const grid = document.getElementById("grid");
const toast = document.getElementById("toast");
const count = form.querySelector("[data-batch-count]");
const chooser = document.querySelector("[data-choose]");
const total = document.querySelector("[data-total]");
const TOAST_MS = 20_000;

const picks = () => [...grid.querySelectorAll("[data-pick]")];
const chosen = () => picks().filter((pick) => pick.checked);
let choosing = false; // by the button, before anything is chosen
let last = null; // where a range begins

const words = (n) => `${n.toLocaleString("en")} chosen`;

function show({ aloud = false } = {}) {
  const n = chosen().length;
  if (!n && !form.matches(":focus-within")) closeMenus();
  form.classList.toggle("batch--open", n > 0);
  grid.classList.toggle("grid--choosing", n > 0 || choosing);
  chooser?.setAttribute("aria-pressed", String(n > 0 || choosing));
  count.textContent = words(n);
  if (aloud) announce(words(n));
}

function closeMenus() {
  for (const menu of form.querySelectorAll("details[open]")) menu.open = false;
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

grid.addEventListener("click", (event) => {
  const tile = event.target.closest(".tile");
  if (!tile) return;
  let pick = event.target.closest("[data-pick]");
  if (!pick && event.target.closest(".tile__link") && grid.matches(".grid--choosing") && !(event.ctrlKey || event.metaKey)) {
    event.preventDefault(); // while choosing, a tile is its box
    pick = tile.querySelector("[data-pick]");
    pick.checked = !pick.checked;
  }
  if (!pick) return;
  if (event.shiftKey) chooseTo(pick);
  last = pick;
  show({ aloud: true });
});

chooser?.addEventListener("click", () => {
  if (chooser.getAttribute("aria-pressed") === "true") return choose(false);
  choosing = true;
  show();
});
form.querySelector("[data-batch-clear]").addEventListener("click", () => {
  choose(false);
  grid.querySelector(".tile__link")?.focus();
});

const typing = (element) => element.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");
document.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]")) return;
  const open = form.querySelector("details[open]");
  if (event.key === "Escape" && open) {
    open.open = false;
    open.querySelector("summary").focus();
  } else if (typing(event.target)) return;
  else if (event.key === "Escape" && grid.matches(".grid--choosing")) choose(false);
  else if (event.key === "a" && (event.ctrlKey || event.metaKey)) choose(true);
  else return;
  event.preventDefault();
}, true);

document.addEventListener("click", ({ target }) => {
  for (const menu of form.querySelectorAll("details[open]")) if (!menu.contains(target)) menu.open = false;
});

// A download leaves the page as it is: its button can be pressed again.
form.addEventListener("submit", ({ submitter }) => {
  if (submitter?.matches("[data-batch-download]")) setTimeout(() => submitter.removeAttribute("aria-busy"), 1000);
});

/** What the step took out of this list goes from it. */
function removeTiles(ids) {
  for (const id of ids) grid.querySelector(`[data-pick][value="${id}"]`)?.closest(".tile").remove();
  if (!grid.querySelector(".tile")) return location.reload();
  if (!total) return;
  const left = Number(total.dataset.total) - ids.length;
  total.dataset.total = left;
  total.textContent = `${left.toLocaleString("en")} ${left === 1 ? "picture" : "pictures"}`;
}

let fading;
const close = () => toast.replaceChildren();
function waitAndClose() {
  clearTimeout(fading);
  fading = setTimeout(() => (toast.matches(":hover, :focus-within") ? waitAndClose() : close()), TOAST_MS);
}
toast.addEventListener("click", ({ target }) => target.closest("[data-toast-close]") && close());

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target !== toast) return show(); // more tiles
  const done = toast.querySelector("[data-toast]");
  if (!done) return;
  closeMenus();
  const gone = done.dataset.gone.split(" ").filter(Boolean);
  if (gone.length) removeTiles(gone);
  choose(false);
  announce(done.dataset.announce);
  toast.querySelector("form button")?.focus({ preventScroll: true });
  waitAndClose();
});

// Browsers keep ticked boxes over Back and reload.
window.addEventListener("pageshow", () => show());
show();

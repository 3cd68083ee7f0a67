// What htmx swapped in: counts are announced, and an answer that is no part of ours becomes an error part.
import { announce } from "./live.js";

const tiles = () => document.querySelectorAll("[data-tiles] .tile").length;
let tilesBefore = tiles();

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  tilesBefore = tiles();
  if (detail.isError && !detail.serverResponse.includes('id="error-part"')) {
    detail.serverResponse = document.getElementById("error-template").innerHTML;
  }
});

document.addEventListener("htmx:afterSettle", ({ detail, target }) => {
  const message = target.dataset.announce;
  if (message) announce(message);
  else if (detail.target.id === "load-more") announce(`${tiles() - tilesBefore} more pictures, ${tiles()} in all`);
});

for (const failure of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(failure, () => announce("The gallery did not answer."));
}

// A job that has just ended changes the figures around it.
document.addEventListener("htmx:afterSwap", ({ target }) => {
  if (!target.matches("[data-job-ended]")) return;
  // What was said when it was begun is no longer so.
  document.querySelector("main > .notice--info")?.remove();
  target.dispatchEvent(new CustomEvent("job-ended", { bubbles: true }));
});

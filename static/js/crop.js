// Search by a part of a picture: a box on it, drawn with the pointer or moved by keys. The form's numbers are the truth.
import { announce } from "./live.js";

const area = document.getElementById("crop-area");
const picture = area.querySelector("svg");
const form = document.querySelector("[data-crop-form]");
const fields = ["x", "y", "width", "height"].map((name) => form.elements[name]);
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const clamp = (value, least, most) => Math.min(Math.max(Math.round(value), least), most);
const read = () => fields.map((field) => Number(field.value) || 0);

/** Width and height of the picture in its own pixels, which the box is drawn in. */
const { width: across, height: down } = picture.viewBox.baseVal;

function draw() {
  const sides = [across, down, across, down];
  const [x, y, width, height] = read().map((percent, i) => percent * sides[i] / 100);
  const edge = picture.querySelector(".crop-box__edge");
  Object.entries({ x, y, width, height }).forEach(([name, value]) => edge.setAttribute(name, value));
  picture.querySelector(".crop-box__shade").setAttribute("d",
    `M0 0h${across}v${down}h${-across}ZM${x} ${y}h${width}v${height}h${-width}Z`);
}

/** Takes a box in per cent of the picture, as much of it as lies within and is large enough. */
function write([x, y, width, height]) {
  const wide = clamp(width, Number(fields[2].min), 100);
  const high = clamp(height, Number(fields[3].min), 100);
  [clamp(x, 0, 100 - wide), clamp(y, 0, 100 - high), wide, high].forEach((value, i) => { fields[i].value = value; });
  draw();
}

form.addEventListener("input", draw);
area.tabIndex = 0;

area.addEventListener("keydown", (event) => {
  if (event.key === "Enter") return form.requestSubmit();
  const step = STEPS[event.key];
  if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  const box = read();
  const moved = event.shiftKey ? 2 : 0;
  write(box.map((value, i) => value + (step[i - moved] ?? 0)));
  const [x, y, width, height] = read();
  announce(`${x} % from the left, ${y} % from the top, ${width} % wide, ${height} % high`);
});

/** Where on the picture the pointer is, in per cent. */
const at = ({ clientX, clientY }) => {
  const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(picture.getScreenCTM().inverse());
  return [100 * x / across, 100 * y / down].map((value) => Math.min(Math.max(value, 0), 100));
};
/** What a drag does: given a point, the box. The first one draws; later ones that begin inside the box move it. */
let drag = null;
let drawn = area.hasAttribute("data-drawn");

area.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  const [fromX, fromY] = at(event);
  const [x, y, width, height] = read();
  const inside = drawn && fromX >= x && fromX <= x + width && fromY >= y && fromY <= y + height;
  drag = inside
    ? ([toX, toY]) => [x + toX - fromX, y + toY - fromY, width, height]
    : ([toX, toY]) => [Math.min(fromX, toX), Math.min(fromY, toY), Math.abs(toX - fromX), Math.abs(toY - fromY)];
  area.setPointerCapture(event.pointerId);
});
area.addEventListener("pointermove", (event) => {
  if (!drag) return;
  drawn = true;
  write(drag(at(event)));
});
for (const end of ["pointerup", "pointercancel"]) area.addEventListener(end, () => { drag = null; });

// What the audit's page needs beside the reports' looks: rows of copies, the list of advice, and the map with its script.

export const AUDIT_STYLE = `
.thumb.whole { object-fit: contain; }
.advice { margin: 12px 0; padding-left: 22px; } .advice li { margin: 6px 0; max-width: 68ch; color: var(--quiet); } .advice strong { color: var(--ink); font-weight: 600; }
.copies { margin: 18px 0; padding: 14px; border: 1px solid var(--rule); border-radius: 10px; background: var(--card); }
.copies .said { font-weight: 600; } .copies .row { display: flex; flex-wrap: wrap; gap: 12px; margin-top: 10px; }
.copies figure { margin: 0; width: 130px; font-size: 0.82rem; line-height: 1.35; } .copies .name { color: var(--quiet); overflow-wrap: anywhere; }
.copies .thumb { display: block; width: 130px; height: 100px; border-radius: 6px; background: var(--wash); }
.map { position: relative; margin: 14px 0; }
.map svg { display: block; width: 100%; height: auto; border: 1px solid var(--rule); border-radius: 10px; background: var(--card); touch-action: pan-y; }
.map circle { fill-opacity: 0.8; } .map .suspect { stroke: var(--ink); stroke-width: 1.6; }
.map .aside circle { fill-opacity: 0.08; } .map .aside .suspect { stroke-opacity: 0.15; }
.map .at { fill: none; stroke: var(--ink); stroke-width: 2.5; }
.classes { display: flex; margin-top: 10px; flex-wrap: wrap; gap: 4px 6px; max-height: 168px; overflow: auto; }
.classes button { all: unset; cursor: pointer; padding: 2px 9px; border: 1px solid var(--rule); border-radius: 99px; font-size: 0.82rem; }
.classes button:focus-visible { outline: 2px solid var(--s1); } .classes button[aria-pressed="true"] { background: var(--wash); border-color: var(--quiet); font-weight: 600; }
.classes button::before { content: ""; display: inline-block; width: 9px; height: 9px; margin-right: 6px; border-radius: 50%; background: var(--c); }
.tip { position: absolute; z-index: 1; display: flex; gap: 10px; width: 230px; padding: 8px; border: 1px solid var(--rule); border-radius: 8px; background: var(--card); box-shadow: 0 4px 18px rgb(0 0 0 / 0.18); font-size: 0.8rem; line-height: 1.3; overflow-wrap: anywhere; pointer-events: none; }
.tip[hidden] { display: none; } .tip .tile { flex: none; padding: 0; border: 0; border-radius: 4px; background-repeat: no-repeat; } .tip strong { display: block; }
@media print { .tip, .classes { display: none; } }
`;

/** Hovering, touching or stepping through the map shows pictures; a class's button sets the others aside. */
export const AUDIT_SCRIPT = `
for (const map of document.querySelectorAll(".map")) {
  const svg = map.querySelector("svg");
  const tip = map.querySelector(".tip");
  const tile = tip.querySelector(".tile");
  const ring = svg.querySelector(".at");
  const { columns, rows, side } = map.dataset;
  const zoom = 2;
  tile.style.width = tile.style.height = zoom * side + "px";
  tile.style.backgroundSize = zoom * side * columns + "px " + zoom * side * rows + "px";
  const points = [...svg.querySelectorAll("circle[data-i]")].map((dot) => ({ dot, x: +dot.getAttribute("cx"), y: +dot.getAttribute("cy") }));
  const hide = () => { tip.hidden = true; ring.setAttribute("r", 0); };
  const show = (event) => {
    const box = svg.getBoundingClientRect();
    const unit = svg.viewBox.baseVal.width / box.width;
    const x = (event.clientX - box.left) * unit;
    const y = (event.clientY - box.top) * unit;
    let best, least = (24 * unit) ** 2;
    for (const point of points) {
      if (point.dot.parentNode.classList.contains("aside")) continue;
      const distance = (point.x - x) ** 2 + (point.y - y) ** 2;
      if (distance < least) [best, least] = [point, distance];
    }
    if (best === undefined) return hide();
    const { i, name, text } = best.dot.dataset;
    tile.style.backgroundPosition = -zoom * side * (i % columns) + "px " + -zoom * side * Math.floor(i / columns) + "px";
    tip.querySelector("strong").textContent = text;
    tip.querySelector("span").textContent = name;
    tip.hidden = false;
    ring.setAttribute("cx", best.x); ring.setAttribute("cy", best.y); ring.setAttribute("r", 7);
    const left = best.x / unit, top = best.y / unit;
    tip.style.left = Math.max(0, Math.min(left + 14, box.width - tip.offsetWidth)) + "px";
    tip.style.top = (top + 16 + tip.offsetHeight > box.height ? Math.max(0, top - tip.offsetHeight - 12) : top + 16) + "px";
  };
  svg.addEventListener("pointermove", show);
  svg.addEventListener("pointerdown", show);
  svg.addEventListener("pointerleave", hide);
  const buttons = [...map.querySelectorAll(".classes button")];
  for (const button of buttons)
    button.addEventListener("click", () => {
      const isOn = button.getAttribute("aria-pressed") !== "true";
      for (const other of buttons) other.setAttribute("aria-pressed", String(isOn && other === button));
      for (const group of svg.querySelectorAll("g[data-class]"))
        group.classList.toggle("aside", isOn && group.dataset.class !== button.dataset.class);
      hide();
    });
}
`;

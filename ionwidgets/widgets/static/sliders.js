// A native range input a conductance. Its positions index `stops` (0, then a logarithmic scale that holds 1); a value
// that the kernel has set may lie between two of them, and stays until its slider is moved. The readout says exactly
// what is simulated.

const node = (tag, attributes = {}, text = "") => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
};

const nearest = (stops, value) =>
  stops.reduce((best, stop, index) => (Math.abs(stop - value) < Math.abs(stops[best] - value) ? index : best), 0);

const readout = (value) => `×${Number(value.toPrecision(3))}`;

function render({ model, el }) {
  const uid = `ionw-sliders-${Math.random().toString(36).slice(2)}`;
  const root = node("div", { class: "ionw-sliders", role: "group", "aria-label": "Conductances, relative to control" });
  const rows = new Map();

  function paint(name) {
    const { input, output, row, value } = rows.get(name);
    const stops = model.get("stops");
    const share = (index) => index / (stops.length - 1);
    const one = nearest(stops, 1);
    const at = Number(input.value);
    output.textContent = readout(value);
    input.setAttribute("aria-valuetext", value === 0 ? "×0, blocked" : value === 1 ? "×1, control" : readout(value));
    row.style.setProperty("--one", share(one));
    row.style.setProperty("--low", share(Math.min(one, at)));
    row.style.setProperty("--high", share(Math.max(one, at)));
    row.classList.toggle("is-changed", value !== 1);
  }

  const moved = (name) => {
    rows.get(name).value = model.get("stops")[rows.get(name).input.value];
    paint(name);
    kernel.moved(Object.fromEntries([...rows].map(([name, { value }]) => [name, value]).filter(([, value]) => value !== 1)));
  };

  function show(scale) {
    const stops = model.get("stops");
    for (const [name, entry] of rows) {
      entry.value = scale[name] ?? 1;
      entry.input.value = String(nearest(stops, entry.value));
      paint(name);
    }
  }

  function build() {
    root.replaceChildren();
    rows.clear();
    const stops = model.get("stops");
    for (const { name, note } of model.get("conductances")) {
      const id = `${uid}-${name}`;
      const row = node("div", { class: "ionw-slider" });
      const label = node("label", { for: id }, name);
      const detail = node("span", { class: "ionw-slider-note", id: `${id}-note` }, note);
      const input = node("input", {
        id, type: "range", min: 0, max: stops.length - 1, step: 1, "aria-describedby": `${id}-note`,
        title: "Double-click: back to ×1",
      });
      const output = node("span", { class: "ionw-slider-value", "aria-hidden": "true" });
      input.addEventListener("input", () => moved(name));
      input.addEventListener("dblclick", () => {
        input.value = String(nearest(stops, 1));
        moved(name);
      });
      row.append(label, detail, input, output);
      root.append(row);
      rows.set(name, { row, input, output, value: 1 });
    }
    show(model.get("_told").value);
  }

  const kernel = talk(model, show);
  model.on("change:conductances", build);
  model.on("change:stops", build);
  build();
  el.append(root);
  return () => {
    kernel.end();
    model.off("change:conductances", build);
    model.off("change:stops", build);
  };
}

export default { render };
